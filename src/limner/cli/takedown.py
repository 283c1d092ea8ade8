"""`limner takedown`: what must leave a corpus and not come back."""

from __future__ import annotations

import json
from typing import TextIO

import click

from limner.cli.options import as_json


@click.command("takedown", epilog="Exports made before still hold what was taken down: export again (`limner export`).")
@click.argument("corpus", metavar="CORPUS")
@click.argument("listed", type=click.File("r", encoding="utf-8"), metavar="FILE")
@as_json
def command(corpus: str, listed: TextIO, json_: bool) -> None:
    """Remove what FILE lists, one URL, host, sha256 of a file, or document id a line (`-` for standard input).

    Documents, images, media, ledger, dropped texts, rejects and indexes: no byte of it is left in the corpus. The list is
    kept there as hashes, and later builds into the corpus honour it.

    \b
    limner takedown corpus requests.txt
    echo example.org | limner takedown corpus -
    """
    from limner.corpus import Corpus
    from limner.corpus.keeping import read_list, takedown
    from limner.pipeline.lock import writing

    wanted = read_list(listed.read())
    opened = Corpus.open(corpus)
    with writing(opened.store):
        opened.reload()
        done = takedown(opened, wanted)
    if json_:
        click.echo(json.dumps(done.to_dict(), ensure_ascii=False))
        return
    click.echo(
        f"taken down: {done.documents:,} documents, {done.dropped:,} dropped before, {done.parts:,} parts of others, "
        f"{done.media:,} stored files, {done.rejects:,} rejects"
    )
    if done.unknown:
        click.echo(f"not looked into: {', '.join(done.unknown)}; remove or rebuild what was made from the corpus")
