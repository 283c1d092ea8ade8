"""Markdown to parts: headings, paragraphs, lists, tables, code, quotations, formulas, and images in place.

markdown-it-py parses; it bounds how deeply blocks nest. HTML inside a page is text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, cast
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from limner.document import Image, Part, Text
from limner.errors import FormatError
from limner.formats.sequence import attached
from limner.formats.values import MAX_PARTS, is_web

Load = Callable[[str], bytes | None]


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(["html_block", "html_inline"])


def parts_of(page: str, load: Load) -> tuple[tuple[Part, ...], dict[str, bytes]]:
    """The parts of a page, and the bytes of images that `load` finds under their paths."""
    try:
        tokens = _parser().parse(page)
    except (RecursionError, ValueError) as error:
        raise FormatError(f"not readable as Markdown: {error}") from None
    build = _Parts(load)
    build.blocks(tokens)
    return tuple(build.parts[:MAX_PARTS]), build.media


class _Parts:
    """Parts in the making."""

    def __init__(self, load: Load):
        self.parts: list[Part] = []
        self.media: dict[str, bytes] = {}
        self._load = load

    def blocks(self, tokens: Sequence[Token]) -> None:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            end = _end(tokens, at)
            if token.type == "heading_open":
                self._prose(tokens[at + 1], "heading", int(token.tag[1]))
            elif token.type == "paragraph_open":
                self._paragraph(tokens[at + 1])
            elif token.type in ("fence", "code_block"):
                language = token.info.split()[0].lower() if token.info.strip() else ""
                self._text(token.content.removesuffix("\n"), "code", language=language)
            elif token.type in ("bullet_list_open", "ordered_list_open"):
                self._list(tokens[at : end + 1])
            elif token.type == "blockquote_open":
                self._quote(tokens[at + 1 : end])
            elif token.type == "table_open":
                self._table(tokens[at : end + 1])
            at = end + 1

    def _text(self, words: str, role: str, level: int = 0, language: str = "", of: int | None = None) -> None:
        if words.strip():
            self.parts.append(Text(len(self.parts), words, cast("Any", role), level, language, of=of))

    def _paragraph(self, inline: Token) -> None:
        whole = inline.content.strip()
        if len(whole) > 4 and whole.startswith("$$") and whole.endswith("$$"):
            self._text(whole[2:-2].strip(), "formula")
            return
        children = inline.children or []
        # A paragraph in emphasis below an image is its caption.
        last = self.parts[-1] if self.parts else None
        if (
            len(children) > 2 and isinstance(last, Image) and children[0].type == "em_open"
            and _end(children, 0) == len(children) - 1 and not any(c.type == "image" for c in children)
        ):  # fmt: skip
            self._text(_words(children), "caption", of=last.n)
            return
        self._prose(inline, "paragraph")

    def _prose(self, inline: Token, role: str, level: int = 0) -> None:
        run: list[Token] = []
        for child in inline.children or []:
            if child.type == "image":
                self._text(_words(run).strip(), role, level)
                run = []
                self._image(child)
            else:
                run.append(child)
        self._text(_words(run).strip(), role, level)

    def _image(self, token: Token) -> None:
        address = str(token.attrs.get("src", ""))
        alt = _words(token.children or [])
        data = None if is_web(address) else self._load(unquote(address))
        image = attached(
            Image(len(self.parts), url=unquote(address) if not is_web(address) else address, alt=alt), data, self.media
        )
        if data and image.ref:
            # The path of a stored file says nothing outside its folder.
            image = Image(image.n, image.ref, "", alt, image.width, image.height)
        self.parts.append(image)

    def _quote(self, tokens: Sequence[Token]) -> None:
        said = [_words(t.children or []).strip() for t in tokens if t.type == "inline"]
        said += [t.content.strip("\n") for t in tokens if t.type in ("fence", "code_block")]
        self._text("\n\n".join(piece for piece in said if piece), "quote")
        self._images(tokens)

    def _list(self, tokens: Sequence[Token]) -> None:
        lines: list[str] = []
        stack: list[list[int]] = []  # a counter for each list that is open, 0 for one of bullets
        mark = ""
        for token in tokens:
            if token.type == "ordered_list_open":
                stack.append([int(str(token.attrs.get("start", 1)) or 1)])
            elif token.type == "bullet_list_open":
                stack.append([-1])
            elif token.type in ("ordered_list_close", "bullet_list_close"):
                stack.pop()
            elif token.type == "list_item_open":
                number = stack[-1][0]
                mark = "- " if number < 0 else f"{number}. "
                stack[-1][0] += number >= 0
            elif token.type == "inline" or token.type in ("fence", "code_block"):
                words = _words(token.children or []) if token.type == "inline" else token.content
                pieces = [piece.strip() for piece in words.split("\n") if piece.strip()]
                for piece in pieces:
                    lines.append("  " * (len(stack) - 1) + (mark or "  ") + piece)
                    mark = ""
        self._text("\n".join(lines), "list")
        self._images(tokens)

    def _table(self, tokens: Sequence[Token]) -> None:
        rows: list[list[str]] = []
        for token in tokens:
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline" and rows:
                rows[-1].append(_words(token.children or []).replace("|", "\\|").replace("\n", " "))
        if rows:
            rule = "| " + " | ".join("---" for _ in rows[0]) + " |"
            shown = ["| " + " | ".join(row) + " |" for row in rows]
            self._text("\n".join([shown[0], rule, *shown[1:]]), "table")
        self._images(tokens)

    def _images(self, tokens: Sequence[Token]) -> None:
        for token in tokens:
            for child in token.children or []:
                if child.type == "image":
                    self._image(child)


def _end(tokens: Sequence[Token], at: int) -> int:
    """Where what opens at `at` closes."""
    depth = 0
    for i in range(at, len(tokens)):
        depth += tokens[i].nesting
        if depth <= 0:
            return i
    return len(tokens) - 1


def _words(tokens: Sequence[Token]) -> str:
    return "".join(_pieces(tokens))


def _pieces(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type in ("text", "code_inline", "text_special"):
            yield token.content
        elif token.type == "softbreak":
            yield " "
        elif token.type == "hardbreak":
            yield "\n"
