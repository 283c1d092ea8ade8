"""One walk of the tree: elements to blocks, in reading order, without recursion.

The walk decides nothing about what is content, except that it does not enter what never is (scripts, forms'
choices, navigation, hidden elements). Each block knows the frame it stood in, which is what the classifier
and the rules look at afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from limner.sources.html import signature
from limner.sources.html.blocks import Block, Frame
from limner.sources.html.reading import MATH, SIGNATURES, SKIPPED, Reader, collapse
from limner.sources.html.scripts import lowered, raised
from limner.sources.html.structure import inside, number
from limner.sources.html.tags import BLOCK, BREAK, ID, IMAGE, INLINE, KIND, LEAF, LINK, OTHER, SKIP, TEXT, TEXT_ID

_WITH_CLASS = frozenset(ID[t] for t in ("span", "a", "code", "tt", "sup", "sub", "center", "i", "font"))
# Hidden elements are skipped, but these may be tabs and folds that a reader opens: the classifier decides.
_FOLDS = frozenset(
    ID[t] for t in ("body", "div", "section", "article", "main", "ul", "ol", "dl", "dd", "form", "table", "tbody", "tr")
)
_PHRASING = frozenset(ID[t] for t in ("p", "h1", "h2", "h3", "h4", "h5", "h6", "dt", "summary", "legend", "button", "label"))
_PILCROWS = frozenset(("¶", "#", "§", "", "🔗", "", "​", "[edit]", "Permalink", "↩", "↩︎"))
_HR, _TABLE, _NOSCRIPT = (ID[t] for t in ("hr", "table", "noscript"))
_SCRIPT = ID["script"]
_P, _SUP, _SUB = ID["p"], ID["sup"], ID["sub"]
_BUTTON, _INPUT, _SVG = ID["button"], ID["input"], ID["svg"]
_COPY = frozenset(("copy", "copy code", "copied", "copied!", "copy to clipboard", "copy snippet"))
_CLOSING = frozenset(".,;:!?)]}%’”»…。，、；：！？）」』")
_OPENING = frozenset("([{“‘«$£€#@/（「『")
_SPAN = ID["span"]
_VERBATIM = frozenset(ID[t] for t in ("code", "kbd", "samp", "tt", "var"))
_NOSCRIPT_PAGE = 400  # characters: a noscript this long is the page itself, a shorter one asks for JavaScript
_LINK_END, _INLINE_END, _NOSCRIPT_END = 1, 2, 3


class Walk(Reader):
    """One walk; `Reader` has its state."""

    def run(self, root: LexborNode) -> list[Block]:
        """The blocks below `root`, in reading order."""
        buffer, pending, blocks, frames = self.buffer, self.pending, self.blocks, self.frames
        kind_of, plain, signature_of = KIND.get, SIGNATURES.plain, SIGNATURES.of
        plains = SIGNATURES.plains
        stack: list[tuple[Iterator[LexborNode], int, Frame | int]] = []
        at = root.iter(True)
        # index: of this element among its siblings; links, quiet, headings: open elements of that sort;
        # spaced: the last sibling was inline and white space after it may have been skipped.
        index, links, quiet, headings, left = -1, 0, 0, 0, self.limits.max_nodes
        spaced = False
        what: Frame | int = _INLINE_END
        while True:
            for node in at:
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
                        self.links += len(text)
                    continue
                index += 1
                if kind == INLINE or kind == LINK:
                    child = node.first_child
                    if child is None:
                        continue
                    if not spaced:
                        spaced = True
                    elif buffer and _apart(buffer[-1], node, tag, self.frame.signature.tag):
                        buffer.append(" ")
                    inner = child.tag_id
                    simple = inner == TEXT_ID and not quiet and child.next is None
                    what = _INLINE_END
                    if kind == LINK:
                        if simple:
                            text = child.text_content or ""
                            if text.strip() not in _PILCROWS:
                                buffer.append(text)
                                self.links += len(text)
                                after = node.next
                                if after is not None and after.tag_id == tag:
                                    buffer.append(" ")  # links side by side are set apart by their style
                            continue
                        what = _LINK_END
                    elif inner == _SPAN and tag in _VERBATIM and not quiet:
                        last = node.last_child
                        if last is not None and last.tag_id == _SPAN:  # highlighted code: its spans say nothing
                            text = node.text_lexbor() or ""
                            buffer.append(text)
                            if links:
                                self.links += len(text)
                            continue
                    if tag in _WITH_CLASS:
                        if (kind == INLINE or kind_of(inner) != INLINE) and (attributes := node.attributes):
                            found = signature_of(tag, attributes)
                            flags = found.flags
                            if flags:
                                if flags & SKIPPED or (flags & MATH and self.formula(node, flags)):
                                    continue
                                if flags & signature.FIGURE or (
                                    flags & signature.CAPTION and self.frame.context.role != "caption"
                                ):
                                    what = self.open(index, found)
                        if (tag == _SUP or tag == _SUB) and (text := _script(node, tag)) and not quiet:
                            buffer.append(text)
                            continue
                    elif tag == _NOSCRIPT:
                        if len(node.text_lexbor() or "") >= _NOSCRIPT_PAGE:
                            what = self.open(index, plain(tag))
                        else:
                            what = _NOSCRIPT_END
                            quiet += 1
                            self.fallback = True
                    if simple and what == _INLINE_END:
                        text = child.text_content or ""
                        buffer.append(text)
                        if links:
                            self.links += len(text)
                        continue
                    links += what == _LINK_END
                    spaced = False
                    stack.append((at, index, what))
                    at = node.iter(True)
                elif kind == BLOCK:
                    attributes = node.attributes
                    found = signature_of(tag, attributes) if attributes else plains.get(tag) or plain(tag)
                    flags = found.flags
                    if flags:
                        if flags & signature.SKIP or (flags & signature.HIDDEN and tag not in _FOLDS):
                            spaced = False
                            continue
                        if flags & MATH and self.formula(node, flags):
                            spaced = False
                            continue
                        if flags & signature.API and self.api(node, found, index):
                            continue
                        if tag == _BUTTON and (node.text_lexbor() or "").strip().lower() in _COPY:
                            continue
                    child = node.first_child
                    if child is None or (tag == _TABLE and not quiet and self.table(node, found, index)):
                        if buffer or pending:
                            self.flush()
                        continue
                    inner = child.tag_id
                    spaces = False  # whether white space is all that stands between the elements inside
                    if headings and not flags & signature.HEADING:
                        buffer.append(" ")  # a button or a division does not end a heading
                        spaced = False
                        what = _INLINE_END
                        if tag not in _PHRASING:
                            spaces = _holds_blocks(child)
                    else:
                        if buffer or pending:
                            self.flush()
                        around = self.frame
                        context = inside(around.context, found) if flags else around.context
                        if flags & (signature.ORDERED | signature.ITEM) and attributes:
                            number(context, attributes)
                        what = self.frame = Frame(around, index, found, context, len(blocks))
                        frames.append(what)
                        if inner != TEXT_ID:
                            spaces = kind_of(inner) == BLOCK and tag not in _PHRASING
                        elif child.is_empty_text_node:
                            if tag not in _PHRASING:
                                after = child.next
                                spaces = after is None or kind_of(after.tag_id) == BLOCK
                        elif not quiet and child.next is None:
                            # One text and nothing else: the most common block of all.
                            text = collapse(child.text_content or "")
                            if text:
                                self.emit(text, len(text) if links else 0)
                            what.end = len(blocks)
                            self.frame = around
                            if flags & signature.FIGURE:
                                self.close_figure(what)
                            continue
                        if flags & signature.HEADING:
                            headings += 1
                    stack.append((at, index, what))
                    at = node.iter(True, spaces)
                elif kind == BREAK:
                    if buffer:
                        self.line_break()
                    continue
                elif kind == IMAGE:
                    self.image(node, node.attributes)
                    continue
                elif kind == SKIP:
                    if tag == _SCRIPT:
                        if "math/" in (node.attributes.get("type") or ""):
                            self.script(node)
                    elif tag == _INPUT:
                        self.checkbox(node.attributes)
                    elif tag == _SVG and self.frame.context.figure is not None:
                        self.drawing(node)
                    continue
                elif kind == LEAF:
                    if not quiet:
                        self.leaf(node, tag, index)
                    continue
                elif node.is_element_node and node.first_child is not None:
                    spaced = False
                    found = signature_of(tag, node.attributes)
                    if node.tag == "mjx-container":
                        shown = signature.DISPLAY_MATH if node.attributes.get("display") else 0
                        self.formula(node, signature.KATEX | shown)
                        continue
                    if found.flags & SKIPPED or (node.tag == "math-renderer" and self.formula(node, signature.INLINE_MATH)):
                        continue
                    what = self.open(index, found)
                    stack.append((at, index, what))
                    at = node.iter(True)
                else:
                    index -= not node.is_element_node  # a comment is not an element
                    continue
                index = -1
                break
            else:
                left -= index + 2
                if not stack or left < 0:
                    break
                at, index, what = stack.pop()
                if isinstance(what, Frame):
                    if buffer or pending:
                        self.flush()
                    what.end = len(blocks)
                    self.frame = what.parent or self.frame
                    flags = what.signature.flags
                    if flags:
                        if flags & signature.HEADING:
                            headings -= 1
                        if flags & signature.FIGURE:
                            self.close_figure(what)
                elif what == _LINK_END:
                    links -= 1
                    spaced = True
                elif what == _NOSCRIPT_END:
                    quiet -= 1
                    self.fallback = quiet > 0
                else:
                    spaced = True
        while stack:
            what = stack.pop()[2]
            if isinstance(what, Frame):
                self.close(what)
        self.flush()
        self.frame.end = len(blocks)
        return blocks


def _apart(before: str, node: LexborNode, tag: int, around: int) -> bool:
    """Whether an inline element right after another is a word of its own, as its style makes it look (dates and names in a
    row), though no white space stands before it: not in running text, and not with a comma or a bracket between them."""
    if around == _P or tag == _SUP or tag == _SUB:
        return False
    return (node.text_lexbor() or "")[:1] not in _CLOSING and before[-1:] not in _OPENING


def _script(node: LexborNode, tag: int) -> str:
    text = node.text_lexbor() or ""
    return raised(text) if tag == _SUP else lowered(text)


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
