"""`limner search`: find passages, images and documents of an indexed corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from limner.cli.options import as_json
from limner.cli.terminal import safe

if TYPE_CHECKING:
    from limner.search import Hit, Search

_MOST_BYTES = 64 << 20


@click.command("search")
@click.argument("corpus", metavar="CORPUS")
@click.argument("query", required=False, default="")
@click.option(
    "--image",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An image to look for; with QUERY, as it changes it.",
)
@click.option(
    "--kind", type=click.Choice(["section", "image", "document"]), help="What to find. [default: section, image with --image]"
)
@click.option("-k", "most", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many.")
@click.option(
    "--by", "ways", type=click.Choice(["words", "text", "pixels"]), multiple=True, help="Only this ranking; may be repeated."
)
@click.option("--language", default="", help="Only of this language (en, pt-BR).")
@click.option("--source", default="", metavar="PIECE", help="Only where the source's name or URL has this in it.")
@click.option("--after", default="", metavar="DATE", help="Only documents dated from then on: 2024, 2024-05 or 2024-05-31.")
@click.option("--before", default="", metavar="DATE", help="Only documents dated up to then.")
@click.option("--rerank", default="", metavar="ADDRESS", help="A reranker for the best of them: hf:NAME or language:ADDRESS.")
@as_json
def command(
    corpus: str,
    query: str,
    image: Path | None,
    kind: Any,
    most: int,
    ways: Any,
    language: str,
    source: str,
    after: str,
    before: str,
    rerank: str,
    json_: bool,
) -> None:
    """Find what suits a question, an image, or both.

    \b
    limner search corpus "crop an image"
    limner search corpus "a red apple" --kind image -k 5
    limner search corpus --image photo.jpg "at night"
    """
    from limner.search import Search, Where

    if image is not None and image.stat().st_size > _MOST_BYTES:
        raise click.UsageError(f"{image} has more than {_MOST_BYTES >> 20} MiB")
    search = Search.open(corpus)
    where = Where(language, source, after, before)
    hits = search.find(
        query, image.read_bytes() if image else None, kind=kind or ("image" if image else "section"), most=most,
        where=where, rerank=rerank, **({"ways": ways} if ways else {}),
    )  # fmt: skip
    if json_:
        click.echo(json.dumps([_record(search, hit) for hit in hits], ensure_ascii=False))
        return
    if search.behind:
        click.echo(
            f"limner: {search.behind:,} batches of {corpus} are not indexed yet; `limner index {corpus}` takes them in", err=True
        )
    if not hits:
        click.echo("nothing found")
    for place, hit in enumerate(hits, 1):
        _print(search, place, hit)


def _record(search: Search, hit: Hit) -> dict[str, Any]:
    return {
        "kind": hit.kind, "score": round(hit.score, 4), "ways": {name: round(value, 4) for name, value in hit.ways.items()},
        **hit.unit._asdict(), "text": search.text(hit),
    }  # fmt: skip


def _print(search: Search, place: int, hit: Hit) -> None:
    from limner.curate.steps import unnumbered

    row = hit.unit
    headings = " › ".join(dict.fromkeys(unnumbered(h) for h in (row.title, *row.trail) if h))
    click.echo(f"{place:>2}. {click.style(safe(headings or row.source), bold=True)}")
    words = " ".join(search.text(hit).split())
    click.echo("    " + safe(words[:240] + ("…" if len(words) > 240 else "")))
    where = row.url or row.source
    what = f"image {row.ref[:12]} · " if hit.kind == "image" and row.ref else ""
    click.echo("    " + click.style(safe(f"{what}{where} · {row.document[:12]} part {row.n} · {hit.score:.2f}"), dim=True))
