"""Values that others wrote, checked before they are used: strings, lists of them, sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from limner.errors import FormatError

_LARGEST = 2**31 - 1
MAX_PARTS = 200_000
"""No document of more parts than this is read."""


def record(value: object, what: str = "the row") -> dict[str, Any]:
    """`value` as an object with named entries; raises `FormatError`."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise FormatError(f"{what} is {kind(value)}, not an object")


def items(value: object, what: str) -> list[Any]:
    """`value` as a list; nothing is an empty one; raises `FormatError`."""
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise FormatError(f"{what} is {kind(value)}, not a list")
    found = list(cast("Sequence[Any]", value))
    if len(found) > MAX_PARTS:
        raise FormatError(f"{what} has {len(found):,} entries, more than {MAX_PARTS:,}")
    return found


def strings(value: object, what: str) -> list[str | None]:
    """`value` as a list of strings and nothings; raises `FormatError`."""
    found = items(value, what)
    for entry in found:
        if entry is not None and not isinstance(entry, str):
            raise FormatError(f"{what} has {kind(entry)} in it, not text")
    return found


def text(value: object) -> str:
    """`value` where it is a string, a number as one, else ""."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def size(value: object) -> int:
    """`value` where it is a number of pixels, else 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value <= _LARGEST else 0


def facts(values: Mapping[str, object]) -> dict[str, str]:
    """Those that say something, as strings: what becomes a document's `meta`."""
    return {name: shown for name, value in values.items() if (shown := text(value))}


def loads(line: str | bytes) -> Any:
    """JSON, whatever it holds; raises `FormatError`."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"not JSON: {str(error)[:200]}") from None


def dumps(value: object) -> str:
    """JSON on one line, text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def kind(value: object) -> str:
    """What a value is, for an error."""
    known: tuple[tuple[type, str], ...] = (
        (bool, "true or false"), (int, "a number"), (float, "a number"), (str, "text"), (dict, "an object"), (list, "a list"),
    )  # fmt: skip
    return "nothing" if value is None else next((name for cls, name in known if isinstance(value, cls)), type(value).__name__)


def is_web(address: str) -> bool:
    """Whether an address names something on the web."""
    return address[:8].lower().startswith(("http://", "https://"))
