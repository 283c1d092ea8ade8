"""Recordings made by the test, and what is heard in files by a transcriber that listens to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from limner.document import Audio, Image, Text
from limner.errors import SourceError
from limner.experts.address import register
from limner.experts.transcriber import Cue, Samples, Transcript
from limner.packages.cachedir import cache_folder
from limner.sources.datasets import dataset
from limner.sources.files import FolderSource
from limner.sources.kinds import Page, documents
from sources.test_books import Kept
from sources.test_video import SRT, video

av = pytest.importorskip("av", reason="limner[video] is not installed")

from limner.sources.audio import extract  # noqa: E402
from limner.sources.sound import WINDOW, windows  # noqa: E402
from limner.sources.video import extract as extract_video  # noqa: E402

RATE = 16_000
CODECS = {"flac": "flac", "wav": "pcm_s16le", "mp3": "libmp3lame", "ogg": "libopus", "mkv": "pcm_s16le"}


def write(path: Path, samples: Samples, title: str = "") -> None:
    """A recording, in the format of its name."""
    rate = 48_000 if path.suffix == ".ogg" else RATE
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODECS[path.suffix[1:]], rate=rate)
        stream.layout = "mono"
        if title:
            container.metadata["title"] = title
        resampler = av.AudioResampler(format=stream.codec_context.format.name, layout="mono", rate=rate)
        frame = av.AudioFrame.from_ndarray(samples[None], "flt", "mono")
        frame.sample_rate = RATE
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def hum(seconds: float) -> Samples:
    return (0.2 * np.sin(2 * np.pi * 220 * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.mark.parametrize("kind", ["flac", "wav", "mp3", "ogg"])
def test_a_recording_with_subtitles_is_its_passages_and_their_words(tmp_path: Path, kind: str):
    write(tmp_path / f"talk.{kind}", hum(6), "A talk")
    (tmp_path / "talk.en.srt").write_text(SRT)
    source, kept = FolderSource(str(tmp_path)), Kept()
    (input,) = source.inputs()
    (document,) = source.read(input, kept)
    assert [type(part) for part in document.parts] == [Audio, Text]
    sound, words = document.parts
    assert isinstance(sound, Audio)
    assert isinstance(words, Text)
    assert kept.files[sound.ref] == (tmp_path / f"talk.{kind}").read_bytes()
    assert (sound.start, sound.end, words.role) == (0.2, 5.0, "speech")
    assert words.text.startswith("This is the first scene")
    assert (document.language, document.meta["speech"], document.meta["duration"]) == ("en", "file", "6.0")


def test_a_recording_that_nobody_listened_to_says_so(tmp_path: Path):
    write(tmp_path / "a.flac", hum(2))
    (document,) = documents(Page((tmp_path / "a.flac").read_bytes(), "a.flac", "1"), None, limit=10**7)
    assert [(type(part), part.start, part.end) for part in document.parts] == [(Audio, 0.0, 2.0)]  # type: ignore[union-attr]
    assert document.meta["speech"] == "none"
    assert "transcriber" in document.meta["unheard"]


def test_what_is_no_sound_says_so(tmp_path: Path):
    write(tmp_path / "a.flac", hum(1))
    data = (tmp_path / "a.flac").read_bytes()
    with pytest.raises(SourceError, match=r"a\.flac: it (cannot be read as sound|has no sound)"):
        extract(data[:30], name="a.flac")
    damaged = bytearray(data)
    damaged[len(data) // 2 : len(data) // 2 + 200] = bytes(200)
    assert extract(bytes(damaged), name="a.flac").meta["speech"] == "none"


def test_sound_comes_whole_in_pieces_of_bounded_length(tmp_path: Path):
    if not (cache_folder("models") / "silero-vad").is_dir():
        pytest.skip("the weights silero-vad are not here: they come with their first use")
    whole = np.random.default_rng(3).normal(0, 0.1, RATE * (WINDOW + 40)).astype(np.float32)
    write(tmp_path / "long.wav", whole)
    with av.open(str(tmp_path / "long.wav")) as container:
        found = list(windows(container))
    assert len(found) == 2
    assert found[0][0] == 0
    assert all(len(samples) <= RATE * (WINDOW + 1) for _, samples in found)
    assert found[1][0] == pytest.approx(len(found[0][1]) / RATE)
    assert np.abs(np.concatenate([samples for _, samples in found]) - whole).max() < 1e-3


@pytest.fixture
def counter() -> Iterator[str]:
    """A transcriber that says how loud each second of a piece is: what it writes can be held against the sound."""

    class Loud:
        def transcribe(self, pieces: Sequence[Samples], language: str = "") -> list[Transcript]:
            made: list[Transcript] = []
            for piece in pieces:
                loud = [float(np.abs(piece[at : at + RATE]).max()) for at in range(0, len(piece), RATE)]
                made.append(Transcript("en", tuple(Cue(n, n + 1.0, f"loud {v:.1f}.") for n, v in enumerate(loud) if v > 0.05)))
            return made

    register("transcriber", "loud")(lambda _: Loud())
    return "loud:any"


def voice(name: str) -> Samples:
    (file,) = dataset("tuxpaint-stamps").data.rglob(f"{name}_desc.ogg")
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(file)) as container:
        return np.concatenate([o.to_ndarray().reshape(-1) for f in container.decode(audio=0) for o in resampler.resample(f)])


def test_a_videos_words_come_from_its_sound_and_stand_with_the_frame_they_are_said_over(tmp_path: Path, counter: str):
    if not dataset("tuxpaint-stamps").here or not (cache_folder("models") / "silero-vad").is_dir():
        pytest.skip("limner data get tuxpaint-stamps; the weights silero-vad come with their first use")
    spoken = np.zeros(9 * RATE, np.float32)
    zebra = voice("zebra")[:RATE]
    spoken[4 * RATE : 4 * RATE + len(zebra)] = zebra  # over the second scene of three
    write(tmp_path / "sound.flac", spoken)
    video(tmp_path / "silent.mkv", [1, 2, 3])
    with (
        av.open(str(tmp_path / "talk.mkv"), "w") as out,
        av.open(str(tmp_path / "silent.mkv")) as pictures,
        av.open(str(tmp_path / "sound.flac")) as sound,
    ):
        for container in (pictures, sound):
            stream = out.add_stream_from_template(container.streams[0])
            for packet in container.demux(0):
                if packet.dts is not None:
                    packet.stream = stream
                    out.mux(packet)
    document = extract_video(str(tmp_path / "talk.mkv"), Kept(), name="talk.mkv", experts={"transcriber": counter})
    assert [type(part) for part in document.parts] == [Image, Image, Text, Image]
    assert (document.language, document.meta["speech"], document.meta["transcriber"]) == ("en", "transcriber", counter)
    assert "unheard" in extract_video(str(tmp_path / "talk.mkv"), name="talk.mkv").meta
    silent = extract_video(str(tmp_path / "silent.mkv"), name="silent.mkv", experts={"transcriber": counter})
    assert (silent.meta["speech"], silent.texts) == ("none", ())


def test_a_video_file_without_picture_is_a_recording(tmp_path: Path):
    write(tmp_path / "a.mkv", hum(2))
    document = extract_video(str(tmp_path / "a.mkv"), name="a.mkv")
    assert [type(part) for part in document.parts] == [Audio]
