"""What is said in a video: from a file of subtitles beside it, or from its own track of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BESIDE = (".srt", ".vtt", ".ass", ".ssa")
MAX_BYTES = 16 * 2**20
_TAGS = re.compile(r"<[^>]{0,100}>|\{[^}]{0,100}\}")
_PAUSE = 1.0  # seconds: a silence that ends a passage
_MOMENT = 0.5
_LONG = 400  # characters: a passage ends with the next sentence


@dataclass(frozen=True, slots=True)
class Said:
    """Words and when they are said, in seconds."""

    start: float
    end: float
    text: str

    @property
    def anchor(self) -> float:
        """The second by which it is told what is shown meanwhile: words that begin a moment before a cut belong to the picture after it."""
        return self.start + min(_MOMENT, (self.end - self.start) / 2)


@dataclass(frozen=True, slots=True)
class Speech:
    """What is said in a file, in which language, and who says so: `origin` is `file`, `track` or `transcriber` (at `address`). `unheard`:
    it has sound that nobody listened to."""

    cues: list[Said]
    language: str = ""
    origin: str = ""
    address: str = ""
    unheard: bool = False

    @property
    def meta(self) -> dict[str, str]:
        """What the document says of it."""
        found = {"speech": self.origin if self.cues else "none"}
        if self.address:
            found["transcriber"] = self.address
        if self.unheard:
            found["unheard"] = "its sound; --expert transcriber=bundled:whisper-base writes down what is said"
        return found


def beside(path: str) -> tuple[list[Said], str]:
    """What files of subtitles beside a video say (`talk.srt`, `talk.en.vtt` beside `talk.mp4`), and the language in the name."""
    if not path:
        return [], ""
    video = Path(path)
    try:
        names = sorted(name for name in os.listdir(video.parent) if name.startswith(video.stem + "."))
    except OSError:
        return [], ""
    for name in names:
        file = video.parent / name
        if file.suffix.lower() in _BESIDE and file.is_file() and not file.is_symlink() and file.stat().st_size <= MAX_BYTES:
            language = name[len(video.stem) + 1 : -len(file.suffix)].strip(".")
            if found := parsed(file.read_bytes()):
                return found, language if re.fullmatch(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?", language) else ""
    return [], ""


def parsed(data: bytes) -> list[Said]:
    """The cues of a file of subtitles (SRT, WebVTT, ASS), nothing where it is none."""
    import pysubs2

    text = data.decode("utf-8-sig", "replace")
    try:
        events = pysubs2.SSAFile.from_string(text)
    except (pysubs2.exceptions.Pysubs2Error, ValueError, IndexError, KeyError):
        return []
    return [Said(e.start / 1000, e.end / 1000, clean(e.plaintext)) for e in events if not e.is_comment and clean(e.plaintext)]


def track(container: Any) -> list[Said]:
    """The cues of a video's own track of subtitles in text."""
    found: list[Said] = []
    for stream in container.streams.subtitles[:1]:
        for packet in container.demux(stream):
            if packet.pts is None:
                continue
            start = float(packet.pts * packet.time_base)
            end = start + float((packet.duration or 0) * packet.time_base)
            for shown in packet.decode():
                text = getattr(shown, "dialogue", b"") or getattr(shown, "text", b"")
                text = clean(text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text))
                if text:
                    found.append(Said(start, end, text))
    return found


def clean(text: str) -> str:
    """The words of a cue, without its marks."""
    return " ".join(_TAGS.sub("", text.replace("\\N", " ").replace("\\h", " ")).split())


def passages(cues: Sequence[Said], cuts: Iterable[float] = ()) -> list[Said]:
    """Cues put together to passages: up to a pause, a cut in the picture, or a sentence that makes it long. What rolls (each cue
    repeating the one before) is said once."""
    marks = sorted(cuts)
    out: list[Said] = []
    at = 0
    for cue in sorted(cues, key=lambda cue: cue.start):
        last = out[-1] if out else None
        while at < len(marks) and last is not None and marks[at] <= last.anchor:
            at += 1
        cut = last is not None and at < len(marks) and last.anchor < marks[at] <= cue.anchor
        if last is None or cut or cue.start - last.end > _PAUSE or (len(last.text) > _LONG and last.text[-1] in ".!?…"):
            out.append(cue)
            continue
        text = _rolled(last.text, cue.text)
        out[-1] = Said(last.start, max(last.end, cue.end), f"{last.text} {text}".strip())
    return out


def _rolled(before: str, text: str) -> str:
    for length in range(min(len(before), len(text)), 3, -1):
        if before.endswith(text[:length]):
            return text[length:].strip()
    return text
