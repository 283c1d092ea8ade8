"""Joint encoders in both layouts, on small models that the test builds: their loading code is the real one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from limner.errors import ExpertError
from limner.experts.encoder import _preparation, encoder, unit


def colour(*rgb: int) -> np.ndarray:
    return np.full((40, 60, 3), rgb, np.uint8)


def test_rows_have_length_one_and_zeros_stay():
    assert np.allclose(unit(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32)), [[0.6, 0.8], [0, 0]])


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (
            {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}, "resample": 3},
            (224, 224, True, "bicubic"),
        ),
        ({"size": 256, "crop_size": 224, "resample": 2}, (256, 224, True, "bilinear")),
        ({"size": {"height": 384, "width": 384}}, (384, 384, False, "bicubic")),
        ({"size": {"shortest_edge": 64}, "do_center_crop": False, "crop_size": 32}, (64, 64, True, "bicubic")),
    ],
)
def test_what_a_preprocessor_config_says(stated, expected):
    found = _preparation(stated)
    assert (found.resize, found.crop, found.keep, found.filter) == expected


def test_a_config_without_a_size_is_refused():
    with pytest.raises(ExpertError, match="no size"):
        _preparation({"size": {"longest_edge": 3}})


def onnx_folder(folder: Path) -> Path:
    """An encoder whose images are their mean colour and whose texts are the mean of their words' vectors."""
    onnx = pytest.importorskip("onnx")
    tokenizers = pytest.importorskip("tokenizers")
    from onnx import TensorProto, helper, numpy_helper

    def save(name: str, nodes, inputs, outputs, constants=()):
        graph = helper.make_graph(nodes, name, inputs, outputs, [numpy_helper.from_array(v, k) for k, v in constants])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        (folder / "onnx").mkdir(exist_ok=True)
        onnx.save(model, str(folder / "onnx" / f"{name}.onnx"))

    out = helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["n", 3])
    save(
        "vision_model",
        [helper.make_node("ReduceMean", ["pixel_values"], ["image_embeds"], axes=[2, 3], keepdims=0)],
        [helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [out],
    )
    vectors = np.array([[0, 0, 0], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float32)
    save(
        "text_model",
        [
            helper.make_node("Gather", ["vectors", "input_ids"], ["words"], axis=0),
            helper.make_node("ReduceMean", ["words"], ["text_embeds"], axes=[1], keepdims=0),
        ],
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "words"])],
        [helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["n", 3])],
        [("vectors", vectors)],
    )
    words = {"[PAD]": 0, "red": 1, "green": 2, "blue": 3}
    model = tokenizers.models.WordLevel(words, unk_token="[PAD]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 8, "width": 8}}))
    return folder


def test_an_onnx_encoder_in_a_folder(tmp_path):
    pytest.importorskip("onnxruntime")
    found = encoder(f"onnx:{onnx_folder(tmp_path)}")
    images = found.embed_images([colour(255, 0, 0), colour(0, 0, 255)])
    texts = found.embed_texts(["blue", "a red thing", "green " * 500])
    assert images.shape == (2, 3)
    assert texts.shape == (3, 3)
    assert np.allclose(images @ texts.T, [[-1 / 3, 1, -1 / 3], [1, -1 / 3, -1 / 3]], atol=1e-5)


def test_a_folder_that_is_no_encoder_says_so(tmp_path):
    pytest.importorskip("tokenizers")
    with pytest.raises(ExpertError, match="not the folder of an encoder"):
        encoder(f"onnx:{tmp_path}")


def test_a_clip_of_transformers_from_a_folder(tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    words = {"<pad>": 0, "<s>": 1, "</s>": 2, "red": 3, "blue": 4}
    tokenizers = pytest.importorskip("tokenizers")
    plain = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="<pad>"))
    plain.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=plain, pad_token="<pad>", bos_token="<s>", eos_token="</s>", model_max_length=16
    )
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.CLIPConfig(
        text_config={**small, "vocab_size": 5, "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2},
        vision_config={**small, "image_size": 32, "patch_size": 16},
        projection_dim=8,
    )
    transformers.CLIPModel(config).save_pretrained(tmp_path)
    pixels = transformers.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    transformers.CLIPProcessor(image_processor=pixels, tokenizer=tokenizer).save_pretrained(tmp_path)
    found = encoder(f"hf:{tmp_path}")
    images = found.embed_images([colour(255, 0, 0), colour(0, 0, 255)])
    texts = found.embed_texts(["red", "blue red", "red " * 100])
    assert images.shape == (2, 8)
    assert texts.shape == (3, 8)
    assert np.allclose(np.linalg.norm(images, axis=1), 1, atol=1e-5)
    assert np.allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    with pytest.raises(ExpertError, match="does not load"):
        encoder(f"hf:{tmp_path / 'none'}")


def test_an_image_classifier_of_transformers_from_a_folder(tmp_path):
    from limner.experts.safety import safety

    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")

    def save(folder: Path, labels: list[str]) -> str:
        config = transformers.ViTConfig(
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            image_size=32,
            patch_size=16,
            id2label=dict(enumerate(labels)),
            label2id={label: i for i, label in enumerate(labels)},
        )
        transformers.ViTForImageClassification(config).save_pretrained(folder)
        transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
        return f"hf:{folder}"

    images = [colour(255, 0, 0), colour(0, 0, 255)]
    both = safety(save(tmp_path / "a", ["nsfw", "porn"])).probabilities(images)
    assert np.allclose(both, 1, atol=1e-5)
    one = safety(save(tmp_path / "b", ["sfw", "NSFW", "neutral"])).probabilities(images)
    assert ((one > 0) & (one < 1)).all()
    with pytest.raises(ExpertError, match="no label that reads as unsafe"):
        safety(save(tmp_path / "c", ["cat", "dog"]))
