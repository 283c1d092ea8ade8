"""Transcribers behind a server that speaks OpenAI's audio transcriptions, through the `openai` client."""

from __future__ import annotations

import hashlib
import importlib
import io
import os
import wave
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from limner.errors import ExpertError, MissingExtra
from limner.experts.address import openai
from limner.experts.budget import Budget
from limner.experts.language_openai import AT_ONCE, RETRIES, TIMEOUT
from limner.experts.pace import Pace
from limner.experts.requests import Kept
from limner.experts.transcriber import Cue, Samples, Transcript
from limner.experts.voice import RATE

SECOND = 10
"""Tokens that a second of sound counts, and the most that are spoken in it; servers that charge by the minute have a price a token by this."""

# What the protocol's answers call languages (https://github.com/openai/whisper, tokenizer.py), for those that are common.
_CODES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "portuguese": "pt", "italian": "it", "dutch": "nl",
    "russian": "ru", "polish": "pl", "ukrainian": "uk", "czech": "cs", "turkish": "tr", "arabic": "ar", "hebrew": "he",
    "persian": "fa", "hindi": "hi", "chinese": "zh", "japanese": "ja", "korean": "ko", "vietnamese": "vi", "indonesian": "id",
    "swedish": "sv", "danish": "da", "norwegian": "no", "finnish": "fi", "hungarian": "hu", "greek": "el", "romanian": "ro",
    "bulgarian": "bg", "catalan": "ca", "thai": "th",
}  # fmt: skip


def served(rest: str) -> ServedTranscriber:
    """The model at `MODEL@URL`."""
    return ServedTranscriber(*openai(rest))


class ServedTranscriber:
    """A transcriber by its model's name at a server's address. Answers are kept on disk by the sound that was sent."""

    def __init__(self, model: str, url: str, kept: Kept | None = None) -> None:
        try:
            package: Any = importlib.import_module("openai")
        except ImportError:
            raise MissingExtra("openai", "openai", f"the transcriber openai:{model}@{url}") from None
        key = os.environ.get("LIMNER_API_KEY") or os.environ.get("OPENAI_API_KEY") or "none"
        self._package = package
        self._client = package.OpenAI(base_url=url, api_key=key, max_retries=RETRIES, timeout=TIMEOUT)
        self._model, self._url = model, url
        self._kept, self._budget, self._pace = kept or Kept(), Budget(), Pace()

    def transcribe(self, pieces: Sequence[Samples], language: str = "") -> list[Transcript]:
        """See `Transcriber`. Several requests at a time; one that fails after its retries raises `ExpertError`."""
        at_once = int(os.environ.get("LIMNER_AT_ONCE", AT_ONCE))
        code = language.partition("-")[0]
        with ThreadPoolExecutor(max(min(at_once, len(pieces)), 1)) as pool:
            answers = list(pool.map(lambda piece: self._one(piece, code), pieces))
        named = Counter(answer["language"] for answer in answers if answer["language"] and answer["segments"])
        common = language or (named.most_common(1)[0][0] if named else "")
        return [Transcript(common, tuple(Cue(a, b, text) for a, b, text in answer["segments"])) for answer in answers]

    def _one(self, piece: Samples, language: str) -> dict[str, Any]:
        sound = wav(piece)
        request = {"model": self._model, "response_format": "verbose_json", "temperature": 0.0}
        if language:
            request["language"] = language
        key = self._kept.key({"url": self._url, "sound": hashlib.sha256(sound).hexdigest(), **request})
        found = self._kept.get(key)
        if found is None:
            found = self._paid(sound, request)
            self._kept.put(key, found)
        return found

    def _paid(self, sound: bytes, request: dict[str, Any]) -> dict[str, Any]:
        """The answer, counted before it is sent: sound as `SECOND` tokens a second, what is written as it is after."""
        asked = written = round(SECOND * len(sound) / 2 / RATE)
        held = self._budget.hold(f"{self._model}@{self._url}", asked, written)
        try:
            self._pace.wait(asked + written)
            found = self._ask(sound, request)
        except BaseException:
            self._budget.release(held)
            raise
        self._budget.settle(held, asked, sum(len(text) for _, _, text in found["segments"]) // 2)
        return found

    def _ask(self, sound: bytes, request: dict[str, Any]) -> dict[str, Any]:
        try:
            got = self._client.audio.transcriptions.create(file=("piece.wav", sound, "audio/wav"), **request)
        except self._package.OpenAIError as error:
            raise ExpertError(f"openai:{self._model}@{self._url} did not answer: {error}") from error
        answer = got.model_dump() if hasattr(got, "model_dump") else {}
        named = str(answer.get("language") or "").lower()
        segments = answer.get("segments")
        if segments is None:  # a server that knows no segments has the text alone
            text = str(answer.get("text") or "").strip()
            segments = [{"start": 0.0, "end": (len(sound) - 44) / 2 / RATE, "text": text}] if text else []
        try:
            cues = [[float(s["start"]), float(s["end"]), str(s["text"]).strip()] for s in segments]
        except (KeyError, TypeError, ValueError) as error:
            raise ExpertError(f"openai:{self._model}@{self._url} answered with segments that are none: {error!r}") from None
        return {"language": _CODES.get(named, named if 2 <= len(named) <= 3 else ""), "segments": [cue for cue in cues if cue[2]]}


def wav(samples: Samples) -> bytes:
    """Sound as the bytes of a WAV file, 16 bits a sample."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()
