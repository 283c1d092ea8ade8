"""The port to encoders of texts, and two that serve it.

`bundled:minilm`  all-MiniLM-L6-v2 (Apache-2.0; 384 numbers, English, the first 256 tokens)
`hf:NAME`         an encoder in the layout of Hugging Face transformers, by name or folder: the mean of its last states
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from limner.errors import ExpertError
from limner.experts.address import resolve
from limner.experts.device import place, transformers_for
from limner.experts.encoder import unit
from limner.experts.onnx import Floats
from limner.experts.weights import weights

_BATCH = 64
_TOKENS = 256
_STEP = 16
"""Batches are as long and as wide as multiples of this, small ones as powers of two: oneDNN keeps what it compiled for each shape, and its memory."""


class TextEncoder(Protocol):
    """Puts texts in a space where the cosine says how alike they are in meaning.

    `languages` are those it knows (BCP 47); none named, all are taken to be known.
    """

    languages: frozenset[str]

    def embed(self, texts: Sequence[str]) -> Floats:
        """N x D for N texts, each cut where the model's context ends; rows of length one."""
        ...


def text_encoder(address: str = "bundled:minilm") -> TextEncoder:
    """The encoder at `address`."""
    return cast("TextEncoder", resolve("text", address))


@cache
def remembering(address: str) -> Callable[[Sequence[str]], Floats]:
    """The encoder at `address`, which reads each text once a process: for work that asks for the same texts again and again."""
    known: dict[str, Floats] = {}

    def embed(texts: Sequence[str]) -> Floats:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, text_encoder(address).embed(new), strict=True))
        return np.stack([known[text] for text in texts]) if texts else text_encoder(address).embed([])

    return embed


class MeanEncoder:
    """The mean over its tokens of a transformer's last states."""

    def __init__(self, tokenizer: Any, model: Any, tokens: int = _TOKENS, languages: frozenset[str] = frozenset()) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        self._torch: Any = torch
        self.languages = languages
        self._device, dtype = place()
        self._tokenizer = tokenizer
        self._model = model.to(self._device, dtype).eval()
        self._tokens = min(tokens, getattr(model.config, "max_position_embeddings", tokens))
        self._step = None if self._tokens % _STEP else _STEP

    def embed(self, texts: Sequence[str]) -> Floats:
        """See `TextEncoder`. Texts of like length share a batch."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows: dict[int, Floats] = {}
        for first in range(0, len(order), _BATCH):
            batch = order[first : first + _BATCH]
            more = -len(batch) % min(_STEP, 1 << (len(batch) - 1).bit_length())
            inputs = self._tokenizer(
                [texts[i] for i in batch] + [""] * more, padding=True, truncation=True, max_length=self._tokens,
                pad_to_multiple_of=self._step, return_tensors="pt",
            ).to(self._device)  # fmt: skip
            with self._torch.inference_mode():
                states = self._model(**inputs).last_hidden_state.float()
            mask = inputs["attention_mask"][..., None].float()
            means = ((states * mask).sum(1) / mask.sum(1).clamp(min=1)).cpu().numpy()
            rows.update(zip(batch, means, strict=False))
        if not texts:
            return np.empty((0, self._model.config.hidden_size), np.float32)
        return unit(np.stack([rows[i] for i in range(len(texts))]))

    def states(self, texts: Sequence[str], tokens: int) -> tuple[Floats, NDArray[np.bool_]]:
        """The last states of the first `tokens` tokens of each text, N x `tokens` x D, and where there is one, N x `tokens`; zeros elsewhere."""
        rows = np.zeros((len(texts), tokens, self._model.config.hidden_size), np.float32)
        mask = np.zeros((len(texts), tokens), np.bool_)
        for first in range(0, len(texts), _BATCH):
            inputs = self._tokenizer(
                list(texts[first : first + _BATCH]), padding="max_length", truncation=True, max_length=tokens, return_tensors="pt"
            ).to(self._device)
            with self._torch.inference_mode():
                states = self._model(**inputs).last_hidden_state.float()
            there = inputs["attention_mask"].bool()
            rows[first : first + _BATCH] = (states * there[..., None]).cpu().numpy()
            mask[first : first + _BATCH] = there.cpu().numpy()
        return rows, mask


def bundled(name: str) -> MeanEncoder:
    """`minilm`."""
    if name != "minilm":
        raise ExpertError(f"there is no bundled text encoder {name!r}; there is bundled:minilm")
    return _load(str(weights("all-minilm-l6-v2")), f"bundled:{name}", frozenset(("en",)))


def from_hub(rest: str) -> MeanEncoder:
    """The encoder of that name or folder."""
    return _load(rest, f"hf:{rest}")


def _load(where: str, address: str, languages: frozenset[str] = frozenset()) -> MeanEncoder:
    transformers = transformers_for(f"the text encoder {address}")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(where)
        model = transformers.AutoModel.from_pretrained(where, use_safetensors=True)
    except (OSError, ValueError) as error:
        raise ExpertError(f"the text encoder {address} does not load: {error}") from error
    return MeanEncoder(tokenizer, model, languages=languages)
