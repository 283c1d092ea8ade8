"""What the classifier sees: numbers for each block and each frame of a page, and the names and words on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from limner.sources.html.blocks import Block, Frame

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KINDS = ("paragraph", "heading", "list", "quote", "caption", "code", "table", "formula", "image")
_KIND = {kind: i for i, kind in enumerate(KINDS)}
BLOCK_WIDTH = 34 + len(KINDS)
FRAME_WIDTH = 8
WORDS = 10  # words of a block that are looked up
_WORD_CHARS = 90  # and the characters they are looked for in


@dataclass(frozen=True, slots=True)
class Page:
    """Features of one page of n blocks and m frames, the frames that hold a block (`kept`). `blocks` (n, BLOCK_WIDTH), `frames` (m, FRAME_WIDTH);
    `frame` (n,) the frame of each block; `start` and `end` (m,) the blocks of each frame."""

    kept: list[Frame]
    blocks: Floats
    frames: Floats
    frame: Ints
    start: Ints
    end: Ints


def page(blocks: Sequence[Block], frames: Sequence[Frame]) -> Page:
    """The features of a walked page; `blocks` must not be empty. `frames[0]` is the root frame."""
    n = len(blocks)
    kept = [frame for frame in frames if frame.end > frame.start]
    for i, frame in enumerate(kept):
        frame.ordinal = i
        frame.path = hash((frame.parent.path if frame.parent is not None else 0, frame.signature))
    texts = [b.text for b in blocks]
    chars = np.fromiter(map(len, texts), np.float32, n)
    links = np.minimum(np.fromiter([b.links for b in blocks], np.float32, n), chars)
    words = np.fromiter([t.count(" ") for t in texts], np.float32, n) + (chars > 0)
    stops = np.fromiter([t.count(". ") + t.count(", ") + t.count("。") + t.count("、") for t in texts], np.float32, n)
    final = np.fromiter([t[-1:] in ".!?。！？:…" and t != "" for t in texts], np.float32, n)
    kind = np.fromiter([_KIND[b.kind] for b in blocks], np.int64, n)
    level = np.fromiter([b.level for b in blocks], np.float32, n)
    own = np.fromiter([b.frame.ordinal for b in blocks], np.int64, n)

    m = len(kept)
    start = np.fromiter([f.start for f in kept], np.int64, m)
    end = np.fromiter([f.end for f in kept], np.int64, m)
    depth = np.fromiter([f.depth for f in kept], np.float32, m)
    parent = np.fromiter([f.parent.ordinal if f.parent is not None else 0 for f in kept], np.int64, m)

    total = max(float(chars.sum()), 1.0)
    sums = np.zeros((4, n + 1), np.float32)
    heads = (kind == 1).astype(np.float32)
    np.cumsum(np.stack((chars, links, heads, (kind == 8).astype(np.float32))), axis=1, out=sums[:, 1:])
    inside = sums[:, end] - sums[:, start]
    frame_chars, frame_links = inside[0], inside[1]
    held = (end - start).astype(np.float32)
    frame_features = np.stack(
        (
            np.log1p(frame_chars) * 0.2,
            frame_chars / total,
            frame_links / np.maximum(frame_chars, 1),
            np.log1p(held) * 0.3,
            np.log1p(frame_chars / np.maximum(held, 1)) * 0.2,
            inside[2] / np.maximum(held, 1),
            inside[3] / np.maximum(held, 1),
            np.minimum(depth, 40) * 0.05,
        ),
        axis=1,
    )

    paths = [b.frame.path ^ k for b, k in zip(blocks, kind.tolist(), strict=True)]
    _, group, counts = np.unique(np.fromiter(paths, np.int64, n), return_inverse=True, return_counts=True)
    group_chars = np.bincount(group, chars, len(counts))
    group_links = np.bincount(group, links, len(counts))
    up1 = parent[own]
    up2 = parent[up1]
    position = np.arange(n, dtype=np.float32)
    last_head = np.maximum.accumulate(np.where(kind == 1, position, -1))
    page_links = float(links.sum()) / total

    out = np.zeros((n, BLOCK_WIDTH), np.float32)
    columns = (
        np.log1p(chars) * 0.2,
        np.log1p(words) * 0.3,
        links / np.maximum(chars, 1),
        chars / np.maximum(words, 1) * 0.1,
        np.log1p(stops),
        stops / np.maximum(words, 1),
        final,
        position / n,
        sums[0, 1:] / total,
        np.log1p(position) * 0.3,
        np.log1p(n - position) * 0.3,
        np.minimum(depth[own], 40) * 0.05,
        level * 0.2,
        np.log1p(counts[group]) * 0.4,
        np.log1p(group_chars[group] / counts[group]) * 0.2,
        (group_links / np.maximum(group_chars, 1))[group],
        group_chars[group] / total,
        np.log1p(position - last_head) * 0.3,
        last_head < 0,
        np.full(n, np.log1p(total) * 0.1),
        np.full(n, np.log1p(n) * 0.2),
        np.full(n, page_links),
        np.full(n, float(heads.sum()) / n),
        np.full(n, float((kind == 8).sum()) / n),
        np.full(n, float((kind == 2).sum()) / n),
        np.full(n, np.log1p(total / n) * 0.2),
        held[own] <= 1,
        np.log1p(held[up1]) * 0.3,
        frame_chars[up1] / total,
        (frame_links / np.maximum(frame_chars, 1))[up1],
        np.log1p(held[up2]) * 0.3,
        frame_chars[up2] / total,
        (frame_links / np.maximum(frame_chars, 1))[up2],
        np.minimum(words, 3) * 0.3,
    )
    for i, column in enumerate(columns):
        out[:, i] = column
    out[position.astype(np.int64), len(columns) + kind] = 1
    return Page(kept, out, frame_features.astype(np.float32), own, start, end)


def block_words(block: Block) -> list[str]:
    """The lower-case words of a block that the classifier knows it by: the first few."""
    return block.text[:_WORD_CHARS].lower().split()[:WORDS]
