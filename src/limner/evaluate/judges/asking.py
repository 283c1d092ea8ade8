"""A language model as a judge: asked for one line of JSON, read strictly, then by rule, asked again, and at the end counted as failed.

Nothing is guessed. An answer in which two grades are possible, or none, is shown to the model again with the form that it has to have and another
seed; after `Asking.again` more times the case has failed: `refused` where the last answer declines, else `nonsense`. A server that does not
answer is `timeout` or `error`. Each conversation differs from the one before, so that no kept answer comes twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from limner.errors import LimnerError, MissingExtra
from limner.evaluate.judges import prompt, reading
from limner.evaluate.judging import Aspect, Case, Failure, Grade
from limner.evaluate.kept import KeptModel, fingerprint
from limner.experts.language import Answer, LanguageModel, Message, Sampling, user
from limner.experts.language_openai import AT_ONCE, ServedModel, ServerGone

VERSION = "1"
"""Of the way that models are asked and read; the prompt has a hash of its own."""

_SHOWN_AGAIN = 1_000
"""Characters of an answer that could not be read which the model is shown."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How a model is asked. `again`: how often more, where an answer cannot be read. `both_orders`: a choice is asked for in the order of the
    options and in the reverse, and holds where both agree (a judge that prefers a place prefers nothing). `blind`: pictures are not shown
    even to a model that takes them."""

    tokens: int = 300
    temperature: float = 0.0
    seed: int = 0
    again: int = 2
    both_orders: bool = False
    blind: bool = False
    characters: int = 24_000


Read = Callable[[str, bool], reading.Found | None]
"""The value in a text; the second says whether the text is whole."""


@dataclass
class _Asked:
    """A conversation that goes on until it has a value or has failed."""

    messages: list[Message]
    raw: list[str] = field(default_factory=list[str])
    grade: Grade | None = None


class LanguageJudge:
    """The language model at `address` as a judge. It may be asked from several threads where its model may."""

    def __init__(self, model: LanguageModel, address: str, name: str, asking: Asking = Asking()) -> None:
        self._served = isinstance(model, ServedModel)
        self._model = model if self._served else KeptModel(model, address)
        self._address, self._name, self._asking = address, name, asking
        self._shown = prompt.Shown(asking.characters, model.sees and not asking.blind)

    @property
    def name(self) -> str:
        """See `Judge`."""
        return self._name

    @property
    def settings(self) -> dict[str, str]:
        """See `Judge`."""
        given = self._asking
        return {
            "address": self._address, "files": fingerprint(self._address), "version": VERSION, "prompt": prompt.template(),
            "temperature": str(given.temperature), "seed": str(given.seed), "tokens": str(given.tokens), "again": str(given.again),
            "characters": str(given.characters), "images": "shown" if self._shown.pictures else "blind",
            "orders": "both" if given.both_orders else "one",
        }  # fmt: skip

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """See `Judge`."""
        read = partial(_graded, low=aspect.low, high=aspect.high)
        return self._all([prompt.graded(case, aspect, self._shown) for case in cases], read, prompt.form(aspect))

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """See `Judge`. With `both_orders` a choice that changes with the order is `unable`."""
        if not options:
            raise ValueError("a choice needs options")
        orders = [list(range(len(options)))]
        if self._asking.both_orders and len(options) > 1:
            orders.append(orders[0][::-1])
        asked = [prompt.chosen(case, question, [options[i] for i in order], self._shown) for order in orders]
        said = self._all(asked, partial(_chosen, count=len(options)), prompt.CHOSEN % (1, len(options)))
        raw = tuple(text for grade in said for text in grade.raw)
        failed = next((grade for grade in said if grade.value is None), None)
        if failed:
            return replace(failed, raw=raw)
        picked = [order[int(grade.value or 0) - 1] for order, grade in zip(orders, said, strict=True)]
        if len(set(picked)) > 1:
            return Grade(None, "the choice changes with the order of the options", "unable", raw)
        return Grade(float(picked[0]), said[0].reason, "", raw, any(grade.repaired for grade in said))

    def _all(self, conversations: Sequence[list[Message]], read: Read, form: str) -> list[Grade]:
        asked = [_Asked(list(messages)) for messages in conversations]
        for time in range(1 + self._asking.again):
            left = [each for each in asked if each.grade is None]
            sampling = Sampling(self._asking.tokens, self._asking.temperature, seed=self._asking.seed + time)
            for each, said in zip(left, self._answers([each.messages for each in left], sampling), strict=True):
                _take(each, said, read, form)
        return [each.grade or _unread(each.raw) for each in asked]

    def _answers(self, prompts: Sequence[list[Message]], sampling: Sampling) -> list[Answer | Grade]:
        """An answer to each, or how asking it failed. One that fails costs itself only."""
        if not prompts:
            return []
        if self._served:
            at_once = int(os.environ.get("LIMNER_AT_ONCE", AT_ONCE))
            with ThreadPoolExecutor(max(min(at_once, len(prompts)), 1)) as pool:
                return list(pool.map(lambda messages: self._one(messages, sampling), prompts))
        try:
            return list(self._model.answer(prompts, sampling))
        except (MissingExtra, ServerGone):
            raise
        except (LimnerError, TimeoutError):
            # The batch may have failed for one of them, which is too long, say.
            return [self._one(messages, sampling) for messages in prompts]

    def _one(self, messages: list[Message], sampling: Sampling) -> Answer | Grade:
        try:
            return self._model.answer([messages], sampling)[0]
        except (MissingExtra, ServerGone):
            raise
        except (LimnerError, TimeoutError) as error:
            return Grade(None, str(error)[:1000], _kind(error))


def _take(asked: _Asked, said: Answer | Grade, read: Read, form: str) -> None:
    """Take in what a model said: a value, a failure, or something to be asked again."""
    if isinstance(said, Grade):
        asked.grade = replace(said, raw=tuple(asked.raw))
        return
    asked.raw.append(said.text)
    found = read(said.text, said.whole)
    if found:
        asked.grade = Grade(float(found.value), found.reason, "", tuple(asked.raw), found.repaired)
        return
    shown = said.text[:_SHOWN_AGAIN] or "(nothing)"
    asked.messages += [Message("assistant", (shown,)), user(prompt.AGAIN % form)]


def _unread(raw: Sequence[str]) -> Grade:
    last = raw[-1] if raw else ""
    return Grade(None, " ".join(last.split())[:300], "refused" if reading.refused(last) else "nonsense", tuple(raw))


def _kind(error: BaseException) -> Failure:
    """Whether a server took too long, by what the error came from."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TimeoutError) or "timeout" in type(cause).__name__.lower():
            return "timeout"
        cause = cause.__cause__
    return "error"


def _graded(text: str, whole: bool, low: int, high: int) -> reading.Found | None:
    return reading.grade(text, low, high, whole)


def _chosen(text: str, whole: bool, count: int) -> reading.Found | None:
    return reading.option(text, count, whole)
