"""What corpora teach: small language models with the same words and the same start, each taught as many tokens of one of them, read held-out texts.

T tokens of a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, product

import numpy as np
import torch

from limner.models.decoder import Decoder, DecoderSettings
from limner.models.heads.seen import SeenHead
from limner.models.heads.vectors import Floats
from limner.models.interleaved import Interleaved
from limner.models.sequence import Piece, cut, words
from limner.models.sequence import Sequence as Whole
from limner.models.vocabulary import Vocabulary
from limner.recipes.likelihoods import nats
from limner.train.batches import Held, Packing
from limner.train.schedule import Schedule
from limner.train.trainer import Fit, fit

_LEARNT = 4_000_000  # characters of each corpus that words are learnt from


@dataclass(frozen=True)
class Small:
    """The models: a decoder, `words` of its vocabulary, batches of `tokens` of documents cut at `context`, `taught` tokens in all. `most` held-out
    documents are read."""

    decoder: DecoderSettings = field(default_factory=lambda: DecoderSettings(256, 4, 4, 4, 688))
    words: int = 4_096
    tokens: int = 2_048
    context: int = 512
    taught: int = 250_000
    rate: float = 2e-3
    most: int = 150


TINY = Small(DecoderSettings(32, 1, 2, 2, 64), 400, 512, 128, 2_048, most=10)
"""For smoke runs: it learns next to nothing."""


@dataclass(frozen=True)
class Told:
    """A document as a model is told it: texts, and where images stand their features (C numbers). `asked` are the numbers of the parts whose words
    are counted when it is held out, None all."""

    parts: tuple[str | Floats, ...]
    asked: frozenset[int] | None = None

    @property
    def texts(self) -> list[str]:
        """Its texts."""
        return [part for part in self.parts if isinstance(part, str)]


def taught(
    ways: Mapping[str, Sequence[Told]], tests: Mapping[str, Sequence[Told]], small: Small, seed: int, starts: int = 1
) -> dict[tuple[str, str], Floats]:
    """Nats a token of each held-out document, by what the model was taught and by test: the mean of so many starts. A corpus with fewer tokens than
    are taught comes again."""
    everything = [told for held in (*ways.values(), *tests.values()) for told in held]
    channels = next((len(part) for told in everything for part in told.parts if not isinstance(part, str)), 0)
    learnt = chain.from_iterable(_some(held) for held in ways.values())
    vocabulary = Vocabulary.learnt(learnt, small.words)
    asked = {
        name: [whole for told in held[: small.most] if (whole := _whole(told, vocabulary, small.context)) is not None]
        for name, held in tests.items()
    }
    found = {(way, test): np.zeros(len(wholes), np.float32) for way in ways for test, wholes in asked.items()}
    for (way, held), start in product(ways.items(), range(starts)):
        torch.manual_seed(1_000 * seed + start)
        image = SeenHead(channels, small.decoder.width) if channels else None
        model = Interleaved(Decoder(small.decoder), image, vocabulary.marks, vocabulary.size)
        sequences = [sequence for told in held for sequence in cut(_sequence(told, vocabulary, True), small.context)]
        batches = Packing(Held(sequences, start), small.tokens, small.context, channels=channels, seed=seed)
        steps = max(1, small.taught // small.tokens)
        fit(model, batches, Fit(steps, small.rate, schedule=Schedule(warm=max(1, steps // 10)), seed=seed, log=steps))
        for test, wholes in asked.items():
            lost = nats(model, wholes, channels, small.tokens)
            found[way, test] += lost[:, 0] / np.maximum(lost[:, 1], 1) / starts
    return found


def _some(held: Sequence[Told]) -> list[str]:
    """Texts of a corpus, evenly over it."""
    step = max(1, sum(len(text) for told in held for text in told.texts) // _LEARNT)
    return [text for told in islice(held, 0, None, step) for text in told.texts]


def _sequence(told: Told, vocabulary: Vocabulary, all: bool) -> Whole:
    pieces: list[Piece] = [words([vocabulary.marks.start], 0.0)]
    for number, part in enumerate(told.parts):
        if isinstance(part, str):
            counted = all or told.asked is None or number in told.asked
            pieces.append(words(vocabulary.encode(f"{part.strip()}\n\n"), float(counted)))
        else:
            pieces.append(SeenHead.piece(part[None]))
    return Whole((*pieces, words([vocabulary.marks.end], float(all))))


def _whole(told: Told, vocabulary: Vocabulary, context: int) -> Whole | None:
    """A held-out document, its beginning where it is longer than the context; where only some of it is asked for, up to the end of that."""
    sequence = _sequence(told, vocabulary, told.asked is None)
    if told.asked is not None:
        last = max((n for n, piece in enumerate(sequence.pieces) if piece.loss), default=-1)
        kept: list[Piece] = []
        room = context
        for piece in reversed(sequence.pieces[: last + 1]):
            if len(piece) > room:
                break
            kept.insert(0, piece)
            room -= len(piece)
        sequence = Whole(tuple(kept))
    first = next(iter(cut(sequence, context)), None) if len(sequence) else None
    return first if first is not None and any(piece.loss and len(piece) > 1 for piece in first.pieces) else None
