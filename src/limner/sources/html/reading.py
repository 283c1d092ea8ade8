"""Reading single elements into blocks: text, images, formulas, code, tables. The walk says when."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from limner.sources.html import formulas, images, signature, tables
from limner.sources.html.blocks import Block, Context, Frame
from limner.sources.html.code import code_language, code_text
from limner.sources.html.limits import Limits
from limner.sources.html.signature import Signature, Signatures
from limner.sources.html.structure import attach, inside, mark
from limner.sources.html.tags import ID, TEXT_ID

SIGNATURES = Signatures()
SKIPPED = signature.SKIP | signature.HIDDEN
MATH = signature.INLINE_MATH | signature.DISPLAY_MATH | signature.KATEX
_MATH_TAG, _OBJECT = ID["math"], ID["object"]
_API_END = re.compile(r"(?:\s*(?:\[(?:source|view code|docs)\]|[¶#]))+\s*\Z")
_BR = "\0"  # the parser never yields a NUL
_ODD_SPACE = re.compile(r"[ \t\n\r\f]+")
_UNSEEN = re.compile("[\xad\u200b\u2060\ufeff]")  # where a line may or may not break
_LABEL = 40  # characters that may stand beside a formula in its box: its number, its TeX
_DRAWING_MAX = 2**20
_ICON_SIZE, _MARK = 32, 48  # px
_PICTURE_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|avif)(?:$|\?)", re.IGNORECASE)


class Reader(ABC):
    """The state of one walk: what has been read (`blocks`, `frames`), the frame that is open, and the text
    (`buffer`, `links` of its characters in links) and images (`pending`) that are not yet in a block."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.blocks: list[Block] = []
        self.frame = Frame(None, 0, SIGNATURES.plain(ID["html"]), Context("paragraph", 0, None, None, None), 0)
        self.frames: list[Frame] = [self.frame]
        self.buffer: list[str] = []
        self.links = 0
        self.fallback = False  # inside a short noscript
        self.pending: list[Block] = []

    @abstractmethod
    def run(self, root: LexborNode) -> list[Block]:
        """The blocks below `root`, in reading order."""

    def flush(self) -> None:
        """Make a block of the text read so far."""
        buffer = self.buffer
        if buffer:
            text = "".join(buffer) if len(buffer) > 1 else buffer[0]
            buffer.clear()
            links, self.links = self.links, 0
            text = collapse(text)
            if text:
                self.emit(text, links)
        if self.pending:
            self.blocks.extend(self.pending)
            self.pending.clear()

    def emit(self, text: str, links: int) -> None:
        frame = self.frame
        context = frame.context
        role = context.role
        if "\\" in text or "$$" in text:
            if role != "heading" and (tex := formulas.display(text)):
                self.blocks.append(Block("formula", tex, frame))
                return
            text = formulas.delimited(text)
            if "\\[" in text or "$$" in text or "\\begin{" in text:
                pieces = list(formulas.apart(text))
                if role == "paragraph" and len(pieces) > 1:
                    for kind, piece in pieces:
                        self.blocks.append(Block(kind, piece, frame, links if kind == "paragraph" else 0))
                        links = 0
                    return
                text = formulas.within(text)
        block = Block(role, text, frame, links)
        if role == "paragraph":
            self.blocks.append(block)
            return
        if role == "heading":
            block.level = context.level
            block.text = text.replace("\n", " ")
            if context.item is not None:
                context.item.card = True
        elif role == "list":
            item = context.item
            if item is None or item.card:
                block.kind = "paragraph"
            else:
                mark(block, item)
        elif role == "caption" and context.figure is not None:
            context.figure.captions.append(block)
        self.blocks.append(block)

    def api(self, node: LexborNode, found: Signature, index: int) -> bool:
        """Read the signature of a documented function, whose dozens of elements say nothing."""
        text = node.text_lexbor() or ""
        if not text or node.css_first("img") is not None:
            return False
        frame = self.open(index, found)
        self.buffer.append(_API_END.sub("", text))
        self.close(frame)
        return True

    def line_break(self) -> None:
        buffer = self.buffer
        at = len(buffer) - 1
        while at >= 0 and buffer[at] == " ":
            at -= 1
        if at >= 0 and buffer[at] == _BR:
            self.flush()
        else:
            buffer.append(_BR)

    def open(self, index: int, found: Signature) -> Frame:
        if self.buffer or self.pending:
            self.flush()
        parent = self.frame
        context = parent.context
        if found.flags:
            context = inside(context, found)
        frame = Frame(parent, index, found, context, len(self.blocks))
        self.frame = frame
        self.frames.append(frame)
        return frame

    def close(self, frame: Frame) -> None:
        if self.buffer or self.pending:
            self.flush()
        frame.end = len(self.blocks)
        if frame.parent is not None:
            self.frame = frame.parent
        if frame.signature.flags & signature.FIGURE:
            self.close_figure(frame)

    def close_figure(self, frame: Frame) -> None:
        if frame.context.figure is not None:
            attach(frame.context.figure, self.frame.context.figure)

    def image(self, node: LexborNode, attributes: dict[str, str | None]) -> None:
        url = images.address(node, attributes)
        alt = attributes.get("alt") or attributes.get("title") or ""
        found = SIGNATURES.of(node.tag_id, attributes)
        if found.flags & MATH and alt:
            parent = node.parent
            shown = (
                parent is not None and "math" in ((parent.parent or parent).attributes.get("class") or "") and not self.has_text()
            )
            self.tex(formulas.tidy(alt), shown or bool(found.flags & signature.DISPLAY_MATH))
            return
        if url and not self.fallback:
            tex, shown = formulas.drawn(url, alt)
            if tex:
                self.tex(tex, shown)
                return
        if not url or found.flags & SKIPPED or images.never(url, attributes):
            if images.emoji(attributes):
                self.buffer.append(alt)
            return
        block = Block("image", "", self.frame)
        block.url = url[: self.limits.max_attribute] if url[:5] != "data:" else url
        if alt.rpartition("/")[2] != url.rpartition("/")[2]:  # a generator's default is the file's name
            block.alt = " ".join(alt[: self.limits.max_attribute].split())
        block.width, block.height = images.size(attributes.get("width")), images.size(attributes.get("height"))
        self.add_image(block)

    def add_image(self, block: Block) -> None:
        if self.fallback:
            before = self.pending[-1] if self.pending else (self.blocks[-1] if self.blocks else None)
            if before is not None and before.kind == "image" and before.url == block.url:
                return  # a lazy image, and the same in its noscript
        context = self.frame.context
        if context.figure is not None:
            context.figure.media.append(block)
        if context.item is not None and context.item.first and not self.has_text():
            context.item.card = True
        if self.has_text() and self.buffer[-1] != _BR:
            self.pending.append(block)  # after the paragraph that it stands in
        else:
            self.flush()
            self.blocks.append(block)

    def has_text(self) -> bool:
        return any(piece != " " for piece in self.buffer)

    def formula(self, node: LexborNode, flags: int) -> bool:
        """Read a formula's wrapper; False where it turns out not to be one."""
        tex = formulas.annotation(node) if flags & signature.KATEX else ""
        shown = bool(flags & signature.DISPLAY_MATH) or "katex-display" in (node.attributes.get("class") or "")
        if not tex:
            drawn = node.css("img[alt]")
            math = node.css_first("math")
            if math is not None:
                if len(node.text_lexbor() or "") > len(math.text_lexbor() or "") + _LABEL and not flags & signature.KATEX:
                    return False  # prose that has formulas
                tex, block = formulas.from_math(math)
                shown = shown or block
            elif drawn:
                alt = drawn[0].attributes.get("alt") or ""
                text = (node.text_lexbor() or "").strip()
                if not flags & signature.DISPLAY_MATH or len(drawn) > 1 or len(text) > _LABEL or not formulas.looks(alt):
                    return False  # the image itself says more
                tex = formulas.tidy(alt)
            elif not flags & signature.KATEX:
                attributes = node.attributes
                plain = "data-math-style" in attributes or (
                    " math " in f" {attributes.get('class')} " and node.tag in ("code", "tt")
                )
                first = node.first_child
                plain = plain or (first is not None and first.tag_id == TEXT_ID and first.next is None)
                tex, block = formulas.written(attributes.get("data-tex") or node.text_lexbor() or "", plain)
                shown = shown or block or attributes.get("data-math-style") == "display"
        if not tex:
            return False
        self.tex(tex, shown)
        return True

    def tex(self, tex: str, shown: bool) -> None:
        if not tex:
            return
        if shown:
            self.flush()
            self.blocks.append(Block("formula", tex, self.frame))
        else:
            self.buffer.append(f"${tex}$")

    def script(self, node: LexborNode) -> None:
        kind = node.attributes.get("type") or ""
        if "math/tex" in kind:
            self.tex(formulas.tidy(node.text() or ""), "display" in kind)
        elif "math/mml" in kind:
            tex, shown = formulas.from_mathml(node.text() or "")
            self.tex(tex, shown or "display" in kind)

    def checkbox(self, attributes: Mapping[str, str | None]) -> None:
        """The state of an item of a task list; other boxes are for filling in."""
        if attributes.get("type") == "checkbox" and "disabled" in attributes and self.frame.context.item is not None:
            self.buffer.append("[x] " if "checked" in attributes else "[ ] ")

    def drawing(self, node: LexborNode) -> None:
        """A figure drawn in the page itself, as the image that it would be as a file."""
        attributes = node.attributes
        html = node.html or ""
        if len(html) > _DRAWING_MAX or attributes.get("aria-hidden") == "true":
            return
        if "xmlns=" not in html[:2000]:
            html = html.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
        block = Block("image", "", self.frame)
        block.url = "data:image/svg+xml;base64," + b64encode(html.encode()).decode()
        block.alt = " ".join((attributes.get("aria-label") or "")[: self.limits.max_attribute].split())
        block.width, block.height = images.size(attributes.get("width")), images.size(attributes.get("height"))
        if not block.width or min(block.width, block.height) > _ICON_SIZE:
            self.add_image(block)

    def leaf(self, node: LexborNode, tag: int, index: int) -> None:
        if tag == _MATH_TAG:
            self.tex(*formulas.from_math(node))
        elif tag == _OBJECT:
            attributes = node.attributes
            data = attributes.get("data") or ""
            if data and (_PICTURE_FILE.search(data) or (attributes.get("type") or "").startswith("image/")):
                self.image(node, {**attributes, "src": data, "alt": attributes.get("alt") or ""})
        else:
            attributes = node.attributes
            found = SIGNATURES.of(tag, attributes) if attributes else SIGNATURES.plain(tag)
            if found.flags & SKIPPED:
                return
            text = code_text(node)
            if found.flags & MATH and " math " in f" {attributes.get('class')} " and text:  # not a listing of LaTeX
                self.tex(formulas.tidy(text), True)
                return
            frame = self.open(index, found)
            if text:
                block = Block("code", text, frame)
                block.language = code_language(node, frame)
                if frame.context.figure is not None:
                    frame.context.figure.media.append(block)
                self.blocks.append(block)
            self.close(frame)

    def table(self, node: LexborNode, found: Signature, index: int) -> bool:
        if found.flags & (signature.LAYOUT | signature.CODE_TABLE) or self.frame.signature.flags & signature.ADMONITION:
            return False
        data = tables.data_table(node, self.limits, bool(found.flags & signature.DATA))
        if data is None:
            return False
        frame = self.open(index, found)
        texts: list[list[str]] = []
        spans: list[list[tuple[int, int]]] = []
        pictures: list[Block] = []
        for row in data.rows:
            texts.append([self.cell(cell, pictures) for cell in row])
            spans.append([tables.span(cell.node) for cell in row])
        caption = self.cell(tables.Cell(data.caption, False, True), pictures) if data.caption is not None else ""
        if any(any(row) for row in texts):
            block = Block("table", tables.markdown(texts, spans, self.limits), frame)
            block.links = sum(1 for row in data.rows for cell in row if cell.special)
            if caption:
                head = Block("caption", caption, frame)
                head.of = block
                self.blocks.append(head)
            if frame.context.figure is not None:
                frame.context.figure.media.append(block)
            self.blocks.append(block)
        self.blocks.extend(pictures)
        self.close(frame)
        return True

    def cell(self, cell: tables.Cell, pictures: list[Block]) -> str:
        before = len(pictures)
        if cell.special or cell.blocks > 1:
            inner = type(self)(self.limits)
            blocks = inner.run(cell.node)
            for block in blocks:
                if block.kind == "image":
                    block.frame = self.frame
                    pictures.append(block)
            text = " ".join(f"${b.text}$" if b.kind == "formula" else b.text for b in blocks if b.kind != "image" and b.text)
        else:
            text = cell.node.text_lexbor() or ""
        text = " ".join(collapse(text).split())
        if not text and pictures[before:]:
            text = ", ".join(filter(None, map(_says, pictures[before:])))
        if "\\(" in text:
            text = formulas.delimited(text)
        return text.replace("|", "\\|")


def _says(picture: Block) -> str:
    """What a picture alone in a cell stands for: a tick, a flag. A name with underscores was made by a program."""
    if picture.alt:
        return "" if "_" in picture.alt else picture.alt
    small = 0 < picture.width <= _MARK and 0 < picture.height <= _MARK
    stem = picture.url.rpartition("/")[2].partition(".")[0]
    return stem.replace("-", " ") if small and len(stem) <= _MARK else ""


def collapse(text: str) -> str:
    """Text with white space as browsers show it, and its line breaks."""
    if _BR in text:
        return "\n".join(line for part in text.split(_BR) if (line := collapse(part)))
    if text.isascii():
        return " ".join(text.split())
    if _UNSEEN.search(text):
        text = _UNSEEN.sub("", text)
    if "\xa0" not in text:
        return " ".join(text.split())
    return _ODD_SPACE.sub(" ", text).strip(" \xa0")
