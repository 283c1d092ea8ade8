"""Whisper as it comes with limner: weights for CTranslate2, run by faster-whisper on the processor."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from limner.errors import ExpertError, MissingExtra
from limner.experts.transcriber import Cue, Samples, Transcript
from limner.experts.weights import weights

NAMES = ("whisper-base", "whisper-tiny.en")

_UNSURE, _LESS_UNSURE = -1.0, -0.8  # the mean logarithm of probability: below it the words are a guess
_SILENT = 0.6  # probability that nobody speaks: from here the words must be surer
_REPEATS = 2.4  # how many times smaller a segment's text gets when packed: above it the model repeats itself


def bundled(rest: str) -> Whisper:
    """The models that limner knows: `NAMES`."""
    if rest not in NAMES:
        raise ExpertError(
            f"no bundled transcriber is called {rest!r}; there are {', '.join(f'bundled:{name}' for name in NAMES)}"
        )
    return Whisper(rest)


class Whisper:
    """On one thread, in 8-bit numbers (the runner has a process a core)."""

    def __init__(self, name: str) -> None:
        try:
            package: Any = importlib.import_module("faster_whisper")
        except ImportError:
            raise MissingExtra("speech", "faster-whisper", f"the transcriber bundled:{name}") from None
        # Its bar of progress, which is off, would otherwise hold a lock between processes that is reported as lost at the end.
        importlib.import_module("tqdm").tqdm.set_lock(threading.RLock())
        self._model = package.WhisperModel(str(weights(name)), device="cpu", compute_type="int8", cpu_threads=1)

    def transcribe(self, pieces: Sequence[Samples], language: str = "") -> list[Transcript]:
        """See `Transcriber`."""
        if not pieces:
            return []
        language = language.partition("-")[0] or self._language(pieces)
        return [self._one(piece, language) for piece in pieces]

    def _language(self, pieces: Sequence[Samples]) -> str:
        """The language of the longest pieces, two minutes of them at most."""
        if not self._model.model.is_multilingual:
            return "en"
        longest = sorted(pieces, key=len, reverse=True)[:4]
        found, _, _ = self._model.detect_language(np.concatenate(longest), language_detection_segments=4)
        return found

    def _one(self, piece: Samples, language: str) -> Transcript:
        # One temperature: others are drawn by chance, and what is unsure is left out anyway.
        segments, _ = self._model.transcribe(
            piece, language=language, temperature=0.0, condition_on_previous_text=False, word_timestamps=True, vad_filter=False,
            no_speech_threshold=None,
        )  # fmt: skip
        kept = [segment for segment in segments if heard(segment.avg_logprob, segment.no_speech_prob, segment.compression_ratio)]
        cues = tuple(Cue(float(s.start), float(s.end), s.text.strip()) for s in kept)
        words = tuple(Cue(float(w.start), float(w.end), w.word) for segment in kept for w in segment.words)
        return Transcript(language, cues, words)


def heard(likelihood: float, silence: float, packing: float) -> bool:
    """Whether a segment's words were said, as far as the model tells: the mean logarithm of the probabilities of its tokens, its own
    probability that nobody speaks, and how many times smaller the text gets when packed (Whisper's three measures, arXiv 2212.04356,
    section 4.5; limits that also leave out the hum of a cartoon's rabbit)."""
    return likelihood >= (_UNSURE if silence < _SILENT else _LESS_UNSURE) and packing <= _REPEATS
