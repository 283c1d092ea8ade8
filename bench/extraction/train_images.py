"""Fit which images are content (limner.sources.html.pictures) to the labels of image_labels.json and image_labels_more.json.

    python bench/extraction/train_blocks.py WCXB --likely LIKELY.npz
    python bench/extraction/train_images.py WCXB --likely LIKELY.npz [--out src/limner/sources/html/images.npz] [--json FILE]

The text around an image enters with the probabilities of the cross-validation, those of networks that did not see the
page. Printed is a ten-fold cross-validation of the regression itself, over the sites of image_labels.json; the pages of
the second draw, of other sites, are only trained on. --out fits it to all labelled pages.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import report
from label_pages import LABELS, MORE, absolute, base_of
from scipy.optimize import minimize

from limner.sources.html import Limits
from limner.sources.html.choose import texts_kept
from limner.sources.html.extract import parse, read
from limner.sources.html.generators import content_root
from limner.sources.html.pictures import LIKELY_IMAGE, beside, features

FOLDS = 10
DECAY = 0.3

Key = tuple[str, object]  # the label of an image, and which one of the page it is


@dataclass
class Page:
    """The images of one page: their features, their labels; how many content images the label has."""

    site: str
    wanted: int
    rows: np.ndarray
    keys: list[Key]
    sure: np.ndarray  # content whatever the regression says


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


def fit(pages: list[Page]) -> np.ndarray:
    """The weights; an image that a page shows several times counts once."""
    rows, hits, shares = [], [], []
    for page in pages:
        times = Counter(page.keys)
        for row, key in zip(page.rows, page.keys, strict=True):
            if key[0] != "doubtful":
                rows.append(row)
                hits.append(key[0] == "content")
                shares.append(1 / times[key])
    x, y, w = np.array(rows, float), np.array(hits, float), np.array(shares)

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ b
        inner = np.r_[b[:-1], 0]  # the bias is free
        error = w * (1 / (1 + np.exp(-z)) - y)
        return float((w * (np.logaddexp(0, z) - y * z)).sum() + DECAY * (inner**2).sum()), x.T @ error + 2 * DECAY * inner

    return minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("wcxb", type=Path)
    parser.add_argument("--likely", type=Path, required=True, help="what train_blocks.py wrote")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", type=Path, help="write the cross-validated figures there")
    options = parser.parse_args()
    pages = load(options.wcxb, options.likely, LABELS)
    more = load(options.wcxb, options.likely, MORE)
    sites = sorted({page.site for page in pages})
    found = wrong = missed = 0
    for fold in range(FOLDS):
        weights = fit([page for page in pages if sites.index(page.site) % FOLDS != fold] + more)
        for page in pages:
            if sites.index(page.site) % FOLDS == fold:
                chosen = page.sure | (1 / (1 + np.exp(-(page.rows @ weights))) >= LIKELY_IMAGE)
                given = {key for key, good in zip(page.keys, chosen, strict=True) if good}
                hits = sum(kind == "content" for kind, _ in given)
                found, missed = found + hits, missed + page.wanted - hits
                wrong += sum(kind in ("other", "unknown") and not str(n).startswith("data:") for kind, n in given)
    f1 = 2 * found / (2 * found + wrong + missed)
    print(f"cross-validated: F1 {f1:.3f} ({found} found, {wrong} wrong, {missed} missed)")
    if options.json:
        code = report.code_hashes("train_images.py", "image_labels.json", "image_labels_more.json")
        measured = {
            "f1": round(f1, 4),
            "found": found,
            "wrong": wrong,
            "missed": missed,
            "pages": len(pages),
            "trained_on_besides": len(more),
        }
        report.write(options.json, {"measure": "images, cross-validated", "code": code, **measured})
    if options.out:
        np.savez_compressed(options.out, weights=fit(pages + more).astype(np.float32))


if __name__ == "__main__":
    main()
