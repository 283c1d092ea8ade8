"""Interleaved scene graphs: the blocks that a request asks for, what each shows, and how they are related.

After Chen et al. 2024, arXiv 2411.17188. There a large model makes the graph of a request; here a request in a fixed form is parsed by rule
(`parsed`), and any other is put to the language model of an address (`asked`), whose answer is JSON that is checked and bounded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal, cast

from limner.errors import ExpertError
from limner.experts.language import LanguageModel, Sampling, user

FORM = "Answer in this order: "
RELATIONS = ("to the left of", "above")
_MOST, _LONG = 24, 80  # blocks of a graph, characters of a name
_BLOCK = re.compile(rf"a (sentence about|picture of) the (.+?)(?: ({'|'.join(RELATIONS)}|and) the (.+))?")


@dataclass(frozen=True, slots=True)
class Block:
    """A text or an image, and the one or two things that it names or shows; `relation` is how the first of two stands to the second."""

    kind: Literal["text", "image"]
    shows: tuple[str, ...]
    relation: str = ""

    @property
    def said(self) -> str:
        """What it shows, in words."""
        return f" {self.relation or 'and'} the ".join(self.shows)


@dataclass(frozen=True, slots=True)
class SceneGraph:
    """Blocks in order. Two are related where they show the same thing and are neighbours, or are both images."""

    blocks: tuple[Block, ...]

    @property
    def structure(self) -> list[str]:
        """The sequence of kinds."""
        return [block.kind for block in self.blocks]

    def related(self) -> Iterator[tuple[int, int, tuple[str, ...]]]:
        """Two blocks by their places, and the things that both have."""
        for (i, one), (j, other) in combinations(enumerate(self.blocks), 2):
            both = tuple(name for name in one.shows if name in other.shows)
            if both and (one.kind == other.kind == "image" or (j == i + 1 and one.kind != other.kind)):
                yield i, j, both

    def names(self) -> list[str]:
        """The blocks' names in ISG-Bench: `<gen_text1>`, `<gen_img1>` ..."""
        out: list[str] = []
        for block in self.blocks:
            kind = "text" if block.kind == "text" else "img"
            out.append(f"<gen_{kind}{sum(name.startswith(f'<gen_{kind}') for name in out) + 1}>")
        return out

    def questions(self) -> dict[str, Any]:
        """The graph as ISG-Bench's records have it: structure, questions about two blocks, questions about an image and on which they depend."""
        names = self.names()
        pairs = [
            {"subject": names[i], "object": names[j], "relation": "share", "Question": f"Do {names[i]} and {names[j]} both have: {named(both)}?"}
            for i, j, both in self.related()
        ]  # fmt: skip
        images: list[dict[str, Any]] = []
        for name, block in zip(names, self.blocks, strict=True):
            if block.kind == "image":
                before = list(range(len(images), len(images) + len(block.shows)))
                for number, shown in zip(before, block.shows, strict=True):
                    asks = f"Is there a {shown} in the picture?"
                    images.append({"image": name, "Question": asks, "id": number, "Preliminary": []})
                if block.relation:
                    asks = f"Is the {block.said}?"
                    images.append({"image": name, "Question": asks, "id": len(images), "Preliminary": before})
        return {
            "structure": {"Query": ["<query_text1>"], "Answer": names},
            "block_qa": {"questions": pairs}, "image_qa": {"questions": images},
        }  # fmt: skip


def named(things: Sequence[str]) -> str:
    """Things as questions name them.

    >>> named(["frog", "key"])
    'the frog, the key'
    """
    return ", ".join(f"the {thing}" for thing in things)


def request(graph: SceneGraph) -> str:
    """The request of a graph in the form that `parsed` reads.

    >>> request(SceneGraph((Block("text", ("frog",)), Block("image", ("frog", "key"), "above"))))
    'Answer in this order: a sentence about the frog, a picture of the frog above the key.'
    """
    words = {"text": "a sentence about the", "image": "a picture of the"}
    return f"{FORM}{', '.join(f'{words[block.kind]} {block.said}' for block in graph.blocks)}."


def parsed(text: str) -> SceneGraph | None:
    """The graph of a request in the form of `request`, which may follow other words; None for one in another form."""
    _, form, rest = text.rpartition(FORM)
    told = rest.strip().removesuffix(".").split(", ") if form else []
    blocks: list[Block] = []
    for found in (_BLOCK.fullmatch(part) for part in told[: _MOST + 1]):
        if found is None or max(len(found[2]), len(found[4] or "")) > _LONG:
            return None
        relation = "" if found[3] in (None, "and") else found[3]
        blocks.append(
            Block("text" if found[1][0] == "s" else "image", (found[2], found[4]) if found[4] else (found[2],), relation)
        )
    return SceneGraph(tuple(blocks)) if 0 < len(blocks) <= _MOST else None


_ASKS = (
    "Below is a request for an answer of texts and images. Say which blocks the answer must have, in order, as JSON and nothing else: "
    '{"blocks": [{"kind": "text" or "image", "shows": [one or two things it is about], "relation": ""}]}. '
    f"The relation is {' or '.join(json.dumps(each) for each in RELATIONS)} where two things stand so, else empty.\n\nRequest: "
)


def asked(model: LanguageModel, text: str) -> SceneGraph:
    """The graph that a language model makes of any request. Raises `ExpertError` where what it says is no graph."""
    said = model.answer([[user(_ASKS + text)]], Sampling(tokens=1_024))[0].text
    found = re.search(r"\{.*\}", said, re.DOTALL)
    try:
        stated: Any = json.loads(found[0] if found else "")
        blocks = tuple(_block(each) for each in stated["blocks"][: _MOST + 1])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ExpertError(f"a model's answer is no scene graph: {said[:200]!r}") from None
    if not 0 < len(blocks) <= _MOST:
        raise ExpertError(f"a model's scene graph has {len(blocks)} blocks, not 1 to {_MOST}")
    return SceneGraph(blocks)


def _block(stated: Mapping[str, Any]) -> Block:
    kind, shows, relation = stated["kind"], cast("Sequence[Any]", stated["shows"]), stated.get("relation", "")
    names = tuple(str(name)[:_LONG] for name in shows[:2])
    if kind not in ("text", "image") or not names or isinstance(shows, str):
        raise ValueError("no block")
    return Block(kind, names, relation if relation in RELATIONS and len(names) == 2 else "")
