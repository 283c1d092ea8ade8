"""Requests whose scene graphs are known, since they are composed: sentences and pictures of emoji's things, in the schema of ISG-Bench.

Three tasks: a sentence and a picture of each thing; pictures first; and two pictures of two things, how they stand to each other, with a sentence.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from limner.corpus import Corpus
from limner.corpus.pixels import Pixels
from limner.corpus.probe import sha256
from limner.document import Document, Image, Text
from limner.evaluate.scenegraph import RELATIONS, Block, SceneGraph, request
from limner.models.reader import png
from limner.recipes.sprites import scene
from limner.search.indexing import index
from limner.search.manifest import Settings as Indexing

TASKS = ("told and shown", "shown and told", "side by side")
GROUND = (255, 255, 255)
SIDE = 192


def composed(count: int, things: Sequence[str], draw: random.Random) -> list[tuple[str, SceneGraph]]:
    """So many requests, the tasks in turns: the task, and what is asked for."""
    return [(TASKS[n % 3], _graph(TASKS[n % 3], things, draw)) for n in range(count)]


def _graph(task: str, things: Sequence[str], draw: random.Random) -> SceneGraph:
    blocks: list[Block] = []
    if task == "side by side":
        pair = tuple(draw.sample(list(things), 2))
        first, second = (Block("image", pair, relation) for relation in draw.sample(RELATIONS, 2))
        return SceneGraph((first, Block("text", pair), second))
    for thing in draw.sample(list(things), draw.randint(2, 3)):
        both = (Block("text", (thing,)), Block("image", (thing,)))
        blocks.extend(both if task == TASKS[0] else both[::-1])
    return SceneGraph(tuple(blocks))


def placed(pictures: Sequence[Pixels], relation: str = "", side: int = SIDE) -> Pixels:
    """One picture on white, or two that stand in a relation."""
    if len(pictures) == 1:
        return scene(side, GROUND, [(pictures[0], 0.2, 0.2, 0.6)])
    at = ((0.3, 0.04), (0.3, 0.56)) if relation == "above" else ((0.04, 0.3), (0.56, 0.3))
    return scene(side, GROUND, [(one, *where, 0.4) for one, where in zip(pictures, at, strict=True)])


def written(requests: Sequence[tuple[str, SceneGraph]], drawn: Mapping[str, Pixels], folder: Path) -> None:
    """Write requests as the authors' file is, with plain golden answers."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for number, (task, graph) in enumerate(requests):
        golden: list[dict[str, str]] = []
        for n, block in enumerate(graph.blocks):
            if block.kind == "text":
                golden.append({"type": "text", "content": f"This is the {block.said}."})
            else:
                name = f"images/{number:04}_{n}.png"
                (folder / name).write_bytes(png(placed([drawn[thing] for thing in block.shows], block.relation)))
                golden.append({"type": "image", "content": name})
        query = [{"type": "text", "content": request(graph)}]
        record = {"id": f"{number:04}", "Category": task, "Query": query, "Golden": golden, "predict": graph.questions()}
        lines.append(json.dumps(record))
    (folder / "ISG-Bench.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def indexed(pictures: Mapping[str, Pixels], place: Path) -> Corpus:
    """A corpus of pictures under their names, and its index: what retrieval finds."""
    corpus = Corpus.create(str(place))
    documents: list[Document] = []
    media: dict[str, bytes] = {}
    for number, (name, pixels) in enumerate(pictures.items()):
        data = png(np.asarray(pixels))
        ref = sha256(data)
        media[ref] = data
        image = Image(0, ref, width=pixels.shape[1], height=pixels.shape[0], alt=name)
        documents.append(Document(f"{number:04}", (image, Text(1, name, of=0)), "composed", title=name))
    corpus.append(documents, media)
    index(corpus, Indexing(text=""))
    return corpus
