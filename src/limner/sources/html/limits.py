"""The sizes past which the extractor stops: pages are hostile until shown otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one extraction. A page over `max_bytes` is refused (`SourceError`); one over `max_nodes` or
    `max_parts` is cut there. `max_depth` is the nesting past which opening tags are dropped before parsing
    (browsers do the same, at 512): the HTML algorithm looks through all open elements at every tag, so that
    100,000 open elements cost minutes. `max_place` is the longest `place` written, in steps."""

    max_bytes: int = 64 * 2**20
    max_nodes: int = 2_000_000
    max_parts: int = 50_000
    max_depth: int = 512
    max_formatting: int = 32
    max_place: int = 128
    max_table_cells: int = 50_000
    max_attribute: int = 4096
