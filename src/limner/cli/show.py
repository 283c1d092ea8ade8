"""`limner show`: one document, as a page for the terminal, as JSON, or as an HTML file."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from limner.cli.options import as_json
from limner.cli.terminal import safe
from limner.errors import LimnerError


@click.command("show")
@click.argument("corpus", metavar="CORPUS")
@click.argument("id", metavar="ID")
@as_json
@click.option(
    "--html", "html_", type=click.Path(dir_okay=False), metavar="FILE", help="Write an HTML file, its images inside it."
)
def command(corpus: str, id: str, json_: bool, html_: str | None) -> None:
    """Show one document; ID is its id or the beginning of it.

    \b
    limner show corpus 5d27fe56
    limner show corpus 5d27fe56 --json | jq '.parts[] | select(.type == "image")'
    limner show corpus 5d27fe56 --html page.html
    """
    from limner.corpus import Corpus
    from limner.document import dumps
    from limner.document.render import terminal

    opened = Corpus.open(corpus)
    document = opened.find(id)
    if html_:
        from limner.corpus.notebook import standalone

        try:
            Path(html_).write_text(standalone(opened, document), "utf-8")
        except OSError as error:
            raise LimnerError(f"{html_} cannot be written: {error.strerror}") from None
        click.echo(f"{html_}: {document.title or document.id}", err=True)
    if json_:
        click.echo(dumps(document))
    elif not html_:
        click.echo(safe(terminal(document, min(shutil.get_terminal_size((100, 40)).columns, 100))))
