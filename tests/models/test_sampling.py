"""Sampling: the same steps as diffusers' schedulers, and data where it must be at the end."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_flow_match_heun_discrete import FlowMatchHeunDiscreteScheduler

from limner.errors import LimnerError
from limner.models.sampling import Steps, ddim, euler, flow, scheduled

NOISE = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
DATA = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1))


def towards(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    """The velocity of all paths that end in DATA: (x - DATA) / t."""
    return (x - DATA) / (time.view(-1, 1, 1) / 1000)


def curved(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
    return torch.sin(x) + (time.view(-1, 1, 1) / 1000) ** 2


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_euler_takes_the_steps_of_diffusers(shift: float):
    own = flow(curved, NOISE, Steps(7, shift=shift))
    assert own.allclose(scheduled(curved, NOISE, euler(shift), 7), atol=1e-5)


def test_heun_takes_the_steps_of_diffusers():
    peer = FlowMatchHeunDiscreteScheduler()
    peer.set_timesteps(8)
    x = NOISE
    for time in peer.timesteps:
        x = peer.step(curved(x, time.expand(3)), time, x).prev_sample
    times = torch.cat([torch.linspace(1, 0.001, 8), torch.zeros(1)])  # the grid that diffusers takes

    class Theirs(Steps):
        def times(self) -> torch.Tensor:
            return times

    assert flow(curved, NOISE, Theirs(8, "heun")).allclose(x, atol=1e-4)


def test_straight_paths_end_where_they_should():
    for steps in (Steps(1), Steps(5), Steps(5, "heun"), Steps(5, shift=3.0)):
        assert flow(towards, NOISE, steps).allclose(DATA, atol=1e-5)


def test_heun_is_nearer_than_euler():
    fine = flow(curved, NOISE, Steps(2000))
    assert (flow(curved, NOISE, Steps(10, "heun")) - fine).abs().max() < 0.2 * (flow(curved, NOISE, Steps(10)) - fine).abs().max()


def test_a_way_may_begin_at_noised_data():
    half = 0.5 * DATA + 0.5 * NOISE
    assert flow(towards, half, Steps(4), start=0.5).allclose(DATA, atol=1e-5)


@pytest.mark.parametrize("target", ["epsilon", "v_prediction"])
def test_ddim_finds_data_that_is_known(target):
    """With the one true prediction for data at one point, the end is that point."""
    scheduler = ddim(target)
    alphas = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2").alphas_cumprod

    def knowing(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        a = alphas[time.long()].view(-1, 1, 1)
        noise = (x - a.sqrt() * DATA) / (1 - a).sqrt()
        return noise if target == "epsilon" else a.sqrt() * noise - (1 - a).sqrt() * DATA

    assert scheduled(knowing, NOISE, scheduler, 20).allclose(DATA, atol=1e-3)
    assert isinstance(scheduler, DDIMScheduler)
    assert scheduler.num_inference_steps is None  # the scheduler that was given is as it was


def test_schedulers_that_draw_draw_by_the_generator():
    def drawn(seed: int) -> torch.Tensor:
        scheduler = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2", clip_sample=False)
        return scheduled(lambda x, time: 0.5 * x, NOISE, scheduler, 5, torch.Generator().manual_seed(seed))

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_none_stays_none():
    assert flow(lambda x, time: x, NOISE[:0]).shape == (0, 2, 4)
    assert scheduled(lambda x, time: x, NOISE[:0], euler(), 3).shape == (0, 2, 4)


def test_no_steps_are_refused():
    with pytest.raises(LimnerError, match="0 steps"):
        flow(curved, NOISE, Steps(0))
