"""limner's decoder as a causal language model of transformers: the same weights under other names.

With norms on queries and keys it is a Qwen3 (Yang et al. 2025, arXiv 2505.09388, section 2), without them a Llama. Images are codes in the
vocabulary of words, so that a sequence is token ids and nothing else.
"""

from __future__ import annotations

from typing import Any, cast

from torch import Tensor

from limner.experts.device import transformers_for
from limner.models.decoder import Decoder, Layer
from limner.models.heads.codes import CodesHead
from limner.models.interleaved import Interleaved


def differences(model: Interleaved) -> list[str]:
    """What of a model no causal language model of transformers has; nothing where `as_hub` makes one of it."""
    backbone, image = model.backbone, model.image
    if not isinstance(backbone, Decoder):
        return [f"its backbone is a {type(backbone).__name__}"]
    s = backbone.settings
    found: list[str] = []
    if s.copies > 1:
        found.append(f"it has {s.copies} sets of weights, one for each modality (made.decoder.copies=1 trains one with one)")
    if s.rotary.kind != "1d":
        found.append(f"its positions are those of images too, '{s.rotary.kind}' (made.decoder.rotary.kind=1d trains one without)")
    if image is not None and not isinstance(image, CodesHead):
        found.append(f"it writes images by a head of its own, {type(image).__name__} (the method `codes` writes them as tokens)")
    return found


def as_hub(model: Interleaved, ending: int, starting: int) -> Any:
    """The model as a `Qwen3ForCausalLM` or `LlamaForCausalLM`; `starting` and `ending` are its marks. It has no `differences`."""
    transformers = transformers_for("models in the layout of transformers")
    backbone, words = cast("Decoder", model.backbone), model.words
    assert words is not None
    s = backbone.settings
    config: dict[str, Any] = {
        "vocab_size": words.num_embeddings, "hidden_size": s.width, "intermediate_size": s.hidden, "num_hidden_layers": s.layers,
        "num_attention_heads": s.heads, "num_key_value_heads": s.key_heads, "head_dim": s.width // s.heads, "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": s.rotary.base}, "tie_word_embeddings": model.head is None,
        "bos_token_id": starting, "eos_token_id": ending, "pad_token_id": ending, "dtype": words.weight.dtype,
    }  # fmt: skip
    name = "Qwen3" if s.normed else "Llama"
    made = getattr(transformers, f"{name}ForCausalLM")(getattr(transformers, f"{name}Config")(**config))
    made.to(words.weight.dtype).load_state_dict(_renamed(model))
    return made.eval()


def _renamed(model: Interleaved) -> dict[str, Tensor]:
    backbone, words = cast("Decoder", model.backbone), model.words
    assert words is not None
    found: dict[str, Tensor] = {
        "model.embed_tokens.weight": words.weight, "model.norm.weight": _only(backbone.norm).weight,
        "lm_head.weight": words.weight if model.head is None else model.head.weight,
    }  # fmt: skip
    for at, held in enumerate(backbone.layers):
        layer = cast("Layer", held)
        sizes = [n * layer.head for n in (layer.heads, layer.key_heads, layer.key_heads)]
        q, k, v = _only(layer.qkv).weight.split(sizes)
        feed = _only(layer.feed)
        gate, up = feed.up.weight.chunk(2)
        own = {
            "input_layernorm": _only(layer.before).weight, "post_attention_layernorm": _only(layer.between).weight,
            "self_attn.q_proj": q, "self_attn.k_proj": k, "self_attn.v_proj": v, "self_attn.o_proj": _only(layer.out).out.weight,
            "mlp.gate_proj": gate, "mlp.up_proj": up, "mlp.down_proj": feed.down.weight,
        }  # fmt: skip
        if backbone.settings.normed:
            own |= {"self_attn.q_norm": cast("Any", layer.q_norm).weight, "self_attn.k_norm": cast("Any", layer.k_norm).weight}
        found |= {f"model.layers.{at}.{name}.weight": weight for name, weight in own.items()}
    return {name: weight.detach() for name, weight in found.items()}


def _only(routed: Any) -> Any:
    """The layer of a `Routed` that has one copy."""
    return routed.copies[0]
