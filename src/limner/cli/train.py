"""`limner train`: a model that reads and writes interleaved documents, made from a corpus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from limner.cli.options import as_json
from limner.errors import LimnerError


@click.command("train")
@click.argument("recipe", metavar="RECIPE|CONFIG")
@click.argument("corpus", metavar="CORPUS")
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder of the run.")
@click.option("--scale", type=click.Choice(["smoke", "laptop", "gpu"]), default="laptop", show_default=True)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting, as made.decoder.layers=8.")
@click.option("--resume", is_flag=True, help="Go on with the run that is in the folder.")
@as_json
def command(recipe: str, corpus: str, output: Path, scale: str, changes: tuple[str, ...], resume: bool, json_: bool) -> None:
    """Train a model that reads and writes documents: `codes`, `diffusion` or `flow`, by how it writes images, a recipe, or a TOML file that
    names one of these (`recipe = "flow"`) and changes its settings; under torchrun, by several processes.

    \b
    limner train flow corpus -o run
    limner train flow corpus -o run --resume                      after a kill: the very same model
    limner train flow corpus -o run --set stages.steps=5000 --set made.decoder.layers=8
    limner generate run "A cylinder looks like this:" -o out.md
    """
    from limner.corpus import Corpus
    from limner.recipes.methods import method
    from limner.train.method import SETTINGS, teach
    from limner.train.parallel import ranks

    if (output / SETTINGS).is_file() and not resume:
        raise LimnerError(f"{output} has a run already: --resume goes on with it")
    if resume and not (output / SETTINGS).is_file():
        raise LimnerError(f"{output} has no run to go on with")
    found = method(recipe, scale, changes)
    first = ranks().rank == 0

    def tell(stage: str, line: Mapping[str, Any]) -> None:
        if first and not json_:
            losses = ", ".join(f"{name} {value:.3f}" for name, value in line.items() if name not in _NOT)
            speed = f"{line['tokens_a_second']:,.0f} a second, {100 * line['mfu']:.0f} % of the peak, {100 * line['loading']:.1f} % loading"
            click.echo(f"{stage}: step {line['step']:,}   {losses}   {speed}, {line['mib']:,.0f} MiB", err=True)

    taught = teach(found, Corpus.open(corpus), output, tell, f"limner train {recipe}")
    if not first:
        return
    if json_:
        click.echo(json.dumps({"run": str(output), "unread": taught.unread, "stages": {
            name: {"steps": f.steps, "losses": dict(f.losses), "seconds": f.seconds, "tokens": f.tokens} for name, f in taught.fitted.items()
        }}))  # fmt: skip
        return
    lost = f"; {taught.unread} documents could not be read" if taught.unread else ""
    click.echo(f"{output}: {', '.join(f'{name} {f.loss:.3f}' for name, f in taught.fitted.items())}{lost}")
    click.echo(f'next: limner generate {output} "…" -o out.md', err=True)


_NOT = frozenset(("step", "rate", "norm", "tokens_a_second", "loading", "mib", "seconds", "mfu"))
