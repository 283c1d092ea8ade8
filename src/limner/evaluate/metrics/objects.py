"""Things that a text mentions and the image does not show: CHAIR (Rohrbach et al. 2018, arXiv 1809.02156), and what it leaves
out.

A vocabulary says which things are looked for and by which words. CHAIR's own (synonyms of COCO's 80 classes,
`data/synonyms.txt` of LisaAnne/Hallucination) is read by `Vocabulary.read`; its names of two words, and those that only sound
like a thing ("baby bear" is no person), are given as further phrases.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from limner.errors import LimnerError

_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_IRREGULAR = {
    "children": "child", "feet": "foot", "geese": "goose", "knives": "knife", "leaves": "leaf", "men": "man", "mice": "mouse",
    "people": "people", "scarves": "scarf", "sheep": "sheep", "shelves": "shelf", "skis": "ski", "teeth": "tooth",
    "wolves": "wolf", "women": "woman",
}  # fmt: skip
_LONGEST = 5_000_000  # bytes of a file of synonyms


def singular(word: str) -> str:
    """An English noun without its plural.

    >>> [singular(word) for word in ("buses", "berries", "glass", "dogs", "women")]
    ['bus', 'berry', 'glass', 'dog', 'woman']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for suffix in ("men", "man"):
        if word.endswith(suffix) and len(word) > 5:
            return word[:-3] + "man"
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes", "buses", "oes")) and len(word) > 4:
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2 else word


@dataclass(frozen=True)
class Vocabulary:
    """Things by name, each with the words that mean it. `phrases` are words in a row that mean a thing other than their last
    words do, or none (""): {"baby bear": "bear", "home plate": ""}."""

    synonyms: Mapping[str, Sequence[str]]
    phrases: Mapping[str, str] | None = None

    @classmethod
    def read(cls, file: Path, phrases: Mapping[str, str] | None = None) -> Vocabulary:
        """A file with a line a thing: its name, then words that mean it, commas between them. A word that two lines have
        means the later, as in CHAIR's program."""
        try:
            if file.stat().st_size > _LONGEST:
                raise LimnerError(f"{file} has more than {_LONGEST:,} bytes: no file of synonyms")
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise LimnerError(f"the synonyms cannot be read: {file}: {error}") from None
        rows = [[word.strip() for word in line.split(",") if word.strip()] for line in lines]
        return cls({row[0]: row for row in rows if row}, phrases)

    @cached_property
    def _meaning(self) -> dict[tuple[str, ...], str]:
        found: dict[tuple[str, ...], str] = {}
        for name, words in self.synonyms.items():
            for word in (name, *words):
                found[_words(word)] = name
        for phrase, name in (self.phrases or {}).items():
            found[_words(phrase)] = name
        return found

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._meaning), default=1)

    def mentioned(self, text: str) -> list[str]:
        """The things that a text mentions, in order, each time; of words that mean something together, the most."""
        words, out, at = _words(text), list[str](), 0
        while at < len(words):
            for size in range(min(self._longest, len(words) - at), 0, -1):
                name = self._meaning.get(words[at : at + size])
                if name is not None:
                    out += [name] if name else []
                    at += size
                    break
            else:
                at += 1
        return out


def _words(text: str) -> tuple[str, ...]:
    return tuple(singular(word) for word in _WORD.findall(text.casefold().replace("’", "'").replace("'s", "")))


@dataclass(frozen=True, slots=True)
class Hallucination:
    """Counts of one text or, added up, of many: mentions of things, of things that are not there, texts, texts with such;
    things that are there, of these mentioned."""

    mentions: int
    wrong: int
    texts: int
    wrong_texts: int
    there: int
    told: int

    @property
    def chair_i(self) -> float:
        """The share of mentions that are of nothing there; 0 where nothing is mentioned."""
        return self.wrong / self.mentions if self.mentions else 0.0

    @property
    def chair_s(self) -> float:
        """The share of texts with such a mention."""
        return self.wrong_texts / self.texts if self.texts else 0.0

    @property
    def recall(self) -> float:
        """The share of things there that are mentioned: a text that says nothing has no wrong mention."""
        return self.told / self.there if self.there else 1.0

    def __add__(self, other: Hallucination) -> Hallucination:
        return Hallucination(
            self.mentions + other.mentions, self.wrong + other.wrong, self.texts + other.texts,
            self.wrong_texts + other.wrong_texts, self.there + other.there, self.told + other.told,
        )  # fmt: skip


def hallucination(text: str, present: Collection[str], vocabulary: Vocabulary) -> Hallucination:
    """A text against the names of the things that its image shows (annotated, detected, or `there` of its reference
    captions)."""
    found = vocabulary.mentioned(text)
    wrong = sum(name not in present for name in found)
    return Hallucination(len(found), wrong, 1, int(wrong > 0), len(set(present)), len(set(present) & set(found)))


def there(annotated: Iterable[str], captions: Iterable[str], vocabulary: Vocabulary) -> frozenset[str]:
    """What CHAIR takes to be in an image: annotated things, and those that its reference captions mention."""
    return frozenset(annotated) | {name for caption in captions for name in vocabulary.mentioned(caption)}
