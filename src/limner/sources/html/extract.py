"""A page to a document: decode, parse, walk, choose, assemble."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from contextlib import contextmanager
from urllib.parse import urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from limner.document import Document, document_id
from limner.errors import SourceError
from limner.sources.html.assemble import parts
from limner.sources.html.blocks import Block, Frame
from limner.sources.html.choose import choose
from limner.sources.html.encoding import decoded
from limner.sources.html.features import Floats
from limner.sources.html.generators import content_root
from limner.sources.html.limits import Limits
from limner.sources.html.metadata import Metadata, metadata
from limner.sources.html.nesting import close_frames, flatten
from limner.sources.html.repeats import once
from limner.sources.html.structure import loose_captions
from limner.sources.html.walk import Walk

_LIMITS = Limits()


def extract(
    data: bytes | str,
    *,
    url: str = "",
    name: str = "",
    id: str = "",
    charset: str = "",
    limits: Limits = _LIMITS,
) -> Document:
    """The main content of an HTML page: its text and images in reading order.

    `url` is where the page was fetched from: with it, images have absolute addresses, else the ones the page
    writes. `name` is the input's name, from which the document's id comes unless `id` gives it. `charset` is
    the HTTP header's. Images have no `ref`: nothing is fetched here. Raises `SourceError` for a page larger
    than `limits.max_bytes`.

    >>> page = "<nav><a href=/>Home</a></nav><main><h1>Cats</h1><p>Cats purr when they are content.</p></main>"
    >>> [part.text for part in extract(page, name="cats.html").texts]
    ['Cats', 'Cats purr when they are content.']
    """
    # In a function of its own, so that the tree and the blocks are gone when the collector comes back.
    with _uncollected():
        return _extract(data, url, name, id, charset, limits)


def _extract(data: bytes | str, url: str, name: str, id: str, charset: str, limits: Limits) -> Document:
    page, tree = parse(data, charset, name or url, limits)
    blocks, kept = content(page, tree, limits)
    return document(blocks, kept, metadata(tree, url), url=url, name=name, id=id, limits=limits)


@contextmanager
def _uncollected() -> Generator[None]:
    """Without the cyclic garbage collector: a page is thousands of objects that all live until its end, through
    which the collector would look again and again; half of the time of an extraction went there."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def parse(data: bytes | str, charset: str, name: str, limits: Limits) -> tuple[str, LexborHTMLParser]:
    """The text of a page and its tree; raises `SourceError` for one that is too large."""
    if len(data) > limits.max_bytes:
        raise SourceError(
            f"{name or 'page'}: {len(data):,} bytes of HTML, over the limit of {limits.max_bytes:,}; "
            "raise Limits.max_bytes to read it"
        )
    if isinstance(data, bytes):
        page, raw = decoded(data, charset)
    else:
        page, raw = data, data.encode("utf-8", "replace")  # lone surrogates, which no parser takes
    return page, LexborHTMLParser(flatten(page, close_frames(raw), limits))


def content(
    page: str, tree: LexborHTMLParser, limits: Limits = _LIMITS, likely: Floats | None = None
) -> tuple[list[Block], list[bool]]:
    """The blocks of a page, and whether each is content: all below an element that is known to hold nothing else, or those
    that are chosen. `likely` are the probabilities of another classifier than the bundled one, for the blocks of the body."""
    known = content_root(page, tree)
    blocks, frames = read(known or tree.body or tree.root, limits)
    return blocks, [True] * len(blocks) if known is not None else once(blocks, choose(blocks, frames, likely))


def document(
    blocks: list[Block], kept: list[bool], facts: Metadata, *, url: str, name: str, id: str = "", limits: Limits = _LIMITS
) -> Document:
    """The document of the blocks that are kept."""
    return Document(
        id=id or document_id(name or url),
        parts=parts(blocks, kept, _resolver(facts.base), limits),
        source=name or url,
        url=facts.canonical,
        title=facts.title,
        language=facts.language,
        meta=facts.meta(),
    )


def read(root: LexborNode | None, limits: Limits = _LIMITS) -> tuple[list[Block], list[Frame]]:
    """Walk the tree below `root`: its blocks in reading order, its frames in opening order."""
    if root is None:
        return [], []
    walk = Walk(limits)
    walk.frame.where = _where(root, limits.max_place)
    blocks = walk.run(root)
    loose_captions(blocks)
    return blocks, walk.frames


def _where(root: LexborNode, limit: int) -> str:
    """The place of an element: child indices from the root element."""
    steps: list[str] = []
    at = root
    while (parent := at.parent) is not None and parent.is_element_node and len(steps) < limit:
        index = 0
        before = at.prev
        while before is not None:
            index += before.is_element_node
            before = before.prev
        steps.append(str(index))
        at = parent
    return "dom:" + "/".join(reversed(steps)) if steps else ""


def _resolver(base: str) -> Callable[[str], str]:
    if not base:
        return lambda address: address

    def resolve(address: str) -> str:
        if address.startswith(("http://", "https://", "data:")):
            return address
        try:
            return urljoin(base, address)
        except ValueError:
            return address

    return resolve
