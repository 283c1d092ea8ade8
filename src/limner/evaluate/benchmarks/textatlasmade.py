"""Images of dense text made from a corpus, with all that stands in them: plain text, text on boards, text over pictures, pages, slides.

Five kinds, after TextAtlas5M's (arXiv 2502.07870): CleanTextSynth, StyledTextSynth, text on real pictures, interleaved pages (TextVisionBlend) and
slides (PPT2Structured). Texts and pictures are a corpus' own. What is set is known word by word, with the box of each, so that pages serve to judge
those who write text into images and those who read it. Words that a picture itself shows (screenshots have some) are not counted among them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from limner.evaluate.benchmark import Item
from limner.evaluate.benchmarks.pictured import Pictured, corpus_of, ended, pictured, png
from limner.evaluate.benchmarks.textatlas import DenseText
from limner.evaluate.benchmarks.typeset import Block, Box, beginning, boxes, font, fonts_for, lay, spans

Colour = tuple[int, int, int]

_SIDE = 768
_SLIDE = (1_024, 576)
_LEAST = 30  # words of a text
_POINT = 16  # words of a point of a slide
_INKS: Sequence[Colour] = ((0, 0, 0), (25, 25, 90), (90, 20, 20), (15, 70, 40), (60, 30, 80))
_BOARDS: Sequence[tuple[Colour, Colour, Colour]] = (
    ((38, 70, 60), (58, 40, 25), (245, 245, 235)), ((250, 240, 215), (120, 80, 40), (60, 35, 20)), ((25, 40, 95), (200, 170, 60), (255, 240, 180)),
    ((235, 235, 235), (40, 40, 40), (20, 20, 20)), ((150, 30, 35), (245, 245, 240), (255, 255, 250)),
)  # fmt: skip
"""Of a board: ground, frame and letters."""
_SENTENCE = re.compile(r"\S.*?(?:[.!?](?=\s)|[。！？]|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """An image, what it says in the order it is read, and each word with its box."""

    image: Image.Image
    text: str
    words: Sequence[tuple[str, Box]]
    prompt: str


@dataclass
class _Sheet:
    """A page while it is made."""

    canvas: Image.Image
    texts: list[str] = field(default_factory=list[str])
    words: list[tuple[str, Box]] = field(default_factory=list[tuple[str, Box]])

    def put(self, block: Block, at: tuple[float, float], colour: Colour) -> float:
        """Draw a block, and give where it ends."""
        block.draw(self.canvas, at, colour)
        self.texts.append(block.text)
        self.words += [(word.text, boxes(block, [i], at)[0]) for i, word in enumerate(block.words)]
        return at[1] + block.height

    def page(self, prompt: str) -> Page:
        """What came of it."""
        text = " ".join(self.texts)
        return Page(self.canvas, text, tuple(self.words), prompt.format(text=text))


@dataclass(frozen=True, slots=True)
class Faces:
    """A plain and a bold font that set the text."""

    plain: Path
    bold: Path

    @classmethod
    def of(cls, text: str, draw: random.Random) -> Faces | None:
        """Two of this machine that go together, where there are any."""
        upright = [path for path in fonts_for(text) if not re.search(r"Italic|Oblique|Light|Mono|Bold", path.stem)]
        if not upright:
            return None
        plain = draw.choice(upright)
        family = re.sub(r"-Regular$", "", plain.stem)
        bold = next((path for path in fonts_for(text) if path.stem == f"{family}-Bold"), plain)
        return cls(plain, bold)


def clean(found: Pictured, faces: Faces, draw: random.Random) -> Page:
    """Text on white."""
    sheet = _Sheet(Image.new("RGB", (_SIDE, _SIDE), "white"))
    size = draw.randint(22, 36)
    block = _fitted(found.prose, faces.plain, size, _SIDE - 80, _SIDE - 80)
    sheet.put(block, (40, 40), draw.choice(_INKS))
    return sheet.page("A white page with nothing on it but this text, in clear letters: “{text}”")


def styled(found: Pictured, faces: Faces, draw: random.Random) -> Page:
    """A framed board with large letters."""
    ground, frame, ink = draw.choice(_BOARDS)
    sheet = _Sheet(_gradient(_SIDE, draw))
    pen = ImageDraw.Draw(sheet.canvas)
    block = _fitted(_sentences(found.prose, 40), faces.bold, draw.randint(30, 44), _SIDE - 260, _SIDE - 280)
    top = (_SIDE - block.height) / 2
    pen.rounded_rectangle((70, top - 60, _SIDE - 70, top + block.height + 60), 18, ground, frame, 14)
    sheet.put(block, (130, top), ink)
    return sheet.page("A framed board on a wall, seen from the front. On it stands, in large letters: “{text}”")


def on_picture(found: Pictured, faces: Faces, draw: random.Random) -> Page:
    """Text over a darkened band of a picture."""
    sheet = _Sheet(_covering(found.image, (_SIDE, _SIDE)))
    block = _fitted(_sentences(found.prose, 45), faces.bold, draw.randint(26, 36), _SIDE - 120, _SIDE // 2)
    top = _SIDE - 60 - block.height if draw.random() < 0.5 else 60
    band = (0, top - 30, _SIDE, top + block.height + 30)
    dark = ImageEnhance.Brightness(sheet.canvas.crop(band).filter(ImageFilter.GaussianBlur(12))).enhance(0.22)
    sheet.canvas.paste(dark, band[:2])
    sheet.put(block, (60, top), (255, 255, 255))
    said = f" ({found.caption.rstrip('.')})" if found.caption else ""
    return sheet.page(f"A picture{_escaped(said)} with a dark band across it, on which stands in white: “{{text}}”")


def page(found: Pictured, faces: Faces, draw: random.Random) -> Page:
    """A page of a book: heading, text, picture with caption, text."""
    sheet = _Sheet(Image.new("RGB", (_SIDE, 1_024), (252, 251, 247)))
    ink, wide, left = (20, 20, 20), _SIDE - 140, 70
    y = sheet.put(_fitted(found.document.title or _sentences(found.prose, 6), faces.bold, 30, wide, 90), (left, 50), ink) + 20
    first, rest = _halves(found.prose)
    y = sheet.put(_fitted(first, faces.plain, 20, wide, 240), (left, y), ink) + 24
    picture = _within(found.image, (wide, 330))
    sheet.canvas.paste(picture, (left + (wide - picture.width) // 2, round(y)))
    y += picture.height + 12
    if found.caption:
        y = sheet.put(_fitted(found.caption, faces.plain, 17, wide, 50), (left, y), (70, 70, 70)) + 20
    room = 1_024 - 50 - y
    if room > 40 and rest:
        sheet.put(_fitted(rest, faces.plain, 20, wide, room), (left, y), ink)
    return sheet.page("A page of a book with a heading, text, a picture in the middle and text below it. It reads: “{text}”")


def slide(found: Pictured, faces: Faces, draw: random.Random) -> Page:
    """A slide: a coloured heading, points on the left, a picture on the right."""
    ground, _, ink = _BOARDS[draw.choice((0, 2, 4))]
    sheet = _Sheet(Image.new("RGB", _SLIDE, "white"))
    pen = ImageDraw.Draw(sheet.canvas)
    pen.rectangle((0, 0, _SLIDE[0], 110), ground)
    title = _fitted(found.document.title or _sentences(found.prose, 6), faces.bold, 34, _SLIDE[0] - 100, 90)
    sheet.put(title, (50, (110 - title.height) / 2), ink)
    y = 145.0
    for sentence in _SENTENCE.findall(found.prose)[:5]:
        block = _fitted(_point(sentence), faces.plain, 22, 500, 100)
        if y + block.height > _SLIDE[1] - 30 or not block.words:
            break
        pen.ellipse((46, y + block.step / 2 - 7, 58, y + block.step / 2 + 5), ground)
        y = sheet.put(block, (76, y), (30, 30, 30)) + 14
    picture = _within(found.image, (370, 380))
    sheet.canvas.paste(picture, (_SLIDE[0] - 40 - picture.width, 140 + (380 - picture.height) // 2))
    return sheet.page(
        "A slide with a heading on a coloured bar, points below it on the left and a picture on the right. It reads: “{text}”"
    )


KINDS: Mapping[str, Callable[[Pictured, Faces, random.Random], Page]] = {
    "clean": clean, "styled": styled, "on picture": on_picture, "page": page, "slide": slide,
}  # fmt: skip


class TextAtlasMade(DenseText):
    """See the module; `TEXT_ATLAS_MADE` is it."""

    name = "textatlas-made"
    title = "Images of dense text, made from a corpus"
    files = "a corpus of limner; its pictures, captions, titles and paragraphs"

    def items(self, data: Path | None) -> Iterator[Item]:
        """See `Benchmark`: each picture with enough text in all kinds, as a family. The page is the reference."""
        for number, found in enumerate(pictured(corpus_of(data))):
            for kind in KINDS:
                if made := made_of(found, kind, number):
                    yield Item(
                        f"{found.document.id}-{number}-{kind}", ((made.prompt,),), made.text, (png(made.image),),
                        family=f"{found.document.id}-{number}", categories={"subset": kind, "language": found.document.language},
                    )  # fmt: skip


def made_of(found: Pictured, kind: str, number: int = 0) -> Page | None:
    """A page of a kind; None where there is too little text, or no font here sets it."""
    if len(spans(found.prose)) < _LEAST:
        return None
    draw = random.Random(f"{kind} {number}")
    caption, prose = ended(found.caption), " ".join(found.prose.split())
    faces = Faces.of(f"{found.document.title}{caption}{prose}", draw)
    return KINDS[kind](Pictured(found.image, caption, prose, found.document), faces, draw) if faces else None


def _fitted(text: str, face: Path, size: int, width: float, height: float) -> Block:
    """The lines of a text that fit."""
    block = lay(text, font(face, size), width)
    return block.first(max(1, int(height // block.step)))


def _sentences(text: str, words: int) -> str:
    """Whole sentences to about so many words; the first words where the first is longer."""
    ends = [found.end() for found in _SENTENCE.finditer(text) if len(spans(text[: found.end()])) <= words]
    return text[: ends[-1]].strip() if ends else beginning(text, words)


def _halves(text: str) -> tuple[str, str]:
    """A text cut after the sentence that is nearest to its middle; all of it first where it is one."""
    ends = [found.end() for found in _SENTENCE.finditer(text)] or [len(text)]
    at = min(ends, key=lambda end: abs(end - len(text) / 2))
    return text[:at].strip(), text[at:].strip()


def _point(sentence: str) -> str:
    """A sentence short enough for a slide: whole, or to its last comma, or its first words."""
    if len(spans(sentence)) <= _POINT:
        return sentence
    short = beginning(sentence, _POINT)
    comma = max(short.rfind(mark) for mark in (", ", "，", "、"))
    return short[:comma] if len(spans(short[: max(comma, 0)])) > _POINT // 3 else beginning(sentence, _POINT - 4)


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _gradient(side: int, draw: random.Random) -> Image.Image:
    """A wall whose light falls from above."""
    low, high = draw.randint(70, 120), draw.randint(170, 220)
    tint = tuple(draw.uniform(0.85, 1.0) for _ in range(3))
    column = Image.new("RGB", (1, 2))
    column.putdata([tuple(round(level * part) for part in tint) for level in (high, low)])
    return column.resize((side, side), Image.Resampling.BILINEAR)


def _covering(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = max(size[0] / image.width, size[1] / image.height)
    grown = image.convert("RGB").resize((max(size[0], round(image.width * scale)), max(size[1], round(image.height * scale))))
    left, top = (grown.width - size[0]) // 2, (grown.height - size[1]) // 2
    return grown.crop((left, top, left + size[0], top + size[1]))


def _within(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    scale = min(size[0] / image.width, size[1] / image.height, 2.0)
    return image.convert("RGB").resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )


TEXT_ATLAS_MADE = TextAtlasMade()
