"""`limner merge`: several corpora into a new one."""

from __future__ import annotations

import json
from typing import Literal

import click

from limner.cli.options import as_json
from limner.document.wording import plural


@click.command("merge", epilog="Interrupted or killed, there is no new corpus yet; the same command continues.")
@click.argument("corpora", nargs=-1, required=True, metavar="CORPUS...")
@click.option("-o", "--output", required=True, metavar="CORPUS", help="The new corpus.")
@click.option(
    "--clash",
    type=click.Choice(["error", "suffix"]),
    default="error",
    show_default=True,
    help="Different documents of one id: stop, or give the later one an id of its own.",
)
@as_json
def command(corpora: tuple[str, ...], output: str, clash: Literal["error", "suffix"], json_: bool) -> None:
    """Put corpora together, in their order; equal documents once. Ledgers, rejects and notes come along.

    \b
    limner merge monday tuesday -o week
    limner merge a b -o both --clash suffix
    """
    from limner.cli.newcorpus import making
    from limner.corpus import Corpus
    from limner.corpus.keeping import merge

    opened = [Corpus.open(path) for path in corpora]
    with making(output, whole=True):
        merged = merge(opened, output, clash=clash)
    if json_:
        click.echo(json.dumps(dict(merged.counts)))
    else:
        counts = merged.counts
        click.echo(
            f"{plural(counts['documents'], 'document')}, {plural(counts['words'], 'word')}, "
            f"{plural(counts['stored'], 'stored image')} in {output}"
        )
