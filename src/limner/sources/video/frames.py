"""The frames of a video that show something new: one a shot, the sharpest, none twice.

Decoding key frames only (which encoders put at cuts, and every few seconds) is many times faster than decoding all; where they are
too far apart, frames are taken at a steady rate from a full scan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.float32]

_WIDTH, _HEIGHT = 64, 36  # pixels of the small copy that shots are told by
_BLOCK = 4
_FLAT, _SAME = 25.0, 10.0  # variance and difference of means, of samples of 0-255: below both a block says nothing
_SHARP = 256  # pixels of the copy that sharpness is measured on


@dataclass(frozen=True, slots=True)
class Looks:
    """What a picture looks like, small and gray, in blocks of 4 x 4: their means, their variances, and how each differs from its mean."""

    means: Gray
    variances: Gray
    rest: Gray


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: when it is shown (seconds), what it looks like, and itself."""

    time: float
    looks: Looks
    picture: Any


def frames(container: Any, mode: str, rate: float, gap: float) -> Iterator[Frame]:
    """Frames in order of time. `mode` is `keys`, `scan` (`rate` frames a second), or `auto`: keys, unless two are more than `gap` seconds
    apart."""
    stream = container.streams.video[0]
    keys = mode == "keys" or (mode == "auto" and _widest(container, stream) <= gap)
    container.seek(0)
    # A scan that looks at a few frames a second needs none that no other is made from.
    some = "NONREF" if float(stream.average_rate or 0) >= 4 * rate else "DEFAULT"
    stream.codec_context.skip_frame = "NONKEY" if keys else some
    stream.thread_count = 1
    following = 0.0
    for picture in container.decode(stream):
        if picture.time is None or (not keys and picture.time + 1e-6 < following):
            continue
        following = picture.time + 1 / rate
        yield Frame(float(picture.time), looks(_gray(picture, _WIDTH, _HEIGHT)), picture)


def _gray(picture: Any, width: int, height: int) -> Gray:
    return picture.reformat(width=width, height=height, format="gray").to_ndarray().astype(np.float32)


def _widest(container: Any, stream: Any) -> float:
    """The widest gap between key frames, in seconds; without decoding."""
    last, widest = 0.0, 0.0
    for packet in container.demux(stream):
        if packet.pts is not None and packet.is_keyframe:
            now = float(packet.pts * packet.time_base)
            widest, last = max(widest, now - last), now
    duration = float(stream.duration * stream.time_base) if stream.duration else last
    return max(widest, duration - last)


def sharpness(picture: Any) -> float:
    """The variance of a frame's Laplacian (Pech-Pacheco et al. 2000, ICPR), on a copy of 256 pixels' width."""
    width = min(_SHARP, picture.width)
    gray = _gray(picture, width, max(round(picture.height * width / picture.width), 3))
    laplacian = gray[1:-1, :-2] + gray[1:-1, 2:] + gray[:-2, 1:-1] + gray[2:, 1:-1] - 4 * gray[1:-1, 1:-1]
    return float(laplacian.var())


def shots(found: Iterator[Frame], alike: float, look: int = 3) -> Iterator[tuple[Frame, float, float]]:
    """The sharpest of the first `look` frames of each shot, its sharpness, and when the shot ends. A shot ends where a frame's structure is
    less than `alike` like its first."""
    first = best = None
    seen, sharp, end = 0, 0.0, 0.0
    for frame in found:
        if first is None or structure(first.looks, frame.looks) < alike:
            if best is not None:
                yield best, sharp, frame.time
            first = best = frame
            seen, sharp = 1, sharpness(frame.picture)
        elif seen < look and best is not None:
            seen += 1
            if (now := sharpness(frame.picture)) > sharp:
                best, sharp = frame, now
        end = frame.time
    if best is not None:
        yield best, sharp, end


def looks(gray: Gray) -> Looks:
    """What a small gray picture (36 x 64) looks like."""
    rows = gray.reshape(_HEIGHT // _BLOCK, _BLOCK, _WIDTH // _BLOCK, _BLOCK)
    blocks = rows.transpose(0, 2, 1, 3).reshape(-1, _BLOCK * _BLOCK)
    means = blocks.mean(axis=1)
    rest = blocks - means[:, None]
    return Looks(means, (rest**2).mean(axis=1), rest)


def structure(a: Looks, b: Looks) -> float:
    """The structural similarity of two pictures, the mean over blocks (Wang et al. 2004, IEEE TIP 13:4); 1 for the same. Blocks that are
    flat and the same in both (the paper of a slide) say nothing and count for no more than half."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    together = (a.rest * b.rest).mean(axis=1)
    each = ((2 * a.means * b.means + c1) * (2 * together + c2)) / (
        (a.means**2 + b.means**2 + c1) * (a.variances + b.variances + c2)
    )
    full = (np.maximum(a.variances, b.variances) > _FLAT) | (np.abs(a.means - b.means) > _SAME)
    return 1 - float((1 - each).sum()) / max(int(full.sum()), len(each) // 2)


class Gallery:
    """Pictures that were kept. `again`: a picture as like as this to one of them is not taken."""

    def __init__(self, again: float) -> None:
        self._again = again
        self._kept: list[Looks] = []

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, new: Looks) -> bool:
        """Take a picture, unless one like it is there; says whether it was taken."""
        # The newest first: what comes again is most often what was just shown.
        if any(structure(old, new) >= self._again for old in reversed(self._kept)):
            return False
        self._kept.append(new)
        return True
