"""The decoder's own gradients are autograd's, and a packed batch teaches what transformers' own model learns from the same sequences."""

from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from limner.models.backbone import HubBackbone  # noqa: E402
from limner.models.interleaved import Interleaved, Marks  # noqa: E402
from limner.models.norm import Norm  # noqa: E402
from limner.models.positions import Rotary, rotated  # noqa: E402
from limner.models.sequence import Sequence, collate, words  # noqa: E402


def gradients(outcome: Any, *of: Any) -> list[Any]:
    torch.manual_seed(1)
    return list(torch.autograd.grad(outcome, of, torch.randn_like(outcome)))


@pytest.mark.parametrize("shape", [(7, 12), (5, 3, 12), (0, 12)])
def test_the_norm_is_that_of_torch_and_so_are_its_gradients(shape: tuple[int, ...]):
    torch.manual_seed(0)
    norm, x = Norm(12), torch.randn(shape, requires_grad=True)
    torch.nn.init.uniform_(norm.weight, 0.5, 2)
    plain = torch.nn.functional.rms_norm(x, (12,), norm.weight, norm.eps)
    assert torch.allclose(norm(x), plain, atol=1e-6)
    for own, other in zip(gradients(norm(x), x, norm.weight), gradients(plain, x, norm.weight), strict=True):
        assert torch.allclose(own, other, atol=1e-5)


def test_heads_turn_as_complex_numbers_and_gradients_turn_back():
    torch.manual_seed(0)
    x = torch.randn(9, 2, 8, requires_grad=True)
    cos, sin = Rotary().angles(torch.arange(9), torch.zeros(9, 3), 8)
    turned = torch.complex(x[..., :4], x[..., 4:]) * torch.complex(cos, sin)[:, None]
    plain = torch.cat([turned.real, turned.imag], -1)
    assert torch.allclose(rotated(x, cos, sin), plain, atol=1e-6)
    (own,), (other,) = gradients(rotated(x, cos, sin), x), gradients(plain, x)
    assert torch.allclose(own, other, atol=1e-6)


@pytest.mark.parametrize("lengths", [(5, 9, 6), (300, 7)])
def test_a_packed_batch_has_the_gradients_of_its_sequences_in_transformers(lengths: tuple[int, ...]):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=50, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    peer = transformers.LlamaForCausalLM(config)
    own = Interleaved(HubBackbone(transformers.LlamaForCausalLM(config)), None, Marks(0, 1, -1))
    own.backbone.model.load_state_dict(peer.state_dict())  # type: ignore[union-attr]
    ids = [torch.randint(2, 50, (n,)) for n in lengths]
    own(collate([Sequence((words(i.tolist()),)) for i in ids]))["words"].backward()
    for i in ids:
        (peer(i[None], labels=i[None]).loss * (len(i) - 1)).backward()
    for a, b in zip(own.backbone.model.parameters(), peer.parameters(), strict=True):  # type: ignore[union-attr]
        assert torch.allclose(a.grad, b.grad, rtol=1e-3, atol=2e-3)
