"""Rerankers: a tiny cross-encoder that has learned which texts have the question's word, and a language model's likelihoods."""

from __future__ import annotations

from pathlib import Path

import pytest

from experts.tiny import llama, tokenizer
from limner import Corpus
from limner.document import Document, Text
from limner.errors import ExpertError
from limner.experts.reranker import reranker
from limner.search import Search, Settings, index


def cross(folder: Path, classes: int = 1) -> Path:
    """A BERT of one layer that tells texts with a "z" from others."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    size = tokenizer(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=size, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, max_position_embeddings=256,
        num_labels=classes, pad_token_id=0,
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    words = transformers.AutoTokenizer.from_pretrained(folder)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    texts = ["abc zz def", "abc def", "ghi zz", "ghi jkl", "zz", "mno", "p zz q", "p q"]
    truth = torch.tensor([1, 0] * 4)
    for _ in range(150):
        inputs = words(["find"] * 8, texts, padding=True, return_tensors="pt")
        logits = model(**inputs).logits
        loss = (
            torch.nn.functional.binary_cross_entropy_with_logits(logits[:, 0], truth.float())
            if classes == 1
            else torch.nn.functional.cross_entropy(logits, truth)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("classes", [1, 2])
def test_a_cross_encoder_scores_in_the_order_given(tmp_path: Path, classes: int):
    made = reranker(f"hf:{cross(tmp_path, classes)}")
    scores = made.score("find", ["ghi jkl", "abc zz def", "abc def " * 100, "p zz q"])
    assert min(scores[1], scores[3]) > max(scores[0], scores[2])
    assert made.score("find", []) == []


def test_a_search_is_reranked_by_what_units_say(tmp_path: Path):
    texts = ("crop crop crop", "crop zz", "crop it")
    documents = [
        Document(f"{i:020x}", (Text(0, "Crop", "heading", 1), Text(1, text)), f"{i}.html") for i, text in enumerate(texts)
    ]
    corpus = Corpus.create(str(tmp_path / "corpus"))
    corpus.append(documents, {})
    index(corpus, Settings(text=""))
    search = Search.open(corpus)
    (plain, *_) = search.find("crop")
    (first, *rest) = search.find("crop", rerank=f"hf:{cross(tmp_path / 'model')}")
    assert search.text(plain) != search.text(first) == "Crop\ncrop zz"
    assert len(rest) == 2
    assert first.score == first.ways["rerank"] > rest[0].score
    assert search.find("nowhere", rerank=f"hf:{tmp_path / 'model'}") == []


def test_a_language_model_reranks_by_likelihood(tmp_path: Path):
    scores = reranker(f"language:hf:{llama(tmp_path)}").score("the crop tool", ["an image", "removes", "an image"])
    assert scores[0] == pytest.approx(scores[2], abs=1e-2)
    assert all(score < 0 for score in scores)


def test_what_cannot_rerank_is_said(tmp_path: Path):
    with pytest.raises(ExpertError, match="language:ADDRESS"):
        reranker("language:gpt")
    with pytest.raises(ExpertError, match="does not load"):
        reranker(f"hf:{tmp_path}")
