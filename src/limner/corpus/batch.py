"""Writing a batch: documents, media, ledger and rejects to files of one stem, then the commit that makes them count."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from limner.corpus import tables
from limner.corpus.commit import Commit
from limner.corpus.content import Content, write
from limner.corpus.media import MediaInfo
from limner.corpus.probe import probe
from limner.corpus.store import Store
from limner.document import Document

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
        return self._held(ref) if ref in self._infos else None

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
        content = Content(
            documents=tables.encode(self.documents),
            ledger=tables.rows(tables.LEDGER, self.ledger),
            dropped=tables.rows(tables.DROPPED, self.dropped),
            rejects=tables.rows(tables.REJECTS, self.rejects),
            sidecars=self._sidecars,
            infos=self._infos,
            bytes_of=self._held,
        )
        written = write(self.store, self.stem, content, inputs=inputs, digest=digest, replaces=replaces)
        commit = replace(written, counts={**written.counts, **counts})
        commit.write(self.store)
        return commit

    def _held(self, ref: str) -> bytes:
        self._spool.seek(self._places[ref])
        return self._spool.read(self._infos[ref].size)
