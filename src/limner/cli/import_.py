"""`limner import`: a data set in a public format as a corpus."""

from __future__ import annotations

import json

import click

from limner.cli.export import ListsFormats, list_formats
from limner.cli.options import as_json
from limner.document.wording import plural
from limner.errors import LimnerError


@click.command(
    "import", cls=ListsFormats, epilog="Interrupted or killed, the same command continues. --from list lists the formats."
)
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
    from limner.cli.newcorpus import discard, making, unread
    from limner.cli.progress import listening
    from limner.formats import registry
    from limner.formats.load import begin, load

    format = registry.load(format_name)
    with listening(quiet=json_) as listener, making(output) as new:
        corpus = begin(format, folder, output)
        listener.stage("importing", 0, 0)
        report = load(format, folder, corpus, progress=lambda n: listener.advance(n, {"documents": n}))
    if not report.documents and not report.inputs_before:
        why = unread(output, report.rejects) or "its files are empty"
        if new:
            discard(output)
        raise LimnerError(f"no document was read from {folder} as {format_name}: {why}; --from list lists the formats")
    if json_:
        click.echo(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        before = f" ({report.inputs_before:,} of them before)" if report.inputs_before else ""
        click.echo(
            f"{plural(report.documents, 'document')} · {plural(report.stored, 'file')} of media · "
            f"{plural(report.inputs, 'input')}{before}   {output}"
        )
        if report.rejects:
            click.echo(f"{plural(report.rejects, 'row')} could not be read: see the rejects of the corpus")
        click.echo(f"next: limner view {output}")
