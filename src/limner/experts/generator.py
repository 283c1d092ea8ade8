"""The port to generators of images: prompts in, pictures out.

`hf:NAME`           a text-to-image pipeline in the layout of Hugging Face diffusers, by name or folder
`openai:MODEL@URL`  a server that speaks OpenAI's image generations
"""

from __future__ import annotations

import base64
import binascii
import importlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, cast

from limner.corpus.probe import probe
from limner.errors import ExpertError, MissingExtra
from limner.experts.address import openai, resolve
from limner.experts.budget import Budget, estimated
from limner.experts.device import place
from limner.experts.language_openai import AT_ONCE, RETRIES, TIMEOUT
from limner.experts.pace import Pace
from limner.experts.requests import Kept

PAINTED = 6_500
"""Tokens that a picture counts before the server has said how many it took; 1024 x 1024 at the highest quality take about as many."""


class Generator(Protocol):
    """Makes pictures."""

    def paint(self, prompts: Sequence[str], side: int = 512, seed: int = 0) -> list[bytes]:
        """A picture for each prompt, `side` pixels wide and high, as the bytes of a file. The same seed makes the same where the model
        keeps to it."""
        ...


def generator(address: str) -> Generator:
    """The generator at `address`."""
    return cast("Generator", resolve("generator", address))


class ServedGenerator:
    """A model by its name at a server's address. What may be spent is capped as `limner.experts.budget` says; pictures are kept on disk by
    all that was asked."""

    def __init__(self, model: str, url: str, kept: Kept | None = None) -> None:
        try:
            package: Any = importlib.import_module("openai")
        except ImportError:
            raise MissingExtra("openai", "openai", f"the generator openai:{model}@{url}") from None
        key = os.environ.get("LIMNER_API_KEY") or os.environ.get("OPENAI_API_KEY") or "none"
        self._package = package
        self._client = package.OpenAI(base_url=url, api_key=key, max_retries=RETRIES, timeout=TIMEOUT)
        self._model, self._url = model, url
        self._kept, self._budget, self._pace = kept or Kept(), Budget(), Pace()

    def paint(self, prompts: Sequence[str], side: int = 512, seed: int = 0) -> list[bytes]:
        """See `Generator`; several at a time. Raises `ExpertError` where the server does not answer, or not with pictures."""
        at_once = int(os.environ.get("LIMNER_AT_ONCE", AT_ONCE))
        with ThreadPoolExecutor(max(min(at_once, len(prompts)), 1)) as pool:
            return list(pool.map(lambda prompt: self._one(prompt, side, seed), prompts))

    def _one(self, prompt: str, side: int, seed: int) -> bytes:
        request: dict[str, Any] = {"model": self._model, "prompt": prompt, "n": 1, "size": f"{side}x{side}"}
        key = self._kept.key({"url": self._url, "seed": seed, **request})
        found = self._kept.get(key)
        if found is None:
            found = self._paid(request)
            self._kept.put(key, found)
        return _picture(found, f"openai:{self._model}@{self._url}")

    def _paid(self, request: dict[str, Any]) -> str:
        asked = estimated(len(request["prompt"]), 0, 1)
        held = self._budget.hold(f"{self._model}@{self._url}", asked, PAINTED)
        try:
            self._pace.wait(asked + PAINTED)
            got = self._client.images.generate(**request)
        except BaseException as error:
            self._budget.release(held)
            if isinstance(error, self._package.OpenAIError):
                raise ExpertError(f"openai:{self._model}@{self._url} did not answer: {error}") from error
            raise
        usage = getattr(got, "usage", None)
        self._budget.settle(held, usage.input_tokens if usage else asked, usage.output_tokens if usage else PAINTED)
        data = got.data[0].b64_json if got.data else None
        if not data:
            raise ExpertError(
                f"openai:{self._model}@{self._url} answered without a picture (addresses of pictures are not followed)"
            )
        return str(data)


def _picture(encoded: str, address: str) -> bytes:
    try:
        data = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ExpertError(f"{address} answered with what is no base64: {error}") from None
    if not probe(data).mime.startswith("image/"):
        raise ExpertError(f"{address} answered with what is no picture")
    return data


class HubGenerator:
    """A pipeline loaded by diffusers; its weights only from safetensors."""

    def __init__(self, name: str) -> None:
        try:
            diffusers: Any = importlib.import_module("diffusers")
            self._torch: Any = importlib.import_module("torch")
        except ImportError as error:
            raise MissingExtra("paint", error.name or "diffusers", f"the generator hf:{name}") from None
        device, numbers = place()
        try:
            pipeline = diffusers.AutoPipelineForText2Image.from_pretrained(name, dtype=numbers, use_safetensors=True)
        except (OSError, ValueError) as error:
            raise ExpertError(f"the generator hf:{name} does not load: {error}") from error
        self._pipeline: Any = pipeline.to(device)
        self._pipeline.set_progress_bar_config(disable=True)

    def paint(self, prompts: Sequence[str], side: int = 512, seed: int = 0) -> list[bytes]:
        """See `Generator`."""
        found: list[bytes] = []
        for prompt in prompts:
            chance = self._torch.Generator("cpu").manual_seed(seed)
            (image,) = self._pipeline(prompt, height=side, width=side, generator=chance).images
            with io.BytesIO() as out:
                image.save(out, "PNG")
                found.append(out.getvalue())
        return found


def served(rest: str) -> ServedGenerator:
    """The model at `MODEL@URL`."""
    return ServedGenerator(*openai(rest))


def from_hub(rest: str) -> HubGenerator:
    """The pipeline of that name or folder."""
    return HubGenerator(rest)
