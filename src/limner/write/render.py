"""Answers for reading: Markdown, an HTML fragment, and a page of its own with its pictures inside.

What comes from a corpus, a question or a model is escaped; links are to the web or to what `address` gives.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from limner.corpus.probe import probe
from limner.document import Image, Part, Text
from limner.document.formula import mathml
from limner.document.html import Style, blocks
from limner.errors import MissingExtra
from limner.formats.markdown import escaped, text_block
from limner.write.answer import Answer, Source

Address = Callable[[Image], str]
"""Where the file of an image is: "" to leave the picture out and keep its caption."""

Link = Callable[[Source], str]
"""Where a source is to be read, "" where nowhere."""

UNSAID = "no source says so"
NOTHING = "Nothing in this corpus answers that."
_SHOWN = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"))


def web(url: str) -> str:
    """An address that a link may lead to, else "".

    >>> web("https://x.test/a b"), web("javascript:alert(1)")
    ('https://x.test/a%20b', '')
    """
    try:
        pieces = urlsplit(url)
    except ValueError:
        return ""
    return quote(url, safe=":/?#@!$&'*+,;=%~-._") if pieces.scheme in ("http", "https") and pieces.netloc else ""


def markdown(answer: Answer, address: Address, link: Link | None = None, title: bool = True) -> str:
    """The answer as Markdown, under its question if `title`: `[1]` after what source 1 says, the sources below."""
    out = [f"# {escaped(answer.question)}"] if title else []
    for part in answer.document.parts:
        if isinstance(part, Image):
            if where := address(part):
                out.append(f"![{escaped(_line(part.alt))}]({where}){cited(answer, part)}")
        elif isinstance(part, Text):
            out.append(said(answer, part))
    if not answer.document.parts:
        out.append(NOTHING)
    if answer.sources:
        out.append("\n".join(f"{s.number}. {_source(s, link)}" for s in answer.sources))
    return "\n\n".join(out) + "\n"


def said(answer: Answer, part: Text) -> str:
    """One text of an answer as Markdown, with the number of its source."""
    mark = cited(answer, part) + (f" *({UNSAID})*" if part.n in answer.unsupported else "")
    inline = part.role in ("paragraph", "quote", "list")
    return text_block(part) + (mark if inline else f"\n\n{mark.strip()}" if mark and part.role == "code" else "")


def cited(answer: Answer, part: Text | Image) -> str:
    """The number of a part's source, as `markdown` writes it."""
    source = answer.source(part)
    return f" \\[{source.number}\\]" if source else ""


def _source(source: Source, link: Link | None) -> str:
    name = escaped(_line(source.title or source.source))
    where = link(source) if link else web(source.url)
    return f"[{name}]({where})" if where else f"{name} ({escaped(_line(source.source))})"


def _line(text: str) -> str:
    return " ".join(text.split())


def html(
    answer: Answer,
    address: Address,
    link: Link | None = None,
    formula: Callable[[str, bool], Markup | None] | None = None,
    prefix: str = "",
) -> Markup:
    """The answer as an HTML fragment. `link` gives the address of a source, by default its own on the web; `formula` is as in `Style`; `prefix` sets
    the anchors of several answers on one page apart."""
    lead = link or (lambda source: web(source.url))

    def wrapped(part: Part, inner: Markup) -> Markup:
        source = answer.source(part) if isinstance(part, Text | Image) else None
        told = part.n in answer.unsupported
        heading = isinstance(part, Text) and part.role == "heading"
        if (source is None or heading) and not told:
            return inner
        if source is None:
            return Markup('<div class="part unsaid" title="{}">{}</div>').format(UNSAID.capitalize(), inner)
        cite = Markup('<sup class="cite"><a href="#{}source-{}" title="{}">{}</a></sup>').format(
            prefix, source.number, source.title, source.number
        )
        return Markup('<div class="part">{}{}</div>').format(inner, cite)

    shown = {"formula": formula} if formula else {}
    style = Style(source=lambda part: address(part) if isinstance(part, Image) else "", wrap=wrapped, **shown)
    body = Markup("\n").join(blocks(answer.document.parts, style)) or Markup("<p>{}</p>").format(NOTHING)
    listed = Markup("").join(
        Markup('<li id="{}source-{}">{}</li>\n').format(prefix, source.number, _linked(source, lead(source)))
        for source in answer.sources
    )
    return Markup('<div class="answer">\n{}\n{}</div>').format(
        body, Markup('<ol class="sources">\n{}</ol>\n').format(listed) if listed else ""
    )


def _linked(source: Source, where: str) -> Markup:
    name = source.title or source.source
    return (
        Markup('<a href="{}" rel="noreferrer">{}</a>').format(where, name)
        if where
        else Markup("{} <small>{}</small>").format(name, source.source)
    )


def data_address(media: Callable[[str], bytes | None]) -> Address:
    """Addresses that hold the picture itself, of the kinds that browsers show and that run nothing."""

    def address(image: Image) -> str:
        data = media(image.ref) if image.ref else None
        mime = probe(data).mime if data else ""
        return f"data:{mime};base64,{base64.b64encode(data).decode()}" if data and mime in _SHOWN else ""

    return address


_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; }
body { font: 17px/1.6 system-ui, sans-serif; max-width: 44rem; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .3rem; }
img { max-width: 100%; height: auto; border-radius: 6px; border: 1px solid var(--line); }
figure { margin: 1rem 0; } figcaption { color: var(--dim); font-size: .9rem; }
.part { position: relative; } .part > p { display: inline; } .part { margin: .6rem 0; }
.cite a { text-decoration: none; font-size: .75rem; padding: 0 .2rem; }
.unsaid { background: #f5b94933; border-left: 3px solid #e09c20; padding-left: .6rem; }
.part > figure { margin-bottom: 0; } .part > figure ~ .cite { position: absolute; right: 0; bottom: 0; }
.sources { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: .8rem; font-size: .9rem; }
pre { overflow: auto; background: #8881; padding: .6rem; border-radius: 6px; }
.long-formula { display: inline-block; max-width: 100%; overflow-x: auto; overflow-y: hidden; vertical-align: middle; }
footer { color: var(--dim); font-size: .85rem; margin-top: 2rem; }
"""


def _set(latex: str, display: bool) -> Markup | None:
    """A formula as MathML, None to show its LaTeX: where it cannot be set, and where nothing is installed that sets it."""
    try:
        return mathml(latex, display)
    except MissingExtra:
        return None


def page(answer: Answer, media: Callable[[str], bytes | None]) -> str:
    """The answer as a page of its own that needs no other file."""
    unsaid = f" Marked: {UNSAID}." if answer.unsupported else ""
    return str(
        Markup(
            '<!doctype html>\n<html lang="{}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
            "<title>{}</title><style>{}</style></head>\n<body><h1>{}</h1>\n{}\n"
            "<footer>Written by limner ({}) from {} sources.{}</footer></body></html>\n"
        ).format(
            answer.document.language or "en", answer.question, Markup(_STYLE), answer.question,
            html(answer, data_address(media), formula=_set), answer.writer, len(answer.sources), unsaid,
        )
    )  # fmt: skip
