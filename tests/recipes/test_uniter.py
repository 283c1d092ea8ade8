"""The recipe uniter: scenes say what their words stand for, tasks hide what they say, the smoke run measures what its claims ask."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("emoji")

import torch

from limner.models.sequence import IGNORED
from limner.recipes import uniter
from limner.recipes.run import run
from limner.recipes.scenes import (
    AND,
    COMMA,
    END,
    GRID,
    GROUNDS,
    MASK,
    PAD,
    START,
    Pictures,
    Scenes,
    SceneSettings,
    asked,
    composed,
    swapped,
)
from limner.recipes.uniter import KINDS, RECIPE, WAYS, Settings, Uniter, measured
from limner.sources.datasets import dataset

torch.set_num_threads(1)
SCENES = SceneSettings()


def drawn(concepts: int = 100) -> Pictures:
    """Pictures that are noise, each of a name of its own."""
    draw = np.random.default_rng(0)
    rows = len(GROUNDS) * concepts
    names = tuple((6 + 2 * i, 7 + 2 * i)[: 1 + i % 2] for i in range(concepts))
    return Pictures(
        draw.standard_normal((rows, 10)).astype(np.float32), draw.dirichlet(np.ones(5), rows).astype(np.float32),
        draw.uniform(0.6, 1, rows).astype(np.float32), tuple(f"thing {i}" for i in range(concepts)), names,
        tuple((i,) for i in range(concepts)), torch.randn(6 + 2 * concepts, 12),
    )  # fmt: skip


def test_words_stand_for_the_regions_of_their_concepts():
    of = drawn()
    scenes = composed(of, of.part("train"), 50, SCENES, np.random.default_rng(0))
    for n in range(50):
        rows, concepts = scenes["rows"][n], scenes["concepts"][n]
        assert len(set(concepts.tolist())) == SCENES.shown
        assert torch.equal(rows // len(GROUNDS), concepts)
        assert len(set((rows % len(GROUNDS)).tolist())) == 1  # one ground
        for word, region in zip(scenes["words"][n].tolist(), scenes["stands"][n].tolist(), strict=True):
            if region >= 0:
                assert word in of.names[concepts[region]]
            else:
                assert word in (PAD, START, END, COMMA, AND)
        named = set(scenes["stands"][n].tolist()) - {-1}
        assert len(named) == SCENES.named


def test_pictures_of_a_scene_do_not_overlap():
    of = drawn()
    boxes = composed(of, of.part("train"), 50, SCENES, np.random.default_rng(1))["boxes"]
    assert (boxes[..., :4] >= 0).all()
    assert (boxes[..., :4] <= 1 + 1e-6).all()
    cells = (boxes[..., :2] * GRID + 1e-4).floor()
    assert ((boxes[..., 2:4] * GRID - 1e-4).floor() == cells).all()
    assert all(len({tuple(cell) for cell in scene.tolist()}) == SCENES.shown for scene in cells)


@pytest.mark.parametrize("joint", [False, True])
def test_one_side_is_hidden_at_a_time_unless_both_are_to_be(joint: bool):
    of = drawn()
    batches = iter(Scenes(of, SCENES, 64, ("mlm", "kl", "itm"), KINDS, joint, 0))
    words, regions, pairs = (next(batches) for _ in range(3))
    assert (words["labels"] != IGNORED).any()
    assert words["veiled"].any() == joint
    assert regions["veiled"].any(1).all()
    assert (regions["labels"] != IGNORED).any() == joint
    assert not pairs["veiled"].any()
    assert (pairs["labels"] == IGNORED).all()
    assert pairs["same"].float().mean().item() == pytest.approx(0.5, abs=0.2)
    assert [int(batch["task"][0]) for batch in (words, regions, pairs)] == [0, 1, 2]
    for batch in (words, regions):
        told = batch["labels"] != IGNORED
        assert torch.equal(batch["labels"][told], batch["words"][told])
        assert torch.equal(batch["given"][~told], batch["words"][~told])


def test_a_sentence_of_another_scene_comes_with_what_it_has():
    of = drawn()
    scenes = composed(of, of.part("train"), 40, SCENES, np.random.default_rng(0))
    batch = asked(scenes, "pairs", 0, False, 0.15, 300, np.random.default_rng(0))
    wrong = ~batch["same"]
    assert torch.equal(batch["given"][wrong], scenes["words"].roll(-1, 0).roll(2, 0)[wrong])
    assert torch.equal(batch["present"], batch["given"] != PAD)


def test_a_swapped_scene_differs_in_one_named_picture():
    of = drawn()
    scenes = composed(of, of.part("train"), 30, SCENES, np.random.default_rng(0))
    rows = swapped(of, of.part("train"), scenes, np.random.default_rng(1))
    changed = rows != scenes["rows"]
    assert (changed.sum(1) == 1).all()
    for n in range(30):
        region = int(changed[n].nonzero())
        assert region in scenes["stands"][n]
        assert int(rows[n, region]) // len(GROUNDS) not in scenes["concepts"][n]
        assert rows[n, region] % len(GROUNDS) == scenes["rows"][n, 0] % len(GROUNDS)


def test_batches_go_on_from_a_position():
    of = drawn()
    whole = Scenes(of, SCENES, 4, ("mlm", "itm"), KINDS, False, 3)
    feed = iter(whole)
    next(feed)
    state = whole.state_dict()
    wanted = next(feed)
    again = Scenes(of, SCENES, 4, ("mlm", "itm"), KINDS, False, 3)
    again.load_state_dict(state)
    found = next(iter(again))
    assert all(torch.equal(found[name], wanted[name]) for name in wanted.held)


@pytest.mark.parametrize("name", list(WAYS))
def test_every_task_counts_what_it_sums_and_teaches(name: str):
    of, way = drawn(), WAYS[name]
    torch.manual_seed(0)
    model = Uniter(Settings(width=16, depth=1, heads=2), of, way)
    for task, batch in zip(way.tasks, Scenes(of, SCENES, 8, way.tasks, KINDS, way.joint, 0), strict=False):
        counts, losses = model.counts(batch), model(batch)
        assert set(counts) == set(losses)
        assert counts[task] > 0
        assert {n for n, count in counts.items() if count} == {task} | ({"wra"} if task == "itm" and way.aligned else set())
        model.zero_grad()
        sum(losses.values(), torch.zeros(())).backward()
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in model.stack.parameters())


def test_a_hidden_region_is_not_seen():
    of = drawn()
    model = Uniter(Settings(width=16, depth=1, heads=2), of, WAYS["kl"]).eval()
    batch = next(iter(Scenes(of, SCENES, 4, ("kl",), KINDS, False, 0)))
    _, before = model.read(batch)
    model.features[batch["rows"][batch["veiled"]]] += 5.0  # of pictures that are hidden here (and may be shown in another scene)
    shown_elsewhere = torch.isin(batch["rows"], batch["rows"][batch["veiled"]]) & ~batch["veiled"]
    same = ~shown_elsewhere.any(1)
    _, after = model.read(batch)
    assert same.any()
    assert torch.equal(before[same], after[same])


def test_alignment_is_counted_against_the_truth(monkeypatch: pytest.MonkeyPatch):
    """A model whose words have the very states of their regions finds all of them; one that has others' finds none."""
    of = drawn()
    model = Uniter(Settings(width=16, depth=1, heads=2), of, WAYS["both"]).eval()
    test = composed(of, of.part("train"), 12, SCENES, np.random.default_rng(0))
    direction = torch.eye(SCENES.shown, 16)

    def states(words, present, seen, boxes, shift: int = 0):
        at = (test["stands"] + shift) % SCENES.shown
        return direction[at], direction.expand(len(words), -1, -1)

    monkeypatch.setattr(model, "states", states)
    assert measured(model, of, test, of.part("train"), np.random.default_rng(0))["cosine"] == 100
    monkeypatch.setattr(model, "states", lambda *given: states(*given, shift=1))
    assert measured(model, of, test, of.part("train"), np.random.default_rng(0))["cosine"] == 0


def test_the_smoke_run():
    if not dataset("noto-emoji").here:
        pytest.skip("needs `limner data get noto-emoji`")
    result = run(RECIPE, "smoke")
    wanted = {
        name
        for claim in RECIPE.claims
        for name in (claim.better, claim.worse)
        if name.split(".")[0] in ("full", "both", "joint", "chance")
    }
    assert wanted <= set(result["figures"])
    assert uniter.MASK == MASK
