"""The operators described for reading: in a terminal, and as the page docs/operators.md."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, cast

from limner.curate.registry import Description, Setting

SHAPES: Mapping[str, str] = {
    "document": "one document at a time",
    "batch": "documents in batches, cut by shard, for what needs a model",
    "global": "two passes: a signature of each document, then a decision over all of them",
}


def text(about: Description) -> str:
    """An operator for the terminal: what it does, its settings and their defaults, its presets."""
    lines = [f"{about.name}  ({SHAPES[about.shape]})", "", textwrap.indent(prose(about), "  "), ""]
    for setting in about.settings:
        lines.append(f"  {setting.name} = {default(setting)}    {setting.type}")
        lines += textwrap.wrap(setting.doc, 100, initial_indent="      ", subsequent_indent="      ")
    for name, settings in about.presets.items():
        lines += ["", f'  preset = "{name}"', *textwrap.wrap(_assignments(settings), 100, initial_indent="      ")]
    return "\n".join(lines)


def markdown(described: Iterable[Description]) -> str:
    """All operators as one page."""
    every = list(described)
    lines = [
        "# Operators",
        "",
        "Written by `limner operators --markdown > docs/operators.md`; what it says stands in the docstrings.",
        "",
        "A plan names an operator and its settings:",
        "",
        "```toml",
        "[[step]]",
        'use = "quality"',
        'preset = "obelics"',
        "min_words = 20",
        "```",
        "",
        "What an operator takes away is in the ledger, with the reason, the value measured and the threshold it met.",
        "",
        "| operator | works on | what it does |",
        "|---|---|---|",
    ]
    for about in every:
        works_on = SHAPES[about.shape].partition(":")[0]
        lines.append(f"| [`{about.name}`](#{about.name}) | {works_on} | {_cell(first_sentence(about))} |")
    for about in every:
        lines += ["", f"## {about.name}", "", prose(about), ""]
        if about.settings:
            lines += ["| setting | type | default | |", "|---|---|---|---|"]
            for setting in about.settings:
                cells = (f"`{setting.name}`", setting.type, f"`{default(setting)}`", setting.doc)
                lines.append("| " + " | ".join(map(_cell, cells)) + " |")
        for name, settings in about.presets.items():
            lines += ["", f'`preset = "{name}"`: {_assignments(settings)}']
    return "\n".join(lines) + "\n"


def first_sentence(about: Description) -> str:
    """What an operator does, without sources and without the full stop."""
    return re.split(r"(?<!al)\.\s|\s\([^)]*(?:\d{4}|arXiv|after|as )", about.summary, maxsplit=1)[0].rstrip(".")


def prose(about: Description) -> str:
    """The docstring less the lines on settings."""
    kept: list[str] = []
    inside = False
    for line in about.doc.splitlines():
        if any(line.startswith(f"`{setting.name}`  ") for setting in about.settings):
            inside = True
        elif not (inside and line.startswith("  ")):
            inside = False
            kept.append(line)
    return "\n".join(kept).strip()


def default(setting: Setting) -> str:
    """A default as a plan writes it."""
    return "required" if setting.required else _value(setting.default)


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value)
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in items.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_value(item) for item in cast("list[Any]", value)) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | int | float | bool) else str(value)


def _assignments(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_value(value)}" for name, value in settings.items())


def _cell(content: str) -> str:
    return content.replace("|", "\\|")
