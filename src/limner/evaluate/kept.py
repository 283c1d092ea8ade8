"""Models that are asked the same thing once: what they answered is kept on disk by everything that was asked.

Served models keep their answers themselves (`limner.experts.language_openai`); this is for those that run here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from limner.corpus.probe import sha256
from limner.experts.language import Answer, Content, LanguageModel, Message, Sampling, Scores, ScoresParts
from limner.experts.requests import Kept


class KeptModel:
    """The model at `address`, with what it answered before."""

    def __init__(self, model: LanguageModel, address: str, kept: Kept | None = None) -> None:
        self._model, self._kept = model, kept or Kept()
        self._address = {"model": address, "files": fingerprint(address)}

    @property
    def sees(self) -> bool:
        """See `LanguageModel`."""
        return self._model.sees

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        """See `LanguageModel`. Those that were not asked before are asked in one batch."""
        keys = [self._kept.key(self._request(prompt) | asdict(sampling)) for prompt in prompts]
        found: list[Answer | None] = [_answer(self._kept.get(key)) for key in keys]
        new = [i for i, answer in enumerate(found) if answer is None]
        if new:
            for i, answer in zip(new, self._model.answer([prompts[i] for i in new], sampling), strict=True):
                found[i] = answer
                self._kept.put(keys[i], _stated(answer))
        return [answer for answer in found if answer is not None]

    def means(self, prompt: Sequence[Message], choices: Sequence[tuple[Content, ...]]) -> tuple[float, ...]:
        """How likely the model holds each choice: the mean of the natural logarithms of the probabilities of its tokens. () where it does not
        say. Raises `ExpertError` where it does not for what is asked here."""
        if not isinstance(self._model, Scores | ScoresParts):
            return ()
        key = self._kept.key(self._request(prompt) | {"choices": [[_named(part) for part in choice] for choice in choices]})
        found = self._kept.get(key)
        if not isinstance(found, list) or len(found) != len(choices):
            found = _means(self._model, prompt, choices)
            self._kept.put(key, found)
        return tuple(float(value) for value in found)

    def _request(self, prompt: Sequence[Message]) -> dict[str, Any]:
        return {**self._address, "messages": [[message.role, [_named(part) for part in message.parts]] for message in prompt]}


def _means(model: Scores | ScoresParts, prompt: Sequence[Message], choices: Sequence[tuple[Content, ...]]) -> Sequence[float]:
    if isinstance(model, ScoresParts):
        found = model.likelihoods([prompt], [choices])[0]
    elif any(isinstance(part, bytes) for parts in (*choices, *(message.parts for message in prompt)) for part in parts):
        return ()
    else:
        asked = "\n".join(message.text for message in prompt)
        found = model.likelihood([(asked, " " + "\n".join(str(part) for part in choice)) for choice in choices])
    return [total / max(count, 1) for total, count in found]


def _named(part: Content) -> str | dict[str, str]:
    return part if isinstance(part, str) else {"sha256": sha256(part)}


def _stated(answer: Answer) -> dict[str, Any]:
    parts = [part if isinstance(part, str) else {"image": base64.b64encode(part).decode()} for part in answer.parts]
    return {"parts": parts, "whole": answer.whole, "in": answer.tokens_in, "out": answer.tokens_out}


def _answer(said: Any) -> Answer | None:
    """What was kept; None for nothing, or for what is no answer."""
    try:
        parts = tuple(part if isinstance(part, str) else base64.b64decode(part["image"], validate=True) for part in said["parts"])
        return Answer(parts, bool(said["whole"]), int(said["in"]), int(said["out"]))
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None


def fingerprint(address: str) -> str:
    """What tells one model in a folder from the next under the same address: the hash of its settings and weights; "" for one that is named.

    >>> fingerprint("bundled:smollm2-135m")
    ''
    """
    folder = Path(address.partition(":")[2]).expanduser()
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.suffix in (".json", ".safetensors", ".txt")):
        digest.update(path.name.encode() + b"\0")
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
