"""Where in a recording somebody speaks: Silero VAD (MIT; https://github.com/snakers4/silero-vad), any language.

Music, noise and silence are not speech; singing sometimes is.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.experts.onnx import Session
from limner.experts.weights import weights

RATE = 16_000
"""Samples a second."""

_STEP = 512  # samples that the model judges at a time ...
_BEFORE = 64  # ... and samples before them that it sees too
_BEGINS, _GOES_ON = 0.5, 0.35  # probabilities at which speech begins, and below which it ends
_SHORTEST = 0.25  # seconds of speech: less is a click or a cough
_PAUSE = 0.3  # seconds without speech: less is within a word or a phrase
_AT_ONCE = 20_000  # steps that the model is given at a time, some ten minutes


def stretches(samples: NDArray[np.float32]) -> list[tuple[float, float]]:
    """From when to when somebody speaks, in seconds. `samples` are mono, 16,000 a second. Raises `ExpertError` where the model's weights
    cannot be had, `MissingExtra` without onnxruntime."""
    return joined(probabilities(samples), len(samples) / RATE)


def probabilities(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """How probable speech is in each 32 ms."""
    steps = -(-len(samples) // _STEP)
    if not steps:
        return np.zeros(0, np.float32)
    padded = np.zeros(_BEFORE + steps * _STEP, np.float32)
    padded[_BEFORE : _BEFORE + len(samples)] = samples
    windows = np.lib.stride_tricks.sliding_window_view(padded, _BEFORE + _STEP)[::_STEP]
    state = {"h": np.zeros((1, 1, 128), np.float32), "c": np.zeros((1, 1, 128), np.float32)}
    found: list[NDArray[np.float32]] = []
    for at in range(0, steps, _AT_ONCE):
        given = np.ascontiguousarray(windows[at : at + _AT_ONCE])
        probable, state["h"], state["c"] = _model().run(["speech_probs", "hn", "cn"], {"input": given, **state})
        found.append(probable.reshape(-1))
    return np.concatenate(found)


def joined(probable: Sequence[float] | NDArray[np.float32], seconds: float) -> list[tuple[float, float]]:
    """Stretches of speech: they begin where it is probable and go on while it is not improbable; short pauses are theirs, and short
    stretches are none."""
    step = _STEP / RATE
    found: list[tuple[float, float]] = []
    began = -1
    for at, p in enumerate([*probable, 0.0]):
        if began < 0 and p >= _BEGINS:
            began = at
        elif began >= 0 and p < _GOES_ON:
            start, end = began * step, min(at * step, seconds)
            if found and start - found[-1][1] < _PAUSE:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
            began = -1
    return [(start, end) for start, end in found if end - start >= _SHORTEST]


@cache
def _model() -> Session:
    return Session(weights("silero-vad") / "silero_vad_16k_sequence.onnx", "speech")
