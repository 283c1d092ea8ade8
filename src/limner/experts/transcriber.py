"""The port to transcribers: sound in, words and their times out.

`bundled:whisper-base`     Whisper base (MIT; Radford et al. 2022, arXiv 2212.04356), 99 languages, run by faster-whisper
`bundled:whisper-tiny.en`  Whisper tiny.en: English only, half the size and twice as fast
`hf:NAME`                  a Whisper-class model in the layout of Hugging Face transformers, by name or folder
`openai:MODEL@URL`         a server that speaks OpenAI's audio transcriptions (vLLM, speaches, whisper.cpp's server, OpenAI, ...)

A model of this kind writes words for music and for silence too, so it is only given what a detector of voices calls speech.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from limner.experts.address import resolve
from limner.experts.voice import RATE, stretches

Samples = NDArray[np.float32]
"""Sound: float32, mono, 16,000 a second, -1 to 1."""

DEFAULT = "bundled:whisper-base"
PIECE = 30.0
"""Seconds of sound that a transcriber is given at a time, at most: what Whisper hears at once."""

_AROUND = 0.2  # seconds of sound before and after a stretch of speech that go with it
_ENDS = frozenset(".!?…。！？")
_CLOSE = 5.0  # seconds of silence that two stretches in one piece have between them at most


@dataclass(frozen=True, slots=True)
class Cue:
    """Words, and from when to when they are said, in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, in order, and in which language (BCP 47, "" where it is not known). `words` are the same, a word each with the space
    before it, where the transcriber knows when each is said."""

    language: str
    cues: tuple[Cue, ...]
    words: tuple[Cue, ...] = ()


class Transcriber(Protocol):
    """Writes down speech."""

    def transcribe(self, pieces: Sequence[Samples], language: str = "") -> list[Transcript]:
        """What is said in each piece of at most `PIECE` seconds; times count from the beginning of the piece. Without a `language`
        the transcriber tells which one all of the pieces are in."""
        ...


def transcriber(address: str = DEFAULT) -> Transcriber:
    """The transcriber at `address`, made once a process. Raises `ExpertError` for an address nobody serves, `MissingExtra` where its
    packages are not installed."""
    return cast("Transcriber", resolve("transcriber", address))


def transcribe(samples: Samples, address: str = DEFAULT, language: str = "") -> Transcript:
    """What is said in a recording. Where nobody speaks there are no cues, and no transcriber is asked."""
    spoken = stretches(samples)
    spans = pieces(spoken, len(samples) / RATE)
    if not spans:
        return Transcript("", ())
    cut = [samples[int(start * RATE) : int(end * RATE)] for start, end in spans]
    found = transcriber(address).transcribe(cut, language)
    cues: list[Cue] = []
    for span, transcript in zip(spans, found, strict=True):
        words = _moved(transcript.words, *span)
        cues += sentences(words, spoken) if words else (cue for cue in _moved(transcript.cues, *span) if cue.text.strip())
    heard = next((transcript.language for transcript in found if transcript.cues), "")
    return Transcript(language or heard, tuple(cue for cue in cues if _spoken(cue, spoken)))


def _moved(cues: Sequence[Cue], start: float, end: float) -> list[Cue]:
    """The cues of a piece as those of the recording; what is said to be after its end is not."""
    return [Cue(start + cue.start, min(start + cue.end, end), cue.text) for cue in cues if start + cue.start < end]


def sentences(words: Sequence[Cue], spoken: Sequence[tuple[float, float]]) -> list[Cue]:
    """Words put together to cues: up to the end of a sentence, or of a stretch of speech. A model's times of words may be off by half a second,
    the stretches are not: words of one stay in it."""
    found: list[tuple[int, Cue]] = []
    for word in words:
        middle = (word.start + word.end) / 2
        which = min(range(len(spoken)), key=lambda at: max(spoken[at][0] - middle, middle - spoken[at][1], 0.0)) if spoken else -1
        if found and found[-1][0] == which and found[-1][1].text.rstrip()[-1:] not in _ENDS:
            last = found[-1][1]
            found[-1] = (which, Cue(last.start, word.end, last.text + word.text))
        else:
            found.append((which, word))
    bounds = {at: (start, end + _AROUND) for at, (start, end) in enumerate(spoken)}
    cues: list[Cue] = []
    for which, cue in found:
        least, most = bounds.get(which, (0.0, cue.end))
        start = min(max(cue.start, least), most)
        cues.append(Cue(start, max(min(cue.end, most), start), cue.text.strip()))
    return [cue for cue in cues if cue.text]


def pieces(spoken: Sequence[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    """Stretches of speech in a recording of some `seconds`, put together to pieces of at most `PIECE` seconds; a longer stretch is cut."""
    found: list[tuple[float, float]] = []
    for start, end in spoken:
        start, end = max(start - _AROUND, 0.0), min(end + _AROUND, seconds)
        if found and end - found[-1][0] <= PIECE and start - found[-1][1] <= _CLOSE:
            found[-1] = (found[-1][0], end)
            continue
        start = max(start, found[-1][1]) if found else start
        while end - start > PIECE:
            found.append((start, start + PIECE))
            start += PIECE
        if end > start:
            found.append((start, end))
    return found


def _spoken(cue: Cue, spoken: Sequence[tuple[float, float]]) -> bool:
    """Whether anybody speaks while the cue is said to be spoken: words that a model made up for a pause are not."""
    return any(start - _AROUND < cue.end and cue.start < end + _AROUND for start, end in spoken)
