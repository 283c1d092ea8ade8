"""A published figure beside what limner comes to."""

from __future__ import annotations

from typing import Any

Figure = dict[str, Any]


def figure(what: str, published: float, source: str, recomputed: float, places: int, slack: float = 0.0) -> Figure:
    """A figure as it was published, to so many places, and as it comes out here. `slack`: how far it may be off since what it is made of was
    rounded before it was published."""
    difference = recomputed - published
    return {
        "what": what, "published": published, "source": source, "recomputed": round(recomputed, places + 2),
        "difference": round(difference, places + 2), "same": round(recomputed, places) == round(published, places),
        "within rounding": abs(difference) <= slack + 0.5 * 10**-places + 1e-9,
    }  # fmt: skip
