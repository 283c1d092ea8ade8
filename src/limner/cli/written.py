"""Answers and summaries as the command line gives them: printed, or written to a file. Not a command."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from limner.cli.terminal import safe
from limner.document.wording import plural

if TYPE_CHECKING:
    from limner.document import Image
    from limner.write import Answer

_ENDINGS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
    "image/avif": "avif",
}


def deliver(answer: Answer, media: Callable[[str], bytes | None], output: Path | None, json_: bool) -> None:
    """Print an answer, or write it: a page with its pictures inside, or Markdown with a folder of them beside."""
    from limner.write import render

    if output is not None and output.suffix.lower() not in (".md", ".html", ".htm"):
        raise click.UsageError(f"{output} is neither .md nor .html")
    if output is not None:
        if output.suffix.lower() == ".md":
            text = render.markdown(answer, _beside(output, media))
        else:
            text = render.page(answer, media)
        waiting = output.with_name(f".{output.name}.new")
        waiting.write_text(text, "utf-8")
        os.replace(waiting, output)
        images = len(answer.document.images)
        if not json_:
            click.echo(
                f"{output}: {plural(len(answer.text.split()), 'word')}, {plural(images, 'picture')}, {plural(len(answer.sources), 'source')}"
            )
    if json_:
        click.echo(json.dumps(answer.to_dict(), ensure_ascii=False))
    elif output is None:
        click.echo(safe(render.markdown(answer, lambda image: f"corpus:{image.ref[:12]}")), nl=False)


def _beside(output: Path, media: Callable[[str], bytes | None]) -> Callable[[Image], str]:
    folder = output.with_name(f"{output.stem}_files")

    def address(image: Image) -> str:
        from limner.corpus.probe import probe

        data = media(image.ref) if image.ref else None
        if data is None:
            return ""
        folder.mkdir(exist_ok=True)
        name = f"{image.ref[:16]}.{_ENDINGS.get(probe(data).mime, 'bin')}"
        (folder / name).write_bytes(data)
        return quote(f"{folder.name}/{name}")

    return address
