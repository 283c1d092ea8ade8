"""`limner summarize`: one document in short, with its own figures."""

from __future__ import annotations

from pathlib import Path

import click

from limner.cli.options import as_json


@click.command("summarize")
@click.argument("corpus", metavar="CORPUS")
@click.argument("id", metavar="ID")
@click.option(
    "--writer",
    default="extractive",
    show_default=True,
    metavar="extractive|ADDRESS",
    help="Exact sentences, or a language model.",
)
@click.option("--words", type=click.IntRange(20, 2000), default=150, show_default=True, help="About how many.")
@click.option("--images", type=click.IntRange(0, 50), default=3, show_default=True, help="Figures at most.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file: .md, its pictures in a folder beside it, or .html.",
)
@as_json
def command(corpus: str, id: str, writer: str, words: int, images: int, output: Path | None, json_: bool) -> None:
    """Summarize a document, each sentence with the part it is from. ID may be the beginning of one. No index is needed.

    \b
    limner summarize corpus 76123a25 -o summary.html
    """
    from limner.cli.written import deliver
    from limner.corpus import Corpus
    from limner.write.summary import summarize

    opened = Corpus.open(corpus)
    deliver(summarize(opened.find(id), writer, words, images), opened.media, output, json_)
