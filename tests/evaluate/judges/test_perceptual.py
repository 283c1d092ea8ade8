"""Defects of how a picture looks: one picture is another, of the same size, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

from evaluate.judges.test_bundled import ONE, TWO
from limner.corpus.pixels import decode
from limner.evaluate.judges.passages import Passage, Said, Shown
from limner.evaluate.judges.perceptual import PERCEPTUAL, spoiled

PASSAGE = Passage("p", "P", (Said("One."), Shown(ONE, "Figure 1"), Said("Two."), Shown(TWO)))


@pytest.mark.parametrize("name", PERCEPTUAL)
def test_one_picture_looks_worse(name: str) -> None:
    worse = spoiled(PASSAGE, name)
    assert worse is not None
    changed = [(a, b) for a, b in zip(PASSAGE.blocks, worse.blocks, strict=True) if a != b]
    assert len(changed) == 1
    (before, after) = changed[0]
    assert isinstance(before, Shown)
    assert isinstance(after, Shown)
    assert after.caption == before.caption
    old, new = decode(before.image).astype(float), decode(after.image).astype(float)
    assert old.shape == new.shape
    assert 1 < np.abs(old - new).mean() < 100
    assert spoiled(PASSAGE, name) == worse


def test_what_has_no_picture_that_decodes_has_none() -> None:
    assert spoiled(Passage("p", "P", (Said("One."),)), "image-noisy") is None
    assert spoiled(Passage("p", "P", (Shown(b"no image"),)), "image-noisy") is None
