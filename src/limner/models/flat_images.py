"""Images of any shape as a line of ids that says which shape it is: how many rows and columns first, a mark at the end of each row (unambiguous
image representation of Lumina-mGPT, Liu et al. 2024, arXiv 2408.02657).

Codes alone do not say whether twelve of them are 3 x 4 or 4 x 3. R x S codes of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.errors import LimnerError


@dataclass(frozen=True)
class FlatImages:
    """Ids from `first` on: `entries` codes, then `most` numbers of rows, as many of columns, and the end of a row. With `marked` off images are their
    codes alone.

    >>> flat = FlatImages(100, entries=8, most=4)
    >>> flat.ids(np.array([[1, 2], [3, 4], [5, 6]]))
    [110, 113, 101, 102, 116, 103, 104, 116, 105, 106, 116]
    """

    first: int
    entries: int
    most: int
    marked: bool = True

    @property
    def size(self) -> int:
        """How many ids there are."""
        return self.entries + 2 * self.most + 1

    @property
    def row_end(self) -> int:
        """The id that ends a row."""
        return self.first + self.size - 1

    def opening(self, rows: int, columns: int) -> list[int]:
        """What asks for an image of that shape. Raises `LimnerError` for more rows or columns than there are ids for."""
        if not (1 <= rows <= self.most and 1 <= columns <= self.most):
            raise LimnerError(f"an image of {rows} x {columns} codes is beyond the {self.most} rows and columns that have ids")
        numbers = self.first + self.entries
        return [numbers + rows - 1, numbers + self.most + columns - 1] if self.marked else []

    def ids(self, codes: NDArray[np.int64]) -> list[int]:
        """An image as ids."""
        ends = [self.row_end] if self.marked else []
        return self.opening(*codes.shape) + [id for row in codes.tolist() for id in [*(self.first + code for code in row), *ends]]

    def codes(self, ids: Sequence[int]) -> NDArray[np.int64] | None:
        """The codes of ids, R x S; None where they are not an image whose rows are as many and as long as it says. Images without marks have no
        shape to be told: None."""
        if not self.marked or len(ids) < 2:
            return None
        rows = ids[0] - self.first - self.entries + 1
        columns = ids[1] - self.first - self.entries - self.most + 1
        if not (1 <= rows <= self.most and 1 <= columns <= self.most) or len(ids) != 2 + rows * (columns + 1):
            return None
        table = np.array(ids[2:], np.int64).reshape(rows, columns + 1) - self.first
        found, ends = table[:, :-1], table[:, -1]
        whole = bool((ends == self.size - 1).all() and (found >= 0).all() and (found < self.entries).all())
        return found if whole else None
