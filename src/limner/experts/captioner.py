"""The port to captioners: pictures in, a description of each out.

`bundled:imagenet`   the names that a classifier of photographs gives it (see `limner.experts.imagenet`); a guess in a sentence
`openai:MODEL@URL`   a vision-language model behind a server that speaks OpenAI's chat completions
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol, cast

from PIL import Image

from limner.corpus.pixels import Pixels
from limner.experts.address import resolve
from limner.experts.language import LanguageModel, Sampling, language, user

DEFAULT = "bundled:imagenet"
QUESTION = "Describe in one or two sentences what this picture shows. Say only what can be seen."


class Captioner(Protocol):
    """Describes pictures."""

    def caption(self, images: Sequence[Pixels]) -> list[str]:
        """A description of each image (height x width x 3 bytes, RGB), "" where there is none to give."""
        ...


def captioner(address: str = DEFAULT) -> Captioner:
    """The captioner at `address`, made once a process. Raises `ExpertError` for an address nobody serves."""
    return cast("Captioner", resolve("captioner", address))


class AskedCaptioner:
    """A language model that sees, asked to describe."""

    def __init__(self, model: LanguageModel, question: str = QUESTION) -> None:
        self._model, self._question = model, question

    def caption(self, images: Sequence[Pixels]) -> list[str]:
        """See `Captioner`."""
        prompts = [[user(_jpeg(pixels), self._question)] for pixels in images]
        return [" ".join(answer.text.split()) for answer in self._model.answer(prompts, Sampling(tokens=120))]


def _jpeg(pixels: Pixels) -> bytes:
    with io.BytesIO() as out:
        Image.fromarray(pixels).save(out, "JPEG", quality=90)
        return out.getvalue()


def served(rest: str) -> AskedCaptioner:
    """The model at `MODEL@URL`."""
    return AskedCaptioner(language(f"openai:{rest}"))
