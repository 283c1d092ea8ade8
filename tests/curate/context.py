"""A context that holds everything in memory, and a driver for global operators: what the tests of operators run on."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image as Pixels

from limner.corpus.media import MediaInfo, sha256
from limner.curate.operator import Reason, Signatures, Verdict
from limner.document import Document, Part


@dataclass
class MemoryContext:
    """Media in a dictionary; what was dropped and noted in lists of (document id, part n or None, reason)."""

    files: dict[str, bytes] = field(default_factory=dict)
    infos: dict[str, MediaInfo] = field(default_factory=dict)
    dropped: list[tuple[str, int | None, Reason]] = field(default_factory=list)
    notes: list[tuple[str, int | None, Reason]] = field(default_factory=list)

    def put(self, data: bytes) -> MediaInfo:
        ref = sha256(data)
        if ref not in self.infos:
            mime, width, height = "application/octet-stream", 0, 0
            try:
                with Pixels.open(io.BytesIO(data)) as image:
                    mime, (width, height) = image.get_format_mimetype() or mime, image.size
            except OSError:
                mime = "text/plain" if data.isascii() else mime
            self.files[ref] = data
            self.infos[ref] = MediaInfo(ref, mime, width, height, len(data))
        return self.infos[ref]

    def media(self, ref: str) -> bytes | None:
        return self.files.get(ref)

    def info(self, ref: str) -> MediaInfo | None:
        return self.infos.get(ref)

    def drop(self, document: Document, part: Part | None, reason: Reason) -> None:
        self.dropped.append((document.id, None if part is None else part.n, reason))

    def note(self, document: Document, part: Part | None, reason: Reason) -> None:
        self.notes.append((document.id, None if part is None else part.n, reason))


def sign(operator: Any, documents: Iterable[Document], folder: Path, context: MemoryContext | None = None) -> Signatures:
    """The signatures of `documents`, written as the runner writes them: Parquet with `order` and `document`."""
    context = context or MemoryContext()
    rows: list[dict[str, Any]] = []
    for order, document in enumerate(documents):
        rows += [{"order": order, "document": document.id, **row} for row in operator.signature(document, context)]
    schema = pa.schema([pa.field("order", pa.int64()), pa.field("document", pa.string()), *operator.columns])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "signatures.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
    return Signatures([str(path)], str(folder / "scratch"), 256 << 20)


def decide(operator: Any, documents: Sequence[Document], folder: Path) -> list[Verdict]:
    """The verdicts of a global operator over `documents`, sorted by document and part."""
    return sorted(operator.decide(sign(operator, documents, folder)), key=lambda verdict: verdict[:2])


def apply(operator: Any, documents: Sequence[Document], folder: Path) -> tuple[list[Document], MemoryContext]:
    """What is left of `documents` after a global operator, and the ledger: the second pass."""
    from limner.curate.operator import drop_parts

    context = MemoryContext()
    verdicts = decide(operator, documents, folder)
    left: list[Document] = []
    for order, document in enumerate(documents):
        mine = [verdict for verdict in verdicts if verdict.order == order]
        whole = next((verdict for verdict in mine if verdict.part < 0), None)
        if whole:
            context.drop(document, None, whole.reason)
        else:
            left += drop_parts(document, {verdict.part: verdict.reason for verdict in mine}, context)
    return left, context
