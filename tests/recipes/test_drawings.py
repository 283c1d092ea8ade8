"""Small drawings: batches that go on where they were, splits without a concept in two, and a judge that tells real pictures from noise."""

from __future__ import annotations

from itertools import islice

import pytest

pytest.importorskip("torch")
pytest.importorskip("emoji")

import torch

from limner.errors import LimnerError
from limner.experts.efficientnet import EfficientNetLite
from limner.models.tokenizers import (
    Autoencoder,
    BinaryQuantiser,
    BinarySettings,
    BlockSettings,
    CodebookSettings,
    GaussianLatents,
    QueryDecoder,
    QueryEncoder,
    VectorQuantiser,
)
from limner.models.tokenizers.frozen import FrozenStages
from limner.recipes.drawings import TOKENS, Dealt, Drawings, Some, drawings
from limner.recipes.painting import AllAtOnce, Flowing, OneByOne, Size
from limner.recipes.tokenizing import Judge, Learned, decoded, encoded
from limner.sources.datasets import dataset
from limner.sources.pairs import pairs, part
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

torch.set_num_threads(1)


def some(count: int = 10) -> Some:
    draw = torch.Generator().manual_seed(0)
    return Some(
        {
            "pixels": torch.randint(256, (count, 3, 16, 16), generator=draw).byte(),
            "states": torch.randn(count, TOKENS, 6, generator=draw).half(),
            "mask": torch.ones(count, TOKENS, dtype=torch.bool),
        }
    )


def real(most: int = 120) -> dict[str, Drawings]:
    if not dataset("fluent-emoji").here:
        pytest.skip("needs `limner data get fluent-emoji`")
    return drawings(("fluent-emoji",), 32, most)


def test_batches_go_on_where_a_position_says():
    whole = [b["pixels"] for b in islice(Dealt(some(), 3, 0), 10)]
    first = Dealt(some(), 3, 0)
    list(islice(first, 4))
    second = Dealt(some(), 3, 0)
    second.load_state_dict(first.state_dict())
    assert all(torch.equal(a, b["pixels"]) for a, b in zip(whole[4:], second, strict=False))
    passed = torch.cat(whole[:3]).flatten(1)
    assert len(passed.unique(dim=0)) == 9
    with pytest.raises(LimnerError, match="not one batch"):
        Dealt(some(2), 3, 0)


def test_no_concept_is_in_two_parts_and_texts_are_of_their_pictures():
    parts = real()
    assert sum(len(d.texts) for d in parts.values()) == 120
    of_text = {f"{p.text}, fluent": part(p.concept) for p in pairs("fluent-emoji")}
    for name, held in parts.items():
        assert {of_text[text] for text in held.texts} <= {name}
        assert held.some["pixels"].shape[1:] == (3, 32, 32)
        assert held.some["mask"].sum(1).min() >= 3
        assert not held.some["states"][~held.some["mask"]].any()
    assert real()["test"].texts == parts["test"].texts


def test_texts_are_taken_away_as_often_as_asked():
    held = some(2000)
    gone = ~held.captioned(0.25).mask_NL.any(1)
    assert abs(float(gone.float().mean()) - 0.25) < 0.04


def test_a_judge_knows_the_real_pictures_best():
    shown = real(400)["test"].spread(40)
    judge = Judge(shown)
    own, same = judge(), judge(shown.some.images)
    noise = judge(torch.rand(len(shown.texts), 3, 32, 32) * 2 - 1)
    assert own["alignment"] == pytest.approx(same["alignment"], abs=1)
    assert own["alignment"] > 70 > noise["alignment"]
    assert same["distance"] < 0.1 * noise["distance"]


@pytest.mark.parametrize("kind", ["codes", "bits", "vectors"])
def test_a_tokenizer_and_generators_on_its_tokens_learn(kind: str):
    blocks = BlockSettings(32, 1, 2, 4)
    torch.manual_seed(0)
    made = {
        "codes": lambda: VectorQuantiser(CodebookSettings(16, 4)),
        "bits": lambda: BinaryQuantiser(BinarySettings(8, 1, "bernoulli")),
        "vectors": lambda: GaussianLatents(4),
    }
    tokenizer = Autoencoder(QueryEncoder(blocks, 4, 6), made[kind](), QueryDecoder(blocks, 4, 6), 16)
    data = some(32)
    given = Fit(steps=20, rate=3e-3, schedule=Schedule(warm=2), log=10, precision="fp32")
    fitted = fit(Learned(tokenizer, FrozenStages(EfficientNetLite(10), (0,), 1.0), told=True), Dealt(data, 16, 0), given)
    assert fitted.lines[-1]["pixels"] < fitted.lines[0]["pixels"]
    latents = encoded(tokenizer, data, told=True, batch=10)
    chance = torch.Generator().manual_seed(0)
    size = Size(32, 2, 1, 1)
    if latents.codes_NPG is None:
        told = Some({**data.held, "vectors": latents.vectors_NPC})
        generators = [Flowing(4, 4, size, 6)]
    else:
        told = Some({**data.held, "codes": latents.codes_NPG})
        generators = [kind_(tokenizer.books, 4, size, 6) for kind_ in (OneByOne, AllAtOnce)]
    for generator in generators:
        fitted = fit(generator, Dealt(told, 16, 0), given)
        assert fitted.lines[-1]["loss" if "loss" in fitted.lines[-1] else next(iter(fitted.losses))] < 2.9
        drawn = generator.draw(data.text, 2.0, 3, chance)
        vectors = drawn if latents.codes_NPG is None else tokenizer.lookup(drawn)
        assert decoded(tokenizer, vectors, data.text, batch=10).shape == (32, 3, 16, 16)
