"""The recipe flamingo: documents have training pairs only, questions test pairs, and what is chosen with a cache is what is without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers
from torch.nn import functional

from experts import tiny
from limner.models.attention import Layout
from limner.models.backbone import HubBackbone, frozen
from limner.models.connectors.resampler import ResamplerSettings
from limner.models.cross import CrossSettings
from limner.models.sequence import IMAGE, Sequence, collate
from limner.recipes.fewshot import CHOICES, Composed, Writer, questions
from limner.recipes.flamingo import RECIPE, Flamingo, chosen
from limner.recipes.pictured import CHANNELS, JOINT, PATCHES, Pictured
from limner.recipes.run import run
from limner.sources.datasets import dataset
from limner.sources.pairs import part


def drawn(name: str, count: int = 200) -> Pictured:
    draw = np.random.default_rng(0)
    texts = tuple(f"{name} thing {n}" for n in range(count))
    patches = draw.standard_normal((count, PATCHES, CHANNELS)).astype(np.float16)
    return Pictured(name, texts, texts, ("",) * count, patches, draw.standard_normal((count, JOINT)).astype(np.float32))


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Writer:
    folder = tmp_path_factory.mktemp("llama")
    tiny.llama(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.bos_token = "<pad>"
    return Writer(tokenizer)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Flamingo:
    folder: Path = tiny.llama(tmp_path_factory.mktemp("llama"))
    backbone = HubBackbone(transformers.AutoModelForCausalLM.from_pretrained(folder))
    frozen(backbone)
    settings = replace(
        RECIPE.settings["smoke"],
        resampler=ResamplerSettings(CHANNELS + JOINT, 16, latents=3, depth=1, heads=2, head_width=8),
        cross=CrossSettings(16, 32, heads=2, head_width=8, every=1),
    )
    torch.manual_seed(0)
    made = Flamingo(backbone, settings, "last")
    for name, weight in made.named_parameters():
        if name.endswith("_gate"):
            weight.data.fill_(1.0)
    return made.eval()


def test_a_pass_has_each_training_pair_once_in_documents_of_one_set(writer: Writer):
    sets = [drawn("first"), drawn("second")]
    documents = [whole for whole, _ in Composed(sets, writer, 5, seed=0).passing(0, None)]
    texts = [tuple(piece.ids.tolist()) for whole in documents for piece in whole.pieces if piece.modality != IMAGE]
    wanted = [tuple(writer.text(text).ids.tolist()) for held in sets for text in held.texts if part(text) == "train"]
    assert sorted(texts) == sorted(wanted)
    assert max(sum(piece.modality == IMAGE for piece in whole.pieces) for whole in documents) == 5
    assert all(whole.pieces[-2].modality == IMAGE for whole in documents)


def test_a_pass_goes_on_where_it_was_left_and_the_next_is_another(writer: Writer):
    composed = Composed([drawn("first")], writer, 5, seed=0)
    every = list(composed.passing(0, None))
    rest = list(composed.passing(0, every[3][1]))
    assert [tokens(whole) for whole, _ in rest] == [tokens(whole) for whole, _ in every[4:]]
    assert [tokens(whole) for whole, _ in composed.passing(1, None)] != [tokens(whole) for whole, _ in every]


def test_questions_are_of_concepts_that_were_not_trained_on():
    found = questions([drawn("first"), drawn("second")], 30, 8, seed=0)
    assert [question.held.name for question in found[:4]] == ["first", "second"] * 2
    for question in found:
        assert len(set(question.choices)) == CHOICES
        assert question.choices[0] == question.held.texts[question.row]
        assert {part(text) for text in question.choices} == {"test"}
        assert {part(question.held.texts[row]) for row in question.examples} == {"train"}
    assert questions([drawn("small", 20)], 30, 8, seed=0) == []


@pytest.mark.parametrize("way", ["shots", "texts"])
def test_what_is_chosen_with_a_cache_is_what_is_without(model: Flamingo, writer: Writer, way: str):
    question = questions([drawn("first")], 1, 3, seed=0)[0]
    _, nats = chosen(model, writer, question, 3, way)
    prompt, text = question.prompt(writer, 3, way == "shots"), writer.text(question.choices[0])
    batch = collate([Sequence((*prompt.pieces, text))])
    with torch.inference_mode():
        states = model.states(batch, Layout.of(batch), model.look(batch.images), model.visible(batch))
        logits = model.backbone.logits(states[len(prompt) - 1 : -1])
    wanted = functional.cross_entropy(logits, torch.from_numpy(text.ids))
    assert nats == pytest.approx(float(wanted), abs=1e-4)


def test_a_blank_image_is_another_than_the_own(model: Flamingo, writer: Writer):
    question = questions([drawn("first")], 1, 3, seed=0)[0]
    assert chosen(model, writer, question, 2, "blank")[1] != chosen(model, writer, question, 2)[1]


def test_a_batch_without_images_can_be_trained_on(model: Flamingo, writer: Writer):
    batch = collate([Sequence((writer.text("a thing"), writer.text("another")))])
    loss = model(batch)["text"]
    loss.backward()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in trained)
    model.zero_grad()


def test_the_smoke_run():
    pytest.importorskip("emoji")
    if not dataset("noto-emoji").here:
        pytest.skip("needs `limner data get noto-emoji`")
    figures = run(RECIPE, "smoke")["figures"]
    assert figures["parity"]["mean"] < 1e-4
    assert {"shots.0.right", "shots.2.nats", "texts.2.right", "few.right.gain"} <= set(figures)


def tokens(whole: Sequence) -> list[int]:
    return [int(i) for piece in whole.pieces for i in piece.ids]
