"""From noise to data: the paths of flows by Euler's or Heun's method, and any scheduler of diffusers.

Flows are x_t = (1 - t) x + t noise with the velocity v = noise - x (Liu et al. 2022, arXiv 2209.03003; Esser et al. 2024, arXiv
2403.03206, equation 13), so that time falls from 1. What predicts is called with noisy data and times from 0 to 1000, one
each.

N samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from itertools import pairwise
from typing import Any, Literal

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from limner.errors import LimnerError
from limner.models.time_embedding import TIMES

Predict = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Steps:
    """`count` steps of a flow; Heun's method (Karras et al. 2022, arXiv 2206.00364, algorithm 1) asks twice a step but the last. With
    `shift` above 1 more of them are spent near noise, for large images (arXiv 2403.03206, equation 23)."""

    count: int = 20
    method: Literal["euler", "heun"] = "euler"
    shift: float = 1.0

    def times(self) -> Tensor:
        """From 1 down to 0, count + 1 of them.

        >>> Steps(4).times().tolist()
        [1.0, 0.75, 0.5, 0.25, 0.0]
        """
        if self.count < 1:
            raise LimnerError(f"{self.count} steps lead nowhere")
        even = torch.linspace(1, 0, self.count + 1, dtype=torch.float64)
        return (self.shift * even / (1 + (self.shift - 1) * even)).float()


def flow(velocity: Predict, noise: Tensor, steps: Steps = Steps(), start: float = 1.0) -> Tensor:
    """Data at the end of the path from `noise`, in its precision. With `start` below 1, `noise` is data on its way, noised so far (as
    image-to-image has it)."""
    x = noise.float()
    times = [t * start for t in steps.times().tolist()]
    for now, then in pairwise(times):
        v = _asked(velocity, x, now, noise)
        ahead = x + (then - now) * v
        if steps.method == "heun" and then > 0:
            ahead = x + (then - now) * (v + _asked(velocity, ahead, then, noise)) / 2
        x = ahead
    return x.to(noise.dtype)


def scheduled(predict: Predict, noise: Tensor, scheduler: Any, steps: int = 50, chance: torch.Generator | None = None) -> Tensor:
    """Data by a scheduler of diffusers (DDIM, DPM-Solver, ...), which says what is predicted. The one given is not changed. `chance` is
    for those that draw."""
    own = prepared(scheduler, steps, noise.device)
    # Schedulers of flows have neither of these.
    scale, sigma = getattr(own, "scale_model_input", lambda x, time: x), float(getattr(own, "init_noise_sigma", 1.0))
    x = noise.float() * sigma
    draws = {"generator": chance} if "generator" in signature(own.step).parameters else {}
    for time in own.timesteps:
        outcome = predict(scale(x, time).to(noise.dtype), time.expand(len(noise)).float())
        x = own.step(outcome.float(), time, x, **draws).prev_sample
    return x.to(noise.dtype)


def prepared(scheduler: Any, steps: int, device: torch.device | str) -> Any:
    """A scheduler like the one given, ready for so many steps. One of flows takes them evenly down to 0; diffusers' own default would take
    a last step of nearly nothing."""
    own = type(scheduler).from_config(scheduler.config)
    if isinstance(own, FlowMatchEulerDiscreteScheduler):
        own.set_timesteps(sigmas=Steps(steps).times()[:-1].tolist(), device=device)
    else:
        own.set_timesteps(steps, device=device)
    return own


def euler(shift: float = 1.0) -> FlowMatchEulerDiscreteScheduler:
    """Euler's method for flows as a scheduler of diffusers: the same steps as `flow` takes."""
    return FlowMatchEulerDiscreteScheduler(TIMES, shift=shift)


def ddim(
    target: Literal["epsilon", "v_prediction"] = "epsilon",
    betas: Literal["linear", "scaled_linear", "squaredcos_cap_v2"] = "squaredcos_cap_v2",
) -> DDIMScheduler:
    """DDIM (Song et al. 2020, arXiv 2010.02502, equation 12) by diffusers, for models trained with the same 1000 `betas`; data is not cut
    to -1 to 1.

    Models of v start at the noisiest time (Lin et al. 2023, arXiv 2305.08891, section 3.3). Those of epsilon start earlier: where next to
    nothing is left of data, data is what they predict divided by next to nothing."""
    spacing = "trailing" if target == "v_prediction" else "leading"
    return DDIMScheduler(TIMES, beta_schedule=betas, clip_sample=False, prediction_type=target, timestep_spacing=spacing)


def _asked(velocity: Predict, x: Tensor, time: float, like: Tensor) -> Tensor:
    return velocity(x.to(like.dtype), torch.full((len(x),), TIMES * time, device=x.device)).float()
