"""A batch as tables: what a compaction, a merge or a take-down reads, changes, and writes again as a new batch.

Documents stay Arrow rows from one batch to the next, so what is not touched is the same to the last value.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

from limner.corpus import sealed, tables
from limner.corpus.commit import Commit
from limner.corpus.media import MediaInfo
from limner.corpus.parquet import read_table
from limner.corpus.shard import ShardWriter, extension
from limner.corpus.shards import Reader
from limner.corpus.store import Store

ROWS_A_GROUP = 32
pc: Any = pyarrow.compute
SIDECAR = "sidecar-"


@dataclass
class Content:
    """Tables of one batch, or of several put together. `infos` has the media by sha256, and `bytes_of` reads one of them."""

    documents: pa.Table = field(default_factory=tables.DOCUMENTS.empty_table)
    ledger: pa.Table = field(default_factory=tables.LEDGER.empty_table)
    dropped: pa.Table = field(default_factory=tables.DROPPED.empty_table)
    rejects: pa.Table = field(default_factory=tables.REJECTS.empty_table)
    sidecars: dict[str, pa.Table] = field(default_factory=dict[str, pa.Table])
    infos: dict[str, MediaInfo] = field(default_factory=dict[str, MediaInfo])
    bytes_of: Callable[[str], bytes] = field(default=lambda ref: b"")

    def refs(self) -> list[str]:
        """The sha256 of every stored file that a document refers to, in the order of first use."""
        used = parts_column(self.documents, "ref").drop_null().unique().to_pylist()
        return [ref for ref in used if ref in self.infos]


def parts_column(documents: pa.Table, name: str) -> pa.Array:
    """One field of all parts of a table of documents, flat."""
    parts = documents.column("parts").combine_chunks()
    if isinstance(parts, pa.ChunkedArray):  # a table of no chunks stays chunked
        parts = pa.concat_arrays(parts.chunks) if parts.num_chunks else pa.array([], tables.DOCUMENTS.field("parts").type)
    return pc.struct_field(parts.flatten(), name)


def read(reader: Reader, commits: Sequence[Commit]) -> Content:
    """The content of several batches put together, in their order; a file that several of them store is there once."""
    out: dict[str, list[pa.Table]] = {}
    sidecars: dict[str, list[pa.Table]] = {}
    infos: dict[str, MediaInfo] = {}
    where: dict[str, Commit] = {}
    for commit in commits:
        for name in sorted(commit.files):
            folder = name.partition("/")[0]
            if folder == "media":
                continue
            table = read_table(reader.store, name)
            if folder.startswith(SIDECAR):
                sidecars.setdefault(folder.removeprefix(SIDECAR), []).append(table)
            else:
                out.setdefault(folder, []).append(table)
        for ref, (info, _) in reader.table(commit).items():
            if ref not in infos:
                infos[ref], where[ref] = info, commit

    def bytes_of(ref: str) -> bytes:
        info, offset = reader.table(where[ref])[ref]
        return reader.bytes(where[ref], offset, offset + info.size)

    joined = {folder: pa.concat_tables(found) for folder, found in out.items()}
    beside = {name: pa.concat_tables(found, promote_options="default") for name, found in sidecars.items()}
    return Content(**joined, sidecars=beside, infos=infos, bytes_of=bytes_of)


def write(
    store: Store,
    stem: str,
    content: Content,
    *,
    inputs: Sequence[str] = (),
    digest: str = "",
    replaces: Sequence[str] = (),
    counts: dict[str, int] | None = None,
) -> Commit:
    """Write the files of a batch. It does not count until the commit that is returned is written too."""
    files: dict[str, int] = {}
    digests: dict[str, str] = {}
    groups = 0

    def parquet(folder: str, table: pa.Table, **options: Any) -> None:
        buffer = BytesIO()
        pq.write_table(table, buffer, compression="zstd", **options)
        name, data = f"{folder}/{stem}.parquet", buffer.getvalue()
        store.write(name, data)
        files[name], digests[name] = len(data), sealed.digest(data)

    if content.documents.num_rows:
        groups = -(-content.documents.num_rows // ROWS_A_GROUP)
        # For groups of so few rows dictionaries cost more than they save, in time and, under zstd, in bytes.
        parquet("documents", content.documents, row_group_size=ROWS_A_GROUP, use_dictionary=False)
    if wanted := content.refs():
        files[f"media/{stem}.tar"], table = _media(store, stem, wanted, content)
        parquet("media", table)
    for folder in ("ledger", "dropped", "rejects"):
        rows: pa.Table = getattr(content, folder)
        if rows.num_rows:
            parquet(folder, rows)
    for name, beside in content.sidecars.items():
        parquet(f"{SIDECAR}{name}", beside)
    totals = counts if counts is not None else {**count(content.documents), "rejects": content.rejects.num_rows}
    return Commit(stem, list(inputs), files, totals, digest, list(replaces), groups, digests)


def _media(store: Store, stem: str, wanted: Sequence[str], content: Content) -> tuple[int, pa.Table]:
    handle, path = tempfile.mkstemp(prefix=f"{stem}-", suffix=".tar", dir=store.scratch())
    os.close(handle)
    try:
        table = _shard(path, wanted, content)
        os.chmod(path, 0o644)
        size = os.path.getsize(path)
        store.put(path, f"media/{stem}.tar")
    except BaseException:
        if os.path.exists(path):
            os.unlink(path)
        raise
    return size, table


def _shard(path: str, wanted: Iterable[str], content: Content) -> pa.Table:
    shard = ShardWriter(path)
    table: list[tuple[Any, ...]] = []
    try:
        for ref in wanted:
            info = content.infos[ref]
            offset = shard.add(f"{ref}.{extension(info.mime)}", content.bytes_of(ref))
            table.append((ref, info.mime, info.width, info.height, info.size, offset))
    finally:
        shard.close()
    return tables.rows(tables.MEDIA, table)


def count(documents: pa.Table) -> dict[str, int]:
    """What a corpus says of itself: documents, parts, images, stored images, words."""
    kinds = parts_column(documents, "type")
    images = pc.equal(kinds, "image")
    texts = parts_column(documents, "text").drop_null()
    return {
        "documents": documents.num_rows,
        "parts": len(kinds),
        "images": pc.sum(images).as_py() or 0,
        "stored": pc.sum(pc.and_(images, pc.is_valid(parts_column(documents, "ref")))).as_py() or 0,
        "words": sum(len(text.split()) for text in texts.to_pylist()),
    }
