"""`limner check`: what is damaged in a corpus."""

from __future__ import annotations

import json

import click

from limner.cli.options import as_json


@click.command("check", epilog="Exit status 1 where anything that counts is damaged.")
@click.argument("corpus", metavar="CORPUS")
@click.option("--quick", is_flag=True, help="Look at records and the sizes of files only, not at every byte.")
@as_json
def command(corpus: str, quick: bool, json_: bool) -> None:
    """Find and name damage: missing, changed and unreadable files, what contradicts itself, what is left over.

    \b
    limner check corpus
    limner check s3://bucket/corpus --quick
    limner check corpus --json | jq '.[] | select(.level == "error") | .file'
    """
    from limner.cli.newcorpus import opened_folder
    from limner.corpus.keeping import check

    found = check(opened_folder(corpus), deep=not quick)
    if json_:
        click.echo(json.dumps([damage.to_dict() for damage in found], ensure_ascii=False))
    else:
        for damage in found:
            click.echo(str(damage))
        counts = {level: sum(damage.level == level for damage in found) for level in ("error", "warning", "info")}
        words = ", ".join(f"{counts[level]:,} {word}" for level, word in _WORDS.items() if counts[level])
        click.echo(f"{corpus}: {words or 'nothing is damaged'}")
    if any(damage.level == "error" for damage in found):
        raise click.exceptions.Exit(1)


_WORDS = {"error": "damaged", "warning": "not as they should be", "info": "left over, without effect"}
