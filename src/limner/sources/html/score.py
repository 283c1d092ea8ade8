"""The block classifier: how likely each block of a page is content.

A small network over the sequence of blocks. Each frame (open element) is known by the names in its tag, class,
id and role and by how much text, links and headings it holds; a block sees its own frame, the sum over all
frames around it, its first words and its measures; then the page as a whole, and its neighbours through four
dilated convolutions. Trained by `bench/extraction/train_blocks.py` on the development split of WCXB for the
expected word F1 of a page; the weights are integers of 8 bits with a scale for each row.

Layers: f = relu(names + measures·F); x = relu([block, sum of f, own f, words]·I); x += relu(means·C) over the
page; four times x += relu(conv(x)), kernel 3, dilations 1, 2, 4, 8; probability = sigmoid(x·O).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np

from limner.sources.html.blocks import Block, Frame
from limner.sources.html.features import Floats, block_words, page
from limner.sources.html.signature import Signature

DILATIONS = (1, 2, 4, 8)
ANCESTORS = 0.2  # scale of the sum over the frames around a block


class Classifier:
    """The network with its weights; `arrays` as `train_blocks.py` writes them."""

    def __init__(self, arrays: dict[str, Any]) -> None:
        self._names = _index(arrays["names"])
        self._words = _index(arrays["words"])
        weights = {key[:-2]: _floats(arrays, key[:-2]) for key in arrays if key.endswith("_q")}
        self._name_rows = weights["name"]
        self._word_rows = weights["word"]
        self._frame, self._frame_bias = weights["frame"], arrays["frame_b"]
        self._input, self._input_bias = weights["input"], arrays["input_b"]
        self._context, self._context_bias = weights["context"], arrays["context_b"]
        self._convs = [(weights[f"conv{i}"], arrays[f"conv{i}_b"]) for i in range(len(DILATIONS))]
        self._out, self._out_bias = weights["out"][:, 0], float(arrays["out_b"][0])

    def probabilities(self, blocks: Sequence[Block], frames: Sequence[Frame]) -> Floats:
        """The probability of each block to be content, shape (blocks,)."""
        seen = page(blocks, frames)
        n = len(blocks)
        named = np.stack([f.signature.vector if f.signature.vector is not None else self._name(f.signature) for f in seen.kept])
        f = np.maximum(named + seen.frames @ self._frame + self._frame_bias, 0)
        steps = np.zeros((n + 1, f.shape[1]), np.float32)
        np.add.at(steps, seen.start, f)
        np.subtract.at(steps, seen.end, f)
        around = np.cumsum(steps[:-1], axis=0) * ANCESTORS
        x = np.concatenate((seen.blocks, around, f[seen.frame], self._first_words(blocks)), axis=1)
        x = np.maximum(x @ self._input + self._input_bias, 0)
        weight = seen.blocks[:, :1]
        means = np.concatenate((x.mean(axis=0), (x * weight).sum(axis=0) / (weight.sum() + 1e-6)))
        x = x + np.maximum(means @ self._context + self._context_bias, 0)
        width = x.shape[1]
        for (kernel, bias), dilation in zip(self._convs, DILATIONS, strict=True):
            taps = np.zeros((n, 3 * width), np.float32)
            taps[:, width : 2 * width] = x
            if n > dilation:
                taps[dilation:, :width] = x[:-dilation]
                taps[:-dilation, 2 * width :] = x[dilation:]
            x = x + np.maximum(taps @ kernel + bias, 0)
        return 1 / (1 + np.exp(-np.clip(x @ self._out + self._out_bias, -30, 30)))

    def _name(self, signature: Signature) -> Floats:
        rows = [row for token in signature.tokens if (row := self._names.get(token)) is not None]
        signature.vector = self._name_rows[rows].sum(axis=0)
        return signature.vector

    def _first_words(self, blocks: Sequence[Block]) -> Floats:
        get = self._words.get
        at: list[int] = []
        rows: list[int] = []
        for i, block in enumerate(blocks):
            for word in block_words(block):
                row = get(word)
                if row is not None:
                    at.append(i)
                    rows.append(row)
        out = np.zeros((len(blocks), self._word_rows.shape[1]), np.float32)
        if rows:
            np.add.at(out, at, self._word_rows[rows])
        return out


@lru_cache(maxsize=1)
def bundled() -> Classifier:
    """The classifier that comes with the package."""
    data = (files("limner.sources.html") / "blocks.npz").read_bytes()
    with np.load(BytesIO(data), allow_pickle=False) as arrays:
        return Classifier({key: arrays[key] for key in arrays.files})


def _index(joined: Any) -> dict[str, int]:
    return {word: i for i, word in enumerate(bytes(joined).decode().split("\n"))}


def _floats(arrays: dict[str, Any], name: str) -> Floats:
    return arrays[name + "_q"].astype(np.float32) * arrays[name + "_s"].astype(np.float32)
