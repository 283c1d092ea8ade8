"""An illustrated talk, assembled: each picture of Tux Paint's stamps is shown while its recorded description is spoken.

    python bench/talk.py talk.mkv                        # English, subtitles in the file
    python bench/talk.py talk.mp4 --language fr --count 100 --subtitles beside

What is said is what is seen, and who said it wrote it down (the caption beside each stamp), so that the frames, the words and their times
of a document can be held against the truth. It is no recording of a person who gives a talk: `limner data get tuxpaint-stamps`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from PIL import Image

from limner.sources.datasets import dataset

WIDTH, HEIGHT, RATE, SOUND = 640, 360, 10, 16_000
PAUSE = 0.6
"""Seconds without a word after each description, before the picture changes."""
LEAST = 1.0
"""Seconds that a picture is shown at least."""


@dataclass(frozen=True)
class Stamp:
    """A picture, what is said of it, and the recording of it."""

    name: str
    picture: Path
    text: str
    recording: Path


@dataclass(frozen=True)
class Shown:
    """When a stamp's picture is shown and its description spoken, in seconds."""

    stamp: Stamp
    start: float
    spoken: float
    end: float


def stamps(language: str = "en", count: int = 0) -> list[Stamp]:
    """Stamps with a picture, a caption and a recording of it in `language`, at most `count`, in an order that mixes kinds."""
    root = dataset("tuxpaint-stamps").data
    tail = "_desc.ogg" if language == "en" else f"_desc_{language}.ogg"
    found: list[Stamp] = []
    for recording in sorted(root.rglob(f"*{tail}")):
        plain = recording.with_name(recording.name.removesuffix(tail))
        picture, text = plain.with_suffix(".png"), _caption(plain.with_suffix(".txt"), language)
        if picture.is_file() and text:
            found.append(Stamp(plain.relative_to(root).as_posix(), picture, text, recording))
    mixed = np.random.default_rng(7).permutation(len(found))
    return [found[at] for at in mixed][: count or None]


def _caption(file: Path, language: str) -> str:
    if not file.is_file():
        return ""
    lines = file.read_text("utf-8", "replace").splitlines()
    mark = f"{language}.utf8="
    return (lines[0] if language == "en" else next((line[len(mark) :] for line in lines if line.startswith(mark)), "")).strip()


def sound(file: Path) -> np.ndarray:
    """A recording as float32, mono, 16 kHz, without the silence around it."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SOUND)
    with av.open(str(file)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    loud = np.flatnonzero(np.abs(samples) > 0.02 * max(float(np.abs(samples).max()), 1e-6))
    return samples[max(loud[0] - 800, 0) : loud[-1] + 1600] if len(loud) else samples


def assemble(given: Sequence[Stamp], path: Path, subtitles: Literal["track", "beside", ""] = "", key: int = 250) -> list[Shown]:
    """Write the talk (H.264 and FLAC in Matroska, H.264 and AAC else; key frames at most `key` apart) and return when what is shown."""
    told: list[Shown] = []
    matroska = path.suffix == ".mkv"
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=RATE, options={"crf": "23", "g": str(key), "threads": "1"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio: Any = container.add_stream("flac" if matroska else "aac", rate=SOUND)
        audio.layout = "mono"
        text: Any = container.add_stream("subrip") if subtitles == "track" else None
        if text is not None:
            text.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n"
        resampler = av.AudioResampler(format=audio.codec_context.format or "s16", layout="mono", rate=SOUND)
        frame, samples = 0, 0
        for stamp in given:
            spoken = sound(stamp.recording)
            frames = round(max(len(spoken) / SOUND + PAUSE, LEAST) * RATE)
            start = frame / RATE
            told.append(Shown(stamp, start, start + len(spoken) / SOUND, start + frames / RATE))
            page = _page(stamp.picture)
            for _ in range(frames):
                shown = av.VideoFrame.from_ndarray(page, "rgb24")
                shown.pts, frame = frame, frame + 1
                shown.time_base = Fraction(1, RATE)
                container.mux(video.encode(shown))
            heard = np.zeros(frames * SOUND // RATE, np.float32)
            heard[: len(spoken)] = spoken[: len(heard)]
            given_frame = av.AudioFrame.from_ndarray(heard[None], "flt", "mono")
            given_frame.sample_rate, given_frame.pts, samples = SOUND, samples, samples + len(heard)
            given_frame.time_base = Fraction(1, SOUND)
            for piece in resampler.resample(given_frame):
                container.mux(audio.encode(piece))
            if text is not None:
                container.mux(_cue(text, told[-1]))
        for piece in resampler.resample(None):
            container.mux(audio.encode(piece))
        container.mux(audio.encode(None))
        container.mux(video.encode(None))
    if subtitles == "beside":
        path.with_suffix(".srt").write_text(srt(told), "utf-8")
    return told


def _cue(stream: Any, shown: Shown) -> Any:
    packet = av.Packet(shown.stamp.text.encode())
    packet.stream, packet.time_base = stream, Fraction(1, 1000)
    packet.pts = packet.dts = round(shown.start * 1000)
    packet.duration = round((shown.spoken - shown.start) * 1000)
    return packet


def srt(told: Iterable[Shown]) -> str:
    """The captions as a file of subtitles."""
    return "\n".join(f"{n}\n{_clock(s.start)} --> {_clock(s.spoken)}\n{s.stamp.text}\n" for n, s in enumerate(told, 1))


def _clock(seconds: float) -> str:
    whole, thousandth = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandth:03}"


def _page(picture: Path) -> np.ndarray:
    """The picture on white, as large as it fits."""
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    with Image.open(picture) as opened:
        image = opened.convert("RGBA")
    scale = min((WIDTH - 40) / image.width, (HEIGHT - 40) / image.height)
    image = image.resize((max(round(image.width * scale), 1), max(round(image.height * scale), 1)))
    page.paste(image, ((WIDTH - image.width) // 2, (HEIGHT - image.height) // 2), image)
    return np.asarray(page)


def main() -> None:
    """Write a talk."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--language", default="en")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--subtitles", choices=["track", "beside", ""], default="track")
    options = parser.parse_args()
    told = assemble(stamps(options.language, options.count), options.output, options.subtitles)
    print(f"{len(told)} stamps, {told[-1].end:.0f} s, assembled: {options.output}")


if __name__ == "__main__":
    main()
