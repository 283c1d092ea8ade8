"""The weights of the fusion, chosen on documents that known.py does not ask: the Debian handbook in its languages, scikit-image and scikit-learn.

    python bench/search/tune.py [--most 300]

Each weight of the meaning of texts, and each part of it that is lost where all words are found, is tried with the weight of the words at
1, on captions and titles, as they are and bare, for languages that the text encoder knows and for others. What search/fuse.py holds is
among the best by the mean nDCG@10 of the tasks, and of these loses least to the better of words and meaning in any task.
Writes bench/results/search-tune.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from asking import alone, mean_ndcg, places, ranked, rankings
from known import ITEMS
from tasks import bare, built, some

from limner.recipes.provenance import code_hash, data_hashes, machine
from limner.search import Search, Settings, index
from limner.search.fuse import FOREIGN, KNOWN, Weights

RESULTS = Path(__file__).parent.parent / "results" / "search-tune.json"
SETS = ("debian-handbook", "skimage-doc", "sklearn-doc")
TRIED = tuple((text, sure) for sure in (0.0, 0.6, 0.8, 0.9, 1.0) for text in (0.0, 0.2, 0.3, 0.5, 0.8, 1.0, 1.3, 1.7, 2.0, 2.5))


def _name(tried: tuple[float, float]) -> str:
    return f"text {tried[0]:g} sure {tried[1]:g}"


def main() -> None:
    """Ask, fuse with each weight, write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, default=300)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    tasks: dict[str, dict[str, dict[str, float]]] = {"known": {}, "foreign": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        for data in SETS:
            corpus = built(data, folder)
            stripped = bare(corpus, folder / f"{data}-bare")
            documents = list(corpus)
            english = {d.id for d in documents if d.language.partition("-")[0] == "en"}
            for name, each in (("", corpus), (", bare", stripped)):
                index(each, Settings(text="bundled:minilm"))
                search = Search.open(each)
                for what, items in ITEMS.items():
                    split = defaultdict(list)
                    for item in items(documents):
                        split["known" if item.document in english else "foreign"].append(item)
                    for kind, of in split.items():
                        asked = some(of, given.most)
                        found = rankings(search, asked)
                        where = places(search, asked, found)
                        row = {
                            _name(w): mean_ndcg(
                                ranked(asked, found, where, lambda _, w=w: lambda _: Weights(1.0, w[0], 0.0, w[1]))
                            )
                            for w in TRIED
                        }
                        row["text alone"] = mean_ndcg(alone(asked, found, where, "text"))
                        tasks[kind][f"{data} {what}{name}"] = {"questions": len(asked)} | {k: round(v, 4) for k, v in row.items()}
                        print(kind, data, what + name, json.dumps(tasks[kind][f"{data} {what}{name}"]), flush=True)
    best = {
        kind: max(TRIED, key=lambda w, rows=rows: sum(row[_name(w)] for row in rows.values()))
        for kind, rows in tasks.items()
        if rows
    }
    held = {"known": (KNOWN.text, KNOWN.sure), "foreign": (FOREIGN.text, FOREIGN.sure)}
    print("best", best, "held by limner", held)
    whole = {"tasks": tasks, "best": best, "limner": held, "most": given.most}
    whole |= {"code": code_hash("limner.search.searcher"), "data": data_hashes(SETS), "machine": machine()}
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
