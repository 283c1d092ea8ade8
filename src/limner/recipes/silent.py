"""Lectures that nobody has recorded: stamps with a written caption and no recording of it, as the documents that videos of them would be.

Sixty-five of Tux Paint's stamps have an English recording (`limner.recipes.talk`), too few to teach a model anything; seven hundred more have a
caption. Here each is a frame, and its caption is what is said over it, without a transcriber's faults. Nothing that is recorded is shown or
said in them.
"""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from pathlib import Path

from PIL import Image as Pillow

from limner.corpus.media import sha256
from limner.corpus.pixels import thumbnail
from limner.document import Document, Image, Part, Text, document_id
from limner.errors import MediaError
from limner.recipes import talk
from limner.recipes.stages import Unrecorded
from limner.recipes.talk import Stamp
from limner.sources.datasets import dataset

_SIDE = 240
_SECONDS = 4.0  # that a frame is shown


class Stored(Unrecorded):
    """Images that lie in memory, for operators that are only asked for their scores."""

    def __init__(self, held: Mapping[str, bytes]) -> None:
        self._held = held

    def media(self, ref: str) -> bytes | None:
        """See `MediaReader`."""
        return self._held.get(ref)


def silent(most: int = 0) -> list[Stamp]:
    """Stamps with an English caption and no English recording, at most `most`, in a drawn order; none whose caption a recorded one has. Their
    `recording` is no file."""
    root = dataset("tuxpaint-stamps").data
    recorded = talk.stamps("en")
    names, said = {stamp.name for stamp in recorded}, {_plain(stamp.text) for stamp in recorded}
    found: list[Stamp] = []
    for file in sorted(root.rglob("*.txt")):
        name, picture = file.relative_to(root).with_suffix("").as_posix(), file.with_suffix(".png")
        text = (file.read_text("utf-8", "replace").splitlines() or [""])[0].strip()
        if name not in names and picture.is_file() and text and _plain(text) not in said:
            found.append(Stamp(name, picture, text, Path()))
    random.Random(7).shuffle(found)
    return found[: most or None]


def _plain(text: str) -> str:
    return " ".join(talk.plain_words(text, "en"))


def lectures(most: int = 0) -> tuple[list[Document], Stored]:
    """Silent stamps, those of a kind together as in recorded lectures, and their frames: squares with the picture on white."""
    documents: list[Document] = []
    held: dict[str, bytes] = {}
    for number, (title, stamps) in enumerate(talk.grouped(silent(most), random.Random(7))):
        parts: list[Part] = []
        for at, stamp in enumerate(stamps):
            assert stamp.picture is not None
            try:
                frame = _frame(stamp.picture.read_bytes())
            except MediaError:
                continue
            held[sha256(frame)] = frame
            start = at * _SECONDS
            parts.append(Image(2 * at, ref=sha256(frame), place=f"time:{start:.1f}-{start + _SECONDS:.1f}"))
            parts.append(Text(2 * at + 1, stamp.text, "speech", place=f"time:{start + 0.5:.1f}-{start + 2.5:.1f}"))
        name = f"silent/{number:03}"
        documents.append(Document(document_id(name), tuple(parts), name, title=title, language="en"))
    return documents, Stored(held)


def _frame(data: bytes) -> bytes:
    picture = Pillow.fromarray(thumbnail(data, _SIDE))
    page = Pillow.new("RGB", (_SIDE, _SIDE), "white")
    page.paste(picture, ((_SIDE - picture.width) // 2, (_SIDE - picture.height) // 2))
    with io.BytesIO() as out:
        page.save(out, "PNG")
        return out.getvalue()
