"""Write docs/pairs.md, what bundled:limner-pairs knows, from results/align.json (`limner recipe run align`).

    python bench/pairs.py

The towers that limner has are those of the recipe's first seed, trained on all pairs of the training part:

    limner recipe run align --seeds 1 --set 'sizes=[1.0]' --set 'noises=[0.0]' --set keep=src/limner/experts/pairs/towers.npz --results /tmp/align
"""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from limner.experts.pairs.encoder import WEIGHTS
from limner.sources.datasets import dataset

ROOT = Path(__file__).parent.parent
KINDS = {
    "noto-emoji": "emoji as glyphs of a font (Noto)",
    "fluent-emoji": "emoji as rendered pictures (Fluent), with tones of skin and persons",
    "openclipart": "clip art by its files' names",
    "sklearn-doc": "plots of scikit-learn's documentation by their captions",
    "skimage-doc": "pictures of scikit-image's documentation by their captions",
    "opencv-doc": "pictures of OpenCV's tutorials by their captions",
    "openmoji": "emoji as line drawings (OpenMoji)",
    "gimp-help-en": "screenshots of the GIMP manual by their captions",
}


def mean(figures: dict[str, Any], name: str) -> float | None:
    """A figure's mean over seeds; None where it was not measured."""
    found = figures.get(name)
    if found is None:
        return None
    values = found["values"] if isinstance(found, dict) else found
    return sum(values) / len(values)


def cell(figures: dict[str, Any], name: str) -> str:
    """A figure as a cell of a table."""
    value = mean(figures, name)
    return "" if value is None else f"{value:.0f}" if name.endswith(".test") else f"{value:.1f}"


def page(result: dict[str, Any]) -> str:
    """The page."""
    figures = result["figures"]
    unseen = set(result["settings"]["unseen"])
    lines = [
        "# `bundled:limner-pairs`", "",
        "Written by `bench/pairs.py` from `results/align.json`. A joint encoder of pictures and English texts that is small enough to come with limner: "
        f"{WEIGHTS.stat().st_size / 1e6:.1f} MB of towers over the frozen features of EfficientNet-Lite0 and of MiniLM, trained by contrast on real pairs "
        "(`limner recipe run align`). `limner index CORPUS --encoder bundled:limner-pairs` lets pictures be found by what they show, `limner search CORPUS --image FILE` by another picture.",
        "", "It knows drawings, icons and emoji. It does not know photographs beyond what ImageNet's classes tell, and next to nothing of screenshots, plots and tables: the table says so. "
        "For those an encoder of the size of CLIP or SigLIP is the right one (`hf:NAME`).",
        "", "## What it finds", "",
        "Recall in percent over concepts that it was not trained on (a split by name: no tone, gender or style of a concept is in two parts); each picture is sought among all of its set's test part. "
        f"Means of {len(result['seeds']) if isinstance(result['seeds'], list) else result['seeds']} seeds. *Linear*: the best ridge regression from the same features; *names*: bundled:conse, a classifier's names in MiniLM's space. Sets in italics were not trained on at all.",
        "", "| pictures | pool | recall@1 | @5 | @10 | of texts by pictures, @10 | linear @10 | names @10 | by chance @10 | the towers that limner has, @10 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for name, what in KINDS.items():
        if f"{name}.test" in figures:
            columns = (
                "test",
                "pairs.text.1",
                "pairs.text.5",
                "pairs.text.10",
                "pairs.image.10",
                "linear.text.10",
                "conse.text.10",
                "chance.text.10",
                "shipped.text.10",
            )
            told = f"*{what}*" if name in unseen else what
            lines.append(f"| {told} | {' | '.join(cell(figures, f'{name}.{column}') for column in columns)} |")
    lines += [
        "", f"Clip art is put into its folder by the folder's name alone in {cell(figures, 'classes.pairs')} % (linear {cell(figures, 'classes.linear')} %, names {cell(figures, 'classes.conse')} %, "
        f"the largest folder {cell(figures, 'classes.most')} %). A picture of a person and “dark skin tone” find the same with that skin first in {cell(figures, 'added.both.1')} % "
        f"(the picture alone {cell(figures, 'added.image.1')} %, the text alone {cell(figures, 'added.text.1')} %).",
        "", "## What it was trained on", "",
        "| set | licence | pairs of which it has learnt |", "|---|---|---|",
    ]  # fmt: skip
    for name, what in KINDS.items():
        if name not in unseen:
            lines.append(f"| {name} | {dataset(name).licence} | {what} |")
    lines += [
        "", "None of these binds what is made of them by copyleft. OpenMoji (CC-BY-SA), the GIMP manual (GFDL) and Tux Paint's stamps (GPL) were left out for that; the first two are only asked about. "
        "The names of emoji are those of Unicode CLDR (Unicode licence). EfficientNet-Lite0 and MiniLM are Apache-2.0; what they were trained on is their makers' account.", "",
    ]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    (ROOT / "docs" / "pairs.md").write_text(page(json.loads((ROOT / "results" / "align.json").read_text("utf-8"))), "utf-8")
