"""The sound of a file: decoded, in pieces that are cut where nobody speaks, and what is said in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from limner.errors import MissingExtra
from limner.experts.transcriber import Samples, transcribe
from limner.experts.voice import RATE, stretches
from limner.sources.speech import Said, Speech

WINDOW = 600
"""Seconds of sound that are held at a time."""
MAX_SECONDS = 24 * 3600

_BROKEN = 1_000  # packets in a row that cannot be decoded: the rest is not looked at


def av_for(name: str) -> Any:
    """The module av; raises `MissingExtra` where it is not installed."""
    try:
        import av
    except ImportError:
        raise MissingExtra("video", "av", f"reading {name or 'sound or video'}") from None
    return av


def heard(container: Any, experts: Mapping[str, str]) -> Speech:
    """What is said in the sound of a file, as far as there is a transcriber for it. Words and the silence between them come from the
    transcriber alone: where it says nothing there is nothing."""
    if not container.streams.audio:
        return Speech([])
    address = experts.get("transcriber", "")
    if not address:
        return Speech([], unheard=True)
    cues: list[Said] = []
    language = ""
    for start, samples in windows(container):
        transcript = transcribe(samples, address, language)
        language = language or transcript.language
        cues += [Said(start + cue.start, start + cue.end, cue.text) for cue in transcript.cues]
    return Speech(cues, language, "transcriber", address)


def windows(container: Any) -> Iterator[tuple[float, Samples]]:
    """The sound of a file (its first track) in pieces of at most `WINDOW` seconds, with when each begins; cut where nobody speaks, as far
    as there is such a place."""
    held: list[Samples] = []
    count = total = 0
    began = 0.0
    for time, samples in _decoded(container):
        if not held and not total:
            began = time
        held.append(samples)
        count += len(samples)
        total += len(samples)
        if count >= WINDOW * RATE:
            whole = np.concatenate(held)
            cut = _silence(whole)
            yield began, whole[:cut]
            began += cut / RATE
            held, count = [whole[cut:]], len(whole) - cut
        if total > MAX_SECONDS * RATE:
            break
    if count:
        yield began, np.concatenate(held)


def _silence(samples: Samples) -> int:
    """Where to cut: before the last stretch of speech, if it reaches the end and does not fill half of it all."""
    spoken = stretches(samples)
    if not spoken or spoken[-1][1] < len(samples) / RATE - 1 or spoken[-1][0] < len(samples) / RATE / 2:
        return len(samples)
    return max(int((spoken[-1][0] - 0.1) * RATE), 1)


def _decoded(container: Any) -> Iterator[tuple[float, Samples]]:
    """Sound as it is decoded: float32, mono, 16 kHz, with its time. What is damaged is left out."""
    av = av_for("")
    stream = container.streams.audio[0]
    stream.thread_count = 1
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    began: float | None = None
    broken = 0
    container.seek(0)
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
            made = [out for frame in frames for out in resampler.resample(frame)]
            broken = 0
        except (av.error.FFmpegError, ValueError):
            broken += 1
            if broken == _BROKEN:
                return
            continue
        if frames and began is None:
            began = float(frames[0].time or 0.0)
        for out in made:
            yield max(began or 0.0, 0.0), out.to_ndarray().reshape(-1)
    for out in resampler.resample(None) if began is not None else ():
        yield began or 0.0, out.to_ndarray().reshape(-1)
