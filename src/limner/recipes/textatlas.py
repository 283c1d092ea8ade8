"""TextAtlas5M: images of dense text. How well the renderer's own pages are read, and how much of a text generators write, by level and by length.

Wang et al. 2025, arXiv 2502.07870 (abstract). There large generators are asked for styled text, interleaved pages and scenes, and what an OCR
(PaddleOCR) reads is compared with what was asked. Here pages are composed (`textatlas-made`) from a manual's texts and pictures, and rapidocr reads.

`rendered`  the pages themselves: what can be had at most with this reader
`typist`    the same pages set from texts in which a known share of the words is wrong: whether the measure says what was planted
`letters`   a network that is told each letter and draws it; `barely` the same after a few steps (`limner.recipes.lettering`)
`words`     a small flow that is told what a prompt means, not how it is spelt
`painter`   a generator by its address; the bundled one has learnt emoji and clip art, no text

The networks here draw text on a plain page whatever the level's layout, and are judged by the text alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from limner.corpus.pixels import Pixels, thumbnail
from limner.errors import ExpertError
from limner.evaluate.benchmarks.pictured import Pictured, pictured
from limner.evaluate.benchmarks.textatlas import read_text
from limner.evaluate.benchmarks.textatlasmade import KINDS, made_of
from limner.evaluate.benchmarks.typeset import beginning, spans
from limner.evaluate.metrics.ocr import ALIKE, character_rate, word_counts
from limner.experts.generator import Generator as Painter
from limner.experts.generator import generator
from limner.pipeline.plan import load
from limner.recipes.gains import compared
from limner.recipes.lettering import Lettered, Words, asked, letters
from limner.recipes.painting import Size
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.stages import built

Shares = NDArray[np.float32]
Writer = Callable[[Sequence[str]], list[Pixels]]
_OTHERS = str.maketrans("aeiounrst", "zyxwvkqjb")
_POOL = 60  # pictures with enough text that seeds draw from


@dataclass(frozen=True)
class Settings:
    """Of `data` so many `pages` of each level, and texts of `lengths` words each.

    `wrong`    share of the typist's words that are spelt wrong
    `barely`, `steps`  of the network that draws letters
    `painters` addresses of generators of images; those not at hand are left out
    """

    data: tuple[str, ...] = ("gimp-help-en",)
    pages: int = 4
    lengths: tuple[int, ...] = (5, 20, 80)
    wrong: float = 0.25
    barely: int = 20
    steps: int = 1_000
    words: Lettered = field(default_factory=Lettered)
    painters: tuple[str, ...] = ("bundled:limner-t2i",)
    side: int = 768
    reader: str = "bundled:rapidocr"


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Draw pages and texts by seed, train the generators, let all write, read what they wrote."""
    s = settings
    pool = _pool(s.data)
    some = random.Random(seed).sample(pool, min(s.pages, len(pool)))
    rest = [found.prose for found in pool if found not in some]
    writers = _writers(s, rest, seed)
    yield Measurement("pages", len(some), note=f"of each level; their texts are of {len(pool)} that could be drawn")
    planted: list[Shares] = []
    for level in KINDS:
        pages = [page for number, found in enumerate(some) if (page := made_of(found, level, number))]
        texts = [page.text for page in pages]
        rendered = yield from _told(f"rendered.{level}", scored(s, [np.asarray(page.image) for page in pages], texts))
        wrong = [made for n, found in enumerate(some) if (made := made_of(_misspelt(found, s.wrong, seed), level, n))]
        typed = yield from _told(f"typist.{level}", scored(s, [np.asarray(page.image) for page in wrong], texts))
        planted += [rendered["accuracy"], typed["accuracy"]]
        prompts = [page.prompt for page in pages]
        for name, write in writers.items():
            yield from _told(f"{name}.{level}", scored(s, write(prompts), texts))
    before, after = np.concatenate(planted[::2]), np.concatenate(planted[1::2])
    yield from compared("planted", before, after, ("rendered", "typist"), "%", f"words read, {100 * s.wrong:.0f} % planted wrong")
    lost = 100 * (1 - float(after.mean()) / max(float(before.mean()), 1e-9))
    yield Measurement(
        "planted.off", abs(lost - 100 * s.wrong), "%", "how far the share of read words that is lost is from what was planted"
    )
    yield from _by_length(s, some, writers)


@cache
def _pool(data: tuple[str, ...]) -> list[Pictured]:
    """Pictures with enough text after them, spread over the documents."""
    found: dict[str, Pictured] = {}
    with built(replace(load("default"), steps=()), data) as (corpus, _):
        for each in pictured(corpus):
            if len(spans(each.prose)) >= 90 and each.prose.isprintable():
                found.setdefault(each.document.id, each)
            if len(found) >= _POOL:
                break
    return list(found.values())


def _writers(s: Settings, texts: Sequence[str], seed: int) -> dict[str, Writer]:
    found: dict[str, Writer] = {}
    for name, steps in (("letters", s.steps), ("barely", s.barely)):
        drawing = letters(texts, steps, seed)
        found[name] = lambda prompts, drawing=drawing: [
            drawing.draw(asked(prompt), s.side, seed + n) for n, prompt in enumerate(prompts)
        ]
    flow = Words(texts, s.words, seed)
    found["words"] = lambda prompts: flow.draw([asked(prompt) for prompt in prompts], s.side, seed)
    for address in s.painters:
        try:
            painter = generator(address)
        except ExpertError:
            continue  # no weights here: its figures are "not measured"
        found["painter"] = lambda prompts, painter=painter: _painted(painter, prompts, s.side, seed)
    return found


def _painted(painter: Painter, prompts: Sequence[str], side: int, seed: int) -> list[Pixels]:
    return [thumbnail(file, side) for file in painter.paint(prompts, side, seed)]


def scored(s: Settings, shown: Sequence[Pixels], texts: Sequence[str]) -> dict[str, Shares]:
    """TextAtlasEval's measures of each image, in percent."""
    rows: list[tuple[float, float, float]] = []
    for pixels, text in zip(shown, texts, strict=True):
        read = read_text(pixels, s.reader)
        counted = word_counts(read, text, ALIKE)
        rows.append((100 * counted.recall, 100 * counted.f1, 100 * character_rate(read, text).distance))
    return dict(zip(("accuracy", "f1", "cer"), np.array(rows, np.float32).reshape(-1, 3).T, strict=True))


def _told(name: str, found: dict[str, Shares]) -> Generator[Measurement, None, dict[str, Shares]]:
    for measure, values in found.items():
        yield Measurement(f"{name}.{measure}", float(values.mean()), "%", f"of {len(values)} images")
    return found


def _misspelt(found: Pictured, share: float, seed: int) -> Pictured:
    """The same with that share of the words of each of its texts, drawn, made unlike themselves: turned round, with other letters."""
    draw = random.Random(f"{seed} {found.document.id}")

    def wrong(text: str) -> str:
        words = text.split()
        for at in draw.sample(range(len(words)), round(share * len(words))):
            words[at] = words[at][::-1].translate(_OTHERS)
        return " ".join(words)

    return replace(
        found,
        caption=wrong(found.caption),
        prose=wrong(found.prose),
        document=found.document.evolve(title=wrong(found.document.title)),
    )


def _by_length(s: Settings, some: Sequence[Pictured], writers: dict[str, Writer]) -> Iterator[Measurement]:
    """Plain pages of texts of some lengths."""
    for name, write in writers.items():
        every: dict[int, Shares] = {}
        for length in s.lengths:
            texts = [beginning(found.prose, length) for found in some]
            prompts = [f"A white page with nothing on it but this text, in clear letters: “{text}”" for text in texts]
            found = scored(s, write(prompts), texts)
            every[length] = found["accuracy"]
            for measure, values in found.items():
                yield Measurement(f"{name}.{length}.{measure}", float(values.mean()), "%", f"texts of {length} words")
        yield from compared(
            f"{name}.longer",
            every[s.lengths[0]],
            every[s.lengths[-1]],
            ("short", "long"),
            "%",
            "words read, by length of the text",
        )


def _claims() -> Iterator[Claim]:
    large = "large generators, open and closed, do poorly on dense text (abstract); no figure of ours to compare with"
    for level in KINDS:
        yield Claim(
            f"rendered-{level.replace(' ', '-')}", f"the renderer's own pages are read nearly whole ({level})", "no such figure",
            "share of words that are read, 80 % alike, of composed pages", better=f"rendered.{level}.accuracy", at_least=90.0,
        )  # fmt: skip
    yield Claim(
        "planted", "the measure says what is wrong: words planted wrong are lost, and no more", "no such control",
        "how far the share of words lost is from the share planted, points", better="planted.off", at_most=5.0,
    )  # fmt: skip
    for name, what in (("words", "a flow told what prompts mean"), ("painter", "the bundled painter of emoji")):
        for level in KINDS:
            yield Claim(
                f"{name}-{level.replace(' ', '-')}", f"{what} writes next to nothing of a dense text ({level})", large,
                "share of words that are read", better=f"{name}.{level}.accuracy", at_most=2.0,
            )  # fmt: skip
    yield Claim(
        "told-letters", "to be told letters is what writing needs: 20 words are written by who is told them, not by who is told a meaning",
        "models with weak text rendering improve by training on dense text (abstract)", "share of words that are read, means of the seeds",
        better="letters.20.accuracy", worse="words.20.accuracy", effect=10.0,
    )  # fmt: skip
    for name in ("letters", "barely", "words"):
        yield Claim(
            f"longer-{name}", f"long texts are written less well than short ones ({name})",
            "generators that write short text struggle with longer sequences (the authors' page)",
            "share of words read of 5 less that of 80, paired over texts, mean of the seeds", effect=5.0, within=f"{name}.longer",
        )  # fmt: skip
    yield Claim(
        "large",
        "text accuracy of large generators (SD3.5, GPT-4o ...)",
        large,
        "not measured",
        waits="no such generator is at hand here",
    )


RECIPE = Recipe(
    slug="textatlas",
    title="Images of dense text: the renderer read, and generators that write",
    reference="Wang et al. 2025, TextAtlas5M: A Large-scale Dataset for Dense Text Image Generation, arXiv 2502.07870",
    claims=list(_claims()),
    settings={
        "smoke": Settings(
            data=("sasview",),
            pages=1,
            lengths=(3, 6),
            barely=2,
            steps=20,
            words=Lettered(32, 2, 2, 8, Size(32, 2, 0, 1), 2.0, 2),
            painters=(),
            side=256,
        ),
        "laptop": Settings(),
        "gpu": Settings(pages=200, steps=5_000, words=Lettered(100_000, 5, 50_000, 256, Size(512, 8, 0, 12), 4.0, 50)),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 2, "gpu": 3},
    panels=[
        Panel("Words read, by level (%)", "{series}.{row}.accuracy", ("rendered", "typist", "letters", "words", "painter")),
        Panel("Edits of letters, by level (%)", "{series}.{row}.cer", ("rendered", "typist", "letters", "words", "painter")),
    ],
)
