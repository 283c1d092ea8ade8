"""Progress of a run in the terminal, and its summary. Not a command."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from limner.document.wording import plural
from limner.pipeline.progress import Silent
from limner.pipeline.summary import Summary

_EVERY = 10.0


class Bars:
    """A bar a stage, with its rate and the time left."""

    def __init__(self, progress: Progress):
        self._progress = progress
        self._task: TaskID | None = None
        self._began = 0.0
        self._now = 0

    def stage(self, name: str, total: int, done: int) -> None:
        """Finish the bar before and begin one."""
        self.end()
        self._began, self._now = time.monotonic(), 0
        self._task = self._progress.add_task(name, total=total or None, completed=done, rate="")

    def advance(self, inputs: int, counts: Mapping[str, int]) -> None:
        """Move the bar."""
        if self._task is not None:
            self._now += inputs
            rate = self._now / max(time.monotonic() - self._began, 1e-6)
            self._progress.update(self._task, advance=inputs, rate=f"{rate:,.0f}/s")

    def message(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(text)

    def end(self) -> None:
        """Leave the bar before full."""
        if self._task is not None:
            task = self._progress.tasks[self._task]
            self._progress.update(self._task, total=task.total or 1, completed=task.total or 1)


class Lines:
    """A line now and then, where there is no terminal."""

    def __init__(self) -> None:
        self._name, self._total, self._done, self._said = "", 0, 0, 0.0
        self._counts: Counter[str] = Counter()

    def stage(self, name: str, total: int, done: int) -> None:
        """Say that a stage begins."""
        self._name, self._total, self._done, self._said = name, total, done, time.monotonic()
        already = f" ({done:,} done before)" if done else ""
        print(f"{name}: {plural(total, 'input')}{already}" if total else name, file=sys.stderr)  # noqa: T201

    def advance(self, inputs: int, counts: Mapping[str, int]) -> None:
        """Say how far it is, every ten seconds."""
        self._done += inputs
        self._counts.update(counts)
        if time.monotonic() - self._said > _EVERY or self._done == self._total:
            self._said = time.monotonic()
            print(f"{self._name}: {self._done:,}/{self._total:,}", file=sys.stderr)  # noqa: T201

    def message(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr)  # noqa: T201


@contextmanager
def listening(quiet: bool = False) -> Generator[Bars | Lines | Silent]:
    """The listener that suits this terminal."""
    if quiet:
        yield Silent()
    elif not sys.stderr.isatty():
        yield Lines()
    else:
        columns = (
            SpinnerColumn(finished_text=" "), TextColumn("{task.description:<10}"), BarColumn(30), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(compact=True),
        )  # fmt: skip
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bars = Bars(progress)
            yield bars
            bars.end()


def print_summary(summary: Summary, done: bool = True, unread: str = "") -> None:
    """What was kept, what each step dropped and why, what could not be read, and, where there is a corpus (`done`), what to do
    next."""
    console = Console(highlight=False)
    counts = summary.counts
    known = sum(1 for language in summary.languages if language)
    console.print(
        f"[bold]{plural(counts['documents'], 'document')}[/] · {plural(counts['words'], 'word')} · "
        f"{plural(counts['images'], 'image')} ({counts['stored']:,} stored) · {plural(known, 'language')}   "
        f"[dim]{escape(summary.corpus) if done else 'of a sample'}[/]"
    )
    if summary.steps:
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("step")
        for name in ("documents", "images", "text parts", "changed"):
            table.add_column(name, justify="right")
        table.add_column("most often because")
        for step in summary.steps:
            why = ", ".join(f"{reason} {count:,}" for reason, count in list(step.reasons.items())[:3])
            table.add_row(
                step.step, *(f"{n:,}" if n else "" for n in (step.documents, step.images, step.parts, step.changed)), why
            )
        console.print(table)
    if summary.rejects:
        kinds = ", ".join(f"{error} {count:,}" for error, count in summary.rejects.items())
        console.print(f"could not be read: {unread or kinds}", markup=False, soft_wrap=True)
    following = f" next:[/] limner view {escape(summary.corpus)}" if done else "[/]"
    console.print(f"[dim]{plural(summary.inputs, 'input')} in {summary.seconds:,.1f} s.{following}")
