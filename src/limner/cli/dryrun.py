"""`limner build --dry-run`: what a plan would drop. Not a command of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from limner.cli.progress import listening, print_summary
from limner.errors import PlanError
from limner.pipeline.plan import Plan
from limner.pipeline.runners import Runner
from limner.pipeline.trials import Trial, told, trials


def dry(plan: Plan, count: int, tries: Sequence[str], runner: Runner, as_json: bool) -> None:
    """Try `plan` on `count` inputs, then with each value of each `STEP.SETTING=VALUE,VALUE,…`, and print what came of it."""
    changes = [change for text in tries for change in _changes(text)]
    with listening(quiet=as_json) as progress:
        found = trials(plan, count, changes, runner=runner, progress=progress)
    if as_json:
        click.echo(json.dumps([{"changes": dict(t.changes), **t.summary.to_dict()} for t in found], ensure_ascii=False))
        return
    print_summary(found[0].summary, done=False)
    if len(found) > 1:
        Console(highlight=False).print(_compared(found))


def _changes(text: str) -> list[dict[str, Any]]:
    key, equals, values = text.partition("=")
    if not equals or "." not in key:
        raise PlanError(f"--try takes STEP.SETTING=VALUE,VALUE,…, not {text!r}")
    return [{key: _value(value)} for value in values.split(",")]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _compared(found: Sequence[Trial]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("with")
    for name in ("documents", "images", "words"):
        table.add_column(f"{name} kept", justify="right")
    for trial in found:
        table.add_row(told(trial.changes), *(f"{trial.summary.counts[name]:,}" for name in ("documents", "images", "words")))
    return table
