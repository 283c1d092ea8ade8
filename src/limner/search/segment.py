"""The files of a segment: a table of its units and the vectors of each, memory-mapped when read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from limner.curate.steps import title
from limner.document import Document
from limner.errors import CorpusError
from limner.experts.onnx import Floats
from limner.search.units import Unit

SCHEMA = pa.schema(
    [
        ("document", pa.string()), ("n", pa.int32()), ("last", pa.int32()), ("section", pa.int32()), ("trail", pa.list_(pa.string())),
        ("ref", pa.string()), ("title", pa.string()), ("language", pa.string()), ("source", pa.string()), ("url", pa.string()),
        ("date", pa.string()),
    ]
)  # fmt: skip


class Row(NamedTuple):
    """A unit as the table has it."""

    document: str
    n: int
    last: int
    section: int
    trail: tuple[str, ...]
    ref: str
    title: str
    language: str
    source: str
    url: str
    date: str


def table(units: Sequence[tuple[Document, Unit]]) -> pa.Table:
    """The table of units, in their order."""
    rows = [
        Row(d.id, u.n, u.last, u.section, u.trail, u.ref, title(d), d.language, d.source, d.url, d.meta.get("date", ""))
        for d, u in units
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(SCHEMA)
    return pa.table([pa.array(list(c), f.type) for c, f in zip(columns, SCHEMA, strict=True)], SCHEMA)


def save(folder: Path, units: pa.Table, vectors: dict[str, Floats]) -> None:
    """Write the files of a segment into a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(str(folder / "units.arrow"), "wb") as file, pa.ipc.new_file(file, SCHEMA) as writer:
        writer.write_table(units)
    for name, rows in vectors.items():
        np.save(folder / f"{name}.npy", np.ascontiguousarray(rows, np.float32), allow_pickle=False)


class Segmented:
    """A segment as it lies on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self.units: pa.Table = pa.ipc.open_file(pa.memory_map(str(folder / "units.arrow"))).read_all()
        except (OSError, pa.ArrowInvalid) as error:
            raise CorpusError(f"the index {folder} is damaged ({error}); `limner index --again` makes it anew") from None

    def vectors(self, name: str) -> Floats | None:
        """Rows by that name (`text`: one a unit; `pixels`: one an image), None where there are none."""
        path = self._folder / f"{name}.npy"
        if not path.is_file():
            return None
        try:
            return np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise CorpusError(f"{path} is damaged ({error}); `limner index --again` makes it anew") from None

    def row(self, at: int) -> Row:
        """The unit in that row."""
        found = self.units.slice(at, 1).to_pylist()[0]
        found["trail"] = tuple(found["trail"])
        return Row(**found)
