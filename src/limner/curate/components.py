"""Union-find over the numbers 0 to n-1: which belong together, the least of each group being its name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class Components:
    """Groups that grow by `join`; a group's root is its least member, whatever the order of joins.

    >>> groups = Components(4)
    >>> groups.join(3, 1); groups.join(3, 2); groups.roots().tolist()
    [0, 1, 1, 1]
    """

    def __init__(self, count: int) -> None:
        self._parent: Numbers = np.arange(count, dtype=np.int64)

    def find(self, i: int) -> int:
        """The root of the group of `i`."""
        parent = self._parent
        while (above := int(parent[i])) != i:
            parent[i] = parent[above]
            i = above
        return i

    def join(self, a: int, b: int) -> None:
        """Make one group of those of `a` and `b`."""
        a, b = self.find(a), self.find(b)
        if a != b:
            self._parent[max(a, b)] = min(a, b)

    def roots(self, of: Numbers | None = None) -> Numbers:
        """The roots of those numbers, or of all."""
        if of is None:
            self._flatten()
            return self._parent
        roots = self._parent[of]
        while True:
            above = self._parent[roots]
            if (above == roots).all():
                return roots
            roots = above

    def _flatten(self) -> None:
        while True:
            above = self._parent[self._parent]
            if (above == self._parent).all():
                return
            self._parent = above
