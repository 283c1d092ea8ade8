"""Naming and drawing by models of sequences: nats are of the tokens that count, a picture's own name is told from others by what the picture adds,
what is written does not depend on how many go side by side."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

import numpy as np
import torch
from torch import nn

from limner.models.decoder import Decoder, DecoderSettings
from limner.models.decoding import Control
from limner.models.heads.codes import CodesHead
from limner.models.interleaved import Interleaved
from limner.models.sequence import IMAGE, Piece, Sequence, collate, words
from limner.models.vocabulary import Vocabulary
from limner.recipes.likelihoods import fits, nats
from limner.recipes.naming import drawing, naming, prompt, written

torch.set_num_threads(1)
NAMES = ["a red cat", "a blue dog", "one green bird", "two dogs"]
VOCABULARY = Vocabulary.learnt(NAMES, 270)


class Grey:
    """Codes that are shades."""

    entries = 4

    def encoded(self, pixels: np.ndarray) -> np.ndarray:
        return pixels[::2, ::2, 0].astype(np.int64) // 64

    def decoded(self, codes: np.ndarray) -> np.ndarray:
        return np.repeat(np.kron(codes * 64, np.ones((2, 2), np.int64))[:, :, None], 3, 2).astype(np.uint8)


def model() -> Interleaved:
    torch.manual_seed(0)
    head = CodesHead(Grey(), VOCABULARY.size, (2, 2))
    made = Interleaved(Decoder(DecoderSettings(32, 2, 2, 2, 64)), head, VOCABULARY.marks, VOCABULARY.size + 4)
    assert made.words is not None
    nn.init.normal_(made.words.weight, std=0.3)
    return made.eval()


def picture(shade: int) -> Piece:
    return Piece(np.full(4, VOCABULARY.size + shade), IMAGE, 1.0, 2, 2)


def test_nats_are_of_the_tokens_that_count():
    made = model()
    sequences = [naming(VOCABULARY, Piece(picture(i).ids, IMAGE, 0.0, 2, 2), name, 0.0) for i, name in enumerate(NAMES)]
    found = nats(made, sequences, tokens=64)
    for row, whole, name in zip(found, sequences, NAMES, strict=True):
        batch = collate([whole])
        likely = made.logits(made.states(batch)).detach().log_softmax(-1)
        ids = VOCABULARY.encode(name)
        at = len(batch) - 1 - len(ids)  # the end comes last
        wanted = -sum(float(likely[at - 1 + i, id]) for i, id in enumerate(ids))
        assert row[0] == pytest.approx(wanted, rel=1e-3)
        assert row[1] == len(ids)


def test_a_name_is_learnt_before_its_picture_and_after_it():
    ids = VOCABULARY.encode(NAMES[0])
    before, after = drawing(VOCABULARY, NAMES[0], picture(1)), naming(VOCABULARY, picture(1), NAMES[0])
    for whole in (before, after):
        labels = collate([whole]).labels_T
        assert set(ids) <= set(labels.tolist())
        assert labels.tolist().count(VOCABULARY.size + 1) == 4
    assert before.pieces[: len(prompt(VOCABULARY, NAMES[0]).pieces)][-1].ids[-1] == VOCABULARY.marks.image


def test_a_picture_that_makes_its_own_name_likelier_fits_it():
    made = model()
    start = words([VOCABULARY.marks.start], 0.0)

    def alone(j: int) -> Sequence:
        return Sequence((start, words(VOCABULARY.encode(NAMES[j]))))

    def hint(i: int, j: int) -> Sequence:
        # Only a picture's own name counts less after it: its tokens but the first are given away.
        ids = VOCABULARY.encode(NAMES[j])
        return (
            Sequence((start, words(ids[:-1], 0.0), words(ids[-1:])))
            if i == j
            else Sequence((start, words([5, 6], 0.0), words(ids)))
        )

    found = fits(made, hint, alone, NAMES, 3, 0)
    assert found.shape == (4,)
    assert (found == 100).all()
    assert (fits(made, lambda i, j: alone(j), alone, NAMES, 3, 0) == 0).all()  # none makes another less likely


def test_what_is_written_does_not_depend_on_how_many_go_side_by_side():
    made, prompts = model(), [prompt(VOCABULARY, name) for name in NAMES]
    control = Control(0, least=1, most=1, seed=3)
    shown = [{w.sequence: w.image for w in written(made, prompts, control, n) if w.image is not None} for n in (1, 3)]
    assert sorted(shown[0]) == sorted(shown[1]) == [0, 1, 2, 3]
    for i in range(4):
        first, second = shown[0][i], shown[1][i]
        assert first is not None
        assert second is not None
        assert np.array_equal(first, second)
