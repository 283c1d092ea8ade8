"""A video to a document."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from limner.corpus.media import MediaInfo, MediaSink
from limner.document import Document, Image, Part, Text, document_id
from limner.errors import SourceError
from limner.experts.ocr import ocr
from limner.sources import audio
from limner.sources.kinds import Page
from limner.sources.sound import av_for, heard
from limner.sources.speech import Said, Speech, beside, passages, track
from limner.sources.video.clips import CLIPS, boundaries
from limner.sources.video.frames import Frame, Gallery, frames, shots

MAX_FRAMES = 2_000
MAX_PIXELS = 64_000_000


@dataclass(frozen=True)
class Settings:
    """How a video is read.

    `mode`   `keys` decodes key frames only, `scan` all, `auto` keys unless two are more than `gap` seconds apart
    `rate`   frames a second that a scan looks at
    `gap`    seconds
    `alike`  frames whose structure is less alike than this (0-1) are of different shots
    `again`  a frame is dropped that is as like as this to one that was kept
    `blur`   frames less sharp than this (variance of the Laplacian) are dropped
    `side`   pixels of the longer side of a frame that is kept, at most
    """

    mode: Literal["auto", "keys", "scan"] = "auto"
    rate: float = 2.0
    gap: float = 5.0
    alike: float = 0.6
    again: float = 0.92
    blur: float = 20.0
    side: int = 1280


@dataclass(frozen=True, slots=True)
class Kept:
    """A frame that is kept: from when to when its shot is shown, where it is stored, its size, and the lines of text on it."""

    start: float
    end: float
    info: MediaInfo | None
    size: tuple[int, int]
    lines: tuple[str, ...] = ()


def read_video(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of videos. Needs the extra `video`."""
    yield extract(page.path or page.data, media, name=page.name, id=page.id, url=page.url, experts=page.experts)


def extract(
    file: str | bytes,
    media: MediaSink | None = None,
    *,
    name: str = "",
    id: str = "",
    url: str = "",
    settings: Settings | None = None,
    experts: Mapping[str, str] | None = None,
) -> Document:
    """The document of a video, a path or its bytes. What is said comes from subtitles, a file beside it first, then its own track; where
    there are none, from `experts["transcriber"]`, an address; else `meta["speech"]` is "none". `experts["ocr"]` reads the text on frames.
    `meta["clips"]` has the seconds at which the talk comes to another topic. Raises `SourceError` for what is no video."""
    av = av_for(name)
    settings, experts = settings or Settings(), experts or {}
    given: Any = io.BytesIO(file) if isinstance(file, bytes) else file
    try:
        opened: Any = av.open(given, metadata_errors="replace")
        with opened as container:
            if not container.streams.video:
                if container.streams.audio:
                    return audio.extract(file, media, name=name, id=id, url=url, experts=experts)
                raise SourceError(f"{name}: it has no picture")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise SourceError(f"{name}: its picture is in a codec that is not known")
            size = stream.width * stream.height
            if size > MAX_PIXELS:
                raise SourceError(f"{name}: its frames have {size:,} pixels, more than {MAX_PIXELS:,}")
            kept = list(_kept(container, settings, media, experts.get("ocr", "")))
            duration = float(container.duration or 0) / 1_000_000
            facts = {key.lower(): value for key, value in container.metadata.items()}
            speech = _speech(container, file, experts)
    except (av.error.FFmpegError, ValueError) as error:
        raise SourceError(f"{name}: it cannot be read as video ({error})") from None
    marks = boundaries(speech.cues)
    said = passages(speech.cues, [*(frame.start for frame in kept), *marks])
    meta = {"duration": f"{duration:.1f}", **speech.meta}
    if read := sum(bool(frame.lines) for frame in kept):
        meta["ocr"] = f"{read} frame{'s' * (read > 1)} by {experts['ocr']}"
    if marks:
        meta[CLIPS] = " ".join(f"{mark:.1f}" for mark in marks)
    if facts.get("artist"):
        meta["author"] = facts["artist"]
    return Document(
        id or document_id(name), _parts(kept, said), name, url, facts.get("title", ""), speech.language, meta
    )  # fmt: skip


def _speech(container: Any, file: str | bytes, experts: Mapping[str, str]) -> Speech:
    cues, language = beside(file) if isinstance(file, str) else ([], "")
    if cues:
        return Speech(cues, language, "file")
    if container.streams.subtitles:
        container.seek(0)
        if cues := track(container):
            return Speech(cues, "", "track")
    return heard(container, experts)


def _kept(container: Any, settings: Settings, media: MediaSink | None, reader: str) -> Iterator[Kept]:
    """One frame a shot; each is stored and read when it is found, so that no more than a few pictures are held at a time."""
    seen = Gallery(settings.again)
    before: frozenset[str] = frozenset()
    for frame, sharp, end in shots(frames(container, settings.mode, settings.rate, settings.gap), settings.alike):
        if sharp < settings.blur or not seen.add(frame.looks):
            continue
        kept = _stored(frame, end, media, settings.side)
        if reader:
            lines = _lines(frame.picture, reader)
            # What stands still, a logo or the rest of a slide, was read on the frame before.
            yield replace(kept, lines=tuple(line for line in lines if line not in before))
            before = frozenset(lines)
        else:
            yield kept
        if len(seen) == MAX_FRAMES:
            return


def _lines(picture: Any, reader: str) -> list[str]:
    (found,) = ocr(reader).read([np.asarray(picture.to_image().convert("RGB"))])
    return [text for line in found if (text := " ".join(line.text.split()))]


def _stored(frame: Frame, end: float, media: MediaSink | None, side: int) -> Kept:
    info = media.put(_jpeg(frame.picture, side)) if media is not None else None
    size = (info.width, info.height) if info else (frame.picture.width, frame.picture.height)
    return Kept(frame.time, max(end, frame.time), info, size)


def _parts(kept: list[Kept], said: list[Said]) -> tuple[Part, ...]:
    """Frames and passages in order of time, a frame and the text on it before what begins with it."""
    parts: list[Part] = []
    events: list[tuple[float, int, Kept | Said]] = [(frame.start, 0, frame) for frame in kept]
    events += [(passage.anchor, 1, passage) for passage in said]
    for _, _, event in sorted(events, key=lambda event: event[:2]):
        place = f"time:{event.start:.1f}-{event.end:.1f}"
        if isinstance(event, Said):
            parts.append(Text(len(parts), event.text, "speech", place=place))
            continue
        width, height = event.size
        parts.append(Image(len(parts), event.info.ref if event.info else "", width=width, height=height, place=place))
        if event.lines:
            parts.append(Text(len(parts), "\n".join(event.lines), "ocr", place=place))
    return tuple(parts)


def _jpeg(picture: Any, side: int) -> bytes:
    image = picture.to_image()
    if max(image.size) > side:
        image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
