"""Pages on this machine's disk: a folder of them, or one."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from limner.corpus.media import MediaSink
from limner.document import Document, Image, document_id
from limner.errors import SourceError
from limner.sources.attach import MAX_IMAGE, attach
from limner.sources.confine import local_path, read_bounded
from limner.sources.kinds import BY_PATH, HEAD, LIMITS, Page, documents, family, readable, reader, recognise
from limner.sources.source import Input

MAX_PAGE = 32 * 2**20
"""No page of more bytes than this is read."""

_PAGES = frozenset({".html", ".htm", ".xhtml", ".xht", ".shtml"})
# Names that need not be opened to know that no page is in them; anything else is judged by its first bytes.
_NOT_PAGES = frozenset(
    f".{suffix}"
    for suffix in (
        *("png", "jpg", "jpeg", "gif", "webp", "avif", "svg", "ico", "bmp", "tif", "tiff"),
        *("css", "js", "mjs", "json", "map", "txt", "csv", "tsv", "inv"),
        *("woff", "woff2", "ttf", "otf", "eot", "zip", "gz", "xz", "bz2", "tar", "whl", "deb"),
        *("py", "c", "h", "cpp", "hpp", "java", "npy", "npz", "parquet", "sqlite", "db"),
        *("mp3", "ogg", "wav", "flac", "srt", "vtt"),
    )
)


@dataclass(frozen=True)
class FolderSource:
    """The pages below a folder, in the order of their paths, or one file (then its folder is the root).

    An input is called after the folder and the path in it (`docs/guide/index.html`), so ids do not depend on where
    the folder lies. Images that a page names are looked for below the root, never outside it. Files that are not of
    a kind with a reader are passed over in a folder; one given by itself raises `SourceError` when read. Hidden files
    and linked folders are not entered. `max_page` and `max_image` are bytes, `label` stands for the folder's name in
    the names of inputs.
    """

    path: str
    extractor: str = "bundled:lexbor"
    hidden: bool = False
    max_page: int = MAX_PAGE
    max_image: int = MAX_IMAGE
    label: str = ""

    def __post_init__(self) -> None:
        if not os.path.exists(self.path):
            raise SourceError(f"{self.path}: no such file or folder")

    @property
    def root(self) -> Path:
        """The folder that nothing is read outside of."""
        path = Path(self.path).absolute()
        return path if path.is_dir() else path.parent

    def inputs(self) -> Iterator[Input]:
        """The pages, by path; names tell most of them, a look at the first bytes the others."""
        root = self.root
        path = Path(self.path).absolute()
        base = self.label or root.resolve().name or "root"
        for relative in self._walk(root) if path.is_dir() else [path.name]:
            size = os.stat(root / relative).st_size
            # `detail` keeps names that are not Unicode; the two others are for people and for tables of strings.
            yield Input(_text(f"{base}/{relative}"), _text(str(root / relative)), quote(os.fsencode(relative)), size)

    def _walk(self, root: Path) -> Iterator[str]:
        stack: list[Iterator[os.DirEntry[str]]] = [_entries(root)]
        while stack:
            entry = next(stack[-1], None)
            if entry is None:
                stack.pop()
            elif entry.name.startswith(".") and not self.hidden:
                continue
            elif entry.is_dir(follow_symlinks=False):
                stack.append(_entries(Path(entry.path)))
            elif entry.is_file() and self._is_page(entry, root):
                yield Path(entry.path).relative_to(root).as_posix()

    def _is_page(self, entry: os.DirEntry[str], root: Path) -> bool:
        if entry.is_symlink() and not local_path(str(root), "", Path(entry.path).relative_to(root).as_posix()):
            return False
        suffix = os.path.splitext(entry.name)[1].lower()
        if suffix in _PAGES or entry.name.lower().endswith(".html.gz"):
            return True
        if suffix in _NOT_PAGES:
            return False
        return readable(recognise(head_of(entry.path), entry.name))

    def read(self, input: Input, media: MediaSink) -> Iterable[Document]:
        """The documents of one page, its images stored where they are there."""
        relative = unquote(input.detail, errors="surrogateescape")
        path = local_path(str(self.root), "", relative)
        kind = recognise(head_of(path), relative) if path else ""
        if path and family(kind) in BY_PATH:
            page = Page(b"", input.name, document_id(input.name), path=str(path))
            yield from reader(kind)(page, media)
            return
        limit = max(self.max_page, LIMITS.get(kind, 0))
        data = read_bounded(path, limit) if path else None
        if data is None:
            raise SourceError(f"{input.name}: not a readable file of at most {limit:,} bytes below {self.root}")
        page = Page(data, input.name, document_id(input.name), extractor=self.extractor, path=str(path))
        base = base_href(data)
        for document in documents(page, media, limit=self.max_page):
            loader = LocalImages(str(self.root), posixpath.dirname(relative), base, document.url, self.max_image)
            yield loader.absolute(attach(document, loader, media))


@dataclass(frozen=True)
class LocalImages:
    """Loads the images of a page that lies in `folder` below `root`. A URL of the site that the page says it is
    from (by `base`, its <base href>, or `canonical`) is looked for at the same distance from the page."""

    root: str
    folder: str
    base: str = ""
    canonical: str = ""
    limit: int = MAX_IMAGE

    def __call__(self, url: str) -> bytes | None:
        for reference in self._references(url):
            if path := local_path(self.root, self.folder, reference):
                return read_bounded(path, self.limit)
        return None

    def _references(self, url: str) -> Iterator[str]:
        yield url
        if self.base and not urlsplit(self.base).netloc and not url.startswith("/"):
            yield urljoin(self.base, url)
        here, there = urlsplit(urljoin(self.canonical, self.base)), _split(url)
        if there and here.netloc and there.netloc == here.netloc:
            yield posixpath.relpath(there.path or "/", posixpath.dirname(here.path) or "/")

    def absolute(self, document: Document) -> Document:
        """`document` with the urls of images that are not here made absolute, where the page says what it is from."""
        base = urljoin(self.canonical, self.base)
        if not urlsplit(base).netloc:
            return document
        return document.evolve(
            parts=tuple(
                replace(part, url=_join(base, part.url)) if isinstance(part, Image) and not part.ref and part.url else part
                for part in document.parts
            )
        )


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return iter(sorted(found, key=lambda entry: entry.name))
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed ({error.strerror}); check its permissions") from None


def head_of(path: str | Path) -> bytes:
    """The first bytes of a file, none where it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""


def _text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _split(url: str):
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _join(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        return url


def base_href(data: bytes) -> str:
    """The first `<base href>` of a page, or ""; only its first 64 KB are looked at."""
    head = data[:65536]
    if b"<base" not in head.lower():
        return ""
    node = LexborHTMLParser(head).css_first("base[href]")
    href = (node.attributes.get("href") or "").strip() if node else ""
    return href if _split(href) else ""
