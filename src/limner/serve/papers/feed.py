"""The papers of an indexed corpus: by day, by what they mean, by what is like them, by what trends."""

from __future__ import annotations

import bisect
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from limner.corpus.columns import Parts, document_batches, pc
from limner.search import Search
from limner.search.searcher import WAYS, Way
from limner.serve.papers.board import Board
from limner.serve.papers.paper import Dated, Paper, day_of, paper
from limner.serve.papers.trending import SPAN, gravity

LEAST = 1_500
"""Characters of text that make a paper; what has fewer is a figure or a title page by itself."""

_HELD = 4_096  # papers that are kept at hand
_DEEP = 8  # passages that are looked at for each paper asked for
_COLUMNS = ("id", "meta", "parts.list.element.text")


@dataclass(frozen=True, slots=True)
class Dating:
    """A paper's day, and who says so."""

    day: str
    dated: Dated


class Feed:
    """The papers of an indexed corpus. May be used from many threads. `today` (ISO 8601, UTC by default) is the last day that there is."""

    def __init__(self, search: Search, board: Board, today: str = ""):
        self.search, self.board = search, board
        self._today = today
        self._lock = threading.Lock()
        self._paper = lru_cache(_HELD)(self._made)

    @property
    def today(self) -> str:
        """The last day that there is."""
        return self._today or datetime.now(UTC).date().isoformat()

    @property
    def dates(self) -> dict[str, Dating]:
        """The day of each paper, by its id, in the order of the corpus."""
        with self._lock:  # it is read once, by whoever comes first
            return self._dates

    @cached_property
    def _dates(self) -> dict[str, Dating]:
        found: dict[str, Dating | None] = {}
        for batch in document_batches(self.search.corpus, _COLUMNS):
            parts = Parts(batch)
            sizes = parts.sums(pc.fill_null(pc.utf8_length(parts.column("text")), 0).to_numpy(zero_copy_only=False))
            metas = batch.column("meta").to_pylist()
            for id, meta, size in zip(batch.column("id").to_pylist(), metas, sizes.tolist(), strict=True):
                if size >= LEAST:
                    said = day_of(dict(meta or ()), self.today)
                    found[id] = Dating(*said) if said else None
        seen = self.board.seen([id for id, dating in found.items() if dating is None], self.today)
        return {id: dating or Dating(seen[id], "seen") for id, dating in found.items()}

    @cached_property
    def _by_day(self) -> dict[str, list[str]]:
        days: dict[str, list[str]] = {}
        for id, dating in self.dates.items():
            days.setdefault(dating.day, []).append(id)
        return days

    @cached_property
    def days(self) -> list[str]:
        """The days that have papers, in order."""
        return sorted(self._by_day)

    def __len__(self) -> int:
        return len(self.dates)

    def __contains__(self, id: object) -> bool:
        return id in self.dates

    def near(self, day: str) -> tuple[str, str]:
        """The days before and after one that have papers, "" where there is none."""
        left, right = bisect.bisect_left(self.days, day), bisect.bisect_right(self.days, day)
        return self.days[left - 1] if left else "", self.days[right] if right < len(self.days) else ""

    def of(self, first: str, last: str = "") -> list[str]:
        """The papers of a day, or of all days from `first` to `last`, the newest day first, those with more votes first."""
        last = last or first
        span = self.days[bisect.bisect_left(self.days, first) : bisect.bisect_right(self.days, last)]
        votes = self.board.counts([id for day in span for id in self._by_day[day]])
        return [id for day in reversed(span) for id in sorted(self._by_day[day], key=lambda id: -votes[id])]

    def paper(self, id: str) -> Paper:
        """A paper. Raises `KeyError` where there is none."""
        return self._paper(id)

    def _made(self, id: str) -> Paper:
        dating = self.dates[id]
        return paper(self.search.document(id), dating.day, dating.dated)

    def find(self, text: str, most: int = 10, ways: Sequence[Way] = WAYS) -> list[str]:
        """Papers for words or a description, best first: those with the passages that suit it best."""
        hits = self.search.find(text, kind="section", most=_DEEP * most, ways=ways) if text.split() else []
        named = dict.fromkeys(hit.unit.document for hit in hits)
        return [id for id in named if id in self.dates][:most]

    def similar(self, id: str, most: int = 5) -> list[str]:
        """The papers whose text is most like a paper's title and abstract, best first."""
        hits = self.search.find(self.paper(id).text, kind="document", most=2 * most + 1)
        named = dict.fromkeys(hit.unit.document for hit in hits)
        return [other for other in named if other != id and other in self.dates][:most]

    def trending(self, most: int = 10, now: float | None = None) -> list[tuple[str, float]]:
        """The papers that have the most votes for the time in which these came, with their scores."""
        now = time.time() if now is None else now
        scores = gravity(self.board.votes(now - SPAN), now)
        ranked = sorted(((id, score) for id, score in scores.items() if id in self.dates), key=lambda pair: (-pair[1], pair[0]))
        return ranked[:most]
