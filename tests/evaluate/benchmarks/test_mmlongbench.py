"""MMLongBench: the authors' files by their schema, the rules of its answers, and contexts of an exact length made from a corpus."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from evaluate.benchmarks.saying import Saying
from limner import Corpus
from limner.corpus.media import sha256
from limner.document import Document, Image, Text
from limner.evaluate.benchmark import BenchmarkError, Item, Output
from limner.evaluate.benchmarks import longanswers as answers
from limner.evaluate.benchmarks.lengths import Counting, by_rule, by_tokenizer, image_tokens, tokens
from limner.evaluate.benchmarks.mmlongbench import MMLONGBENCH
from limner.evaluate.benchmarks.mmlongmade import KINDS, Length, MMLongMade


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for n in range(8):
        path = tmp_path / "mmlb_image" / "set" / f"d_page{n}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Pillow.new("RGB", (56, 28), (n * 20, 0, 0)).save(path)
    return tmp_path


def images(count: int) -> list[str]:
    return [f"set/d_page{n}.png" for n in range(count)]


def items(data: Path, file: str, *rows: Any) -> list[Item]:
    path = data / "mmlb_data" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows[0]) if file.endswith(".json") else "\n".join(map(json.dumps, rows)))
    return list(MMLONGBENCH.items(data))


def said(item: Item, text: str) -> float:
    return MMLONGBENCH.score(item, Output(((text,),)), None).values["score"]


CTXS = [{"title": "Tower", "text": "It is in Paris."}, {"title": "Bridge", "text": "It is in Rome."}]


def test_visual_retrieval(data: Path):
    row = {"id": "q1", "question": "Where is it?", "image": "set/d_page0.png", "ctxs": CTXS, "answer": ["Paris", "Paris, France"]}
    quoted = row | {"image": 'set/"x".png'}
    a, b = items(data, "vrag/viquae_K8_dep6.jsonl", row, row, quoted)
    assert a.cluster == b.cluster
    assert a.categories == {"family": "retrieval", "task": "viquae", "length": "8K"}
    assert "Document (Title: Tower): It is in Paris." in str(a.asked[0])
    assert a.asked[1] == data / "mmlb_image/set/d_page0.png"
    assert (said(a, "Answer: in paris."), said(a, "Rome")) == (1, 0)


def test_haystacks_of_images_are_answered_with_yes_or_no(data: Path):
    (item,) = items(
        data,
        "NIAH/vh_single_test_1000_K16_dep6.jsonl",
        {"id": 3, "question": "Is there a cat?", "ctxs": images(3), "answer": "Yes"},
    )
    assert sum(isinstance(piece, Path) for piece in item.asked) == 3
    assert item.categories["length"] == "16K"
    assert [said(item, text) for text in ("Answer: Yes", "no", "No, well, yes.", "I cannot say")] == [1, 0, 1, 0]


def test_needles_in_text_and_images(data: Path):
    context = [{"text": "One <image> day"}, {"text": "two"}]
    base = {"id": "n", "question": "What?", "ctxs": context, "image_list": images(1)}
    (text,) = items(data, "NIAH/retrieval-text_test_K8_dep6.jsonl", base | {"answer": "a red hat"})
    assert said(text, "It was the red hat!") == 1
    _, choice = items(data, "NIAH/retrieval-image_test_K8_dep6.jsonl", base | {"answer": 1, "choices_image": images(4)})
    assert "A. " in str(choice.asked[2])
    assert sum(isinstance(piece, Path) for piece in choice.asked) == 5
    assert said(choice, "Answer: B") == 1
    counted = items(data, "NIAH/counting-text_test_K8_dep3.jsonl", base | {"answer": [2, 3]})
    (count,) = [item for item in counted if item.categories["task"] == "counting in text"]
    assert [said(count, text) for text in ("Answer: [2, 3]", "[3, 2]", "[1, 2]", "5", "none")] == [1, 1, 0, 1, 0]


def test_examples_are_drawn_the_same_each_time(data: Path):
    rounds = [
        [{"image": name, "id": n} for n, name in enumerate(images(3))],
        [{"image": name, "id": n} for n, name in enumerate(images(3))],
    ]
    value = {"birds": {"exemplar_list": [rounds], "test_example": [{"image": "set/d_page5.png", "answer": 2}]}}
    (item,) = items(data, "ICL/inat2021_K8.json", value)
    assert sum(isinstance(piece, Path) for piece in item.asked) == 7
    assert item.asked == next(iter(MMLONGBENCH.items(data))).asked
    labels = [int(piece.split()[1]) for piece in item.asked if isinstance(piece, str) and piece.strip().startswith("label: ")]
    assert sorted(labels) == [0, 0, 1, 1, 2, 2]
    assert [said(item, text) for text in ("label: 2", "It is 2", "label: 1", "x")] == [1, 1, 0, 0]


def test_summaries_are_scored_by_rule_and_by_a_judge(data: Path):
    row = {"id": "g", "image_list": images(2), "summary": [{"section_title": "Why", "paragraphs": ["The mill is old."]}]}
    (item,) = items(data, "summ/gov_K8.jsonl", row)
    assert "Document set (page 0): " in str(item.asked[0])
    scored = MMLONGBENCH.score(item, Output((("Summary: Why: The mill is old.",),)), Saying(grades=lambda case, aspect: 4.0))
    assert scored.values == {"score": 1.0, "summary": 4.0}
    assert said(item, "") == 0


def test_questions_about_documents(data: Path):
    row = {
        "id": "d1",
        "doc_name": "report",
        "page_list": images(2),
        "question": "How many?",
        "answer": "1,200",
        "answer_format": "Integer",
    }
    (item,) = items(data, "documentQA/mmlongdoc_K32.jsonl", row)
    assert item.cluster == "mmlongdoc:report"
    assert [said(item, text) for text in ("Answer: 1200", "There are 1,200 of them", "1201")] == [1, 1, 0]


@pytest.mark.parametrize(
    ("kind", "gold", "text", "score"),
    [
        ("Float", "12.5%", "about 0.125", 1), ("Float", "12.5", "12.6", 1), ("Float", "12.5", "13", 0), ("Integer", 7, "7.5", 0),
        ("String", "the red hat", "a red hat", 1), ("String", "red hat", "hat", 2 / 3), ("String", "page 3", "on page 3 it is", 1),
        ("String", "2020-01-02", "2020-01-03", 0), ("List", ["red hat", 3], "a red hat and 3", 0.5 + 0.5 * 2 / 3), ("List", ["3", "4"], "4", 0.5),
        ("None", "Not answerable", "Not answerable.", 1),
    ],
)  # fmt: skip
def test_answers_about_documents_by_their_format(kind: str, gold: Any, text: str, score: float):
    assert answers.document_answer(text, gold, kind) == pytest.approx(score, abs=0.06)


@pytest.mark.parametrize(
    ("file", "change", "says"),
    [
        ("vrag/viquae_K8_dep6.jsonl", {"image": "../../etc/passwd"}, "no file in"),
        ("vrag/viquae_K8_dep6.jsonl", {"answer": [1]}, "not texts"),
        ("vrag/viquae_K8_dep6.jsonl", {"question": "<image>?"}, "1 images for 2 places"),
        ("NIAH/counting-text_test_K8_dep3.jsonl", {"answer": "two"}, "not whole numbers"),
        ("documentQA/slidevqa_K8.jsonl", {"answer_format": "Date"}, "answer_format"),
        ("documentQA/slidevqa_K8.jsonl", {"answer_format": "List", "answer": "[1, 2"}, "not a list"),
        ("documentQA/slidevqa_K8.jsonl", {"answer_format": "Float", "answer": "much"}, "not a number"),
    ],
)
def test_a_bad_record_stops_it_and_is_named(data: Path, file: str, change: dict[str, Any], says: str):
    row = {
        "id": "q",
        "question": "Where?",
        "image": "set/d_page0.png",
        "ctxs": CTXS,
        "answer": "Paris",
        "doc_name": "d",
        "page_list": images(1),
    }
    with pytest.raises(BenchmarkError, match=says) as error:
        items(data, file, row | change)
    assert file in str(error.value)


def test_images_count_by_their_patches():
    assert image_tokens(1_120, 840) == 40 * 30
    assert image_tokens(28, 28) == image_tokens(5, 5) == 1
    with io.BytesIO() as out:
        Pillow.new("RGB", (280, 140)).save(out, "PNG")
        assert tokens(["two words", out.getvalue()], by_rule()) == 2 + 50
    with pytest.raises(BenchmarkError, match="no size"):
        tokens([b"no image"], by_rule())


def picture(seed: int) -> bytes:
    draw = random.Random(seed)
    with io.BytesIO() as out:
        Pillow.new("RGB", (draw.randint(80, 260), draw.randint(80, 260)), (seed * 5 % 256, 40, 90)).save(out, "PNG")
        return out.getvalue()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long") / "corpus"
    draw = random.Random(0)
    words = ["meadow", "river", "of", "the", "and", "extraordinarily", "mill", "to", "wheel", "quiet", "valley", "slowly"]
    made = Corpus.create(str(folder))
    media: dict[str, bytes] = {}
    documents: list[Document] = []
    for n in range(120):
        parts: list[Any] = []
        for _ in range(8):
            if draw.random() < 0.25:
                data = picture(draw.randrange(10**6))
                media[sha256(data)] = data
                parts.append(Image(len(parts), sha256(data)))
            else:
                parts.append(Text(len(parts), " ".join(draw.choices(words, k=draw.randint(20, 90)))))
        documents.append(Document(f"d{n}", tuple(parts), title=f"Story number {n}"))
    made.append(documents, media)
    return folder


@pytest.fixture(scope="module")
def countings(tmp_path_factory: pytest.TempPathFactory) -> list[Counting]:
    tokenizers: Any = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(["the river and the mill"], trainer)
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    made.save(str(file))
    return [by_rule(), by_tokenizer(file)]


@pytest.mark.parametrize("kind", KINDS)
def test_contexts_lack_less_than_a_word_of_their_length(corpus: Path, countings: list[Counting], kind: str):
    for counting in countings:
        longest = max(map(counting.count, (" extraordinarily", "(Title:")))
        for item in MMLongMade(Length((2, 4), (0.0, 0.6), (kind,), counting=counting)).items(corpus):
            length = int(item.categories["length"][:-1]) * 1_024
            assert tokens(item.asked, counting) == item.expected["tokens"]
            assert 0 <= length - item.expected["tokens"] < longest


@pytest.mark.parametrize("depth", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_what_is_sought_stands_at_its_depth_once(corpus: Path, depth: float):
    made = Length((4,), (depth,), ("text needle", "image needle"))
    text, image = MMLongMade(made).items(corpus)
    counting = by_rule()
    (number,) = text.expected["answer"]
    at = [i for i, piece in enumerate(text.asked) if isinstance(piece, str) and number in piece]
    assert len(at) == 1
    hay = tokens(text.asked[1:-2], counting)
    assert tokens(text.asked[1 : at[0]], counting) / hay == pytest.approx(depth, abs=0.06)
    shown = [piece for piece in image.asked if isinstance(piece, bytes)]
    needle = shown[-4:][image.expected["answer"]]
    assert shown.count(needle) == 2  # above, and among the choices
    assert all(shown.count(other) == 1 for other in shown[-4:] if other != needle)


def test_answers_to_made_contexts(corpus: Path):
    made = MMLongMade(Length((2,), (0.5,)))
    text, counting, image, retrieval = made.items(corpus)

    def score(item: Item, said: str) -> float:
        return made.score(item, Output(((said,),)), None).values["score"]

    assert score(text, f"Answer: {text.expected['answer'][0]}") == 1
    assert score(text, "Answer: 12") == 0
    assert score(counting, f"Answer: {counting.expected['answer']}") == 1
    assert score(image, f"Answer: {'ABCD'[image.expected['answer']]}") == 1
    assert score(retrieval, f"Answer: {retrieval.expected['answer'][0]}") == 1
    title = retrieval.expected["answer"][0]
    assert sum(title in piece for piece in retrieval.asked if isinstance(piece, str)) == 1
    assert sum(isinstance(piece, bytes) for piece in retrieval.asked) == 1
    assert [item.asked for item in made.items(corpus)] == [item.asked for item in (text, counting, image, retrieval)]


def test_a_corpus_that_is_too_small_says_so(corpus: Path):
    with pytest.raises(BenchmarkError, match="too little for so long a context"):
        list(MMLongMade(Length((512,), (0.5,), ("text needle",))).items(corpus))
    with pytest.raises(BenchmarkError, match="made from a corpus"):
        list(MMLongMade().items(None))
