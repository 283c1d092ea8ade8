"""`limner why`: where a document or an image went."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from limner.cli.options import as_json
from limner.cli.terminal import safe
from limner.document.wording import plural
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.corpus.trace import Trace

_SAID = {"kept": "kept, whole", "reduced": "kept, less some parts", "dropped": "dropped"}


@click.command("why")
@click.argument("corpus", metavar="CORPUS")
@click.argument("id", metavar="ID")
@click.option("--most", type=click.IntRange(1), default=30, show_default=True, help="Rows of the ledger for each document.")
@as_json
def command(corpus: str, id: str, most: int, json_: bool) -> None:
    """Say where something is or which step took it, and which value met which threshold.

    ID is a document's id, an image's sha256 (of both, the beginning is enough), an image's URL, or a page's URL or
    source (of these, the end of the path is enough).

    \b
    limner why corpus 5d27fe56
    limner why corpus https://example.org/icon.png
    limner why corpus guide/cropping.html
    """
    from limner.corpus import Corpus
    from limner.corpus.why import why

    trace = why(Corpus.open(corpus), id)
    if json_:
        click.echo(json.dumps(trace.to_dict(), ensure_ascii=False))
    elif trace:
        click.echo(safe("\n".join(_lines(trace, most))))
    if not trace:
        raise LimnerError(
            f"{corpus} has never seen {id!r}: give an id, a sha256, a URL, or the end of a path; `limner view` lists all"
        )


def _lines(trace: Trace, most: int) -> list[str]:
    out: list[str] = []
    if trace.media:
        m = trace.media
        out.append(f"image {m['ref'][:16]}…: {m['mime']}, {m['width']}x{m['height']}, {m['size']:,} bytes, stored here")
    for fate in trace.fates:
        out.append(f"{fate.id}  {fate.title or fate.source or fate.url}".rstrip())
        where = f", in batch {fate.batch}" if fate.batch else ""
        counts = f": {plural(fate.parts, 'part')}, {plural(fate.images, 'image')}" if fate.parts else ""
        out.append(f"  {_SAID[fate.status]}{where}{counts}  {fate.source or fate.url}".rstrip())
        out += [f"  {'still there' if match.here else 'gone'}: {match.what}" for match in fate.matched]
        for event in fate.told[:most]:
            out.append(f"  {'−' if event.action == 'drop' else '~'} {event.sentence}")
            if event.what and not fate.matched:
                out.append(f"      {event.what}")
        if len(fate.told) > most:
            out.append(f"  … {plural(len(fate.told) - most, 'more row')} (--most)")
    out += [f"{reject.input}: could not be read ({reject.error}): {reject.message}" for reject in trace.rejects]
    if trace.more:
        out.append(f"… and {plural(trace.more, 'more document')}; be more exact")
    return out
