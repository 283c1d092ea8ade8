"""`limner eval`: benchmarks, their runs, reports and comparisons."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from limner.cli.options import as_json
from limner.errors import LimnerError

if TYPE_CHECKING:
    from limner.evaluate.benchmark import Benchmark

_RUN = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_DATA = click.option("--data", type=click.Path(exists=True, path_type=Path), help="Where the benchmark's files are.")


@click.group("eval")
def command() -> None:
    """Judge models that read and write interleaved documents.

    \b
    limner eval list
    limner eval run vcr --model bundled:smollm2-135m -o run
    limner eval run interleaved-bench --data files --model openai:qwen3-vl@URL --judge language:openai:judge@URL -o run
    limner eval report run
    limner eval compare run-a run-b
    """


@command.command("list")
@as_json
def list_(json_: bool) -> None:
    """The benchmarks there are, and the files that each needs."""
    from limner.evaluate.benchmarks.registry import benchmark, names

    known: list[Benchmark] = []
    for name in names():
        try:
            known.append(benchmark(name))
        except LimnerError as error:  # another package's: the others are listed all the same
            click.echo(str(error), err=True)
    if json_:
        click.echo(json.dumps([
            {"name": b.name, "title": b.title, "reference": b.reference, "files": b.files, "measures": [m.name for m in b.measures],
             "judged": any(m.judged for m in b.measures)} for b in known
        ]))  # fmt: skip
        return
    for found in known:
        wants = f"--data {found.files}" if found.files else "made here"
        click.echo(
            f"{found.name:<18} {found.title}\n{'':<18} {wants}{'; a judge' if any(m.judged for m in found.measures) else ''}"
        )


@command.command("run")
@click.argument("bench", metavar="BENCH")
@click.option(
    "--model", required=True, metavar="ADDRESS", help="Who answers: run:FOLDER, hf:NAME, openai:MODEL@URL, bundled:NAME."
)
@click.option(
    "--judge", "judges", multiple=True, metavar="ADDRESS",
    help="Who judges: bundled:trained, language:ADDRESS, ...; may be repeated: the first one's scores are the result.",
)  # fmt: skip
@_DATA
@click.option("--most", type=click.IntRange(0), default=0, metavar="N", help="The first N items only.")
@click.option("--at-once", type=click.IntRange(0, 256), default=0, metavar="N", help="Requests of a server at one time.")
@click.option(
    "--retry", is_flag=True, help="Ask again what failed in the run so far: a model's error, a judge that did not answer."
)
@click.option("-o", "--output", required=True, type=click.Path(file_okay=False, path_type=Path), help="The folder of the run.")
@as_json
def run_(
    bench: str,
    model: str,
    judges: tuple[str, ...],
    data: Path | None,
    most: int,
    at_once: int,
    retry: bool,
    output: Path,
    json_: bool,
) -> None:
    """Ask every item of a benchmark, score the answers, and write a report. The same command goes on with a run that was stopped."""
    from limner.evaluate.benchmarks.registry import benchmark
    from limner.evaluate.judges.address import DEFAULT
    from limner.evaluate.runner import Run, run

    judged = any(measure.judged for measure in benchmark(bench).measures)
    if judged and not judges:
        judges = (DEFAULT,)
    with _progress(json_) as tell:
        result = run(Run(bench, model, judges if judged else (), data, most, at_once, retry=retry), output, tell)
    _write(output, data)
    if json_:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    _print(result)
    click.echo(f"{output / 'report.html'}", err=True)


@command.command("report")
@click.argument("run", type=_RUN)
@_DATA
@click.option(
    "-o", "--output", type=_FILE, help="A .html page, .csv of all samples, or .json; report.html in the run by default."
)
@as_json
def report(run: Path, data: Path | None, output: Path | None, json_: bool) -> None:
    """A run as a page: scores with intervals, by category, the worst and the most disputed samples as they read."""
    from limner.evaluate.report.tables import samples_csv
    from limner.evaluate.runner import finish

    result = finish(run)
    if output and output.suffix not in (".html", ".csv", ".json"):
        raise LimnerError(f"{output}: a report is .html, .csv or .json")
    if output and output.suffix == ".csv":
        output.write_text(samples_csv(run), "utf-8")
    elif output and output.suffix == ".json":
        output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    else:
        _write(run, data, output)
    if json_:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    _print(result)
    click.echo(str(output or run / "report.html"), err=True)


@command.command("compare")
@click.argument("run_a", type=_RUN)
@click.argument("run_b", type=_RUN)
@_DATA
@click.option("--common", is_flag=True, help="Compare the items that both have, where one lacks some.")
@click.option("-o", "--output", type=_FILE, help="A page with samples side by side.")
@as_json
def compare(run_a: Path, run_b: Path, data: Path | None, common: bool, output: Path | None, json_: bool) -> None:
    """Two systems on the same items: differences with intervals, a test, an effect size, and what the set can tell apart."""
    from limner.evaluate.report.compare import compared, page
    from limner.evaluate.report.page import figure

    found = compared(run_a, run_b, common)
    if output:
        output.write_text(page(run_a, run_b, found, data), "utf-8")
    if json_:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for text in found["warnings"]:
        click.echo(f"of these runs {text}", err=True)
    for row in found["measures"]:
        a, b, difference, low, high, p, effect, detects = (
            figure(row[name]) for name in ("a", "b", "difference", "low", "high", "p", "effect", "detects")
        )
        click.echo(
            f"{row['measure']:<28} {a} and {b}: {difference} ({low} to {high}), p {p}, effect {effect}; can tell {detects} apart: {row['verdict']}"
        )


@command.command("arena")
@click.argument("verdicts", type=click.Path(exists=True, path_type=Path))
@click.option("--other", type=click.Path(exists=True, path_type=Path), help="Verdicts of another judge: how far both agree.")
@as_json
def arena(verdicts: Path, other: Path | None, json_: bool) -> None:
    """Rank systems from pairwise verdicts, as OpenING's arena publishes them, under each way of treating ties."""
    from limner.evaluate.arena import ranked
    from limner.evaluate.report.page import figure

    found = ranked(verdicts, other)
    if json_:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"{found['verdicts']:,} verdicts, {found['ties']:,} ties, {len(found['systems'])} systems")
    for ties, ranking in found["rankings"].items():
        click.echo(f"\nties: {ties}")
        if "error" in ranking:
            click.echo(f"    {ranking['error']}")
            continue
        for row in ranking["places"]:
            click.echo(
                f"{row['rank']:>3} ({row['rank_low']} to {row['rank_high']})  {row['system']:<28} strength {figure(row['strength'])} "
                f"({figure(row['low'])} to {figure(row['high'])}), wins {100 * row['win_rate']['value']:.1f} % of {row['matches']:,}"
            )
    for ties, row in found.get("agreement", {}).items():
        if row["both"]:
            agree = row["agree"]
            click.echo(
                f"\nagreement, ties: {ties}: {100 * agree['value']:.1f} % ({100 * agree['low']:.1f} to {100 * agree['high']:.1f}) of {row['both']:,} "
                f"meetings, kappa {figure(row['kappa']['value'])}"
            )
        else:
            click.echo(f"\nagreement, ties: {ties}: no meeting that both judged")


@contextmanager
def _progress(quiet: bool) -> Generator[Callable[[int, int], None]]:
    """A line that says how many samples are finished, where a terminal is there to say it in."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda done, all: None
        return
    with Progress(SpinnerColumn(), TextColumn("samples"), MofNCompleteColumn(), TimeElapsedColumn(), console=console) as shown:
        task = shown.add_task("samples", total=None)
        yield lambda done, all: shown.update(task, completed=done, total=all or None)


def _write(run: Path, data: Path | None, output: Path | None = None) -> None:
    from limner.evaluate.report.page import page

    (output or run / "report.html").write_text(page(run, data), "utf-8")


def _print(result: dict[str, Any]) -> None:
    lost = f", {result['failed_items']} not answered" if result["failed_items"] else ""
    click.echo(f"{result['title']}: {result['model']}: {result['items']:,} items{lost}")
    for text, count in list(result["errors"].items())[:3]:
        click.echo(f"  {count:,} times: {text}", err=True)
    for judge, measures in result["scores"].items():
        if judge:
            click.echo(f"by {judge}")
        for name, row in measures.items():
            said = f"{row['mean']:.4g} ({row['low']:.4g} to {row['high']:.4g})" if row["n"] else "none"
            failed = f"; the judge failed on {100 * row['failure_rate']:.1f} %" if row["failure_rate"] else ""
            click.echo(f"  {name:<28} {said}, {row['n']:,} samples{failed}")
