"""Which URLs are fetched, and the form they are asked for and cached in."""

from __future__ import annotations

from urllib.parse import urldefrag, urljoin, urlsplit

MAX_LENGTH = 8192


def fetchable(url: str) -> bool:
    """Whether `url` is http or https, with a host, without credentials, and of a sane length."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.username is None
            and len(url) <= MAX_LENGTH
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        return False


def clean_url(url: str) -> str:
    """The URL as it is asked for and cached: without white space around it and without its fragment."""
    return urldefrag(url.strip()).url if fetchable(url.strip()) else url.strip()


def joined(at: str, location: str) -> str:
    """Where a redirect from `at` leads; raises `ValueError` for what is no URL."""
    return clean_url(urljoin(at, location.strip()))
