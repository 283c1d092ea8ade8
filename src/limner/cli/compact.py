"""`limner compact`: small batches into large ones, copies of media won back."""

from __future__ import annotations

import json

import click

from limner.cli.options import as_json
from limner.document.wording import plural


@click.command("compact", epilog="Interrupted or killed, the corpus is whole; the same command continues.")
@click.argument("corpus", metavar="CORPUS")
@click.option("--size", type=click.IntRange(1), default=1024, show_default=True, metavar="MiB", help="Media in a merged batch.")
@click.option("--documents", type=click.IntRange(1), default=10_000, show_default=True, help="Documents in a merged batch.")
@as_json
def command(corpus: str, size: int, documents: int, json_: bool) -> None:
    """Merge small batches and store a file that several of them share once. Documents, their order and the ledger stay.

    \b
    limner compact corpus
    limner compact corpus --size 256
    """
    from limner.corpus import Corpus
    from limner.corpus.keeping import compact

    done = compact(Corpus.open(corpus), media_bytes=size << 20, documents=documents)
    if json_:
        click.echo(json.dumps(done.to_dict()))
    elif done.batches_before == done.batches_after:
        click.echo(
            f"{corpus} is compact already: {plural(done.batches_after, 'batch', 'batches')}, {done.bytes_after / 1e6:,.1f} MB"
        )
    else:
        click.echo(
            f"{plural(done.batches_before, 'batch', 'batches')} became {done.batches_after:,}; {done.won / 1e6:,.1f} MB won back, "
            f"{done.bytes_after / 1e6:,.1f} MB left"
        )
