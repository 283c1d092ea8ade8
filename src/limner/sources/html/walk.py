"""One walk of the tree: elements to blocks, in reading order, without recursion.

The walk decides nothing about what is content, except that it does not enter what never is (scripts, forms'
choices, navigation, hidden elements). Each block knows the frame it stood in, which is what the classifier
and the rules look at afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from limner.sources.html import formulas, images, signature, tables
from limner.sources.html.blocks import Block, Context, Figure, Frame, Item, Listing
from limner.sources.html.code import code_language, code_text
from limner.sources.html.limits import Limits
from limner.sources.html.signature import Signature, Signatures
from limner.sources.html.tags import BLOCK, BREAK, ID, IMAGE, INLINE, KIND, LEAF, LINK, OTHER, SKIP, TEXT, TEXT_ID

_SIGNATURES = Signatures()
_SKIPPED = signature.SKIP | signature.HIDDEN
_MATH = signature.INLINE_MATH | signature.DISPLAY_MATH | signature.KATEX
_WITH_CLASS = frozenset(ID[t] for t in ("span", "a", "code", "sup", "center", "i", "font"))
# Hidden elements are skipped, but these may be tabs and folds that a reader opens: the classifier decides.
_FOLDS = frozenset(ID[t] for t in ("body", "div", "section", "article", "main", "ul", "ol", "dl", "dd", "form", "table", "tbody", "tr"))
_PILCROWS = frozenset(("¶", "#", "§", "", "🔗", "", "​", "[edit]", "Permalink", "↩", "↩︎"))
_HR, _TABLE, _NOSCRIPT = (ID[t] for t in ("hr", "table", "noscript"))
_SCRIPT, _MATH_TAG, _OBJECT = (ID[t] for t in ("script", "math", "object"))
_SPAN = ID["span"]
_VERBATIM = frozenset(ID[t] for t in ("code", "kbd", "samp", "tt", "var"))
_API_END = re.compile(r"(?:\s*(?:\[(?:source|view code|docs)\]|[¶#]))+\s*\Z")
_BR = "\0"  # the parser never yields a NUL
_ODD_SPACE = re.compile(r"[ \t\n\r\f]+")
_PICTURE_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|avif)(?:$|\?)", re.IGNORECASE)
_NOSCRIPT_PAGE = 400  # characters: a noscript this long is the page itself, a shorter one asks for JavaScript
_LINK_END, _INLINE_END, _NOSCRIPT_END = 1, 2, 3


class Walk:
    """The state of one walk: what has been read (`blocks`, `frames`) and the text not yet in a block."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.blocks: list[Block] = []
        self.frame = Frame(None, 0, _SIGNATURES.plain(ID["html"]), Context("paragraph", 0, None, None, None), 0)
        self.frames: list[Frame] = [self.frame]
        self.nodes = 0
        self._buffer: list[str] = []
        self._links = 0
        self._fallback = False  # inside a short noscript
        self._pending: list[Block] = []

    def run(self, root: LexborNode) -> list[Block]:
        """The blocks below `root`, in reading order."""
        buffer, blocks, frames = self._buffer, self.blocks, self.frames
        kind_of, plain, signature_of = KIND.get, _SIGNATURES.plain, _SIGNATURES.of
        stack: list[tuple[Iterator[LexborNode], int, Frame | int]] = []
        at = root.iter(True)
        # index: of this element among its siblings; count: nodes seen; links, quiet, headings: open elements
        # of that sort; spaced: the last sibling was inline and white space after it may have been skipped.
        index, count, links, quiet, headings, left = -1, 0, 0, 0, 0, self.limits.max_nodes
        spaced = False
        what: Frame | int = _INLINE_END
        while True:
            for node in at:
                count += 1
                tag = node.tag_id
                kind = kind_of(tag, OTHER)
                if kind == TEXT:
                    spaced = False
                    if quiet:
                        continue
                    if node.is_empty_text_node:
                        if buffer:
                            buffer.append(" ")
                        continue
                    text = node.text_content or ""
                    buffer.append(text)
                    if links:
                        self._links += len(text)
                    continue
                index += 1
                if kind == INLINE or kind == LINK:
                    child = node.first_child
                    if child is None:
                        continue
                    if spaced and buffer:
                        buffer.append(" ")
                    spaced = True
                    what = _INLINE_END
                    simple = child.tag_id == TEXT_ID and child.next is None and not quiet
                    if kind == LINK:
                        if simple:
                            count += 1
                            text = child.text_content or ""
                            if text.strip() not in _PILCROWS:
                                buffer.append(text)
                                self._links += len(text)
                                after = node.next
                                if after is not None and after.tag_id == tag:
                                    buffer.append(" ")  # links side by side are set apart by their style
                            continue
                        what = _LINK_END
                    elif tag in _VERBATIM and child.tag_id == _SPAN and not quiet:
                        last = node.last_child
                        if last is not None and last.tag_id == _SPAN:  # highlighted code: its spans say nothing
                            text = node.text_lexbor() or ""
                            buffer.append(text)
                            if links:
                                self._links += len(text)
                            continue
                    if tag in _WITH_CLASS and (attributes := node.attributes):
                        found = signature_of(tag, attributes)
                        flags = found.flags
                        if flags:
                            if flags & _SKIPPED or (flags & _MATH and self._formula(node, flags)):
                                continue
                            if flags & (signature.CAPTION | signature.FIGURE):
                                what = self._open(index, found)
                    if tag == _NOSCRIPT:
                        if len(node.text_lexbor() or "") >= _NOSCRIPT_PAGE:
                            what = self._open(index, plain(tag))
                        else:
                            what = _NOSCRIPT_END
                            quiet += 1
                            self._fallback = True
                    if simple and what == _INLINE_END:
                        count += 1
                        text = child.text_content or ""
                        buffer.append(text)
                        if links:
                            self._links += len(text)
                        continue
                    links += what == _LINK_END
                    stack.append((at, index, what))
                    at = node.iter(True)
                elif kind == BLOCK:
                    spaced = False
                    attributes = node.attributes
                    found = signature_of(tag, attributes) if attributes else plain(tag)
                    flags = found.flags
                    if flags:
                        if flags & signature.SKIP or (flags & signature.HIDDEN and tag not in _FOLDS):
                            continue
                        if flags & _MATH and self._formula(node, flags):
                            continue
                        if flags & signature.API and self._api(node, found, index):
                            continue
                    child = node.first_child
                    if child is None or (tag == _TABLE and not quiet and self._table(node, found, index)):
                        if buffer or self._pending:
                            self.flush()
                        continue
                    if headings and not flags & signature.HEADING:
                        buffer.append(" ")  # a button or a division does not end a heading
                        what = _INLINE_END
                    else:
                        if buffer or self._pending:
                            self.flush()
                        around = self.frame
                        context = _context(around.context, found) if flags else around.context
                        what = self.frame = Frame(around, index, found, context, len(blocks))
                        frames.append(what)
                        headings += flags & signature.HEADING != 0
                        if child.tag_id == TEXT_ID and not child.is_empty_text_node and child.next is None and not quiet:
                            # One text and nothing else: the most common block of all.
                            count += 1
                            text = child.text_content or ""
                            if links:
                                self._links += len(text)
                            buffer.append(text)
                            self.flush()
                            what.end = len(blocks)
                            self.frame = around
                            headings -= flags & signature.HEADING != 0
                            if flags & signature.FIGURE:
                                self._close_figure(what)
                            continue
                    stack.append((at, index, what))
                    at = node.iter(True, _holds_blocks(child))
                elif kind == BREAK:
                    if buffer:
                        self._break()
                    continue
                elif kind == IMAGE:
                    self._image(node, node.attributes)
                    continue
                elif kind == SKIP:
                    if tag == _SCRIPT and "math/" in (node.attributes.get("type") or ""):
                        self._script(node)
                    continue
                elif kind == LEAF:
                    if not quiet:
                        self._leaf(node, tag, index)
                    continue
                elif node.is_element_node and node.first_child is not None:
                    spaced = False
                    found = signature_of(tag, node.attributes)
                    if found.flags & _SKIPPED or (node.tag == "mjx-container" and self._formula(node, signature.KATEX)):
                        continue
                    what = self._open(index, found)
                    stack.append((at, index, what))
                    at = node.iter(True)
                else:
                    index -= not node.is_element_node  # a comment is not an element
                    continue
                index = -1
                spaced = False
                break
            else:
                if not stack:
                    break
                at, index, what = stack.pop()
                if what.__class__ is Frame:
                    headings -= what.signature.flags & signature.HEADING != 0
                    self._close(what)
                elif what == _LINK_END:
                    links -= 1
                    spaced = True
                elif what == _NOSCRIPT_END:
                    quiet -= 1
                    self._fallback = quiet > 0
                else:
                    spaced = True
                if count > left:
                    break
        while stack:
            what = stack.pop()[2]
            if what.__class__ is Frame:
                self._close(what)
        self.flush()
        self.frame.end = len(blocks)
        self.nodes += count
        return blocks

    def flush(self) -> None:
        """Make a block of the text read so far."""
        buffer = self._buffer
        if buffer:
            text = "".join(buffer)
            buffer.clear()
            links, self._links = self._links, 0
            text = _collapse(text)
            if text:
                self._emit(text, links)
        if self._pending:
            self.blocks.extend(self._pending)
            self._pending.clear()

    def _emit(self, text: str, links: int) -> None:
        frame = self.frame
        context = frame.context
        role = context.role
        if "\\" in text or "$$" in text:
            if role != "heading" and (tex := formulas.display(text)):
                self.blocks.append(Block("formula", tex, frame))
                return
            text = formulas.delimited(text)
        block = Block(role, text, frame, links)
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
                _mark(block, item)
        elif role == "caption" and context.figure is not None:
            context.figure.captions.append(block)
        self.blocks.append(block)

    def _api(self, node: LexborNode, found: Signature, index: int) -> bool:
        """Read the signature of a documented function, whose dozens of elements say nothing."""
        text = node.text_lexbor() or ""
        if not text or node.css_first("img") is not None:
            return False
        frame = self._open(index, found)
        self._buffer.append(_API_END.sub("", text))
        self._close(frame)
        return True

    def _break(self) -> None:
        buffer = self._buffer
        at = len(buffer) - 1
        while at >= 0 and buffer[at] == " ":
            at -= 1
        if at >= 0 and buffer[at] == _BR:
            self.flush()
        else:
            buffer.append(_BR)

    def _open(self, index: int, found: Signature) -> Frame:
        if self._buffer or self._pending:
            self.flush()
        parent = self.frame
        context = parent.context
        if found.flags:
            context = _context(context, found)
        frame = Frame(parent, index, found, context, len(self.blocks))
        self.frame = frame
        self.frames.append(frame)
        return frame

    def _close(self, frame: Frame) -> None:
        if self._buffer or self._pending:
            self.flush()
        frame.end = len(self.blocks)
        if frame.parent is not None:
            self.frame = frame.parent
        if frame.signature.flags & signature.FIGURE:
            self._close_figure(frame)

    def _close_figure(self, frame: Frame) -> None:
        if frame.context.figure is not None:
            _attach(frame.context.figure, self.frame.context.figure)

    def _image(self, node: LexborNode, attributes: dict[str, str | None]) -> None:
        url = images.address(node, attributes)
        alt = attributes.get("alt") or ""
        found = _SIGNATURES.of(node.tag_id, attributes)
        if found.flags & _MATH and alt:
            parent = node.parent
            shown = parent is not None and "math" in ((parent.parent or parent).attributes.get("class") or "") and not self._has_text()
            self._tex(formulas.tidy(alt), shown)
            return
        if not url or found.flags & _SKIPPED or images.never(url, attributes):
            return
        block = Block("image", "", self.frame)
        block.url = url[: self.limits.max_attribute] if url[:5] != "data:" else url
        block.alt = " ".join(alt[: self.limits.max_attribute].split())
        block.width, block.height = images.size(attributes.get("width")), images.size(attributes.get("height"))
        self._add_image(block)

    def _add_image(self, block: Block) -> None:
        if self._fallback:
            before = self._pending[-1] if self._pending else (self.blocks[-1] if self.blocks else None)
            if before is not None and before.kind == "image" and before.url == block.url:
                return  # a lazy image, and the same in its noscript
        context = self.frame.context
        if context.figure is not None:
            context.figure.media.append(block)
        if context.item is not None and context.item.first and not self._has_text():
            context.item.card = True
        if self._has_text() and self._buffer[-1] != _BR:
            self._pending.append(block)  # after the paragraph that it stands in
        else:
            self.flush()
            self.blocks.append(block)

    def _has_text(self) -> bool:
        return any(piece != " " for piece in self._buffer)

    def _formula(self, node: LexborNode, flags: int) -> bool:
        """Read a formula's wrapper; False where it turns out not to be one."""
        tex = formulas.annotation(node) if flags & signature.KATEX else ""
        shown = bool(flags & signature.DISPLAY_MATH) or "katex-display" in (node.attributes.get("class") or "")
        if not tex:
            image = node.css_first("img[alt]")
            math = node.css_first("math")
            if math is not None:
                tex, block = formulas.from_math(math)
                shown = shown or block
            elif image is not None and flags & signature.DISPLAY_MATH:
                return False  # the image itself says more
            elif image is None:
                text = (node.text_lexbor() or "").strip()
                if flags & signature.KATEX or not text.startswith(("\\(", "\\[", "$")):
                    return False
                shown = shown or text.startswith(("\\[", "$$"))
                tex = formulas.tidy(text)
        if not tex:
            return False
        self._tex(tex, shown)
        return True

    def _tex(self, tex: str, shown: bool) -> None:
        if not tex:
            return
        if shown:
            self.flush()
            self.blocks.append(Block("formula", tex, self.frame))
        else:
            self._buffer.append(f"${tex}$")

    def _script(self, node: LexborNode) -> None:
        kind = node.attributes.get("type") or ""
        if "math/tex" in kind:
            self._tex(formulas.tidy(node.text() or ""), "display" in kind)

    def _leaf(self, node: LexborNode, tag: int, index: int) -> None:
        if tag == _MATH_TAG:
            self._tex(*formulas.from_math(node))
        elif tag == _OBJECT:
            attributes = node.attributes
            data = attributes.get("data") or ""
            if data and (_PICTURE_FILE.search(data) or (attributes.get("type") or "").startswith("image/")):
                self._image(node, {**attributes, "src": data, "alt": attributes.get("alt") or ""})
        else:
            attributes = node.attributes
            found = _SIGNATURES.of(tag, attributes) if attributes else _SIGNATURES.plain(tag)
            if found.flags & _SKIPPED:
                return
            text = code_text(node)
            frame = self._open(index, found)
            if text:
                block = Block("code", text, frame)
                block.language = code_language(node, frame)
                if frame.context.figure is not None:
                    frame.context.figure.media.append(block)
                self.blocks.append(block)
            self._close(frame)

    def _table(self, node: LexborNode, found: Signature, index: int) -> bool:
        if found.flags & (signature.LAYOUT | signature.CODE_TABLE):
            return False
        data = tables.data_table(node, self.limits, bool(found.flags & signature.DATA))
        if data is None:
            return False
        frame = self._open(index, found)
        texts: list[list[str]] = []
        spans: list[list[tuple[int, int]]] = []
        pictures: list[Block] = []
        for row in data.rows:
            texts.append([self._cell(cell, pictures) for cell in row])
            spans.append([tables.span(cell.node) for cell in row])
        caption = self._cell(tables.Cell(data.caption, False, True), pictures) if data.caption is not None else ""
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
        self._close(frame)
        return True

    def _cell(self, cell: tables.Cell, pictures: list[Block]) -> str:
        if cell.special or cell.blocks > 1:
            inner = Walk(self.limits)
            blocks = inner.run(cell.node)
            for block in blocks:
                if block.kind == "image":
                    block.frame = self.frame
                    pictures.append(block)
            self.nodes += inner.nodes
            text = " ".join(
                f"${b.text}$" if b.kind == "formula" else b.text for b in blocks if b.kind != "image" and b.text
            )
        else:
            text = cell.node.text_lexbor() or ""
        text = " ".join(text.split())
        if "\\(" in text:
            text = formulas.delimited(text)
        return text.replace("|", "\\|")


def _collapse(text: str) -> str:
    if _BR in text:
        return "\n".join(line for part in text.split(_BR) if (line := _collapse(part)))
    if text.isascii() or "\xa0" not in text:
        return " ".join(text.split())
    return _ODD_SPACE.sub(" ", text).strip(" \xa0")


def _holds_blocks(child: LexborNode) -> bool:
    """Whether an element that begins with `child` holds blocks, so that white space between them is nothing."""
    if child.is_text_node:
        if not child.is_empty_text_node:
            return False
        after = child.next
        if after is None:
            return True
        child = after
    return KIND.get(child.tag_id) == BLOCK


def _context(context: Context, found: Signature) -> Context:
    """The context inside an element with this signature."""
    flags = found.flags
    role, figure, listing, item = context.role, context.figure, context.listing, context.item
    if flags & signature.HEADING:
        return Context("heading", found.level, figure, listing, item)
    if flags & signature.FIGURE:
        figure = Figure()
    if flags & signature.CAPTION:
        return Context("caption", 0, figure, listing, item)
    if flags & signature.ITEM:
        if role != "caption":
            return Context("list", 0, figure, listing, Item(listing or Listing(False, None)))
    elif flags & signature.LIST:
        around = listing if item is not None and not item.card else None
        return Context(role, 0, figure, Listing(bool(flags & signature.ORDERED), around), None)
    elif flags & signature.QUOTE:
        return Context("quote", 0, figure, listing, item)
    elif flags & signature.CELL:
        return Context("paragraph", 0, figure, None, None)
    return context if figure is context.figure else Context(role, context.level, figure, listing, item)


def _mark(block: Block, item: Item) -> None:
    """Give a list item's block its marker and its indentation."""
    listing = item.listing
    block.listing = listing.top
    block.level = min(listing.level, 6)
    indent = "  " * (listing.level - 1)
    if not item.first:
        block.marker = indent + "  "
    elif listing.count < 0:
        block.marker = indent + "- "
    else:
        block.marker = f"{indent}{listing.count}. "
        listing.count += 1
    item.first = False


def _attach(figure: Figure, around: Figure | None) -> None:
    """Join a closed figure's captions to its media; what has no partner goes to the figure around it."""
    if figure.captions and figure.media:
        first = figure.media[0]
        for caption in figure.captions:
            caption.of = first
        figure.captions = []
    if around is not None:
        around.media.extend(figure.media)
        around.captions.extend(figure.captions)


def loose_captions(blocks: list[Block]) -> None:
    """Join captions outside any figure to the image just before or the image, table or code just after;
    one that has neither is a paragraph."""
    for i, block in enumerate(blocks):
        if block.kind != "caption" or block.of is not None:
            continue
        before = i - 1
        while before >= 0 and blocks[before].kind == "caption":
            before -= 1
        after = i + 1
        while after < len(blocks) and blocks[after].kind == "caption":
            after += 1
        if before >= 0 and blocks[before].kind == "image":
            block.of = blocks[before]
        elif after < len(blocks) and blocks[after].kind in ("image", "table", "code"):
            block.of = blocks[after]
        else:
            block.kind = "paragraph"

