"""Which files of a folder, or of an archive, are inputs.

What has a reader is one. Styles, scripts, fonts and the like belong to pages and are passed over. A picture belongs to pages where
one names it, or any other picture in the same folder; a folder of pictures that no page names holds documents. All else is an input
whose reading says why it cannot be read, so that its owner learns of it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from limner.sources.archivewalk import is_program
from limner.sources.kinds import readable
from limner.sources.unread import needs_no_word

_NAMING = frozenset({"html", "markdown", "rst", "xml", "notebook"})
"""Kinds of pages that name pictures in files of their own."""
_PASSED = frozenset({"warc", "sitemap", "image/x-icon"})
_PAGE = 4 * 2**20  # bytes of a page that are looked through for the names of pictures
_ALL = 512 * 2**20
_DOCUMENT = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype html|html)[\s>]", re.I)
_PICTURE = re.compile(rb"\.(?:png|jpe?g|gif|webp|avif|svgz?|bmp|tiff?|heic|jxl)\b", re.I)
_LONGEST = 400  # bytes of a reference
_ENDS = (b'"', b"'", b"(", b")", b"<", b">", b"=", b",", b" ", b"\n", b"\t", b"[", b"]", b"\\")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its path below the root, its kind, its size in bytes; in an archive also what leads to it (`archivewalk.Found`), and why
    it is not read."""

    path: str
    kind: str
    size: int = 0
    chain: tuple[str, ...] = ()
    refused: str = ""


def believed(kind: str, path: str, head: bytes = b"") -> str:
    """The kind of a file whose name may know better: a script or a style that has some HTML near its beginning is no page."""
    if kind == "html" and needs_no_word(path, True) and posixpath.splitext(path)[1] and not _DOCUMENT.match(head):
        return ""
    return kind


def passed_over(path: str, kind: str) -> bool:
    """Whether a file need not be remembered, whatever else is in the folder."""
    if kind in _PASSED or (kind == "zip" and is_program(path)):
        return True
    return not readable(kind) and not kind.startswith("image/") and needs_no_word(path, False)


def inputs_of(entries: Iterable[Entry], load: Callable[[Entry, int], bytes]) -> list[Entry]:
    """Those of the files that are inputs, in their order. `load(entry, n)` gives a file's first n bytes."""
    found = [entry for entry in entries if entry.refused or not passed_over(entry.path, entry.kind)]
    sites = {posixpath.dirname(entry.path) for entry in found if entry.kind == "html" and not entry.refused}
    shown = _shown(found, load)

    def wanted(entry: Entry) -> bool:
        if entry.refused:
            return True
        if entry.kind.startswith("image/"):
            # In a site, a drawing that no page names is a font or an icon of its styles.
            drawing = entry.kind == "image/svg+xml" and _below(entry.path, sites)
            return posixpath.dirname(entry.path) not in shown and not drawing
        return readable(entry.kind) or not needs_no_word(entry.path, _below(entry.path, sites))

    return [entry for entry in found if wanted(entry)]


def _below(path: str, sites: set[str]) -> bool:
    """Whether a page of HTML lies in the folder of a file, or in one above it."""
    while path:
        path = posixpath.dirname(path)
        if path in sites:
            return True
    return False


def _shown(found: Iterable[Entry], load: Callable[[Entry, int], bytes]) -> set[str]:
    """The folders of pictures of which a page names at least one."""
    found = list(found)
    asked = {posixpath.dirname(entry.path) for entry in found if entry.kind.startswith("image/") and not entry.refused}
    shown: set[str] = set()
    left = _ALL
    for entry in found:
        if not asked - shown:
            break
        if entry.kind not in _NAMING or entry.refused:
            continue
        data = load(entry, _PAGE)
        left -= len(data)
        if left < 0:
            return asked  # too much to look through: all pictures count as named
        shown |= _named(data, posixpath.dirname(entry.path), asked - shown)
    return shown


def _named(page: bytes, folder: str, asked: set[str]) -> set[str]:
    """Which of the folders `asked` have a picture that a page of `folder` names."""
    out: set[str] = set()
    places = {posixpath.dirname(_plain(reference)) for reference in _references(page)}
    for place in places:
        if "://" in place or place.startswith("//"):
            # Of a site that this is a copy of: the same steps at the end will do.
            steps = place.partition("//")[2].partition("/")[2]
            out |= {
                each for each in asked if steps and (each == steps or each.endswith("/" + steps) or steps.endswith("/" + each))
            }
            continue
        path = place.lstrip("/") if place.startswith("/") else posixpath.normpath(posixpath.join(folder, place))
        out |= asked & {"" if path == "." else path}
        if place.startswith("/"):  # from a root that may lie above or below ours
            out |= {each for each in asked if path and (each.endswith("/" + path) or path.endswith("/" + each))}
    return out


def _references(page: bytes) -> set[bytes]:
    """What a page calls its pictures, in whatever syntax: up to the ending of a picture's name, from the last mark that ends a string."""
    out: set[bytes] = set()
    for match in _PICTURE.finditer(page):
        piece = page[max(match.start() - _LONGEST, 0) : match.start()]
        out.add(piece[max(piece.rfind(mark) for mark in _ENDS) + 1 :])
    return out


def _plain(reference: bytes) -> str:
    return unquote_to_bytes(reference).decode("utf-8", "surrogateescape")
