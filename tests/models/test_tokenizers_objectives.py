"""What moves codebooks and pixels, and measures of images: against formulas written another way, and at their limits."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

pytest.importorskip("torch")

import torch

from limner.errors import LimnerError
from limner.experts.efficientnet import EfficientNetLite
from limner.models.tokenizers import BinaryQuantiser, BinarySettings, CodebookSettings, GaussianLatents, VectorQuantiser
from limner.models.tokenizers.frozen import FrozenStages
from limner.train.objectives.codebook import codebook, commitment, divergence, entropy, undecided
from limner.train.objectives.perceptual import kernel_distance, perceptual, psnr, ssim

torch.set_num_threads(1)


def images(count: int, side: int = 32, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_commitment_moves_tokens_and_the_other_entries():
    book = VectorQuantiser(CodebookSettings(8, 4, normalised=False, update="loss")).train()
    x = torch.randn(1, 6, 4, requires_grad=True)
    commitment(book(x)).backward()
    assert x.grad.any()
    assert book.entries_VC.grad is None or not book.entries_VC.grad.any()
    x.grad = None
    codebook(book(x)).backward()
    assert x.grad is None or not x.grad.any()
    assert book.entries_VC.grad.any()


@pytest.mark.parametrize("group", [1, 2, 4])
def test_entropy_is_that_of_a_softmax_over_all_codes(group: int):
    logits = torch.randn(2, 7, 4, dtype=torch.float64)
    codes = torch.tensor(list(product((-1.0, 1.0), repeat=4)), dtype=torch.float64)
    p = (-(torch.cdist(logits.flatten(0, 1), codes) ** 2) / 3).softmax(-1)
    own = torch.special.entr(p).sum(-1).mean()
    shared = torch.zeros((), dtype=torch.float64)
    for start in range(0, 4, group):
        # The probability of a group's code is the sum over all codes that have it.
        keys = (codes[:, start : start + group] > 0).double() @ (2 ** torch.arange(group)).double()
        mean = torch.zeros(2**group, dtype=torch.float64).index_add_(0, keys.long(), p.mean(0))
        shared = shared + torch.special.entr(mean).sum()
    found = entropy(logits, diversity=0.7, group=group, temperature=3)
    assert float(found) == pytest.approx(float(own - 0.7 * shared), abs=1e-5)


def test_entropy_is_least_for_sure_bits_that_are_all_used():
    sure = 9 * torch.tensor([[[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]])
    best = -2 * math.log(2)
    assert float(entropy(sure, group=2)) == pytest.approx(best, abs=1e-4)
    for worse in (0.01 * sure, sure.abs()):
        assert float(entropy(worse, group=2)) > best + 0.5


def test_entropy_pushes_a_lazy_bit_to_be_used():
    torch.manual_seed(0)
    layer = torch.nn.Linear(6, 8)
    layer.bias.data += 2
    x = torch.randn(1, 256, 6)
    quantiser = BinaryQuantiser(BinarySettings(8))

    def share() -> torch.Tensor:
        return (quantiser(layer(x)).vectors_NPC > 0).float().mean((0, 1))

    assert share().max() > 0.95
    opt = torch.optim.Adam(layer.parameters(), 0.05)
    for _ in range(100):
        opt.zero_grad()
        entropy(quantiser(layer(x)).before_NPC).backward()
        opt.step()
    assert (share() - 0.5).abs().max() < 0.15


@pytest.mark.parametrize(("bits", "group"), [(8, 3), (26, 13), (8, 0)])
def test_groups_that_cannot_be_counted_are_refused(bits: int, group: int):
    with pytest.raises(LimnerError, match="groups"):
        entropy(torch.zeros(1, 1, bits), group=group)


def test_bits_are_undecided_at_zero():
    assert float(undecided(torch.zeros(1, 2, 3))) == 0.25
    assert float(undecided(torch.full((1, 2, 3), 50.0))) < 1e-6


def test_losses_of_other_latents_are_refused_and_of_no_tokens_are_zero():
    bits = BinaryQuantiser(BinarySettings(4))(torch.zeros(0, 2, 4, requires_grad=True))
    for loss in (commitment, codebook, divergence):
        with pytest.raises(LimnerError):
            loss(bits)
    book = VectorQuantiser(CodebookSettings(8, 4))(torch.zeros(0, 2, 4, requires_grad=True))
    gauss = GaussianLatents(2)(torch.zeros(0, 2, 4, requires_grad=True))
    for value in (entropy(bits.before_NPC), undecided(bits.before_NPC), commitment(book), codebook(book), divergence(gauss)):
        assert float(value.detach()) == 0


def test_structural_similarity_is_that_of_another_implementation():
    a, b = images(2, 24), images(2, 24, seed=1)
    near = 0.7 * a + 0.3 * b
    x, y = (z.double().numpy() for z in (a, near))

    def blur(z: np.ndarray) -> np.ndarray:
        return gaussian_filter(z, 1.5, axes=(2, 3), truncate=3.5)[..., 5:-5, 5:-5]

    mx, my = blur(x), blur(y)
    vx, vy, both = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    wanted = (2 * mx * my + 4e-4) * (2 * both + 3.6e-3) / ((mx**2 + my**2 + 4e-4) * (vx + vy + 3.6e-3))
    assert np.allclose(ssim(a, near).numpy(), wanted.mean((1, 2, 3)), atol=1e-6)
    assert torch.allclose(ssim(a, a), torch.ones(2))
    with pytest.raises(LimnerError, match="11 x 11"):
        ssim(images(1, 8), images(1, 8))


def test_the_ratio_to_noise_is_in_decibels_of_each_image():
    a = torch.zeros(2, 3, 4, 4)
    b = torch.stack([torch.full((3, 4, 4), 0.2), torch.full((3, 4, 4), 0.02)])
    assert psnr(a, b).tolist() == pytest.approx([20, 40], abs=1e-3)
    assert psnr(a, a).tolist() == [100, 100]
    assert psnr(a + 9, torch.ones_like(a)).tolist() == [100, 100]


def test_perceptual_is_zero_for_equal_images_and_has_a_gradient_for_others():
    torch.manual_seed(0)
    frozen = FrozenStages(EfficientNetLite(10), (0, 2))
    a = images(3)
    assert float(perceptual(frozen, a, a)) == 0
    drawn = images(3, seed=1).requires_grad_()
    loss = perceptual(frozen, drawn, a)
    loss.backward()
    assert float(loss.detach()) > 0
    assert drawn.grad.any()
    none = images(0).requires_grad_()
    perceptual(frozen, none, images(0)).backward()
    assert none.grad is not None


def test_the_distance_of_sets_is_about_nothing_for_one_distribution_and_grows():
    draw = torch.Generator().manual_seed(0)
    a, b = (torch.randn(400, 16, generator=draw) for _ in range(2))
    same, near, far = (kernel_distance(a, x) for x in (b, b + 0.3, b + 1))
    assert abs(same) < 0.02 < near < far
    with pytest.raises(LimnerError, match="two images"):
        kernel_distance(a[:1], b)
