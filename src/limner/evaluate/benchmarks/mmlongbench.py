"""MMLongBench: five families of tasks over contexts of text and images of 8K to 128K tokens.

Visual retrieval (questions about an entity in an image, answered from passages), needles in a haystack, classification from many examples, summaries
of scanned reports, questions about documents. All examples are asked, where the authors draw 50 or 100 of each file; the instructions are in limner's
own words.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.evaluate.benchmark import Item, Measure, Output, Piece, Scored, conversation
from limner.evaluate.benchmarks import longanswers as answers
from limner.evaluate.benchmarks.files import Row, below, opened, rows, whole
from limner.evaluate.benchmarks.grading import graded
from limner.evaluate.judging import Aspect, Judge
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

SUMMARY = Aspect(
    "summary",
    "the summary of the pages that are asked about, by the reference: does it have what the reference says, nothing that is against it, and does it "
    "read well? 5 where all of that holds, 0 where it is of something else or empty.",
    reference=True,
)
"""Limner's own; the authors count a language model's claims, whose scores these are not."""

_IMAGE = "<image>"
_ANSWER = "Write it in this form:\nAnswer: [answer]"
_LENGTH = re.compile(r"_K(8|16|32|64|128)(?:_|\.)")
_QUOTE = '"'

Asked = tuple[str, list[str], Any, str]
"""A prompt with `<image>` where images stand, the images' names, the expected answer, and what the item's family is."""


@dataclass(frozen=True, slots=True)
class Task:
    """A task: its family, what its files' names begin with, how a row is asked, and how an answer is scored."""

    family: str
    name: str
    files: str
    ask: Callable[[Row], Asked]
    score: Callable[[str, Any], float]


def _retrieval(row: Row) -> Asked:
    passages = "\n\n".join(f"Document (Title: {p.text('title', '')}): {p.text('text')}" for p in row.rows("ctxs"))
    prompt = (
        "Answer the question about the entity in the image, shortly, from the documents given. "
        f"{_ANSWER}\n\n{passages}\n\nQuestion: {_IMAGE}{row.text('question')}\nAnswer:"
    )
    return prompt, [row.text("image")], _texts(row), row.text("id")


def _haystack(row: Row) -> Asked:
    images = row.texts("ctxs")
    context = "\n".join([_IMAGE] * len(images))
    prompt = f"Answer the question about the images given with Yes or No. {_ANSWER}\n\n{context}\n\nQuestion: {row.text('question')}\nAnswer:"
    wanted = answers.yes_or_no(row.text("answer"))
    if wanted is None and row.text("answer") not in ("0", "1"):
        raise row.wrong("answer is neither yes nor no")
    return prompt, images, wanted if wanted is not None else row.text("answer") == "1", row.text("id")


def _texts(row: Row) -> list[str]:
    wanted = row.get("answer")
    return [wanted] if isinstance(wanted, str) else _flat(row, row.list("answer"))


def _counts(row: Row) -> list[int]:
    wanted = row.get("answer")
    found = wanted if isinstance(wanted, list) else [wanted]
    if not found or not all(isinstance(each, int) and not isinstance(each, bool) for each in found):
        raise row.wrong("answer is not whole numbers")
    return found


def _number(row: Row) -> int:
    return row.whole("answer")


def _needle(wanted: Callable[[Row], Any], choices: bool = False) -> Callable[[Row], Asked]:
    def ask(row: Row) -> Asked:
        context = "\n\n".join(p.text("text") for p in row.rows("ctxs"))
        question, images = row.text("question"), row.texts("image_list", [])
        letters = ""
        if choices:
            shown = row.texts("choices_image")
            letters = "with the letter of the right option (A, B, ...) "
            question += "".join(f"\n{chr(ord('A') + n)}. {_IMAGE}" for n in range(len(shown)))
            images += shown
        else:
            images += row.texts("needle_image_list", [])
        prompt = f"Answer the question {letters}from the text and the images given. {_ANSWER}\n\n{context}\n\nQuestion: {question}\nAnswer:"
        return prompt, images, wanted(row), row.text("id")

    return ask


def _pages(instruction: str, ending: str, wanted: Callable[[Row], str]) -> Callable[[Row], Asked]:
    def ask(row: Row) -> Asked:
        images = row.texts("image_list")
        pages = "\n\n".join(f"Document {_document(name):.15} (page {_page(name)}): {_IMAGE}" for name in images)
        return f"{instruction}\n\n{pages}\n\n{ending}\nSummary:", images, wanted(row), row.text("id", row.where)

    return ask


def _document_question(row: Row) -> Asked:
    images, name = row.texts("page_list"), row.text("doc_name")
    pages = "\n\n".join(f"Document {_document(page):.15}: {_IMAGE}" for page in images)
    kind = row.text("answer_format")
    if kind not in ("Integer", "Float", "String", "None", "List"):
        raise row.wrong(f"answer_format is {kind[:20]!r}")
    prompt = (
        "Answer the question about the document as shortly as you can, with a phrase or a sentence. Where the document does not say it, write "
        f"'Not answerable.' {_ANSWER}\n\n{pages}\n\nQuestion: Of Document {name:.15}: {row.text('question')}\nAnswer:"
    )
    return prompt, images, {"answer": _gold(row, kind), "format": kind}, name


def _gold(row: Row, kind: str) -> Any:
    """An answer that its format's rule can be asked with."""
    if kind == "List":
        value = row.get("answer")
        try:
            found = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            found = None
        if not isinstance(found, list) or not found or not all(isinstance(each, str | int | float) for each in found):
            raise row.wrong("answer is not a list of texts and numbers")
        return found
    if kind in ("Integer", "Float") and answers.plain_number(row.get("answer")) is None:
        raise row.wrong("answer is not a number")
    return row.text("answer")


def _report(row: Row) -> str:
    return "\n\n".join(
        "\n".join([f"{part.text('section_title', '')}:", *part.texts("paragraphs")]) for part in row.rows("summary")
    )


def _flat(row: Row, values: Sequence[Any]) -> list[str]:
    found = [each for value in values for each in (value if isinstance(value, list) else [value])]
    if not found or not all(isinstance(each, str) for each in found):
        raise row.wrong("answer is not texts")
    return found


def _document(name: str) -> str:
    return name.split("/")[-2] if "/" in name else name


def _page(name: str) -> str:
    return name.rpartition("page")[2].partition(".")[0]


def _equal(text: str, wanted: bool) -> float:
    return float(answers.yes_or_no(text) is wanted)


def _of_document(text: str, wanted: Any) -> float:
    return answers.document_answer(text, wanted["answer"], wanted["format"])


_REPORT = (
    "A report of the U.S. Government Accountability Office is given. Summarise it in several paragraphs of about 550 words in all: why the study was "
    "done, what was found, what is recommended, where the report says so."
)
_CASE = (
    "The legal documents of a civil rights lawsuit are given. Summarise the case in one paragraph of 200 to 250 words: its background, the "
    "parties, the outcome."
)
TASKS = (
    Task("retrieval", "infoseek", "vrag/infoseek_", _retrieval, answers.contains),
    Task("retrieval", "viquae", "vrag/viquae_", _retrieval, answers.contains),
    Task("needle", "visual haystack, one", "NIAH/vh_single", _haystack, _equal),
    Task("needle", "visual haystack, several", "NIAH/vh_multi", _haystack, _equal),
    Task("needle", "retrieval of text", "NIAH/retrieval-text", _needle(_texts), answers.contains),
    Task("needle", "counting in text", "NIAH/counting-text", _needle(_counts), answers.same_sum),
    Task("needle", "reasoning over text", "NIAH/reasoning-text", _needle(_texts), answers.contains),
    Task("needle", "retrieval of images", "NIAH/retrieval-image", _needle(_number, True), answers.choice),
    Task("needle", "counting in images", "NIAH/counting-image", _needle(_counts), answers.same_sum),
    Task("needle", "reasoning over images", "NIAH/reasoning-image", _needle(_number, True), answers.choice),
    Task("summary", "gov-report", "summ/gov_K", _pages(_REPORT, "Summarise the report.", _report), answers.summary),
    Task(
        "summary",
        "multi-lexsum",
        "summ/lexsum_K",
        _pages(_CASE, "Summarise the case.", lambda row: row.text("summary")),
        answers.summary,
    ),
    Task("document", "longdocurl", "documentQA/longdocurl_", _document_question, _of_document),
    Task("document", "mmlongdoc", "documentQA/mmlongdoc_", _document_question, _of_document),
    Task("document", "slidevqa", "documentQA/slidevqa_", _document_question, _of_document),
)
EXAMPLES = tuple(
    Task("examples", name, f"ICL/{name}_", lambda row: ("", [], None, ""), answers.label)
    for name in ("cars196", "food101", "inat2021", "sun397")
)
"""Classification from examples, whose files are one object each."""


class MMLongBench:
    """See the module; `MMLONGBENCH` is it."""

    name = "mmlongbench"
    title = "MMLongBench"
    reference = "Wang et al., MMLongBench, NeurIPS 2025, arXiv 2505.10610; hf.co/datasets/ZhaoweiWang/MMLongBench"
    files = (
        "mmlb_data/ and mmlb_image/ as the authors' archives unpack; the schema of EdinburghNLP/MMLongBench/data.py, not checked on the real "
        "files here"
    )
    measures: Sequence[Measure] = (
        Measure(
            "score",
            "the rule of the task: an answer is contained, a choice, count or label is right, F1 of words, ROUGE-L of a summary",
        ),
        Measure("summary", "what a judge thinks of a summary", 0, 5, judged=True),
    )
    sampling = Sampling(tokens=384)
    ranks = False

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def items(self, data: Path | None) -> Iterator[Item]:
        """See `Benchmark`. Examples at several depths of one question, and questions about one document, are a family. Names with quotation marks are
        not asked, since the authors leave them out too."""
        folder = opened(data, self.files)
        found = below(folder, "mmlb_data/", ".jsonl", ".json")
        for task in TASKS:
            for name in (n for n in found if n.startswith(f"mmlb_data/{task.files}")):
                for number, row in enumerate(rows(folder, name)):
                    prompt, images, expected, family = task.ask(row)
                    if task.family == "retrieval" and _QUOTE in images[0]:
                        continue
                    pieces = _placed(folder, row, prompt, images)
                    yield _item(task, name, f"{name.removeprefix('mmlb_data/')}:{number}", pieces, expected, family)
        for task in EXAMPLES:
            for name in (n for n in found if n.startswith(f"mmlb_data/{task.files}")):
                yield from self._examples(folder, task, name)

    def _examples(self, folder: Folder, task: Task, name: str) -> Iterator[Item]:
        for domain, value in whole(folder, name).values.items():
            row = Row(f"{name}, {domain[:60]}", value if isinstance(value, dict) else {})
            given: list[Any] = row.list("exemplar_list")
            for number, test in enumerate(row.rows("test_example")):
                draw = random.Random(f"{self._seed} {name} {domain} {number}")
                rounds = [list(each) for each in draw.choice(given)]
                for each in rounds:
                    draw.shuffle(each)
                shown = [Row(f"{row.where}, exemplar_list", each) for part in rounds for each in part]
                context = "\n\n".join(f"{_IMAGE}\nlabel: {one.whole('id')}" for one in shown)
                prompt = (
                    'Each image below has a label, which stands for what it shows. Give the test image its label. Write only "label: [number]".\n\n'
                    f"Training examples:\n{context}\n\nNow classify this image: {_IMAGE}\nlabel:"
                )
                pieces = _placed(folder, row, prompt, [*(one.text("image") for one in shown), test.text("image")])
                yield _item(
                    task,
                    name,
                    f"{name.removeprefix('mmlb_data/')}:{domain}:{number}",
                    pieces,
                    test.whole("answer"),
                    f"{domain}:{number}",
                )

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """See `Benchmark`."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """See `Benchmark`."""
        task = next(task for task in (*TASKS, *EXAMPLES) if task.name == item.categories["task"])
        value = task.score(output.text, item.expected)
        if task.family != "summary":
            return Scored({"score": value})
        sheet = graded(item, output, judge, [SUMMARY])
        sheet.values["score"] = value
        return sheet.scored()


def _item(task: Task, file: str, name: str, pieces: tuple[Piece, ...], expected: Any, family: str) -> Item:
    length = _LENGTH.search(file)
    return Item(
        name, (pieces,), expected, (str(expected),) if task.family == "summary" else (), family=f"{task.name}:{family}",
        categories={"family": task.family, "task": task.name, "length": f"{length[1]}K" if length else ""},
    )  # fmt: skip


def _placed(folder: Folder, row: Row, prompt: str, images: Sequence[str]) -> tuple[Piece, ...]:
    """A prompt with images in their places."""
    texts = prompt.split(_IMAGE)
    if len(texts) - 1 != len(images):
        raise row.wrong(f"there are {len(images)} images for {len(texts) - 1} places")
    pieces: list[Piece] = [texts[0]]
    for name, text in zip(images, texts[1:], strict=True):
        pieces += [row.file(folder, f"mmlb_image/{name}"), text]
    return tuple(piece for piece in pieces if not isinstance(piece, str) or piece.strip())


MMLONGBENCH = MMLongBench()
