"""The weights of the fusion, chosen on documents that known.py does not ask: the Debian handbook in ten languages, scikit-image, scikit-learn.

    python bench/search/tune.py [--most 300] [--folder FOLDER]

Where the text encoder knows the language of the units, each weight of likeness and each part of it that is lost where all words are found is
tried; where it does not, each weight of standing out, for languages in the script that it knows ("kin") and for others. The weight of the words
is 1. The tasks are captions and titles, as they are, bare and across languages.
What search/fuse.py holds is near the best by the mean gain in nDCG@10 over the better of words and meaning, and in few tasks below it.
Writes bench/results/search-tune.json.
"""

from __future__ import annotations

import argparse
import json
import posixpath
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from asking import alone, mean_ndcg, places, ranked, rankings
from known import ITEMS
from tasks import Item, across, bare, built, some

from limner import Corpus
from limner.document import Document
from limner.experts.text_encoder import text_encoder
from limner.recipes.provenance import code_hash, data_hashes, machine
from limner.search import Search, Settings, index
from limner.search.fuse import ACROSS, FOREIGN, KIN, KNOWN, Weights

RESULTS = Path(__file__).parent.parent / "results" / "search-tune.json"
BOOK = "debian-handbook"
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "ca", "ru", "ja", "zh")
MANUALS = ("skimage-doc", "sklearn-doc")
TEXT = "bundled:minilm"
TRIED = {
    kind: {
        f"text {text:g} sure {sure:g}": Weights(1.0, text, 0.0, sure)
        for sure in (0.0, 0.6, 0.8, 0.9, 1.0)
        for text in (0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.3, 1.7, 2.0, 2.5)
    }
    for kind in ("known", "across")
} | {
    kind: {
        f"stands {stands:g}": Weights(1.0, 0.0, 0.0, 0.0, stands)
        for stands in (0.0, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.17, 0.2, 0.25, 0.3)
    }
    for kind in ("kin", "foreign")
}
HELD = {"known": KNOWN, "across": ACROSS, "kin": KIN, "foreign": FOREIGN}
FAR = ("ru", "ja", "zh")
"""Languages in other scripts than those that the encoder knows."""

LEAST = 30
"""Questions that make a task."""

Asked = tuple[str, str, Corpus, list[Item]]


def book(language: str, whole: Corpus, folder: Path) -> Corpus:
    """The handbook in one language; pages that several locales have untranslated once."""
    place = folder / f"{BOOK}-{language}"
    if (place / "corpus.json").is_file():
        return Corpus.open(str(place))
    pages: dict[str, Document] = {}
    for document in whole:
        if document.language == language:
            pages.setdefault(posixpath.basename(document.source), document)
    made = Corpus.create(str(place))
    made.append(list(pages.values()), {})
    return made


def tasks(folder: Path) -> Iterator[Asked]:
    """Every task: how well the encoder knows its languages, its name, the corpus that is asked, all its questions."""
    known = text_encoder(TEXT).languages
    whole = built(BOOK, folder)
    books = {language: book(language, whole, folder) for language in LANGUAGES}
    corpora = {f"{BOOK} {language}": (language, corpus) for language, corpus in books.items()}
    corpora |= {name: ("en", built(name, folder)) for name in MANUALS}
    pages = {language: list(corpus) for language, corpus in books.items()}
    for name, (language, corpus) in corpora.items():
        kind = "known" if language in known else _kind(language)
        documents = list(corpus)
        stripped = bare(corpus, folder / f"{name.replace(' ', '-')}-bare")
        for what, items in ITEMS.items():
            yield kind, f"{name} {what}", corpus, items(documents)
            yield kind, f"{name} {what}, bare", stripped, items(documents)
    for language in LANGUAGES[1:]:
        for what, items in ITEMS.items():
            yield "across", f"{BOOK} {language}>en {what}", books["en"], across(pages[language], pages["en"], items)


def _kind(language: str) -> str:
    return "foreign" if language in FAR else "kin"


def gains(corpus: Corpus, asked: list[Item], tried: Mapping[str, Weights]) -> dict[str, float]:
    """The nDCG@10 of words and of meaning, and what each weight tried gains over the better of them."""
    search = Search.open(corpus)
    found = rankings(search, asked)
    where = places(search, asked, found)
    alike = {way: mean_ndcg(alone(asked, found, where, way)) for way in ("words", "text")}
    by = {name: mean_ndcg(ranked(asked, found, where, lambda _, w=w: lambda _: w)) for name, w in tried.items()}
    best = max(alike.values())
    return {way: round(value, 4) for way, value in alike.items()} | {name: round(value - best, 4) for name, value in by.items()}


def main() -> None:
    """Ask, fuse with each weight, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=300)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    result: dict[str, dict[str, dict[str, float]]] = {kind: {} for kind in HELD}
    with tempfile.TemporaryDirectory() as temporary:
        for kind, name, corpus, items in tasks(given.folder or Path(temporary)):
            asked = some(items, given.most)
            if len(asked) < LEAST:
                continue
            index(corpus, Settings(text=TEXT))
            result[kind][name] = {"questions": len(asked)} | gains(corpus, asked, TRIED[kind])
            print(kind, name, json.dumps(result[kind][name]), flush=True)
    mean = {
        kind: {name: round(float(np.mean([row[name] for row in rows.values()])), 4) for name in TRIED[kind]}
        for kind, rows in result.items()
    }
    best = {kind: max(each, key=lambda name, each=each: each[name]) for kind, each in mean.items()}
    held = {
        kind: next(n for n, w in TRIED[kind].items() if w._replace(pixels=0.0) == each._replace(pixels=0.0))
        for kind, each in HELD.items()
    }
    print("best", best, "held by limner", held)
    whole = {"tasks": result, "mean": mean, "best": best, "limner": held, "most": given.most}
    whole |= {"code": code_hash("limner.search.searcher"), "data": data_hashes((BOOK, *MANUALS)), "machine": machine()}
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
