"""Images by a description: by the words and the meaning of what stands around them, by their pixels, and by all of it.

    python bench/search/images.py [--encoder bundled:limner-pairs] [--most 500]

Figures of three manuals are asked for by their captions, which are taken out with all alternative texts and headings; what remains are
paragraphs. Clip art is asked for by its name among pages that are composed: a folder is a page, whose drawings stand under the names of
their subfolders. Where the encoder was trained on a set, only descriptions of concepts that it was not trained on are asked
(limner.sources.pairs.part, `test`); the weight of pixels is chosen on those of part `tune` and on sklearn-doc's. Writes
bench/results/search-images.json; exits 1 where all of it together is significantly worse than the better of the two anywhere.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from asking import mean_ndcg, places, ranked
from measures import Ranks, compared
from tasks import Item, bare, built, captions, some

from limner import Corpus
from limner.corpus.media import sha256
from limner.document import Document, Image, Text, document_id
from limner.recipes.provenance import code_hash, data_hashes, machine
from limner.search import Search, Settings, index
from limner.search.fuse import KNOWN, Weights
from limner.search.searcher import DEPTH
from limner.sources.datasets import dataset
from limner.sources.pairs import pairs, part

RESULTS = Path(__file__).parent.parent / "results" / "search-images.json"
MANUALS = ("gimp-help-en", "skimage-doc", "opencv-doc", "sklearn-doc")
TRAINED = ("skimage-doc", "opencv-doc", "sklearn-doc")
TRIED = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0)
ALBUM = 60


def album(folder: Path) -> tuple[Corpus, list[Item], list[Item]]:
    """Pages of clip art, and its names as questions: of part `tune` and of part `test`."""
    where = dataset("openclipart").data
    names = {sha256(pair.image): pair for pair in pairs("openclipart")}
    pages: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted(where.rglob("*.png")):
        steps = file.relative_to(where).parts[:-1]
        pages[steps[0]][" ".join(steps[1:]).replace("_", " ")].append(file)
    documents: list[Document] = []
    media: dict[str, bytes] = {}
    questions: dict[str, list[Item]] = {"tune": [], "test": []}
    for page, below in pages.items():
        held = [(heading, file) for heading, files in below.items() for file in files if sha256(file.read_bytes()) in names]
        for number, first in enumerate(range(0, len(held), ALBUM)):
            source = f"{page}-{number}.html"
            parts: list[Text | Image] = [Text(0, page.replace("_", " "), "heading", 1)]
            last = ""
            for heading, file in held[first : first + ALBUM]:
                if heading != last:
                    parts.append(Text(len(parts), heading or page, "heading", 2))
                    last = heading
                data = file.read_bytes()
                ref = sha256(data)
                if ref in media:
                    continue
                media[ref] = data
                pair = names[ref]
                if (which := part(pair.concept)) in questions:
                    questions[which].append(Item(pair.text, "image", document_id(source), len(parts)))
                parts.append(Image(len(parts), ref))
            documents.append(Document(document_id(source), tuple(parts), source, language="en"))
    corpus = Corpus.create(str(folder))
    corpus.append(documents, media)
    often: dict[str, int] = defaultdict(int)
    for pair in names.values():
        often[pair.text] += 1
    return corpus, *([item for item in questions[which] if often[item.question] == 1] for which in ("tune", "test"))


def asked(search: Search, items: list[Item]) -> tuple[dict[str, Ranks], dict[str, float]]:
    """The places by what is around, by pixels and by both, and nDCG by the weight of pixels."""
    found = [search.rankings(item.question, None, kind="image", most=DEPTH) for item in items]
    known = places(search, items, found)

    def by(weights: Weights) -> Ranks:
        return ranked(items, found, known, lambda _: lambda _: weights)

    ranks = {"around": by(KNOWN._replace(pixels=0.0)), "pixels": by(Weights(0.0, 0.0, 1.0)), "fused": by(KNOWN)}
    return ranks, {f"{w:g}": round(mean_ndcg(by(KNOWN._replace(pixels=w))), 4) for w in TRIED}


def main() -> None:
    """Build, index, ask, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--encoder", default="bundled:limner-pairs")
    parser.add_argument("--most", type=int, default=500)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    tasks: dict[str, Any] = {}
    chosen: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        sets: list[tuple[str, Corpus, list[Item], bool]] = []
        for name in MANUALS:
            corpus = built(name, folder)
            items = captions(corpus)
            if name in TRAINED:
                items = [item for item in items if part(item.question.casefold()) == "test"]
            sets.append((name, bare(corpus, folder / f"{name}-bare"), items, name == "sklearn-doc"))
        clipart, tune, test = album(folder / "openclipart-images")
        sets += [("openclipart tune", clipart, tune, True), ("openclipart", clipart, test, False)]
        for name, corpus, items, tuning in sets:
            index(corpus, Settings(text="bundled:minilm", encoder=given.encoder))
            drawn = some(items, given.most)
            ranks, weights = asked(Search.open(corpus), drawn)
            (chosen if tuning else tasks)[name] = compared(ranks) | {"by weight of pixels": weights}
            print(name, json.dumps((chosen if tuning else tasks)[name]), flush=True)
    result = {"encoder": given.encoder, "tasks": tasks, "chosen on": chosen, "pixels": KNOWN.pixels}
    result |= {"code": code_hash("limner.search.searcher"), "data": data_hashes((*MANUALS, "openclipart")), "machine": machine()}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    sys.exit(not all(task["held"] for task in tasks.values()))


if __name__ == "__main__":
    main()
