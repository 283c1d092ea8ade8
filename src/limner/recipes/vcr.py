"""VCR: words covered in a caption but for the tops and bottoms of their letters, restored from pixels and from the text around them.

Zhang et al. 2024, arXiv 2406.06462 (abstract, and the table of the authors' data cards). There models that see are asked; here none is at hand, so
that the parts of the question are asked one by one of what is: a language model that is told the text around and no pixels (infilling), an OCR that
has learnt no covered text, and a small reader of lines (`limner.recipes.glyphrows`), trained on lines as they are and then, for as many steps, on
more of the same (before) or on covered ones (after). The reader is told where lines stand, and reads the pixels alone. Items are composed by
`vcr-made` from manuals; documents that items are made of are in no training.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from limner.document import Document
from limner.evaluate.benchmarks.pictured import ended, pictured
from limner.evaluate.benchmarks.textatlas import read_text
from limner.evaluate.benchmarks.vcrmade import Covered, Making, covered
from limner.evaluate.benchmarks.vcrscoring import scores
from limner.experts.language import language
from limner.experts.language_local import LocalModel
from limner.pipeline.plan import load
from limner.recipes.gains import compared
from limner.recipes.glyphrows import Reader, RowReader, alphabet, lines, lines_of, trained
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built

LEVELS = ("easy", "hard")
Shares = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """`data` are manuals, one a language; of each `items` pictures with their texts are asked, and `texts` of other documents trained on.

    `steps`   of the reader on lines as they are, and as many again before and after covering
    `ocr`     address of the OCR, "" for none
    `writer`  address of the language model that fills in English, "" for none; it tries `beams` continuations
    """

    data: tuple[str, ...] = ("gimp-help-en", "gimp-help-de")
    items: int = 14
    texts: int = 400
    steps: int = 250
    reader: Reader = field(default_factory=Reader)
    making: Making = field(default_factory=Making)
    ocr: str = "bundled:rapidocr"
    writer: str = "bundled:smollm2-135m"
    beams: int = 6


@dataclass(frozen=True, eq=False)
class Asked:
    """A picture and the text below it."""

    picture: Image.Image
    text: Covered

    def whole(self, difficulty: str) -> Image.Image:
        """The item as `vcr-made` shows it."""
        below = self.text.drawn(difficulty)
        picture = self.picture.resize((below.width, max(1, round(self.picture.height * below.width / self.picture.width))))
        whole = Image.new("RGB", (below.width, picture.height + below.height), "white")
        whole.paste(picture, (0, 0))
        whole.paste(below, (0, picture.height))
        return whole


@dataclass(frozen=True, eq=False)
class Manual:
    """Of a language: what may be asked, and texts of other documents."""

    asked: tuple[Asked, ...]
    texts: tuple[Covered, ...]


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Train the reader, ask all of the same items, and compare."""
    s = settings
    manuals = {name.rpartition("-")[2]: manual(name, s.making, 8 * s.items, s.texts) for name in s.data}
    readers = _readers(s, [text for found in manuals.values() for text in found.texts], seed)
    for name, found in manuals.items():
        some = random.Random(seed).sample(found.asked, min(s.items, len(found.asked)))
        yield Measurement(f"{name}.items", len(some), note=f"{sum(len(one.text.stretches) for one in some)} covered stretches")
        yield from _measured(s, name, some, readers)


@cache
def manual(name: str, making: Making, asked: int, texts: int) -> Manual:
    """Items of a fifth of the documents of a data set, and texts of the others."""
    held: list[Asked] = []
    learnt: list[Covered] = []
    with built(replace(load("default"), steps=()), (name,)) as (corpus, _):
        for number, text in enumerate(_paragraphs(d for d in corpus if not _held(d))):
            if len(learnt) < texts and (made := covered(text, making.width, making, number)):
                learnt.append(made)
        for number, found in enumerate(pictured(corpus)):
            made = (
                covered(f"{ended(found.caption)} {found.prose}", making.width, making, number) if _held(found.document) else None
            )
            if made:
                held.append(Asked(found.image, made))
            if len(held) >= asked:
                break
    return Manual(tuple(held), tuple(learnt))


def _held(document: Document) -> bool:
    return sha256(document.source.rpartition("/")[2].encode()).digest()[0] < 51


def _paragraphs(documents: Iterator[Document]) -> Iterator[str]:
    for document in documents:
        yield from (text.text for text in document.texts if text.role == "paragraph" and len(text.text) > 100)


def _readers(s: Settings, texts: Sequence[Covered], seed: int) -> dict[str, RowReader]:
    """Before: twice the steps on lines as they are. After: the second half on covered ones."""
    letters = alphabet(text.block.text for text in texts)
    torch.manual_seed(seed)
    # Lines of one height: a font that sets a text that the first does not has others.
    step = max({text.block.step for text in texts}, key=[text.block.step for text in texts].count)
    alike = [text for text in texts if text.block.step == step]
    plain = lines(alike, letters, s.making.width, ("",))
    first = trained(RowReader(s.reader, letters, step), plain, s.reader, s.steps, seed)
    before = trained(copy.deepcopy(first), plain, s.reader, s.steps, seed + 1)
    after = trained(first, lines(alike, letters, s.making.width, LEVELS), s.reader, s.steps, seed + 1)
    return {"before": before, "after": after}


def _measured(s: Settings, name: str, some: Sequence[Asked], readers: dict[str, RowReader]) -> Iterator[Measurement]:
    exact: dict[str, Shares] = {}
    filled: Shares | None = None
    if s.writer and name == "en":
        filled = yield from _told(f"{name}.text", some, [infilled(s, one.text) for one in some])
    for level in LEVELS:
        answers = {way: [read(reader, one.text, level, s.making.width) for one in some] for way, reader in readers.items()}
        if s.ocr:
            answers["ocr"] = [read_text(np.asarray(one.whole(level)), s.ocr) for one in some]
        for way, given in answers.items():
            exact[f"{way}.{level}"] = yield from _told(f"{name}.{way}.{level}", some, given)
        after = exact[f"after.{level}"]
        yield from _gain(f"{name}.tuning.{level}", after, exact[f"before.{level}"], ("after", "before"))
        if s.ocr:
            yield from _gain(f"{name}.over-ocr.{level}", after, exact[f"ocr.{level}"], ("after", "ocr"))
        if filled is not None:
            yield from _gain(f"{name}.hints.{level}", after, filled, ("pixels", "text"))
    yield from _gain(f"{name}.harder", exact["after.easy"], exact["after.hard"], ("easy", "hard"))


def _told(name: str, some: Sequence[Asked], given: Sequence[str]) -> Generator[Measurement, None, Shares]:
    """Exact match and Jaccard index of answers, means of items in percent; gives the first of each."""
    found = np.array([scores(one.text.texts, answer) for one, answer in zip(some, given, strict=True)], np.float32) * 100
    yield Measurement(f"{name}.exact", float(found[:, 0].mean()), "%", "covered stretches restored word by word, mean of items")
    yield Measurement(f"{name}.jaccard", float(found[:, 1].mean()), "%", "words in common with the most similar stretch")
    return found[:, 0]


def _gain(name: str, better: Shares, worse: Shares, series: tuple[str, str]) -> Iterator[Measurement]:
    yield from compared(name, better, worse, series, "%", "exact match, mean of items")


def read(reader: RowReader, text: Covered, difficulty: str, wide: int) -> str:
    """What the reader says of a text; "" where its lines are of a height that it has not learnt."""
    rows = lines_of(text.drawn(difficulty), text.block, wide)
    return " ".join(reader.read(torch.from_numpy(rows))) if rows.shape[2] // 4 * 64 <= reader.first.in_channels else ""


def infilled(s: Settings, text: Covered) -> str:
    """The stretches as a language model fills them in, told the text around each with the others left out: of the likeliest continuations, cut to
    as many words, that after which the rest is the likeliest."""
    model = language(s.writer)
    assert isinstance(model, LocalModel)
    gone = {number for stretch in text.stretches for number in stretch}
    found: list[str] = []
    for stretch in text.stretches:
        before = _left(text, range(stretch[0]), gone)
        after = _left(text, range(stretch[-1] + 1, len(text.block.words)), gone)
        tries = sorted({" ".join(each.split()[: len(stretch)]) for each in continued(model, before, s.beams)} - {""})
        pairs = [(before, f" {each} {after}".rstrip()) for each in tries]
        told = model.likelihood(pairs) if tries else []
        best = max(range(len(tries)), key=lambda i: told[i][0] / max(told[i][1], 1), default=-1)
        found.append(tries[best] if tries else "")
    return "\n".join(found)


def _left(text: Covered, numbers: range, gone: set[int]) -> str:
    return " ".join(text.block.words[i].text for i in numbers if i not in gone)


def continued(model: LocalModel, before: str, beams: int, tokens: int = 12) -> list[str]:
    """The likeliest continuations of a text, by beam search."""
    inputs = model.tokenizer(before or "The", return_tensors="pt").to(model.model.device)
    with torch.inference_mode():
        out = model.model.generate(
            **inputs, max_new_tokens=tokens, num_beams=beams, num_return_sequences=beams, do_sample=False,
            pad_token_id=model.tokenizer.pad_token_id,
        )  # fmt: skip
    return [model.tokenizer.decode(row[inputs["input_ids"].shape[1] :], skip_special_tokens=True) for row in out]


def _claims() -> Iterator[Claim]:
    table = (
        "GPT-4 Turbo 78.7 % (easy) and 45.2 % (hard), Claude 3 Opus 62.0 % and 37.8 %, exact match, English (authors' data card)"
    )
    for level in LEVELS:
        yield Claim(
            f"hints-{level}", f"the pixels that are left restore more than the text around ({level})",
            "text-based processing becomes ineffective in VCR (abstract)",
            "exact match of the tuned reader less that of infilling, English, paired over items, mean of the seeds",
            effect=5.0, within=f"en.hints.{level}",
        )  # fmt: skip
        for language_ in ("en", "de"):
            yield Claim(
                f"ocr-{level}-{language_}", f"who has learnt covered text restores more than an OCR ({level}, {language_})",
                "OCR becomes ineffective in VCR (abstract)", "exact match, paired over items, mean of the seeds",
                effect=5.0, within=f"{language_}.over-ocr.{level}",
            )  # fmt: skip
    for language_ in ("en", "de"):
        yield Claim(
            f"harder-{language_}", f"hard items are restored less than easy ones ({language_})", table,
            "exact match of the tuned reader, paired over items, mean of the seeds", effect=5.0, within=f"{language_}.harder",
        )  # fmt: skip
        yield Claim(
            f"tuning-{language_}", f"tuning on covered text brings no notable improvement: below 5 points ({language_}, easy)",
            "merely fine-tuning models that see on it does not lead to notable improvements (abstract)",
            "exact match after tuning less that after as many more steps on lines as they are; of a small reader, no model that sees",
            better=f"{language_}.tuning.easy.gain", at_most=5.0,
        )  # fmt: skip
    yield Claim(
        "seeing", "models that see fall short of people", table, "not measured", waits="no model that sees is at hand here"
    )
    yield Claim(
        "picture", "the picture above helps to restore the text", "answers with and without the picture are compared", "not measured",
        waits="it takes a model that sees picture and text",
    )  # fmt: skip


RECIPE = Recipe(
    slug="vcr",
    title="Visual Caption Restoration: pixels, the text around, and OCR",
    reference="Zhang et al. 2024, VCR: Visual Caption Restoration, arXiv 2406.06462",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("sasview",), items=2, texts=12, steps=4, reader=Reader((4, 8, 8), 16, (1,), 4), ocr="", writer="",
        ),
        "laptop": Settings(),
        "gpu": Settings(items=200, texts=5_000, steps=5_000, reader=Reader((32, 64, 96), 256, (1, 2, 4, 8), 64, 1e-3)),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 2, "gpu": 3},
    panels=[
        Panel("Covered text restored, easy (exact match, %)", "{row}.{series}.easy.exact", ("before", "after", "ocr")),
        Panel("Covered text restored, hard (exact match, %)", "{row}.{series}.hard.exact", ("before", "after", "ocr")),
    ],
)  # fmt: skip
