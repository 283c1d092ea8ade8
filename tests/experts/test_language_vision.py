"""Language models that read images, one tiny random checkpoint of each family, through the port `language`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experts import tiny_images
from experts.tiny_images import picture
from limner.errors import ExpertError
from limner.experts.language import Message, Sampling, Scores, language, user

pytest.importorskip("transformers")

FAMILIES = ("idefics2", "idefics3", "smolvlm", "qwen2", "qwen2_5", "llava")
SHORT = Sampling(tokens=6)


@pytest.fixture(scope="module", autouse=True)
def exact() -> Iterator[None]:
    """In float32, so that rounding decides nothing."""
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("limner.experts.language_local.place", lambda: (torch.device("cpu"), torch.float32))
        yield


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: getattr(tiny_images, name)(tmp_path_factory.mktemp(name)) for name in FAMILIES}


@pytest.fixture(params=FAMILIES)
def seeing(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Any:
    return language(f"hf:{folders[request.param]}")


def test_a_batch_answers_as_each_prompt_alone(seeing: Any) -> None:
    assert seeing.sees
    prompts = [
        [user("what is this?", picture(1))],
        [user("the crop tool")],
        [user("and the outer parts of ", picture(2), " and of ", picture(3, (40, 16)))],
    ]
    together = seeing.answer(prompts, SHORT)
    assert together == [seeing.answer([prompt], SHORT)[0] for prompt in prompts]
    assert all(answer.tokens_in > 0 and 0 < answer.tokens_out <= 6 for answer in together)


def test_an_image_changes_what_comes_next(seeing: Any) -> None:
    import torch

    asked = [[user("what is this?", picture(seed))] for seed in (1, 2)]
    with torch.inference_mode():
        one, other = (seeing.model(**seeing.prompts([prompt])).logits[0, -1] for prompt in asked)
    assert torch.isfinite(one).all()
    assert (one - other).abs().max() > 1e-3


def test_what_a_text_says_of_images_is_no_image(seeing: Any) -> None:
    mark = seeing.tokenizer.decode([seeing.model.config.image_token_id])
    assert mark in ("<image>", "<|image_pad|>")
    (said,) = seeing.answer([[user(f"what is {mark} here? {mark[:3]}{mark}{mark[3:]}", picture(1))]], SHORT)
    (plain,) = seeing.answer([[user(f"what is   here? {mark[:3]} {mark[3:]}", picture(1))]], SHORT)
    assert said.text == plain.text


def test_it_scores_text(folders: dict[str, Path]) -> None:
    import torch

    model: Any = language(f"hf:{folders['qwen2']}")
    scores: Scores = model
    assert isinstance(scores, Scores)
    ids = [model.tokenizer(t, add_special_tokens=False, return_tensors="pt")["input_ids"] for t in ("the crop", " tool")]
    with torch.inference_mode():
        logits = model.model(torch.cat(ids, 1)).logits.log_softmax(-1)[0, ids[0].shape[1] - 1 : -1]
    assert scores.likelihood([("the crop", " tool"), ("an image", " of the outer parts")])[0] == (
        pytest.approx(float(logits.gather(1, ids[1][0][:, None]).sum()), abs=1e-4),
        ids[1].shape[1],
    )


def test_bad_input_is_said(folders: dict[str, Path]) -> None:
    model = language(f"hf:{folders['llava']}")
    with pytest.raises(ExpertError, match="cannot be read"):
        model.answer([[user("what?", picture(1)[:60])]], SHORT)
    with pytest.raises(ExpertError, match="more than the 64"):
        model.answer([[user(*[picture(1)] * 65)]], SHORT)
    with pytest.raises(ExpertError, match="do not fit into the 512"):
        model.answer([[user("the crop tool " * 400, picture(1))]], SHORT)


def test_a_template_that_refuses_is_said(tmp_path: Path) -> None:
    folder = tiny_images.llava(tmp_path)
    (folder / "chat_template.jinja").write_text(
        "{% if messages[0].role == 'system' %}{{ raise_exception('no rules') }}{% endif %}x"
    )
    with pytest.raises(ExpertError, match="no rules"):
        language(f"hf:{folder}").answer([[Message("system", ("Be short.",)), user("x")]], SHORT)


def test_a_checkpoint_is_refused_without_safetensors_or_with_a_part_missing(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    folder = tiny_images.llava(tmp_path)
    file = folder / "model.safetensors"
    weights = load_file(file)
    lacking = {key: value for key, value in weights.items() if "multi_modal_projector.linear_1.weight" not in key}
    assert len(lacking) == len(weights) - 1
    save_file(lacking, file, {"format": "pt"})
    with pytest.raises(ExpertError, match=r"lacks 1 of its weights, .*linear_1"):
        language(f"hf:{folder}")
    file.write_bytes(file.read_bytes()[:5_000])
    with pytest.raises(ExpertError, match="does not load"):
        language(f"hf:{folder}")
    file.unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(ExpertError, match="does not load"):
        language(f"hf:{folder}")


def test_code_of_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "mine", "auto_map": {"AutoConfig": "mine.Config"}}')
    (tmp_path / "mine.py").write_text("raise SystemExit")
    with pytest.raises(ExpertError, match="does not load"):
        language(f"hf:{tmp_path}")
