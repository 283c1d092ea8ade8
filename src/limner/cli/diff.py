"""`limner diff`: what changed from one corpus to another."""

from __future__ import annotations

import json

import click

from limner.cli.options import as_json


@click.command("diff", epilog="Exit status 1 where the corpora differ.")
@click.argument("before", metavar="CORPUS")
@click.argument("after", metavar="CORPUS")
@as_json
def command(before: str, after: str, json_: bool) -> None:
    """Which documents were added, removed or changed (and which of their parts), and which media.

    \b
    limner diff yesterday today
    limner diff yesterday today --json | jq .changed
    """
    from limner.corpus import Corpus
    from limner.corpus.keeping import diff

    found = diff(Corpus.open(before), Corpus.open(after))
    click.echo(json.dumps(found.to_dict(), ensure_ascii=False) if json_ else str(found))
    if found:
        raise click.exceptions.Exit(1)
