"""The files of benchmarks: JSON, JSON lines, CSV, TSV and Parquet, a record at a time, each of which knows where it stands.

Files are hostile input: sizes and depth are bounded, no path leads out of the folder, nothing is unpickled. A benchmark is a measure, so
a record that is not what the authors' schema says stops it: `BenchmarkError` names the file, the record and what is wrong.

    data = opened(path, "ISG-Bench.jsonl and images/")
    for row in rows(data, "ISG-Bench.jsonl"):
        question, picture = row.text("Query"), row.file(data, row.text("image"))
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from limner.errors import FormatError
from limner.evaluate.benchmark import BenchmarkError
from limner.formats.fileformat import Bad
from limner.formats.folder import Folder
from limner.formats.lines import json_rows
from limner.formats.values import kind, loads

LARGEST_OBJECT = 512 * 2**20
"""Bytes of a file that is one JSON object, which must be held whole."""

LARGEST_CELL = 2**20
"""Characters of a cell of CSV or TSV."""

DEEPEST = 64
"""Levels of lists and objects in one another that a record may have."""

_TAGS = re.compile(r"<[^<>]*>")


def opened(data: Path | None, holds: str) -> Folder:
    """The folder a benchmark reads; `holds` says what must lie in it. Raises `BenchmarkError` where there is none."""
    if data is None:
        raise BenchmarkError(f"this benchmark reads its authors' files; name their folder with --data: {holds}")
    try:
        return Folder(data)
    except FormatError as error:
        raise BenchmarkError(f"{error} ({holds})") from None


def one_of(data: Folder, *names: str) -> str:
    """The first of the names that is a file of the folder."""
    for name in names:
        if data.path(name):
            return name
    raise BenchmarkError(f"{data.root} has none of {', '.join(names)}")


def below(data: Folder, start: str, *endings: str) -> list[str]:
    """The names of the files under `start` ("" for all) with one of the endings, sorted; at least one."""
    found = [name for name in data.names() if name.startswith(start) and name.lower().endswith(endings)]
    if not found:
        raise BenchmarkError(f"{data.root} has no file {start}*{' or '.join(endings)}")
    return found


def digest(file: Path) -> str:
    """The sha256 of a file."""
    with open(file, "rb") as opened_file:
        return hashlib.file_digest(opened_file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Row:
    """A record: its values by name, and where it stands, which every error says."""

    where: str
    values: Mapping[str, Any]

    def wrong(self, what: str) -> BenchmarkError:
        """The error that this record is not what the schema says."""
        return BenchmarkError(f"{self.where}: {what}")

    def get(self, name: str) -> Any:
        """A value as it is, None where there is none."""
        return self.values.get(name)

    def has(self, name: str) -> bool:
        """Whether there is a value that says something."""
        return self.values.get(name) not in (None, "", [], {})

    def text(self, name: str, default: str | None = None) -> str:
        """A text; a number as one. Raises where it is missing, unless there is a default, or is something else."""
        value = self._value(name, default)
        if isinstance(value, str):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        raise self.wrong(f"{name} is {kind(value)}, not text")

    def number(self, name: str, default: float | None = None) -> float:
        """A finite number, or a text that is one."""
        value = self._value(name, default)
        if isinstance(value, int | float | str) and not isinstance(value, bool):
            try:
                read = float(value)
            except (ValueError, OverflowError):
                read = math.nan
            if math.isfinite(read):
                return read
        raise self.wrong(f"{name} is {repr(value)[:60]}, not a finite number")

    def whole(self, name: str, default: int | None = None) -> int:
        """A whole number."""
        value = self.number(name, default)
        if value != int(value):
            raise self.wrong(f"{name} is {value}, not a whole number")
        return int(value)

    def list(self, name: str, default: Sequence[Any] | None = None) -> list[Any]:
        """A list of anything."""
        value = self._value(name, default)
        if not isinstance(value, list | tuple):
            raise self.wrong(f"{name} is {kind(value)}, not a list")
        return list(cast("Sequence[Any]", value))

    def texts(self, name: str, default: Sequence[str] | None = None) -> list[str]:
        """A list of texts."""
        found = self.list(name, default)
        for value in found:
            if not isinstance(value, str):
                raise self.wrong(f"{name} has {kind(value)} in it, not text")
        return found

    def row(self, name: str) -> Row:
        """An object inside, a record of its own."""
        value = self._value(name, None)
        if not isinstance(value, dict):
            raise self.wrong(f"{name} is {kind(value)}, not an object")
        return Row(f"{self.where}, {name}", cast("dict[str, Any]", value))

    def rows(self, name: str, default: Sequence[Any] | None = None) -> list[Row]:
        """A list of objects inside, each a record of its own."""
        found: list[Row] = []
        for number, value in enumerate(self.list(name, default)):
            if not isinstance(value, dict):
                raise self.wrong(f"{name}[{number}] is {kind(value)}, not an object")
            found.append(Row(f"{self.where}, {name}[{number}]", cast("dict[str, Any]", value)))
        return found

    def file(self, data: Folder, name: str) -> Path:
        """The file of the folder that a text of this record names. Raises where it is none, or leads out of the folder."""
        path = data.path(name)
        if path is None:
            raise self.wrong(f"it names {name[:200]!r}, which is no file in {data.root}")
        return path

    def _value(self, name: str, default: Any) -> Any:
        value = self.values.get(name)
        if value is None:
            if default is None:
                raise self.wrong(f"it has no {name}")
            return default
        return value


def rows(data: Folder, name: str, *, quoted: bool = True, columns: Sequence[str] | None = None) -> Iterator[Row]:
    """The records of a file, by its ending: .jsonl, .json (an array, or lines), .csv, .tsv (whose quotes mean nothing where not `quoted`) or
    .parquet (of which only `columns`). Raises `BenchmarkError` for the first that cannot be read."""
    ending = name.lower().removesuffix(".gz").rpartition(".")[2]
    try:
        if ending in ("json", "jsonl"):
            yield from _json(data, name)
        elif ending in ("csv", "tsv"):
            with data.open(name) as file:
                yield from _separated(file, name, "," if ending == "csv" else "\t", quoted)
        elif ending == "parquet":
            yield from _parquet(data, name, columns)
        else:
            raise BenchmarkError(f"{name} is not .json, .jsonl, .csv, .tsv or .parquet")
    except FormatError as error:
        raise BenchmarkError(f"{name}: {error}") from None


def markdown_table(data: Folder, name: str, *heads: str) -> list[Row]:
    """The rows of the first table of a Markdown page that has these heads, without the marks of bold type."""
    try:
        with data.open(name) as file:
            lines = file.read(LARGEST_CELL * 8).decode("utf-8-sig").splitlines()
    except (FormatError, OSError, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{name}: {error}") from None
    names: list[str] = []
    found: list[Row] = []
    for number, line in enumerate(lines, 1):
        cells = [_TAGS.sub("", cell).strip(" *:") for cell in line.strip().strip("|").split("|")]
        if not names:
            names = cells if set(heads) <= set(cells) else []
        elif len(cells) != len(names):
            break
        elif set(line) - set("|-: "):
            found.append(Row(f"{name}, line {number}", dict(zip(names, cells, strict=True))))
    if not found:
        raise BenchmarkError(f"{name} has no table of {', '.join(heads)}")
    return found


def whole(data: Folder, name: str) -> Row:
    """A file that is one JSON object."""
    try:
        with data.open(name) as file:
            content = file.read(LARGEST_OBJECT + 1)
        if len(content) > LARGEST_OBJECT:
            raise BenchmarkError(f"{name} has more than {LARGEST_OBJECT:,} bytes")
        value = loads(content.removeprefix(b"\xef\xbb\xbf"))
    except (FormatError, OSError) as error:
        raise BenchmarkError(f"{name}: {error}") from None
    return _row(name, value)


def _json(data: Folder, name: str) -> Iterator[Row]:
    for where, value in json_rows(data, name):
        if isinstance(value, Bad):
            raise BenchmarkError(f"{name}, {where}: {value.error}")
        yield _row(f"{name}, {where}", value)


def _row(where: str, value: object) -> Row:
    if not isinstance(value, dict):
        raise BenchmarkError(f"{where} is {kind(value)}, not an object")
    if _deeper(value, DEEPEST):
        raise BenchmarkError(f"{where} is nested more than {DEEPEST} deep")
    return Row(where, cast("dict[str, Any]", value))


def _deeper(value: object, levels: int) -> bool:
    """Whether lists and objects lie in one another more than so deep. Depth first with an own stack: Python's is the attacker's."""
    stack: list[tuple[object, int]] = [(value, 1)]
    while stack:
        node, depth = stack.pop()
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        if inner and depth > levels:
            return True
        stack += [(child, depth + 1) for child in inner if isinstance(child, dict | list)]
    return False


def _separated(file: IO[bytes], name: str, separator: str, quoted: bool) -> Iterator[Row]:
    text = io.TextIOWrapper(file, "utf-8-sig", newline="\n")
    # `readline` with a bound: a file without line ends must not come into memory whole. A carriage return inside a line is white space of a
    # cell (GenEval's votes have four) and not its end.
    lines = (line.rstrip("\r\n").replace("\r", " ") + "\n" for line in iter(lambda: text.readline(LARGEST_CELL * 4), ""))
    reader = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE, strict=True)
    try:
        names = next(reader, [])
        if len(set(names)) != len(names) or not names:
            raise BenchmarkError(f"{name}: its first line is not the names of its columns")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                raise BenchmarkError(f"{name}, line {reader.line_num}: {len(cells)} cells under {len(names)} names")
            yield Row(f"{name}, line {reader.line_num}", dict(zip(names, cells, strict=True)))
    except (csv.Error, UnicodeDecodeError) as error:
        raise BenchmarkError(f"{name}, line {reader.line_num + 1}: {error}") from None


def _parquet(data: Folder, name: str, columns: Sequence[str] | None) -> Iterator[Row]:
    path = data.path(name)
    if path is None:
        raise BenchmarkError(f"{name} is not a file inside {data.root}")
    number = 0
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            for batch in file.iter_batches(batch_size=16, columns=list(columns) if columns else None, use_threads=False):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(f"{name}, row {number}", values)
    except (OSError, pa.ArrowException, ValueError, MemoryError) as error:
        said = " ".join(str(error).split())[:200]
        raise BenchmarkError(f"{name}, after row {number}: not readable as Parquet ({said})") from None
