"""The recipe gill: dialogues give a caption by thirds, decisions are judged on other concepts, the language model stays as it was."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers

from experts import tiny
from limner.models.backbone import HubBackbone, frozen
from limner.models.heads.mapper import MapperSettings
from limner.models.sequence import collate
from limner.recipes.deciding import crossed
from limner.recipes.gill import RECIPE, dialogue, thirds
from limner.recipes.marked import TOLD, Marked, Reader, read
from limner.recipes.pictured import JOINT
from limner.recipes.run import run
from limner.sources.datasets import dataset


@pytest.mark.parametrize("caption", ["man detective medium light skin tone", "one two three"])
def test_a_dialogue_gives_the_whole_caption_by_thirds(caption: str):
    assert " ".join(thirds(caption, 3)) == caption
    for turns in (1, 2, 3):
        assert [line[3:] for line in dialogue(caption, turns).splitlines()[1::2]] == thirds(caption, turns)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Marked, Reader]:
    folder = tiny.llama(tmp_path_factory.mktemp("llama"))
    backbone = HubBackbone(transformers.AutoModelForCausalLM.from_pretrained(folder))
    frozen(backbone)
    torch.manual_seed(0)
    model = Marked(backbone, MapperSettings(32, TOLD, inside=16, depth=1, heads=2, hidden=32), marks=3)
    return model.eval(), Reader(transformers.AutoTokenizer.from_pretrained(folder), 3)


def test_losses_reach_marks_and_heads_and_leave_the_language_model(made: tuple[Marked, Reader]):
    model, reader = made
    rows = np.random.default_rng(0).standard_normal((2, TOLD + JOINT + 1)).astype(np.float32)
    losses = model(collate([reader("a crop tool", rows[0]), reader("an image", rows[1])]))
    assert set(losses) == {"told", "found", "place"}
    sum(losses.values()).backward()
    assert model.marks.grad is not None
    assert model.marks.grad.abs().sum(1).all()
    assert all(weight.grad is not None for weight in model.heads.parameters())
    assert all(weight.grad is None for weight in model.backbone.parameters())
    model.zero_grad()


def test_a_text_is_read_the_same_whatever_is_beside_it(made: tuple[Marked, Reader]):
    model, reader = made
    texts = ["a crop tool", "an image of the crop", "tool"]
    together = read(model, reader, texts)
    assert together.shape == (3, 3, 32)
    for n, text in enumerate(texts):
        torch.testing.assert_close(read(model, reader, [text])[0], together[n], atol=0.05, rtol=0.05)
    assert not torch.allclose(together[0], together[1], atol=0.05)


def test_a_decision_is_learned_where_there_is_something_to_learn():
    draw = np.random.default_rng(0)
    features = torch.from_numpy(draw.standard_normal((300, 5)).astype(np.float32))
    right = (features[:, 0] > 0).numpy()
    found = crossed(features, right, np.arange(300) // 2, seed=0)
    assert (found.learned == right).mean() > 0.9
    assert (found.threshold == right).mean() < 0.65
    assert (crossed(-features[:, [1, 0]], ~right, np.arange(300), 0).threshold == ~right).mean() > 0.95


def test_a_decision_does_not_know_the_group_it_is_judged_on():
    # Each group has a feature of its own and one answer: who learned from the group itself would be right always.
    draw = np.random.default_rng(0)
    groups = np.arange(200) // 10
    features = torch.eye(20)[torch.from_numpy(groups)] * 10
    right = draw.random(20)[groups] > 0.5
    assert (crossed(features, right, groups, seed=0).learned == right).mean() < 0.75


def test_the_smoke_run():
    pytest.importorskip("emoji")
    if not dataset("noto-emoji").here:
        pytest.skip("needs `limner data get noto-emoji`")
    figures = run(RECIPE, "smoke")["figures"]
    assert {"near.1.mapper", "near.3.encoder", "grows.gain", "recall.caption.found", "distance.linear"} <= set(figures)
