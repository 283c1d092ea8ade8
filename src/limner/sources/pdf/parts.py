"""What was found on the pages of a PDF, as the parts of a document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from limner.corpus.media import MediaSink
from limner.document import Image, Part, Text
from limner.sources.pdf import figures
from limner.sources.pdf.figures import Page
from limner.sources.pdf.layout import Block, Line
from limner.sources.pdf.order import ordered
from limner.sources.pdf.pixels import picture_bytes
from limner.sources.pdf.words import joined, run_on


class _Writer:
    """Collects parts; `n` counts up. `open` is the last paragraph with its block, which the next column or page may go on with."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.open: tuple[int, Block] | None = None

    def text(self, text: str, role: Any, place: str, level: int = 0, of: int | None = None) -> int:
        n = len(self.parts)
        if role not in ("caption", "note"):
            self.open = None
        self.parts.append(Text(n, text, role, level, "", place, of))
        return n

    def image(self, info: Any, place: str, alt: str) -> int:
        n = len(self.parts)
        self.parts.append(
            Image(n, ref=info.ref, alt=alt, width=info.width, height=info.height, place=place)
            if info
            else Image(n, alt=alt, place=place)
        )
        return n


def written(file: Any, pages: Sequence[Page], known: Set[str], media: MediaSink | None) -> Iterator[Part]:
    """The parts of all pages, in order. `file` is pypdfium2's, `known` are the document's words, by which hyphenation is mended."""
    out = _Writer()
    for page in pages:
        _write(out, file, page, known, media)
    yield from out.parts


def _write(out: _Writer, file: Any, page: Page, known: Set[str], media: MediaSink | None) -> None:
    stand_ins = [Block(p.box, [], page.number, role="picture") for p in page.figures]
    pictures = {id(block): at for at, block in enumerate(stand_ins)}
    by_figure = {at: block for block in page.blocks if (at := page.captions.get(id(block))) is not None}
    shown = file[page.number] if page.figures and media is not None else None
    number = page.number + 1
    # A scan is all of the page, and comes before what stands on it: it must not divide its columns.
    whole = [block for block in stand_ins if figures.covers(block.box, page)]
    rest = [block for block in stand_ins if not figures.covers(block.box, page)]
    flow = [*whole, *ordered([*(b for b in page.blocks if id(b) not in page.captions), *rest], page.width)]
    footnotes: list[Block] = []
    try:
        at = 0
        while at < len(flow):
            block = flow[at]
            place = block.box.place(number)
            if block.role == "picture":
                which = pictures[id(block)]
                data = picture_bytes(shown, page.figures[which]) if shown is not None else None
                info = media.put(data) if data and media is not None else None
                n = out.image(info, place, page.labels.get(which, ""))
                if which not in by_figure:
                    out.open = None
                if which in by_figure:
                    words = by_figure[which]
                    out.text(joined(words.lines, known), "caption", words.box.place(number), of=n)
            elif block.role == "table":
                out.text(block.mark, "table", place)
            elif block.role == "note":
                footnotes.append(block)
            elif block.role == "code":
                at = _code(out, flow, at, place)
                continue
            elif block.role == "list":
                at = _list(out, flow, at, place, known)
                continue
            elif block.role == "heading":
                out.text(joined(block.lines, known), "heading", place, block.level)
            else:
                _paragraph(out, block, place, known, page.gutter)
            at += 1
        for note in _whole_notes(footnotes):
            out.text(joined(note.lines, known), "note", note.box.place(number))
    finally:
        if shown is not None:
            shown.close()


def _paragraph(out: _Writer, block: Block, place: str, known: Set[str], gutter: float | None) -> None:
    """A paragraph, or the rest of the one that the page or column before broke off."""
    text = joined(block.lines, known)
    if block.role == "paragraph" and out.open is not None and text[:1].islower():
        n, before = out.open
        last = out.parts[n]
        broken = before.lines[-1].hyphen or before.text[-1:].isalpha() or before.text[-1:] in ",-"
        across = gutter is not None and before.box.x1 <= gutter <= block.box.x0
        if isinstance(last, Text) and broken and (block.page == before.page + 1 or (block.page == before.page and across)):
            whole = run_on(last.text, before.lines[-1], text, known)
            out.parts[n] = Text(n, whole, "paragraph", 0, "", last.place)
            out.open = n, block
            return
    n = out.text(text, "caption" if block.role == "caption" else "paragraph", place)
    if block.role == "paragraph":
        out.open = n, block


def _whole_notes(blocks: Sequence[Block]) -> list[Block]:
    """Notes, each with what goes on below it without a mark."""
    out: list[Block] = []
    for block in blocks:
        above = out[-1] if out else None
        if (
            above is not None
            and block.box.over(above.box) > 0
            and block.text[:1].isalpha()
            and -1 <= block.box.y0 - above.box.y1 < block.size
        ):
            out[-1] = Block(above.box.around(block.box), [*above.lines, *block.lines], above.page, role="note")
        else:
            out.append(block)
    return out


def _code(out: _Writer, flow: Sequence[Block], at: int, place: str) -> int:
    left = flow[at].box.x0
    end = at
    while end < len(flow) and flow[end].role == "code":
        left = min(left, flow[end].box.x0)
        end += 1
    text: list[str] = []
    bottom = flow[at].box.y0
    for row in _rows(line for block in flow[at:end] for line in block.lines):
        words = sorted((word for line in row for word in line.words), key=lambda word: word[1])
        first = row[0]
        step = first.box.width / max(sum(len(w) for w, _, _ in first.words) + len(first.words) - 1, 1)
        text += [""] * min(int((first.box.y0 - bottom) / (1.2 * first.size)), 2)
        text.append(" " * round((words[0][1] - left) / max(step, 0.1)) + _spaced(words, step))
        bottom = first.box.y1
    out.text("\n".join(text), "code", place)
    return end


def _rows(lines: Iterable[Line]) -> list[list[Line]]:
    """Lines that stand on one height, together."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box.y0):
        if rows and rows[-1][0].box.beside(line.box) > 0.5 * line.box.height:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda line: line.box.x0) for row in rows]


def _spaced(words: Sequence[tuple[str, float, float]], step: float) -> str:
    out, right = "", 0.0
    for word, x0, x1 in words:
        out += (" " * max(round((x0 - right) / max(step, 0.1)), 1) if out else "") + word
        right = x1
    return out


def _list(out: _Writer, flow: Sequence[Block], at: int, place: str, known: Set[str]) -> int:
    lines: list[str] = []
    left = flow[at].box.x0
    end = at
    while end < len(flow) and flow[end].role == "list":
        block = flow[end]
        depth = min(max(round((block.box.x0 - left) / (1.5 * block.size)), 0), 5)
        text = joined(block.lines, known)[len(block.mark) :].strip()
        digits = block.mark.strip("().")
        lines.append("  " * depth + (f"{digits}. " if digits.isdigit() else "- ") + text)
        end += 1
    out.text("\n".join(lines), "list", place)
    return end
