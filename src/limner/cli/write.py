"""`limner write`: an illustrated answer from a corpus."""

from __future__ import annotations

from pathlib import Path

import click

from limner.cli.options import as_json
from limner.errors import LimnerError


@click.command("write")
@click.argument("corpus", metavar="CORPUS")
@click.argument("question")
@click.option(
    "--writer",
    default="extractive",
    show_default=True,
    metavar="extractive|ADDRESS",
    help="Exact sentences, or a language model.",
)
@click.option("--images", type=click.IntRange(0, 50), default=4, show_default=True, help="Pictures at most.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file: .md, its pictures in a folder beside it, or .html.",
)
@as_json
def command(corpus: str, question: str, writer: str, images: int, output: Path | None, json_: bool) -> None:
    """Answer a question from a corpus, with pictures where they help, each part with its source.

    \b
    limner write corpus "How do I crop an image?" -o answer.html
    limner write corpus "How do I crop an image?" --writer bundled:smollm2-135m
    limner write corpus "…" --writer openai:qwen3-vl@http://127.0.0.1:8000/v1
    """
    from limner.cli.written import deliver
    from limner.search import Search
    from limner.write import Writing

    search = Search.open(corpus)
    answer = Writing(search, writer).answer(question, images=images)
    deliver(answer, search.media, output, json_)
    if not answer.document.parts and not json_:
        raise LimnerError(f"nothing in {corpus} answers that")
