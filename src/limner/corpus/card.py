"""The data card of a corpus: what it is, where it comes from, what was done to it, what it is not. In Markdown."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any, cast

from limner.corpus.corpus import Corpus
from limner.corpus.ledger import plan_steps
from limner.corpus.statistics import Statistics, kept_statistics, statistics
from limner.document.wording import plural

NAME = "CARD.md"
TAKEN = "(taken down)"
"""Stands in `corpus.json` in place of an address that was taken down."""


def card(corpus: Corpus, figures: Statistics | None = None) -> str:
    """The card, from `corpus.json` and the statistics (computed unless given). Every figure in it was counted in the
    corpus itself."""
    s = figures or statistics(corpus)
    plan = cast("dict[str, Any]", corpus.facts.get("plan") or {})
    name = corpus.store.url.rstrip("/").rsplit("/", 1)[-1]
    sections = [
        f"# {_text(str(corpus.facts.get('title') or name))}",
        _what(s, corpus.facts),
        _sources(s, plan, corpus.facts),
        _steps(corpus, s),
        _figures(s),
        _limits(s, corpus),
        _again(plan, corpus.facts),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def describe(corpus: Corpus) -> None:
    """Write what pages about a corpus show: its statistics, and its card as `CARD.md`."""
    corpus.store.write(NAME, card(corpus, kept_statistics(corpus)).encode("utf-8", "replace"))


def _what(s: Statistics, facts: Mapping[str, Any]) -> str:
    said = (
        f"A corpus of {plural(s.documents, 'document')}: {plural(s.words, 'word')} of text interleaved with "
        f"{plural(s.images, 'image')} ({s.stored:,} of them stored, in {plural(s.files, 'file')} of {s.media_bytes / 1e6:,.1f} MB). "
        f"{plural(s.documents_with_images, 'document has', 'documents have')} an image; "
        f"{plural(s.captions, 'caption names what it belongs', 'captions name what they belong')} to; "
        f"{plural(s.with_alt, 'image has', 'images have')} alt text."
    )
    if facts.get("complete") is False:
        said += "\n\n**The build of this corpus has not finished.** Run the same `limner build` again and it continues."
    if note := facts.get("note") or facts.get("description"):
        said += f"\n\n{_text(str(note))}"
    return said


def _sources(s: Statistics, plan: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    lines = ["## Sources and licences", ""]
    lines += [f"- read from {_code(str(source))}" for source in cast("list[Any]", plan.get("sources") or [])[:50]]
    lines += [
        f"- {plural(s.inputs, 'input')}, of which {s.rejected:,} could not be read"
        if s.inputs
        else "- documents appended directly"
    ]
    for key in ("license", "licenses", "source_notes", "notes"):
        if key in facts:
            lines.append(f"- {key.replace('_', ' ')}: {_text(str(facts[key]))}")
    lines += ["", "Licences as the pages themselves state them:", ""]
    lines += _table(("licence", "documents"), s.licenses)
    if len(s.hosts) > 1 or "(none)" not in s.hosts:
        lines += ["", *_table(("host", "documents"), s.hosts)]
    return "\n".join(lines)


def _steps(corpus: Corpus, s: Statistics) -> str:
    steps = plan_steps(corpus)
    if not steps and not s.stages:
        return ""
    lines = ["## What was done to it", ""]
    lines.append(
        f"Read: {plural(s.documents_read, 'document')} with {plural(s.images_read, 'image')}. "
        f"Left: {plural(s.documents, 'document')} with {plural(s.images, 'image')}."
    )
    lines += [
        "",
        "| step | documents dropped | images dropped | text parts dropped | changed | left |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {_text(stage.step)} | {stage.documents_dropped:,} | {stage.images_dropped:,} | {stage.texts_dropped:,} "
        f"| {stage.noted:,} | {stage.documents_left:,} |"
        for stage in s.stages
    ]
    if steps:
        lines += ["", "With these settings:", ""]
    for step in steps:
        given = ", ".join(
            f"{k} {_code(_value(v))}" for k, v in step.items() if k not in ("use", "name") and v not in ([], {}, "", None)
        )
        name = str(step.get("name") or step.get("use"))
        use = f" ({_code(str(step.get('use')))})" if step.get("use") not in (None, name) else ""
        lines.append(f"- **{_text(name)}**{use}{': ' + given if given else ''}")
    return "\n".join(lines)


def _figures(s: Statistics) -> str:
    images, words = s.images_per_document, s.words_per_document
    lines = ["## Figures", "", "Languages, by document:", "", *_table(("language", "documents"), s.languages), ""]
    lines += [
        "| a document has | median | mean | 10 % have at most | 10 % have at least | most |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        f"| words | {words.median:,} | {words.mean:,} | {words.p10:,} | {words.p90:,} | {words.most:,} |",
        f"| images | {images.median:,} | {images.mean:,} | {images.p10:,} | {images.p90:,} | {images.most:,} |",
        "",
        "Stored files, by type:",
        "",
        *_table(("type", "files"), s.formats),
    ]
    return "\n".join(lines)


def _limits(s: Statistics, corpus: Corpus) -> str:
    lines = ["## Known limits", ""]
    if unstored := s.images - s.stored:
        lines.append(f"- {plural(unstored, 'image is', 'images are')} named by address only; the bytes are not here.")
    if unknown := s.languages.get("unknown", 0):
        lines.append(f"- The language of {plural(unknown, 'document')} is not known.")
    if unstated := s.licenses.get("not stated", 0):
        lines.append(
            f"- {plural(unstated, 'document states', 'documents state')} no licence; whoever uses such a document must find out."
        )
    if without := s.images - s.with_alt:
        lines.append(f"- {plural(without, 'image has', 'images have')} no alt text.")
    if s.rejected:
        errors = ", ".join(f"{_text(error)} {count:,}" for error, count in s.rejects.items())
        lines.append(f"- {plural(s.rejected, 'input')} could not be read ({errors}).")
    names = {str(step.get("use")) for step in plan_steps(corpus)}
    if not any("pii" in name for name in names):
        lines.append("- Personal data (e-mail addresses, phone numbers) were not masked.")
    if not any("unsafe" in name or "nsfw" in name for name in names):
        lines.append("- Images were not screened for unsafe content.")
    lines.append("- Languages were identified, and main content found, by programs; both err.")
    return "\n".join(lines)


def _again(plan: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    sources = " ".join(_shell(str(source)) for source in cast("list[Any]", plan.get("sources") or []) if source != TAKEN)
    versions = facts.get("versions")
    lines = ["## How to build it again", ""]
    if sources:
        chosen = f" --plan {_shell(str(plan['name']))}" if plan.get("name") else ""
        lines += ["```", f"limner build {sources} -o corpus{chosen}", "```", ""]
    if plan:
        lines.append("The whole plan is in `corpus.json`. The same plan over the same inputs gives the same documents.")
    if isinstance(versions, dict) and versions:
        known = cast("dict[str, Any]", versions)
        lines += ["", "Built with " + ", ".join(f"{_text(str(k))} {_text(str(v))}" for k, v in known.items()) + "."]
    return "\n".join(lines) if len(lines) > 2 else ""


def _table(head: tuple[str, str], counts: Mapping[str, int]) -> list[str]:
    rows = [f"| {_text(name)} | {count:,} |" for name, count in counts.items()]
    return [f"| {head[0]} | {head[1]} |", "| --- | ---: |", *rows]


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _text(text: str) -> str:
    """Text that Markdown takes as it stands."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|&!" else c for c in flat)


def _code(text: str) -> str:
    # Nothing in it is escaped, so it does not go into the cell of a table, where "|" would have to be (GFM 4.10).
    flat = " ".join(text.split())
    # A fence longer than any run of backticks inside (CommonMark 6.1).
    ticks = "`" * (1 + max(map(len, re.findall(r"`+", flat)), default=0))
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def _shell(text: str) -> str:
    return shlex.quote(text)
