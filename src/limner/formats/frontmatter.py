"""The front matter of a page: facts between two lines `---`, one `name: value` a line.

Written so that YAML 1.2 reads it: every value a double-quoted string, which is JSON. Read are plain, quoted and JSON
values of one line; anything else YAML can write (nested values, several lines) is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

MAX_LINES = 1_000

_KEY = re.compile(r"([A-Za-z_][\w .-]{0,80}?)\s*:(?:\s+(.*)|\s*)\Z", re.DOTALL)
# Not printable to YAML (YAML 1.2.2, 5.1), or a line break to some readers.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def front_matter(facts: Mapping[str, str]) -> str:
    """The block for those facts, empty ones left out; "" for none."""
    lines = [f"{_name(name)}: {scalar(value)}" for name, value in facts.items() if value]
    return "\n".join(["---", *lines, "---"]) if lines else ""


def scalar(value: str) -> str:
    """A string as YAML and JSON both read it, on one line."""
    return _UNPRINTABLE.sub(lambda m: f"\\u{ord(m[0]):04x}", json.dumps(value, ensure_ascii=False))


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w-]{0,80}", name, re.ASCII) else scalar(name)


def parse(page: str) -> tuple[dict[str, str], str]:
    """The facts of a page, and what stands behind them."""
    lines = page.split("\n", MAX_LINES)
    if lines[0].rstrip() != "---":
        return {}, page
    end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() in ("---", "...")), None)
    if end is None:
        return {}, page
    facts: dict[str, str] = {}
    for line in lines[1:end]:
        name, value = _pair(line.rstrip("\r"))
        if name and value:
            facts[name] = value
    return facts, "\n".join(lines[end + 1 :])


def _pair(line: str) -> tuple[str, str]:
    if line.startswith('"'):
        try:
            name, at = json.JSONDecoder().raw_decode(line)
        except ValueError:
            return "", ""
        rest = line[at:].lstrip()
        return (name, _value(rest[1:].strip())) if isinstance(name, str) and rest.startswith(":") else ("", "")
    match = _KEY.match(line)
    return (match[1], _value((match[2] or "").strip())) if match else ("", "")


def _value(value: str) -> str:
    if value.startswith('"'):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            return value.strip('"')
        return found if isinstance(found, str) else ""
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return "" if value[:1] in ("[", "{", "|", ">", "&", "!") else value
