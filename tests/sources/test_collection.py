"""A folder of videos chosen by a taxonomy and their metadata."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experts.tiny import llama
from limner.errors import SourceError
from limner.experts.language import language
from limner.sources.collection import Candidate, Point, candidates, collect, load, propose, save


class Letters:
    """An encoder that tells texts by their letters."""

    def embed(self, texts):
        """Counts of letters, of length one."""
        rows = np.array([[text.lower().count(chr(97 + i)) for i in range(26)] for text in texts], np.float32).reshape(-1, 26)
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)


def video(folder: Path, name: str, **stated: object) -> None:
    (folder / f"{name}.mp4").write_bytes(b"not looked at")
    (folder / f"{name}.info.json").write_text(json.dumps(stated))


def test_candidates_are_videos_with_metadata(tmp_path: Path):
    video(tmp_path, "b", id="B", title="Birds", tags=["owl", 3], description="All of them.")
    (tmp_path / "sub").mkdir()
    video(tmp_path / "sub", "a", title=None)
    video(tmp_path, "broken")
    (tmp_path / "broken.info.json").write_text("{" * 100_000)
    video(tmp_path, "list")
    (tmp_path / "list.info.json").write_text("[1]")
    (tmp_path / "alone.info.json").write_text("{}")
    (tmp_path / "b.en.srt").write_text("")
    (tmp_path / "link.info.json").symlink_to(tmp_path / "b.info.json")
    (tmp_path / "link.mp4").write_bytes(b"")
    found = candidates(tmp_path)
    assert [(Path(c.path).name, c.id, c.title) for c in found] == [("b.mp4", "B", "Birds"), ("a.mp4", "a.mp4", "a")]
    assert found[0].text == "Birds\nowl, 3\nAll of them."


def test_each_video_once_by_the_point_it_fits_best_and_none_that_fits_ill():
    points = [Point("", "", "", "owl"), Point("", "", "", "zebra"), Point("", "", "", "owls")]
    given = [
        Candidate(str(i), id, title)
        for i, (id, title) in enumerate([("1", "owls"), ("1", "owls"), ("2", "zebras"), ("3", "qqqqj")])
    ]
    found = collect(points, given, Letters(), least=0.5)
    assert [(f.candidate.path, f.point.name) for f in found] == [("0", "owls"), ("2", "zebra")]
    assert found[0].score == pytest.approx(1)
    assert [f.candidate.path for f in collect(points[:1], given, Letters(), top=1, least=0.0)] == ["0"]
    assert collect([], given, Letters()) == collect(points, [], Letters()) == []


def test_a_taxonomy_is_written_and_read(tmp_path: Path):
    points = [Point("animals", "birds", "owls", "what owls eat"), Point("animals", "", "", "zebras")]
    save(points, tmp_path / "t.json")
    assert load(tmp_path / "t.json") == points
    assert [p.query for p in points] == ["what owls eat, owls, birds, animals", "zebras, animals"]
    for wrong in ("{", '{"name": 1}', '[{"subject": "x"}]', "[1]"):
        (tmp_path / "w.json").write_text(wrong)
        with pytest.raises(SourceError, match="no taxonomy"):
            load(tmp_path / "w.json")


def test_a_model_without_sense_proposes_nothing(tmp_path: Path):
    assert propose("animals", language(f"hf:{llama(tmp_path)}"), courses=1, points=1) == []
