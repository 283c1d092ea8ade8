"""Pages on this machine's disk: a folder of them, or one."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, unquote

from limner.corpus.media import MediaSink
from limner.document import Document, document_id
from limner.errors import SourceError
from limner.sources.archive import Archive, recognised
from limner.sources.archivepages import members, read_member
from limner.sources.archivewalk import KINDS as ARCHIVES
from limner.sources.attach import MAX_IMAGE, attach
from limner.sources.confine import local_path, read_bounded
from limner.sources.kinds import BY_PATH, LIMITS, Page, documents, family, readable, reader
from limner.sources.mixed import Entry, believed, inputs_of, passed_over
from limner.sources.pageimages import PageImages, base_href, in_folder
from limner.sources.picture import read_picture
from limner.sources.source import Input
from limner.sources.unread import what
from limner.sources.zipped import is_document

MAX_PAGE = 32 * 2**20
"""No page of more bytes than this is read."""

# What is called so is a page until it is read: its first bytes need no look while it is listed.
_PAGES = frozenset({".html", ".htm", ".xhtml", ".xht", ".shtml"})
_REFUSED = "! "  # begins the detail of an input that was refused while its archive was listed; a quoted path has no such mark


@dataclass(frozen=True)
class FolderSource:
    """The files below a folder, in the order of their paths, or one file (then its folder is the root).

    An input is called after the folder and the path in it (`docs/guide/index.html`), so ids do not depend on where
    the folder lies. What a file is, its first bytes say. Which files are inputs, `limner.sources.mixed` says: those with a reader, and those
    of which somebody must be told that there is none, whose reading raises `SourceError`. A file in an archive is an input of its own
    (`docs/all.zip/guide/index.html`). Images that a page names are looked for below the root, or in its archive, never outside.
    Hidden files and linked folders are not entered. `max_page` and `max_image` are bytes, `label` stands for the folder's name in
    the names of inputs, `experts` are what readers may ask (`kinds.Page`).
    """

    path: str
    extractor: str = "bundled:lexbor"
    hidden: bool = False
    max_page: int = MAX_PAGE
    max_image: int = MAX_IMAGE
    label: str = ""
    experts: Mapping[str, str] = field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        if not os.path.exists(self.path):
            raise SourceError(f"{self.path}: no such file or folder")

    @property
    def root(self) -> Path:
        """The folder that nothing is read outside of."""
        path = Path(self.path).absolute()
        return path if path.is_dir() else path.parent

    def inputs(self) -> Iterator[Input]:
        """The inputs, by path."""
        root = self.root
        base = self.label or root.resolve().name or "root"
        path = Path(self.path).absolute()
        if path.is_dir():
            listed = inputs_of(self._walk(root), lambda entry, size: _start(root / entry.path, size))
        else:
            listed = [Entry(path.name, kind_of(path)[0], path.stat().st_size)]
        for entry in listed:
            for each in self._within(root, entry) if entry.kind in ARCHIVES else [entry]:
                # `detail` keeps names that are not Unicode; the two others are for people and for tables of strings.
                detail = (
                    _REFUSED + each.refused if each.refused else " ".join(_quoted(step) for step in (entry.path, *each.chain))
                )
                name = f"{base}/{entry.path}/{each.path}" if each.chain else f"{base}/{entry.path}"
                yield Input(_text(name), _text(str(root / entry.path)), detail, each.size)

    def _walk(self, root: Path) -> Iterator[Entry]:
        stack: list[Iterator[os.DirEntry[str]]] = [_entries(root)]
        steps: list[str] = []
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
                del steps[-1:]
            elif entry.name.startswith(".") and not self.hidden:
                continue
            elif entry.is_dir(follow_symlinks=False):
                stack.append(_entries(Path(entry.path)))
                steps.append(entry.name)
            elif entry.is_file():
                relative = "/".join((*steps, entry.name))
                if entry.is_symlink() and not local_path(str(root), "", relative):
                    continue
                suffix = os.path.splitext(entry.name)[1].lower()
                kind, head = ("html", b"") if suffix in _PAGES else kind_of(entry.path)
                kind = believed(kind, relative, head) if head else kind
                if not passed_over(relative, kind):
                    yield Entry(relative, kind, entry.stat().st_size)

    def _within(self, root: Path, entry: Entry) -> list[Entry]:
        """The inputs in an archive: itself where it is one document, cannot be opened, or has nothing to be read, which its reading
        says."""
        path = str(root / entry.path)
        try:
            if entry.kind == "zip":
                with open(path, "rb") as file, closing(Archive(file, entry.path)) as archive:
                    if is_document(archive.has):
                        return [entry]
            return members(path, entry.path) or [entry]
        except (SourceError, OSError):
            return [entry]

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """The documents of one input, its images stored where they are there."""
        if input.detail.startswith(_REFUSED):
            raise SourceError(f"{input.name}: {input.detail.removeprefix(_REFUSED)}")
        relative, *chain = (unquote(step, errors="surrogateescape") for step in input.detail.split(" "))
        path = local_path(str(self.root), "", relative)
        page = Page(b"", input.name, document_id(input.name), extractor=self.extractor, experts=self.experts)
        if path and chain:
            yield from read_member(str(path), chain, page, media, self.max_page, self.max_image)
            return
        kind, head = kind_of(path) if path else ("", b"")
        if path and family(kind) in BY_PATH:
            yield from reader(kind)(replace(page, path=str(path)), media)
            return
        limit = self.max_image if family(kind) == "image" else max(self.max_page, LIMITS.get(kind, 0))
        data = read_bounded(path, limit) if path else None
        if path is None or data is None:
            raise SourceError(f"{input.name}: not a readable file of at most {limit:,} bytes below {self.root}")
        page = replace(page, data=data, path=str(path))
        if family(kind) == "image":
            yield from read_picture(page, media)
            return
        if not readable(kind):
            raise SourceError(f"{input.name}: {what(head, relative, kind)}")
        base = base_href(data)
        for document in documents(page, media, limit=self.max_page):
            images = PageImages(in_folder(str(self.root), posixpath.dirname(relative), self.max_image), base, document.url)
            yield images.absolute(attach(document, images, media))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return iter(sorted(found, key=lambda entry: entry.name))
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from None


def kind_of(path: str | Path) -> tuple[str, bytes]:
    """What a file is, and its first bytes; of one that cannot be read, neither."""
    try:
        with open(path, "rb") as file:
            return recognised(file, os.path.basename(path))
    except OSError:
        return "", b""


def _start(path: str | Path, size: int) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(size)
    except OSError:
        return b""


def _quoted(name: str) -> str:
    return quote(name.encode("utf-8", "surrogateescape"))


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
