"""The recipes on videos: lectures that are assembled, and both recipes on a few of them."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from limner.corpus import Corpus
from limner.curate.shots import shots
from limner.document import Document, Image, Text
from limner.packages.cachedir import cache_folder
from limner.pipeline.plan import Plan, load
from limner.recipes import silent, talk
from limner.recipes.gains import compared
from limner.recipes.multimodal_textbook import shuffled
from limner.recipes.recipe import Claim, recipe
from limner.recipes.run import run
from limner.recipes.talk import Stamp, grouped
from limner.recipes.telling import interleaved
from limner.recipes.verdict import judge
from limner.recipes.videos import Again, Seen, built
from limner.sources.datasets import dataset

WEIGHTS = ("whisper-tiny.en", "efficientnet-lite0", "imagenet-names", "all-minilm-l6-v2", "smollm2-135m-instruct", "silero-vad")


def needed() -> None:
    for package in ("av", "faster_whisper", "transformers"):
        pytest.importorskip(package)
    for name in ("tuxpaint-stamps", "gimp-help-en", "fluent-emoji"):
        if not dataset(name).here:
            pytest.skip(f"no {name} below LIMNER_DATA (limner data get {name})")
    for name in WEIGHTS:
        if not (cache_folder("models") / name).is_dir():
            pytest.skip(f"the weights {name} are not here: they come with their first use")


def named(*names: str) -> list[Stamp]:
    return [Stamp(name, None, name, None) for name in names]  # type: ignore[arg-type]


def test_stamps_of_a_kind_are_together_and_small_kinds_with_their_parent():
    birds = [f"animals/birds/{n}" for n in range(9)]
    given = named(*birds, "animals/cats/1", "animals/cats/2", "animals/dogs/1", "animals/dogs/2", "town/1")
    found = grouped(given, random.Random(1), least=4, most=8)
    assert [(title, len(members)) for title, members in found] == [("animals", 4), ("birds", 5), ("birds", 4)]
    assert {s.name for title, members in found if title == "birds" for s in members} == set(birds)
    assert all(s.name != "town/1" for _, members in found for s in members)
    again = grouped(given, random.Random(2), least=4, most=8)
    assert [s.name for _, m in again for s in m] != [s.name for _, m in found for s in m]


def test_a_lecture_is_faulty_where_it_is_said_to_be(tmp_path):
    needed()
    stamps, foreign = talk.stamps("en", 5), talk.stamps("fr", 1)
    (lecture,) = talk.record([("five things", stamps)], tmp_path, "en", random.Random(3), foreign)
    pictures = [shown.stamp.picture for shown in lecture.told]
    assert pictures.count(None) == 1
    assert pictures.count(foreign[0].picture) == 1
    assert lecture.told[-1].stamp == stamps[0] == lecture.told[0].stamp
    assert [s.stamp.name for s in lecture.told[:-1]] == [s.name for s in stamps]
    assert json.loads((tmp_path / "00-en.info.json").read_text())["title"] == "five things"
    assert lecture.shown(Image(0, place="time:0.0-2.0")) is None
    start = lecture.told[2].start
    assert lecture.shown(Image(0, place=f"time:{start:.1f}-{start + 1:.1f}")) == lecture.told[2]


@pytest.mark.parametrize(
    ("heard", "said", "errors"),
    [("a b c", "a b c", 0), ("", "a b", 2), ("a b", "", 2), ("b a", "a b", 2), ("a x c", "a b c d", 2)],
)
def test_word_errors(heard, said, errors):
    assert talk.word_errors(heard.split(), said.split()) == talk.word_errors(said.split(), heard.split()) == errors


def test_a_gain_is_told_with_its_interval():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 50).astype(np.float32)
    worse = rng.normal(5, 1, 50).astype(np.float32)
    found = {m.name: m.value for m in compared("x", worse - 1 + noise, worse, ("ours", "theirs"), lower=True)}
    assert found["x.gain"] == pytest.approx(1, abs=0.05)
    assert 0.9 < found["x.gain.low"] < found["x.gain"]
    assert found["x.ours"] == pytest.approx(found["x.theirs"] - found["x.gain"], abs=1e-4)
    assert found["x.gain.detectable"] == pytest.approx(1.44 * (found["x.gain"] - found["x.gain.low"]), rel=0.05)
    none = {m.name: m.value for m in compared("x", noise, np.zeros(50, np.float32), ("ours", "theirs"))}
    assert none["x.gain.low"] < 0.02


@pytest.mark.parametrize(
    ("gain", "low", "word"),
    [(0.3, 0.1, "held"), (0.3, -0.1, "underpowered"), (0.01, -0.02, "contradicted"), (-0.5, -0.6, "contradicted")],
)
def test_a_comparison_within_seeds_is_judged_by_its_own_interval(gain, low, word):
    claim = Claim("k", "", "", "", better="x.gain", within="x", effect=0.05)
    figures = {"x.gain": [gain + 0.001, gain - 0.001], "x.gain.low": [low] * 2, "x.gain.detectable": [0.2, 0.4]}
    verdict = judge(claim, figures)
    assert (verdict.word, verdict.detectable) == (word, pytest.approx(0.3))
    assert judge(claim, {"x.gain": [1.0]}).word == "not measured"


def test_a_corpus_is_read_again_as_it_was(tmp_path):
    corpus = Corpus.create(str(tmp_path / "one"))
    from limner.corpus.media import sha256
    from limner.document import document_id

    data = b"\x89PNG not decoded here"
    documents = [Document(document_id(name), (Text(0, name), Image(1, sha256(data))), name) for name in ("b", "a")]
    corpus.append(documents, {sha256(data): data})
    with built(Plan(), [Again(str(tmp_path / "one"))]) as again:
        assert list(again) == documents
        assert Seen(again).media(sha256(data)) == data


@pytest.mark.parametrize("name", ["multimodal-textbook", "howto-interlink"])
def test_the_plans_load(name):
    plan = load(name)
    assert plan.source_settings["experts"] == {"transcriber": "bundled:whisper-base", "ocr": "bundled:rapidocr"}
    assert len(plan.steps) >= 4


def test_a_small_textbook_keeps_lectures_and_their_order():
    needed()
    known = recipe("multimodal-textbook")
    result = run(replace(known, seeds={**known.seeds, "smoke": 1}), "smoke")
    figures = {name: figure["mean"] for name, figure in result["figures"].items()}
    assert figures["frames.empty"] == figures["frames.again"] == 0
    assert figures["woven"] == 100
    assert figures["videos.lectures"] > figures["videos.other-language"]
    assert figures["clips.right"] > figures["clips.wrong"]
    assert figures["read.images"] >= figures["clips.images"] > 0
    for test in ("0-shot", "1-shot", "2-shot", "4-shot", "cheat"):
        assert all(figures[f"names.{test}.{way}"] > 0 for way in ("textbook", "web", "shuffled"))
    helped = {way: figures[f"names.1-shot.{way}"] - figures[f"names.cheat.{way}"] for way in ("textbook", "web")}
    assert figures["cheat.gain"] == pytest.approx(helped["textbook"] - helped["web"], abs=1e-3)
    judged = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert not {judged[key] for key in ("few-shot", "cheat", "order")} & {"waits", "not measured"}


def test_small_annotated_documents_name_what_is_shown():
    needed()
    known = recipe("howto-interlink")
    result = run(replace(known, seeds={**known.seeds, "smoke": 1}), "smoke")
    figures = {name: figure["mean"] for name, figure in result["figures"].items()}
    assert figures["told.shots"] > 50
    assert figures["named.shots"] > 10
    assert figures["loss.woven"] > 0
    assert figures["loss.gain"] == pytest.approx(figures["loss.speech"] - figures["loss.woven"], abs=1e-3)
    assert figures["trained.gain"] == pytest.approx(figures["trained.speech"] - figures["trained.woven"], abs=1e-3)
    judged = {claim["key"]: claim["word"] for claim in result["claims"]}
    assert not {judged[key] for key in ("trained", "trained-annotated")} & {"waits", "not measured"}


def test_written_lectures_show_and_say_nothing_that_is_recorded():
    if not dataset("tuxpaint-stamps").here:
        pytest.skip("no tuxpaint-stamps below LIMNER_DATA (limner data get tuxpaint-stamps)")
    recorded = talk.stamps("en")
    unrecorded = silent.silent()
    assert len(unrecorded) > 500
    assert not {s.picture for s in recorded} & {s.picture for s in unrecorded}
    assert not {s.text for s in recorded} & {s.text for s in unrecorded}
    documents, stored = silent.lectures(40)
    for document in documents:
        found = shots(document)
        assert len(found) >= 4
        for image, words in found:
            assert len(words) == 1
            assert stored.media(image.ref) is not None


def test_a_shuffled_document_keeps_its_words_and_its_images():
    look = {ref: np.full(3, i, np.float32) for i, ref in enumerate(f"{n:064x}" for n in range(9))}
    parts = tuple(part for i, ref in enumerate(look) for part in (Text(2 * i, f"text {i}"), Image(2 * i + 1, ref=ref)))
    told = interleaved(Document("d", parts), look)
    mixed = shuffled(told, random.Random(1))

    def shown(each):
        return [int(part[0]) for part in each.parts if not isinstance(part, str)]

    assert mixed.texts == told.texts == [f"text {i}" for i in range(9)]
    assert shown(told) == list(range(9)) == sorted(shown(mixed))
    assert shown(mixed) != shown(told)
    assert [isinstance(part, str) for part in mixed.parts] == [isinstance(part, str) for part in told.parts]
