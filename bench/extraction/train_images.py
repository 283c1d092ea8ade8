"""Grow the trees that say which images are content (limner.sources.html.pictures), from the labels of two draws of pages.

    python bench/extraction/train_blocks.py WCXB --likely LIKELY.npz
    python bench/extraction/train_images.py WCXB --likely LIKELY.npz [--out src/limner/sources/html/images.npz] [--json FILE]

The text around an image enters with the probabilities of the cross-validation, those of networks that did not see the
page. Printed is a ten-fold cross-validation over the sites of all labelled pages, for the pages of image_labels.json (what
is measured on) and for those of image_labels_more.json. --out grows the trees on all of them. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import report
from label_pages import LABELS, MORE, absolute, base_of
from sklearn.ensemble import GradientBoostingClassifier

from limner.sources.html import Limits
from limner.sources.html.choose import texts_kept
from limner.sources.html.extract import parse, read
from limner.sources.html.generators import content_root
from limner.sources.html.pictures import LIKELY_IMAGE, beside, features
from limner.sources.html.trees import Trees

FOLDS = 10
SEED = 2026
DEPTH = 3
SETTINGS = {"n_estimators": 400, "learning_rate": 0.025, "subsample": 0.6, "min_samples_leaf": 10, "max_features": 0.3}

Key = tuple[str, object]  # the label of an image, and which one of the page it is


@dataclass
class Page:
    """The images of one page: their features, their labels; how many content images the label has."""

    site: str
    wanted: int
    rows: np.ndarray
    keys: list[Key]
    sure: np.ndarray  # content whatever the trees say


def load(root: Path, likely_file: Path, labels: Path) -> list[Page]:
    """The pages that a file of labels has."""
    sites = json.loads((root / "metadata.json").read_text())["files"]
    pages: list[Page] = []
    with np.load(likely_file, allow_pickle=False) as held_out:
        for key, label in json.loads(labels.read_text("utf-8")).items():
            data = gzip.decompress((root / "dev/html" / f"{key}.html.gz").read_bytes())
            truth = json.loads((root / "dev/ground-truth" / f"{key}.json").read_text("utf-8"))
            text, tree = parse(data, "", key, Limits())
            blocks, _ = read(tree.body or tree.root)
            if not blocks:
                continue
            likely = held_out[key]
            base = base_of(data.decode("utf-8", "replace"), truth["url"])
            known = {
                url: (kind, n) for kind in ("other", "doubtful", "content") for n, urls in enumerate(label[kind]) for url in urls
            }
            urls = [absolute(block.url, base) for block in blocks if block.kind == "image"]
            keys: list[Key] = [known.get(url, ("unknown", url)) for url in urls]
            good = texts_kept(blocks, likely)
            rows = features(blocks, likely, good)
            sure = beside(blocks, likely, good, rows) | (content_root(text, tree) is not None)
            pages.append(Page(sites[key]["domain"], len(label["content"]), rows, keys, sure))
    return pages


def grown(pages: list[Page]) -> dict[str, np.ndarray]:
    """The trees, as `Trees` takes them. An image that a page shows several times counts once, and a page as the root of how
    many images it has: else a few long listings would decide."""
    rows, hits, shares = [], [], []
    for page in pages:
        times = Counter(page.keys)
        images = max(len({key for key in page.keys if key[0] != "doubtful"}), 1)
        for row, key in zip(page.rows, page.keys, strict=True):
            if key[0] != "doubtful":
                rows.append(row)
                hits.append(key[0] == "content")
                shares.append(1 / times[key] / images**0.5)
    weights = np.array(shares) / np.mean(shares)
    model = GradientBoostingClassifier(**SETTINGS, max_depth=DEPTH, random_state=SEED)
    model.fit(np.array(rows), np.array(hits), sample_weight=weights)
    prior = np.average(hits, weights=weights)
    trees = [_complete(tree.tree_) for tree in model.estimators_[:, 0]]
    return {
        "feature": np.array([feature for feature, _, _ in trees], np.int8),
        "threshold": np.array([threshold for _, threshold, _ in trees], np.float32),
        "leaf": np.array([leaf for _, _, leaf in trees], np.float32) * np.float32(model.learning_rate),
        "bias": np.array([np.log(prior / (1 - prior))], np.float32),
    }


def _complete(tree: Any) -> tuple[list[int], list[float], list[float]]:
    """Features, thresholds and leaves of a tree of scikit-learn, filled up to its full depth."""
    level = [0]
    feature: list[int] = []
    threshold: list[float] = []
    for _ in range(DEPTH):
        below: list[int] = []
        for node in level:
            inner = tree.children_left[node] >= 0
            feature.append(int(tree.feature[node]) if inner else 0)
            threshold.append(float(tree.threshold[node]) if inner else np.inf)
            below += [tree.children_left[node], tree.children_right[node]] if inner else [node, node]
        level = below
    return feature, threshold, [float(tree.value[node, 0, 0]) for node in level]


def counted(pages: list[Page], likely: list[np.ndarray]) -> tuple[int, int, int]:
    """Content images found, images wrongly given, content images missed."""
    found = wrong = missed = 0
    for page, probabilities in zip(pages, likely, strict=True):
        chosen = page.sure | (probabilities >= LIKELY_IMAGE)
        given = {key for key, good in zip(page.keys, chosen, strict=True) if good}
        hits = sum(kind == "content" for kind, _ in given)
        found, missed = found + hits, missed + page.wanted - hits
        wrong += sum(kind in ("other", "unknown") and not str(n).startswith("data:") for kind, n in given)
    return found, wrong, missed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("wcxb", type=Path)
    parser.add_argument("--likely", type=Path, required=True, help="what train_blocks.py wrote")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", type=Path, help="write the cross-validated figures there")
    options = parser.parse_args()
    sets = {name.stem: load(options.wcxb, options.likely, name) for name in (LABELS, MORE)}
    pages = [page for found in sets.values() for page in found]
    sites = sorted({page.site for page in pages})
    fold = dict(zip(sites, np.random.default_rng(SEED).permutation(len(sites)) % FOLDS, strict=True))
    likely: dict[int, np.ndarray] = {}
    for k in range(FOLDS):
        trees = Trees(grown([page for page in pages if fold[page.site] != k]))
        likely |= {id(page): trees.probabilities(page.rows) for page in pages if fold[page.site] == k}
    figures: dict[str, dict[str, float]] = {}
    for name, some in sets.items():
        found, wrong, missed = counted(some, [likely[id(page)] for page in some])
        f1 = 2 * found / (2 * found + wrong + missed)
        figures[name] = {"f1": round(f1, 4), "found": found, "wrong": wrong, "missed": missed, "pages": len(some)}
        print(f"cross-validated, {name}: F1 {f1:.3f} ({found} found, {wrong} wrong, {missed} missed)")
    if options.json:
        code = report.code_hashes("train_images.py", LABELS.name, MORE.name)
        result = {"measure": "images, cross-validated", "code": code, **figures[LABELS.stem], "second draw": figures[MORE.stem]}
        report.write(options.json, result)
    if options.out:
        np.savez_compressed(options.out, **grown(pages))


if __name__ == "__main__":
    main()
