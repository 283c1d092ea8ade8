"""`limner import`: a data set in a public format as a corpus."""

from __future__ import annotations

import json

import click

from limner.cli.export import list_formats
from limner.cli.options import as_json
from limner.errors import LimnerError


@click.command("import", epilog="Interrupted or killed, the same command continues. --from list lists the formats.")
@click.argument("folder", metavar="DIR")
@click.option(
    "--from", "format_name", required=True, metavar="FORMAT", is_eager=True, callback=list_formats, help="The format, or list."
)
@click.option("-o", "--output", required=True, metavar="CORPUS", help="The corpus to make: a folder or an fsspec URL.")
@as_json
def command(folder: str, format_name: str, output: str, json_: bool) -> None:
    """Read a data set in a public format into a corpus.

    \b
    limner import OBELICS/data --from obelics -o corpus
    limner import LLaVA-Instruct --from llava -o corpus
    limner import notes --from markdown -o corpus
    """
    from limner.cli.progress import listening
    from limner.formats import registry
    from limner.formats.load import begin, load

    format = registry.load(format_name)
    corpus = begin(format, folder, output)
    with listening(quiet=json_) as listener:
        listener.stage("importing", 0, 0)
        report = load(format, folder, corpus, progress=lambda n: listener.advance(n, {"documents": n}))
    if json_:
        click.echo(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        before = f" ({report.inputs_before:,} of them before)" if report.inputs_before else ""
        click.echo(
            f"{report.documents:,} documents · {report.stored:,} files of media · {report.inputs:,} inputs{before}   {output}"
        )
        if report.rejects:
            click.echo(f"{report.rejects:,} rows could not be read; they are in the rejects of the corpus")
        click.echo(f"next: limner view {output}")
    if not report.documents and not report.inputs_before:
        raise LimnerError(f"no document was read from {folder} as {format_name}; --from list lists the formats")
