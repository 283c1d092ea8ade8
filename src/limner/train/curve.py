"""The curve of a run as a picture: its losses over the steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_NOT = frozenset(("step", "rate", "norm", "tokens_a_second", "loading", "mib", "seconds", "mfu"))
_COLOURS = ("#2f6fb7", "#c8553d", "#4b8b3b", "#8661b3", "#b8860b")
_WIDE, _HIGH, _LEFT, _LOW = 640, 320, 56, 36


def draw(lines: Sequence[Mapping[str, Any]], path: Path, title: str = "") -> None:
    """Write an SVG of the losses in a log, on a logarithmic scale where all are above zero; nothing for an empty log."""
    names = sorted({name for line in lines for name in line} - _NOT)
    if not lines or not names:
        return
    values = [float(line[name]) for line in lines for name in names if name in line]
    scale = math.log if min(values) > 0 else float
    low, high = scale(min(values)), scale(max(values))
    last = max(int(line["step"]) for line in lines)

    def at(step: int, value: float) -> str:
        x = _LEFT + (_WIDE - _LEFT - 12) * step / max(last, 1)
        y = 24 + (_HIGH - 24 - _LOW) * (1 - (scale(value) - low) / max(high - low, 1e-9))
        return f"{x:.1f},{y:.1f}"

    body = [f'<text x="{_LEFT}" y="16" font-weight="bold">{escape(title)}</text>']
    for value in (min(values), max(values)):
        y = at(0, value).split(",")[1]
        body.append(f'<text x="{_LEFT - 6}" y="{y}" text-anchor="end">{value:.3g}</text>')
    body.append(f'<text x="{_WIDE - 12}" y="{_HIGH - 12}" text-anchor="end">{last:,} steps</text>')
    for number, name in enumerate(names):
        colour = _COLOURS[number % len(_COLOURS)]
        points = " ".join(at(int(line["step"]), float(line[name])) for line in lines if name in line)
        body.append(f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{points}"/>')
        body.append(f'<text x="{_LEFT + 8 + 110 * number}" y="{_HIGH - 12}" fill="{colour}">{escape(name)}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDE} {_HIGH}" font-family="system-ui, sans-serif" font-size="12">'
    path.write_text(f'{head}<rect width="100%" height="100%" fill="#fff"/>{"".join(body)}</svg>\n', "utf-8")
