"""Several processes that train one model (torchrun): copies of it (DDP) or pieces of it (FSDP2).

A loss is a sum over terms, and ranks have different numbers of them: each rank divides by the terms of all, and since both ways
of sharing average gradients, multiplies by the number of ranks.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, distributed, nn

from limner.errors import LimnerError

Sharing = Literal["none", "ddp", "fsdp"]


@dataclass(frozen=True)
class Ranks:
    """This process among those that train: its number, and how many there are."""

    rank: int = 0
    world: int = 1

    def total(self, counts: Mapping[str, float], device: torch.device) -> dict[str, float]:
        """Counts summed over all ranks."""
        if self.world == 1:
            return dict(counts)
        names = sorted(counts)
        held = torch.tensor([counts[name] for name in names], dtype=torch.float64, device=device)
        distributed.all_reduce(held)
        return dict(zip(names, held.tolist(), strict=True))

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            distributed.barrier()


def ranks() -> Ranks:
    """The ranks that torchrun started, joined on the first call; one where it did not."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Ranks()
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return Ranks(distributed.get_rank(), distributed.get_world_size())


def shared(model: nn.Module, how: Sharing, device: torch.device) -> nn.Module:
    """The model as ranks share it; what is called in training."""
    if how == "none":
        return model
    if how == "ddp":
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(model, device_ids=[device.index] if device.type == "cuda" else None)
    if how == "fsdp":
        from torch.distributed.fsdp import fully_shard

        whole: Any = fully_shard
        done: list[str] = []
        for name, layers in model.named_modules():
            # Not the lists inside a layer (weights of each modality): what is in a piece cannot be cut again.
            if not isinstance(layers, nn.ModuleList) or len(layers) < 2 or any(name.startswith(f"{other}.") for other in done):
                continue
            done.append(name)
            for layer in layers:
                if any(p.requires_grad for p in layer.parameters()) and not isinstance(layer, nn.Embedding):
                    whole(layer)
        return whole(model)
    raise LimnerError(f"there is no way {how!r} of sharing a model; there are none, ddp, fsdp")


def full(tensor: Tensor) -> Tensor:
    """A tensor whole, where a rank holds a piece of it. All ranks must ask."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor  # pyright: ignore


def like(whole: Tensor, target: Tensor) -> Tensor:
    """A whole tensor as the piece of it that `target` is."""
    if not hasattr(target, "full_tensor"):
        return whole.to(target.device, target.dtype)
    from torch.distributed.tensor import distribute_tensor

    placed: Any = target
    return distribute_tensor(whole.to(placed.device, placed.dtype), placed.device_mesh, placed.placements)
