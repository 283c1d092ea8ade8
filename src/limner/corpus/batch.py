"""Writing a batch: documents, media, ledger and rejects to files of one stem, then the commit that makes them count."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from limner.corpus import tables
from limner.corpus.commit import Commit
from limner.corpus.media import MediaInfo
from limner.corpus.probe import probe
from limner.corpus.shard import ShardWriter, extension
from limner.corpus.store import Store
from limner.document import Document, Text

ROWS_A_GROUP = 32
SPOOL_BYTES = 64 * 2**20


class BatchWriter:
    """Collects one batch and commits it; what is not committed does not count.

    Only media that a document refers to are kept when the batch is committed; bytes go to the shard in the
    order of the documents, so that a range of documents is a range of its media.
    """

    def __init__(self, store: Store, stem: str):
        self.store = store
        self.stem = stem
        self.documents: list[Document] = []
        self.ledger: list[tuple[Any, ...]] = []
        self.dropped: list[tuple[Any, ...]] = []
        self.rejects: list[tuple[str, str, str, str]] = []
        self._sidecars: dict[str, pa.Table] = {}
        self._infos: dict[str, MediaInfo] = {}
        self._places: dict[str, int] = {}
        # Bytes beyond the bound go to a temporary file: a batch of any size needs no more memory than this.
        self._spool = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed by close()
        self._end = 0

    def put(self, data: bytes) -> MediaInfo:
        """Hold `data` for this batch, once, and return what its header says."""
        info = probe(data)
        self.carry(info, data)
        return info

    def carry(self, info: MediaInfo, data: bytes) -> None:
        """Hold a file whose facts are known already (from another corpus)."""
        if info.ref in self._infos:
            return
        self._spool.seek(self._end)
        self._spool.write(data)
        self._infos[info.ref] = info
        self._places[info.ref] = self._end
        self._end += len(data)

    def media(self, ref: str) -> bytes | None:
        """The bytes held for this batch."""
        if ref not in self._infos:
            return None
        self._spool.seek(self._places[ref])
        return self._spool.read(self._infos[ref].size)

    def info(self, ref: str) -> MediaInfo | None:
        """What is known of bytes held for this batch."""
        return self._infos.get(ref)

    def add(self, document: Document) -> None:
        """Append a document."""
        self.documents.append(document)

    def sidecar(self, name: str, table: pa.Table) -> None:
        """Write `table` (features, signatures, …) beside this batch, in the folder `sidecar-NAME`."""
        self._sidecars[name] = table

    def close(self) -> None:
        """Let go of the bytes held."""
        self._spool.close()

    def commit(self, inputs: Sequence[str] = (), digest: str = "", replaces: Sequence[str] = (), **counts: int) -> Commit:
        """Write every file, then the record; returns the commit."""
        files: dict[str, int] = {}
        if self.documents:
            table = tables.encode(self.documents)
            files.update(self._parquet("documents", table, row_group_size=ROWS_A_GROUP))
        files.update(self._media())
        for folder, schema, values in (
            ("ledger", tables.LEDGER, self.ledger),
            ("dropped", tables.DROPPED, self.dropped),
            ("rejects", tables.REJECTS, self.rejects),
        ):
            if values:
                files.update(self._parquet(folder, tables.rows(schema, values)))
        for name, table in self._sidecars.items():
            files.update(self._parquet(f"sidecar-{name}", table))
        totals = {**count(self.documents), "rejects": len(self.rejects), **counts}
        commit = Commit(self.stem, list(inputs), files, totals, digest, list(replaces))
        commit.write(self.store)
        return commit

    def _parquet(self, folder: str, table: pa.Table, **options: Any) -> dict[str, int]:
        buffer = BytesIO()
        pq.write_table(table, buffer, compression="zstd", **options)
        name = f"{folder}/{self.stem}.parquet"
        self.store.write(name, buffer.getvalue())
        return {name: buffer.tell()}

    def _media(self) -> dict[str, int]:
        wanted = list(dict.fromkeys(
            part.ref for d in self.documents for part in d.parts if not isinstance(part, Text) and part.ref in self._infos
        ))  # fmt: skip
        if not wanted:
            return {}
        handle, path = tempfile.mkstemp(prefix=f"{self.stem}-", suffix=".tar", dir=self.store.scratch())
        os.close(handle)
        shard = ShardWriter(path)
        table: list[tuple[Any, ...]] = []
        for ref in wanted:
            info = self._infos[ref]
            offset = shard.add(f"{ref}.{extension(info.mime)}", self.media(ref) or b"")
            table.append((ref, info.mime, info.width, info.height, info.size, offset))
        shard.close()
        os.chmod(path, 0o644)
        name = f"media/{self.stem}.tar"
        size = os.path.getsize(path)
        self.store.put(path, name)
        return {name: size, **self._parquet("media", tables.rows(tables.MEDIA, table))}


def count(documents: Sequence[Document]) -> dict[str, int]:
    """What a corpus says of itself: documents, parts, images, stored images, words."""
    images = [image for document in documents for image in document.images]
    return {
        "documents": len(documents),
        "parts": sum(len(document) for document in documents),
        "images": len(images),
        "stored": sum(1 for image in images if image.ref),
        "words": sum(len(text.text.split()) for document in documents for text in document.texts),
    }
