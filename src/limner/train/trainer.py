"""The trainer: one loop for every model.

A model gives sums and how many terms they have; the trainer divides by the terms of all micro-batches of all ranks, so that how
a step is cut changes nothing but rounding. A run goes on from its last checkpoint with the very same losses (on one device,
with one number of processes).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, cast

import torch
from torch import Tensor, nn

from limner.errors import LimnerError
from limner.experts.device import place
from limner.train import checkpoint
from limner.train.batches import Batches
from limner.train.parallel import Ranks, Sharing, full, like, ranks, shared
from limner.train.schedule import Schedule
from limner.train.speed import memory, operations, peak

LOG = "log.jsonl"


class Model(Protocol):
    """What is trained: an `nn.Module` that is called with a batch."""

    def counts(self, batch: Any) -> dict[str, float]:
        """How many terms each loss sums over; cheap, asked before the batch is run."""
        ...

    def __call__(self, batch: Any) -> dict[str, Tensor]:
        """The sum of each loss, its weight included. The same names for every batch."""
        ...


@dataclass(frozen=True)
class Fit:
    """How a model is trained.

    `steps`      updates in all
    `rate`       the highest learning rate; `rates` are shares of it for weights whose names begin so
    `decay`      of weights with two axes and more (AdamW: Loshchilov and Hutter 2017, arXiv 1711.05101), `betas` its averages
    `clip`       the greatest length of a gradient, 0 for any
    `accumulate` batches to an update
    `ema`        how much of the average of weights stays at a step, 0 for no average
    `precision`  `auto`: bfloat16 where the machine multiplies it fast
    `log`, `save` steps between lines of the log, and between checkpoints
    `keep`       checkpoints
    `sharing`    among processes, `auto`: ddp where there are several
    """

    steps: int = 1_000
    rate: float = 1e-3
    rates: tuple[tuple[str, float], ...] = ()
    decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    accumulate: int = 1
    schedule: Schedule = field(default_factory=Schedule)
    ema: float = 0.0
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    log: int = 50
    save: int = 500
    keep: int = 2
    seed: int = 0
    sharing: Sharing | Literal["auto"] = "auto"


@dataclass(frozen=True)
class Fitted:
    """What a run came to: the losses of its last steps (a mean over the last tenth), steps, seconds and tokens of this call,
    and the lines of its log."""

    losses: Mapping[str, float]
    steps: int
    seconds: float
    tokens: int
    lines: tuple[Mapping[str, Any], ...]

    @property
    def loss(self) -> float:
        """The sum of the losses."""
        return sum(self.losses.values())


def fit(
    model: nn.Module,
    batches: Batches,
    settings: Fit,
    folder: Path | None = None,
    *,
    resume: bool = True,
    tell: Callable[[Mapping[str, Any]], None] = lambda line: None,
) -> Fitted:
    """Train a model, in place; with a folder, write its log and checkpoints there, and with `resume` go on from the last one.
    `tell` is called with each line of the log. At its end the model has the averaged weights where there is an average.

    Raises `LimnerError` where a loss or a gradient is no finite number: the last checkpoint stays; where a checkpoint is of
    another model.
    """
    return _Run(model, batches, settings, folder, ranks()).run(resume, tell)


class _Run:
    def __init__(self, model: nn.Module, batches: Batches, settings: Fit, folder: Path | None, among: Ranks) -> None:
        self.device, fast = place()
        self.settings, self.batches, self.folder, self.among = settings, batches, folder, among
        self.numbers = {"bf16": torch.bfloat16, "fp32": torch.float32, "auto": fast}[settings.precision]
        torch.manual_seed(settings.seed + among.rank)
        self.model = model.to(self.device)
        sharing: Sharing = ("ddp" if among.world > 1 else "none") if settings.sharing == "auto" else settings.sharing
        self.shared = shared(self.model, sharing, self.device)
        self.weights = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        if not self.weights:
            raise LimnerError("there is nothing to train: all weights are frozen")
        self.optimizer = torch.optim.AdamW(list(self._groups()), lr=settings.rate, betas=settings.betas)
        self.average = {n: p.detach().clone().float() for n, p in self.weights.items()} if settings.ema else {}
        self.step = 0
        self.operations = 0.0
        self.lines: list[dict[str, Any]] = []

    def _groups(self) -> Iterator[dict[str, Any]]:
        for name, weight in self.weights.items():
            share = next((share for start, share in self.settings.rates if name.startswith(start)), 1.0)
            decay = self.settings.decay if weight.dim() > 1 else 0.0
            yield {"params": [weight], "weight_decay": decay, "share": share}

    def run(self, resume: bool, tell: Callable[[Mapping[str, Any]], None]) -> Fitted:
        s = self.settings
        if self.folder is not None and resume:
            self._resume(self.folder)
        began, first, tokens = time.perf_counter(), self.step, 0
        window: list[dict[str, float]] = []
        last: list[dict[str, float]] = []
        waited, counted = 0.0, 0
        since = time.perf_counter()
        feed = iter(self.batches)
        self.model.train()
        while self.step < s.steps:
            asked = time.perf_counter()
            micro = [next(feed).to(self.device) for _ in range(s.accumulate)]
            waited += time.perf_counter() - asked
            losses, norm = self._update(micro)
            size = sum(_size(batch) for batch in micro)
            tokens, counted = tokens + size, counted + size
            window.append(losses)
            if self.step > s.steps * 0.9 or self.step == s.steps:
                last.append(losses)
            if self.step % s.log == 0 or self.step == s.steps:
                passed = max(time.perf_counter() - since, 1e-9)
                line: dict[str, Any] = {
                    "step": self.step,
                    **_mean(window),
                    "rate": s.rate * s.schedule.at(self.step - 1, s.steps),
                    "norm": norm,
                }
                line |= {
                    "tokens_a_second": counted / passed,
                    "loading": waited / passed,
                    "mib": memory(self.device),
                    "seconds": passed,
                }
                line["mfu"] = self.operations * len(window) / passed / peak(self.device, self.numbers)
                self._log(line, tell)
                window, waited, counted, since = [], 0.0, 0, time.perf_counter()
            if self.folder is not None and (self.step % s.save == 0 or self.step == s.steps):
                self._save(self.folder)
        if self.average:
            with torch.no_grad():
                for name, weight in self.weights.items():
                    weight.copy_(self.average[name])
        self.model.eval()
        return Fitted(_mean(last), self.step, time.perf_counter() - began, tokens, tuple(self.lines)) if self.step > first else Fitted(
            _mean(self.lines[-1:]), self.step, 0.0, 0, tuple(self.lines)
        )  # fmt: skip

    def _update(self, micro: Sequence[Any]) -> tuple[dict[str, float], float]:
        s = self.settings
        counts: dict[str, float] = {}
        for batch in micro:
            for name, count in cast("Model", self.model).counts(batch).items():
                counts[name] = counts.get(name, 0.0) + count
        whole = self.among.total(counts, self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = s.rate * group["share"] * s.schedule.at(self.step, s.steps)
        sums: dict[str, float] = {}

        def passes() -> None:
            for at, batch in enumerate(micro):
                with (
                    self._held(at < len(micro) - 1),
                    torch.autocast(self.device.type, self.numbers, self.numbers != torch.float32),
                ):
                    losses = cast("dict[str, Tensor]", self.shared(batch))
                    total = sum(
                        (loss / max(whole[name], 1.0) for name, loss in losses.items()), torch.zeros((), device=self.device)
                    )
                    (total * self.among.world).backward()
                for name, loss in losses.items():
                    sums[name] = sums.get(name, 0.0) + float(loss.detach())

        if self.operations:
            passes()
        else:
            self.operations = max(operations(passes), 1.0)
        norm = self._norm()
        told = self.among.total(sums, self.device)
        losses = {name: value / max(whole[name], 1.0) for name, value in told.items()}
        if not math.isfinite(norm) or not all(map(math.isfinite, losses.values())):
            bad = next((name for name, value in losses.items() if not math.isfinite(value)), "the gradient")
            kept = checkpoint.found(self.folder)[-1:] if self.folder else []
            raise LimnerError(
                f"{bad} is no finite number at step {self.step}: lower the rate ({s.rate:g}) or look at the data there; "
                + (f"the last checkpoint, {kept[0].name}, is whole" if kept else "no checkpoint was written yet")
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        if self.average:
            with torch.no_grad():
                # The average of the first steps follows them closely.
                stays = min(s.ema, (1 + self.step) / (10 + self.step))
                for name, weight in self.weights.items():
                    self.average[name].lerp_(weight.detach().float(), 1 - stays)
        return losses, norm

    def _held(self, more: bool) -> AbstractContextManager[Any]:
        """Gradients of all but the last micro-batch stay on their rank."""
        hold = getattr(self.shared, "no_sync", None)
        if hasattr(self.shared, "set_requires_gradient_sync"):
            cast("Any", self.shared).set_requires_gradient_sync(not more)
            return nullcontext()
        return hold() if more and hold is not None else nullcontext()

    def _norm(self) -> float:
        limit = self.settings.clip or math.inf
        norm: Any = torch.nn.utils.clip_grad_norm_(list(self.weights.values()), limit)
        return float(full(norm))

    def _log(self, line: dict[str, Any], tell: Callable[[Mapping[str, Any]], None]) -> None:
        self.lines.append(line)
        if self.among.rank == 0:
            if self.folder is not None:
                self.folder.mkdir(parents=True, exist_ok=True)
                with (self.folder / LOG).open("a", encoding="utf-8") as out:
                    out.write(json.dumps(line) + "\n")
            tell(line)

    def _save(self, folder: Path) -> None:
        moments: dict[str, Tensor] = {}
        for name, weight in self.weights.items():
            for key, value in self.optimizer.state[weight].items():
                moments[f"{name}/{key}"] = full(value) if isinstance(value, Tensor) else torch.tensor(value)
        tensors = {
            "model": {n: full(p) for n, p in self.weights.items()} | dict(self.model.named_buffers()),
            "optimizer": moments,
            "ema": {n: full(t) for n, t in self.average.items()},
            "random": {f"cpu-{self.among.rank}": torch.get_rng_state()},
        }
        if self.device.type == "cuda":
            tensors["random"]["cuda-0"] = torch.cuda.get_rng_state()
        if self.among.rank == 0:
            state = {
                "step": self.step, "data": self.batches.state_dict(), "world": self.among.world, "settings":
                asdict(self.settings), "lines": self.lines, "operations": self.operations,
            }  # fmt: skip
            checkpoint.save(folder, self.step, {k: v for k, v in tensors.items() if v}, state, self.settings.keep)
        self.among.wait()

    def _resume(self, folder: Path) -> None:
        steps = checkpoint.found(folder)
        if not steps:
            return
        tensors, state = checkpoint.load(steps[-1])
        with torch.no_grad():
            own = dict(self.model.named_parameters()) | dict(self.model.named_buffers())
            checkpoint.fitting(own, self.weights, tensors["model"], str(steps[-1]))
            for name, value in tensors["model"].items():
                own[name].copy_(like(value, own[name]))
            for key, value in tensors["optimizer"].items():
                name, _, moment = key.rpartition("/")
                weight = self.weights[name]
                self.optimizer.state[weight][moment] = value if moment == "step" else like(value, weight)
            for name, value in tensors.get("ema", {}).items():
                self.average[name] = like(value, self.average[name])
        self.step, self.lines = int(state["step"]), list(state["lines"])
        self.operations = float(state["operations"])  # counting anew rounds otherwise in that step
        if int(state["world"]) == self.among.world:
            self.batches.load_state_dict(state["data"])
        if f"cpu-{self.among.rank}" in tensors["random"]:
            torch.set_rng_state(tensors["random"][f"cpu-{self.among.rank}"])
        if "cuda-0" in tensors["random"] and self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random"]["cuda-0"])
        self._trim(folder)

    def _trim(self, folder: Path) -> None:
        """The log ends where the checkpoint does."""
        path = folder / LOG
        if self.among.rank == 0 and path.is_file():
            path.write_text("".join(json.dumps(line) + "\n" for line in self.lines), "utf-8")


def _size(batch: Any) -> int:
    """What it has of whatever it is counted in."""
    return int(batch.tokens) if hasattr(batch, "tokens") else len(batch) if hasattr(batch, "__len__") else 0


def _mean(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    names = [n for n, v in rows[0].items() if isinstance(v, float)] if rows else []
    return {name: sum(float(row[name]) for row in rows) / len(rows) for name in names}
