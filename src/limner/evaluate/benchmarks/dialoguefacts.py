"""What an answer about several images must hold, and how much of it an answer holds: a rule in place of a judge, for questions made so that
it is right.

What is read: `the second is a key` names an image, `it is the third` says which one is meant, `they agree`, `they differ`, `true` and `false` say
whether something holds. What contradicts itself holds nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from limner.evaluate.benchmarks.files import Row

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
"""How images are called, in the order in which they come in a dialogue."""

_ORDINAL = "|".join(ORDINALS)
_NAMED = re.compile(
    rf"\b(?P<which>{_ORDINAL})(?: image)? (?:is|shows) (?:an? |the )?(?P<name>[^.,;:!?]+?)"
    rf"(?= and the (?:{_ORDINAL})\b|[.,;:!?]|\Z)"
)
_MEANT = re.compile(rf"\bit is the (?P<which>{_ORDINAL})\b")
_YES = re.compile(r"\b(?:agree|agrees|true|yes)\b")
_NO = re.compile(r"\b(?:differ|differs|false|no|not)\b")


@dataclass(frozen=True)
class Facts:
    """What an answer must say: `names` of images by their numbers from 0, `meant`, the number of the image that is asked for, and `agree`, whether
    images agree, or what was stated is true."""

    names: Mapping[int, str] = field(default_factory=dict[int, str])
    meant: int | None = None
    agree: bool | None = None

    def row(self) -> dict[str, Any]:
        """As JSON."""
        return {"names": {str(n): name for n, name in self.names.items()}, "meant": self.meant, "agree": self.agree}

    @classmethod
    def read(cls, row: Row) -> Facts:
        """The facts that `row` wrote. Raises `BenchmarkError` for others."""
        given = row.get("names")
        if not isinstance(given, dict):
            raise row.wrong("names is no object")
        names = cast("dict[str, object]", given)
        if any(
            not number.isdecimal() or int(number) >= len(ORDINALS) or not isinstance(name, str) for number, name in names.items()
        ):
            raise row.wrong(f"names must be texts by numbers below {len(ORDINALS)}")
        meant = row.get("meant")
        if meant is not None and (not isinstance(meant, int) or isinstance(meant, bool) or not 0 <= meant < len(ORDINALS)):
            raise row.wrong("meant is no number of an image")
        agree = row.get("agree")
        if agree is not None and not isinstance(agree, bool):
            raise row.wrong("agree is neither true nor false")
        return cls({int(number): str(name) for number, name in names.items()}, meant, agree)


@dataclass(frozen=True, slots=True)
class Held:
    """Shares from 0 to 1 of what an answer must say: `understood`, the names that are right; `coherent`, whether the relation between images is;
    `complete`, what is answered at all, rightly or not. `understood` and `coherent` are None where nothing of the kind is asked."""

    understood: float | None
    coherent: float | None
    complete: float

    @property
    def share(self) -> float:
        """The mean of those that are asked for."""
        asked = [value for value in (self.understood, self.coherent, self.complete) if value is not None]
        return sum(asked) / len(asked)


def held(answer: str, facts: Facts) -> Held:
    """How much an answer holds of what it must.

    >>> facts = Facts({0: "key", 1: "frog"}, agree=False)
    >>> held("The first is a key and the second is a cat. They differ.", facts)
    Held(understood=0.5, coherent=1.0, complete=1.0)
    >>> held("A key!", facts).share
    0.0
    """
    said = " ".join(answer.casefold().split())
    told: dict[int, set[str]] = {}
    for found in _NAMED.finditer(said):
        told.setdefault(ORDINALS.index(found["which"]), set()).add(found["name"].strip())
    meant, holds = pointed(said), truths(said)
    right = [told.get(number) == {name.casefold()} for number, name in facts.names.items()]
    slots = [number in told for number in facts.names]
    relation: list[bool] = []
    if facts.meant is not None:
        relation.append(meant == {facts.meant})
        slots.append(bool(meant))
    if facts.agree is not None:
        relation.append(holds == {facts.agree})
        slots.append(bool(holds))
    return Held(_mean(right), _mean(relation), _mean(slots) or 0.0)


def pointed(answer: str) -> set[int]:
    """The images that an answer says are meant, by number."""
    return {ORDINALS.index(found["which"]) for found in _MEANT.finditer(answer.casefold())}


def truths(answer: str) -> set[bool]:
    """Whether it says that something holds, that it does not, or both."""
    return {value for value, words in ((True, _YES), (False, _NO)) if words.search(answer.casefold())}


def _mean(values: list[bool]) -> float | None:
    return sum(values) / len(values) if values else None
