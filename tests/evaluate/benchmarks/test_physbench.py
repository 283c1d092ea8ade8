"""PhysBench by its schema: files in their places, videos as frames, the split whose answers are there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks.physbench import PHYS_BENCH
from limner.evaluate.benchmarks.videoframes import frames

av: Any = pytest.importorskip("av")


def video(path: Path, count: int = 24) -> Path:
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for n in range(count):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * n, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "physbench"
    (folder / "image").mkdir(parents=True)
    Image.new("RGB", (30, 20), "red").save(folder / "image" / "a.png")
    Image.new("RGB", (30, 20), "blue").save(folder / "image" / "b.png")
    video(folder / "video" / "c.mp4")
    return folder


def question(idx: int, text: str, *names: str, mode: str = "general") -> dict[str, Any]:
    return {"idx": idx, "split": "val", "mode": mode, "question": text, "file_name": list(names)}


def answer(idx: int, letter: str = "B", **more: Any) -> dict[str, Any]:
    known = {
        "idx": idx,
        "answer": letter,
        "task_type": "dynamics",
        "sub_type": "collision",
        "ability_type": "prediction",
        "mode": "general",
    }
    return known | more


def items(folder: Path, questions: list[dict[str, Any]], answers: list[dict[str, Any]]) -> list[Item]:
    (folder / "test.json").write_text(json.dumps(questions))
    (folder / "val_answer.json").write_text(json.dumps(answers))
    return list(PHYS_BENCH.items(folder))


def test_images_and_the_frames_of_videos_stand_where_the_question_says(data: Path):
    text = "<video>\nWhat follows?\nA. <image>\nB. <image>\nC. nothing\nD. both"
    (item,) = items(data, [question(3, text, "c.mp4", "a.png", "b.png"), question(4, "Other?\nA. 1")], [answer(3)])
    shown = [piece for piece in item.asked if isinstance(piece, Path)]
    assert [path.suffix for path in shown] == [".jpg"] * 8 + [".png"] * 2
    assert item.asked[8] == "What follows?\nA. "
    assert item.asked[-1] == "C. nothing\nD. both"
    assert item.categories == {"domain": "dynamics", "subclass": "collision", "ability": "prediction", "mode": "general"}
    assert PHYS_BENCH.messages(item, [])[0].text.count("\nA.") == 1


def test_files_that_the_question_has_no_place_for_come_first(data: Path):
    (item,) = items(data, [question(0, "Which is heavier?\nA. 1\nB. 2", "a.png", mode="image-only")], [answer(0)])
    assert item.asked == (data / "image" / "a.png", "Which is heavier?\nA. 1\nB. 2")


def test_frames_are_spread_over_the_video_and_made_once(data: Path, tmp_path: Path):
    found = frames(data / "video" / "c.mp4", 8)
    light = [float(np.asarray(Image.open(path)).mean()) for path in found]
    assert light == sorted(light)
    assert light == pytest.approx([10 * (3 * n + 1) for n in range(8)], abs=8)
    stamps = [path.stat().st_mtime_ns for path in found]
    assert [path.stat().st_mtime_ns for path in frames(data / "video" / "c.mp4", 8)] == stamps
    assert len(frames(video(tmp_path / "short.mp4", 3), 8)) == 3


def test_a_file_that_is_no_video_is_named(data: Path):
    (data / "video" / "broken.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(BenchmarkError, match=r"broken\.mp4 cannot be read"):
        items(data, [question(0, "<video>?", "broken.mp4")], [answer(0)])


def test_what_is_written_is_read(data: Path):
    (item,) = items(data, [question(0, "Which?\nA. 1\nB. 2", "a.png")], [answer(0)])
    for text, values in (("B", (1, 0)), ("(A) it falls", (0, 0)), ("cannot say", (0, 1))):
        assert tuple(PHYS_BENCH.score(item, Output(((text,),)), None).values.values()) == values


def test_a_question_whose_published_answer_is_empty_is_no_item(data: Path):
    found = items(data, [question(0, "One?", "a.png"), question(1, "Two?", "a.png")], [answer(0, ""), answer(1)])
    assert [item.id for item in found] == ["1"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"answer": "E"}, "answer is 'E'"),
        ({"task_type": "chemistry"}, "task_type"),
        ({"ability_type": "x"}, "ability_type"),
        ({"idx": 9}, "1 questions"),
    ],
)
def test_answers_that_fit_no_question_or_schema_stop_it(data: Path, change: dict[str, Any], says: str):
    with pytest.raises(BenchmarkError, match=says):
        items(data, [question(0, "One?", "a.png")], [answer(0) | change])


def test_a_file_outside_or_missing_is_named(data: Path):
    for name in ("../../secret.png", "none.png"):
        with pytest.raises(BenchmarkError, match="is in neither"):
            items(data, [question(0, "<image>?", name)], [answer(0)])
