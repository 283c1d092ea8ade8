"""`limner stats`: what a corpus holds, in figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from limner.cli.options import as_json
from limner.document.wording import plural

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from limner.corpus.statistics import Statistics


@click.command("stats")
@click.argument("corpus", metavar="CORPUS")
@click.option("--top", type=click.IntRange(1), default=8, show_default=True, help="How many names of each list.")
@as_json
def command(corpus: str, top: int, json_: bool) -> None:
    """Count a corpus: documents, words, images, languages, sources, and what each step dropped.

    \b
    limner stats corpus
    limner stats corpus --json --top 100 | jq .languages
    """
    from limner.corpus import Corpus
    from limner.corpus.statistics import statistics

    figures = statistics(Corpus.open(corpus), top)
    if json_:
        click.echo(json.dumps(figures.to_dict(), ensure_ascii=False))
        return
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 120
    _print(console, corpus, figures)


def _print(console: Console, name: str, s: Statistics) -> None:
    from rich.columns import Columns
    from rich.text import Text

    console.print(Text(name, style="bold"))
    console.print(
        f"{plural(s.documents, 'document')} · {plural(s.words, 'word')} (about {plural(s.tokens, 'token')}) · "
        f"{plural(s.images, 'image')}, {s.stored:,} stored · {plural(s.captions, 'caption')} · {_size(s.bytes)}"
    )
    words, images = s.words_per_document, s.images_per_document
    console.print(
        f"[dim]a document has[/] {plural(words.median, 'word')} [dim](median; a tenth has {words.p10:,} or fewer, a tenth {words.p90:,} or "
        f"more)[/], {images.mean:,} {'image' if images.mean == 1 else 'images'} [dim](mean; "
        f"{plural(s.documents_with_images, 'document has', 'documents have')} any)[/]"
    )
    if s.stages:
        console.print()
        console.print(_stages(s))
    console.print()
    console.print(
        Columns(
            [
                _bars("languages", s.languages),
                _bars("images a document", _ranges(images.bins)),
                _bars("words a document", _ranges(words.bins)),
                _bars("longer side, pixels", s.image_sides),
                _bars("stored files", s.formats),
                _bars("text", s.roles),
                _bars("sources", s.sources),
                _bars("hosts", s.hosts),
                _bars("licences as stated", s.licenses),
                _bars("years", dict(sorted(s.years.items()))),
            ],
            padding=(0, 4, 1, 0),
        )
    )
    if s.rejects:
        console.print("rejects: " + ", ".join(f"{error} {count:,}" for error, count in s.rejects.items()), markup=False)


def _stages(s: Statistics) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("step")
    for title in ("documents", "left", "images", "left", "texts", "changed"):
        table.add_column(title, justify="right")
    table.add_column("most often because")
    table.add_row("everything read", "", f"{s.documents_read:,}", "", f"{s.images_read:,}", style="dim")
    for stage in s.stages:
        because = ", ".join(f"{reason} {count:,}" for reason, count in list(stage.reasons.items())[:3])
        table.add_row(
            Text(stage.step), _minus(stage.documents_dropped), f"{stage.documents_left:,}", _minus(stage.images_dropped),
            f"{stage.images_left:,}", _minus(stage.texts_dropped), f"{stage.noted:,}" if stage.noted else "", Text(because),
        )  # fmt: skip
    return table


def _bars(title: str, counts: Mapping[str, int], width: int = 16) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold", min_width=38)
    table.add_column(title, max_width=22, no_wrap=True, overflow="ellipsis")
    table.add_column("", width=width)
    table.add_column("", justify="right")
    most = max(counts.values(), default=0)
    for name, count in counts.items():
        length = count / most * width if most else 0
        bar = "█" * int(length) + ("▌" if length % 1 >= 0.5 or (count and length < 1) else "")
        table.add_row(Text(name), Text(bar, style="blue"), f"{count:,}")
    return table


def _ranges(bins: Mapping[str, int]) -> dict[str, int]:
    edges = list(bins)
    labels = [
        edge if i + 1 < len(edges) and int(edges[i + 1]) == int(edge) + 1
        else f"{edge}–{int(edges[i + 1]) - 1}" if i + 1 < len(edges)
        else f"{edge}+"
        for i, edge in enumerate(edges)
    ]  # fmt: skip
    return dict(zip(labels, bins.values(), strict=True))


def _minus(count: int) -> str:
    return f"−{count:,}" if count else ""


def _size(number: float) -> str:
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= limit:
            return f"{number / limit:,.1f} {unit}"
    return f"{number:.0f} bytes"
