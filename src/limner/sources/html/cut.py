"""Where to cut: from which probability on the blocks of a page are taken."""

from __future__ import annotations

import numpy as np

from limner.sources.html.features import Bools, Floats


def taken(likely: Floats, lengths: Floats) -> Bools:
    """The blocks whose choice has the highest F1 to be expected, where block i is content with probability `likely[i]` and
    `lengths[i]` long (in characters or words); both of shape (blocks,).

    The expectation of F1, a ratio, is taken as the ratio of the expectations. Then the best choice takes exactly the blocks
    that are at least half as probable as its own F1 is high (Lipton, Elkan and Naryanaswamy 2014, "Optimal thresholding of
    classifiers to maximize F1 measure"): on a page of a few sure paragraphs what is half sure costs more than it brings;
    where nothing is sure, it is all there is.
    """
    order = np.argsort(-likely, kind="stable")
    right = np.cumsum((likely * lengths)[order], dtype=np.float64)
    if not len(order) or right[-1] <= 0:
        return np.zeros(len(likely), np.bool_)
    f1 = 2 * right / (np.cumsum(lengths[order], dtype=np.float64) + right[-1])
    return likely >= likely[order[int(f1.argmax())]]
