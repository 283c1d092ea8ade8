"""`limner view`: a corpus as pages, on this machine only."""

from __future__ import annotations

import click

from limner.document.wording import plural
from limner.errors import LimnerError


@click.command(
    "view", epilog="Keys on the pages: j k next and previous, / search, d what was dropped, t light or dark, ? all keys."
)
@click.argument("corpus", metavar="CORPUS")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Where to listen; others can read all if it is not this machine."
)
@click.option("--port", type=click.IntRange(0, 65535), help="By default 8350, or any that is free.")
@click.option("--open", "browse", is_flag=True, help="Open a browser.")
@click.option("--once", "once_", is_flag=True, help="Ask for every kind of page once, say how it went, and end: for scripts.")
def command(corpus: str, host: str, port: int | None, browse: bool, once_: bool) -> None:
    """Read a corpus: its documents with images in place, its statistics, its ledger, its card.

    \b
    limner view corpus
    limner view corpus --open --port 8000
    """
    from limner.corpus import Corpus
    from limner.serve.server import once, view

    opened = Corpus.open(corpus)
    if once_:
        answers = once(opened)
        for path, status, length in answers:
            click.echo(f"{status}  {length:>9,} bytes  {path}")
        if wrong := [path for path, status, _ in answers if status != 200]:
            raise LimnerError(f"{plural(len(wrong), 'page')} of {corpus} failed: {', '.join(wrong)}")
        return

    def ready(url: str) -> None:
        from limner.serve.guard import is_loopback

        click.echo(f"{corpus} is at {url} (Ctrl-C ends)")
        if not is_loopback(host):
            click.echo(f"limner: not only from this machine: whoever reaches {host} can read all of {corpus}", err=True)

    view(opened, host, port, ready, browse)
