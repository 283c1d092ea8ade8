"""How alike images look: a loss on frozen features, and measures of reconstructions and of sets of images.

The features are EfficientNet-Lite0's, so that the loss is no LPIPS and the distance of sets no FID or KID, whose networks and weights are others.

N images, C channels, R x S pixels, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from limner.errors import LimnerError
from limner.models.tokenizers.frozen import FrozenStages


def perceptual(frozen: FrozenStages, image_NCRS: Tensor, target_NCRS: Tensor) -> Tensor:
    """The mean over images of the squared distance between features of both, at every depth each place's of length one, summed over channels,
    averaged over places and depths (equation 1 of Zhang et al. 2018, arXiv 1801.03924, with weights of one). No gradient for the target."""
    if not len(image_NCRS):
        return image_NCRS.sum()
    with torch.no_grad():
        wanted = [_unit(x) for x in frozen(target_NCRS)]
    found = [_unit(x) for x in frozen(image_NCRS)]
    far = [(a - b).square().sum(1).mean() for a, b in zip(found, wanted, strict=True)]
    return torch.stack(far).mean()


def psnr(image_NCRS: Tensor, target_NCRS: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each image in decibels, N; both hold numbers from -1 to 1, what is beyond is cut off. Equal images: 100."""
    error = (_cut(image_NCRS) - _cut(target_NCRS)).square().flatten(1).mean(1)
    return -10 * (error / 4).clamp(min=1e-10).log10()


def ssim(image_NCRS: Tensor, target_NCRS: Tensor) -> Tensor:
    """Structural similarity of each image, N, 1 for equal ones (Wang et al. 2004, equation 13: a Gaussian window of 11 pixels and deviation
    1.5, K1 0.01, K2 0.03), a mean over channels and the places where the window lies wholly inside. Numbers from -1 to 1. Raises
    `LimnerError` for images smaller than the window."""
    if min(image_NCRS.shape[2:]) < 11:
        raise LimnerError(f"structural similarity needs 11 x 11 pixels; these images have {tuple(image_NCRS.shape[2:])}")
    x, y = _cut(image_NCRS).double(), _cut(target_NCRS).double()
    line = torch.exp(-torch.arange(-5, 6, device=x.device, dtype=x.dtype).square() / (2 * 1.5**2))
    line = line / line.sum()

    def smooth(z: Tensor) -> Tensor:
        z = z.flatten(0, 1)[:, None]
        z = functional.conv2d(functional.conv2d(z, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))
        return z.view(*x.shape[:2], *z.shape[2:])

    mean_x, mean_y = smooth(x), smooth(y)
    var_x, var_y = smooth(x * x) - mean_x**2, smooth(y * y) - mean_y**2
    both = smooth(x * y) - mean_x * mean_y
    one, two = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    found = (2 * mean_x * mean_y + one) * (2 * both + two) / ((mean_x**2 + mean_y**2 + one) * (var_x + var_y + two))
    return found.flatten(1).mean(1).float()


def kernel_distance(features_NF: Tensor, target_NF: Tensor) -> float:
    """How far two sets of features are from one distribution: the unbiased squared maximum mean discrepancy with the kernel (x.y / F + 1)^3
    (Binkowski et al. 2018, arXiv 1801.01401, equation 4). About 0 for one distribution, and then below it as often. Two images a set at least."""
    x, y = features_NF.double(), target_NF.double()
    if min(len(x), len(y)) < 2:
        raise LimnerError("the distance of sets needs two images in each")
    xx, yy, xy = ((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    n, m = len(x), len(y)
    own = (xx.sum() - xx.trace()) / (n * (n - 1)) + (yy.sum() - yy.trace()) / (m * (m - 1))
    return float(own - 2 * xy.mean())


def _cut(x: Tensor) -> Tensor:
    return x.float().clamp(-1, 1)


def _unit(x: Tensor) -> Tensor:
    return functional.normalize(x.float(), dim=1, eps=1e-6)
