"""The port to rerankers: a question and texts that were found in, how well each answers it out.

`hf:NAME`            a cross-encoder in the layout of Hugging Face transformers (BGE, MiniLM on MS MARCO, ...), by name or folder
`language:ADDRESS`   how likely a language model holds the question after each text (Sachan et al. 2022, arXiv 2204.07496)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

from limner.errors import ExpertError
from limner.experts.address import resolve
from limner.experts.device import place, transformers_for
from limner.experts.language import Scores, language

_BATCH = 16
_TOKENS = 512
_WORDS = 180  # of a text that a language model reads


class Reranker(Protocol):
    """Says how well texts answer a question."""

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """A number for each text, greater where it answers better; comparable for one question only."""
        ...


def reranker(address: str) -> Reranker:
    """The reranker at `address`."""
    return cast("Reranker", resolve("reranker", address))


class CrossEncoder:
    """A classifier of pairs: its one output, or how much likelier its last class is than its first."""

    def __init__(self, tokenizer: Any, model: Any) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        self._torch: Any = torch
        self._device, numbers = place()
        self._tokenizer, self._model = tokenizer, model.to(self._device, numbers).eval()
        self._tokens = min(_TOKENS, tokenizer.model_max_length)

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """See `Reranker`. Texts of like length share a batch; what is too long loses its end."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[int, float] = {}
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            inputs = self._tokenizer(
                [question] * len(batch), [texts[i] for i in batch], padding=True, truncation="only_second", max_length=self._tokens,
                return_tensors="pt",
            ).to(self._device)  # fmt: skip
            with self._torch.inference_mode():
                logits = self._model(**inputs).logits.float()
            values = logits[:, 0] if logits.shape[1] == 1 else logits[:, -1] - logits[:, 0]
            found.update(zip(batch, values.tolist(), strict=True))
        return [found[i] for i in range(len(texts))]


class Likelihood:
    """A language model that says how likely a question is after a text, for each of its tokens."""

    def __init__(self, model: Scores) -> None:
        self._model = model

    def score(self, question: str, texts: Sequence[str]) -> list[float]:
        """See `Reranker`."""
        pairs = [
            (f"{' '.join(text.split()[:_WORDS])}\n\nA question that this passage answers:", f" {question}") for text in texts
        ]
        return [total / max(tokens, 1) for total, tokens in self._model.likelihood(pairs)]


def from_hub(rest: str) -> CrossEncoder:
    """The cross-encoder of that name or folder."""
    transformers = transformers_for(f"the reranker hf:{rest}")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(rest)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(rest, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise ExpertError(f"the reranker hf:{rest} does not load: {error}") from error
    return CrossEncoder(tokenizer, model)


def by_language(rest: str) -> Likelihood:
    """A reranker by the address of a language model that says likelihoods."""
    if not rest.partition(":")[2]:
        raise ExpertError(f"'language:{rest}' is not language:ADDRESS, as in language:bundled:smollm2-135m")
    model = language(rest)
    if not isinstance(model, Scores):
        raise ExpertError(f"{rest} does not say how likely a text is, which reranking by it takes")
    return Likelihood(model)
