"""A document as HTML that reads well: figures with their captions, real tables and lists, code, formulas.

Every string goes through `markupsafe`, the escaping of jinja2's autoescape: nothing that a page wrote is ever markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from limner.document import markup
from limner.document.jsonform import TYPE_NAMES
from limner.document.parts import Audio, Image, Mesh, Part, Text, Video

NOTHING = Markup("")


def _no_source(part: Part) -> str:
    return ""


def _no_formula(latex: str, display: bool) -> Markup | None:
    return None


def _plain(part: Part, html: Markup) -> Markup:
    return html


@dataclass(frozen=True)
class Style:
    """How parts are written. `source(part)` is the URL its media loads from, "" to name it only; `formula(latex, display)`
    is MathML, or None to show the LaTeX; `wrap(part, html)` may put something around a part."""

    source: Callable[[Part], str] = _no_source
    formula: Callable[[str, bool], Markup | None] = _no_formula
    wrap: Callable[[Part, Markup], Markup] = _plain


def blocks(parts: Sequence[Part], style: Style | None = None) -> Iterator[Markup]:
    """The parts as HTML blocks in reading order; a caption stands under the part it belongs to.

    >>> list(blocks([Text(0, "a < b")]))
    [Markup('<p>a &lt; b</p>')]
    """
    style = style or Style()
    # Only what is no caption itself can have one: a ring of captions would otherwise never be written.
    there = {part.n for part in parts if not (isinstance(part, Text) and part.of is not None)}
    captions: dict[int, list[Text]] = {}
    for part in parts:
        if isinstance(part, Text) and part.of in there:
            captions.setdefault(part.of, []).append(part)  # type: ignore[arg-type]
    for part in parts:
        if not (isinstance(part, Text) and part.of in there):
            yield style.wrap(part, _block(part, captions.get(part.n, []), style))


def _block(part: Part, captions: Sequence[Text], style: Style) -> Markup:
    if isinstance(part, Text) and not captions:
        return text(part, style)
    inner = text(part, style) if isinstance(part, Text) else media(part, style.source(part))
    below = Markup("").join(Markup("<figcaption>{}</figcaption>").format(prose(c.text, style)) for c in captions)
    return Markup("<figure>{}{}</figure>").format(inner, below)


def text(part: Text, style: Style) -> Markup:
    """A text part as its role wants it."""
    if part.role == "heading":
        level = min(max(part.level, 1) + 1, 6)
        return Markup("<h{0}>{1}</h{0}>").format(level, prose(part.text, style))
    if part.role == "code":
        label = Markup('<span class="lang">{}</span>').format(part.language) if part.language else NOTHING
        return Markup('<pre class="code">{}<code>{}</code></pre>').format(label, part.text)
    if part.role == "formula":
        shown = style.formula(part.text, True)
        return Markup('<div class="formula">{}</div>').format(
            shown if shown is not None else Markup("<code>{}</code>").format(part.text)
        )
    if part.role == "table":
        return _table(part.text, style)
    if part.role == "list":
        return _list(part.text, style)
    if part.role == "quote":
        return Markup("<blockquote>{}</blockquote>").format(paragraphs(part.text, style))
    if part.role == "note":
        return Markup('<aside class="note">{}</aside>').format(paragraphs(part.text, style))
    if part.role == "caption":
        return Markup('<p class="caption">{}</p>').format(prose(part.text, style))
    if part.role in ("ocr", "speech"):
        said = "Text in the image" if part.role == "ocr" else "Speech"
        return Markup('<p class="{}"><span class="kind">{}</span> {}</p>').format(part.role, said, prose(part.text, style))
    return paragraphs(part.text, style)


def paragraphs(string: str, style: Style) -> Markup:
    """Text as paragraphs, cut at empty lines."""
    pieces = [piece for piece in string.split("\n\n") if piece.strip()] or [string]
    return Markup("").join(Markup("<p>{}</p>").format(prose(piece, style)) for piece in pieces)


def prose(string: str, style: Style) -> Markup:
    """A run of text, its inline formulas set, its line breaks kept."""
    out: list[Markup] = []
    for is_formula, piece in markup.spans(string) if "$" in string else [(False, string)]:
        if is_formula:
            shown = style.formula(piece, False)
            out.append(shown if shown is not None else Markup('<code class="tex">${}$</code>').format(piece))
        else:
            out.append(Markup("<br>").join(piece.split("\n")))
    return Markup("").join(out)


def _table(string: str, style: Style) -> Markup:
    found = markup.table(string)
    if found is None:
        return Markup('<pre class="table">{}</pre>').format(string)
    cells = Markup("").join
    head = cells(Markup('<th scope="col">{}</th>').format(prose(cell, style)) for cell in found.head)
    head = Markup("<thead><tr>{}</tr></thead>").format(head) if any(found.head) else NOTHING
    rows = cells(
        Markup("<tr>{}</tr>").format(cells(Markup("<td>{}</td>").format(prose(cell, style)) for cell in row))
        for row in found.rows
    )
    more = Markup('<p class="more">{} more rows</p>').format(found.left_out) if found.left_out else NOTHING
    return Markup('<div class="table" tabindex="0"><table>{}<tbody>{}</tbody></table>{}</div>').format(head, rows, more)


def _list(string: str, style: Style) -> Markup:
    out: list[Markup] = []
    open_tags: list[str] = []
    for item in markup.items(string):
        while len(open_tags) > item.depth + 1:
            out.append(Markup(f"</li></{open_tags.pop()}>"))
        tag = "ol" if item.number else "ul"
        if len(open_tags) == item.depth + 1:
            out.append(Markup("</li>"))
            if open_tags[-1] != tag:
                out.append(Markup(f"</{open_tags.pop()}>"))
        if len(open_tags) == item.depth:
            start = Markup(' start="{}"').format(item.number) if item.number not in ("", "1") else NOTHING
            out.append(Markup(f"<{tag}") + start + Markup(">"))
            open_tags.append(tag)
        out.append(Markup("<li>") + prose(item.text, style))
    while open_tags:
        out.append(Markup(f"</li></{open_tags.pop()}>"))
    return Markup("").join(out)


def media(part: Image | Audio | Video | Mesh, url: str) -> Markup:
    """A media part that loads from `url`, or a line that names it."""
    if isinstance(part, Image) and url:
        size = Markup(' width="{}" height="{}"').format(part.width, part.height) if part.width and part.height else NOTHING
        return Markup('<img src="{}" alt="{}" loading="lazy" decoding="async"{}>').format(url, part.alt, size)
    if isinstance(part, Audio | Video) and url:
        moment = f"#t={part.start:g}" + (f",{part.end:g}" if part.end else "") if part.start or part.end else ""
        tag = TYPE_NAMES[type(part)]
        return Markup('<{0} controls preload="none" src="{1}"></{0}>').format(Markup(tag), url + moment)
    name = TYPE_NAMES[type(part)]
    facts: list[str] = []
    if isinstance(part, Image) and part.width:
        facts.append(f"{part.width} × {part.height}")
    described = part.alt if isinstance(part, Image) and part.alt != part.url else ""
    if isinstance(part, Audio | Video) and (part.start or part.end):
        facts.append(f"{part.start:g}–{part.end:g} s" if part.end else f"from {part.start:g} s")
    where = part.url or part.ref[:12]
    return Markup(
        '<div class="absent"><span class="kind">{}</span> <span class="alt">{}</span> '
        '<span class="url">{}</span> <span class="size">{}</span></div>'
    ).format(name, described, where, escape(" · ".join(facts)))
