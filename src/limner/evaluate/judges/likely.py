"""A language model as a judge by how likely it holds each grade: the mean of the grades, each by its probability.

The text of the case goes before, pictures as marks; nothing is written, so nothing can be malformed. What it says is not what the model would
write, so it is asked for by an address of its own (`likelihood:ADDRESS`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from limner.errors import ExpertError, LimnerError, MissingExtra
from limner.evaluate.judges import prompt
from limner.evaluate.judging import Aspect, Case, Grade
from limner.evaluate.kept import fingerprint
from limner.experts.language import Message, Scores

VERSION = "1"
_MOST = 101  # grades of a scale


class LikelihoodJudge:
    """The model at `address`, which must say likelihoods. Blind."""

    def __init__(self, model: object, address: str, name: str, characters: int = 24_000) -> None:
        if not isinstance(model, Scores):
            raise ExpertError(f"{address} gives no likelihoods; write language:{address}")
        self._model, self._address, self._name = model, address, name
        self._shown = prompt.Shown(characters, pictures=False)

    @property
    def name(self) -> str:
        """See `Judge`."""
        return self._name

    @property
    def settings(self) -> dict[str, str]:
        """See `Judge`."""
        return {
            "address": self._address, "files": fingerprint(self._address), "version": VERSION, "prompt": prompt.template(),
            "temperature": "none", "images": "blind", "how": "likelihood", "characters": str(self._shown.characters),
        }  # fmt: skip

    def grade(self, cases: Sequence[Case], aspect: Aspect) -> list[Grade]:
        """See `Judge`."""
        scale = range(aspect.low, aspect.high + 1)
        if len(scale) > _MOST:
            raise ExpertError(f"{aspect.name} has {len(scale)} grades; likelihoods are asked for {_MOST} at most")
        return [self._graded(prompt.graded(case, aspect, self._shown), aspect, scale) for case in cases]

    def _graded(self, messages: Sequence[Message], aspect: Aspect, scale: range) -> Grade:
        chances = self._chances(_text(messages) + f"\nGrade, from {aspect.low} to {aspect.high}:", [f" {n}" for n in scale])
        if isinstance(chances, Grade):
            return chances
        mean = sum(n * chance for n, chance in zip(scale, chances, strict=True))
        return Grade(mean, f"the mean of the grades by how likely each is; the likeliest is {scale[chances.index(max(chances))]}")

    def choose(self, case: Case, question: str, options: Sequence[str]) -> Grade:
        """See `Judge`. The option that is likeliest by its number over both orders together."""
        total = [0.0] * len(options)
        for order in (range(len(options)), range(len(options) - 1, -1, -1)):
            messages = prompt.chosen(case, question, [options[i] for i in order], self._shown)
            chances = self._chances(_text(messages) + "\nNumber of the option:", [f" {n}" for n in range(1, len(options) + 1)])
            if isinstance(chances, Grade):
                return chances
            for i, chance in zip(order, chances, strict=True):
                total[i] += chance / 2
        best = total.index(max(total))
        return Grade(float(best), f"its probability is {total[best]:.2f}, of two orders the mean")

    def _chances(self, text: str, continuations: Sequence[str]) -> list[float] | Grade:
        try:
            found = self._model.likelihood([(text, continuation) for continuation in continuations])
        except MissingExtra:
            raise
        except LimnerError as error:
            return Grade(None, str(error)[:1000], "error")
        top = max(value for value, _ in found)
        weights = [math.exp(value - top) for value, _ in found]
        return [weight / sum(weights) for weight in weights]


def _text(messages: Sequence[Message]) -> str:
    """The conversation as plain text, without the form of a reply that is not written."""
    return "\n".join(message.text for message in messages).rpartition("\nReply with one line")[0]
