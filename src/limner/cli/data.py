"""`limner data`: real data sets by name."""

from __future__ import annotations

import json
from contextlib import ExitStack

import click

from limner.cli.options import as_json
from limner.sources.datasets import DATASETS, DataSet, dataset, get


@click.group()
def command() -> None:
    """Get real data sets by name, to try limner on and to repeat its figures.

    They go below $LIMNER_DATA (~/.cache/limner/data where it is not set).

    \b
    limner data list
    limner data get sasview gimp-help-de
    limner build data:sasview -o corpus
    """


@command.command("list")
@as_json
def list_(json_: bool) -> None:
    """List the data sets: which are here, what they hold, their licence.

    \b
    limner data list
    limner data list --json | jq '.[].name'
    """
    if json_:
        click.echo(json.dumps([_facts(entry) for entry in DATASETS]))
        return
    for entry in DATASETS:
        size = f"{entry.package.size / 1e6:4.0f} MB" if entry.package.size else "       "
        click.echo(f"{'*' if entry.here else ' '} {entry.name:16} {size}  {entry.licence:33} {entry.what}")
    click.echo("\n* here already; `limner data get NAME` brings another")


@command.command("get")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--file", type=click.Path(exists=True, dir_okay=False), help="The package, fetched by other means.")
@click.option("--any-version", is_flag=True, help="Take the version of the Debian package that this release has.")
@as_json
def get_(names: tuple[str, ...], file: str | None, any_version: bool, json_: bool) -> None:
    """Bring data sets here by pip, apt-get or npm; a set that is here already costs nothing.

    \b
    limner data get sasview
    limner data get gimp-help-de --any-version
    limner data get sasview --file sasview-6.1.3-py3-none-any.whl
    """
    if file and len(names) > 1:
        raise click.UsageError("--file goes with one NAME")
    brought: list[DataSet] = []
    for entry in [dataset(name) for name in names]:
        with _Bar(entry) as bar:
            brought.append(get(entry.name, file=file or "", any_version=any_version, progress=bar))
        if not json_:
            click.echo(str(brought[-1].data))
    if json_:
        click.echo(json.dumps([_facts(entry) for entry in brought]))


def _facts(entry: DataSet) -> dict[str, object]:
    package = entry.package
    return {
        "name": entry.name,
        "kind": package.registry,
        "package": package.name,
        "version": package.version,
        "folder": entry.folder,
        "licence": entry.licence,
        "what": entry.what,
        "sha256": package.sha256,
        "bytes": package.size,
        "here": entry.here,
        "path": str(entry.data),
    }


class _Bar:
    """Progress on a terminal's stderr, nothing elsewhere."""

    def __init__(self, entry: DataSet):
        self._entry = entry
        self._stack = ExitStack()
        self._tasks: dict[str, int] = {}

    def __enter__(self) -> _Bar:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._stack.enter_context(self._progress)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __call__(self, stage: str, done: int) -> None:
        from rich.progress import TaskID

        if stage not in self._tasks:
            total = self._entry.package.size if stage == "downloading" else None
            self._tasks[stage] = int(self._progress.add_task(f"{stage} {self._entry.name}", total=total or None))
        self._progress.update(TaskID(self._tasks[stage]), completed=done)
