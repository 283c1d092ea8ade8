"""A folder of HTML: one page a document that reads well in any browser, its media in `media/`, and an index.

Nothing in a page runs and nothing is requested from elsewhere: every string of a document is escaped, and each page has a
content security policy that allows its own style and the images and sounds of its folder, no more
(https://www.w3.org/TR/CSP3/).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from markupsafe import Markup

from limner.corpus.media import sha256
from limner.document import Document, Image, Part, Text, document_id
from limner.document.html import Style, blocks
from limner.document.wording import plural
from limner.errors import LimnerError
from limner.formats import features
from limner.formats.fileformat import Bad, FileFormat
from limner.formats.folder import Folder
from limner.formats.format import Read
from limner.formats.output import Item, Shard
from limner.formats.pages import names
from limner.formats.place import OWN
from limner.formats.sequence import attached
from limner.formats.sidecar import SidecarWriter, read_page
from limner.formats.values import is_web
from limner.sources.html import extract

STYLE = """
:root{color-scheme:light dark;--page:#fdfcf9;--ink:#1d1b18;--soft:#6b665d;--line:#ddd8cd;--mark:#8a4b1f}
@media(prefers-color-scheme:dark){:root{--page:#171614;--ink:#e6e2da;--soft:#a09a8e;--line:#35322d;--mark:#d9a273}}
*{box-sizing:border-box}
body{margin:0 auto;padding:2rem 1.25rem 5rem;max-width:44rem;background:var(--page);color:var(--ink);
font:1.0625rem/1.65 'Iowan Old Style','Palatino Linotype',Palatino,'Book Antiqua',Georgia,serif;overflow-wrap:break-word}
h1,h2,h3,h4,h5,h6{line-height:1.25;margin:2em 0 .6em;text-wrap:balance}h1{font-size:2rem;margin-top:1rem}
a{color:var(--mark);text-underline-offset:.15em}
nav,.facts,figcaption,.caption,.absent,.count{font-size:.875rem;color:var(--soft)}
nav{display:flex;gap:1.25rem;flex-wrap:wrap}nav .end{margin-left:auto}
figure{margin:1.75rem 0}figcaption{margin-top:.5rem}
img,video{max-width:100%;height:auto;border-radius:3px}@media(prefers-color-scheme:dark){img{background:#fff}}
pre{overflow-x:auto;padding:.8rem 1rem;border:1px solid var(--line);border-radius:4px;font-size:.85rem;line-height:1.5}
.lang{display:block;color:var(--soft);font-size:.75rem}
div.table{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
th,td{padding:.35rem .75rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
blockquote{margin:1.5rem 0;padding-left:1.1rem;border-left:3px solid var(--line);color:var(--soft)}
.absent{border:1px dashed var(--line);padding:.6rem .9rem;border-radius:4px}.kind{font-variant:small-caps}
.index{list-style:none;padding:0}.index li{padding:.5rem 0;border-bottom:1px solid var(--line);display:flex;gap:1rem}
.index a{text-decoration:none}.index a:hover{text-decoration:underline}
.index .count{margin-left:auto;white-space:nowrap}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; img-src 'self' file:; media-src 'self' file:; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
    '<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
    "<title>{title}</title>\n{canonical}<style>{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
)


class HtmlFolder(FileFormat):
    """Small exports lie in one folder, larger ones in folders `00000`, … with an index of their own each. limner's own
    documents lie in a file beside, believed while the page is as it was."""

    name = "html"
    description = "HTML folder: one readable page a document, its media, an index; nothing runs"
    published = "https://html.spec.whatwg.org/"
    holds: ClassVar = features.ROLES | {
        "levels", "captioned", "audio", "video", "mesh", "alt", "sizes", "unstored", "nameless", "url", "title", "language",
    }  # fmt: skip
    suffixes: ClassVar = (".html", ".htm")
    shard_size: ClassVar = 1_000

    def is_input(self, name: str) -> bool:
        """Pages, the index not."""
        return super().is_input(name) and name.rpartition("/")[2] != "index.html"

    def write(self, shard: Shard, items: Iterator[Item]) -> None:
        """One folder of pages with its index."""
        base = "" if shard.total == 1 else f"{shard.label}/"
        name = names()
        entries: list[tuple[str, str, int]] = []
        before = ""
        item = next(items, None)
        page_name = f"{name(item.document)}.html" if item else ""
        with SidecarWriter(shard.path(f"{base}{OWN}"), shard.own) as beside:
            while item:
                following = next(items, None)
                next_name = f"{name(following.document)}.html" if following else ""
                document = item.document
                files = {ref: path.removeprefix(base) for ref, path in shard.store(item, f"{base}media").items()}
                page = to_html(document, files, before, next_name).encode("utf-8", "replace")
                shard.path(f"{base}{page_name}").write_bytes(page)
                beside.add(sha256(page), document, files)
                entries.append((page_name, document.title or document.url or document.id, len(document.images)))
                before, page_name, item = page_name, next_name, following
        title = f"Documents {shard.label}" if base else "Documents"
        shard.path(f"{base}index.html").write_text(_index(title, entries, bool(base)), encoding="utf-8", errors="replace")

    def finish(self, folder: Path, shards: int) -> None:
        """The index of the folders, where there are several."""
        if not (folder / "index.html").exists():
            entries = [(f"{number:05d}/index.html", f"Documents {number:05d}", -1) for number in range(shards)]
            (folder / "index.html").write_text(_index("Documents", entries, False), encoding="utf-8")

    def rows(self, folder: Folder, name: str) -> Iterator[Read | Bad]:
        """The document of a page: of limner, or any that limner can extract."""
        data, kept = read_page(folder, name)
        if kept:
            yield kept
            return
        source = f"{folder.label}/{name}"
        try:
            document = extract(data, name=source, id=document_id(source))
        except LimnerError as error:
            yield Bad("", error)
            return
        media: dict[str, bytes] = {}
        parts: list[Part] = []
        for part in document.parts:
            if isinstance(part, Image) and not is_web(part.url):
                part = attached(part, folder.media(part.url, name), media)
            parts.append(part)
        yield document.evolve(parts=tuple(parts)), media


def to_html(document: Document, files: Mapping[str, str], before: str = "", after: str = "") -> str:
    """The page of a document; `files` has the paths of its media by sha256, `before` and `after` name its neighbours."""

    def source(part: Part) -> str:
        return "" if isinstance(part, Text) else quote(files.get(part.ref, ""))

    title = shown = document.title or document.url or document.id
    parts = list(document.parts)
    first = parts[0] if parts else None
    if isinstance(first, Text) and first.role == "heading" and first.text.strip() and title.startswith(first.text.strip()):
        shown, parts = first.text, parts[1:]  # the page says it once, without the site's name
    parts = [replace(part, level=min(part.level, 5)) if isinstance(part, Text) else part for part in parts]
    steps = [Markup('<a href="index.html">All documents</a>')]
    steps += [Markup('<a class="end" href="{}" rel="prev">Previous</a>').format(quote(before))] if before else []
    steps += (
        [Markup('<a{} href="{}" rel="next">Next</a>').format(Markup("" if before else ' class="end"'), quote(after))]
        if after
        else []
    )
    web = is_web(document.url)
    address = (
        Markup('<a href="{0}" rel="noreferrer noopener nofollow">{0}</a>').format(document.url)
        if web
        else document.url or document.source
    )
    facts = [address, document.language, *(document.meta.get(name, "") for name in ("date", "author", "license"))]
    body = Markup('<nav>{}</nav>\n<article>\n<h1>{}</h1>\n<p class="facts">{}</p>\n{}\n</article>').format(
        Markup("\n").join(steps),
        shown,
        Markup(" · ").join(fact for fact in facts if fact),
        Markup("\n").join(blocks(parts, Style(source))),
    )
    canonical = Markup('<link rel="canonical" href="{}">\n').format(document.url) if web else Markup("")
    return _page(title, body, document.language, canonical)


def _index(title: str, entries: list[tuple[str, str, int]], up: bool) -> str:
    lines = [
        Markup('<li><a href="{}">{}</a><span class="count">{}</span></li>').format(
            quote(name), shown, plural(images, "image") if images else ""
        )
        for name, shown, images in entries
    ]
    nav = Markup('<nav><a href="../index.html">All folders</a></nav>\n') if up else Markup("")
    return _page(title, nav + Markup('<h1>{}</h1>\n<ol class="index">\n{}\n</ol>').format(title, Markup("\n").join(lines)))


def _page(title: str, body: Markup, language: str = "", canonical: Markup = Markup("")) -> str:  # noqa: B008 - immutable
    return str(
        _PAGE.format(title=title, body=body, language=language or "und", canonical=canonical, policy=POLICY, style=Markup(STYLE))
    )
