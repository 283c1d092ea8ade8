"""The port of extractors."""

from __future__ import annotations

from pathlib import Path

import pytest

from limner.document import document_id
from limner.errors import ExpertError
from limner.experts.extractor import Page, extractor

PAGE = Page(
    b"<html><head><title>Cats</title></head><body><nav><a href=/>Home</a></nav><article><h1>Cats</h1>"
    + b"<p>Cats purr when they are content, and also when they are not, which nobody quite understands yet.</p>" * 6
    + b"<img src=/cat.png alt='A cat'></article></body></html>",
    url="https://cats.example/a",
    name="a.html",
)


@pytest.mark.parametrize("address", ["bundled:lexbor", "trafilatura"])
def test_extractors_give_documents_in_order(address: str) -> None:
    if address == "trafilatura":
        pytest.importorskip("trafilatura")
    first, second = extractor(address).extract([PAGE, Page(b"", name="empty.html")])
    assert (first.id, second.id) == (document_id("a.html"), document_id("empty.html"))
    assert "Cats purr when" in first.text
    assert "Home" not in first.text
    assert len(second) == 0


@pytest.mark.parametrize("address", ["bundled:none", "nothing", "trafilatura:guess"])
def test_an_unknown_address_says_what_to_write(address: str) -> None:
    with pytest.raises(ExpertError, match="write"):
        extractor(address)


def test_a_language_model_labels_the_blocks(tmp_path: Path) -> None:
    """A tiny random model: what it answers means nothing, but the whole path runs, and repeats itself."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {token: i for i, token in enumerate(["<pad>", "</s>", "<unk>", "main", "other", *"0123456789"])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="</s>", pad_token="<pad>", unk_token="<unk>")
    tokenizer.save_pretrained(tmp_path)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    expert = extractor(f"hf:{tmp_path}")
    (first,), (second,) = expert.extract([PAGE]), expert.extract([PAGE])
    assert first == second
    assert first.title == "Cats"
