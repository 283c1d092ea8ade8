"""Which address an `img` really shows, and which images are never content (pixels, spacers, smileys)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from selectolax.lexbor import LexborNode

from limner.sources.html.tags import ID

# Where lazy loaders keep the address, the most specific first.
_LAZY = (
    "data-src", "data-original", "data-lazy-src", "data-lazy", "data-original-src", "data-actualsrc", "data-cfsrc",
    "data-hi-res-src", "data-full-src", "data-echo", "data-ks-lazyload", "data-pagespeed-lazy-src", "data-img-src",
    "data-image-src", "data-image", "data-url", "lazy-src", "data-orig-file", "data-large-file",
)  # fmt: skip
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "data-original-set")
_WIDEST = 1600  # px: of a srcset, the widest candidate up to this one

_PLACEHOLDER = re.compile(
    r"(?:blank|spacer|placeholder|pixel|transparent|trans|1x1|loading|loader|lazy|lazyload|grey|gray|clear|dot|empty)"
    r"(?:[_-]?\d*)?\.(?:gif|png|svg|jpe?g|webp)(?:$|\?)",
    re.IGNORECASE,
)
_NEVER = re.compile(
    r"doubleclick\.|googlesyndication|google-analytics|facebook\.com/tr|scorecardresearch|quantserve|/wp-includes/images/smilies"
    r"|/twemoji/|s\.w\.org/images/core/emoji|shields\.io|badge\.svg|/pixel\?|pixel\.wp\.com|stats\.wordpress|feedburner\.com/~r"
    r"|captcha|/counter\.|(?:^|/)(?:note|tip|warning|important|caution)\.(?:png|svg|gif)$",
    re.IGNORECASE,
)
_URL_LIKE = re.compile(r"[./]")
_CANDIDATE = re.compile(r"\s*,*\s*(\S*[^\s,])(?:\s+([^,()]*(?:\([^)]*\)[^,]*)*))?\s*(?:,|$)")
_DATA_KEPT = 1024  # characters: a data: image shorter than this is a placeholder
_DATA_MAX = 2**20
_SRCSET_MAX = 20_000
_EMOJI = 8  # characters: the longest are families, joined of four


def address(node: LexborNode, attributes: Mapping[str, str | None]) -> str:
    """The address the image shows once scripts have run, as the page writes it, or "" where it has none."""
    get = attributes.get
    src = (get("src") or "").strip()
    if len(attributes) > 2 or _is_placeholder(src):
        for name in _LAZY:
            value = get(name)
            if value and _usable(value):
                return value.strip()
    srcset = get("srcset")
    if srcset and (best := _best(srcset, src)):
        return best
    if not _is_placeholder(src):
        return src
    for name in _LAZY_SETS:
        if (value := get(name)) and (best := _best(value, "")):
            return best
    parent = node.parent
    if parent is not None and parent.tag_id == ID["picture"]:
        return _from_sources(parent)
    return ""


def _from_sources(picture: LexborNode) -> str:
    for child in picture.iter():
        if child.tag_id == ID["source"]:
            attributes = child.attributes
            for name in ("srcset", *_LAZY_SETS, "data-src", "src"):
                if (value := attributes.get(name)) and (best := _best(value, "")):
                    return best
    return ""


def size(value: str | None) -> int:
    """Pixels from a `width` or `height` attribute, 0 where it does not say."""
    if not value:
        return 0
    digits = value.strip().removesuffix("px")
    return min(int(digits), 65535) if digits.isascii() and digits.isdigit() and len(digits) < 8 else 0


def never(url: str, attributes: Mapping[str, str | None]) -> bool:
    """Whether this is a tracking pixel, a spacer or a smiley."""
    width, height = attributes.get("width"), attributes.get("height")
    if width in ("0", "1", "2") or height in ("0", "1", "2"):
        return True
    if _is_never(url):
        return True
    klass = attributes.get("class")
    return bool(klass) and ("emoji" in klass or "smiley" in klass)


def emoji(attributes: Mapping[str, str | None]) -> bool:
    """Whether this image stands for the character that is its `alt`."""
    alt = attributes.get("alt") or ""
    return 0 < len(alt) <= _EMOJI and not alt.isascii() and not alt.isalpha()


@lru_cache(maxsize=4096)
def _is_never(url: str) -> bool:
    return _NEVER.search(url[:2000]) is not None


@lru_cache(maxsize=4096)
def _is_placeholder(src: str) -> bool:
    if not src or src == "#" or src == "about:blank":
        return True
    if src[:5].lower() == "data:":
        return len(src) < _DATA_KEPT or len(src) > _DATA_MAX or src[:15].lower().startswith("data:image/svg")
    return len(src) < 500 and _PLACEHOLDER.match(src.rsplit("/", 1)[-1][:80]) is not None


def _usable(value: str) -> bool:
    value = value.strip()
    return _URL_LIKE.search(value) is not None and not _is_placeholder(value) and value[:1] not in "{["


def _best(srcset: str, src: str) -> str:
    """The candidate of a `srcset` to keep: by width where it says so, else `src`, else the last one."""
    widths: list[tuple[int, str]] = []
    last = ""
    for match in _CANDIDATE.finditer(srcset[:_SRCSET_MAX]):
        url, descriptor = match.group(1), (match.group(2) or "").strip()
        if not _usable(url):
            continue
        last = url
        if descriptor.endswith("w") and descriptor[:-1].isdigit():
            widths.append((int(descriptor[:-1]), url))
    if widths:
        under = [pair for pair in widths if pair[0] <= _WIDEST]
        return max(under)[1] if under else min(widths)[1]
    return "" if src and not _is_placeholder(src) else last
