"""Likelihoods of choices: a model that learnt to prefer something ranks it first, of texts and of images, the same each time."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from PIL import Image as Pillow  # noqa: E402

from experts import tiny_images  # noqa: E402
from experts.tiny import llama  # noqa: E402
from limner import Corpus  # noqa: E402
from limner.corpus.media import sha256  # noqa: E402
from limner.document import Document, Image, Text  # noqa: E402
from limner.errors import ExpertError  # noqa: E402
from limner.experts.language import Message, ScoresParts, language, user  # noqa: E402
from limner.models.composed import Composition, Pictures  # noqa: E402
from limner.models.decoder import DecoderSettings  # noqa: E402
from limner.models.reader import Reading  # noqa: E402
from limner.models.tokenizers import BlockSettings  # noqa: E402
from limner.train.method import Method, teach  # noqa: E402
from limner.train.trainer import Fit  # noqa: E402

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 60), "blue": (30, 60, 220)}


def coloured(name: str) -> bytes:
    with io.BytesIO() as out:
        Pillow.fromarray(np.full((16, 16, 3), COLOURS[name], np.uint8)).save(out, "PNG")
        return out.getvalue()


def method(head: Any = "codes", steps: int = 90) -> Method:
    kind: Any = {"codes": "codes", "flow": "gaussian"}[head]
    blocks = BlockSettings(width=32, depth=1, heads=2, patch=8)
    made = Composition(
        Pictures(kind, 16, 16, 4, blocks), DecoderSettings(width=64, layers=2, heads=2, key_heads=2, hidden=96), head, 300, 32, 1
    )
    fit = Fit(steps=steps, rate=4e-3, log=steps, save=steps)
    return Method(made, Reading(), (("all", fit, None),), 512, 128, replace(fit, steps=30, rate=2e-3), batch=8)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A model of documents that name a colour, show it and name it again."""
    folder = tmp_path_factory.mktemp("run")
    corpus = Corpus.create(str(folder / "corpus"))
    pictures = {name: coloured(name) for name in COLOURS}
    documents = [
        Document(
            f"{name} {n}",
            (Text(0, f"Here is {name}." if n % 2 else "Look:"), Image(1, sha256(data)), Text(2, f"That was {name}.")),
        )
        for n in range(20)
        for name, data in pictures.items()
    ]
    corpus.append(documents, {sha256(data): data for data in pictures.values()})
    torch.manual_seed(0)
    teach(method(), corpus, folder / "run")
    return language(f"run:{folder / 'run'}")


def means(model: ScoresParts, prompt: list[Message], choices: list[tuple[str | bytes, ...]]) -> list[float]:
    (told,) = model.likelihoods([prompt], [choices])
    assert all(count > 0 and total < 0 for total, count in told)
    return [total / count for total, count in told]


@pytest.mark.parametrize("name", COLOURS)
def test_the_image_that_was_learnt_to_follow_is_the_likeliest(run: Any, name: str):
    assert isinstance(run, ScoresParts)
    told = means(run, [user(f"Here is {name}.")], [(coloured(other),) for other in COLOURS])
    assert int(np.argmax(told)) == list(COLOURS).index(name)


@pytest.mark.parametrize("name", COLOURS)
def test_the_text_that_was_learnt_to_follow_an_image_is_the_likeliest(run: Any, name: str):
    told = means(run, [user("Look:", coloured(name))], [(f"That was {other}.",) for other in COLOURS])
    assert int(np.argmax(told)) == list(COLOURS).index(name)


def test_a_choice_may_be_text_and_images(run: Any):
    right = (coloured("blue"), "That was blue.")
    told = means(run, [user("Here is blue.")], [(coloured("red"), "That was red."), right, (coloured("blue"), "That was red.")])
    assert int(np.argmax(told)) == 1


def test_scoring_again_and_in_other_company_gives_the_same(run: Any):
    prompts = [[user("Here is red.")], [user(coloured("green"))]]
    choices: list[Any] = [[(coloured("red"),), ("That was red.",)], [("That was green.",), ("That was a red, red thing.",)]]
    first = run.likelihoods(prompts, choices)
    assert first == run.likelihoods(prompts, choices)
    alone = [
        run.likelihoods([prompt], [[choice]])[0][0] for prompt, given in zip(prompts, choices, strict=True) for choice in given
    ]
    assert [pair for given in first for pair in given] == [pytest.approx(pair, abs=1e-4) for pair in alone]


def test_codes_are_counted_and_what_announces_an_image_is_not(run: Any):
    ((_, image), (_, both)) = run.likelihoods([[user("Here is red.")]], [[(coloured("red"),), (coloured("red"), "That")]])[0]
    assert image == 4  # 16 pixels in patches of 8
    assert both > image


def test_the_sum_is_that_of_the_steps_a_model_takes(run: Any):
    """Token by token over growing prompts, which is how it writes."""
    model, reader = run._trained.model, run._trained.reader
    (whole,) = run.likelihoods([[user("Here is red.")]], [[("That was red.",)]])[0]
    ids = reader.prompt(Document("d", (Text(0, "Here is red."), Text(1, "That was red."))), dict[str, bytes]().get)
    tokens = [int(i) for piece in ids.pieces for i in piece.ids]
    from limner.models.sequence import Sequence, collate, words

    total, begins = 0.0, len(tokens) - whole[1]
    for at in range(begins, len(tokens)):
        with torch.inference_mode():
            states = model.states(collate([Sequence((words(tokens[:at]),))]))
            total += float(model.logits(states[-1:]).log_softmax(-1)[0, tokens[at]])
    assert whole[0] == pytest.approx(total, abs=1e-3)


def test_an_image_that_cannot_be_read_is_no_choice(run: Any):
    with pytest.raises(ExpertError, match="cannot be read"):
        run.likelihoods([[user("Here is red.")]], [[(b"no image",)]])


def test_a_model_of_texts_ranks_texts(tmp_path: Path):
    model: Any = language(f"hf:{llama(tmp_path)}")
    (told,) = model.likelihoods([[user("the crop tool")]], [[(" removes the outer parts",), (" of",)]])
    asked = model._chat([user("the crop tool")])
    assert told == model.likelihood([(asked, " removes the outer parts"), (asked, " of")])


@pytest.mark.parametrize("family", ["qwen2", "llava", "idefics3"])
def test_a_model_that_sees_ranks_texts_after_images(family: str, tmp_path: Path):
    model: Any = language(f"hf:{getattr(tiny_images, family)(tmp_path)}")
    choices: list[Any] = [("the crop tool",), ("of the outer parts",)]
    one, other, text = (model.likelihoods([[user("what is this?", *more)]], [choices])[0] for more in
                        ((tiny_images.picture(1),), (tiny_images.picture(2),), ()))  # fmt: skip
    assert all(math.isfinite(total) and count > 0 for total, count in (*one, *text))
    assert one != other
    # Each token's own likelihood, by the ids of prompt and choice in one.
    inputs = model.prompts([[user("what is this?")]])
    after = model.tokenizer(choices[0][0], add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logits = model.model(torch.cat([inputs["input_ids"], after], 1)).logits.float().log_softmax(-1)
    own = logits[0, -after.shape[1] - 1 : -1].gather(1, after[0][:, None]).sum()
    assert text[0] == (pytest.approx(float(own), abs=0.2), after.shape[1])
    with pytest.raises(ExpertError, match="no likelihoods of images"):
        model.likelihoods([[user("what?")]], [[(tiny_images.picture(1),)]])


def test_a_benchmark_ranks_by_a_runs_likelihoods_and_asks_others_for_a_letter(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "cache"))
    from limner.evaluate.asked import Subject
    from limner.evaluate.benchmark import Item
    from limner.evaluate.benchmarks.seedbench2 import SEED_BENCH_2

    images = Item("25_0", (("Here is green.",),), "B", choices=tuple((coloured(name),) for name in COLOURS))
    texts = Item("1_0", (("Look:", coloured("green")),), "B", choices=tuple((f"That was {name}.",) for name in COLOURS))
    monkeypatch.setattr("limner.evaluate.asked.language", lambda address: run)
    for item, (output, _) in zip((images, texts), Subject("run:here").ask(SEED_BENCH_2, [images, texts]), strict=True):
        assert SEED_BENCH_2.score(item, output, None).values == {"accuracy": 1.0, "by_likelihood": 1.0}
    seeing = language(f"hf:{tiny_images.llava(tmp_path / 'llava')}")
    monkeypatch.setattr("limner.evaluate.asked.language", lambda address: seeing)
    (shown, _), (said, _) = Subject("hf:there").ask(SEED_BENCH_2, [images, texts])
    assert not shown.likelihoods  # it writes no images, so it is asked for a letter
    assert shown.turns
    assert SEED_BENCH_2.score(images, shown, None).values["by_likelihood"] == 0
    assert len(said.likelihoods) == 3
