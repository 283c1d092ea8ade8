"""Variants of a plan on a sample that is read once: each comes to what a build of it from the pages comes to."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Pixels

from limner.errors import PlanError
from limner.pipeline import Plan, build, step
from limner.pipeline.readonce import ReadBefore
from limner.pipeline.trials import changed, trials
from limner.sources.locate import source

WORDS = "A cat purrs when it is content and sleeps most of the day in the sun near a window. "


def pages(folder: Path) -> Path:
    """Pages long and short, one without a word, two alike, one that is none; an image shared by all."""
    folder.mkdir()
    picture = io.BytesIO()
    Pixels.new("RGB", (200, 100), "red").save(picture, "PNG")
    (folder / "cat.png").write_bytes(picture.getvalue())
    for i in range(8):
        own = f"Page {i} is about cat number {i} only, whose name is {'abcdefgh'[i] * 5}. "
        body = f"<p>{own if i not in (3, 4) else ''}{WORDS * (i + 1 if i not in (3, 4) else 6)}</p><img src=cat.png>"
        (folder / f"{i}.html").write_text(f"<!doctype html><title>{i}</title><h1>Cats</h1>{body}")
    (folder / "empty.html").write_text("<!doctype html><title>nothing</title>")
    (folder / "broken.html").write_bytes(b"GIF89a is no page")
    return folder


def test_a_variant_comes_to_what_its_build_comes_to(tmp_path: Path) -> None:
    steps = (step("text-length", min_words=20), step("near-duplicates"))
    plan = Plan(steps=steps, sources=(str(pages(tmp_path / "pages")),), batch=3)
    tries = [{"text-length.min_words": 90}, {"near-duplicates.threshold": 0.5}]
    found = trials(plan, 100, tries)
    assert [trial.changes for trial in found] == [{}, *tries]
    for number, (trial, changes) in enumerate(zip(found, [{}, *tries], strict=True)):
        built = build(changed(plan, changes), str(tmp_path / f"c{number}"))
        same = replace(trial.summary, corpus=built.corpus, seconds=built.seconds)
        assert same == built, changes
        assert sum(trial.summary.rejects.values()) == 1
    assert found[0].summary.counts["stored"] > 0
    assert found[1].summary.counts["documents"] < found[0].summary.counts["documents"]


def test_pages_are_read_once_and_named_runs_are_told_apart(tmp_path: Path) -> None:
    class Said:
        def __init__(self) -> None:
            self.stages: list[str] = []

        def stage(self, name: str, total: int, done: int) -> None:
            self.stages.append(name)

        def advance(self, inputs: int, counts: object) -> None:
            """Not listened to."""

        def message(self, text: str) -> None:
            """Not listened to."""

    folder = pages(tmp_path / "pages")
    plan = Plan(steps=(step("text-length"),), sources=(str(folder),))
    said = Said()
    trials(plan, 4, [{"text-length.min_words": 50}], progress=said)
    assert said.stages.count("reading") == 1
    assert said.stages.index("reading") < min(i for i, name in enumerate(said.stages) if ": " in name)
    assert any(name.startswith("text-length.min_words=50: ") for name in said.stages)


def test_what_was_read_before_does_not_need_the_pages(tmp_path: Path) -> None:
    folder = pages(tmp_path / "pages")
    read = build(Plan(sources=(str(folder),)), str(tmp_path / "read"))
    chosen = tuple(source(str(folder)).inputs())
    for page in folder.glob("*.html"):
        page.unlink()
    summary = build(Plan(sources=("x",)), str(tmp_path / "again"), sources=[ReadBefore(str(tmp_path / "read"), chosen)])
    assert summary.counts["documents"] > 4
    assert summary.counts["stored"] > 0
    assert replace(summary, corpus="", seconds=0) == replace(read, corpus="", seconds=0)


def test_a_wrong_value_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    plan = Plan(steps=(step("text-length"),), sources=(str(tmp_path / "not there"),))
    with pytest.raises(PlanError, match="min_words"):
        trials(plan, 4, [{"text-length.min_words": "x"}])
