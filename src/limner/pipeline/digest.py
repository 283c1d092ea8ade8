"""What an input's content was, in one digest: how a later run knows which inputs have changed."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from limner.sources.fetchsettings import FetchSettings
from limner.sources.source import Input, Source
from limner.sources.weburl import clean_url


def digest_of(source: Source, input: Input) -> str:
    """The digest of an input's content: of a local file, its size and date, and which piece of it (reading it once more for a
    digest of its bytes would cost every build what only an update wins back); of a page from the web, its bytes in the
    fetcher's cache; "" where neither is there."""
    try:
        facts = os.stat(input.location)
    except (OSError, ValueError):
        settings: Any = getattr(source, "settings", None)
        if not isinstance(settings, FetchSettings):
            return ""
        entry = settings.folder.entry(clean_url(input.location))
        return entry.sha256 if entry else ""
    return hashlib.sha256(f"{facts.st_size} {facts.st_mtime_ns} {input.detail}".encode("utf-8", "replace")).hexdigest()
