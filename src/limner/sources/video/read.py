"""A video to a document."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from limner.corpus.media import MediaSink
from limner.document import Document, Image, Part, Text, document_id
from limner.errors import MissingExtra, SourceError
from limner.sources.kinds import Page
from limner.sources.video.frames import Frame, frames, shots, structure
from limner.sources.video.speech import beside, passages, track

MAX_FRAMES = 2_000


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


def read_video(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of videos. Needs the extra `video`."""
    yield extract(page.path or page.data, media, name=page.name, id=page.id, url=page.url)


def extract(
    file: str | bytes,
    media: MediaSink | None = None,
    *,
    name: str = "",
    id: str = "",
    url: str = "",
    settings: Settings | None = None,
) -> Document:
    """The document of a video, a path or its bytes. What is said comes from subtitles, a file beside it first; where there are none,
    `meta["speech"]` is "none". Raises `SourceError` for what is no video."""
    try:
        import av
        import av.error
    except ImportError:
        raise MissingExtra("video", "av", f"reading {name or 'a video'}") from None
    settings = settings or Settings()
    given: Any = io.BytesIO(file) if isinstance(file, bytes) else file
    try:
        opened: Any = av.open(given, metadata_errors="replace")
        with opened as container:
            if not container.streams.video:
                raise SourceError(f"{name}: it has no picture")
            kept = _kept(container, settings)
            duration = float(container.duration or 0) / 1_000_000
            facts = {key.lower(): value for key, value in container.metadata.items()}
            cues, language = beside(file) if isinstance(file, str) else ([], "")
            origin = "file" if cues else ""
            if not cues and container.streams.subtitles:
                container.seek(0)
                cues, origin = track(container), "track"
    except (av.error.FFmpegError, ValueError) as error:
        raise SourceError(f"{name}: it cannot be read as video ({error})") from None
    said = passages(cues, [frame.time for frame, _ in kept])
    meta = {"duration": f"{duration:.1f}", "speech": origin if cues else "none"}
    parts = _parts(kept, said, media, settings.side)
    return Document(
        id or document_id(name), parts, name, url, facts.get("title", ""), language,
        {**meta, **({"author": facts["artist"]} if facts.get("artist") else {})},
    )  # fmt: skip


def _kept(container: Any, settings: Settings) -> list[tuple[Frame, float]]:
    kept: list[tuple[Frame, float]] = []
    for frame, end in shots(frames(container, settings.mode, settings.rate, settings.gap), settings.alike):
        if frame.sharpness < settings.blur or any(structure(other.small, frame.small) >= settings.again for other, _ in kept):
            continue
        kept.append((frame, end))
        if len(kept) == MAX_FRAMES:
            break
    return kept


def _parts(kept: list[tuple[Frame, float]], said: list[Any], media: MediaSink | None, side: int) -> tuple[Part, ...]:
    """Frames and passages in order of time, a frame before what begins with it."""
    events: list[tuple[float, int, Any]] = [(frame.time, 0, (frame, end)) for frame, end in kept]
    events += [(passage.start, 1, passage) for passage in said]
    parts: list[Part] = []
    for n, (_, kind, event) in enumerate(sorted(events, key=lambda event: event[:2])):
        if kind:
            parts.append(Text(n, event.text, "speech", place=f"time:{event.start:.1f}-{event.end:.1f}"))
            continue
        frame, end = event
        info = media.put(_jpeg(frame.picture, side)) if media is not None else None
        width, height = (info.width, info.height) if info else (frame.picture.width, frame.picture.height)
        parts.append(
            Image(
                n, info.ref if info else "", width=width, height=height, place=f"time:{frame.time:.1f}-{max(end, frame.time):.1f}"
            )
        )
    return tuple(parts)


def _jpeg(picture: Any, side: int) -> bytes:
    image = picture.to_image()
    if max(image.size) > side:
        image.thumbnail((side, side))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
