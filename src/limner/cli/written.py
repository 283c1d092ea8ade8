"""Answers and summaries as the command line gives them: printed, or written to a file. Not a command."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from limner.cli.terminal import safe
from limner.document.wording import plural

if TYPE_CHECKING:
    from limner.write import Answer


def deliver(answer: Answer, media: Callable[[str], bytes | None], output: Path | None, json_: bool) -> None:
    """Print an answer, or write it: a page with its pictures inside, or Markdown with a folder of them beside."""
    from limner.write import render
    from limner.write.beside import pictures_beside, replaced

    if output is not None and output.suffix.lower() not in (".md", ".html", ".htm"):
        raise click.UsageError(f"{output} is neither .md nor .html")
    if output is not None:
        if output.suffix.lower() == ".md":
            text = render.markdown(answer, pictures_beside(output, media))
        else:
            text = render.page(answer, media)
        replaced(output, text)
        images = len(answer.document.images)
        if not json_:
            click.echo(
                f"{output}: {plural(len(answer.text.split()), 'word')}, {plural(images, 'picture')}, {plural(len(answer.sources), 'source')}"
            )
    if json_:
        click.echo(json.dumps(answer.to_dict(), ensure_ascii=False))
    elif output is None:
        click.echo(safe(render.markdown(answer, lambda image: f"corpus:{image.ref[:12]}")), nl=False)
