"""Tiny checkpoints in the layout of Hugging Face transformers, made by the tests that load them."""

from __future__ import annotations

from pathlib import Path

import pytest

CHAT = "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}{% if add_generation_prompt %}<assistant> {% endif %}"


def tokenizer(folder: Path, words: str = "", context: int = 256) -> int:
    """A tokenizer of bytes (and of `words`) in `folder`; returns how many tokens it has."""
    transformers = pytest.importorskip("transformers")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<pad>", "<end>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    made.train_from_iterator([words] * 4, trainer)
    wrapped = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<end>", model_max_length=context
    )
    wrapped.chat_template = CHAT
    wrapped.save_pretrained(folder)
    return len(wrapped)


def llama(folder: Path, seed: int = 0, context: int = 256) -> Path:
    """A random Llama of two layers with its tokenizer."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    size = tokenizer(folder, "the crop tool removes the outer parts of an image", context)
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=context, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder
