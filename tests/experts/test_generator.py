"""Generators of images: one behind a real server on 127.0.0.1, and a tiny pipeline run here."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from experts.test_language import Served
from experts.tiny import diffusion
from limner.errors import ExpertError
from limner.experts.generator import Generator, generator


def png(colour: str, side: int = 8) -> bytes:
    with io.BytesIO() as out:
        Image.new("RGB", (side, side), colour).save(out, "PNG")
        return out.getvalue()


class Painter(Served):
    """A server of image generations that paints the last word of the prompt."""

    def answer(self, body: dict, number: int) -> dict:
        word = body["prompt"].split()[-1]
        side = int(body["size"].partition("x")[0])
        picture = png(word, side) if word in ("red", "blue", "green") else b"<script>"
        found = [] if word == "nothing" else [{"b64_json": base64.b64encode(picture).decode()}]
        return {"created": 0, "data": found, "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}}


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    pytest.importorskip("openai")
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    made = Painter()
    yield made
    made.server.shutdown()


def test_a_server_paints_once_and_is_asked_no_more_than_is_allowed(painter: Painter, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIMNER_TOKENS", "14000")
    paint = generator(f"openai:m@{painter.url}").paint
    red, blue = paint(["a wall of red", "a wall of blue"], 16)
    assert Image.open(io.BytesIO(red)).getpixel((3, 3)) == (255, 0, 0)
    assert Image.open(io.BytesIO(blue)).size == (16, 16)
    asked = len(painter.asked)
    assert paint(["a wall of red"], 16) == [red]
    assert len(painter.asked) == asked
    monkeypatch.setenv("LIMNER_TOKENS", "20")
    from limner.experts.generator import ServedGenerator

    with pytest.raises(ExpertError, match="LIMNER_TOKENS"):
        ServedGenerator("m", painter.url).paint(["a wall of green"])
    assert len(painter.asked) == asked


@pytest.mark.parametrize(("word", "said"), [("script", "no picture"), ("nothing", "without a picture")])
def test_what_is_no_picture_is_refused(painter: Painter, word: str, said: str):
    with pytest.raises(ExpertError, match=said):
        generator(f"openai:m@{painter.url}").paint([word])


def test_a_pipeline_paints_the_same_by_the_same_seed(tmp_path: Path):
    pytest.importorskip("diffusers")
    made: Generator = generator(f"hf:{diffusion(tmp_path)}")
    one, again, other = (made.paint(["a box"], 64, seed)[0] for seed in (1, 1, 2))
    assert one == again != other
    assert Image.open(io.BytesIO(one)).size == (64, 64)


def test_a_folder_without_a_pipeline_is_said(tmp_path: Path):
    pytest.importorskip("diffusers")
    with pytest.raises(ExpertError, match="does not load"):
        generator(f"hf:{tmp_path}")
