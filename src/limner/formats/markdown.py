"""A folder of Markdown: one `.md` a document, its media in `media/`, its facts in the front matter.

CommonMark 0.31 (https://spec.commonmark.org/0.31.2/) with the tables of GitHub Flavored Markdown
(https://github.github.com/gfm/). Formulas stand between dollar signs, as GitHub and Pandoc read them. A caption is a
paragraph in emphasis below its image. Whatever a text has that Markdown or HTML would take for markup is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import quote

from limner.corpus.media import sha256
from limner.document import Audio, Document, Image, Text, Video, document_id, markup
from limner.errors import LimnerError
from limner.formats import features
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.frontmatter import front_matter, parse
from limner.formats.markdownread import parts_of
from limner.formats.output import Item, Shard
from limner.formats.pages import names
from limner.formats.place import OWN
from limner.formats.sidecar import SidecarWriter, read_page
from limner.formats.values import is_web

_SPECIAL = re.compile(r"[\\`*\[\]<]|&(?=[#A-Za-z])|(?<![^\W_])_|_(?![^\W_])|~(?=~)")
_AT_START = re.compile(r"(#{1,6}(?=\s|$)|[>|]|[-+=](?=\s|$|-|=)|\$\$|~~~)")
_NUMBER = re.compile(r"(\d{1,9})([.)])(?=\s|$)")
_ITEM = re.compile(r"(\s*)([-*+]|\d{1,9}[.)])(\s+|$)(.*)", re.DOTALL)
_IN_CELL = re.compile(r"(\\.)|([\[\]<`*]|&(?=[#A-Za-z]))")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


class Markdown(FileFormat):
    """Small exports lie in one folder, larger ones in folders `00000`, `00001`, … of so many documents each. limner's
    own documents lie in a file beside; they are believed while the page is as it was, so pages can be edited."""

    name = "markdown"
    description = "Markdown folder: one .md a document with front matter, and its media"
    published = "https://spec.commonmark.org/0.31.2/"
    holds: ClassVar = (features.ROLES - {"ocr", "speech", "notes"}) | {
        "levels", "captioned", "alt", "unstored", "id", "url", "title", "language", "source", "meta",
    }  # fmt: skip
    also: ClassVar = ("images without stored bytes whose address is neither on the web nor a path",)
    suffixes: ClassVar = (".md", ".markdown")
    shard_size: ClassVar = 1_000

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One folder of pages."""
        base = "" if shard.total == 1 else f"{shard.label}/"
        name = names()
        with SidecarWriter(shard.path(f"{base}{OWN}"), shard.own) as beside:
            for item in items:
                files = {ref: path.removeprefix(base) for ref, path in shard.store(item, f"{base}media").items()}
                page = to_markdown(item.document, files).encode("utf-8", "replace")
                shard.path(f"{base}{name(item.document)}.md").write_bytes(page)
                shard.tally.lose(
                    self.also[0], sum(1 for i in item.document.images if (i.ref or i.url) and not _address(i, files))
                )
                beside.add(sha256(page), item.document, files)

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The document of a page."""
        data, kept = read_page(folder, name)
        if kept:
            yield kept
            return
        try:
            facts, body = parse(data.decode("utf-8-sig", "replace"))
            parts, media = parts_of(body, lambda path: folder.media(path, name))
        except LimnerError as error:
            yield Bad("", error)
            return
        source = f"{folder.label}/{name}"
        known = {key: facts.pop(key, "") for key in ("id", "title", "url", "language", "source")}
        yield (
            Document(
                known["id"] or document_id(source),
                parts,
                known["source"] or source,
                known["url"],
                known["title"],
                known["language"],
                facts,
            ),
            media,
        )


def to_markdown(document: Document, files: dict[str, str]) -> str:
    """The page of a document; `files` has the paths of its media by sha256."""
    facts = {name: getattr(document, name) for name in ("id", "title", "url", "language", "source")}
    blocks = [front_matter({**{k: v for k, v in document.meta.items() if k not in facts}, **facts})]
    for part in document.parts:
        if isinstance(part, Text):
            blocks.append(text_block(part))
        elif isinstance(part, Image):
            address = _address(part, files)
            blocks.append(f"![{_line(part.alt)}]({address})" if address else _line(part.alt))
        elif file := files.get(part.ref):
            kind = "Sound" if isinstance(part, Audio) else "Video" if isinstance(part, Video) else "Model"
            blocks.append(f"[{kind}]({quote(file)})")
    return "\n\n".join(block for block in blocks if block.strip()) + "\n"


def text_block(part: Text) -> str:
    """The Markdown of one text."""
    words = part.text
    if part.role == "heading":
        return f"{'#' * max(part.level, 1)} {_line(words)}"
    if part.role == "code":
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", words))])
        language = re.sub(r"[^\w.+#-]", "", part.language)
        return f"{fence}{language}\n{words}\n{fence}"
    if part.role == "formula":
        return "$$\n" + re.sub(r"\n\s*\n", "\n", _TAG.sub(r"\\lt ", words)).strip("\n") + "\n$$"
    if part.role == "table":
        return _table(words)
    if part.role == "list":
        return "\n".join(_item(line) for line in words.split("\n") if line.strip())
    if part.role == "caption":
        return f"*{_line(words).strip()}*" if words.strip() else ""
    body = escaped(words)
    if part.role == "quote":
        return "\n".join(f"> {line}".rstrip() for line in body.split("\n"))
    if part.role in ("ocr", "speech"):
        said = "Text in the image" if part.role == "ocr" else "Speech"
        return "\n".join(f"> {line}".rstrip() for line in f"**{said}:** {body}".split("\n"))
    return body


def _table(words: str) -> str:
    lines = words.strip().split("\n")
    if markup.table(words) is None or not all(line.lstrip().startswith("|") for line in lines):
        return escaped(words)
    # Its own escapes stay; what would be markup inside a cell is escaped.
    return "\n".join(_IN_CELL.sub(lambda m: m[1] or "\\" + m[2], line) for line in lines)


def _item(line: str) -> str:
    match = _ITEM.match(line)
    if match is None:
        return " " * (len(line) - len(line.lstrip())) + _line(line)
    return f"{match[1]}{match[2]} {_line(match[4])}"


def escaped(words: str) -> str:
    """Text as Markdown that reads as that text: paragraphs at empty lines, other line breaks kept."""
    paragraphs = [piece for piece in re.split(r"\n[ \t]*\n", words) if piece.strip()]
    return "\n\n".join("\\\n".join(_line(line) for line in piece.split("\n") if line.strip()) for piece in paragraphs)


def _line(words: str) -> str:
    flat = " ".join(words.split())
    flat = _SPECIAL.sub(lambda m: "\\" + m[0], flat)
    flat = _NUMBER.sub(r"\1\\\2", flat, count=1) if _NUMBER.match(flat) else flat
    return "\\" + flat if _AT_START.match(flat) else flat


def _address(image: Image, files: dict[str, str]) -> str:
    if file := files.get(image.ref):
        return quote(file)
    if is_web(image.url) or (image.url and ":" not in image.url.split("/")[0]):
        return quote(image.url, safe="/:?#@!$&'*+,;=%~-._")
    return ""
