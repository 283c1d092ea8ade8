"""A model under test: asked in batches, turn after turn; what goes wrong costs one item."""

from __future__ import annotations

import time
from collections.abc import Sequence

from limner.errors import LimnerError
from limner.evaluate.benchmark import Benchmark, Item, Output, Ranked, contents
from limner.evaluate.kept import KeptModel, fingerprint
from limner.experts.language import Answer, Content, LanguageModel, Message, Sampling, language
from limner.experts.language_openai import ServedModel, ServerGone
from limner.experts.requests import Kept

Timed = tuple[Output, float]


def remote(address: str) -> bool:
    """Whether a server answers, so that many requests may be on their way at once."""
    return "openai:" in address


class Subject:
    """The model at `address`; what it answers is kept by everything that was asked."""

    def __init__(self, address: str, kept: Kept | None = None) -> None:
        model = language(address)
        # A served model keeps its answers itself.
        self._model: LanguageModel = model if isinstance(model, ServedModel) else KeptModel(model, address, kept)
        self._address = address

    @property
    def identity(self) -> str:
        """Its address, with a hash of its files where they are here."""
        return f"{self._address} {fingerprint(self._address)}".rstrip()

    def ask(self, benchmark: Benchmark, items: Sequence[Item]) -> list[Timed]:
        """What the model gives for each item, and the seconds that were its share. Never raises for what is wrong with one of them;
        raises `ServerGone` where nobody answers any more."""
        began = time.monotonic()
        turns: list[list[tuple[Content, ...]]] = [[] for _ in items]
        errors = [""] * len(items)
        likely = [self._likely(benchmark, item) for item in items]
        for turn in range(max((len(item.turns) for item in items), default=0)):
            prompts: dict[int, list[Message]] = {}
            for row, item in enumerate(items):
                if turn < len(item.turns) and not errors[row] and not likely[row]:
                    try:
                        prompts[row] = benchmark.messages(item, turns[row])
                    except LimnerError as error:
                        errors[row] = str(error)
            for row, answer in zip(prompts, self._asked(list(prompts.values()), benchmark.sampling), strict=True):
                if isinstance(answer, Answer):
                    turns[row].append(answer.parts)
                else:
                    errors[row] = answer
        seconds = (time.monotonic() - began) / max(len(items), 1)
        return [(Output(tuple(t), ls, e), seconds) for t, ls, e in zip(turns, likely, errors, strict=True)]

    def _asked(self, prompts: list[list[Message]], sampling: Sampling) -> list[Answer | str]:
        """An answer or what went wrong, in the prompts' order. A batch that fails is asked one by one: it may be one of them."""
        if not prompts:
            return []
        try:
            return list(self._model.answer(prompts, sampling))
        except ServerGone:
            raise
        except LimnerError as error:
            if len(prompts) == 1:
                return [str(error)]
        return [answer for prompt in prompts for answer in self._asked([prompt], sampling)]

    def _likely(self, benchmark: Benchmark, item: Item) -> tuple[float, ...]:
        """How likely the model holds each choice of an item that is to be ranked so; () where it can't say: then it is asked."""
        if not benchmark.ranks or not item.choices or not isinstance(self._model, KeptModel):
            return ()
        try:
            before = benchmark.before(item) if isinstance(benchmark, Ranked) else benchmark.messages(item, [])
            return self._model.means(before, [contents(choice) for choice in item.choices])
        except LimnerError:
            return ()
