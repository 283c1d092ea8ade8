"""A run: every item of a benchmark asked of a model and scored by its judges, each sample stored as it is finished.

Asking and judging overlap: while one group of items is judged the next is asked. A run that was killed goes on where it stopped and comes to the
same result, since totals are made of the samples in the folder and of nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from limner.errors import LimnerError
from limner.evaluate.asked import Subject, Timed, remote
from limner.evaluate.benchmark import Benchmark, Item, Output
from limner.evaluate.benchmarks.registry import benchmark
from limner.evaluate.judges.address import judge
from limner.evaluate.judging import Judge
from limner.evaluate.provenance import code_hash, data_of
from limner.evaluate.samples import Judged, Sample, Samples
from limner.evaluate.totals import totals
from limner.experts.language_openai import ServerGone

SETTINGS, RESULT = "run.json", "result.json"
NOBODY = ""
"""The judge of a run without one."""

Tell = Callable[[int, int], None]
"""Told the samples finished and the items there are (0 while that is not known)."""


@dataclass(frozen=True)
class Run:
    """What is run: a benchmark on a model, judged by some judges (the first one's scores are the result, others are compared with it).

    `data`     where the authors' files are, None for benchmarks whose items are made here
    `most`     items at most, the first ones, 0 for all; a result of some says so
    `at_once`  items that are asked (and judged) at one time of a server; 0 for `$LIMNER_AT_ONCE` or 8
    `group`    items that a model on this machine is asked together
    `retry`    samples of the run so far whose model failed, or whose judge did not answer, are asked again
    """

    benchmark: str
    model: str
    judges: tuple[str, ...] = ()
    data: Path | None = None
    most: int = 0
    at_once: int = 0
    group: int = 8
    retry: bool = False


def run(what: Run, folder: Path, tell: Tell = lambda done, all: None) -> dict[str, Any]:
    """The result, also written to `folder`. Raises `LimnerError` where the folder has a run of something else, or a server is gone: what was
    finished is kept."""
    bench = benchmark(what.benchmark)
    judges = {address: judge(address) for address in what.judges}
    subject = Subject(what.model)
    _begin(what, bench, subject, judges, folder)
    samples = Samples(folder)
    if what.retry:
        samples.forget(unanswered)
    writer = samples.open()
    done = {sample.id for sample in samples}
    count = len(done)
    tell(count, 0)
    try:
        for sample in _finished(what, bench, subject, judges, samples, done):
            writer.add(sample)
            count += 1
            tell(count, 0)
    except ServerGone as error:
        raise LimnerError(
            f"{error}. {count} samples are kept in {folder}: run it again, with --retry for those that failed"
        ) from error
    finally:
        writer.close()
    return finish(folder)


def unanswered(sample: Sample) -> bool:
    """Whether a sample's model failed, or one of its judges did not answer."""
    return bool(sample.error) or any({"timeout", "error"} & set(one.failed.values()) for one in sample.judged.values())


def finish(folder: Path) -> dict[str, Any]:
    """The result of the samples in a run's folder, written beside them."""
    settings = stated(folder)
    result = {**settings, **totals(Samples(folder), settings)}
    draft = folder / f"{RESULT}.draft"
    draft.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(draft, folder / RESULT)
    return result


def stated(folder: Path) -> dict[str, Any]:
    """What a run's folder says that it is."""
    try:
        return json.loads((folder / SETTINGS).read_text("utf-8"))
    except FileNotFoundError:
        raise LimnerError(f"{folder} has no run: limner eval run BENCH --model ADDRESS -o {folder}") from None
    except (OSError, ValueError) as error:
        raise LimnerError(f"{folder / SETTINGS} cannot be read: {error}") from None


def _begin(what: Run, bench: Benchmark, subject: Subject, judges: Mapping[str, Judge], folder: Path) -> None:
    """Write what is run, or make sure that the folder's run is the same."""
    says: dict[str, Any] = {
        "benchmark": what.benchmark, "title": bench.title, "reference": bench.reference,
        "model": subject.identity, "most": what.most, "sampling": asdict(bench.sampling),
        "judges": {address: dict(each.settings) for address, each in judges.items()},
        "measures": [asdict(measure) for measure in bench.measures],
        "data": data_of(what.data), "code": code_hash(bench, judges.values()),
    }  # fmt: skip
    says = json.loads(json.dumps(says))
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / SETTINGS).exists():
        other = stated(folder)
        if differs := [name for name, value in says.items() if other.get(name) != value]:
            raise LimnerError(
                f"{folder} has a run whose {', '.join(differs)} {'is' if len(differs) == 1 else 'are'} not the same: take another folder"
            )
        return
    draft = folder / f"{SETTINGS}.draft"
    draft.write_text(json.dumps(says, indent=1, ensure_ascii=False) + "\n", "utf-8")
    os.replace(draft, folder / SETTINGS)


def _finished(
    what: Run, bench: Benchmark, subject: Subject, judges: Mapping[str, Judge], samples: Samples, done: set[str]
) -> Iterator[Sample]:
    """Samples as they are finished. So many groups are on their way at most that memory does not grow with the benchmark."""
    asked_at_once = (what.at_once or int(os.environ.get("LIMNER_AT_ONCE", "8"))) if remote(what.model) else 1
    judged_at_once = (what.at_once or 8) if any(map(remote, what.judges)) else 1
    size = 1 if remote(what.model) else max(what.group, 1)
    groups = _groups(bench.items(what.data), what.most, done, size)
    with ThreadPoolExecutor(asked_at_once) as askers, ThreadPoolExecutor(judged_at_once) as scorers:

        def asked(group: list[tuple[int, Item]]) -> list[Future[Any]]:
            answers = subject.ask(bench, [item for _, item in group])
            return [
                scorers.submit(_scored, bench, judges, samples, number, item, timed)
                for (number, item), timed in zip(group, answers, strict=True)
            ]

        pending: set[Future[Any]] = set()
        try:
            while True:
                room = 2 * asked_at_once + 2 * judged_at_once - len(pending)
                pending |= {askers.submit(asked, group) for group in islice(groups, max(room, 0))}
                if not pending:
                    return
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for one in finished:
                    came: list[Future[Any]] | Sample = one.result()
                    if isinstance(came, Sample):
                        yield came
                    else:
                        pending |= set(came)
        except BaseException:
            for pool in (askers, scorers):
                pool.shutdown(wait=False, cancel_futures=True)
            raise


def _groups(items: Iterator[Item], most: int, done: set[str], size: int) -> Iterator[list[tuple[int, Item]]]:
    seen: set[str] = set()
    group: list[tuple[int, Item]] = []
    for number, item in enumerate(islice(items, most or None)):
        if item.id in seen:
            raise LimnerError(f"two items of the benchmark have the id {item.id!r}")
        seen.add(item.id)
        if item.id not in done:
            group.append((number, item))
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _scored(bench: Benchmark, judges: Mapping[str, Judge], samples: Samples, number: int, item: Item, timed: Timed) -> Sample:
    output, seconds = timed
    judged = {address: _score(bench, item, output, each) for address, each in judges.items()} or {
        NOBODY: _score(bench, item, output, None)
    }
    return Sample(
        item.id, number, item.cluster, dict(item.categories), samples.keep(output), output.likelihoods, output.error, judged,
        round(seconds, 3),
    )  # fmt: skip


def _score(bench: Benchmark, item: Item, output: Output, each: Judge | None) -> Judged:
    """What a scorer comes to; one that fails costs this sample's scores, and says so."""
    try:
        scored = bench.score(item, output, each)
    except ServerGone:
        raise
    except LimnerError as error:
        return Judged({}, {measure.name: "error" for measure in bench.measures}, {"error": str(error)})
    return Judged(scored.values, scored.failed, scored.reasons)


def addresses(result: Mapping[str, Any]) -> Sequence[str]:
    """The judges of a run, the first first; `NOBODY` where it has none."""
    return list(result["judges"]) or [NOBODY]
