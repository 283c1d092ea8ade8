"""The documents in an archive: a file in it is read as one in a folder is, and its images are looked for in the archive."""

from __future__ import annotations

import posixpath
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from limner.corpus.media import MediaSink
from limner.document import Document, document_id
from limner.errors import LimnerError, SourceError
from limner.sources.archive import Archive
from limner.sources.archivewalk import found, holding
from limner.sources.attach import MAX_IMAGE, attach
from limner.sources.kinds import BY_PATH, LIMITS, Page, documents, family, readable, reader
from limner.sources.mixed import Entry, believed, inputs_of
from limner.sources.pageimages import PageImages, base_href, in_archive
from limner.sources.picture import read_picture
from limner.sources.rejects import reject
from limner.sources.unread import what

MAX_PAGE = 32 * 2**20
_FILM = 8 * 2**30  # bytes of a video, which is unpacked to a file
_SUBTITLES = (".srt", ".vtt", ".ass", ".ssa")
_BROKEN = (LimnerError, OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


def read_member(
    path: str, chain: Sequence[str], page: Page, media: MediaSink | None, max_page: int = MAX_PAGE, max_image: int = MAX_IMAGE
) -> Iterator[Document]:
    """The documents of the file that `chain` leads to in the archive `path`. `page` says all but its bytes. Raises `SourceError` for
    what is not read."""
    archive, inner = holding(path, chain), chain[-1]
    if not archive.has(inner):
        raise SourceError(f"{page.name}: it is not in the archive any more")
    kind, head = archive.kind(inner)
    if family(kind) in BY_PATH:
        yield from _film(archive, inner, kind, page, media)
        return
    if family(kind) == "image":
        yield from read_picture(replace(page, data=archive.read(inner, max_image)), media)
        return
    if not readable(kind) or kind == "tar":
        raise SourceError(f"{page.name}: {what(head, inner, kind)}")
    page = replace(page, data=archive.read(inner, max(max_page, LIMITS.get(kind, 0))))
    base = base_href(page.data)
    for document in documents(page, media, limit=max_page):
        images = PageImages(in_archive(archive, posixpath.dirname(inner), max_image), base, document.url)
        yield images.absolute(attach(document, images, media)) if media is not None else document


def _film(archive: Archive, inner: str, kind: str, page: Page, media: MediaSink | None) -> Iterator[Document]:
    """A video, unpacked with the subtitles beside it to a folder that lasts while it is read."""
    folder = tempfile.mkdtemp(prefix="limner-")
    try:
        stem = posixpath.splitext(inner)[0]
        room = [_FILM]

        def spend(size: int) -> None:
            room[0] -= size
            if room[0] < 0:
                raise SourceError(f"{page.name}: more than {_FILM:,} bytes; unpack it")

        beside = [m.path for m in archive.members if m.path.startswith(stem + ".") and m.path.lower().endswith(_SUBTITLES)]
        for member in [inner, *beside[:8]]:
            name = "film" + member[len(stem) :].replace("/", "_")[-60:]
            with archive.spooled(member, spend) as data, open(Path(folder) / name, "wb") as out:
                shutil.copyfileobj(data, out)
        target = "film" + inner[len(stem) :].replace("/", "_")[-60:]
        yield from reader(kind)(replace(page, data=b"", path=str(Path(folder) / target)), media)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_archive(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of archives whose bytes are here (`zip`, `tar`): the documents of all files in it. One that cannot be read goes to
    the rejects and costs itself; where none can be, this raises what the first raised."""
    broken: list[tuple[str, Exception]] = []
    any_read = False
    with tempfile.NamedTemporaryFile(prefix="limner-") as file:
        file.write(page.data)
        file.flush()
        for entry in members(file.name, page.name):
            name = f"{page.name}/{entry.path}"
            this = replace(page, data=b"", name=name, id=document_id(name), path="")
            try:
                if entry.refused:
                    raise SourceError(f"{name}: {entry.refused}")
                made = list(read_member(file.name, entry.chain, this, media))
            except _BROKEN as error:
                broken.append((name, error))
                continue
            any_read = any_read or bool(made)
            yield from made
    if not any_read:
        raise broken[0][1] if broken else SourceError(f"{page.name}: an archive without a file that is read")
    for name, error in broken:
        reject(media, name, page.name, error)


def members(path: str, name: str) -> list[Entry]:
    """The files in the archive `path` that are inputs, those too that cannot be read."""
    with open(path, "rb") as file:
        entries = [
            Entry("/".join(each.chain), believed(each.kind, each.chain[-1], each.head), each.size, each.chain, each.refused)
            for each in found(file, name)
        ]

    def load(entry: Entry, limit: int) -> bytes:
        return holding(path, entry.chain).head(entry.chain[-1], limit)

    return inputs_of(entries, load)
