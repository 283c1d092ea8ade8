"""What teaches a model to take noise away: denoising of discrete schedules, and flows.

Each takes what predicts (called with noisy data and times from 0 to 1000, one each) and clean data, and gives the loss of each sample, a
mean over its numbers; noise and times are drawn, from torch's seed, where none are given. No samples: no losses, and gradients of zero.

N samples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor

from limner.models.time_embedding import TIMES

Predict = Callable[[Tensor, Tensor], Tensor]


def flow(predict: Predict, x: Tensor, noise: Tensor | None = None, time_N: Tensor | None = None) -> Tensor:
    """Rectified flow: |v(x_t, t) - (noise - x)|^2 on the straight path x_t = (1 - t) x + t noise (Liu et al. 2022, arXiv 2209.03003,
    equation 1; Lipman et al. 2022, arXiv 2210.02747, equation 23 with times turned round). `time_N` goes from 0 to 1, logit-normal unless
    given."""
    x = x.float()
    noise = torch.randn_like(x) if noise is None else noise.float()
    time_N = logit_normal(len(x)).to(x.device) if time_N is None else time_N.float()
    t = time_N.view(-1, *[1] * (x.dim() - 1))
    return _far(predict((1 - t) * x + t * noise, TIMES * time_N), noise - x)


def denoising(
    scheduler: DDPMScheduler, predict: Predict, x: Tensor, noise: Tensor | None = None, time_N: Tensor | None = None
) -> Tensor:
    """Denoising of x_t = sqrt(a_t) x + sqrt(1 - a_t) noise: of epsilon, |e(x_t, t) - noise|^2 (Ho et al. 2020, arXiv 2006.11239, equation
    14), or of v = sqrt(a_t) noise - sqrt(1 - a_t) x (Salimans and Ho 2022, arXiv 2202.00512, appendix D), as the scheduler says; a_t are
    its `alphas_cumprod`. Whole times from 0 to 999, uniform unless given."""
    x = x.float()
    noise = torch.randn_like(x) if noise is None else noise.float()
    steps = int(scheduler.config["num_train_timesteps"])
    time_N = torch.randint(steps, (len(x),), device=x.device) if time_N is None else time_N
    times: Any = time_N
    noisy = scheduler.add_noise(x, noise, times)
    wanted = {
        "epsilon": lambda: noise,
        "v_prediction": lambda: scheduler.get_velocity(x, noise, times),
        "sample": lambda: x,
    }[scheduler.config["prediction_type"]]()
    return _far(predict(noisy, time_N.float() * TIMES / steps), wanted)


def logit_normal(count: int, mean: float = 0.0, deviation: float = 1.0, chance: torch.Generator | None = None) -> Tensor:
    """Times between 0 and 1 whose logit is normal, most of them in the middle (Esser et al. 2024, arXiv 2403.03206, equation 19)."""
    return (mean + deviation * torch.randn(count, generator=chance)).sigmoid()


def min_snr(scheduler: DDPMScheduler, time_N: Tensor, most: float = 5.0) -> Tensor:
    """How much each time's loss counts, so that those with little noise do not take all: min(snr, `most`) / snr for epsilon, / (snr + 1)
    for v (Hang et al. 2023, arXiv 2303.09556, section 3.4)."""
    share = scheduler.alphas_cumprod.to(time_N.device)[time_N]
    snr = share / (1 - share)
    target = scheduler.config["prediction_type"]
    return snr.clamp(max=most) / (snr if target == "epsilon" else snr + 1 if target == "v_prediction" else torch.ones_like(snr))


def _far(found: Tensor, wanted: Tensor) -> Tensor:
    return (found.float() - wanted).square().flatten(1).mean(1)
