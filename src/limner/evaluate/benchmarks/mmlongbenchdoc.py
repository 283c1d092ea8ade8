"""MMLongBench-Doc: questions about long PDFs whose answers are short, in one of five forms, or whose answer is that there is none.

A model sees the pages as pictures (144 dots an inch, 120 pages at most, as the authors' script draws them), or, as `mmlongbench-doc-text`, what is
written on them. The authors ask freely and let GPT-4o extract the short answer; here the model itself is asked to close with it on a line, and that
line is read by rule: scores compare with each other, not with the paper's. The scoring of short answers is theirs (`shortanswers`).

Over all items, the mean of `accuracy` is the authors' generalised accuracy, and 2 x recall x precision / (recall + precision) of the means of
`recall` and `precision` their F1, but for what a question that has an answer scores where none is given, which is 0 here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from limner.errors import LimnerError
from limner.evaluate.benchmark import BenchmarkError, Item, Measure, Output, Scored
from limner.evaluate.benchmarks.files import Row, one_of, opened, rows
from limner.evaluate.benchmarks.shortanswers import FORMATS, NOT_ANSWERABLE, score
from limner.evaluate.judging import Judge
from limner.experts.language import Content, Message, Sampling, user
from limner.formats.folder import Folder
from limner.sources.pdf.pages import opened as opened_pdf
from limner.sources.pdf.pages import render

PAGES, DPI = 120, 144

_INSTRUCTION = (
    "Answer the question from the document. Close with one line of the form `Answer: ...` that holds only the answer, as short as can be: a number, "
    "a few words, or a list as ['one', 'two']. Where the document has no answer write `Answer: Not answerable`."
)
_ANSWER = re.compile(r"^[ \t*_>#-]*(?:extracted |final |short )?answer[*_ ]{0,3}:(.+)$", re.IGNORECASE | re.MULTILINE)
_END = 20_000  # characters of an answer, the last ones, that are looked at
_CHARACTERS = 400_000  # of a document's text

_pdfium = Lock()  # pdfium may be used by one thread at a time, and a server's questions are put by several


@dataclass(frozen=True, slots=True)
class Asked(Item):
    """A question with its document, which is drawn when it is asked."""

    document: Path = Path()


class MMLongBenchDoc:
    """The benchmark; `MMLONGBENCH_DOC` shows pages, `MMLONGBENCH_DOC_TEXT` gives their text."""

    title = "MMLongBench-Doc"
    reference = (
        "Ma et al., MMLongBench-Doc: Benchmarking Long-context Document Understanding with Visualizations, NeurIPS 2024, arXiv 2407.01523; "
        "github.com/mayubo2333/MMLongBench-Doc"
    )
    files = "samples.json and documents/, as in data of the authors' repository"
    measures: Sequence[Measure] = (
        Measure("accuracy", "how right the short answer is"),
        Measure("recall", "how right it is, of questions that have an answer"),
        Measure("precision", "how right it is, of answers that were given (0 where there is none to give)"),
    )
    sampling = Sampling(tokens=1024)
    ranks = False

    def __init__(self, name: str, images: bool) -> None:
        self.name = name
        self._images = images

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a question."""
        folder = opened(data, self.files)
        name = one_of(folder, "samples.json", "data/samples.json")
        for number, row in enumerate(rows(folder, name)):
            yield _item(folder, row, name.removesuffix("samples.json"), number)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The document, then the question."""
        assert isinstance(item, Asked)
        document = item.document
        with _pdfium:
            pages: Sequence[Content] = pictures(document) if self._images else (written(document),)
        return [user(_INSTRUCTION, *pages, *(part for part in item.asked if isinstance(part, str)))]

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """By rule."""
        expected, answer = item.expected["answer"], short(output.text)
        given = answer.strip().lower() != NOT_ANSWERABLE.lower()
        value = score(expected, answer, item.expected["form"]) if answer else 0.0
        values = {"accuracy": value}
        has = expected != NOT_ANSWERABLE
        if has:
            values["recall"] = value
        if given:
            values["precision"] = value if has else 0.0
        return Scored(values)


def short(answer: str) -> str:
    """The short answer: what the last line that begins with "Answer:" says, else the whole where it is one line; "" for none.

    >>> short("The chart shows 4 of them.\\n\\n**Answer:** 4"), short("4"), short("one\\ntwo")
    ('4', '4', '')
    """
    answer = answer[-_END:]
    if found := _ANSWER.findall(answer):
        return found[-1].strip("*`_ \t\r")
    lines = [line.strip() for line in answer.splitlines() if line.strip()]
    return lines[0] if len(lines) == 1 else ""


@lru_cache(maxsize=1)
def pictures(document: Path) -> tuple[bytes, ...]:
    """The pages of a document as PNGs, drawn anew where another document was drawn before. Raises `BenchmarkError`."""
    try:
        return tuple(render(document, page + 1, DPI) for page in range(min(_pages(document), PAGES)))
    except (LimnerError, OSError) as error:
        raise BenchmarkError(f"{document.name} cannot be drawn: {error}") from None


@lru_cache(maxsize=1)
def written(document: Path) -> str:
    """What is written on the pages, each under its number. Raises `BenchmarkError`."""
    try:
        pdf: Any = opened_pdf(document.read_bytes(), document.name)
        texts = [f"[page {page + 1}]\n{pdf[page].get_textpage().get_text_bounded()}" for page in range(min(len(pdf), PAGES))]
        pdf.close()
    except (LimnerError, OSError, RuntimeError) as error:
        raise BenchmarkError(f"{document.name} cannot be read: {error}") from None
    return "\n\n".join(texts)[:_CHARACTERS]


def _pages(document: Path) -> int:
    pdf: Any = opened_pdf(document.read_bytes(), document.name)
    try:
        return len(pdf)
    finally:
        pdf.close()


def _item(folder: Folder, row: Row, where: str, number: int) -> Asked:
    form = row.text("answer_format")
    if form not in FORMATS:
        raise row.wrong(f"answer_format is {form!r}, none of {', '.join(FORMATS)}")
    name = row.text("doc_id")
    pages, sources = _literal(row, "evidence_pages"), _literal(row, "evidence_sources")
    answer = row.text("answer")
    expected = {"answer": answer, "form": form, "pages": pages}
    evidence = "unanswerable" if answer == NOT_ANSWERABLE else "single-page" if len(pages) == 1 else "cross-page"
    return Asked(
        f"{number}",
        ((row.text("question"),),),
        expected,
        (answer,),
        family=name,
        categories={
            "evidence": evidence, "document": row.text("doc_type"), "form": form,
            "source": "+".join(sorted(map(str, sources))) or "none",
        },
        document=row.file(folder, f"{where}documents/{name}"),
    )  # fmt: skip


def _literal(row: Row, name: str) -> list[Any]:
    """A list that a record has as the text of a Python literal."""
    text = row.text(name, "[]")
    try:
        found = ast.literal_eval(text[:10_000])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise row.wrong(f"{name} is not a list: {text[:60]!r}") from None
    if not isinstance(found, list):
        raise row.wrong(f"{name} is not a list: {text[:60]!r}")
    return list(found)


MMLONGBENCH_DOC = MMLongBenchDoc("mmlongbench-doc", images=True)
MMLONGBENCH_DOC_TEXT = MMLongBenchDoc("mmlongbench-doc-text", images=False)
