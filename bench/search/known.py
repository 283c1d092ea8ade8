"""Known-item search in the manual of GIMP, in six languages and across them: words, vectors and both fused.

    python bench/search/known.py [--most 1000] [--languages en de ...]

The weights of the fusion were chosen on other documents (tune.py). Writes bench/results/search-known.json; exits 1 where the fused ranking is
significantly worse than the better of the two in any task (paired bootstrap, 95 %).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from asking import alone, places, ranked, rankings
from measures import compared
from tasks import Item, across, bare, built, captions, some, titles

from limner import Corpus
from limner.recipes.provenance import code_hash, data_hashes, machine
from limner.search import Search, Settings, index

RESULTS = Path(__file__).parent.parent / "results" / "search-known.json"
LANGUAGES = ("en", "de", "fr", "es", "ru", "ja")
ITEMS = {"captions": captions, "titles": titles}


def measured(corpus: Corpus, tasks: dict[str, list[Item]], most: int) -> dict[str, Any]:
    """What each way finds of each task."""
    search = Search.open(corpus)
    result: dict[str, Any] = {}
    for name, items in tasks.items():
        asked = some(items, most)
        if not asked:
            continue
        found = rankings(search, asked)
        known = places(search, asked, found)
        ranks = {way: alone(asked, found, known, way) for way in ("words", "text")}
        result[name] = compared(ranks | {"fused": ranked(asked, found, known, search.weigh)})
        print(name, json.dumps(result[name]["ways"]), "held" if result[name]["held"] else "NOT HELD", flush=True)
    return result


def main() -> None:
    """Build, index, ask, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=1000, help="questions of each task, drawn")
    parser.add_argument("--languages", nargs="+", default=LANGUAGES, choices=LANGUAGES)
    parser.add_argument("--folder", type=Path, help="where corpora and indexes are kept")
    given = parser.parse_args()
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        corpora = {language: built(f"gimp-help-{language}", folder) for language in given.languages}
        documents = {language: list(corpus) for language, corpus in corpora.items()}
        for language, corpus in corpora.items():
            tasks = {f"{language} {name}": items(documents[language]) for name, items in ITEMS.items()}
            if language == "en":
                for other in given.languages[1:]:
                    tasks |= {f"{other}>en {n}": across(documents[other], documents["en"], i) for n, i in ITEMS.items()}
            stripped = bare(corpus, folder / f"gimp-help-{language}-bare")
            for each in (corpus, stripped):
                index(each, Settings(text="bundled:minilm"))
            result |= measured(corpus, tasks, given.most)
            own = {f"{name}, bare": items for name, items in tasks.items() if ">" not in name}
            result |= measured(stripped, own, given.most)
    sets = tuple(f"gimp-help-{language}" for language in given.languages)
    whole = {"tasks": result, "most": given.most, "code": code_hash("limner.search.searcher"), "data": data_hashes(sets)}
    RESULTS.write_text(json.dumps(whole | {"machine": machine()}, indent=1) + "\n", "utf-8")
    sys.exit(not all(task["held"] for task in result.values()))


if __name__ == "__main__":
    main()
