"""The port to language models: messages of text and images in, an answer out.

`bundled:smollm2-135m`  SmolLM2-135M-Instruct (Apache-2.0, English), small enough for any machine; not wise
`hf:NAME`               a model in the layout of Hugging Face transformers, by name or folder: one of text, one that reads images
                        (Idefics, SmolVLM, Qwen-VL, LLaVA, ...), or one that writes them too (Chameleon, Anole, Janus, Emu3)
`openai:MODEL@URL`      a server that speaks OpenAI's chat completions (vLLM, llama.cpp, Ollama, OpenAI, ...)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, cast, runtime_checkable

from limner.experts.address import resolve

Content = str | bytes
"""A piece of a message: text, or an image as the bytes of its file."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said: text and images in order."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Content, ...]

    @property
    def text(self) -> str:
        """Its texts, a line each."""
        return "\n".join(part for part in self.parts if isinstance(part, str))


def user(*parts: Content) -> Message:
    """A message of the person who asks."""
    return Message("user", parts)


def system(text: str) -> Message:
    """What a model is told beforehand."""
    return Message("system", (text,))


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn: `tokens` of text at most; the likeliest token each time where `temperature` is 0; `stop` are texts that end
    it and are left out of it. With a temperature the same `seed` draws the same, as far as the model's server keeps to it.

    Of a model that writes images: `images` at most, none unless asked for, and `least_images` at least; `guidance` is how far images are
    led by what was asked (classifier-free; 1: not at all). Other models take no notice of these."""

    tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    images: int = 0
    least_images: int = 0
    guidance: float = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said. `whole` is false where it was cut at `Sampling.tokens`; tokens are 0 where the model does not count them."""

    parts: tuple[Content, ...]
    whole: bool = True
    tokens_in: int = 0
    tokens_out: int = 0

    @property
    def text(self) -> str:
        """Its texts, a line each."""
        return "\n".join(part for part in self.parts if isinstance(part, str))


class LanguageModel(Protocol):
    """Answers conversations."""

    @property
    def sees(self) -> bool:
        """Whether it takes images; one that does not raises `ExpertError` when given one."""
        ...

    def answer(self, prompts: Sequence[Sequence[Message]], sampling: Sampling = Sampling()) -> list[Answer]:
        """An answer to each conversation, in their order."""
        ...


@runtime_checkable
class Scores(Protocol):
    """A model that says how likely a continuation is."""

    def likelihood(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, int]]:
        """For each (text, continuation): the sum of the natural logarithms of the probabilities of the continuation's tokens, and how many
        they are. Plain text, no chat."""
        ...


@runtime_checkable
class ScoresParts(Protocol):
    """A model that says how likely answers of text and images are."""

    def likelihoods(
        self, prompts: Sequence[Sequence[Message]], choices: Sequence[Sequence[tuple[Content, ...]]]
    ) -> list[list[tuple[float, int]]]:
        """For each conversation and each of its choices: the sum of the natural logarithms of the probabilities of the choice's tokens of text
        and codes of images, and how many they are. What announces an image is not counted: it says that one comes, not which.

        Raises `ExpertError` for what has no such probability: an image, where the model takes none or writes them otherwise than as codes."""
        ...


def language(address: str = "bundled:smollm2-135m") -> LanguageModel:
    """The model at `address`."""
    return cast("LanguageModel", resolve("language", address))
