"""The trainer: what a step comes to however it is cut, going on after a kill, several processes, and what goes wrong."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from limner.errors import LimnerError  # noqa: E402
from limner.models.decoder import Decoder, DecoderSettings  # noqa: E402
from limner.models.interleaved import Interleaved, Marks  # noqa: E402
from limner.models.sequence import Sequence, collate, words  # noqa: E402
from limner.train import checkpoint  # noqa: E402
from limner.train.batches import Held, Packing  # noqa: E402
from limner.train.schedule import Schedule  # noqa: E402
from limner.train.trainer import Fit, fit  # noqa: E402

FIT = Fit(steps=12, rate=3e-3, schedule=Schedule(warm=2), log=1, save=4, precision="fp32")


def made(seed: int = 0, width: int = 32) -> Interleaved:
    torch.manual_seed(seed)
    return Interleaved(
        Decoder(DecoderSettings(width=width, layers=2, heads=2, key_heads=2, hidden=48, dropout=0.1)), None, Marks(0, 1, -1), 50
    )


def data(seed: int = 0) -> Packing:
    random = np.random.default_rng(1)
    sequences = [Sequence((words((random.integers(3, 20) + np.arange(n)) % 50),)) for n in random.integers(3, 60, 80)]
    return Packing(Held(sequences, seed), 128, window=4)


def losses(fitted: Any) -> list[float]:
    return [line["words"] for line in fitted.lines]


def test_a_model_learns_what_follows_what():
    fitted = fit(made(), data(), replace(FIT, steps=150))
    assert losses(fitted)[0] == pytest.approx(np.log(50), rel=0.05)
    assert losses(fitted)[-1] < 1.0


def test_a_run_that_was_cut_off_has_the_losses_of_one_left_alone(tmp_path: Path):
    whole = fit(made(), data(), FIT, tmp_path / "whole")
    for seed in (
        0,
        7,
        8,
    ):  # each is ended after five more steps, past its last checkpoint; only the first begins with these weights

        class Ended(Exception):
            pass

        count = 0

        def tell(line: Any) -> None:
            nonlocal count
            count += 1
            if count == 5:
                raise Ended

        with pytest.raises(Ended):
            fit(made(seed), data(), FIT, tmp_path / "cut", tell=tell)
        if checkpoint.found(tmp_path / "cut")[-1].name == "step-8":
            break
    again = fit(made(9), data(), FIT, tmp_path / "cut")
    assert losses(again) == losses(whole)
    a, b = (checkpoint.load(checkpoint.found(tmp_path / name)[-1])[0] for name in ("whole", "cut"))
    assert all(torch.equal(a["model"][n], b["model"][n]) for n in a["model"])
    logged = [json.loads(line)["step"] for line in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert logged == list(range(1, 13))


def test_two_halves_of_a_batch_are_as_the_whole():
    sequences = [Sequence((words(range(3, 3 + n)),)) for n in (30, 4, 9, 21)]

    class Given:
        def __init__(self, parts: list[list[Sequence]]) -> None:
            self.parts = parts

        def __iter__(self) -> Any:
            while True:
                yield from (collate(part) for part in self.parts)

        def state_dict(self) -> dict[str, Any]:
            return {}

        def load_state_dict(self, state: Any) -> None: ...

    once = replace(FIT, steps=3, clip=0.5)

    def plain() -> Interleaved:
        torch.manual_seed(0)
        return Interleaved(
            Decoder(DecoderSettings(width=32, layers=1, heads=2, key_heads=2, hidden=48)), None, Marks(0, 1, -1), 50
        )

    a, b = plain(), plain()
    one = fit(a, Given([sequences]), once)
    two = fit(b, Given([sequences[:1], sequences[1:]]), replace(once, accumulate=2))
    assert losses(one) == pytest.approx(losses(two), abs=1e-5)
    assert all(torch.allclose(x, y, atol=1e-5) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_the_average_of_weights_is_what_is_left():
    model, plain = made(), made()
    fit(model, data(), replace(FIT, ema=0.99))
    fit(plain, data(), FIT)
    assert not torch.equal(model.words.weight, plain.words.weight)  # type: ignore[union-attr]


def test_no_finite_number_ends_a_run_and_keeps_its_checkpoint(tmp_path: Path):
    model = made()
    fit(model, data(), replace(FIT, steps=4), tmp_path)

    class Broken(Interleaved):
        def forward(self, batch: Any) -> dict[str, Any]:
            return {name: loss * float("nan") for name, loss in super().forward(batch).items()}

    model.__class__ = Broken
    with pytest.raises(LimnerError, match=r"words is no finite number at step 4.*step-4, is whole"):
        fit(model, data(), FIT, tmp_path)
    assert [p.name for p in checkpoint.found(tmp_path)] == ["step-4"]


def test_a_checkpoint_of_another_shape_is_named(tmp_path: Path):
    fit(made(), data(), replace(FIT, steps=4), tmp_path)
    with pytest.raises(LimnerError, match=r"step-4 is of another model: .*\(\d+ more\)"):
        fit(made(width=64), data(), FIT, tmp_path)


def test_a_damaged_checkpoint_is_named(tmp_path: Path):
    fit(made(), data(), replace(FIT, steps=4), tmp_path)
    (tmp_path / "step-4" / "model.safetensors").write_bytes(b"\x00" * 20)
    with pytest.raises(LimnerError, match="is damaged"):
        fit(made(), data(), FIT, tmp_path)


def test_nothing_to_train_on_is_said():
    with pytest.raises(LimnerError, match="nothing to train on"):
        fit(made(), Packing(Held([]), 64), FIT)
    frozen = made()
    frozen.requires_grad_(False)
    with pytest.raises(LimnerError, match="all weights are frozen"):
        fit(frozen, data(), FIT)


RANKED = """
import sys, torch
sys.path.insert(0, {here!r})
from test_trainer import *
from limner.train.parallel import ranks
among = ranks()
torch.set_num_threads(1)
class Dealt:
    # the same global batch, its sequences dealt out unevenly
    def __iter__(self):
        for batch in fixed():
            yield collate(batch if among.world == 1 else batch[:1] if among.rank == 0 else batch[1:])
    def state_dict(self): return {{}}
    def load_state_dict(self, state): ...
torch.manual_seed(0)
model = Interleaved(Decoder(DecoderSettings(width=32, layers=2, heads=2, key_heads=2, hidden=48, copies=2)), None, Marks(0, 1, -1), 50)
fitted = fit(model, Dealt(), replace(FIT, steps={steps}, sharing={sharing!r}), Path({folder!r}))
if among.rank == 0:
    Path({folder!r}, "losses.json").write_text(json.dumps(losses(fitted)))
"""


def fixed() -> Any:
    random = np.random.default_rng(3)
    while True:
        yield [Sequence((words((random.integers(3, 9) + np.arange(n)) % 50),)) for n in random.integers(4, 40, 4)]


def ranked(folder: Path, world: int, sharing: str, steps: int = 6) -> list[float]:
    script = folder.parent / f"{folder.name}.py"
    script.write_text(RANKED.format(here=str(Path(__file__).parent), sharing=sharing, folder=str(folder), steps=steps))
    command = [sys.executable, str(script)]
    if world > 1:
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={world}", str(script)]
    subprocess.run(command, check=True, capture_output=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"})
    return json.loads((folder / "losses.json").read_text())


@pytest.mark.parametrize("sharing", ["ddp", "fsdp"])
def test_two_processes_come_to_what_one_does_and_one_goes_on_from_two(tmp_path: Path, sharing: str):
    alone = ranked(tmp_path / "one", 1, "none")
    assert ranked(tmp_path / "two", 2, sharing) == pytest.approx(alone, abs=1e-4)
    one, two = (checkpoint.load(checkpoint.found(tmp_path / n)[-1])[0]["model"] for n in ("one", "two"))
    assert all(torch.allclose(one[n], two[n], atol=1e-4) for n in one)
    assert ranked(tmp_path / "two", 1, "none", 9)[:6] == pytest.approx(alone, abs=1e-4)
