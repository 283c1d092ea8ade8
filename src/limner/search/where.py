"""Which units may be found: by language, source and date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from limner.errors import LimnerError

pc: Any = pyarrow.compute  # it has no types

_DATE = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")


@dataclass(frozen=True)
class Where:
    """A filter; what is empty asks nothing.

    `language`  BCP 47; `pt` lets `pt-BR` through
    `source`    a piece of the source's name or of the URL, as `manual/` or `example.org`
    `after`     documents with a date (`meta.date`) from this one on: a year, a month or a day (ISO 8601)
    `before`    up to this one, itself included
    """

    language: str = ""
    source: str = ""
    after: str = ""
    before: str = ""

    def __post_init__(self) -> None:
        for date in (self.after, self.before):
            if date and not _DATE.fullmatch(date):
                raise LimnerError(f"{date!r} is no date; write 2024, 2024-05 or 2024-05-31")

    def __bool__(self) -> bool:
        return self != Where()

    def mask(self, units: pa.Table) -> NDArray[np.bool_]:
        """Which rows of a table of units pass."""
        passing = np.ones(len(units), bool)
        if self.language:
            wanted = self.language.lower()
            found = pc.utf8_lower(units["language"])
            passing &= _flags(pc.or_(pc.equal(found, wanted), pc.starts_with(found, wanted + "-")))
        if self.source:
            named = pc.match_substring(units["source"], self.source)
            passing &= _flags(pc.or_(named, pc.match_substring(units["url"], self.source)))
        if self.after:
            passing &= _flags(pc.greater_equal(units["date"], self.after))
        if self.before:
            # "2024-05" lets all of May through.
            cut = pc.utf8_slice_codeunits(units["date"], 0, len(self.before))
            passing &= _flags(pc.and_(pc.less_equal(cut, self.before), pc.not_equal(cut, "")))
        return passing


def _flags(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(column.to_numpy(), bool)
