"""Documents for reading: a short `repr`, a terminal page, and an HTML fragment for notebooks."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable

from limner.document.document import Document
from limner.document.jsonform import TYPE_NAMES
from limner.document.parts import Audio, Image, Part, Text, Video


def summary(document: Document, lines: int = 12, width: int = 100) -> str:
    """A few lines that say what the document is and how it begins: its `repr`."""
    counts = Counter(TYPE_NAMES[type(part)] for part in document.parts)
    sizes = ", ".join(f"{n} {name}{'s' if n > 1 and name != 'audio' else ''}" for name, n in counts.items())
    head = f"Document {document.id}"
    if document.title:
        head += f" · {_short(document.title, 60)}"
    head += f" · {sizes or 'empty'}"
    if document.language:
        head += f" · {document.language}"
    body = [f"  {part.n:>4}  {part_line(part, width - 8)}" for part in document.parts[:lines]]
    if len(document.parts) > lines:
        body.append(f"        … {len(document.parts) - lines} more")
    return "\n".join([head, *body])


def part_line(part: Part, width: int = 92) -> str:
    """One part on one line.

    >>> part_line(Image(1, url="a.png", alt="a cat", width=64, height=48))
    '[image 64x48] a cat (a.png)'
    """
    if isinstance(part, Text):
        mark = {"paragraph": "", "heading": "#" * max(part.level, 1) + " "}.get(part.role, f"{part.role}: ")
        return mark + _short(part.text, width - len(mark))
    where = part.url or part.ref[:12]
    if isinstance(part, Image):
        size = f" {part.width}x{part.height}" if part.width else ""
        # Many pages repeat the address where a description should be.
        said = f"{part.alt} " if part.alt and part.alt != where else ""
        return _short(f"[image{size}] {said}({where})", width)
    if isinstance(part, Audio | Video):
        until = f"{part.end:g}" if part.end else "end"
        return _short(f"[{TYPE_NAMES[type(part)]} {part.start:g}-{until} s] ({where})", width)
    return _short(f"[{TYPE_NAMES[type(part)]}] ({where})", width)


def terminal(document: Document, width: int = 100) -> str:
    """The whole document as plain text for a terminal: headings marked, images as bracketed lines."""
    out = [f"{document.title or document.id}", f"{document.id}  {document.url or document.source}"]
    facts = [document.language, *(f"{k}: {v}" for k, v in document.meta.items())]
    if any(facts):
        out.append("  ".join(fact for fact in facts if fact))
    for part in document.parts:
        out.append("")
        if isinstance(part, Text) and part.role in ("code", "table", "list", "formula"):
            out.append(textwrap.indent(part.text, "    " if part.role in ("code", "formula") else ""))
        elif isinstance(part, Text):
            mark = "#" * max(part.level, 1) + " " if part.role == "heading" else ""
            mark = {"quote": "> ", "caption": "    ", "ocr": "[text in image] ", "speech": "[speech] ", "note": "[note] "}.get(
                part.role, mark
            )
            indent = "    " if part.role == "caption" else ""
            out.append("\n".join(textwrap.wrap(mark + part.text, width, subsequent_indent=indent)))
        else:
            out.append(part_line(part, width))
    return "\n".join(out)


def html(document: Document, source: Callable[[Part], str] | None = None) -> str:
    """An HTML fragment that shows the document: every string escaped, no script, no remote request unless
    `source(part)` returns a URL for a media part (by default images are named, not loaded)."""
    # Imported here: a worker that extracts a million pages shows none of them.
    from markupsafe import Markup

    from limner.document.html import Style, blocks

    facts = " · ".join(fact for fact in (document.url or document.source, document.language) if fact)
    head = Markup("<h1>{}</h1>").format(document.title or document.id)
    if facts:
        head += Markup('<p class="facts">{}</p>').format(facts)
    body = Markup("\n").join(blocks(document.parts, Style(source) if source else None))
    return f'<article class="limner-document"><style>{NOTEBOOK_STYLE}</style>{head}\n{body}</article>'


NOTEBOOK_STYLE = """
.limner-document{max-width:44rem;font:1rem/1.6 'Iowan Old Style','Palatino Linotype',Palatino,Georgia,serif}
.limner-document img{max-width:100%;height:auto}
.limner-document figure{margin:1.2em 0}
.limner-document figcaption,
.limner-document .caption,.limner-document .note,.limner-document .facts,.limner-document .absent{font-size:.9em;opacity:.8}
.limner-document pre{overflow-x:auto;padding:.6em .8em;font-size:.85em;line-height:1.45;background:rgba(128,128,128,.1)}
.limner-document .lang{display:none}
.limner-document div.table{overflow-x:auto}
.limner-document .absent{border-left:3px solid rgba(128,128,128,.5);padding-left:.8em;overflow-wrap:anywhere}
"""


def _short(text: str, width: int) -> str:
    flat = " ".join(text[: 4 * max(width, 1)].split())
    return flat if len(flat) <= width and len(text) <= 4 * width else flat[: max(width - 1, 1)] + "…"
