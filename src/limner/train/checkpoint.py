"""Checkpoints: weights and the optimizer's numbers in safetensors, all else in JSON; written whole or not at all.

A checkpoint is a folder `step-N` with `model.safetensors`, `optimizer.safetensors`, `ema.safetensors` where there is an
average, and `state.json`, which comes last. Tensors are whole, whatever the number of processes that trained them, so that
another number goes on.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from limner.errors import LimnerError

STATE = "state.json"


def save(folder: Path, step: int, tensors: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any], keep: int = 2) -> Path:
    """Write `folder/step-N` and forget all but the last `keep`; returns it."""
    target, part = folder / f"step-{step}", folder / f".step-{step}.{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name, held in tensors.items():
        save_file(
            {key: value.detach().cpu().contiguous().clone() for key, value in held.items()}, str(part / f"{name}.safetensors")
        )
    with (part / STATE).open("w", encoding="utf-8") as out:
        json.dump(state, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    for old in found(folder)[:-keep]:
        shutil.rmtree(old, ignore_errors=True)
    return target


def found(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, the earliest first."""
    steps = [p for p in folder.glob("step-*") if (p / STATE).is_file() and p.name.removeprefix("step-").isdigit()]
    return sorted(steps, key=lambda path: int(path.name.removeprefix("step-")))


def load(checkpoint: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """The tensors of each file, and the state. Raises `LimnerError` for one that is damaged."""
    try:
        state: dict[str, Any] = json.loads((checkpoint / STATE).read_text("utf-8"))
        return {path.stem: load_file(str(path)) for path in sorted(checkpoint.glob("*.safetensors"))}, state
    except (OSError, ValueError, SafetensorError) as error:
        raise LimnerError(f"the checkpoint {checkpoint} is damaged: {error}") from error


def fitting(own: Mapping[str, Tensor], needed: Iterable[str], given: Mapping[str, Tensor], where: str) -> None:
    """Raise `LimnerError` naming what does not fit, where the tensors `given` are not those of a model (`own`), or lack some
    that it needs."""
    wrong = [
        f"{n} is {tuple(t.shape)}, not {tuple(own[n].shape)}" for n, t in given.items() if n in own and own[n].shape != t.shape
    ]
    wrong += [f"it lacks {name}" for name in sorted(set(needed) - set(given))]
    wrong += [f"it has {name}, which the model has not" for name in sorted(set(given) - set(own))]
    if wrong:
        more = f" ({len(wrong) - 3} more)" if len(wrong) > 3 else ""
        raise LimnerError(f"the checkpoint {where} is of another model: {'; '.join(wrong[:3])}{more}")


def weights(module: nn.Module, checkpoint: Path) -> None:
    """Give a module the weights of a checkpoint: the averaged ones, where there are. Raises `LimnerError` where it is of
    another model."""
    tensors, _ = load(checkpoint)
    own = dict(module.named_parameters()) | dict(module.named_buffers())
    needed = [name for name, weight in module.named_parameters() if weight.requires_grad]
    fitting(own, needed, tensors["model"], str(checkpoint))
    with torch.no_grad():
        for name, value in (tensors["model"] | tensors.get("ema", {})).items():
            own[name].copy_(value)
