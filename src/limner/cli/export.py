"""`limner export`: a corpus as a data set in a public format, a trained model as others load it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from limner.cli.options import as_json
from limner.document.wording import plural

_AS_JSON = "limner.as_json"


class ListsFormats(click.Command):
    """A command with an option that `list_formats` reads, which comes before `--json` is known."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does."""
        ctx.meta[_AS_JSON] = "--json" in args
        return super().parse_args(ctx, args)


def list_formats(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """The value of an option that names a format; `list` prints all formats and ends the command."""
    if value == "list":
        from limner.formats import registry

        formats = [registry.load(name) for name in registry.names()]
        if ctx.meta[_AS_JSON]:
            facts = [{"name": f.name, "description": f.description, "cannot_hold": f.cannot_hold} for f in formats]
            click.echo(json.dumps(facts, ensure_ascii=False))
        else:
            width = max(len(format.name) for format in formats)
            click.echo("\n".join(f"{format.name:{width}}  {format.description}" for format in formats))
        ctx.exit()
    return value


@click.command(
    "export", cls=ListsFormats, epilog="--to list lists the formats. What a format cannot hold is counted and printed."
)
@click.argument("corpus", metavar="CORPUS|RUN")
@click.option(
    "--to",
    "format_name",
    metavar="FORMAT",
    is_eager=True,
    callback=list_formats,
    help="The format of a corpus, or list; a model has one.",
)
@click.option(
    "-o", "--output", required=True, metavar="DIR", help="The folder to make, or an fsspec URL. It is there whole or not at all."
)
@click.option("--shard", type=click.IntRange(1), metavar="N", help="Documents a file or folder; each format has its own default.")
@click.option("--exif", is_flag=True, help="Keep Exif, XMP and comments in images; without it only their orientation stays.")
@click.option("--plain", is_flag=True, help="Leave out limner's own field, with which limner reads everything back.")
@as_json
def command(corpus: str, format_name: str | None, output: str, shard: int | None, exif: bool, plain: bool, json_: bool) -> None:
    """Write a corpus as a data set in a public format; or, without --to, a model that `limner train` made: safetensors and a card, in the layout
    of transformers or diffusers where these have its class.

    \b
    limner export corpus --to list
    limner export corpus --to huggingface -o dataset
    limner export corpus --to webdataset -o shards --shard 2000 --plain
    limner export corpus --to html -o pages
    limner export corpus --to obelics -o s3://bucket/dataset
    limner export run -o model
    """
    if format_name is None:
        _model(corpus, output, json_)
        return
    from limner.cli.progress import listening
    from limner.corpus import Corpus
    from limner.formats import registry

    format = registry.load(format_name)
    opened = Corpus.open(corpus)
    settings: dict[str, int] = {"shard": shard} if shard else {}
    with listening(quiet=json_) as listener:
        listener.stage("exporting", len(opened), 0)
        report = format.export(
            opened, output, exif=exif, own=not plain, progress=lambda n: listener.advance(n, {"documents": n}), **settings
        )
    if json_:
        click.echo(json.dumps(report.to_dict(), ensure_ascii=False))
        return
    click.echo(
        f"{plural(report.documents, 'document')} · {plural(report.images, 'image')} · "
        f"{plural(report.stored, 'file')} of media · {plural(report.files, 'file')}, {report.bytes / 1e6:,.1f} MB   {output}"
    )
    if not report.known:
        click.echo(f"{corpus} cannot be written to: a take-down from it will not reach this export")
    if report.stripped:
        click.echo(f"metadata removed from {plural(report.stripped, 'image')}")
    if report.uncleaned:
        click.echo(
            f"{plural(report.uncleaned, 'file')} of a kind whose metadata limner does not remove, or damaged: written as stored"
        )
    for title, kept in (("only limner's own field keeps", True), ("lost", False)):
        if found := [loss for loss in report.lost if loss.kept is kept]:
            click.echo(f"{title}:")
            for loss in found:
                click.echo(f"  {loss.what}: {loss.count:,}")


def _model(address: str, output: str, json_: bool) -> None:
    if (Path(address) / "corpus.json").is_file():
        raise click.UsageError("Missing option '--to': the format that a corpus is written in")
    from limner.experts.device import torch_for

    torch_for("exporting a model")
    from limner.models.export import exported

    outcome = exported(address, Path(output))
    if json_:
        click.echo(json.dumps({"output": output, "loads": outcome.loads, "lacks": list(outcome.lacks)}))
    else:
        click.echo(f"{output}: {outcome}")
