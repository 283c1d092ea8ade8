"""A small model that chats about several images: frozen features of each as one token where the image stands, and a decoder.

C numbers of an image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain

import torch

from limner.models.decoder import Decoder, DecoderSettings
from limner.models.decoding import Control
from limner.models.heads.seen import SeenHead
from limner.models.interleaved import Interleaved
from limner.models.sampling_text import Draw
from limner.models.sequence import Piece, words
from limner.models.sequence import Sequence as Whole
from limner.models.vocabulary import Vocabulary
from limner.recipes.dialogues import Dialogue, Shown, Things, a
from limner.recipes.naming import written
from limner.train.batches import Held, Packing
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, Fitted, fit


@dataclass(frozen=True)
class ChatSettings:
    """The decoder, `words` of its vocabulary, `tokens` of a batch and the highest learning rate."""

    decoder: DecoderSettings = field(default_factory=lambda: DecoderSettings(192, 4, 4, 4, 512))
    words: int = 512
    tokens: int = 2_048
    rate: float = 2e-3


class Writer:
    """Dialogues as sequences: only answers count in training. With `blank`, images are zeros."""

    def __init__(self, of: Things, vocabulary: Vocabulary, blank: bool = False) -> None:
        self.of, self.vocabulary, self.blank = of, vocabulary, blank
        self._encode = cache(vocabulary.encode)

    def asked(self, pieces: Sequence[str | Shown]) -> list[Piece]:
        """A question, its images where they stand."""
        return [words(self._encode(piece), 0.0) if isinstance(piece, str) else self.image(piece) for piece in pieces]

    def image(self, shown: Shown) -> Piece:
        """One token."""
        seen_C = self.of.seen[shown.artist, shown.thing]
        return SeenHead.piece((seen_C * 0 if self.blank else seen_C)[None])

    def answer(self, text: str, loss: float = 1.0) -> list[Piece]:
        """An answer and the end of the turn."""
        return [words([*self._encode(f" {text}"), self.vocabulary.marks.end], loss)]

    def dialogue(self, turns: Dialogue) -> Whole:
        """All of it."""
        pieces = chain.from_iterable([*self.asked(turn.asked), *self.answer(turn.answer)] for turn in turns)
        return Whole((self.start, *pieces))

    def pair(self, shown: Shown) -> Whole:
        """A question about one image and its name: what the model is trained on first."""
        return Whole(
            (self.start, *self.asked(("What is ", shown, "?")), *self.answer(f"The first is {a(self.of.names[shown.thing])}."))
        )

    @property
    def start(self) -> Piece:
        """What begins a sequence."""
        return words([self.vocabulary.marks.start], 0.0)


def made(settings: ChatSettings, of: Things, vocabulary: Vocabulary, seed: int) -> Interleaved:
    """A model, untrained."""
    torch.manual_seed(seed)
    decoder = Decoder(settings.decoder)
    _matching(decoder)
    return Interleaved(decoder, SeenHead(of.channels, settings.decoder.width), vocabulary.marks, vocabulary.size)


@torch.no_grad()
def _matching(decoder: Decoder) -> None:
    """Begin with keys' weights equal to queries': tokens then look at those like themselves from the start, which is what it takes to tell that
    two names are one."""
    width = decoder.settings.width
    for name, weight in decoder.named_parameters():
        if ".qkv." in name and decoder.settings.heads == decoder.settings.key_heads:
            weight[width : 2 * width] = weight[:width]


def taught(
    model: Interleaved, sequences: Sequence[Whole], settings: ChatSettings, channels: int, steps: int, seed: int
) -> Fitted:
    """Train a model on so many batches of sequences, which come again where they are fewer."""
    batches = Packing(Held(sequences, seed), settings.tokens, channels=channels, seed=seed)
    schedule = Schedule(warm=max(steps // 10, 1))
    return fit(model, batches, Fit(steps, settings.rate, schedule=schedule, log=steps, seed=seed))


def chatted(model: Interleaved, writer: Writer, dialogues: Sequence[Dialogue], longest: int = 40) -> list[tuple[str, ...]]:
    """What a model answers in each turn, the likeliest token each time; later turns follow its own answers."""
    begun: list[list[Piece]] = [[writer.start] for _ in dialogues]
    answers: list[list[str]] = [[] for _ in dialogues]
    control = Control(tokens=longest, draw=Draw(temperature=0.0), most=0)
    for turn in range(len(dialogues[0])):
        for pieces, dialogue in zip(begun, dialogues, strict=True):
            pieces += writer.asked(dialogue[turn].asked)
        said: list[list[int]] = [[] for _ in dialogues]
        for part in written(model, [Whole(tuple(pieces)) for pieces in begun], control):
            said[part.sequence] += part.ids
        for pieces, told, ids in zip(begun, answers, said, strict=True):
            told.append(writer.vocabulary.decode(ids).strip())
            pieces += writer.answer(told[-1], 0.0)
    return [tuple(told) for told in answers]
