"""How near an image is to another, and what measures are called."""

from __future__ import annotations

import numpy as np
import pytest

from limner.errors import LimnerError
from limner.evaluate.metrics.naming import named
from limner.evaluate.metrics.reconstruction import closeness

PERCEPTUAL = "perceptual[bundled:efficientnet-lite0]"


def test_standard_names_are_for_standard_weights():
    assert named("text-image", "hf:openai/clip-vit-base-patch32") == "CLIPScore[hf:openai/clip-vit-base-patch32]"
    assert named("text-image", "bundled:limner-pairs") == "text-image[bundled:limner-pairs]"
    assert named("text-image", "hf:/models/clip-vit-base-patch32").startswith("text-image[")
    assert named("gaussian-kernel", "bundled:conse") == "gaussian-kernel[bundled:conse]"


def test_worse_images_are_farther():
    pytest.importorskip("torch")
    from limner.packages.cachedir import cache_folder

    if not (cache_folder("models") / "efficientnet-lite0").is_dir():
        pytest.skip("the weights efficientnet-lite0 are not here: they come with their first use")
    across, down = np.meshgrid(np.arange(256), np.arange(256))
    image = np.stack([across, down, (across * down) % 256], 2).astype(np.uint8)
    draw = np.random.default_rng(0)
    noisy = [np.clip(image + draw.normal(0, sigma, image.shape), 0, 255).astype(np.uint8) for sigma in (0, 10, 40)]
    same, near, far = closeness(noisy, [image] * 3)
    assert same == {"psnr": pytest.approx(100), "ssim": pytest.approx(1), PERCEPTUAL: pytest.approx(0, abs=1e-9)}
    assert same["psnr"] > near["psnr"] > far["psnr"]
    assert same["ssim"] > near["ssim"] > far["ssim"]
    assert same[PERCEPTUAL] < near[PERCEPTUAL] < far[PERCEPTUAL]
    # Noise of deviation 10 of 255: 20 log10(25.5), a little more where it is cut off.
    assert near["psnr"] == pytest.approx(28.1, abs=0.7)


def test_psnr_and_ssim_are_those_of_torchmetrics():
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("torchmetrics.functional.image")
    from limner.evaluate.metrics import reconstruction
    from limner.train.objectives import perceptual

    draw = np.random.default_rng(1)
    image = draw.integers(0, 256, (256, 256, 3)).astype(np.uint8)
    other = np.clip(image.astype(int) + draw.integers(-30, 31, image.shape), 0, 255).astype(np.uint8)
    x, y = (torch.from_numpy(reconstruction._square(each)) for each in (image, other))
    assert float(perceptual.psnr(x, y)[0]) == pytest.approx(
        float(functional.peak_signal_noise_ratio(x, y, data_range=(-1.0, 1.0))), abs=1e-3
    )
    theirs = functional.structural_similarity_index_measure(x, y, data_range=(-1.0, 1.0), gaussian_kernel=True, sigma=1.5)
    assert float(perceptual.ssim(x, y)[0]) == pytest.approx(float(theirs), abs=2e-3)


def test_each_image_has_one_to_compare_with():
    with pytest.raises(LimnerError, match="cannot be compared"):
        closeness([], [np.zeros((8, 8, 3), np.uint8)])
