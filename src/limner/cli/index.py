"""`limner index`: make a corpus searchable."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from limner.cli.options import as_json
from limner.document.wording import plural

if TYPE_CHECKING:
    from limner.corpus import Corpus
    from limner.search import Settings

TEXT = "bundled:minilm"


@click.command("index", epilog="Interrupted or killed, the index is whole; the same command continues.")
@click.argument("corpus", metavar="CORPUS")
@click.option(
    "--text",
    metavar="ADDRESS|none",
    help=f"Encoder of texts, to find by meaning. [default: {TEXT} with the extra `models`, else none]",
)
@click.option(
    "--encoder", metavar="ADDRESS|none", help="Joint encoder of images and texts, to find images by their pixels. [default: none]"
)
@click.option("--words", type=click.IntRange(20, 2000), help="Words after which a passage ends. [default: 200]")
@click.option("--again", is_flag=True, help="Make it anew.")
@as_json
def command(corpus: str, text: str | None, encoder: str | None, words: int | None, again: bool, json_: bool) -> None:
    """Index a corpus for `limner search` and `limner write`: its passages, its images, its documents.

    What has been indexed stays; batches that are new are taken in, those that are gone are forgotten. Other encoders than before
    make it anew.

    \b
    limner index corpus
    limner index corpus --encoder hf:google/siglip-base-patch16-224
    """
    from limner.cli.progress import listening
    from limner.corpus import Corpus
    from limner.search import index

    opened = Corpus.open(corpus)
    settings = _settings(opened, text, encoder, words)
    with listening(quiet=json_) as bars:
        bars.stage("indexing", len(opened), 0)
        done = index(opened, settings, again=again, advance=lambda documents: bars.advance(documents, {}))
    if json_:
        click.echo(json.dumps(asdict(done)))
        return
    click.echo(
        f"{plural(done.sections, 'section')}, {plural(done.images, 'image')}, {plural(done.documents, 'document')}: "
        f"{plural(done.taken, 'batch', 'batches')} taken in, {done.forgotten:,} forgotten; "
        + (
            f"by words and by meaning ({done.settings.text})"
            if done.settings.text
            else "by words alone (--text finds by meaning)"
        )
        + (f" and pixels ({done.settings.encoder})" if done.settings.encoder else "")
    )
    click.echo(f'next: limner search {corpus} "…" · limner write {corpus} "…"')


def _settings(corpus: Corpus, text: str | None, encoder: str | None, words: int | None) -> Settings:
    """Those of the index that is there, changed as asked; else the defaults."""
    from limner.search import Settings, manifest
    from limner.search.indexing import folder_of

    found = manifest.read(folder_of(corpus))
    if found:
        settings = found.settings
    else:
        here = importlib.util.find_spec("torch") and importlib.util.find_spec("transformers")
        settings = Settings(text=TEXT if here else "")
    if text is not None:
        settings = replace(settings, text="" if text == "none" else text)
    if encoder is not None:
        settings = replace(settings, encoder="" if encoder == "none" else encoder)
    return replace(settings, words=words) if words else settings
