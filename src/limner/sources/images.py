"""Images of pages from the web: a stage of its own, after the pages are read and before they are stored.

`image_urls` says what a document wants, `fetch_images` brings it into the cache at every host's own pace, and
`attach_cached` puts it beside the document, without a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from limner.corpus.media import MediaSink
from limner.document import Document, Image
from limner.sources.attach import MAX_IMAGE, attach
from limner.sources.fetch import Fetcher, FetchSettings
from limner.sources.urls import NO_IMAGES
from limner.sources.weburl import clean_url


def image_urls(document: Document) -> Iterator[str]:
    """The URLs of the images of `document` that are not stored yet, each once; none where its page reserves them."""
    if NO_IMAGES in document.meta:
        return
    seen: set[str] = set()
    for image in document.images:
        if not image.ref and image.url.startswith(("http://", "https://")) and image.url not in seen:
            seen.add(image.url)
            yield image.url


def fetch_images(urls: Iterable[str], fetcher: Fetcher, progress: Callable[[int], None] = lambda _: None) -> dict[str, int]:
    """Bring images into the fetcher's cache; returns what `Fetcher.fetch` does."""
    return fetcher.fetch(urls, progress, "image")


@dataclass(frozen=True)
class CachedImages:
    """Loads images from the cache that `fetch_images` fills; picklable, makes no request."""

    settings: FetchSettings
    limit: int = MAX_IMAGE

    def __call__(self, url: str) -> bytes | None:
        cache = self.settings.folder
        entry = cache.entry(clean_url(url))
        return cache.body(entry) if entry is not None and entry.size <= self.limit else None


def attach_cached(document: Document, settings: FetchSettings, media: MediaSink) -> Document:
    """`document` with those of its images that are in the cache stored in `media`; as it is where its page reserves
    its images."""
    if NO_IMAGES in document.meta or not any(isinstance(part, Image) and not part.ref for part in document.parts):
        return document
    return attach(document, CachedImages(settings), media)
