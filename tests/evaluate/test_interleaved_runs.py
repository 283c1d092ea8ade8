"""`limner eval run` on a trained model and on an OpenAI-compatible server: both answer with text and images, which reach scorer, judge and report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("fastapi", reason="limner[serve] is not installed")
pytest.importorskip("openai", reason="limner[openai] is not installed")

from click.testing import CliRunner

from corpus.reading import make_corpus
from evaluate.benchmarks.test_interleavedbench import RECORD
from evaluate.ruledjudge import picture
from limner.cli.main import limner
from limner.evaluate.samples import Samples
from limner.search import Search, index
from limner.serve.api import served
from limner.serve.server import running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "zipped_images" / "wiki_images_test"
    folder.mkdir(parents=True)
    (folder / "1_0.png").write_bytes(picture("red"))
    (folder / "1_1.png").write_bytes(picture("blue"))
    asked = ["How do I crop, which tool?", "Which tool crops an image?"]
    records = [
        {
            **RECORD,
            "id": f"{n}",
            "image": [],
            "task_name": "wikihow_next_step",
            "conversations": [{"from": "human", "value": text}],
        }
        for n, text in enumerate(asked)
    ]
    (tmp_path / "data" / "interleaved_bench.json").write_text(json.dumps(records))
    return tmp_path / "data"


def evaluated(model: str, data: Path, folder: Path) -> dict:
    command = ["eval", "run", "interleaved-bench", "--model", model, "--judge", "bundled:structural", "--data", str(data)]
    told = CliRunner().invoke(limner, [*command, "-o", str(folder), "--json"])
    assert told.exit_code == 0, told.output
    result = json.loads(told.stdout)
    assert result["items"] == 2
    assert result["failed_items"] == 0, result["errors"]
    assert "data:image/webp" in (folder / "report.html").read_text()
    return result


def kinds(folder: Path) -> list[list[str]]:
    return [[next(iter(part)) for part in sample.turns[0]] for sample in Samples(folder)]


def test_a_server_answers_with_text_and_the_pictures_of_its_corpus(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    corpus = make_corpus(str(tmp_path / "corpus"), pages=12)
    index(corpus)
    with running(served(Search.open(corpus)), port=0) as url:
        result = evaluated(f"openai:limner@{url}v1", data, tmp_path / "run")
    assert any("image" in each and "text" in each for each in kinds(tmp_path / "run"))
    assert result["scores"]["bundled:structural"]["text quality"]["n"] == 2


def test_a_trained_model_answers_with_text_and_images_it_writes(data: Path, tmp_path: Path):
    from evaluate.benchmarks.test_likelihoods import COLOURS, coloured, method
    from limner import Corpus
    from limner.corpus.media import sha256
    from limner.document import Document, Image, Text
    from limner.train.method import teach

    corpus = Corpus.create(str(tmp_path / "corpus"))
    pictures = {name: coloured(name) for name in COLOURS}
    documents = [
        Document(f"{name} {n}", (Text(0, f"Here is {name}."), Image(1, sha256(held)), Text(2, f"That was {name}.")))
        for n in range(10)
        for name, held in pictures.items()
    ]
    corpus.append(documents, {sha256(held): held for held in pictures.values()})
    teach(method(steps=60), corpus, tmp_path / "model")
    evaluated(f"run:{tmp_path / 'model'}", data, tmp_path / "run")
    assert any("image" in each for each in kinds(tmp_path / "run"))
