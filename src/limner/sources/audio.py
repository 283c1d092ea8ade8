"""A recording to a document: its passages, each with the words that are said in it."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from limner.corpus.media import MediaSink
from limner.document import Audio, Document, Part, Text, document_id
from limner.errors import SourceError
from limner.sources.kinds import Page
from limner.sources.sound import av_for, heard
from limner.sources.speech import Said, Speech, beside, passages

MAX_STORED = 256 * 2**20
"""Bytes of a recording that is stored in the corpus; of a larger one the document has only the words and their times."""


def read_audio(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of recordings. Needs the extra `video`."""
    yield extract(page.path or page.data, media, name=page.name, id=page.id, url=page.url, experts=page.experts)


def extract(
    file: str | bytes,
    media: MediaSink | None = None,
    *,
    name: str = "",
    id: str = "",
    url: str = "",
    experts: Mapping[str, str] | None = None,
) -> Document:
    """The document of a recording, a path or its bytes: each passage that is said as an `Audio` part and its words. They come from a file
    of subtitles beside it, else from `experts["transcriber"]`, an address; without words it is one `Audio` part, and
    `meta["speech"]` is "none". Raises `SourceError` for what is no sound."""
    av = av_for(name)
    given: Any = io.BytesIO(file) if isinstance(file, bytes) else file
    try:
        opened: Any = av.open(given, metadata_errors="replace")
        with opened as container:
            if not container.streams.audio:
                raise SourceError(f"{name}: it has no sound")
            facts = {
                key.lower(): value for key, value in (*container.metadata.items(), *container.streams.audio[0].metadata.items())
            }
            duration = float(container.duration or 0) / 1_000_000
            speech = Speech(*beside(file), "file") if isinstance(file, str) else Speech([])
            if not speech.cues:
                speech = heard(container, experts or {})
    except (av.error.FFmpegError, ValueError) as error:
        raise SourceError(f"{name}: it cannot be read as sound ({error})") from None
    ref = _stored(file, media)
    meta = {"duration": f"{duration:.1f}", **speech.meta, **({"author": facts["artist"]} if facts.get("artist") else {})}
    return Document(
        id or document_id(name), tuple(_parts(passages(speech.cues), ref, duration)), name, url, facts.get("title", ""), speech.language, meta
    )  # fmt: skip


def _stored(file: str | bytes, media: MediaSink | None) -> str:
    if media is None:
        return ""
    if isinstance(file, str):
        path = Path(file)
        if path.stat().st_size > MAX_STORED:
            return ""
        file = path.read_bytes()
    return media.put(file).ref if len(file) <= MAX_STORED else ""


def _parts(said: list[Said], ref: str, duration: float) -> Iterator[Part]:
    if not said:
        yield Audio(0, ref, "", 0.0, duration)
    for at, passage in enumerate(said):
        place = f"time:{passage.start:.1f}-{passage.end:.1f}"
        yield Audio(2 * at, ref, "", round(passage.start, 2), round(passage.end, 2), place)
        yield Text(2 * at + 1, passage.text, "speech", place=place)
