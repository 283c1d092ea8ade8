"""Rules on single images by what is known without decoding them, on how many a document has, and on flat ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal
from urllib.parse import unquote, urlsplit

from limner.corpus.pixels import thumbnail
from limner.curate.operator import Context, DocumentFilter, PartFilter, Reason, drop_parts
from limner.curate.phash import flatness
from limner.document import Document, Image, Part
from limner.errors import MediaError, PlanError

FORMATS = ("jpeg", "png", "webp", "gif", "avif", "svg", "bmp", "tiff", "jp2", "jxl", "heic")

WORDS = (
    "logo",
    "logos",
    "button",
    "buttons",
    "btn",
    "icon",
    "icons",
    "favicon",
    "sprite",
    "sprites",
    "badge",
    "badges",
    "banner",
    "banners",
    "avatar",
    "avatars",
    "gravatar",
    "spacer",
    "pixel",
    "blank",
    "placeholder",
    "loading",
    "spinner",
    "widget",
    "widgets",
    "plugin",
    "plugins",
    "advert",
    "adverts",
    "ads",
    "emoji",
    "emojis",
    "smiley",
    "smilies",
    "tracking",
)
"""Words in a file's name or path that say furniture rather than content (the idea, and "logo", "button", "icon",
"plugin" and "widget", are OBELICS's)."""

_LONGEST_URL = 4_000


@dataclass(frozen=True)
class ImageRules(PartFilter):
    """Drop images by type, size, shape, and the words in their address; nothing is decoded.

    The rules are those of OBELICS (Laurençon et al. 2023, arXiv 2306.16527, appendix A.1.4), whose values are: jpeg, png
    and webp only, sides of 150 to 20,000 pixels, an aspect ratio of at most 2. The defaults here are gentler, for
    manuals and papers: they take away what is almost never content. A rule on sizes passes over an image whose size
    nobody knows; one whose bytes are not stored is judged by the size its page gives.

    Records `image-not-stored`, `image-format`, `image-width`, `image-height`, `image-aspect`, `image-bytes`,
    `image-word`, `image-alt-word`, `image-no-alt` or `image-data-uri`.

    `formats`       types that stay: jpeg, png, webp, gif, avif, svg, bmp, tiff, jp2, jxl, heic, x-icon; empty for any
    `min_width`     least width in pixels as displayed; an SVG has no pixels and passes
    `min_height`    least height in pixels
    `max_width`     greatest width in pixels
    `max_height`    greatest height in pixels
    `max_aspect`    greatest ratio of the longer to the shorter side; 0 for any
    `min_bytes`     least size of the file
    `words`         an image goes when one of these stands as a word in its URL's path
    `words_below`   an image with a side of at least so many pixels stays whatever its address says: a screenshot of buttons is
                    no button; 0 to look at all
    `alt_words`     an image goes when one of these stands as a word in its alternative text
    `need_alt`      an image without alternative text goes
    `data_uris`     "drop" images written into the page itself, or "keep" them
    `not_stored`    "keep" or "drop" images whose bytes are not in the corpus
    """

    formats: tuple[str, ...] = FORMATS
    min_width: int = 48
    min_height: int = 48
    max_width: int = 20_000
    max_height: int = 20_000
    max_aspect: float = 10.0
    min_bytes: int = 0
    words: tuple[str, ...] = WORDS
    words_below: int = 300
    alt_words: tuple[str, ...] = ()
    need_alt: bool = False
    data_uris: Literal["keep", "drop"] = "keep"
    not_stored: Literal["keep", "drop"] = "keep"

    def __post_init__(self) -> None:
        unknown = set(self.formats) - {*FORMATS, "x-icon"}
        if unknown:
            known = ", ".join((*FORMATS, "x-icon"))
            raise PlanError(f"image-rules: no image has the format {min(unknown)!r}; known are {known}")

    def judge(self, part: Part, document: Document, context: Context) -> Reason | None:
        """See `PartFilter`."""
        if not isinstance(part, Image):
            return None
        info = context.info(part.ref) if part.ref else None
        if info is None and self.not_stored == "drop":
            return Reason("image-not-stored", detail=part.url[:200])
        kind = info.mime.partition("/")[2].partition("+")[0] if info else ""
        if info and self.formats and kind not in self.formats:
            return Reason("image-format", detail=info.mime)
        if info and info.size < self.min_bytes:
            return Reason("image-bytes", info.size, self.min_bytes)
        width, height = (info.width, info.height) if info and info.width else (part.width, part.height)
        return self._size(width, height, kind == "svg") or self._names(part, max(width, height))

    def _size(self, width: int, height: int, scalable: bool) -> Reason | None:
        for name, value, low, high in (
            ("image-width", width, self.min_width, self.max_width),
            ("image-height", height, self.min_height, self.max_height),
        ):
            if value and value < low and not scalable:
                return Reason(name, value, low)
            if value > high:
                return Reason(name, value, high)
        if width and height and self.max_aspect:
            aspect = max(width, height) / min(width, height)
            if aspect > self.max_aspect:
                return Reason("image-aspect", round(aspect, 3), self.max_aspect)
        return None

    def _names(self, part: Image, side: int) -> Reason | None:
        if part.url[:5].lower() == "data:":
            if self.data_uris == "drop":
                return Reason("image-data-uri")
        elif (not self.words_below or side < self.words_below) and (found := _find(self.words, _path(part.url))):
            return Reason("image-word", detail=found)
        if found := _find(self.alt_words, part.alt[:_LONGEST_URL]):
            return Reason("image-alt-word", detail=found)
        if self.need_alt and not part.alt.strip():
            return Reason("image-no-alt")
        return None


def _path(url: str) -> str:
    try:
        path = urlsplit(url[:_LONGEST_URL]).path
    except ValueError:
        path = url[:_LONGEST_URL]
    # The words of a name written in one: someLogo.png.
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", unquote(path))


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    choices = "|".join(re.escape(word.lower()) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![^\W\d_])(?:{choices})(?![^\W\d_])")


def _find(words: tuple[str, ...], text: str) -> str:
    """The first of `words` that stands in `text` between characters that are no letters, or ""."""
    match = _pattern(words).search(text.lower()) if words and text else None
    return match[0] if match else ""


@dataclass(frozen=True)
class ImageCount(DocumentFilter):
    """Drop documents with too few or too many images, or too little text for them.

    OBELICS keeps documents of 1 to 30 images (arXiv 2306.16527, A.1.4); mOSCAR too drops those of more than 30 (Futeral et al.
    2024, arXiv 2406.08707, 3.1); MMC4 asks for one and names no greatest number. Records `few-images`, `many-images`, `little-text-for-images` or
    `few-images-for-text`, with the count or the ratio.

    `min_images`       least number of images
    `max_images`       greatest number of images
    `min_words`        least number of words an image: drops galleries and link lists; 0 for any
    `max_words`        greatest number of words an image: drops long texts with a stray image; 0 for any
    `from_images`      the words an image are looked at in documents with at least so many images
    """

    min_images: int = 1
    max_images: int = 30
    min_words: float = 0.0
    max_words: float = 0.0
    from_images: int = 1

    def judge(self, document: Document, context: Context) -> Reason | None:
        """See `DocumentFilter`."""
        count = len(document.images)
        if count < self.min_images:
            return Reason("few-images", count, self.min_images)
        if count > self.max_images:
            return Reason("many-images", count, self.max_images)
        if count and count >= self.from_images and (self.min_words or self.max_words):
            ratio = round(sum(len(text.text.split()) for text in document.texts) / count, 3)
            if ratio < self.min_words:
                return Reason("little-text-for-images", ratio, self.min_words)
            if self.max_words and ratio > self.max_words:
                return Reason("few-images-for-text", ratio, self.max_words)
        return None


@dataclass(frozen=True)
class FlatImages:
    """Drop images of one colour, and, where asked, images that cannot be decoded.

    Pixels are decoded, at a thumbnail's size. Records `flat-image` with the standard deviation of brightness
    (0-255, at 32 x 32), or `image-undecodable` with what is wrong.

    `min_deviation`  least standard deviation of an image that stays
    `undecodable`    "keep" or "drop" images whose bytes are damaged or of a format nobody here decodes
    """

    min_deviation: float = 2.0
    undecodable: Literal["keep", "drop"] = "drop"

    def __call__(self, document: Document, context: Context) -> Iterator[Document]:
        gone: dict[int, Reason] = {}
        for image in document.images:
            data = context.media(image.ref) if image.ref else None
            if data is None:
                continue
            try:
                deviation = flatness(thumbnail(data, 64))
            except MediaError as error:
                if self.undecodable == "drop":
                    gone[image.n] = Reason("image-undecodable", detail=str(error)[:200])
                continue
            if deviation < self.min_deviation:
                gone[image.n] = Reason("flat-image", round(deviation, 3), self.min_deviation)
        yield from drop_parts(document, gone, context)
