"""Defects planted in passages of real documents, one each: what a judge of interleaved work should find.

Five are of pictures, four of sentences, two of what a sentence says about things: how many, and where. Each gives the worse passage, or None where
a passage cannot have it. A defect is as small as it can be (one picture, one sentence, one word): what is measured is judging, not noticing
a ruin.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from limner.curate.align import sentences
from limner.evaluate.judges.passages import Block, Passage, Said, Shown

Defect = Callable[[Passage, Sequence[Passage], random.Random], "Passage | None"]
"""Takes a passage, those of other documents, and chance."""

_WORDS = "two three four five six seven eight nine ten".split()
_COUNT = re.compile(rf"\b(?P<n>[2-9]|1[0-9]|{'|'.join(_WORDS)})\s+(?:[a-z]+\s+)?[a-z]{{3,}}s\b")
_OPPOSITE = {
    "left": "right", "above": "below", "top": "bottom", "upper": "lower", "horizontal": "vertical", "horizontally": "vertically",
    "inside": "outside", "leftmost": "rightmost", "topmost": "bottommost", "left-hand": "right-hand",
}  # fmt: skip
_PLACES = _OPPOSITE | {b: a for a, b in _OPPOSITE.items()}
_PLACE = re.compile(rf"\b(?:{'|'.join(_PLACES)})\b", re.IGNORECASE)
_ANTONYMS = {
    "increase": "decrease", "increases": "decreases", "larger": "smaller", "higher": "lower", "more": "less", "enable": "disable",
    "enabled": "disabled", "open": "close", "add": "remove", "adds": "removes", "always": "never", "same": "different", "large": "small",
    "high": "low", "bright": "dark", "brighter": "darker", "visible": "hidden", "possible": "impossible", "true": "false", "positive": "negative",
    "maximum": "minimum", "show": "hide", "shows": "hides", "good": "bad", "better": "worse", "fast": "slow", "faster": "slower",
}  # fmt: skip
_TURNED = _ANTONYMS | {b: a for a, b in _ANTONYMS.items()}
_ANTONYM = re.compile(rf"\b(?:{'|'.join(_TURNED)})\b", re.IGNORECASE)
_NEGATED = re.compile(
    r"\b(is|are|was|were|can|will|does|do|has to|should|must)\s+not\s+|\b(is|are|was|were|does|do)n['’]t\s+|\bcannot\s+",
    re.IGNORECASE,
)
_AFFIRMED = re.compile(r"\b(is|are|was|were|can|will|should|must)\s+(?!not\b|n['’]t)", re.IGNORECASE)


def swapped(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """Two pictures change places; their captions stay."""
    at = _different(passage, passage.pictures)
    if len(at) < 2:
        return None
    one, two = chance.sample(at, 2)
    return passage.put((one, _instead(passage, one, two)), (two, _instead(passage, two, one)))


def dropped(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A picture is gone; its caption stays."""
    at = chance.choice(passage.pictures) if passage.pictures else -1
    shown = passage.blocks[at] if at >= 0 else None
    if not isinstance(shown, Shown):
        return None
    left: list[Block] = [Said(shown.caption)] if shown.caption else []
    return replace(passage, blocks=(*passage.blocks[:at], *left, *passage.blocks[at + 1 :]))


def repeated(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A picture stands in the place of another one too."""
    at = _different(passage, passage.pictures)
    if len(at) < 2:
        return None
    one, two = chance.sample(at, 2)
    return passage.put((one, _instead(passage, one, two)))


def out_of_order(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A picture with its caption stands elsewhere: two paragraphs away or more, and on the other side of another picture."""
    moves: list[tuple[int, int]] = []
    for at in passage.pictures:
        for to in range(len(passage.blocks) + 1):
            between = range(*sorted((at, to)))
            told = sum(i in passage.paragraphs for i in between)
            if told >= 2 and any(i in passage.pictures and i != at for i in between):
                moves.append((at, to))
    if not moves:
        return None
    at, to = chance.choice(moves)
    blocks = list(passage.blocks)
    moved = blocks.pop(at)
    blocks.insert(to - (to > at), moved)
    return replace(passage, blocks=tuple(blocks))


def foreign_image(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A picture is one of another document; its caption stays."""
    own = {block.image for block in passage.blocks if isinstance(block, Shown)}
    for other in chance.sample(list(others), min(len(others), 20)):
        foreign = [b for b in other.blocks if isinstance(b, Shown) and b.image not in own]
        if passage.pictures and foreign and other.name != passage.name:
            at, taken = chance.choice(passage.pictures), chance.choice(foreign)
            block = passage.blocks[at]
            return passage.put((at, replace(block, image=taken.image))) if isinstance(block, Shown) else None
    return None


def contradicted(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A sentence says the opposite: a negation more or less, or a word's antonym."""

    def turned(text: str) -> str | None:
        match = _NEGATED.search(text)
        if match:
            verb = match[1] or match[2] or "can"
            return f"{text[: match.start()]}{verb} {text[match.end() :]}"
        changed = _exchanged(text, _ANTONYM, _TURNED, chance)
        if changed:
            return changed
        match = _AFFIRMED.search(text)
        return f"{text[: match.end()]}not {text[match.end() :]}" if match else None

    return _sentence(passage, chance, turned)


def cut(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """The last sentence of a paragraph breaks off in the middle."""
    at = [i for i in passage.paragraphs if len(_last(passage, i).split()) >= 8]
    if not at:
        return None
    where = chance.choice(at)
    last = _last(passage, where)
    words = last.split()
    kept = " ".join(words[: chance.randint(len(words) // 3, 2 * len(words) // 3)])
    text = _text(passage, where)
    return passage.put((where, Said(text[: text.rindex(last)] + kept)))


def repeated_sentence(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A sentence stands once more, at the end of another paragraph."""
    told = [(i, s) for i in passage.paragraphs for s in _whole(_text(passage, i))]
    if not told or len(passage.paragraphs) < 2:
        return None
    at, said = chance.choice(told)
    to = chance.choice([i for i in passage.paragraphs if i != at])
    return passage.put((to, Said(f"{_text(passage, to)} {said}")))


def off_topic(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A sentence is one of another document."""
    foreign = [
        said
        for other in chance.sample(list(others), min(len(others), 10))
        if other.name != passage.name
        for i in other.paragraphs
        for said in _whole(_text(other, i))
    ]
    return _sentence(passage, chance, lambda _: chance.choice(foreign)) if foreign else None


def wrong_count(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A number of things is another one, greater or less by one or two."""

    def counted(text: str) -> str | None:
        match = _COUNT.search(text)
        if not match:
            return None
        given = match["n"]
        n = _WORDS.index(given) + 2 if given in _WORDS else int(given)
        new = chance.choice([m for m in (n - 2, n - 1, n + 1, n + 2) if m > 1])
        said = _WORDS[new - 2] if given in _WORDS and new <= 10 else str(new)
        return text[: match.start("n")] + said + text[match.end("n") :]

    return _sentence(passage, chance, counted)


def wrong_place(passage: Passage, others: Sequence[Passage], chance: random.Random) -> Passage | None:
    """A sentence says the opposite place: left for right, above for below."""
    return _sentence(passage, chance, lambda text: _exchanged(text, _PLACE, _PLACES, chance))


DEFECTS: dict[str, tuple[Literal["image", "text"], Defect]] = {
    "image-swapped": ("image", swapped),
    "image-dropped": ("image", dropped),
    "image-repeated": ("image", repeated),
    "image-out-of-order": ("image", out_of_order),
    "image-foreign": ("image", foreign_image),
    "sentence-contradicted": ("text", contradicted),
    "sentence-cut": ("text", cut),
    "sentence-repeated": ("text", repeated_sentence),
    "sentence-off-topic": ("text", off_topic),
    "wrong-count": ("text", wrong_count),
    "wrong-place": ("text", wrong_place),
}
"""What they are called, what they are of, and how they are planted."""


def planted(passage: Passage, others: Sequence[Passage], name: str, seed: int = 0) -> Passage | None:
    """A passage with the defect of that name; the same seed plants the same."""
    return DEFECTS[name][1](passage, others, random.Random(f"{seed}/{name}/{passage.name}"))


def _different(passage: Passage, at: Sequence[int]) -> list[int]:
    """Places of pictures whose files differ from each other."""
    found: dict[bytes, int] = {}
    for i in at:
        block = passage.blocks[i]
        if isinstance(block, Shown):
            found.setdefault(block.image, i)
    return list(found.values())


def _instead(passage: Passage, at: int, of: int) -> Block:
    """The block at one place with the picture of another."""
    here, there = passage.blocks[at], passage.blocks[of]
    return replace(here, image=there.image) if isinstance(here, Shown) and isinstance(there, Shown) else here


def _text(passage: Passage, at: int) -> str:
    block = passage.blocks[at]
    return block.text if isinstance(block, Said) else ""


def _last(passage: Passage, at: int) -> str:
    """The last sentence of a paragraph that ends as one, else ""."""
    found = sentences(_text(passage, at))
    return found[-1] if found and found[-1].endswith((".", "!", "?")) else ""


def _whole(text: str) -> list[str]:
    """The sentences of a paragraph with a beginning, an end and six words."""
    return [s for s in sentences(text) if len(s.split()) >= 6 and s[0].isupper() and s.endswith((".", "!", "?"))]


def _sentence(passage: Passage, chance: random.Random, change: Callable[[str], str | None]) -> Passage | None:
    """The passage with one sentence changed, of those that can be."""
    told = [(i, s) for i in passage.paragraphs for s in _whole(_text(passage, i))]
    chance.shuffle(told)
    for at, said in told:
        new = change(said)
        if new and new != said:
            return passage.put((at, Said(_text(passage, at).replace(said, new, 1))))
    return None


def _exchanged(text: str, pattern: re.Pattern[str], words: dict[str, str], chance: random.Random) -> str | None:
    """The text with one of the words that a pattern finds exchanged, its capital kept."""
    found = list(pattern.finditer(text))
    if not found:
        return None
    match = chance.choice(found)
    new = words[match[0].casefold()]
    return text[: match.start()] + (new.capitalize() if match[0][0].isupper() else new) + text[match.end() :]
