"""Language models behind a server that speaks OpenAI's chat completions, through the `openai` client."""

from __future__ import annotations

import base64
import importlib
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from limner.corpus.probe import probe
from limner.errors import ExpertError, MissingExtra
from limner.experts.address import openai
from limner.experts.budget import Budget, estimated
from limner.experts.language import Answer, Content, Message, Sampling
from limner.experts.language_pictures import fetcher, told
from limner.experts.pace import Pace
from limner.experts.requests import Kept

RETRIES = 6
"""How often a request is sent again that failed or was refused for being one too many; the waits double, or are what the server says."""
TIMEOUT = 300.0
"""Seconds that an answer may take; `$LIMNER_TIMEOUT` has another number."""
CONNECT = 10.0
GONE = 8
"""Requests in succession that no answer came to, each after its retries: then the server is held to be gone."""
AT_ONCE = 8
"""Requests on their way at one time; `$LIMNER_AT_ONCE` has another number."""


class ServerGone(ExpertError):
    """A server that is not there, or does not answer any more: to go on asking it is no use."""


@dataclass
class Spent:
    """What a model was asked for in this process; `kept` are requests that the cache answered, at no cost. `cost` is by `LIMNER_PRICES`."""

    requests: int = 0
    kept: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0


class ServedModel:
    """A model by its name at a server's address. Where `Sampling.images` asks for pictures, an answer has those of the server in their places
    (`limner.experts.language_pictures`). What may be spent is capped as `limner.experts.budget` says."""

    sees = True

    def __init__(self, model: str, url: str, kept: Kept | None = None) -> None:
        try:
            package: Any = importlib.import_module("openai")
        except ImportError:
            raise MissingExtra("openai", "openai", f"the language model openai:{model}@{url}") from None
        key = os.environ.get("LIMNER_API_KEY") or os.environ.get("OPENAI_API_KEY") or "none"
        self._package, self._fetch = package, fetcher(url, key)
        self._client = package.OpenAI(base_url=url, api_key=key, max_retries=RETRIES, timeout=_patience(package))
        self._model, self._url = model, url
        self._kept = kept or Kept()
        self._budget, self._pace = Budget(), Pace()
        self._lock = threading.Lock()
        self.spent = Spent()
        self._lost = 0

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:  # noqa: B008
        """See `LanguageModel`. Several requests at a time; one that fails after its retries raises `ExpertError`, and those that were
        answered stay in the cache."""
        at_once = int(os.environ.get("LIMNER_AT_ONCE", AT_ONCE))
        with ThreadPoolExecutor(max(min(at_once, len(prompts)), 1)) as pool:
            return list(pool.map(lambda prompt: self._one(prompt, sampling), prompts))

    def _one(self, prompt: Sequence[Message], sampling: Sampling) -> Answer:
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": message.role, "content": _content(message.parts)} for message in prompt],
            "max_tokens": sampling.tokens, "temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed,
        }  # fmt: skip
        if sampling.stop:
            request["stop"] = list(sampling.stop)
        if sampling.images:
            request["extra_body"] = {"modalities": ["text", "image"]}
        key = self._kept.key({"url": self._url, **request})
        found = self._kept.get(key)
        if found is None:
            found, cost = self._paid(request, _worst(prompt), sampling.tokens)
            self._kept.put(key, found)
            self._count(found, cost)
        else:
            self._count(found, None)
        parts = found.get("parts")
        read = (
            (found["text"],)
            if parts is None
            else tuple(base64.b64decode(p["image"]) if "image" in p else p["text"] for p in parts)
        )
        return Answer(read, found["whole"], found["tokens_in"], found["tokens_out"])

    def _paid(self, request: dict[str, Any], asked: int, written: int) -> tuple[dict[str, Any], float]:
        """The answer and what it cost: counted at its worst before it is sent."""
        held = self._budget.hold(f"{self._model}@{self._url}", asked, written)
        try:
            self._pace.wait(asked + written)
            found = self._ask(request)
        except BaseException:
            self._budget.release(held)
            raise
        # A server that counts nothing is taken at the worst.
        return found, self._budget.settle(held, found["tokens_in"] or asked, found["tokens_out"] or written)

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            got = self._client.chat.completions.create(**request)
        except self._package.OpenAIError as error:
            said = f"openai:{self._model}@{self._url} did not answer"
            # A timeout is a failed connection too; a refusal is an answer.
            lost = self._came(not isinstance(error, self._package.APIConnectionError))
            if lost >= GONE:
                raise ServerGone(f"{said} {lost} times in succession: {error}") from error
            raise ExpertError(f"{said}: {error}") from error
        self._came(True)
        if not got.choices:
            raise ExpertError(f"openai:{self._model}@{self._url} answered without a choice")
        choice, usage = got.choices[0], got.usage
        pictures: dict[str, Any] = {}
        if "extra_body" in request:
            parts = told({"content": choice.message.content, **(choice.message.model_extra or {})}, self._fetch)
            pictures["parts"] = [
                {"image": base64.b64encode(part).decode()} if isinstance(part, bytes) else {"text": part} for part in parts
            ]
        return pictures | {
            "text": choice.message.content or "",
            "whole": choice.finish_reason != "length",
            "tokens_in": usage.prompt_tokens if usage else 0,
            "tokens_out": usage.completion_tokens if usage else 0,
        }

    def _came(self, answered: bool) -> int:
        """Count requests in succession that no answer came to; several threads ask."""
        with self._lock:
            self._lost = 0 if answered else self._lost + 1
            return self._lost

    def _count(self, found: dict[str, Any], cost: float | None) -> None:
        """Count an answer; one that was kept has no cost."""
        with self._lock:
            if cost is None:
                self.spent.kept += 1
                return
            self.spent.cost += cost
            self.spent.requests += 1
            self.spent.tokens_in += found["tokens_in"]
            self.spent.tokens_out += found["tokens_out"]


def _patience(package: Any) -> Any:
    given = os.environ.get("LIMNER_TIMEOUT") or TIMEOUT
    try:
        return package.Timeout(float(given), connect=CONNECT)
    except ValueError:
        raise ExpertError(f"LIMNER_TIMEOUT is {given!r}, and not a number of seconds") from None


def _worst(prompt: Sequence[Message]) -> int:
    texts = sum(len(part) for message in prompt for part in message.parts if isinstance(part, str))
    return estimated(texts, sum(isinstance(part, bytes) for message in prompt for part in message.parts), len(prompt))


def _content(parts: Sequence[Content]) -> Any:
    """The content of a message: a string where it is only text, which every server takes."""
    if all(isinstance(part, str) for part in parts):
        return "\n".join(part for part in parts if isinstance(part, str))
    return [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "image_url", "image_url": {"url": _data_uri(part)}}
        for part in parts
    ]


def _data_uri(image: bytes) -> str:
    return f"data:{probe(image).mime};base64,{base64.b64encode(image).decode()}"


def served(rest: str) -> ServedModel:
    """The model at `MODEL@URL`."""
    return ServedModel(*openai(rest))
