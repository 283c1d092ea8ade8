"""What a classifier sees: names, parts, and the joint space they make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from limner.errors import ExpertError
from limner.experts.captioner import captioner
from limner.experts.detector import Seen, detector, where
from limner.experts.encoder import encoder
from limner.packages.cachedir import cache_folder
from limner.sources.datasets import dataset


@pytest.fixture(scope="module")
def zebra() -> np.ndarray:
    pytest.importorskip("transformers")
    for name in ("efficientnet-lite0", "all-minilm-l6-v2", "imagenet-names"):
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")
    if not dataset("tuxpaint-stamps").here:
        pytest.skip("needs `limner data get tuxpaint-stamps`")
    found = next(dataset("tuxpaint-stamps").data.rglob("zebra.png"))
    page = Picture.new("RGB", (640, 360), "white")
    with Picture.open(found) as opened:
        image = opened.convert("RGBA").resize((280, 280))
    page.paste(image, (340, 40), image)
    return np.asarray(page)


def test_it_names_what_it_sees(zebra: np.ndarray):
    assert captioner().caption([zebra]) == ["A picture of a zebra."]
    assert captioner().caption([]) == []


def test_it_says_in_which_part(zebra: np.ndarray):
    ((first, *_),) = detector().detect([zebra])
    assert first.name == "zebra"
    assert first.score > 0.5
    assert "right" in where(first.box, 640, 360)
    assert detector().detect([np.full((2, 3, 3), 255, np.uint8)])  # the smallest pictures have parts too


def test_pictures_lie_near_what_they_are_called(zebra: np.ndarray):
    joint = encoder("bundled:conse")
    images = joint.embed_images([zebra, np.full((50, 50, 3), 127, np.uint8)])
    texts = joint.embed_texts(["a zebra", "the minutes of a meeting"])
    assert np.allclose(np.linalg.norm(images, axis=1), 1, atol=1e-4)
    assert images[0] @ texts[0] > 0.6 > 0.2 > images[0] @ texts[1]
    assert joint.embed_images([]).shape == (0, 384)


def test_other_names_are_not_served():
    for ask in (captioner, detector):
        with pytest.raises(ExpertError, match="bundled:imagenet"):
            ask("bundled:other")
    with pytest.raises(ExpertError, match="bundled:conse"):
        encoder("bundled:clip")


def test_a_detector_of_the_hub_says_what_is_where(tmp_path: Path):
    transformers = pytest.importorskip("transformers")
    config = transformers.YolosConfig(
        hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=[32, 32], patch_size=16,
        num_detection_tokens=5, num_labels=2, id2label={0: "cat", 1: "dog"}, label2id={"cat": 0, "dog": 1},
    )  # fmt: skip
    model = transformers.YolosForObjectDetection(config)
    # Sure of everything: the last bias of "dog" is raised above the rest.
    model.class_labels_classifier.layers[-1].bias.data = model.class_labels_classifier.layers[-1].bias.data * 0 + np_tensor(
        [0, 9, 0]
    )
    model.save_pretrained(tmp_path)
    transformers.YolosImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    images = [np.zeros((40, 60, 3), np.uint8), np.full((80, 20, 3), 200, np.uint8)]
    found = detector(f"hf:{tmp_path}").detect(images)
    assert [len(each) for each in found] == [5, 5]
    assert all(isinstance(seen, Seen) and seen.name == "dog" and seen.score > 0.9 for each in found for seen in each)


def np_tensor(values: list[float]):
    import torch

    return torch.tensor(values, dtype=torch.float32)
