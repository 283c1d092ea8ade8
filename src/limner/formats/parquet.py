"""Parquet files, written and read a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from limner.corpus.tables import array
from limner.errors import FormatError
from limner.formats.folder import Folder

GROUP_ROWS = 100
GROUP_BYTES = 64 * 2**20
"""A row group is written when it has so many rows or so many bytes of media."""

BATCH_BYTES = 16 * 2**20
"""About as many bytes of rows are held at once."""

MAX_GROUP = 4 * 2**30
"""No row group that says it has more bytes than this, decoded, is read."""


class Writer:
    """Writes rows given as dictionaries of the columns of `schema`."""

    def __init__(self, path: Path, schema: pa.Schema):
        self._schema = schema
        self._file = pq.ParquetWriter(path, schema, compression="zstd")
        self._rows: list[dict[str, Any]] = []
        self._bytes = 0

    def add(self, row: dict[str, Any], size: int = 0) -> None:
        """Add a row that has about `size` bytes of media in it."""
        self._rows.append(row)
        self._bytes += size
        if len(self._rows) >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        if self._rows:
            columns = [array([row[field.name] for row in self._rows], field.type) for field in self._schema]
            self._file.write_table(pa.table(columns, schema=self._schema))
        self._rows, self._bytes = [], 0

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.flush()
        self._file.close()


def rows(folder: Folder, name: str, columns: Sequence[str], needed: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a file, with their places: those of `columns` that it has. Raises `FormatError` where it has none of
    `needed`, and where it is damaged."""
    with folder.open(name) as file:
        try:
            table = pq.ParquetFile(file)
            have = [column for column in columns if column in table.schema_arrow.names]
            if not any(column in have for column in needed):
                raise FormatError(f"it has no column {' or '.join(needed)}; it has {', '.join(table.schema_arrow.names[:20])}")
            number = 0
            for group in range(table.num_row_groups):
                size, count = table.metadata.row_group(group).total_byte_size, table.metadata.row_group(group).num_rows
                if size > MAX_GROUP:
                    raise FormatError(f"row group {group} has more than {MAX_GROUP:,} bytes")
                for batch in table.iter_batches(
                    max(min(BATCH_BYTES * count // max(size, 1), 100), 1), row_groups=[group], columns=have, use_threads=False
                ):
                    for row in cast("list[dict[str, Any]]", batch.to_pylist()):
                        number += 1
                        yield f"row {number}", row
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise FormatError(f"damaged: {str(error)[:200]}") from None
