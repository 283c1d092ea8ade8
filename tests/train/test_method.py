"""A corpus to a model that writes documents: words, image tokenizer, model, in one folder that goes on where it stopped."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from click.testing import CliRunner  # noqa: E402
from PIL import Image as Pillow  # noqa: E402

from limner import Corpus  # noqa: E402
from limner.corpus.media import sha256  # noqa: E402
from limner.document import Document, Image, Text  # noqa: E402
from limner.errors import LimnerError  # noqa: E402
from limner.experts.language import Sampling, language, user  # noqa: E402
from limner.models import saved  # noqa: E402
from limner.models.composed import Composition, Pictures  # noqa: E402
from limner.models.decoder import DecoderSettings  # noqa: E402
from limner.models.reader import Reading  # noqa: E402
from limner.models.tokenizers import BlockSettings  # noqa: E402
from limner.train.method import Method, teach  # noqa: E402
from limner.train.trainer import Fit  # noqa: E402

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (30, 60, 220)}


def method(head: str = "codes", steps: int = 6) -> Method:
    kind: Any = {"codes": "codes", "diffusion": "soft", "flow": "gaussian"}[head]
    blocks = BlockSettings(width=32, depth=1, heads=2, patch=8)
    made = Composition(
        Pictures(kind, 16, 32, 4, blocks), DecoderSettings(width=32, layers=2, heads=2, key_heads=2, hidden=48), head, 300, 32, 1
    )  # type: ignore[arg-type]
    return Method(
        made, Reading(), (("all", Fit(steps=steps, log=2, save=2), None),), 256, 128, Fit(steps=6, log=3, save=3), batch=4
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Sixty short documents, each about a colour that its image has, and one whose image is no image."""
    made = Corpus.create(str(tmp_path_factory.mktemp("data") / "corpus"))
    media: dict[str, bytes] = {}
    documents: list[Document] = []
    for n in range(60):
        name = list(COLOURS)[n % 3]
        with io.BytesIO() as out:
            Pillow.fromarray(np.full((24, 20 + n % 5, 3), COLOURS[name], np.uint8)).save(out, "PNG")
            data = out.getvalue()
        media[sha256(data)] = data
        documents.append(
            Document(f"d{n}", (Text(0, f"Here is {name}."), Image(1, sha256(data)), Text(2, f"That was {name}, number {n}.")))
        )
    broken = b"no image at all"
    media[sha256(broken)] = broken
    documents += [Document("broken", (Image(0, sha256(broken)),)), Document("empty", ())]
    made.append(documents, media)
    return made


@pytest.mark.parametrize("head", ["codes", "diffusion", "flow"])
def test_a_corpus_becomes_a_model_that_writes_text_and_images(corpus: Corpus, tmp_path: Path, head: str):
    taught = teach(method(head), corpus, tmp_path / "run")
    assert taught.unread >= 1  # the document whose only image cannot be read
    assert all(loss > 0 for loss in taught.fitted["all"].losses.values())
    assert {p.name for p in (tmp_path / "run").iterdir()} >= {
        "model.json",
        "model.safetensors",
        "image.safetensors",
        "tokenizer.json",
        "README.md",
        "all.svg",
    }
    again = saved.load(tmp_path / "run")
    assert all(
        torch.equal(a, b)
        for a, b in zip(taught.trained.model.state_dict().values(), again.model.state_dict().values(), strict=True)
    )
    from limner.cli.main import limner

    out = tmp_path / "out.md"
    arguments = [
        "generate",
        str(tmp_path / "run"),
        "Here is red.",
        "-o",
        str(out),
        "--least-images",
        "1",
        "--tokens",
        "12",
        "--seed",
        "3",
    ]
    result = CliRunner().invoke(limner, arguments)
    assert result.exit_code == 0, result.output
    assert "![](out_files/" in out.read_text()
    pictures = list((tmp_path / "out_files").iterdir())
    assert pictures
    assert Pillow.open(pictures[0]).size == (16, 16)
    # What was written is a prompt again, images included.
    result = CliRunner().invoke(
        limner, ["generate", str(tmp_path / "run"), str(out), "-o", str(tmp_path / "more.json"), "--tokens", "5"]
    )
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "more.json").read_text())["parts"]


def test_a_run_goes_on_only_with_its_own_settings_and_to_the_same_model(corpus: Corpus, tmp_path: Path):
    class Ended(Exception):
        pass

    def tell(stage: str, line: Any) -> None:
        if stage == "all" and line["step"] == 4:
            raise Ended

    whole = teach(method(), corpus, tmp_path / "whole")
    with pytest.raises(Ended):
        teach(method(), corpus, tmp_path / "cut", tell)
    with pytest.raises(LimnerError, match="other settings"):
        teach(replace(method(), tokens=128), corpus, tmp_path / "cut")
    cut = teach(method(), corpus, tmp_path / "cut")
    assert all(
        torch.equal(a, b)
        for a, b in zip(whole.trained.model.state_dict().values(), cut.trained.model.state_dict().values(), strict=True)
    )


def test_a_run_serves_the_port_of_language_models(corpus: Corpus, tmp_path: Path):
    teach(method("flow"), corpus, tmp_path / "run")
    model = language(f"run:{tmp_path / 'run'}")
    asked = [[user("Here is green.")], [user("Here is", " blue.")]]

    def images(sampling: Sampling) -> list[int]:
        return [sum(isinstance(part, bytes) for part in answer.parts) for answer in model.answer(asked, sampling)]

    assert images(Sampling(tokens=8)) == [0, 0]
    assert images(Sampling(tokens=8, images=2, least_images=2)) == [2, 2]
    one = model.answer(asked, Sampling(tokens=8, least_images=1))
    led = model.answer(asked, Sampling(tokens=8, least_images=1, guidance=4.0))
    assert [[p for p in a.parts if isinstance(p, bytes)] for a in one] != [
        [p for p in a.parts if isinstance(p, bytes)] for a in led
    ]


def test_a_folder_without_a_model_or_with_a_damaged_one_is_named(corpus: Corpus, tmp_path: Path):
    with pytest.raises(LimnerError, match="has no trained model"):
        saved.load(tmp_path)
    teach(method(), corpus, tmp_path / "run")
    (tmp_path / "run" / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")
    with pytest.raises(LimnerError, match="is damaged"):
        saved.load(tmp_path / "run")


def test_a_corpus_without_images_or_text_says_so(tmp_path: Path):
    made = Corpus.create(str(tmp_path / "corpus"))
    made.append([Document("a", (Text(0, "Only words here."),))], {})
    with pytest.raises(LimnerError, match="no image that can be read"):
        teach(method(), made, tmp_path / "run")


def test_the_command_trains_goes_on_and_says_what_it_does_not_know(corpus: Corpus, tmp_path: Path):
    from limner.cli.main import limner

    def run(*more: str) -> Any:
        return CliRunner().invoke(limner, ["train", *more], catch_exceptions=True)

    wanted = ["codes", corpus.store.url, "-o", str(tmp_path / "run"), "--scale", "smoke", "--set", "stages.steps=4", "--json"]
    result = run(*wanted)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["stages"]["all"]["steps"] == 4
    assert "has a run already" in str(run(*wanted).exception)
    assert run(*wanted, "--resume").exit_code == 0
    assert "nothing called 'x'" in str(run("x", corpus.store.url, "-o", str(tmp_path / "other")).exception)
    assert "has no setting 'depth'" in str(
        run("flow", corpus.store.url, "-o", str(tmp_path / "o"), "--set", "made.decoder.depth=2").exception
    )
    (tmp_path / "my.toml").write_text(
        'recipe = "flow"\nscale = "smoke"\n[made.decoder]\nlayers = 1\n[stages]\nsteps = 2\n[pictures]\nsteps = 2\n'
    )
    assert run(str(tmp_path / "my.toml"), corpus.store.url, "-o", str(tmp_path / "toml")).exit_code == 0
    assert saved.load(tmp_path / "toml").composition.decoder.layers == 1
