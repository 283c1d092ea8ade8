"""How good extraction is, as a section of docs/benchmarks.md: text by page type, structure against a page's own source, images."""

# ruff: noqa: E501 - its lines are those of a page

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TYPES = ("article", "documentation", "service", "forum", "collection", "listing", "product")
OURS = "limner, cross-validated"
KINDS = ("figure", "caption", "heading", "code", "table")


def images_f1(result: Mapping[str, Any]) -> float:
    """F1 over all images from how many were found, wrong and missed."""
    return 2 * result["found"] / (2 * result["found"] + result["wrong"] + result["missed"])


def lowest(result: Mapping[str, Any], *kinds: str) -> float:
    """The least share, over all sets, of what the sources have that limner gives in its place."""
    return min(corpus["systems"]["limner"][kind]["in_order"] for corpus in result["corpora"].values() for kind in kinds)


def margin(result: Mapping[str, Any], system: str = "trafilatura") -> float:
    """limner's cross-validated F1 less that of `system`, on the page type where that is least."""
    ours, theirs = (result["systems"][name]["types"] for name in (OURS, system))
    return min(ours[name]["f1"] - theirs[name]["f1"] for name in TYPES)


def section(words: Any, sphinx: Any, images: Any, images_cross: Any) -> list[str]:
    """The section; what has not been measured is left out."""
    return [*text(words), *structure(sphinx), *pictures(images, images_cross)]


def text(result: Any) -> list[str]:
    """Word F1 by page type."""
    if result is None:
        return []
    systems = {name: found for name, found in result["systems"].items() if name != "limner"}
    lines = [
        "", "## Text of the main content, by page type", "",
        "`bench/extraction/wcxb.py` on the dev split of WCXB, its own word F1. limner's figures are cross-validated over sites; the others "
        f"learnt nothing from these pages. In-sample, of the weights that ship, limner's is {result['systems']['limner']['f1']:.3f}.",
        "", f"| page type | pages | {' | '.join(systems)} |", f"|---|---:|{'---:|' * len(systems)}",
    ]  # fmt: skip
    for name in TYPES:
        found = [system["types"][name] for system in systems.values()]
        lines.append(f"| {name} | {found[0]['pages']:,} | {_scores(found)} |")
    found = list(systems.values())
    lines.append(f"| *all* | {found[0]['pages']:,} | {_scores(found)} |")
    return lines


def _scores(found: Sequence[Mapping[str, Any]]) -> str:
    return " | ".join(f"{system['f1']:.3f}" for system in found)


def structure(sphinx: Any) -> list[str]:
    """What a Sphinx page's source says is there, and what of it comes out in its place."""
    if sphinx is None:
        return []
    lines = [
        "", "## Structure, against the pages' own sources", "",
        "`bench/extraction/structure.py`: Sphinx pages carry the text they were made from, which nobody tuned to; generated reference pages are "
        "left out. Behind each set: its pages, and how many of each kind their sources have. The share of what the source has that is found in its place, and in brackets how much of what was given is right. The rule for a "
        "match is in `bench/extraction/README.md`.",
        "", f"| pages of | system | {' | '.join(f'{kind}s' if kind != 'code' else 'code blocks' for kind in KINDS)} |", f"|---|---|{'---:|' * len(KINDS)}",
    ]  # fmt: skip
    for name, corpus in sphinx["corpora"].items():
        for system, kinds in corpus["systems"].items():
            cells = " | ".join(_cell(kinds[kind]) for kind in KINDS)
            expected = ", ".join(f"{kinds[kind]['expected']:,}" for kind in KINDS)
            where = f"{name}, {corpus['pages']:,} ({expected})" if system == "limner" else ""
            lines.append(f"| {where} | {system} | {cells} |")
    return lines


def _cell(found: Mapping[str, Any]) -> str:
    if not found["expected"]:
        return "none there"
    right = found["precision"]
    return f"{found['in_order']:.3f} ({'–' if right is None else f'{right:.3f}'})"


def pictures(images: Any, cross: Any) -> list[str]:
    """Which images belong to the content."""
    if images is None:
        return []
    lines = [
        "", "## Images of the content", "",
        f"`bench/extraction/images.py`: {images['systems']['limner']['pages']} pages of WCXB, labelled by looking at them (`bench/extraction/image_labels.json`).",
        "", "| system | found | wrong | missed | F1 |", "|---|---:|---:|---:|---:|",
    ]  # fmt: skip
    rows = [(f"{name}{', in-sample' if name == 'limner' else ''}", found) for name, found in images["systems"].items()]
    if cross is not None:
        rows.insert(0, (OURS, cross))
    for name, found in rows:
        lines.append(f"| {name} | {found['found']:,} | {found['wrong']:,} | {found['missed']:,} | {images_f1(found):.3f} |")
    return lines
