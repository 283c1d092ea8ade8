"""The answer to where something went: documents with what became of them, and the rows of the ledger that say so."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

MOST = 20
"""No more documents, and no more rejects, are traced at once."""


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the ledger: `step` dropped or noted a part (-1: the document) for a reason, where `value` met `threshold`;
    `what` is a line that shows the part, "" where the plan does not keep what it drops. `nth` is the place of the step
    in the plan, from 1, or 0 where the plan does not name it."""

    document: str
    part: int
    step: str
    action: str
    reason: str
    value: float | None = None
    threshold: float | None = None
    detail: str = ""
    what: str = ""
    nth: int = 0

    @property
    def sentence(self) -> str:
        """What happened, in words.

        >>> Event("a", 3, "sizes", "drop", "too-small", 16.0, 150.0).sentence
        'sizes dropped part 3: too-small (16 against a threshold of 150)'
        """
        whole = "the document" if self.part < 0 else f"part {self.part}"
        verb = "dropped" if self.action == "drop" else "changed"
        said = f"{self.step} {verb} {whole}: {self.reason}"
        if measured := figures(self.value, self.threshold):
            said += f" ({measured})"
        return f"{said}, {self.detail}" if self.detail else said


def figures(value: float | None, threshold: float | None) -> str:
    """A value and the threshold it met, in words.

    >>> figures(0.25, 0.5)
    '0.25 against a threshold of 0.5'
    """
    if value is None:
        return f"threshold {threshold:.6g}" if threshold is not None else ""
    return f"{value:.6g} against a threshold of {threshold:.6g}" if threshold is not None else f"{value:.6g}"


@dataclass(frozen=True, slots=True)
class Match:
    """A part that the question was about: its ordinal, a line that shows it, whether it is still there."""

    part: int
    what: str
    here: bool


@dataclass(frozen=True)
class Fate:
    """What became of one document. `batch` is the stem of the files that hold it; `status` is `kept` (whole), `reduced`
    (some parts dropped) or `dropped`; `matched` are the parts the question was about, empty when it was about the
    document; `events` are in the order of the ledger."""

    id: str
    status: str
    title: str = ""
    url: str = ""
    source: str = ""
    batch: str = ""
    parts: int = 0
    images: int = 0
    matched: tuple[Match, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def drops(self) -> tuple[Event, ...]:
        """The events that took something."""
        return tuple(event for event in self.events if event.action == "drop")

    @property
    def told(self) -> tuple[Event, ...]:
        """The events that answer the question: all of them, or those of the parts it was about and of the whole document."""
        about = {match.part for match in self.matched}
        return tuple(e for e in self.events if not about or e.part in about or (e.part < 0 and e.action == "drop"))


@dataclass(frozen=True)
class Reject:
    """An input that could not be read."""

    input: str
    location: str
    error: str
    message: str


@dataclass(frozen=True)
class Trace:
    """The answer. `media` says what is stored of an image asked for by its sha256; `more` counts documents beyond `MOST`."""

    query: str
    fates: tuple[Fate, ...] = ()
    rejects: tuple[Reject, ...] = ()
    media: dict[str, Any] = field(default_factory=dict[str, Any])
    more: int = 0

    def __bool__(self) -> bool:
        return bool(self.fates or self.rejects or self.media)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)
