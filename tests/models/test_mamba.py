"""Mamba: the scan is the recurrence, a row sees no other, layers are transformers' on its weights, a token at a time is the whole."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from torch import Tensor

from limner.errors import LimnerError
from limner.models.attention import Layout
from limner.models.decoding import Control, write
from limner.models.heads.flow import FlowHead, FlowSettings
from limner.models.interleaved import Interleaved, Marks
from limner.models.mamba import PROJECTIONS, Mamba, MambaSettings
from limner.models.routed import Route
from limner.models.sampling_text import Draw
from limner.models.selective_scan import LONG, continued, selective_scan
from limner.models.sequence import IMAGE, TEXT, Sequence, collate, words

torch.set_num_threads(1)


def recurrence(d: Tensor, u: Tensor, a: Tensor, b: Tensor, c: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The definition, token by token."""
    h = torch.zeros_like(a) if state is None else state
    out = []
    for t in range(len(d)):
        h = (d[t][:, None] * a).exp() * h + u[t][:, None] * b[t]
        out.append(h @ c[t])
    return torch.stack(out), h


def drawn(tokens: int, channels: int = 5, states: int = 3, kind: torch.dtype = torch.float64) -> list[Tensor]:
    torch.manual_seed(tokens)
    d = torch.rand(tokens, channels, dtype=kind)
    u, b, c = (torch.randn(tokens, n, dtype=kind) for n in (channels, states, states))
    return [x.requires_grad_() for x in (d, u, -torch.rand(channels, states, dtype=kind).detach(), b, c)]


@pytest.mark.parametrize("tokens", [1, 2, 7, 64, 201])
def test_the_scan_is_the_recurrence_and_so_are_its_gradients(tokens: int):
    given = drawn(tokens)
    found, wanted = selective_scan(*given), recurrence(*given)[0]
    assert torch.allclose(found, wanted, atol=1e-12)
    weight = torch.randn_like(found)
    for one, other in zip(torch.autograd.grad(found, given, weight), torch.autograd.grad(wanted, given, weight), strict=True):
        assert torch.allclose(one, other, atol=1e-10)


def test_a_long_step_forgets_and_leaves_gradients_finite():
    d, u, a, b, c = drawn(40, kind=torch.float32)
    start = torch.zeros(40, 1, dtype=torch.bool)
    start[[0, 13]] = True
    whole = selective_scan(d.masked_fill(start, LONG), u, a, b, c)
    apart = [selective_scan(*(x[some] for x in (d, u)), a, *(x[some] for x in (b, c))) for some in (slice(0, 13), slice(13, 40))]
    assert torch.allclose(whole, torch.cat(apart), atol=1e-6)
    assert all(g.isfinite().all() for g in torch.autograd.grad(whole.sum(), [d, u, a, b, c]))


def test_no_tokens_have_no_outputs_and_gradients_of_zero():
    given = [x[:0].detach().requires_grad_() if i != 2 else x for i, x in enumerate(drawn(3))]
    found = selective_scan(*given)
    assert found.shape == (0, 5)
    assert torch.autograd.grad(found.sum(), given[2])[0].abs().sum() == 0


def test_a_scan_goes_on_from_a_state_and_leaves_one():
    d, u, a, b, c = drawn(90)
    state = torch.randn_like(a)
    y, left = continued(d, u, a, b, c, state)
    wanted, end = recurrence(d, u, a, b, c, state)
    assert torch.allclose(y, wanted, atol=1e-12)
    assert torch.allclose(left, end, atol=1e-12)


def model(**given: object) -> Mamba:
    torch.manual_seed(0)
    return Mamba(MambaSettings(**{"width": 24, "layers": 2, "state": 4, **given})).eval()  # type: ignore[arg-type]


def ran(of: Mamba, x_TD: Tensor, lengths: tuple[int, ...], modality_T: Tensor | None = None) -> Tensor:
    index = torch.cat([torch.arange(n) for n in lengths])
    return of(x_TD, Layout(lengths), torch.zeros_like(index) if modality_T is None else modality_T, index)


def test_rows_of_a_batch_do_not_see_each_other():
    mamba, x = model(), torch.randn(50, 24)
    together = ran(mamba, x, (20, 1, 29))
    apart = [ran(mamba, some, (len(some),)) for some in x.split((20, 1, 29))]
    assert torch.allclose(together, torch.cat(apart), atol=1e-5)


def hub(of: Mamba) -> object:
    transformers = pytest.importorskip("transformers")
    s = of.settings
    config = transformers.MambaConfig(
        hidden_size=s.width, num_hidden_layers=s.layers, state_size=s.state, conv_kernel=s.kernel, expand=s.expand,
        time_step_rank=s.ranks, layer_norm_epsilon=1e-5, vocab_size=8,
    )  # fmt: skip
    torch.manual_seed(1)
    theirs = transformers.MambaModel(config).eval()
    for weight in theirs.parameters():  # biases, decays and skips of a new model say little
        weight.data.add_(0.05 * torch.randn_like(weight))
    return theirs


@pytest.mark.parametrize("copies", [1, 2])
@torch.no_grad()
def test_it_is_transformers_mamba_on_the_same_weights(copies: int):
    mamba = model(copies=copies)
    theirs = hub(mamba)
    mamba.adopt(theirs)
    x = torch.randn(37, 24)
    found = ran(mamba, x, (37,), torch.randint(copies, (37,)))
    assert torch.allclose(found, theirs(inputs_embeds=x[None]).last_hidden_state[0], atol=1e-4)


@torch.no_grad()
def test_a_token_at_a_time_is_transformers_mamba_with_its_cache():
    mamba = model()
    theirs = hub(mamba)
    mamba.adopt(theirs)
    x = torch.randn(12, 24)
    out = theirs(inputs_embeds=x[None, :9], use_cache=True)
    cache = mamba.cache(1)
    index = torch.arange(12)
    zero = torch.zeros_like(index)
    mamba(x[:9], Layout((9,), cache=cache, rows=(0,)), zero[:9], index[:9])
    for t in range(9, 12):
        out = theirs(inputs_embeds=x[None, t : t + 1], cache_params=out.cache_params, use_cache=True)
        found = mamba(x[t : t + 1], Layout((1,), cache=cache, rows=(0,)), zero[:1], index[t : t + 1])
        assert torch.allclose(found, out.last_hidden_state[0], atol=1e-4)


def test_weights_of_another_shape_are_refused():
    with pytest.raises(LimnerError, match="does not fit"):
        model(state=5).adopt(hub(model()))
    with pytest.raises(LimnerError, match="no projection 'z'"):
        MambaSettings(apart=("z",))


@pytest.mark.parametrize("cuts", [(1,) * 15, (7, 1, 1, 6), (15,)])
@torch.no_grad()
def test_steps_of_any_length_with_a_cache_are_the_whole(cuts: tuple[int, ...]):
    mamba = model(copies=2)
    x, modality = torch.randn(2, 15, 24), torch.randint(2, (2, 15))
    wanted = ran(mamba, x.flatten(0, 1), (15, 15), modality.flatten()).view(2, 15, 24)
    cache = mamba.cache(2)
    at = 0
    for n in cuts:
        some = slice(at, at + n)
        index = torch.arange(at, at + n).repeat(2)
        found = mamba(x[:, some].flatten(0, 1), Layout((n, n), cache=cache, rows=(0, 1)), modality[:, some].flatten(), index)
        assert torch.allclose(found.view(2, n, 24), wanted[:, some], atol=1e-5)
        at += n


@torch.no_grad()
def test_what_is_only_tried_leaves_nothing_behind():
    mamba, x, zero = model(), torch.randn(8, 24), torch.zeros(8, dtype=torch.long)
    cache, index = mamba.cache(1), torch.arange(8)
    mamba(x[:5], Layout((5,), cache=cache, rows=(0,)), zero[:5], index[:5])
    tried = [
        mamba(x[5:], Layout((3,), cache=cache, rows=(0,), keep=False), zero[5:], index[5:]) for _ in range(2)
    ]  # fmt: skip
    assert torch.equal(*tried)
    assert torch.allclose(tried[0], ran(mamba, x, (8,))[5:], atol=1e-5)


@pytest.mark.parametrize("apart", [(), ("in",), ("x", "dt"), PROJECTIONS])
def test_tokens_of_a_modality_go_through_their_own_projections_only(apart: tuple[str, ...]):
    mamba = model(copies=2, apart=apart)
    mixer = mamba.mixers[0]
    assert [len(getattr(mixer, f"{name}_proj").copies) for name in PROJECTIONS] == [
        2 if name in apart else 1 for name in PROJECTIONS
    ]
    modality = torch.tensor([0, 1] * 10)
    x = torch.randn(20, 24)
    before = mixer(x, Layout((20,)), Route.of(modality, 2), torch.arange(20))
    with torch.no_grad():
        for name in apart:
            getattr(mixer, f"{name}_proj").copies[1].weight.zero_()
    after = mixer(x, Layout((20,)), Route.of(modality, 2), torch.arange(20))
    changed = (before - after).abs().amax(1) > 0
    assert not changed[0]
    assert changed[1::2].all() == bool(apart)


def test_every_weight_has_a_gradient_where_a_modality_is_missing():
    mamba = model(copies=2).train()
    ran(mamba, torch.randn(9, 24), (4, 5)).sum().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in mamba.parameters())
    assert mamba.mixers[0].in_proj.copies[1].weight.grad.abs().sum() == 0


def test_the_state_stays_exact_under_autocast():
    mamba, x = model(), torch.randn(64, 24)
    with torch.autocast("cpu", torch.bfloat16):
        rough = ran(mamba, x, (64,))
    assert (rough - ran(mamba, x, (64,))).abs().mean() < 0.02


class Grey:
    """Pictures that are their own vectors."""

    channels = 3

    def encoded(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.astype(np.float32)

    def decoded(self, vectors: np.ndarray) -> np.ndarray:
        return vectors


@torch.no_grad()
def test_it_writes_text_and_images_as_it_would_without_a_cache():
    """The words that two prompts are answered with, side by side and an image between them, are the likeliest after all that came before."""
    torch.manual_seed(3)
    head = FlowHead(FlowSettings(channels=3, state=24), Grey(), (2, 2))
    writer = Interleaved(model(copies=2), head, Marks(0, 1, 2), vocabulary=40).eval()
    torch.nn.init.normal_(writer.words.weight)
    torch.nn.init.normal_(head.layers.leave.weight)
    prompts = [Sequence((words(ids),)) for ids in ([5, 6, 7], [9, 8, 11, 30, 12])]
    control = Control(tokens=6, draw=Draw(temperature=0.0), least=1, most=1, at=(2,), steps=3)
    written = list(write(writer, prompts, control))
    for number, prompt in enumerate(prompts):
        said = [part.piece for part in written if part.sequence == number and part.piece is not None]
        assert [piece.modality for piece in said] == [TEXT, IMAGE, TEXT]
        context = [*prompt.pieces]
        for piece in said:
            if piece.modality == IMAGE:
                context += [words([2]), piece]
                continue
            for token in piece.ids.tolist():
                logits_W = writer.logits(writer.states(collate([Sequence(tuple(context))], channels=3))[-1])
                banned = [0, 2] if IMAGE in {p.modality for p in context} else [0, 1, 2]
                logits_W[banned] = -torch.inf
                assert int(logits_W.argmax()) == token
                context.append(words([token]))
