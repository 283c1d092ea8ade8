"""Objectives of diffusion: the formulas of the papers, which are those of diffusers' schedulers."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from diffusers.training_utils import compute_density_for_timestep_sampling

from limner.models.sampling import Steps
from limner.models.sampling import flow as path
from limner.train.objectives.diffusion import denoising, flow, logit_normal, min_snr

torch.set_num_threads(1)
X, NOISE = (torch.randn(4, 3, 2, 2, generator=torch.Generator().manual_seed(s)) for s in (0, 1))


def test_a_flow_noises_as_diffusers_does():
    scheduler = FlowMatchEulerDiscreteScheduler()
    times = scheduler.timesteps[[0, 100, 500, 900]]
    seen = {}

    def predict(x, time):
        seen.update(x=x, time=time)
        return NOISE - X

    loss = flow(predict, X, NOISE, times / 1000)
    assert loss.shape == (4,)
    assert loss.abs().max() < 1e-10
    assert seen["x"].allclose(scheduler.scale_noise(X, times, NOISE), atol=1e-5)
    assert seen["time"].allclose(times)


@pytest.mark.parametrize("target", ["epsilon", "v_prediction", "sample"])
def test_denoising_is_by_the_papers_formulas(target):
    scheduler = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2", prediction_type=target)
    times = torch.tensor([0, 10, 500, 999])
    a = scheduler.alphas_cumprod[times].view(-1, 1, 1, 1)
    right = {"epsilon": NOISE, "v_prediction": a.sqrt() * NOISE - (1 - a).sqrt() * X, "sample": X}[target]

    def predict(x, time):
        assert x.allclose(a.sqrt() * X + (1 - a).sqrt() * NOISE, atol=1e-5)
        assert torch.equal(time, times.float())
        return right + 0.5

    assert denoising(scheduler, predict, X, NOISE, times).allclose(torch.full((4,), 0.25), atol=1e-5)


def test_times_are_logit_normal():
    own = logit_normal(100_000, 0.3, 0.8, torch.Generator().manual_seed(0))
    peer = compute_density_for_timestep_sampling("logit_normal", 100_000, 0.3, 0.8, generator=torch.Generator().manual_seed(0))
    assert own.allclose(peer, atol=1e-6)


def test_min_snr():
    epsilon = DDPMScheduler(1000)
    v = DDPMScheduler(1000, prediction_type="v_prediction")
    times = torch.tensor([0, 300, 999])
    share = epsilon.alphas_cumprod[times]
    snr = share / (1 - share)
    assert min_snr(epsilon, times).allclose(snr.clamp(max=5) / snr)
    assert min_snr(v, times).allclose(snr.clamp(max=5) / (snr + 1))


@pytest.mark.parametrize("loss", [flow, lambda p, x: denoising(DDPMScheduler(1000), p, x)])
def test_no_samples_give_gradients_of_zero(loss):
    layer = torch.nn.Conv2d(3, 3, 1)
    found = loss(lambda x, time: layer(x), X[:0])
    assert found.shape == (0,)
    found.sum().backward()
    assert layer.weight.grad is not None
    assert not layer.weight.grad.any()


def test_a_flow_that_is_learnt_leads_to_the_data():
    """Two points, one network: what is drawn lies at one of them."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(3, 64), torch.nn.SiLU(), torch.nn.Linear(64, 64), torch.nn.SiLU(), torch.nn.Linear(64, 2)
    )

    def predict(x, time):
        return net(torch.cat([x, time[:, None] / 1000], -1))

    points = torch.tensor([[2.0, 0.0], [-2.0, 1.0]])
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(600):
        optimizer.zero_grad()
        flow(predict, points.repeat(64, 1)).mean().backward()
        optimizer.step()
    with torch.no_grad():
        drawn = path(predict, torch.randn(200, 2), Steps(30))
    far = torch.cdist(drawn, points)
    assert far.min(1).values.median() < 0.3
    assert 60 < (far.argmin(1) == 0).sum() < 140
