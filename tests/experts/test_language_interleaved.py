"""Language models that write images among words: one tiny random checkpoint of each family, through the port `language`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experts import tiny_images
from experts.tiny_images import picture
from limner.errors import ExpertError
from limner.experts.language import Answer, Sampling, language, user

pytest.importorskip("transformers")

SIZES = {"chameleon": (8, 8), "janus": (8, 8), "emu3": (16, 16)}
ONE = Sampling(tokens=4, least_images=1)
ASKED = [user("an image of the crop tool")]


@pytest.fixture(scope="module", autouse=True)
def exact() -> Iterator[None]:
    """In float32, so that rounding decides nothing."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("limner.experts.language_interleaved.place", lambda: (torch.device("cpu"), torch.float32))
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: getattr(tiny_images, name)(tmp_path_factory.mktemp(name)) for name in SIZES}


@pytest.fixture(params=SIZES)
def family(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def model(family: str, folders: dict[str, Path]) -> Any:
    return language(f"hf:{folders[family]}")


@pytest.fixture(scope="module")
def eager(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A Chameleon that begins an image whenever it may, and has room for 64 tokens."""
    return language(f"hf:{tiny_images.chameleon(tmp_path_factory.mktemp('eager'), ready=True, context=64)}")


def pictures(answer: Answer) -> list[Image.Image]:
    found: list[Image.Image] = [Image.open(io.BytesIO(part)) for part in answer.parts if isinstance(part, bytes)]
    for image in found:
        image.load()
    return found


@pytest.mark.parametrize("guidance", [1.0, 2.5])
def test_a_batch_answers_as_each_prompt_alone(model: Any, guidance: float) -> None:
    prompts = [[user("what is this?", picture(1))], ASKED, [user("and the outer parts of ", picture(2), picture(3, (40, 24)))]]
    sampling = Sampling(tokens=3, temperature=0.8, top_p=0.9, seed=5, images=1, least_images=1, guidance=guidance)
    together = model.answer(prompts, sampling)
    assert together == [model.answer([prompt], sampling)[0] for prompt in prompts]


def test_an_image_comes_after_the_text_and_is_whole(model: Any, family: str) -> None:
    assert model.sees
    (answer,) = model.answer([ASKED], ONE)
    assert [type(part) for part in answer.parts] == [str, bytes]
    assert [(image.size, image.mode) for image in pictures(answer)] == [(SIZES[family], "RGB")]
    assert answer.tokens_out == 4 + model.blocks.count
    assert len(pictures(model.answer([ASKED], replace(ONE, tokens=0, least_images=2))[0])) == 2


def test_guidance_of_one_is_none_and_more_leads_elsewhere(model: Any) -> None:
    drawn = [model.answer([ASKED], replace(ONE, tokens=0, guidance=guidance))[0].parts for guidance in (1.0, 1.0 + 1e-9, 8.0)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_no_image_is_written_unless_it_is_asked_for(model: Any) -> None:
    (answer,) = model.answer([ASKED], Sampling(tokens=8, temperature=1.0))
    assert [type(part) for part in answer.parts] == [str]


def test_an_image_that_is_read_changes_what_is_written(model: Any) -> None:
    import torch

    from limner.experts.language_interleaved import Streams

    with torch.inference_mode():
        one, other = (
            Streams(model.blocks, 1).feed([model.blocks.prompt(model.prompts([[user(image, "what?")]]))])
            for image in (picture(1), picture(2, (40, 16)))
        )
        assert (model.blocks.words(one) - model.blocks.words(other)).nan_to_num().abs().max() > 1e-3


def test_text_is_what_transformers_writes(model: Any) -> None:
    inputs = model.prompts([[user("what is this?", picture(1))]])
    silent = [*model.blocks.silent.tolist(), model.blocks.begin]
    out = model.model.generate(**inputs, max_new_tokens=6, do_sample=False, suppress_tokens=silent, pad_token_id=0)
    expected = model.processor.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert model.answer([[user("what is this?", picture(1))]], Sampling(tokens=6))[0].text == expected


@pytest.mark.parametrize("guidance", [2.0, 5.0])  # by its own method Janus does not draw without
def test_an_image_of_janus_is_what_transformers_draws(folders: dict[str, Path], guidance: float) -> None:
    model: Any = language(f"hf:{folders['janus']}")
    inputs = model.processor(
        text=[model.processor.apply_chat_template([{"role": "user", "content": [{"type": "text", "text": "an image"}]}],
                                                  add_generation_prompt=True)],
        generation_mode="image", return_tensors="pt",
    )  # fmt: skip
    model.model.generation_config.generation_kwargs = {"boi_token_id": model.blocks.begin}  # which its own generate asks for
    codes = model.model.generate(**inputs, generation_mode="image", do_sample=False, guidance_scale=guidance)
    pixels = model.model.decode_image_tokens(codes)[0].detach().numpy()
    (answer,) = model.answer([[user("an image")]], replace(ONE, tokens=0, guidance=guidance))
    assert np.array_equal(np.asarray(pictures(answer)[0]), np.clip(np.rint((pixels + 1) * 127.5), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_an_image_of_emu3_is_what_transformers_draws(folders: dict[str, Path], guidance: float) -> None:
    model: Any = language(f"hf:{folders['emu3']}")
    blocks, made = model.blocks, model.processor
    text = made.apply_chat_template(
        [{"role": "user", "content": [{"type": "text", "text": "an image"}]}], add_generation_prompt=True
    )
    asked, empty = (
        made(text=[said], return_for_image_generation=True, image_area=256, return_tensors="pt") for said in (text, "")
    )
    start, tokens = asked["input_ids"].shape[1], blocks.codes_as_tokens.tolist()
    rows, columns = asked["image_sizes"][0]
    last = made.tokenizer.convert_tokens_to_ids(["<|extra_200|>", "<|extra_201|>", "<|image end|>", "<end>"])

    def allowed(_: int, ids: Any) -> list[int]:
        """Codes, a mark at the end of each row, three after the last."""
        at = len(ids) - start
        if at >= rows * (columns + 1):
            return [last[1 + at - rows * (columns + 1)]]
        return [last[0]] if at % (columns + 1) == columns else tokens

    out = model.model.generate(
        asked["input_ids"], max_new_tokens=rows * (columns + 1) + 3, do_sample=False, prefix_allowed_tokens_fn=allowed, pad_token_id=0,
        guidance_scale=guidance, negative_prompt_ids=empty["input_ids"],
    )  # fmt: skip
    pixels = model.model.decode_image_tokens(image_tokens=out[:, start:], height=rows, width=columns)[0].permute(1, 2, 0).numpy()
    (answer,) = model.answer([[user("an image")]], replace(ONE, tokens=0, guidance=guidance))
    assert np.array_equal(np.asarray(pictures(answer)[0]), np.clip(np.rint((pixels + 1) * 127.5), 0, 255).astype(np.uint8))


def test_chameleon_decodes_codes_as_its_vqgan_does(folders: dict[str, Path]) -> None:
    """Esser et al. 2021, taming-transformers: levels of the decoder are counted from the finest, and run from the coarsest."""
    import torch
    from safetensors.torch import load_file
    from torch.nn import functional

    weights = {k.removeprefix("model.vqmodel."): v for k, v in load_file(folders["chameleon"] / "model.safetensors").items()}

    def conv(x: Any, name: str) -> Any:
        return functional.conv2d(
            x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=weights[f"{name}.weight"].shape[-1] // 2
        )

    def norm(x: Any, name: str) -> Any:
        return functional.group_norm(x, 32, weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-6)

    def block(x: Any, name: str) -> Any:
        inner = conv(functional.silu(norm(x, f"{name}.norm1")), f"{name}.conv1")
        return x + conv(functional.silu(norm(inner, f"{name}.norm2")), f"{name}.conv2")

    codes = [(5 * at + at // 3) % 8 for at in range(16)]
    x = weights["quantize.embedding.weight"][codes].reshape(1, 4, 4, 4).permute(0, 3, 1, 2)
    x = block(conv(conv(x, "post_quant_conv"), "decoder.conv_in"), "decoder.mid.block_1")
    flat = norm(x, "decoder.mid.attn_1.norm")
    q, k, v = (conv(flat, f"decoder.mid.attn_1.{name}").flatten(2).transpose(1, 2) for name in "qkv")
    seen = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
    x = block(x + conv(seen, "decoder.mid.attn_1.proj_out"), "decoder.mid.block_2")
    for level in (1, 0):
        for at in (0, 1):
            x = block(x, f"decoder.up.{level}.block.{at}")
        if level:
            x = conv(functional.interpolate(x, scale_factor=2.0), f"decoder.up.{level}.upsample.conv")
    x = conv(functional.silu(norm(x, "decoder.norm_out")), "decoder.conv_out")
    expected = ((x[0].permute(1, 2, 0) + 1) / 0.0078).round().clip(0, 255)
    with torch.inference_mode():
        shown: Any = language(f"hf:{folders['chameleon']}")
        drawn = shown.blocks.pixels(codes)
    assert np.abs(drawn.astype(float) - expected.numpy()).max() <= 1  # rounding
    assert drawn.std() > 10


def test_images_are_limited_by_number_and_by_room(eager: Any) -> None:
    asked = [user("an image")]
    (one,) = eager.answer([asked], Sampling(tokens=5, images=1))
    assert [type(part) for part in one.parts] == [bytes, str]
    assert eager.blocks.length == 18
    (many,) = eager.answer([asked], Sampling(tokens=5, images=9))
    assert many.tokens_in < 64 - 3 * 18  # three fit
    assert [type(part) for part in many.parts] == [bytes, bytes, bytes, str]
    (none,) = eager.answer([[user("x" * 48)]], Sampling(tokens=5, images=9))
    assert none.tokens_in > 64 - 18
    assert not pictures(none)
    with pytest.raises(ExpertError, match="do not fit into the 64"):
        eager.answer([asked], Sampling(tokens=5, least_images=4))


def test_an_answer_ends_before_its_stop(folders: dict[str, Path]) -> None:
    model = language(f"hf:{folders['emu3']}")
    (whole,) = model.answer([ASKED], Sampling(tokens=12))
    assert not whole.whole
    stop = whole.text[3:5]
    (cut,) = model.answer([ASKED], Sampling(tokens=12, stop=(stop,)))
    assert cut.whole
    assert cut.text == whole.text[: whole.text.index(stop)]


def test_a_seed_draws_the_same_image_again_and_another_does_not(model: Any) -> None:
    drawn = [model.answer([ASKED], replace(ONE, tokens=0, temperature=1.0, seed=seed))[0].parts for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_chameleon_without_its_decoder_reads_images_and_writes_none(tmp_path: Path) -> None:
    model = language(f"hf:{tiny_images.chameleon(tmp_path, decoder=False, ready=True)}")
    (answer,) = model.answer([[user("what is this?", picture(1))]], Sampling(tokens=5, images=3))
    assert [type(part) for part in answer.parts] == [str]
    with pytest.raises(ExpertError, match="writes none"):
        model.answer([ASKED], ONE)


def test_bad_input_is_said(model: Any) -> None:
    with pytest.raises(ExpertError, match="cannot be read"):
        model.answer([[user("what?", picture(1)[:60])]], ONE)


def test_a_checkpoint_without_safetensors_is_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = tiny_images.janus(tmp_path)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ExpertError, match="does not load"):
        language(f"hf:{folder}")


def test_a_document_of_it_has_its_pictures(folders: dict[str, Path], tmp_path: Path) -> None:
    from limner.document import Image as Shown
    from limner.models.decoding import Control
    from limner.write.generating import generate, given, kept

    control = Control(tokens=4, least=1, most=1, seed=3)
    document, media = generate(f"hf:{folders['janus']}", *given("an image of the crop tool"), control)
    assert isinstance(document.parts[-1], Shown)
    kept(document, media, tmp_path / "out.md")
    (file,) = (tmp_path / "out_files").iterdir()
    assert Image.open(file).size == (8, 8)
    assert f"out_files/{file.name}" in (tmp_path / "out.md").read_text()


def test_a_writer_takes_its_words_and_none_of_its_pictures(tmp_path: Path) -> None:
    from limner.document import Text
    from limner.search.searcher import Hit
    from limner.search.segment import Row
    from limner.write.answer import Passage, Source
    from limner.write.modelled import Modelled

    folder = tiny_images.chameleon(tmp_path, ready=True, context=4_096)
    assert pictures(language(f"hf:{folder}").answer([ASKED], Sampling(tokens=2, images=1))[0])
    row = Row("d", 0, 0, -1, (), "", "Crop", "en", "", "", "")
    passage = Passage(
        Source(1, "d", 0, "Crop", "", ""), Hit(0, "section", 0.0, row), (Text(0, "The crop tool removes the outer parts."),)
    )
    blocks, spent = Modelled(f"hf:{folder}", tokens=6).write("What does the crop tool do?", [passage])
    assert spent.tokens_in > 100
    assert spent.tokens_out <= 6  # an image has 16 codes
    assert all(isinstance(block.text, str) for block in blocks)
