"""How far two sets of images are from one distribution, by features of any encoder: Fréchet's distance and two kernels'
distances.

What FID, KID and CMMD compute, in float64, with an encoder that is named (see `limner.evaluate.metrics.naming`). Features
may be any numbers; `features` brings those of an encoder of images to a mean square of one, since encoders give rows of
length one.

N and M images, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.evaluate.metrics.naming import named
from limner.experts.encoder import encoder
from limner.experts.image_encoder import image_encoder

Rows = NDArray[np.float64]

_GROUPS = 10
_BANDWIDTH, _SCALE = 10.0, 1000.0  # CMMD's
_BLOCK = 2_048  # rows of a kernel's matrix that are held at a time


def frechet(made: Rows, real: Rows) -> float:
    """Fréchet's distance between Gaussians with the means and covariances of both sets (Heusel et al. 2017, arXiv 1706.08500,
    equation 6). It is too large by what few images do to covariances: compare it at one N and M only."""
    x, y = _checked(made, real)
    means = x.mean(0), y.mean(0)
    # tr (Cx Cy)^(1/2) is the sum of the singular values of A B' where Cx = A'A, Cy = B'B. Triangular A and B are all that is
    # needed of the rows, and no covariance is ever made, whose root would lose half of the digits.
    a, b = ((z - mean) / np.sqrt(len(z) - 1) for z, mean in zip((x, y), means, strict=True))
    a, b = (np.linalg.qr(z, mode="r") if len(z) > z.shape[1] else z for z in (a, b))
    both = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(((means[0] - means[1]) ** 2).sum() + (a * a).sum() + (b * b).sum() - 2 * both)


def kernel(made: Rows, real: Rows) -> float:
    """The squared maximum mean discrepancy with the kernel (x.y / D + 1)^3, unbiased (Binkowski et al. 2018, arXiv
    1801.01401, equation 4): about 0 for one distribution, and then as often below it, whatever N and M."""
    x, y = _checked(made, real)
    width = x.shape[1]

    def similar(a: Rows, b: Rows) -> Rows:
        return (a @ b.T / width + 1) ** 3

    n, m = len(x), len(y)
    own = (_total(similar, x, x) - (((x * x).sum(1) / width + 1) ** 3).sum()) / (n * (n - 1))
    other = (_total(similar, y, y) - (((y * y).sum(1) / width + 1) ** 3).sum()) / (m * (m - 1))
    return float(own + other - 2 * _total(similar, x, y) / (n * m))


def gaussian_kernel(made: Rows, real: Rows) -> float:
    """1000 times the squared maximum mean discrepancy with a Gaussian kernel of bandwidth 10 (Jayasumana et al. 2024, arXiv
    2401.09603). As in the authors' program images are compared with themselves too, so that it is a little above 0 for one
    distribution. For rows of length one."""
    x, y = _checked(made, real)

    def similar(a: Rows, b: Rows) -> Rows:
        far = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
        return np.exp(-far / (2 * _BANDWIDTH**2))

    means = [_total(similar, a, b) / (len(a) * len(b)) for a, b in ((x, x), (y, y), (x, y))]
    return float(_SCALE * (means[0] + means[1] - 2 * means[2]))


def _total(similar: Callable[[Rows, Rows], Rows], a: Rows, b: Rows) -> float:
    return sum(float(similar(a[at : at + _BLOCK], b).sum()) for at in range(0, len(a), _BLOCK))


def _checked(made: Rows, real: Rows) -> tuple[Rows, Rows]:
    x, y = (np.asarray(rows, np.float64) for rows in (made, real))
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise LimnerError(f"sets of features need two images at least and as many features: {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise LimnerError("features that are no numbers have no distance")
    return x, y


Distance = Callable[[Rows, Rows], float]

KINDS: dict[str, Distance] = {"frechet": frechet, "kernel": kernel, "gaussian-kernel": gaussian_kernel}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A distance of whole sets, its standard error, and how many images of each there were."""

    name: str
    value: float
    error: float
    made: int
    real: int


def jackknifed(distance: Distance, made: Rows, real: Rows, groups: int = _GROUPS, seed: int = 0) -> tuple[float, float]:
    """A distance of whole sets and its standard error, from how it changes as each of some random groups is left out of both
    sets. Resampling with replacement would not do: images that are there twice make a set look narrower than it is.

    Of Gaussians (40 to 300 images, 10 to 100 features) the error told was 0.9 to 1.3 times the true one."""
    x, y = _checked(made, real)
    groups = min(groups, len(x) // 2, len(y) // 2)
    value = distance(x, y)
    if groups < 2:
        raise LimnerError(f"an error needs four images at least in each set; there are {len(x)} and {len(y)}")
    draw = np.random.default_rng(seed)
    of_x, of_y = (draw.permutation(len(z)) % groups for z in (x, y))
    left = np.array([distance(x[of_x != group], y[of_y != group]) for group in range(groups)])
    return value, float(np.sqrt((groups - 1) / groups * ((left - left.mean()) ** 2).sum()))


def subsets(distance: Distance, made: Rows, real: Rows, size: int, count: int = 100, seed: int = 0) -> tuple[float, float]:
    """The mean and the standard deviation of a distance over random subsets of both sets, as scores of KID are published."""
    x, y = _checked(made, real)
    if not 2 <= size <= min(len(x), len(y)):
        raise LimnerError(f"subsets of {size} images cannot be drawn from {len(x)} and {len(y)}")
    draw = np.random.default_rng(seed)
    found = [distance(*(z[draw.choice(len(z), size, replace=False)] for z in (x, y))) for _ in range(count)]
    return float(np.mean(found)), float(np.std(found))


def features(images: Sequence[Pixels], address: str = "bundled:efficientnet-lite0") -> Rows:
    """N x D of an encoder of images, each row's mean square one."""
    rows = np.asarray(image_encoder(address).embed(images), np.float64)
    return rows * np.sqrt(rows.shape[1])


def compared(kind: str, made: Sequence[Pixels], real: Sequence[Pixels], address: str = "bundled:efficientnet-lite0") -> Estimate:
    """A distance of images: `frechet` or `kernel` by an encoder of images, `gaussian-kernel` by a joint encoder's rows of
    length one."""
    if kind not in KINDS:
        raise LimnerError(f"there is no distance {kind!r}; there are {', '.join(KINDS)}")
    if kind == "gaussian-kernel":
        joint = encoder(address)
        rows = [np.asarray(joint.embed_images(images), np.float64) for images in (made, real)]
    else:
        rows = [features(images, address) for images in (made, real)]
    value, error = jackknifed(KINDS[kind], rows[0], rows[1])
    return Estimate(named(kind, address), value, error, len(made), len(real))
