"""Text detection and recognition in the wild: readers of text measured in one way, challenge by challenge.

Raisi et al. 2020, arXiv 2006.04305 (abstract; the tables are not at hand here). There published detectors and recognizers are run on public sets
of photographs, by intersection over union, word accuracy and edit distance. Here scenes are composed (`limner.recipes.textscenes`): the same texts
at the same places, once as drawn and once under each challenge in two strengths, so that each comparison is paired. Readers are whole ones, that
find and read: PP-OCRv6 as rapidocr runs it, and Tesseract 5, made for pages. Both are told nothing of where texts are.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import ExpertError
from limner.evaluate.metrics.detection import ious
from limner.evaluate.metrics.ocr import Region, character_rate, spotted, word_counts
from limner.experts.ocr import Line, Ocr, ocr
from limner.recipes.gains import compared
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.textscenes import CHALLENGES, STRENGTHS, Draft, plain
from limner.sources.pairs import pairs

NAMES = {"bundled:rapidocr": "rapidocr", "tesseract:eng@11": "tesseract"}
MEASURES = ("found", "words", "distance")
Shares = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """`scenes` of `texts` each, by seed; `readers` are addresses of the port `ocr`. Texts are names of the pictures of `data`, and these the
    grounds."""

    data: tuple[str, ...] = ("fluent-emoji",)
    scenes: int = 6
    texts: int = 6
    readers: tuple[str, ...] = ("bundled:rapidocr", "tesseract:eng@11")
    challenges: tuple[str, ...] = tuple(CHALLENGES)
    strengths: tuple[str, ...] = STRENGTHS


def run(settings: Settings, seed: int) -> Iterator[Measurement]:
    """Draw scenes, read them under each challenge, and compare with the same scenes as they are drawn."""
    drafts = drawn(settings, seed)
    yield Measurement("scenes", len(drafts), note=f"of {settings.texts} texts each")
    for address in settings.readers:
        name = NAMES.get(address, address)
        try:
            reader = _reader(address)
        except ExpertError:
            continue  # the program is not on this machine: its claims are "not measured"
        before = _scores(reader, drafts, "", "")
        yield from _told(f"{name}.plain", before)
        for challenge in settings.challenges:
            for strength in settings.strengths:
                after = _scores(reader, drafts, challenge, strength)
                yield from _told(f"{name}.{challenge}.{strength}", after)
                yield from compared(
                    f"{name}.lost.{challenge}.{strength}", before["words"], after["words"], ("plain", "challenged"), "%",
                    "words of a scene that were read, mean of scenes",
                )  # fmt: skip


def drawn(settings: Settings, seed: int) -> list[Draft]:
    """The scenes of a seed: no text in two of them, of letters alone."""
    draw = np.random.default_rng(seed)
    every = {pair.text.casefold(): pair.image for name in settings.data for pair in pairs(name)}
    texts = [
        text for text in sorted(every) if 6 <= len(text) <= 22 and all(word.isalpha() and word.isascii() for word in text.split())
    ]
    order = [texts[i] for i in draw.permutation(len(texts))]
    some = [tuple(order[at : at + settings.texts]) for at in range(0, settings.scenes * settings.texts, settings.texts)]
    return [
        Draft(_ground(every[shown[0]]), shown, 1_000 * seed + number)
        for number, shown in enumerate(some)
        if len(shown) == settings.texts
    ]


def _ground(data: bytes) -> Image.Image:
    """A picture, as far as it is not transparent, on grey."""
    with Image.open(io.BytesIO(data)) as image:
        shown = image.convert("RGBA")
    ground = Image.new("RGBA", shown.size, (170, 170, 160, 255))
    ground.alpha_composite(shown)
    return ground.convert("RGB")


def _reader(address: str) -> Ocr:
    if address.startswith("tesseract:"):
        importlib.import_module("limner.experts.tesseract")
    return ocr(address)


def _scores(reader: Ocr, drafts: Sequence[Draft], challenge: str, strength: str) -> dict[str, Shares]:
    """By measure, a figure a scene."""
    rows: list[tuple[float, ...]] = []
    for draft in drafts:
        scene = CHALLENGES[challenge](draft, strength) if challenge else plain(draft)
        (lines,) = reader.read([np.asarray(scene.image)])
        rows.append(scored(lines, scene.regions))
    columns = np.array(rows, np.float32).T
    return dict(zip(MEASURES, columns, strict=True))


def scored(lines: Sequence[Line], there: Sequence[Region]) -> tuple[float, float, float]:
    """In percent: the h-mean of lines found (they overlap a text by more than half, upright boxes), the share of words that were read (wherever,
    without case), and edits of letters by the longer of text and line where one was found, 100 where none was."""
    found = [Region(line.text, line.box) for line in lines]
    places = spotted(found, there).places
    words = word_counts(" ".join(region.text for region in found), " ".join(region.text for region in there))
    overlaps = ious([region.box for region in found], [region.box for region in there])
    far: list[float] = []
    for number, region in enumerate(there):
        best = int(overlaps[:, number].argmax()) if len(found) else -1
        missed = best < 0 or overlaps[best, number] <= 0.5
        far.append(1.0 if missed else character_rate(found[best].text.casefold(), region.text.casefold()).distance)
    return 100 * places.f1, 100 * words.recall, 100 * float(np.mean(far))


def _told(name: str, scores: dict[str, Shares]) -> Iterator[Measurement]:
    what = {
        "found": "h-mean of lines that overlap a text by more than half",
        "words": "words that were read, wherever",
        "distance": "edits by the longer of text and line, 100 where none was found",
    }
    for measure in MEASURES:
        yield Measurement(f"{name}.{measure}", float(scores[measure].mean()), "%", what[measure])


def _claims() -> Iterator[Claim]:
    for name in NAMES.values():
        for challenge in CHALLENGES:
            yield Claim(
                f"{challenge}-{name}",
                f"{challenge} makes {name} read fewer words",
                paper="existing methods underperform on it (abstract; no figure of ours to compare with)",
                measured="share of words read as drawn less that under the strong challenge, paired over scenes, mean of the seeds",
                effect=5.0,
                within=f"{name}.lost.{challenge}.strong",
            )
    yield Claim(
        "learnt",
        "a reader learnt on scenes (PP-OCRv6) reads more of what is turned by 15 degrees than one made for pages (Tesseract)",
        paper="no such comparison; the review's methods are all learnt on scenes",
        measured="share of words read, means of the seeds",
        better="rapidocr.rotation.mild.words",
        worse="tesseract.rotation.mild.words",
        effect=10.0,
    )
    yield Claim(
        "more-engines", "the review's detectors and recognizers (CRAFT, PAN, EAST; CLOVA, ASTER ...)", "tables of the review", "not measured",
        waits="their weights are on no package index that is reached here",
    )  # fmt: skip


RECIPE = Recipe(
    slug="str-review",
    title="Text detection and recognition in the wild: readers by challenge",
    reference="Raisi et al. 2020, Text Detection and Recognition in the Wild: A Review, arXiv 2006.04305",
    claims=list(_claims()),
    settings={
        "smoke": Settings(scenes=2, challenges=("rotation", "occlusion"), strengths=("strong",)),
        "laptop": Settings(),
        "gpu": Settings(scenes=200),
    },
    run=run,
    seeds={"smoke": 1, "laptop": 2, "gpu": 3},
    panels=[
        Panel("Words read under the strong challenge (%)", "{series}.{row}.strong.words", tuple(NAMES.values())),
        Panel("Texts found under the strong challenge (h-mean, %)", "{series}.{row}.strong.found", tuple(NAMES.values())),
    ],
)
