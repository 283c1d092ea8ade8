"""`limner serve`: search and illustrated answers from a corpus, as pages and by OpenAI's interface."""

from __future__ import annotations

import os

import click

from limner.errors import LimnerError

KEY = "LIMNER_SERVE_KEY"


@click.command("serve", epilog=f"The key may be given as ${KEY}, which keeps it out of lists of processes.")
@click.argument("corpus", metavar="CORPUS")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; any but this machine needs a key.")
@click.option("--port", type=click.IntRange(0, 65535), help="By default 8350, or any that is free.")
@click.option("--api-key", "key", default="", help="What callers must show: Authorization: Bearer KEY, or a browser's password.")
@click.option(
    "--writer",
    default="extractive",
    show_default=True,
    metavar="extractive|ADDRESS",
    help="Exact sentences, or a language model.",
)
@click.option("--open", "browse", is_flag=True, help="Open a browser.")
def command(corpus: str, host: str, port: int | None, key: str, writer: str, browse: bool) -> None:
    """Serve an indexed corpus: pages to ask, search and read, and /v1/responses, /v1/chat/completions and /v1/embeddings.

    \b
    limner serve corpus --open
    limner serve corpus --writer bundled:smollm2-135m
    limner serve corpus --host 0.0.0.0 --api-key SECRET
    """
    from limner.search import Search
    from limner.serve.guard import is_loopback
    from limner.serve.server import serve

    key = key or os.environ.get(KEY, "")
    if not is_loopback(host) and not key:
        raise LimnerError(f"{host} is reached by others: give --api-key, or set {KEY}")
    search = Search.open(corpus)

    def ready(url: str) -> None:
        click.echo(f"{corpus} is at {url} (Ctrl-C ends); OpenAI's clients: base_url={url}v1")

    serve(search, writer, host, port, key, ready, browse)
