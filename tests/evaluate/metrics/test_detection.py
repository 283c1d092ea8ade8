"""Boxes and average precision, against pycocotools, whose numbers stand here."""

from __future__ import annotations

import numpy as np
import pytest

from limner.errors import LimnerError
from limner.evaluate.metrics.detection import (
    Placed,
    average_precision,
    counts,
    iou,
    ious,
    matched,
    mean_average_precision,
)

BY_PYCOCOTOOLS = {
    0: (0.20792377557083436, 0.45214129256062857, 0.2145214521452145),
    1: (0.29117373275789116, 0.6626863235774126, 0.1674000733406674),
    2: (0.2349389046047462, 0.545976740531196, 0.06761551155115511),
}
"""AP over thresholds, at 0.5 and at 0.75 of COCOeval 2.0.11 on `scenes` of each seed."""


def scenes(seed: int, images: int = 12) -> tuple[list[list[Placed]], list[list[Placed]]]:
    """Boxes at random, found with some error, under some wrong names, with some more."""
    draw = np.random.default_rng(seed)
    found: list[list[Placed]] = []
    true: list[list[Placed]] = []
    for _ in range(images):
        here: list[Placed] = []
        seen: list[Placed] = []
        for _ in range(int(draw.integers(1, 7))):
            (x, y), (w, h) = draw.uniform(0, 200, 2), draw.uniform(20, 80, 2)
            name = "abc"[int(draw.integers(3))]
            here.append(Placed(name, (x, y, x + w, y + h)))
            if draw.random() < 0.8:
                d = draw.normal(0, 5, 4)
                called = name if draw.random() < 0.9 else "abc"[int(draw.integers(3))]
                seen.append(Placed(called, (x + d[0], y + d[1], x + w + d[2], y + h + d[3]), float(draw.random())))
        for _ in range(int(draw.integers(0, 3))):
            (x, y), (w, h) = draw.uniform(0, 200, 2), draw.uniform(20, 80, 2)
            seen.append(Placed("abc"[int(draw.integers(3))], (x, y, x + w, y + h), float(draw.random())))
        found.append(seen)
        true.append(here)
    return found, true


@pytest.mark.parametrize("seed", BY_PYCOCOTOOLS)
def test_average_precision_is_cocos(seed: int):
    found, true = scenes(seed)
    scores = [mean_average_precision(found, true, *thresholds) for thresholds in ((), ([0.5],), ([0.75],))]
    assert scores == pytest.approx(BY_PYCOCOTOOLS[seed], abs=1e-12)


def test_average_precision_of_a_hand_made_case():
    # Right, wrong, right of two: precision 1 up to a recall of 0.5 (51 of 101 places), then 2/3.
    true = [[Placed("a", (0, 0, 10, 10)), Placed("a", (20, 0, 30, 10))]]
    found = [[Placed("a", (0, 0, 10, 10), 0.9), Placed("a", (50, 0, 60, 10), 0.8), Placed("a", (20, 0, 30, 10), 0.7)]]
    assert average_precision(found, true, "a") == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert average_precision(found, true, "b") is None


def test_overlaps():
    boxes = [(0, 0, 10, 10), (5, 0, 15, 10), (20, 20, 30, 30), (3, 3, 3, 9)]
    table = ious(boxes, boxes)
    assert table == pytest.approx(np.array([[iou(a, b) for b in boxes] for a in boxes]))
    assert table[0, 1] == pytest.approx(1 / 3)
    assert table[3, 3] == 0  # no area


def test_the_surest_takes_what_it_overlaps_and_names_count():
    true = [Placed("cat", (0, 0, 10, 10)), Placed("dog", (0, 0, 10, 10))]
    found = [Placed("cat", (1, 0, 10, 10), 0.5), Placed("cat", (0, 0, 10, 10), 0.9), Placed("cow", (0, 0, 10, 10), 1.0)]
    assert matched(found, true) == [(1, 0)]
    total = counts(found, true)
    assert (total.precision, total.recall) == (pytest.approx(1 / 3), 0.5)
    assert counts([], []).f1 == 1.0


def test_precision_needs_something_true():
    with pytest.raises(LimnerError, match="one true thing"):
        mean_average_precision([[]], [[]])
