"""A written file and the folder of its pictures beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from limner.corpus.probe import probe
from limner.document import Image

_ENDINGS = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg", "image/avif": "avif",
}  # fmt: skip


def pictures_beside(output: Path, media: Callable[[str], bytes | None]) -> Callable[[Image], str]:
    """What writes an image into the folder `STEM_files` beside a file, and gives its address from there; "" for one that is not stored."""
    folder = output.with_name(f"{output.stem}_files")

    def address(image: Image) -> str:
        data = media(image.ref) if image.ref else None
        if data is None:
            return ""
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{image.ref[:16]}.{_ENDINGS.get(probe(data).mime, 'bin')}"
        (folder / name).write_bytes(data)
        return quote(f"{folder.name}/{name}")

    return address


def replaced(output: Path, text: str) -> None:
    """Write a text in the place of a file, whole or not at all."""
    waiting = output.with_name(f".{output.name}.new")
    waiting.write_text(text, "utf-8")
    os.replace(waiting, output)
