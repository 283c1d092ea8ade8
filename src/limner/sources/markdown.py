"""Markdown (CommonMark, tables, MyST's figures and admonitions) to documents, by way of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.errors import SourceError
from limner.sources.html.encoding import decode
from limner.sources.html.whole import whole
from limner.sources.kinds import Page
from limner.sources.mathrules import displayed, with_formulas

MAX_CHARS = 16 * 2**20
_DEPTH = 5
_FRONT = re.compile(r"\A---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"^(title|language|lang|author|date|license)[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_DIRECTIVE = re.compile(r"\{([\w:-]{1,40})\}\s*(.*)")
_OPTION = re.compile(r":([\w-]+):[ \t]*(.*)")


def read_markdown(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of the kind `markdown`."""
    text = decode(page.data, page.charset)
    if len(text) > MAX_CHARS:
        raise SourceError(f"{page.name}: {len(text):,} characters of Markdown, over the limit of {MAX_CHARS:,}")
    facts: dict[str, str] = {}
    if front := _FRONT.match(text):
        facts = {key.lower(): value.strip("\"'") for key, value in _FIELD.findall(front[1])}
        text = text[front.end() :]
    meta = {key: facts[key] for key in ("author", "date", "license") if key in facts}
    language = facts.get("language") or facts.get("lang", "")
    title = facts.get("title", "")
    yield whole(to_html(text), name=page.name, id=page.id, url=page.url, title=title, language=language, meta=meta)


def to_html(text: str, depth: int = 0) -> str:
    """The HTML of Markdown. Directives of MyST become figures, code, or what stands in them."""
    markdown = with_formulas(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]))
    rules: dict[str, Any] = markdown.renderer.rules  # type: ignore[attr-defined]
    fence = rules["fence"]

    def fenced(tokens: Any, index: int, options: Any, env: Any) -> str:
        info = tokens[index].info.strip()
        if info == "math":  # as GitHub and GitLab have it
            return displayed(tokens[index].content)
        found = _DIRECTIVE.fullmatch(info)
        if found is None or depth >= _DEPTH:
            return fence(tokens, index, options, env)
        return _directive(found[1], found[2].strip(), tokens[index].content, depth)

    rules["fence"] = fenced
    return markdown.render(text)


def _directive(name: str, argument: str, content: str, depth: int) -> str:
    options: dict[str, str] = {}
    lines = content.split("\n")
    while lines and (option := _OPTION.fullmatch(lines[0].strip())):
        options[option[1]] = option[2]
        lines.pop(0)
    body = "\n".join(lines)
    if name in ("figure", "image"):
        image = f'<img src="{escape(argument)}" alt="{escape(options.get("alt", ""))}">'
        caption = f"<figcaption>{to_html(body, depth + 1)}</figcaption>" if name == "figure" and body.strip() else ""
        return f"<figure>{image}{caption}</figure>\n" if name == "figure" else f"<p>{image}</p>\n"
    if name in ("code", "code-block", "code-cell", "sourcecode"):
        return f'<pre><code class="language-{escape(argument or "text")}">{escape(body)}</code></pre>\n'
    if name == "math":
        return displayed("\n".join(filter(None, (argument, body))))
    if name in ("toctree", "contents", "include", "bibliography", "raw", "only", "index"):
        return ""
    title = f"<p><strong>{escape(argument)}</strong></p>" if argument else ""
    return f"<div>{title}{to_html(body, depth + 1)}</div>\n"
