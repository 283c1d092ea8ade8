"""Diffusion of codes: how much noise there is at a time, and that a perfect network draws the data."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch

from limner.models.uniform_diffusion import draw, noisy, one_hot


@pytest.mark.parametrize("books", [(2,) * 3, (8,), (4, 10)])
def test_a_code_stays_with_the_probability_that_its_time_says(books: tuple[int, ...]):
    codes = torch.ones(20_000, 1, len(books), dtype=torch.long)
    for time in (0.0, 0.3, 1.0):
        found = noisy(codes, torch.full((20_000,), time), books, torch.Generator().manual_seed(0))
        for g, size in enumerate(books):
            share = torch.bincount(found[..., g].flatten(), minlength=size) / 20_000
            wanted = torch.full((size,), time / size)
            wanted[1] += 1 - time
            assert (share - wanted).abs().max() < 0.015


def test_zeros_and_ones_say_which_code_it_is():
    given = one_hot(torch.tensor([[[1, 3]]]), (2, 4))
    assert (given > 0).int().tolist() == [[[0, 1, 0, 0, 0, 1]]]
    assert float(given.square().mean()) == pytest.approx(1)


def test_a_network_that_knows_the_data_draws_it():
    data = torch.tensor([[[0], [5], [2]], [[7], [7], [1]]])

    def predict(codes: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        # The posterior over two images, given how many codes agree; then that of each code.
        t = (time / 1000)[:, None]
        agree = (codes[:, None] == data[None]).squeeze(-1).float()
        likely = (
            (agree * (1 - t[..., None] + t[..., None] / 8) + (1 - agree) * t[..., None] / 8)
            .clamp(min=1e-9)
            .log()
            .sum(-1)
            .softmax(-1)
        )
        shares = torch.einsum("ni,ipv->npv", likely, one_hot(data, (8,)) / 8**0.5)
        return shares.clamp(min=1e-9).log()

    drawn = draw(predict, 400, 3, (8,), steps=30, chance=torch.Generator().manual_seed(0))
    which = (drawn[:, None] == data[None]).all(-1).all(-1)
    assert which.any(1).float().mean() > 0.9
    assert 0.35 < which[:, 0].float().mean() < 0.6
