"""Pictures that say what they show: emoji by their names in Unicode, clip art by its files' names, figures by their captions.

A pair belongs to a concept, its name without what varies (tones of skin, gender, numbers, who drew it), so that sets can be split without a
concept in two parts. Emoji's names are those of the package `emoji` (BSD); colour glyphs are drawn from a font by Pillow.
"""

from __future__ import annotations

import importlib
import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from limner.corpus import Corpus
from limner.errors import MissingExtra
from limner.sources.datasets import dataset

KINDS = ("fluent-emoji", "noto-emoji", "openmoji", "openclipart")
"""Data sets that `pairs` reads; any other is read as documents with figures by `figures`."""

_GLYPH = 109  # pixels, the one size that Noto's bitmaps have
_MOST = 6  # pictures of one concept
_FOLDERS = 4  # of top level, in which a word must end names to be an artist's
_TONE = re.compile(r"[\U0001f3fb-\U0001f3ff]")
_GENDER = re.compile(r"\A(?:man|woman|person|men|women|people) ")
_CODES = re.compile(r"[0-9A-Fa-f]{2,6}(?:-[0-9A-Fa-f]{2,6})*")
_LEAST_WORDS, _MOST_WORDS = 2, 60


@dataclass(frozen=True, slots=True)
class Pair:
    """An image (the bytes of its file) and what it shows. `group` is the sort of thing, where the set says it."""

    image: bytes
    text: str
    concept: str
    kind: str
    group: str = ""


def part(concept: str) -> str:
    """In which part of a split a concept is, the same in every set: 80 % `train`, 5 % `tune`, 15 % `test`.

    >>> part("red apple") == part("red apple")
    True
    """
    place = int.from_bytes(sha256(concept.encode()).digest()[:4]) / 2**32
    return "train" if place < 0.8 else "tune" if place < 0.85 else "test"


def pairs(name: str) -> Iterator[Pair]:
    """The pairs of the data set `name`. Raises `SourceError` where it is not here, `MissingExtra` without the names of emoji."""
    readers: dict[str, Callable[[Path], Iterator[Pair]]] = {
        "fluent-emoji": _fluent, "noto-emoji": _noto, "openmoji": _openmoji, "openclipart": _clipart,
    }  # fmt: skip
    return readers[name](dataset(name).data)


def figures(corpus: Corpus, kind: str) -> Iterator[Pair]:
    """The captioned images of a corpus, each file once."""
    seen: set[str] = set()
    for document in corpus:
        for image in document.images:
            said = [" ".join(text.text.split()) for text in document.captions(image.n)]
            if len(said) == 1 and image.ref and image.ref not in seen and _LEAST_WORDS <= len(said[0].split()) <= _MOST_WORDS:
                data = corpus.media(image.ref)
                if data is not None:
                    seen.add(image.ref)
                    yield Pair(data, said[0], said[0].casefold(), kind)


def _names() -> dict[str, str]:
    """The English name of each emoji, variation selectors left out."""
    try:
        package: Any = importlib.import_module("emoji")
    except ImportError:
        raise MissingExtra("emoji", "emoji", "the names of emoji") from None
    return {
        emoji.replace("\ufe0f", ""): facts["en"].strip(":").replace("_", " ").replace("-", " ")
        for emoji, facts in package.EMOJI_DATA.items()
    }


def _emoji(sequence: str, image: bytes, names: dict[str, str], kind: str) -> Pair | None:
    sequence = sequence.replace("\ufe0f", "")
    name = names.get(sequence)
    base = names.get(_TONE.sub("", sequence), name)
    return Pair(image, name, _GENDER.sub("", base.casefold()), kind) if name and base else None


def _coded(stem: str) -> str:
    codes = [int(code, 16) for code in stem.split("-")] if _CODES.fullmatch(stem) else []
    return "".join(chr(code) for code in codes if code <= 0x10FFFF)


def _fluent(folder: Path) -> Iterator[Pair]:
    names = _names()
    for file in sorted(folder.glob("*.webp")):
        found = _emoji(_coded(file.stem), file.read_bytes(), names, "fluent-emoji")
        if found:
            yield found


def _openmoji(folder: Path) -> Iterator[Pair]:
    names = _names()
    for file in sorted(folder.glob("color/svg/*.svg")):
        found = _emoji(_coded(file.stem), file.read_bytes(), names, "openmoji")
        if found:
            yield found


def _noto(folder: Path) -> Iterator[Pair]:
    """The emoji of one code each; sequences would take a shaping engine."""
    font = ImageFont.truetype(str(folder / "NotoColorEmoji.ttf"), _GLYPH)
    names = _names()
    missing = _drawn(font, "\U0010ffff")
    for sequence in sorted(names):
        if len(sequence) == 1:
            image = _drawn(font, sequence)
            found = _emoji(sequence, image, names, "noto-emoji") if image != missing else None
            if found:
                yield found


def _drawn(font: ImageFont.FreeTypeFont, text: str) -> bytes:
    canvas = Image.new("RGB", (136, 128), "white")
    ImageDraw.Draw(canvas).text((0, 0), text, font=font, embedded_color=True)
    with io.BytesIO() as out:
        canvas.save(out, "PNG")
        return out.getvalue()


def _clipart(folder: Path) -> Iterator[Pair]:
    files = [file for file in sorted(folder.rglob("*.png")) if file.is_file()]
    words = {file: re.findall(r"[a-z]+", file.stem.lower()) for file in files}
    artists = _artists(words, folder)
    many: Counter[str] = Counter()
    for file in files:
        name = list(words[file])
        while name and (name[-1] in artists or len(name[-1]) == 1):
            name.pop()
        text = " ".join(name)
        many[text] += 1
        if text and many[text] <= _MOST:
            yield Pair(file.read_bytes(), text, text, "openclipart", file.relative_to(folder).parts[0])


def _artists(words: dict[Path, list[str]], folder: Path) -> frozenset[str]:
    """Words with which names end in many folders: who drew a picture ends its name."""
    where: dict[str, set[str]] = defaultdict(set)
    for file, name in words.items():
        if len(name) > 1:
            for word in name[-2:]:
                where[word].add(file.relative_to(folder).parts[0])
    return frozenset(word for word, folders in where.items() if len(folders) >= _FOLDERS)
