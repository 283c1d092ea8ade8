"""Distances of sets of features, against closed forms and torchmetrics."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from limner.errors import LimnerError
from limner.evaluate.metrics import distributions
from limner.evaluate.metrics.distributions import (
    Rows,
    compared,
    frechet,
    gaussian_kernel,
    jackknifed,
    kernel,
    subsets,
)
from limner.packages.cachedir import cache_folder

DRAW = np.random.default_rng(7)


def with_moments(mean: Rows, deviations: Rows, count: int = 200) -> Rows:
    """Rows whose mean and covariance (diagonal) are these exactly."""
    rows = DRAW.standard_normal((count, len(mean)))
    rows -= rows.mean(0)
    rows = rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T
    return rows * deviations + mean


def test_frechet_of_gaussians_has_its_closed_form():
    one, other = (np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 0.5])), (np.array([1.0, 1.0, 0.0]), np.array([2.0, 1.0, 0.5]))
    # With diagonal covariances: the squared distance of the means and of the deviations.
    wanted = sum(float(((a - b) ** 2).sum()) for a, b in zip(one, other, strict=True))
    assert frechet(with_moments(*one), with_moments(*other, count=321)) == pytest.approx(wanted, rel=1e-12)
    rows = with_moments(*one)
    assert frechet(rows, rows) == pytest.approx(0, abs=1e-12)


def test_frechet_with_fewer_images_than_features_is_that_of_the_covariances():
    x, y = DRAW.standard_normal((12, 30)), DRAW.standard_normal((40, 30)) + 0.3
    both = np.linalg.eigvals(np.cov(x.T) @ np.cov(y.T)).astype(complex)
    wanted = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(np.cov(x.T) + np.cov(y.T)) - 2 * np.sqrt(both).real.sum()
    assert frechet(x, y) == pytest.approx(wanted, abs=1e-5)


@pytest.fixture(scope="module")
def as_they_are() -> Any:
    """An extractor for torchmetrics that takes 1 x 1 images of F channels for their features."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchmetrics")

    class AsTheyAre(torch.nn.Module):
        num_features = 6

        def forward(self, images: Any) -> Any:
            return images.flatten(1).double()

    return AsTheyAre()


def images_of(rows: Rows) -> Any:
    import torch

    return torch.from_numpy(rows)[:, :, None, None]


def test_frechet_is_torchmetrics(as_they_are: Any):
    from torchmetrics.image.fid import FrechetInceptionDistance

    x, y = DRAW.standard_normal((80, 6)) * 2, DRAW.standard_normal((90, 6)) + 0.5
    metric = FrechetInceptionDistance(feature=as_they_are, input_img_size=(6, 1, 1), normalize=True).set_dtype(torch_double())
    metric.update(images_of(x), real=False)
    metric.update(images_of(y), real=True)
    assert frechet(x, y) == pytest.approx(float(metric.compute()), rel=1e-6)


def torch_double() -> Any:
    import torch

    return torch.float64


def test_the_kernel_distance_is_torchmetrics(as_they_are: Any):
    from torchmetrics.image.kid import KernelInceptionDistance

    x, y = DRAW.standard_normal((60, 6)), DRAW.standard_normal((60, 6)) * 1.2 + 0.3
    # A subset of all images is all images, in whatever order.
    metric = KernelInceptionDistance(feature=as_they_are, subsets=1, subset_size=60, normalize=True)
    metric.update(images_of(x), real=False)
    metric.update(images_of(y), real=True)
    assert kernel(x, y) == pytest.approx(float(metric.compute()[0]), rel=1e-5)


def test_the_gaussian_kernel_has_its_closed_form():
    # For Gaussians with variances a and b: E k = (s / (s + a + b))^(D/2) exp(-|m|^2 / (2 (s + a + b))), s the squared bandwidth.
    width, a, b, shift = 4, 25.0, 64.0, np.array([6.0, 0, 0, 0])

    def expected(first: float, second: float, apart: float) -> float:
        spread = 100 + first + second
        return (100 / spread) ** (width / 2) * np.exp(-apart / (2 * spread))

    wanted = 1000 * (expected(a, a, 0) + expected(b, b, 0) - 2 * expected(a, b, 36))
    x, y = DRAW.standard_normal((700, width)) * a**0.5, DRAW.standard_normal((700, width)) * b**0.5 + shift
    value, error = jackknifed(gaussian_kernel, x, y)
    assert abs(value - wanted) < 4 * error
    assert error < 0.2 * wanted


def test_the_gaussian_kernel_is_cmmds_formula():
    x, y = DRAW.standard_normal((20, 8)), DRAW.standard_normal((30, 8)) + 1

    def mean(a: Rows, b: Rows) -> float:
        return float(np.mean([np.exp(-((p - q) ** 2).sum() / 200) for p in a for q in b]))

    assert gaussian_kernel(x, y) == pytest.approx(1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y)))
    assert gaussian_kernel(x, x) == pytest.approx(0, abs=1e-9)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch):
    x, y = DRAW.standard_normal((50, 3)), DRAW.standard_normal((40, 3))
    whole = kernel(x, y), gaussian_kernel(x, y)
    monkeypatch.setattr(distributions, "_BLOCK", 7)
    assert (kernel(x, y), gaussian_kernel(x, y)) == pytest.approx(whole)


def test_the_kernel_distance_has_no_bias_and_frechets_has():
    draws = [(DRAW.standard_normal((20, 5)), DRAW.standard_normal((20, 5))) for _ in range(300)]
    distances = [kernel(x, y) for x, y in draws]
    assert abs(np.mean(distances)) < 3 * np.std(distances) / 300**0.5
    assert np.mean([frechet(x, y) for x, y in draws]) > 0.3


@pytest.mark.parametrize("distance", [kernel, frechet])
def test_the_error_is_how_much_a_distance_varies(distance: Any):
    found = [jackknifed(distance, DRAW.standard_normal((80, 4)), DRAW.standard_normal((80, 4)) * 1.3 + 0.5) for _ in range(150)]
    spread = np.std([value for value, _ in found])
    told = np.sqrt(np.mean([error**2 for _, error in found]))
    assert 0.75 < told / spread < 1.35


def test_subsets_are_drawn_from_both():
    x, y = DRAW.standard_normal((60, 4)), DRAW.standard_normal((50, 4)) + 1
    mean, deviation = subsets(kernel, x, y, size=30, count=40)
    assert mean == pytest.approx(kernel(x, y), rel=0.25)
    assert deviation > 0
    with pytest.raises(LimnerError, match="cannot be drawn"):
        subsets(kernel, x, y, size=51)


def test_what_has_no_distance_is_refused():
    for bad in (np.zeros((1, 3)), np.zeros((5, 2)), np.full((5, 3), np.nan)):
        with pytest.raises(LimnerError):
            frechet(bad, np.zeros((5, 3)))


def test_images_of_one_kind_are_nearer_than_those_of_two():
    pytest.importorskip("torch")
    if not (cache_folder("models") / "efficientnet-lite0").is_dir():
        pytest.skip("the weights efficientnet-lite0 are not here: they come with their first use")
    # Stripes of random widths against discs of random sizes, drawn here.
    across, down = np.meshgrid(np.arange(64), np.arange(64))

    def drawn(mask: Any) -> Any:
        return np.where(mask[..., None], DRAW.integers(0, 128, 3), 255).astype(np.uint8)

    stripes = [drawn((across // int(DRAW.integers(3, 12))) % 2 == 0) for _ in range(24)]
    discs = [drawn((across - 32) ** 2 + (down - 32) ** 2 < int(DRAW.integers(8, 30)) ** 2) for _ in range(12)]
    apart = compared("kernel", discs, stripes[:12])
    alike = compared("kernel", stripes[12:], stripes[:12])
    assert apart.name == "kernel[bundled:efficientnet-lite0]"
    assert apart.value - alike.value > 3 * (apart.error + alike.error)
    with pytest.raises(LimnerError, match="no distance"):
        compared("fid", discs, stripes)
