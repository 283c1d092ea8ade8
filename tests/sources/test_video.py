"""Videos made by the test: scenes that are told apart, and what is said over them."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from limner.document import Image, Text
from limner.errors import SourceError
from limner.sources.files import FolderSource
from limner.sources.kinds import recognise
from sources.test_books import Kept

av = pytest.importorskip("av", reason="limner[video] is not installed")
pytest.importorskip("pysubs2", reason="limner[video] is not installed")

from limner.sources.speech import Said, parsed, passages  # noqa: E402
from limner.sources.video import Settings, extract  # noqa: E402
from limner.sources.video.clips import boundaries, split  # noqa: E402
from limner.sources.video.frames import looks, structure  # noqa: E402

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


def test_words_that_begin_a_moment_before_a_cut_belong_to_what_is_shown_next():
    cues = [Said(0, 2.8, "Before."), Said(2.8, 5, "After.")]
    assert passages(cues, cuts=[3.0]) == cues
    assert [p.text for p in passages(cues, cuts=[4.0])] == ["Before. After."]
    assert Said(2.8, 5, "After.").anchor > 3.0 > Said(2.8, 2.9, "Short").anchor


def test_vtt_is_read_and_what_is_no_subtitles_is_nothing():
    assert parsed(b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Tom>Hello</v>\n") == [Said(1, 2, "Hello")]
    assert parsed(b"\0\1\2") == []
    assert parsed(b"") == []


def test_structure_is_one_for_the_same_and_low_for_another():
    a = np.random.default_rng(1).random((36, 64)).astype(np.float32) * 255
    assert structure(looks(a), looks(a)) == pytest.approx(1)
    assert structure(looks(a), looks(255 - a)) < 0


def test_two_drawings_on_white_are_not_alike_for_their_paper():
    drawn = [np.full((36, 64), 255, np.float32) for _ in range(2)]
    for page, seed in zip(drawn, (1, 2), strict=True):
        page[12:28, 22:42] = np.random.default_rng(seed).random((16, 20)) * 255
    assert structure(*map(looks, drawn)) < 0.75
    blank = looks(np.full((36, 64), 255, np.float32))
    assert structure(blank, blank) == pytest.approx(1)
    assert structure(blank, looks(np.zeros((36, 64), np.float32))) < 0.1


def words(path: Path, texts: list[tuple[float, str]]) -> None:
    """A video of one scene with a track of subtitles, a cue a second long each."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        subtitles = container.add_stream("subrip")
        subtitles.codec_context.subtitle_header = b"[Script Info]\nScriptType: v4.00+\n"
        for _ in range(30):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(1), "rgb24")))
        container.mux(stream.encode(None))
        for start, text in texts:
            packet = av.Packet(text.encode())
            packet.stream, packet.time_base, packet.duration = subtitles, Fraction(1, 1000), 1000
            packet.pts = packet.dts = int(start * 1000)
            container.mux(packet)


def test_a_videos_own_track_of_subtitles_is_read(tmp_path: Path):
    words(tmp_path / "a.mkv", [(0.2, "Said <b>in</b> the file"), (2.5, "and after a pause")])
    document = extract(str(tmp_path / "a.mkv"), name="a.mkv")
    assert [(part.text, part.place) for part in document.texts] == [
        ("Said in the file", "time:0.2-1.2"), ("and after a pause", "time:2.5-3.5"),
    ]  # fmt: skip
    assert document.meta["speech"] == "track"


def test_text_on_frames_is_read_and_what_stands_still_only_once(tmp_path: Path):
    pytest.importorskip("rapidocr", reason="limner[ocr] is not installed")
    with av.open(str(tmp_path / "slides.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 640, 360, "yuv420p", 4_000_000
        for at, (seed, text) in enumerate([(1, "Cropping an image"), (2, "Rotating a layer")]):
            page = np.full((360, 640, 3), 255, np.uint8)
            page[200:340] = np.kron(
                np.random.default_rng(seed).integers(0, 255, (7, 32, 3), np.uint8), np.ones((20, 20, 1), np.uint8)
            )
            picture = Picture.fromarray(page)
            ImageDraw.Draw(picture).text((40, 110), text, "black", ImageFont.load_default(48))
            ImageDraw.Draw(picture).text((40, 30), "Painting course", "black", ImageFont.load_default(40))
            for _ in range(20):
                container.mux(stream.encode(av.VideoFrame.from_image(picture)))
            assert at < 2
        container.mux(stream.encode(None))
    document = extract(str(tmp_path / "slides.mp4"), name="s", settings=Settings(alike=0.8), experts={"ocr": "bundled:rapidocr"})
    assert [type(part) for part in document.parts] == [Image, Text, Image, Text]
    assert [part.role for part in document.texts] == ["ocr", "ocr"]
    assert [part.text.splitlines() for part in document.texts] == [["Painting course", "Cropping an image"], ["Rotating a layer"]]
    assert document.meta["ocr"] == "2 frames by bundled:rapidocr"


BEES = """Bees live in a hive and make honey from the nectar of flowers. A queen bee lays the eggs, and the worker bees feed the larvae
in their cells of wax. When a worker has found flowers with much nectar, she flies back to the hive and dances. The dance tells the other
bees how far the flowers are and where, and soon many workers fly there. In the hive the nectar is put into cells, and the bees fan it with
their wings until it is honey. In winter there are no flowers. The bees sit close together around the queen, and live on the honey in their
cells. A beekeeper who takes the honey gives the hive sugar for it. In spring the queen lays eggs again, and the hive grows until it is
too small. Then half of the bees leave with the old queen, as a swarm, and look for another hollow tree, and a young queen stays."""
TRAINS = """The first locomotives burned coal to heat water in a boiler, and the steam drove the wheels over rods and cylinders. Rails of
iron, later of steel, carried trains that no road could have carried. Signals beside the track tell the driver whether the next section of
the track is free; a signal box sets them together with the points. On steep lines a rack between the rails helps the locomotive, and long
trains have a second locomotive behind. Electric locomotives take current from a wire above the track, and their motors turn the wheels
without steam or coal. On fast lines the rails are welded, the curves are wide, and signals stand in the driver's cab, since at such speed
nobody can read them beside the track. Freight trains go at night, when the line is free of faster trains, and wait in a siding else."""


def talked(text: str, start: float = 0.0) -> list[Said]:
    each = text.split()
    return [Said(start + 3 * n, start + 3 * n + 3, " ".join(each[at : at + 8])) for n, at in enumerate(range(0, len(each), 8))]


def test_a_talk_of_two_topics_is_two_clips_and_one_of_one_is_one(tmp_path: Path):
    first = talked(BEES)
    second = talked(TRAINS, first[-1].end)
    assert boundaries([*first, *second]) == [pytest.approx(second[0].start, abs=6)]
    assert boundaries(first) == boundaries(second) == boundaries([]) == []


def test_a_document_is_cut_where_its_clips_begin(tmp_path: Path):
    cues = talked(BEES + " " + TRAINS)
    words(tmp_path / "a.mkv", [(cue.start, cue.text) for cue in cues])
    document = extract(str(tmp_path / "a.mkv"), name="a.mkv")
    (mark,) = document.meta["clips"].split()
    clips = list(split(document))
    assert [part for clip in clips for part in clip.parts] == list(document.parts)
    assert clips[0].id == document.id != clips[1].id
    assert [clip.meta["clip"] for clip in clips] == [f"0.0-{mark}", f"{mark}-{document.meta['duration']}"]
    assert "locomotives" not in " ".join(part.text for part in clips[0].texts)
    assert clips[1].texts[0].place.startswith(f"time:{mark}")
    assert list(split(clips[0])) == [clips[0]]


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
