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
_SHARP = 256  # pixels of the copy that sharpness is measured on


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: when it is shown (seconds), how sharp it is (variance of the Laplacian), its small gray copy, and itself."""

    time: float
    sharpness: float
    small: Gray
    picture: Any


def frames(container: Any, mode: str, rate: float, gap: float) -> Iterator[Frame]:
    """Frames in order of time. `mode` is `keys`, `scan` (`rate` frames a second), or `auto`: keys, unless two are more than `gap` seconds
    apart."""
    stream = container.streams.video[0]
    keys = mode == "keys" or (mode == "auto" and _widest(container, stream) <= gap)
    container.seek(0)
    stream.codec_context.skip_frame = "NONKEY" if keys else "DEFAULT"
    stream.thread_count = 1
    following = 0.0
    for picture in container.decode(stream):
        if picture.time is None or (not keys and picture.time + 1e-6 < following):
            continue
        following = picture.time + 1 / rate
        small = picture.reformat(width=_WIDTH, height=_HEIGHT, format="gray").to_ndarray().astype(np.float32)
        yield Frame(float(picture.time), _sharpness(picture), small, picture)


def _widest(container: Any, stream: Any) -> float:
    """The widest gap between key frames, in seconds; without decoding."""
    last, widest = 0.0, 0.0
    for packet in container.demux(stream):
        if packet.pts is not None and packet.is_keyframe:
            now = float(packet.pts * packet.time_base)
            widest, last = max(widest, now - last), now
    duration = float(stream.duration * stream.time_base) if stream.duration else last
    return max(widest, duration - last)


def _sharpness(picture: Any) -> float:
    width = min(_SHARP, picture.width)
    height = max(round(picture.height * width / picture.width), 3)
    gray = picture.reformat(width=width, height=height, format="gray").to_ndarray().astype(np.float32)
    laplacian = gray[1:-1, :-2] + gray[1:-1, 2:] + gray[:-2, 1:-1] + gray[2:, 1:-1] - 4 * gray[1:-1, 1:-1]
    return float(laplacian.var())


def shots(found: Iterator[Frame], alike: float, look: int = 3) -> Iterator[tuple[Frame, float]]:
    """The sharpest of the first `look` frames of each shot, with when the shot ends. A shot ends where a frame's structure is less than
    `alike` like its first."""
    first = best = None
    seen, end = 0, 0.0
    for frame in found:
        if first is None or structure(first.small, frame.small) < alike:
            if best is not None:
                yield best, frame.time
            first = best = frame
            seen = 1
        elif seen < look and best is not None:
            seen += 1
            best = frame if frame.sharpness > best.sharpness else best
        end = frame.time
    if best is not None:
        yield best, end


def structure(a: Gray, b: Gray) -> float:
    """The structural similarity of two small gray pictures, the mean over blocks of 4 x 4 (Wang et al. 2004, IEEE TIP 13:4); 1 for the
    same."""
    x, y = _blocks(a), _blocks(b)
    mx, my = x.mean(axis=1), y.mean(axis=1)
    vx, vy = x.var(axis=1), y.var(axis=1)
    cov = ((x - mx[:, None]) * (y - my[:, None])).mean(axis=1)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def _blocks(gray: Gray) -> Gray:
    rows = gray.reshape(_HEIGHT // _BLOCK, _BLOCK, _WIDTH // _BLOCK, _BLOCK)
    return rows.transpose(0, 2, 1, 3).reshape(-1, _BLOCK * _BLOCK)
