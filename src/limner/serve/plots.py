"""Plots as pieces of SVG inside real tables: the bars are drawn, the words stay words, so that they can be read by
anyone at any width, and copied.

A drawing stretches to its cell (`preserveAspectRatio` none) and takes its colours from the style sheet by class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

HEIGHT = 100.0


@dataclass(frozen=True)
class Row:
    """A row of a bar chart: its label, its figure, the bar, a link behind the label ("" for none)."""

    label: str
    value: int
    share: str
    bar: Markup
    link: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a histogram: its class, the class in few characters, how many, the bar."""

    label: str
    short: str
    value: int
    bar: Markup


def bars(counts: Mapping[str, int], kind: str = "text", links: Mapping[str, str] | None = None, rows: int = 12) -> list[Row]:
    """Horizontal bars, the longest as wide as its cell; `kind` names the colour (`text`, `image`, `plain`). What comes after
    the first `rows` names is summed."""
    most = max(counts.values(), default=0)
    total = sum(counts.values())
    named = [name for name in counts if name != "(other)"]
    if len(named) > rows:
        shown = {name: counts[name] for name in named[: rows - 1]}
        counts = {**shown, "(other)": total - sum(shown.values())}
        most = max(counts.values())
    return [
        Row(label, value, percent(value, total), across([(value, kind)], most), (links or {}).get(label, ""))
        for label, value in counts.items()
    ]


def across(pieces: Sequence[tuple[float, str]], most: float) -> Markup:
    """One horizontal bar of coloured pieces, `most` as wide as the drawing."""
    drawn: list[Markup] = []
    at = 0.0
    for value, kind in pieces:
        width = 100.0 * value / most if most else 0.0
        # What is there is seen, however little it is.
        width = max(width, 0.5) if value else 0.0
        drawn.append(Markup('<rect class="{}" x="{:.2f}" y="0" width="{:.2f}" height="10"/>').format(kind, at, width))
        at += width
    return Markup('<svg class="across" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{}</svg>').format(
        Markup("").join(drawn)
    )


def columns(bins: Mapping[str, int], kind: str = "text") -> list[Column]:
    """Vertical bars for classes in order; the greatest as high as the drawing."""
    most = max(bins.values(), default=0)
    return [Column(label, _first(label), value, _upright(value, most, kind)) for label, value in bins.items()]


def _first(label: str) -> str:
    """Where a class begins: what fits under a column."""
    edge = label.partition("–")[0].rstrip("+")
    if not edge.isdigit():
        return "?" if label == "unknown" else label
    return edge if int(edge) % 1_000 else short(int(edge))


def _upright(value: float, most: float, kind: str) -> Markup:
    height = max(HEIGHT * value / most, 1.0) if value else 0.0
    return Markup(
        '<svg class="upright" viewBox="0 0 10 {0:.0f}" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="{1}" x="0" y="{2:.2f}" width="10" height="{3:.2f}"/></svg>'
    ).format(HEIGHT, kind, HEIGHT - height, height)


def classes(bins: Mapping[str, int]) -> dict[str, int]:
    """Bins named by their least count as ranges.

    >>> classes({"0": 4, "1": 2, "2": 1, "5": 3})
    {'0': 4, '1': 2, '2–4': 1, '5+': 3}
    """
    edges = [int(edge) for edge in bins]
    out: dict[str, int] = {}
    for i, (edge, value) in enumerate(zip(edges, bins.values(), strict=True)):
        last = edges[i + 1] - 1 if i + 1 < len(edges) else None
        out[f"{edge}+" if last is None and edge > 1 else f"{edge}" if last in (None, edge) else f"{edge}–{last}"] = value
    return out


def short(number: float) -> str:
    """A number in few characters.

    >>> short(950), short(12_300), short(4_000_000)
    ('950', '12k', '4M')
    """
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            scaled = number / limit
            return f"{scaled:.0f}{unit}" if scaled >= 10 or scaled == int(scaled) else f"{scaled:.1f}{unit}"
    return f"{number:g}"


def percent(value: float, total: float) -> str:
    """A share in words.

    >>> percent(1, 3), percent(1, 1_000_000), percent(0, 5)
    ('33 %', '< 0.1 %', '0 %')
    """
    if not total or not value:
        return "0 %"
    share = 100 * value / total
    if share < 0.1:
        return "< 0.1 %"
    return f"{share:.1f} %" if share < 10 or 99 < share < 100 else f"{share:.0f} %"


@dataclass(frozen=True)
class Against:
    """A histogram of the values a step met, with its thresholds as lines."""

    drawing: Markup
    least: str
    greatest: str
    thresholds: tuple[str, ...]
    count: int


def against(values: Sequence[float], thresholds: Sequence[float], classes: int = 48) -> Against | None:
    """The values as a histogram between the least and the greatest of values and thresholds; None without values. On a
    logarithmic scale where they are positive and spread over more than a factor of a thousand."""
    finite = [v for v in values if np.isfinite(v)]
    limits = [t for t in thresholds if np.isfinite(t)]
    if not finite:
        return None
    low, high = min([*finite, *limits]), max([*finite, *limits])
    logarithmic = low > 0 and high / low > 1_000
    scale = (lambda x: float(np.log(x))) if logarithmic else float
    start, span = scale(low), max(scale(high) - scale(low), 1e-12)
    counts = np.bincount([min(int((scale(v) - start) / span * classes), classes - 1) for v in finite], minlength=classes).tolist()
    most = max(counts)
    width = 480 / classes
    drawn = [
        Markup('<rect class="image" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            8 + i * width, 92 - max(84 * n / most, 2), width * 0.86, max(84 * n / most, 2)
        )
        for i, n in enumerate(counts)
        if n
    ]
    drawn += [
        Markup('<line class="threshold" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="92"/>').format(8 + 480 * (scale(t) - start) / span)
        for t in limits[:12]
    ]
    said = f"{len(finite)} values from {min(finite):.4g} to {max(finite):.4g}"
    said += f", threshold {', '.join(f'{t:.4g}' for t in limits[:12])}" if limits else ""
    drawing = Markup(
        '<svg class="against" viewBox="0 0 496 93" preserveAspectRatio="none" role="img"><title>{}</title>{}'
        '<line class="axis" x1="8" x2="488" y1="92.5" y2="92.5"/></svg>'
    ).format(said, Markup("").join(drawn))
    return Against(drawing, f"{low:.4g}", f"{high:.4g}", tuple(f"{t:.4g}" for t in limits[:12]), len(finite))
