"""SparklesEval: dialogues of two turns over several images that stand in the middle of sentences, each turn graded from 1 to 10.

A record is a dialogue of four messages, what is asked and the authors' answer in turns; `<Img><ImageHere></Img>` stands where the next image
of the message's list does, a file `images/ID.jpg`, with a caption. The second turn is asked after the model's own first answer. Each answer is
graded in three criteria, a turn is their mean and the whole is the mean of both turns. The authors' judge is GPT-4, which reads the images'
captions; here it is any judge's address, which sees the images where it can and is told the captions as sources. The criteria are the
authors', the words of the rubrics are limner's: scores are not the paper's.

Dialogues that limner composed have facts that an answer must hold (`limner.evaluate.benchmarks.dialoguefacts`): they are graded by rule as well,
on the same scale, without a judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from limner.evaluate.benchmark import Item, Measure, Output, Piece, Scored, contents, conversation
from limner.evaluate.benchmarks.dialoguefacts import Facts, held
from limner.evaluate.benchmarks.files import Row, opened, rows
from limner.evaluate.benchmarks.grading import NOTHING, Sheet
from limner.evaluate.judging import Aspect, Case, Grade, Judge
from limner.experts.language import Content, Message, Sampling
from limner.formats.folder import Folder

RECORDS = "annotations/sparkles_evaluation_sparkleseval_annotations.json"
IMAGES = "images"
IMAGE = "<Img><ImageHere></Img>"

ASPECTS = (
    Aspect(
        "understanding", "images: does the answer tell rightly what each image shows, and how things in and between images relate?", 1, 10
    ),
    Aspect(
        "coherence",
        "images and turns together: does the answer keep images apart, speak of the right one, and agree with what was said before?",
        1, 10,
    ),
    Aspect("completeness", "the question: does the answer address all that was asked, and only that, in enough detail?", 1, 10),
)  # fmt: skip

TURNS = ("turn one", "turn two")


class SparklesEval:
    """The benchmark; `SPARKLES_EVAL` is it."""

    name = "sparkles-eval"
    title = "SparklesEval"
    reference = (
        "Huang et al. 2023, Sparkles: Unlocking Chats Across Multiple Images for Multimodal Instruction-Following Models, arXiv 2308.16463; "
        "github.com/HYPJUDY/Sparkles"
    )
    files = f"{RECORDS} and {IMAGES}/ID.jpg; the schema that the authors' evaluate.py reads, not checked on the real files here"
    measures: Sequence[Measure] = (
        Measure("whole", "the mean of both turns", 1, 10, judged=True),
        *(Measure(turn, "the mean of its criteria", 1, 10, judged=True) for turn in TURNS),
        *(Measure(f"{turn}: {aspect.name}", "the criterion", 1, 10, judged=True) for turn in TURNS for aspect in ASPECTS),
        Measure("ruled whole", "the mean of both turns, by rule", 1, 10),
        *(Measure(f"ruled {turn}", "the mean of its criteria, by rule", 1, 10) for turn in TURNS),
    )
    sampling = Sampling(tokens=1000)
    ranks = False

    def items(self, data: Path | None) -> Iterator[Item]:
        """One a dialogue."""
        folder = opened(data, self.files)
        for row in rows(folder, RECORDS):
            yield _item(folder, row)

    def messages(self, item: Item, before: Sequence[tuple[Content, ...]]) -> list[Message]:
        """The turns so far, with the model's own answers."""
        return conversation(item, before)

    def score(self, item: Item, output: Output, judge: Judge | None) -> Scored:
        """Grades of both turns by the judge, and by rule where the dialogue has facts. An answer that is missing has the lowest grade."""
        sheet = Sheet()
        answers = [output.turns[n] if n < len(output.turns) else () for n in range(len(TURNS))]
        if judge is not None:
            for number, turn in enumerate(TURNS):
                for aspect in ASPECTS:
                    sheet.put(f"{turn}: {aspect.name}", _grade(judge, item, answers, number, aspect))
                sheet.mean(turn, [f"{turn}: {aspect.name}" for aspect in ASPECTS])
            sheet.mean("whole", TURNS)
        for number, facts in enumerate(item.expected["facts"]):
            text = " ".join(part for part in answers[number] if isinstance(part, str))
            sheet.values[f"ruled {TURNS[number]}"] = 1 + 9 * held(text, facts).share
        if item.expected["facts"]:
            sheet.mean("ruled whole", [f"ruled {turn}" for turn in TURNS])
        return sheet.scored()


def _grade(judge: Judge, item: Item, answers: Sequence[tuple[Content, ...]], number: int, aspect: Aspect) -> Grade:
    """What was said before is part of the request."""
    answer = answers[number]
    if not any(part.strip() for part in answer):
        return Grade(float(aspect.low), NOTHING)
    request: list[Content] = []
    for before in range(number + 1):
        request += contents(item.turns[before])
        request += answers[before] if before < number else ()
    case = Case(tuple(request), answer, contents(item.reference[number : number + 1]), tuple(item.expected["captions"]))
    return judge.grade([case], aspect)[0]


def _item(folder: Folder, row: Row) -> Item:
    said = row.rows("dialogue")
    if len(said) != 2 * len(TURNS):
        raise row.wrong(f"a dialogue has {len(said)} messages, not {2 * len(TURNS)}")
    captions: list[str] = []
    turns: list[tuple[Piece, ...]] = []
    for asked in said[::2]:
        images = asked.rows("images", [])
        captions += [f"Image {len(captions) + n + 1}: {image.text('caption', '')}" for n, image in enumerate(images)]
        files = [image.file(folder, f"{IMAGES}/{image.text('image_id')}.jpg") for image in images]
        turns.append(_pieces(asked, asked.text("content"), files))
    facts = [Facts.read(answer.row("facts")) for answer in said[1::2] if answer.has("facts")]
    if facts and len(facts) != len(TURNS):
        raise row.wrong("one answer has facts and the other has none")
    expected: dict[str, Any] = {"captions": captions, "facts": facts}
    return Item(row.text("evaluation_id"), tuple(turns), expected, tuple(answer.text("content") for answer in said[1::2]))


def _pieces(row: Row, content: str, files: Sequence[Path]) -> tuple[Piece, ...]:
    """Texts and images as they follow each other, spaces kept: an image stands where a word would."""
    texts = content.split(IMAGE)
    if len(texts) != len(files) + 1:
        raise row.wrong(f"it has places for {len(texts) - 1} images, and {len(files)} images")
    found: list[Piece] = []
    for number, text in enumerate(texts):
        found += [text] if text else []
        found += [files[number]] if number < len(files) else []
    return tuple(found)


SPARKLES_EVAL = SparklesEval()
"""SparklesEval."""
