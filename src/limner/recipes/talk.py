"""An illustrated talk, assembled: each picture of Tux Paint's stamps is shown while its recorded description is spoken.

What is said is what is seen, and who said it wrote it down (the caption beside each stamp), so that the frames, the words and their times
of a document can be held against the truth. It is no recording of a person who gives a talk: `limner data get tuxpaint-stamps`.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from limner.corpus.pixels import Pixels
from limner.document import Image as Picture
from limner.sources.collection import BESIDE
from limner.sources.datasets import dataset
from limner.sources.sound import av_for

WIDTH, HEIGHT, RATE, SOUND = 640, 360, 10, 16_000
PAUSE = 0.6
"""Seconds without a word after each description, before the picture changes, unless said otherwise."""
LEAST = 1.0
"""Seconds that a picture is shown at least."""
LECTURING = 1.5
"""The same, in lectures."""
TITLE = 2.0
"""Seconds that a title is shown, in silence."""


@dataclass(frozen=True)
class Stamp:
    """A picture, what is said of it, and the recording of it. Without a picture its page is empty."""

    name: str
    picture: Path | None
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
    """Stamps with a picture, a caption and a recording of it in `language`, at most `count`, in an order that mixes kinds. Their names say
    where they lie, as in `animals/birds/owl`."""
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


def sound(file: Path) -> NDArray[np.float32]:
    """A recording as float32, mono, 16 kHz, without the silence around it."""
    av = av_for(file.name)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SOUND)
    with av.open(str(file)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    samples = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
    loud = np.flatnonzero(np.abs(samples) > 0.02 * max(float(np.abs(samples).max()), 1e-6))
    return samples[max(loud[0] - 800, 0) : loud[-1] + 1600] if len(loud) else samples


def assemble(
    given: Sequence[Stamp],
    path: Path,
    subtitles: Literal["track", "beside", ""] = "",
    key: int = 250,
    title: str = "",
    pause: float = PAUSE,
) -> list[Shown]:
    """Write the talk (H.264 and FLAC in Matroska, H.264 and AAC else; key frames at most `key` apart) and return when what is shown.
    A `title` is in the file's metadata, and shown at the beginning for two seconds in which nothing is said; `pause` are the seconds
    without a word after each description."""
    av = av_for(path.name)
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
        frame = samples = 0
        if title:
            container.metadata["title"] = title
        pages = [(None, _titled(title))] if title else []
        for stamp, page in [*pages, *((stamp, _page(stamp.picture)) for stamp in given)]:
            spoken = sound(stamp.recording) if stamp else np.zeros(0, np.float32)
            frames = round(max(len(spoken) / SOUND + pause, LEAST if stamp else TITLE) * RATE)
            start = frame / RATE
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
            if stamp is None:
                continue
            told.append(Shown(stamp, start, start + len(spoken) / SOUND, start + frames / RATE))
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
    packet = av_for("").Packet(shown.stamp.text.encode())
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


def _page(picture: Path | None) -> Pixels:
    """The picture on white, as large as it fits."""
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    if picture is None:
        return np.asarray(page)
    with Image.open(picture) as opened:
        image = opened.convert("RGBA")
    scale = min((WIDTH - 40) / image.width, (HEIGHT - 40) / image.height)
    image = image.resize((max(round(image.width * scale), 1), max(round(image.height * scale), 1)))
    page.paste(image, ((WIDTH - image.width) // 2, (HEIGHT - image.height) // 2), image)
    return np.asarray(page)


def _titled(text: str) -> Pixels:
    """Words in the middle of a dark page."""
    page = Image.new("RGB", (WIDTH, HEIGHT), "#20304c")
    ImageDraw.Draw(page).text((WIDTH / 2, HEIGHT / 2), text, "white", ImageFont.load_default(36), "mm")
    return np.asarray(page)


@dataclass(frozen=True)
class Lecture:
    """Stamps of one kind, shown one after the other. `topic` is their first folder, `language` what is spoken, `told` when what is shown."""

    title: str
    topic: str
    language: str
    path: Path
    told: tuple[Shown, ...]

    def shown(self, image: Picture) -> Shown | None:
        """What a frame of it shows; None for its title."""
        start = float(image.place.removeprefix("time:").partition("-")[0] or 0)
        return next((shown for shown in self.told if shown.start - 0.01 <= start < shown.end - 0.01), None)


def grouped(given: Sequence[Stamp], chance: random.Random, least: int = 4, most: int = 8) -> list[tuple[str, list[Stamp]]]:
    """Stamps by kind, shuffled, `least` to `most` of a kind: those of one folder together, those of a folder with fewer than `least` with
    their parent's. What is too little in the end is left out."""
    groups: dict[str, list[Stamp]] = {}
    for stamp in given:
        groups.setdefault(stamp.name.rpartition("/")[0], []).append(stamp)
    for folder in sorted(groups, key=lambda name: (-name.count("/"), name)):
        parent = folder.rpartition("/")[0]
        if len(groups[folder]) < least and parent:
            groups.setdefault(parent, []).extend(groups.pop(folder))
    out: list[tuple[str, list[Stamp]]] = []
    for folder, members in sorted(groups.items()):
        chance.shuffle(members)
        count = -(-len(members) // most)
        size = -(-len(members) // count)
        pieces = [members[at : at + size] for at in range(0, len(members), size)]
        name = folder.rpartition("/")[2].replace("_", " ")
        out += [(name, piece) for piece in pieces if len(piece) >= least]
    return out


def record(
    groups: Sequence[tuple[str, list[Stamp]]], folder: Path, language: str, chance: random.Random, foreign: Sequence[Stamp] = ()
) -> list[Lecture]:
    """Write each group as a talk (`NUMBER-LANGUAGE.mkv`) with its metadata beside it. With `foreign` stamps each lecture is faulty on purpose: while
    one description is spoken the page is empty, during another a foreign picture is shown, and the first picture comes again at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    lectures: list[Lecture] = []
    for number, (title, members) in enumerate(groups):
        given = list(members)
        if foreign:
            wrong, empty = chance.sample(range(1, len(given)), 2)
            given[wrong] = replace(given[wrong], picture=chance.choice(foreign).picture)
            given[empty] = replace(given[empty], picture=None)
            given.append(given[0])
        path = folder / f"{number:02}-{language}.mkv"
        told = assemble(given, path, title=title.capitalize(), pause=LECTURING)
        path.with_name(path.stem + BESIDE).write_text(json.dumps({"id": path.stem, "title": title}), "utf-8")
        lectures.append(Lecture(title, members[0].name.partition("/")[0], language, path, tuple(told)))
    return lectures


def plain_words(text: str, language: str) -> list[str]:
    """The words of a text, in lower case; in English without articles, which the voices leave out: "zebra" for "A zebra."

    >>> plain_words("A zebra, the horse.", "en")
    ['zebra', 'horse']
    """
    found = re.findall(r"[^\W_]+", text.lower())
    return [word for word in found if word not in ("a", "an", "the")] if language == "en" else found


def word_errors(heard: Sequence[str], said: Sequence[str]) -> int:
    """How many words have to be put in, left out or changed to make what was said of what was heard (Levenshtein's distance).

    >>> word_errors(["a", "zebra", "hose"], ["zebra", "horse"])
    2
    """
    row = list(range(len(said) + 1))
    for i, word in enumerate(heard, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(said, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]
