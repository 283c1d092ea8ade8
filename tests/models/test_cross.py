"""Gated cross-attention: equal to Idefics' on the same weights, blind to later images and to those of other documents, silent while gates are
closed. And the heads that take states of [IMG] tokens: to a joint space, and to what a generator is told."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
import transformers

from limner.models import idefics
from limner.models.attention import Layout
from limner.models.backbone import HubBackbone
from limner.models.cross import CrossBlocks, CrossSettings, GatedCrossAttention, seen
from limner.models.heads.mapper import Mapper, MapperSettings
from limner.models.heads.retrieval import RetrievalHead, RetrievalSettings

SETTINGS = CrossSettings(channels=12, width=16, heads=2, head_width=8, every=2)
# Three documents: two images in the first, none in the second, one in the third, which begins with it.
DOCUMENT_T = torch.tensor([0] * 6 + [1] * 3 + [2] * 4)
PLACE_T = torch.arange(13)
DOCUMENT_N, PLACE_N = torch.tensor([0, 0, 2]), torch.tensor([1, 4, 9])


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def block(settings: CrossSettings = SETTINGS) -> GatedCrossAttention:
    """A block whose gates are open."""
    made = GatedCrossAttention(settings)
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return made


@pytest.mark.parametrize(
    ("sees", "wanted"),
    [
        ("last", "... 0.. .0. .0. .1. .1. ... ... ... ..2 ..2 ..2 ..2"),
        ("all", "... 0.. 0.. 0.. 01. 01. ... ... ... ..2 ..2 ..2 ..2"),
        ("next", "0.. .1. .1. .1. ... ... ... ... ... ... ... ... ..."),
    ],
)
def test_which_images_a_token_sees(sees: str, wanted: str):
    found = seen(DOCUMENT_T, PLACE_T, DOCUMENT_N, PLACE_N, sees)
    told = [{int(letter) for letter in word if letter != "."} for word in wanted.split()]
    assert [set(torch.nonzero(row)[:, 0].tolist()) for row in found] == told


@pytest.mark.parametrize("sees", ["last", "all"])
@pytest.mark.parametrize("changed", [0, 1, 2])
def test_a_changed_image_changes_later_tokens_of_its_document_only(sees: str, changed: int):
    made, x, images = block(), torch.randn(13, 16), torch.randn(3, 5, 12)
    visible = seen(DOCUMENT_T, PLACE_T, DOCUMENT_N, PLACE_N, sees)
    before = made(x, images, visible)
    images[changed] += 1
    differs = (made(x, images, visible) - before).abs().amax(1) > 0
    later = (DOCUMENT_N[changed] == DOCUMENT_T) & (PLACE_N[changed] <= PLACE_T)
    assert not differs[~later].any()
    assert differs[visible[:, changed]].all()


def test_a_packed_document_is_as_it_is_alone():
    made, x, images = block(), torch.randn(13, 16), torch.randn(3, 5, 12)
    packed = made(x, images, seen(DOCUMENT_T, PLACE_T, DOCUMENT_N, PLACE_N))
    for document in range(3):
        own, of = document == DOCUMENT_T, document == DOCUMENT_N
        alone = made(x[own], images[of], seen(DOCUMENT_T[own], PLACE_T[own], DOCUMENT_N[of], PLACE_N[of]))
        torch.testing.assert_close(packed[own], alone, atol=1e-5, rtol=1e-4)


def test_keys_that_were_kept_are_as_good():
    made, x, images = block(), torch.randn(13, 16), torch.randn(3, 5, 12)
    visible = seen(DOCUMENT_T, PLACE_T, DOCUMENT_N, PLACE_N)
    torch.testing.assert_close(made(x, images, visible, made.attention.keys(images)), made(x, images, visible))


def test_no_images_change_nothing_but_the_feed_forward_and_gradients_are_zero():
    made, x = block(), torch.randn(13, 16)
    none = seen(DOCUMENT_T, PLACE_T, DOCUMENT_N[:0], PLACE_N[:0])
    out = made(x, torch.zeros(0, 5, 12), none)
    torch.testing.assert_close(out, x + made.feed_gate.tanh() * made.feed(made.feed_norm(x)))
    out.sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in made.parameters())
    assert not made.attention.key.weight.grad.any()
    assert not made.attention.value.weight.grad.any()


@pytest.mark.parametrize("gate", ["scalar", "vector"])
@pytest.mark.parametrize("qk_norm", [False, True])
def test_it_is_that_of_idefics(gate: str, qk_norm: bool):
    from transformers.models.idefics.modeling_idefics import IdeficsGatedCrossAttentionLayer

    config = transformers.IdeficsConfig(
        hidden_size=16, intermediate_size=40, num_attention_heads=2, vision_config={"embed_dim": 12}, qk_layer_norms=qk_norm,
        alpha_type={"scalar": "float"}.get(gate, gate), rms_norm_eps=1e-6,
    )  # fmt: skip
    config._attn_implementation = "eager"
    theirs = IdeficsGatedCrossAttentionLayer(config, layer_idx=0).eval()
    with torch.no_grad():
        for weight in theirs.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    ours = idefics.gated(theirs)
    rows, length, count, patches = 2, 7, 3, 5
    x, images = torch.randn(rows, length, 16), torch.randn(rows, count, patches, 12)
    place_n = torch.tensor([[1, 3, 4], [0, 2, 6]])
    row_t = torch.arange(rows).repeat_interleave(length)
    visible = seen(row_t, torch.arange(length).repeat(rows), torch.arange(rows).repeat_interleave(count), place_n.flatten())
    wanted = theirs(
        x, image_hidden_states=images.flatten(1, 2),
        image_attention_mask=bias(torch.stack([visible.view(rows, length, rows, count)[i, :, i] for i in range(rows)]), patches),
        cross_attention_gate=visible.any(1).view(rows, length).float(),
    )  # fmt: skip
    found = ours(x.flatten(0, 1), images.flatten(0, 1), visible).view_as(x)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


def bias(visible_bln: torch.Tensor, patches: int) -> torch.Tensor:
    """The mask as Idefics takes it: very negative where nothing is seen."""
    hidden = ~visible_bln.repeat_interleave(patches, 2)[:, None]
    return torch.zeros(hidden.shape).masked_fill(hidden, torch.finfo(torch.float32).min)


@pytest.fixture
def language() -> transformers.LlamaForCausalLM:
    config = transformers.LlamaConfig(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=64,
    )
    return transformers.LlamaForCausalLM(config).eval().requires_grad_(False)


def test_a_language_model_says_what_it_said_while_gates_are_closed(language: transformers.LlamaForCausalLM):
    made, ids, images = CrossBlocks(3, SETTINGS), torch.randint(50, (2, 6)), torch.randn(2, 5, 12)
    assert len(made.blocks) == 2
    visible = seen(torch.arange(2).repeat_interleave(6), torch.arange(6).repeat(2), torch.arange(2), torch.tensor([2, 0]))
    plain = language(input_ids=ids).logits
    with made.looking(language.model.layers, images, visible):
        torch.testing.assert_close(language(input_ids=ids).logits, plain)
    for made_block in made.blocks:
        made_block.attention_gate.data.fill_(1)
    with made.looking(language.model.layers, images, visible):
        looking = language(input_ids=ids).logits
    differs = (looking - plain).abs().amax(2) > 1e-6
    assert differs.tolist() == [[False, False, True, True, True, True], [True] * 6]
    torch.testing.assert_close(language(input_ids=ids).logits, plain)


def test_gradients_reach_the_blocks_through_a_frozen_model_on_a_packed_batch(language: transformers.LlamaForCausalLM):
    made, backbone = CrossBlocks(3, SETTINGS), HubBackbone(language)
    ids, images = torch.randint(50, (13,)), torch.randn(3, 5, 12)
    index = torch.cat([torch.arange(n) for n in (6, 3, 4)])
    with made.looking(backbone.inner.layers, images, seen(DOCUMENT_T, PLACE_T, DOCUMENT_N, PLACE_N)):
        states = backbone(
            backbone.embed(ids), Layout((6, 3, 4), None, (False,) * 3), torch.zeros(13), index, index[:, None].expand(-1, 3)
        )
    backbone.logits(states).square().sum().backward()
    assert all(b.attention_gate.grad.any() and b.feed_gate.grad.any() for b in made.blocks)
    assert all(weight.grad is None for weight in language.parameters())


def test_a_retrieval_head_learns_which_image_is_meant():
    made = RetrievalHead(RetrievalSettings(width=16, channels=12, joint=8, tokens=2))
    states, images = torch.randn(20, 2, 16), torch.randn(20, 12)
    optimizer = torch.optim.AdamW(made.parameters(), 1e-2)
    first = float(made(states, images).detach())
    for _ in range(100):
        loss = made(states, images)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = (made.queries(states) @ made.images(images).T).argmax(1)
    assert float(loss.detach()) < first / 10
    assert found.tolist() == list(range(20))


def test_pairs_of_a_concept_are_no_negatives_of_each_other():
    made = RetrievalHead(RetrievalSettings(width=16, channels=12))
    states, images = torch.randn(1, 1, 16).repeat(4, 1, 1), torch.randn(1, 12).repeat(4, 1)
    assert float(made(states, images, torch.zeros(4)).detach()) == pytest.approx(0, abs=1e-5)
    assert float(made(states, images).detach()) == pytest.approx(4 * torch.tensor(4.0).log().item(), rel=1e-4)


def test_without_pairs_the_retrieval_loss_is_zero():
    made = RetrievalHead(RetrievalSettings(width=16, channels=12))
    loss = made(torch.zeros(0, 1, 16), torch.zeros(0, 12))
    loss.backward()
    assert loss == 0
    assert all(weight.grad is not None and not weight.grad.any() for weight in made.parameters())


@pytest.mark.parametrize("depth", [0, 2])
def test_a_mapper_learns_what_a_generator_is_told(depth: int):
    made = Mapper(MapperSettings(16, 8, queries=3, inside=32, depth=depth, heads=2, hidden=64, tokens=4))
    states, text = torch.randn(10, 4, 16), torch.randn(10, 3, 8)
    optimizer = torch.optim.AdamW(made.parameters(), 3e-3)
    first = made.distance(states, text).detach()
    for _ in range(150):
        loss = made.distance(states, text)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert made(states).shape == (10, 3, 8)
    assert loss.detach() < first / 10


@pytest.mark.parametrize("depth", [0, 2])
def test_without_texts_a_mapper_tells_nothing(depth: int):
    made = Mapper(MapperSettings(16, 8, inside=32, depth=depth, heads=2, hidden=64))
    loss = made.distance(torch.zeros(0, 4, 16), torch.zeros(0, 1, 8))
    loss.backward()
    assert loss == 0
    assert all(weight.grad is not None and not weight.grad.any() for weight in made.parameters())
