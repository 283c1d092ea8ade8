"""`limner takedown`: what must leave a corpus and its exports, and not come back."""

from __future__ import annotations

import json
from typing import TextIO

import click

from limner.cli.options import as_json
from limner.document.wording import plural
from limner.errors import LimnerError


@click.command("takedown", epilog="Exit status 1 where an export could not be brought up to date; run again, it is finished.")
@click.argument("corpus", metavar="CORPUS")
@click.argument("listed", type=click.File("r", encoding="utf-8"), metavar="FILE")
@click.option(
    "--export", "named", multiple=True, metavar="DIR", help="An export that was moved, copied or edited: write it anew."
)
@click.option("--forget", "gone", multiple=True, metavar="DIR", help="An export that is gone for good.")
@as_json
def command(corpus: str, listed: TextIO, named: tuple[str, ...], gone: tuple[str, ...], json_: bool) -> None:
    """Remove what FILE lists, one URL, host, sha256 of a file, or document id a line (`-` for standard input).

    Documents, images, media, ledger, dropped texts, rejects and indexes: no byte of it is left in the corpus; the index for
    searching goes whole, `limner index` makes it again. The list is kept there as hashes, and later builds into the corpus
    honour it. Exports that were made of the corpus are written anew from what is left; one that cannot be is named.

    \b
    limner takedown corpus requests.txt
    echo example.org | limner takedown corpus -
    limner takedown corpus requests.txt --export /mnt/moved/dataset
    """
    from limner.corpus import Corpus
    from limner.corpus.keeping import read_list
    from limner.formats.exports import forget, takedown

    wanted = read_list(listed.read())
    opened = Corpus.open(corpus)
    for folder in gone:
        forget(opened, folder)
    done, exports = takedown(opened, wanted, named)
    if json_:
        click.echo(json.dumps({**done.to_dict(), "exports": exports.to_dict()}, ensure_ascii=False))
    else:
        click.echo(
            f"taken down: {plural(done.documents, 'document')}, {done.dropped:,} dropped before, "
            f"{plural(done.parts, 'part')} of others, {plural(done.media, 'stored file')}, {plural(done.rejects, 'reject')}"
            + (f", {plural(done.sources, 'address', 'addresses')} of sources" if done.sources else "")
        )
        for folder in exports.rewritten:
            click.echo(f"exported again: {folder}")
        if unknown := [*done.unknown, *exports.unknown]:
            click.echo(f"not looked into: {', '.join(unknown)}; remove or rebuild what was made from the corpus")
    if exports.missed:
        told = "; ".join(f"{folder}: {why}" for folder, why in exports.missed.items())
        raise LimnerError(f"{plural(len(exports.missed), 'export')} may still hold what was taken down. {told}")
