"""A document as a conversation, and back.

Who said what is kept in a document's `meta` under `turns`: `0:user 2:assistant` says that the parts from ordinal 0 on
are the user's and those from 2 on the assistant's. A document without it becomes one in which the user shows images
and the assistant says what stands below them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from limner.document import Document, Image, Part, Text

META = "turns"
PROMPT = "Write an illustrated document."
"""What the user says at the start of a document that begins with text and has no title."""

_TURN = re.compile(r"(\d{1,10}):(user|assistant|system)\Z", re.ASCII)


@dataclass
class Turn:
    """What one speaker says: texts and images in order. A text that is a string stands in no document."""

    speaker: str
    said: list[Text | Image | str] = field(default_factory=list[Text | Image | str])


def turns(document: Document, shows: Callable[[Image], object] = lambda image: True) -> list[Turn]:
    """The conversation of a document: its texts, and the images that `shows` is true of. Images are always the user's, for no API takes them from
    the assistant; the first to speak is the user (behind the system), and where there was no other the last is the
    assistant."""
    starts = _starts(document)
    ordinals = sorted(starts)
    out: list[Turn] = []
    for part in document.parts:
        if not (isinstance(part, Text) or (isinstance(part, Image) and shows(part))):
            continue
        speaker = "assistant"
        if starts:
            before = bisect_right(ordinals, part.n)
            speaker = starts[ordinals[before - 1]] if before else "user"
        if isinstance(part, Image):
            speaker = "user"
        if not out or out[-1].speaker != speaker or part.n in starts:
            out.append(Turn(speaker))
        out[-1].said.append(part)
    if starts or not out:
        return out
    if out[0].speaker != "user":
        out.insert(0, Turn("user", [document.title or PROMPT]))
    if out[-1].speaker == "user":
        # What a reply to images without text can be: what their source says of them.
        alts = [part.alt for part in out[-1].said if isinstance(part, Image) and part.alt]
        out.append(Turn("assistant", ["\n".join(alts)]))
    return out


def _starts(document: Document) -> dict[int, str]:
    found: dict[int, str] = {}
    for entry in document.meta.get(META, "").split():
        match = _TURN.match(entry)
        if match is None:
            return {}
        found[int(match[1])] = match[2]
    return found


def meta(starts: Iterable[tuple[int, str]]) -> dict[str, str]:
    """The entry of a document's `meta` for turns that start at those ordinals."""
    value = " ".join(f"{n}:{speaker}" for n, speaker in starts)
    return {META: value} if value else {}


def collect(said: Iterable[tuple[str, Sequence[Part]]]) -> tuple[tuple[Part, ...], dict[str, str]]:
    """The parts of turns, and the entry of `meta` that tells them apart; the parts are numbered already."""
    parts: list[Part] = []
    starts: list[tuple[int, str]] = []
    for speaker, those in said:
        if those:
            starts.append((those[0].n, speaker))
            parts.extend(those)
    return tuple(parts), meta(starts)
