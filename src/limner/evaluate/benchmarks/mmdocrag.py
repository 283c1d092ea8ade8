"""MMDocRAG: questions about long documents, answered in Markdown from given quotes of text and images, which are cited.

A text quote is cited as `[3]`, an image quote is shown as `![what it shows](image2)`. Scored by rule: which quotes are cited, against those the
annotators chose (`quotes` of an item, and by kind), and ROUGE-L with stems. By a judge: five aspects from 0 to 5, beside the short and the
whole answer of the authors. The paper's F1 by kind is taken over the quotes of all questions together, here each question counts the same.
Prompts are limner's own, from what the published ones ask for: judged scores are not the paper's. `judged` reads the judged answers that the
authors publish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from limner.evaluate.benchmark import Item, Measure, Output, Piece, Scored, conversation
from limner.evaluate.benchmarks.files import Row, opened, rows
from limner.evaluate.benchmarks.grading import NOTHING, Sheet, empty, measures
from limner.evaluate.judging import Aspect, Case, Grade, Judge
from limner.evaluate.metrics.library import library
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

ASPECTS = (
    Aspect(
        "Fluency", "language: is the answer correct, coherent and easy to read from its beginning to its end?", reference=True
    ),
    Aspect(
        "Citation Quality",
        "citations: does each stand where a claim needs it, and none where it has nothing to say?",
        reference=True,
    ),
    Aspect(
        "Text-Image Coherence",
        "images: judged by what their captions say, does each belong where it stands and add to what the text says?",
        reference=True,
    ),
    Aspect("Reasoning Logic", "reasoning: does it go step by step, clear and in a sensible order, to its end?", reference=True),
    Aspect("Factuality", "facts: does what it says, and how it comes to it, agree with the authors' answer?", reference=True),
)

_INSTRUCTION = (
    "Answer the question from the quotes below, in Markdown. Use what bears on the question and nothing else. Cite a text quote by its number in "
    "brackets, as [1]. Show an image quote where it helps, as ![one sentence on what it shows](image1), with the number of the image; never "
    "only mention it. Use both text and images, and close with one sentence that answers the question."
)
_TEXT = re.compile(r"\[(\d+)\]")
_IMAGE = re.compile(r"\(image(\d+)\)")
_THOUGHT = ("</think>\n\n", " seconds\n\n")


class MMDocRAG:
    """The benchmark; `MMDOCRAG` gives images as images, `MMDOCRAG_TEXT` as their descriptions."""

    title = "MMDocRAG"
    reference = (
        "Dong et al., Benchmarking Retrieval-Augmented Multimodal Generation for Document Question Answering, NeurIPS 2025, arXiv 2505.16470; "
        "github.com/MMDocRAG/MMDocRAG"
    )
    files = "evaluation_20.jsonl (or _15) and images/, as in dataset of the authors' repository; its schema, not checked on the real file here"
    measures: Sequence[Measure] = (
        Measure("quotes", "F1 of the quotes that are cited"),
        Measure("image quotes", "F1 of the image quotes, of questions that need or show one"),
        Measure("text quotes", "F1 of the text quotes, of questions that need or cite one"),
        Measure("ROUGE-L", "F1 of the longest common subsequence of stems with the authors' answer"),
        *measures(ASPECTS, "answer", "the mean of the judged aspects that the judge can grade"),
    )
    sampling = Sampling(tokens=2048)
    ranks = False

    def __init__(self, name: str, images: bool) -> None:
        self.name = name
        self._images = images

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a question."""
        folder = opened(data, self.files)
        for row in rows(folder, _file(folder)):
            yield _item(folder, row, self._images)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """What to do, the quotes, the question."""
        return conversation(item, before, _INSTRUCTION)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """Quotes and words by rule, the aspects by the judge."""
        answer = thoughtless(output.text)
        sheet = Sheet()
        gold, cited = set[str](item.expected["quotes"]), set(quotes(answer))
        sheet.values["quotes"] = f1(gold, cited)
        for kind in ("image", "text"):
            own, other = ({quote for quote in side if quote.startswith(kind)} for side in (gold, cited))
            if own or other:
                sheet.values[f"{kind} quotes"] = f1(own, other)
        sheet.values["ROUGE-L"] = rouge_l(item.expected["answer"], answer)
        if judge is not None:
            seen = Case((item.expected["question"],), (answer, *output.images), (item.expected["short"], item.expected["answer"]))
            for aspect in ASPECTS:
                sheet.put(aspect.name, Grade(float(aspect.low), NOTHING) if empty(output) else judge.grade([seen], aspect)[0])
            sheet.mean("answer", [aspect.name for aspect in ASPECTS])
        return sheet.scored()


def thoughtless(answer: str) -> str:
    """An answer without what a model thought before it, as the authors cut it."""
    for mark in _THOUGHT:
        if mark in answer:
            return answer.partition(mark)[2]
    return answer


def quotes(answer: str) -> list[str]:
    """The quotes that an answer cites, texts first, each once.

    >>> quotes("It rose [2][2]. ![A line that rises](image3)")
    ['text2', 'image3']
    """
    found = [f"text{number}" for number in _TEXT.findall(answer)] + [f"image{number}" for number in _IMAGE.findall(answer)]
    return list(dict.fromkeys(found))


def f1(gold: set[str], found: set[str]) -> float:
    """2 x the common ones over all of both; 0 where nothing is common."""
    return 2 * len(gold & found) / (len(gold) + len(found)) if gold & found else 0.0


def rouge_l(reference: str, answer: str) -> float:
    """F1 of the longest common subsequence of the words' stems (rouge-score's tokenizer with its stemmer, as the authors use it)."""
    tokenizers: Any = library("rouge_score.tokenizers", "ROUGE-L")
    distance: Any = library("rapidfuzz.distance", "ROUGE-L")
    cut = tokenizers.DefaultTokenizer(use_stemmer=True)
    own, other = cut.tokenize(answer), cut.tokenize(reference)
    return 2 * distance.LCSseq.similarity(own, other) / (len(own) + len(other)) if own and other else 0.0


def _file(folder: Folder) -> str:
    names = [where + name for name in ("evaluation_20.jsonl", "evaluation_15.jsonl") for where in ("", "dataset/")]
    return next((name for name in names if folder.path(name)), names[0])


def _item(folder: Folder, row: Row, images: bool) -> Item:
    question, asked = row.text("question"), list[Piece](("Text quotes:",))
    for number, quote in enumerate(row.rows("text_quotes", []), 1):
        asked.append(f"[{number}] {quote.text('text')}")
    asked.append("Image quotes:")
    for number, quote in enumerate(row.rows("img_quotes", []), 1):
        if images:
            path = quote.text("img_path")
            asked += [f"image{number}:", folder.path(f"dataset/{path}") or quote.file(folder, path)]
        else:
            asked.append(f"image{number} shows: {quote.text('img_description')}")
    asked.append(f"Question: {question}")
    answer = row.text("answer_interleaved")
    expected = {"quotes": row.texts("gold_quotes"), "question": question, "short": row.text("answer_short", ""), "answer": answer}
    kinds = "+".join(sorted(row.texts("evidence_modality_type", []))) or "none"
    categories = {"domain": row.text("domain", ""), "type": row.text("question_type", ""), "evidence": kinds}
    return Item(row.text("q_id"), (tuple(asked),), expected, (answer,), family=row.text("doc_name"), categories=categories)


MMDOCRAG = MMDocRAG("mmdocrag", images=True)
MMDOCRAG_TEXT = MMDocRAG("mmdocrag-text", images=False)
