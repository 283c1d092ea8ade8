"""Backbones on flat batches: the same as one sequence at a time, with a cache or without, limner's own and those of
transformers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from limner.errors import LimnerError  # noqa: E402
from limner.models.attention import Layout, attend  # noqa: E402
from limner.models.backbone import HubBackbone, positions  # noqa: E402
from limner.models.decoder import Decoder, DecoderSettings  # noqa: E402
from limner.models.positions import Rotary  # noqa: E402
from limner.models.sequence import CONTINUOUS, IMAGE, Packed, Piece, Sequence, collate, words  # noqa: E402

SMALL = DecoderSettings(width=32, layers=2, heads=4, key_heads=2, hidden=48)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def picture(rows: int, columns: int) -> Piece:
    return Piece(np.full(rows * columns, CONTINUOUS), IMAGE, 1.0, rows, columns, True)


def three() -> list[Sequence]:
    return [
        Sequence((words(range(5)), picture(2, 2), words(range(3)))),
        Sequence((words(range(7)),)),
        Sequence((picture(1, 3), words(range(2)), picture(2, 2))),
    ]


def run(model: Any, batch: Packed, x: Any) -> Any:
    with torch.no_grad():
        return model(x, Layout.of(batch), batch.modality_T, batch.index_T, batch.places_T3)


@pytest.mark.parametrize(
    "settings",
    [SMALL, replace(SMALL, copies=2), replace(SMALL, rotary=Rotary("interleaved")), replace(SMALL, rotary=Rotary("sections"))],
)
def test_packed_sequences_are_as_each_by_itself(settings: DecoderSettings):
    model = Decoder(settings).eval()
    batch = collate(three())
    x = torch.randn(len(batch), 32)
    together = run(model, batch, x)
    for i, (sequence, part) in enumerate(zip(three(), x.split(batch.lengths), strict=True)):
        alone = run(model, collate([sequence]), part)
        assert torch.allclose(together.split(batch.lengths)[i], alone, atol=1e-5)


def test_a_state_says_nothing_of_later_tokens_but_those_of_its_image():
    model = Decoder(SMALL).eval()
    batch = collate(three()[:1])
    x = torch.randn(len(batch), 32)
    base = run(model, batch, x)

    def changed(at: int) -> list[int]:
        y = x.clone()
        y[at] += 1
        return [t for t in range(len(batch)) if not torch.allclose(run(model, batch, y)[t], base[t], atol=1e-6)]

    assert changed(3) == list(range(3, 12))
    assert changed(7) == list(range(5, 12))  # the image is 5 to 8
    assert changed(9) == list(range(9, 12))


def stepped(model: Any, sequences: list[Sequence], steps: list[tuple[int, ...]], x: Any) -> list[Any]:
    """Sequences run in stretches with a cache; `steps` are how many tokens of each come next."""
    batch = collate(sequences)
    parts = [list(torch.split(t, batch.lengths)) for t in (x, batch.modality_T, batch.places_T3, batch.block_T)]
    cache = model.cache(len(sequences))
    out: list[list[Any]] = [[] for _ in sequences]
    at = [0] * len(sequences)
    for step in steps:
        rows = [i for i, n in enumerate(step) if n]
        new = [torch.cat([p[i][at[i] : at[i] + step[i]] for i in rows]) for p in parts]
        lengths = tuple(step[i] for i in rows)
        cache.room(max(at[i] + step[i] for i in rows))
        together = tuple(bool((b >= 0).any()) for b in new[3].split(lengths))
        layout = Layout(lengths, new[3] if any(together) else None, together, cache, tuple(rows))
        with torch.no_grad():
            states = model(new[0], layout, new[1], positions(layout, x.device), new[2])
        for i, s in zip(rows, states.split(lengths), strict=True):
            out[i].append(s)
            at[i] += len(s)
            cache.lengths[i] = at[i]
    return [torch.cat(s) for s in out]


@pytest.mark.parametrize("settings", [SMALL, replace(SMALL, copies=2, rotary=Rotary("interleaved"))])
def test_with_a_cache_as_without(settings: DecoderSettings):
    model = Decoder(settings).eval()
    batch = collate(three())
    x = torch.randn(len(batch), 32)
    whole = run(model, batch, x).split(batch.lengths)
    steps = [(5, 3, 0), (4, 1, 3), (1, 1, 1), (1, 1, 1), (1, 1, 4)]
    for a, b in zip(whole, stepped(model, three(), steps, x), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def hub(kind: str) -> Any:
    common = {
        "vocab_size": 99,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    config = transformers.AutoConfig.for_model(kind, **common, **({"head_dim": 8} if kind in ("qwen3", "gemma") else {}))
    return transformers.AutoModelForCausalLM.from_config(config).eval()


@pytest.mark.parametrize("kind", ["llama", "qwen2", "qwen3", "gemma", "mistral", "olmo2"])
def test_a_model_of_transformers_packed_and_stepped_is_as_transformers_runs_it(kind: str):
    model = hub(kind)
    ids = [torch.randint(0, 99, (n,)) for n in (7, 11)]
    with torch.no_grad():
        true = [model(i[None]).logits[0] for i in ids]
        backbone = HubBackbone(model)
        sequences = [Sequence((words(i.tolist()),)) for i in ids]
        batch = collate(sequences)
        x = backbone.embed(batch.ids_T)
        packed = backbone.logits(run(backbone, batch, x)).split(batch.lengths)
        some = stepped(backbone, sequences, [(5, 9), (1, 1), (1, 1)], x)
    for a, b, c in zip(true, packed, some, strict=True):
        assert torch.allclose(a, b, atol=1e-4)
        assert torch.allclose(a, backbone.logits(c), atol=1e-4)


def test_a_model_that_looks_at_a_window_is_refused_beyond_it():
    config = transformers.AutoConfig.for_model(
        "mistral", vocab_size=99, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4, num_key_value_heads=2,
        sliding_window=6,
    )  # fmt: skip
    backbone = HubBackbone(transformers.AutoModelForCausalLM.from_config(config).eval())
    batch = collate([Sequence((words(range(7)),))])
    with pytest.raises(LimnerError, match="window of 6 tokens"):
        run(backbone, batch, backbone.embed(batch.ids_T))


def test_low_rank_changes_are_all_that_is_trained():
    pytest.importorskip("peft")
    backbone = HubBackbone(hub("llama"))
    backbone.lora(2)
    names = [n for n, p in backbone.named_parameters() if p.requires_grad]
    assert names
    assert all("lora_" in n for n in names)
    batch = collate([Sequence((words(range(7)),))])
    backbone(backbone.embed(batch.ids_T), Layout.of(batch), batch.modality_T, batch.index_T, batch.places_T3).sum().backward()
    assert all(p.grad is not None for p in backbone.parameters() if p.requires_grad)


def test_no_tokens_at_all():
    empty = torch.zeros(0, 4, 8)
    assert attend(empty, empty, empty, Layout(())).shape == (0, 4, 8)
