"""The plot of a result: bars as an SVG that needs no script and no style sheet, written beside the result by `limner recipe run`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from limner.recipes.recipe import Panel, Recipe

WIDTH, LABELS, VALUES, BAR, GAP, LINE = 760, 190, 150, 9, 6, 18
COLOURS = ("#2f6f8f", "#d9822b", "#6b8e23", "#8a5a9e")


def svg(recipe: Recipe, result: Mapping[str, Any]) -> str:
    """The panels of `recipe` drawn from the figures of `result`; panels without figures are left out, "" where none is left."""
    figures: Mapping[str, Mapping[str, Any]] = result["figures"]
    pieces: list[Markup] = []
    top = 8
    for panel in recipe.panels:
        rows = rows_of(panel, figures)
        if rows:
            drawn, height = _panel(panel, rows, top)
            pieces.append(drawn)
            top += height
    if not pieces:
        return ""
    style = "font-family:system-ui,sans-serif;font-size:12px;background:#fff"
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" style="{2}" role="img">'
    )
    title = Markup("<title>{}: {}, scale {}, {} seed(s)</title>")
    return str(
        head.format(WIDTH, top + 8, style)
        + title.format(recipe.slug, recipe.title, result["scale"], result["seeds"])
        + Markup("\n").join(pieces)
        + Markup("</svg>\n")
    )


def rows_of(panel: Panel, figures: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Mapping[str, Any]]]:
    """The figures that a panel shows, by row and series in the order they were measured; rows that lack a series, or are in
    another unit than the first (of its series, where the panel is relative), are left out."""
    pattern = re.escape(panel.figure).replace(r"\{row\}", r"(?P<row>[\w-]+)").replace(r"\{series\}", r"(?P<series>[\w-]+)")
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, figure in figures.items():
        if match := re.fullmatch(pattern, name):
            series = match.groupdict().get("series", "")
            if series in panel.series or not panel.series:
                found.setdefault(match["row"], {})[series] = figure
    wanted = max(len(panel.series), 1)
    alike = {row: values for row, values in found.items() if len(values) == wanted}
    units: dict[str, str] = {}
    for values in alike.values():
        for series, figure in values.items():
            units.setdefault(series if panel.relative else "", figure["unit"])
    return {
        row: values
        for row, values in alike.items()
        if all(figure["unit"] == units[series if panel.relative else ""] for series, figure in values.items())
    }


def _panel(panel: Panel, rows: Mapping[str, Mapping[str, Mapping[str, Any]]], top: int) -> tuple[Markup, int]:
    series = panel.series or ("",)
    most = {s: max(float(values[s]["mean"]) for values in rows.values()) or 1.0 for s in series}
    if not panel.relative:
        most = dict.fromkeys(series, max(most.values()))
    pieces = [_text(8, top + 14, panel.title, "bold")]
    for i, name in enumerate(s for s in series if s):
        x = LABELS + 110 * i
        pieces += [Markup('<rect x="{}" y="{}" width="10" height="10" fill="{}"/>').format(x, top + 22, COLOURS[i % 4])]
        pieces += [_text(x + 15, top + 31, name)]
    y = top + (42 if any(series) else 24)
    room = WIDTH - LABELS - VALUES
    for row, values in rows.items():
        height = max(len(series) * (BAR + 1), LINE - GAP)
        pieces.append(_text(LABELS - 8, y + height / 2 + 4, row, anchor="end"))
        for i, name in enumerate(series):
            figure = values[name]
            value, unit = float(figure["mean"]), str(figure["unit"])
            width, at = room * value / most[name], y + i * (BAR + 1)
            pieces.append(
                Markup('<rect x="{}" y="{:.1f}" width="{:.1f}" height="{}" fill="{}"/>').format(
                    LABELS, at, max(width, 0.5) if value else 0, BAR, COLOURS[i % 4]
                )
            )
            if figure["spread"]:
                left, right = (LABELS + room * max(value + d, 0) / most[name] for d in (-figure["spread"], figure["spread"]))
                line = Markup('<line x1="{:.1f}" x2="{:.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="#222"/>')
                pieces.append(line.format(left, right, y=at + BAR / 2))
            share = f" ({100 * value / most[name]:.3g} %)" if panel.relative else ""
            number = f"{value:,.0f}" if value == int(value) or value >= 1000 else f"{value:.3g}"
            pieces.append(_text(LABELS + width + 6, at + BAR - 0.5, f"{number} {unit}".strip() + share, size=9))
        y += height + GAP
    return Markup("").join(pieces), int(y - top + 16)


def _text(x: float, y: float, text: str, weight: str = "normal", anchor: str = "start", size: int = 12) -> Markup:
    head = Markup('<text x="{:.1f}" y="{:.1f}" font-weight="{}" text-anchor="{}" font-size="{}" fill="#222">{}</text>')
    return head.format(x, y, weight, anchor, size, text)
