"""Videos made by the test: scenes that are told apart, and what is said over them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from limner.document import Image, Text
from limner.errors import SourceError
from limner.sources.files import FolderSource
from limner.sources.kinds import recognise
from sources.test_books import Kept

av = pytest.importorskip("av", reason="limner[video] is not installed")
pytest.importorskip("pysubs2", reason="limner[video] is not installed")

from limner.sources.video import Settings, extract  # noqa: E402
from limner.sources.video.frames import structure  # noqa: E402
from limner.sources.video.speech import Said, parsed, passages  # noqa: E402

SRT = """1
00:00:00,200 --> 00:00:01,500
This is the <i>first</i> scene,

2
00:00:01,600 --> 00:00:02,800
and this its end.

3
00:00:03,100 --> 00:00:05,000
Here is the second.
"""


def scene(seed: int) -> np.ndarray:
    """A picture of squares, of its own for each seed."""
    draw = np.random.default_rng(seed)
    return np.kron(draw.integers(0, 255, (9, 16, 3), np.uint8), np.ones((20, 20, 1), np.uint8))


def video(path: Path, scenes: list[int], seconds: int = 3, rate: int = 10, every: int = 1000) -> None:
    """Scenes of some seconds each; a key frame every `every` frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 320, 180, "yuv420p", every
        stream.bit_rate = 4_000_000
        for number in range(len(scenes) * seconds * rate):
            picture = np.roll(scene(scenes[number // (seconds * rate)]), number % 3, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode(None))


def times(parts: tuple[object, ...]) -> list[float]:
    return [float(part.place.removeprefix("time:").partition("-")[0]) for part in parts]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("mode", "every"), [("scan", 1000), ("auto", 1000), ("auto", 5), ("keys", 5)])
def test_every_scene_gives_one_frame_and_one_that_comes_again_none(tmp_path: Path, mode: str, every: int):
    video(tmp_path / "a.mp4", [1, 2, 1, 3], every=every)
    kept = Kept()
    document = extract(str(tmp_path / "a.mp4"), kept, name="a.mp4", settings=Settings(mode=mode, gap=2))  # type: ignore[arg-type]
    assert [round(t / 3) for t in times(document.parts)] == [0, 1, 3]
    assert all(image.ref in kept.files and image.width == 320 for image in document.images)
    assert document.meta["speech"] == "none"


def test_what_is_said_stands_with_the_frame_it_is_said_over(tmp_path: Path):
    video(tmp_path / "talk.mp4", [1, 2])
    (tmp_path / "talk.en.srt").write_text(SRT)
    (tmp_path / "other.srt").write_text(SRT.replace("first", "wrong"))
    document = extract(str(tmp_path / "talk.mp4"), Kept(), name="talk.mp4")
    assert (document.language, document.meta["speech"]) == ("en", "file")
    assert [type(part) for part in document.parts] == [Image, Text, Image, Text]
    assert [part.text for part in document.texts] == ["This is the first scene, and this its end.", "Here is the second."]
    assert all(part.role == "speech" for part in document.texts)
    starts = times(document.parts)
    assert starts == sorted(starts)


def test_a_video_in_a_folder_is_an_input_and_its_subtitles_are_none(tmp_path: Path):
    video(tmp_path / "talk.mp4", [1])
    (tmp_path / "talk.srt").write_text(SRT)
    source = FolderSource(str(tmp_path))
    (input,) = source.inputs()
    (document,) = source.read(input, Kept())
    assert input.name.endswith("/talk.mp4")
    assert document.source == input.name
    assert document.texts


def test_cues_that_roll_are_said_once_and_a_pause_ends_a_passage():
    cues = [Said(0, 1, "One two three"), Said(1, 2, "two three four"), Said(5, 6, "Five")]
    assert [p.text for p in passages(cues)] == ["One two three four", "Five"]
    assert [p.text for p in passages([*cues[:1], Said(1, 2, "four")], cuts=[1.0])] == ["One two three", "four"]


def test_vtt_is_read_and_what_is_no_subtitles_is_nothing():
    assert parsed(b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Tom>Hello</v>\n") == [Said(1, 2, "Hello")]
    assert parsed(b"\0\1\2") == []
    assert parsed(b"") == []


def test_structure_is_one_for_the_same_and_low_for_another():
    a = np.random.default_rng(1).random((36, 64)).astype(np.float32) * 255
    assert structure(a, a) == pytest.approx(1)
    assert structure(a, 255 - a) < 0


def test_what_is_no_video_says_so(tmp_path: Path):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    data = file.getvalue()
    assert recognise(data[:1024]) == "video/mp4"
    with pytest.raises(SourceError, match=r"a\.mp4: it (cannot be read as video|has no picture)"):
        extract(data[: len(data) // 3], name="a.mp4")
