"""Tiny random checkpoints of models that read and write images, in the layout of Hugging Face transformers, made by the tests that load them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

WORDS = "the crop tool removes the outer parts of an image"
CHAT = (
    "{% for m in messages %}<{{ m.role }}> {% for c in m.content %}{% if c.type == 'image' %}IMAGE{% else %}{{ c.text }}{% endif %}"
    "{% endfor %} {% endfor %}{% if add_generation_prompt %}<assistant> {% endif %}"
)


def picture(seed: int, size: tuple[int, int] = (24, 24)) -> bytes:
    """A PNG of coloured noise."""
    import numpy as np

    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    with io.BytesIO() as out:
        Image.fromarray(pixels).save(out, "PNG")
        return out.getvalue()


def tokenizer(special: Sequence[str], named: Mapping[str, str] | None = None, **settings: Any) -> Any:
    """A tokenizer of bytes and a few words, with marks of its own; `named` are those it knows under a name."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=290 + len(special), special_tokens=["<pad>", "<end>", "<start>", *special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )  # fmt: skip
    made.train_from_iterator([WORDS] * 4, trainer)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<end>", bos_token="<start>", model_max_length=512,
        extra_special_tokens=dict(named or {}), **settings,
    )  # fmt: skip


def text(vocabulary: int, **settings: Any) -> dict[str, Any]:
    """Settings of a decoder of one layer."""
    return {
        "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4,
        "num_key_value_heads": 4, "max_position_embeddings": 512, "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2, **settings,
    }  # fmt: skip


def saved(folder: Path, kind: str, config: Any, processor: Any, seed: int = 0, spread: float = 0.3) -> Path:
    """A random model of that class in `folder`, with weights large enough that its answers are not all one token."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(seed)
    model = getattr(transformers, kind)(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2 and "vqmodel" not in name:
                weight.normal_(0, spread)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def idefics3(folder: Path, kind: str = "Idefics3") -> Path:
    """Idefics3, or SmolVLM, which has its layout."""
    transformers = pytest.importorskip("transformers")
    from limner.experts.language_vision import still

    marks = ["<image>", "<fake_token_around_image>", "<end_of_utterance>", "<global-img>"]
    words = tokenizer(marks, {"image_token": "<image>"})
    number = words.convert_tokens_to_ids
    config = getattr(transformers, f"{kind}Config")(
        vision_config={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16,
                       "patch_size": 4},
        text_config=transformers.LlamaConfig(**text(len(words))), scale_factor=2, image_token_id=number("<image>"), pad_token_id=0,
    )  # fmt: skip
    pixels = getattr(transformers, f"{kind}ImageProcessorPil")(
        size={"longest_edge": 16}, max_image_size={"longest_edge": 16}, do_image_splitting=False
    )
    made, parts = getattr(transformers, f"{kind}Processor"), (pixels, words)
    if kind == "SmolVLM":
        made, parts = still(made), (pixels, words, None)
    processor = made(*parts, image_seq_len=4, chat_template=CHAT.replace("IMAGE", "<image>"))
    return saved(folder, f"{kind}ForConditionalGeneration", config, processor)


def smolvlm(folder: Path) -> Path:
    """SmolVLM."""
    return idefics3(folder, "SmolVLM")


def idefics2(folder: Path) -> Path:
    """Idefics2."""
    transformers = pytest.importorskip("transformers")
    words = tokenizer(["<image>", "<fake_token_around_image>", "<end_of_utterance>"])
    config = transformers.Idefics2Config(
        vision_config={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16,
                       "patch_size": 4},
        perceiver_config={"hidden_size": 32, "resampler_n_latents": 3, "resampler_depth": 1, "resampler_n_heads": 2,
                          "resampler_head_dim": 8, "num_key_value_heads": 2},
        text_config=transformers.MistralConfig(**text(len(words))), image_token_id=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    pixels = transformers.Idefics2ImageProcessorPil(size={"shortest_edge": 8, "longest_edge": 16}, do_image_splitting=False)
    processor = transformers.Idefics2Processor(pixels, words, image_seq_len=3, chat_template=CHAT.replace("IMAGE", "<image>"))
    return saved(folder, "Idefics2ForConditionalGeneration", config, processor)


def qwen2(folder: Path, kind: str = "Qwen2VL") -> Path:
    """Qwen2-VL, or 2.5."""
    transformers = pytest.importorskip("transformers")
    from limner.experts.language_vision import still

    words = tokenizer(["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"])
    number = words.convert_tokens_to_ids
    vision = {"depth": 1, "hidden_size": 32, "num_heads": 2, "patch_size": 4, "spatial_merge_size": 2, "temporal_patch_size": 2}
    vision |= (
        {"embed_dim": 16}
        if kind == "Qwen2VL"
        else {"hidden_size": 16, "out_hidden_size": 32, "intermediate_size": 16, "window_size": 16, "fullatt_block_indexes": [0]}
    )
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0}
    config = getattr(transformers, "Qwen2VLConfig" if kind == "Qwen2VL" else "Qwen2_5_VLConfig")(
        vision_config=vision, text_config=text(len(words), rope_parameters=rope), image_token_id=number("<|image_pad|>"),
        video_token_id=number("<|video_pad|>"), vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    pixels = transformers.Qwen2VLImageProcessorPil(
        patch_size=4, merge_size=2, temporal_patch_size=2, size={"shortest_edge": 8 * 8, "longest_edge": 24 * 24}
    )
    chat = CHAT.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    made = transformers.Qwen2VLProcessor if kind == "Qwen2VL" else transformers.Qwen2_5_VLProcessor
    processor = still(made)(pixels, words, chat_template=chat)
    return saved(
        folder,
        "Qwen2VLForConditionalGeneration" if kind == "Qwen2VL" else "Qwen2_5_VLForConditionalGeneration",
        config,
        processor,
    )


def qwen2_5(folder: Path) -> Path:
    """Qwen2.5-VL."""
    return qwen2(folder, "Qwen2_5VL")


def llava(folder: Path) -> Path:
    """LLaVA."""
    transformers = pytest.importorskip("transformers")
    words = tokenizer(["<image>"], {"image_token": "<image>"})
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(
            hidden_size=16, intermediate_size=16, projection_dim=16, num_hidden_layers=1, num_attention_heads=2, image_size=16, patch_size=8
        ),
        text_config=transformers.LlamaConfig(**text(len(words))), image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_layer=-1,
    )  # fmt: skip
    pixels = transformers.CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    processor = transformers.LlavaProcessor(
        pixels, words, patch_size=8, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=CHAT.replace("IMAGE", "<image>"),
    )  # fmt: skip
    return saved(folder, "LlavaForConditionalGeneration", config, processor)


def eager(model: Any, begin: int) -> None:
    """Let a model begin an image whenever it may: a number that all states share, and that only this token asks for."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        model.get_input_embeddings().weight[:, 0] = 30
        model.lm_head.weight[:, 0] = 0
        model.lm_head.weight[begin] = 0
        model.lm_head.weight[begin, 0] = 30


def chameleon(folder: Path, decoder: bool = True, ready: bool = False, context: int = 512) -> Path:
    """Chameleon, with its decoder of images as Anole's checkpoints have it, or without as Meta's; images of 16 codes, 4 by 4. `ready`: it begins
    an image whenever it may."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    from limner.experts.image_blocks import chameleon as with_decoder

    codes = ["IMGIMG" + "".join("ABCDEFGHIJ"[int(digit)] for digit in str(code)) + "Z" for code in range(8)]
    marks = {"image_token": "<image>", "boi_token": "<racm3:break>", "eoi_token": "<eoss>"}
    words = tokenizer([*marks.values(), "<sep>", *codes], marks, sep_token="<sep>")
    config = transformers.ChameleonConfig(
        **text(len(words), max_position_embeddings=context), vocabulary_map=words.get_vocab(),
        vq_config={"resolution": 8, "base_channels": 32, "channel_multiplier": [1, 1], "num_res_blocks": 1, "embed_dim": 4,
                   "latent_channels": 4, "num_embeddings": 8, "attn_type": "none"},
    )  # fmt: skip
    pixels = transformers.ChameleonImageProcessorPil(
        size={"shortest_edge": 8},
        crop_size={"height": 8, "width": 8},
        image_mean=[1.0] * 3,
        image_std=[1.0] * 3,
        rescale_factor=0.0078,
    )
    processor = transformers.ChameleonProcessor(pixels, words, image_seq_length=16)
    torch.manual_seed(1)
    kind = with_decoder(transformers) if decoder else transformers.ChameleonForConditionalGeneration
    model = kind(config)
    _spread(model)
    if ready:
        eager(model, words.convert_tokens_to_ids("<racm3:break>"))
    model.save_pretrained(folder)
    config.architectures = ["ChameleonForConditionalGeneration"]
    config.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def janus(folder: Path) -> Path:
    """Janus; images of 16 codes, 4 by 4."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    marks = {"image_token": "<image_placeholder>", "boi_token": "<begin_of_image>", "eoi_token": "<end_of_image>"}
    words = tokenizer([*marks.values()], marks)
    config = transformers.JanusConfig(
        text_config=transformers.LlamaConfig(**text(len(words))),
        vision_config={"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 16, "patch_size": 4,
                       "projection_dim": 32, "num_image_tokens": 16, "depth": 1, "mlp_ratio": 1.0},
        vq_config={"embed_dim": 4, "num_embeddings": 8, "latent_channels": 4, "base_channels": 32, "channel_multiplier": [1, 1],
                   "num_res_blocks": 1, "projection_dim": 32, "image_token_embed_dim": 32, "num_hidden_layers": 1},
        image_token_id=words.convert_tokens_to_ids("<image_placeholder>"),
    )  # fmt: skip
    pixels = transformers.JanusImageProcessorPil(
        size={"height": 16, "width": 16}, min_size=4, image_mean=[0.5] * 3, image_std=[0.5] * 3
    )
    processor = transformers.JanusProcessor(
        pixels, words, num_image_tokens=16, chat_template=CHAT.replace("IMAGE", "<image_placeholder>")
    )
    torch.manual_seed(2)
    model = transformers.JanusForConditionalGeneration(config)
    _spread(model)
    model.generation_config.update(bos_token_id=2, pad_token_id=0, eos_token_id=1)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def emu3(folder: Path) -> Path:
    """Emu3; it reads and writes images of up to 16 by 16 pixels, 2 by 2 codes."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    codes = [f"<|visual token {code:06d}|>" for code in range(8)]
    marks = {
        "image_token": "<image>", "boi_token": "<|image start|>", "eoi_token": "<|image end|>", "image_wrapper_token": "<|image token|>",
        "eof_token": "<|extra_201|>",
    }  # fmt: skip
    words = tokenizer([*marks.values(), "<|extra_200|>", *codes], marks)
    config = transformers.Emu3Config(
        text_config=text(len(words), rope_parameters={"rope_type": "default", "rope_theta": 10_000.0}),
        vq_config={"codebook_size": 8, "embed_dim": 4, "latent_channels": 4, "base_channels": 32, "channel_multiplier": [1, 1, 1, 1],
                   "num_res_blocks": 1, "attn_resolutions": [], "hidden_size": 32, "temporal_downsample_factor": 1},
        vocabulary_map=words.get_vocab(),
    )  # fmt: skip
    pixels = transformers.Emu3ImageProcessor(min_pixels=64, max_pixels=256, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    processor = transformers.Emu3Processor(pixels, words, chat_template=CHAT.replace("IMAGE", "<image>"))
    torch.manual_seed(3)
    model = transformers.Emu3ForConditionalGeneration(config)
    _spread(model)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _spread(model: Any) -> None:
    """Weights large enough that answers are not all one token, and codes as near to each other as what an encoder without training says."""
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim == 2:
                weight.normal_(0, 0.05 if "quantize" in name else 0.3)
