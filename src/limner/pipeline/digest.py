"""What an input's content was, in one digest: how a later run knows which inputs have changed."""

from __future__ import annotations

import hashlib
import os
from typing import Any

from limner.sources.fetchsettings import FetchSettings
from limner.sources.source import Input, Source
from limner.sources.weburl import clean_url

_WHOLE = 64 * 2**20


def digest_of(source: Source, input: Input) -> str:
    """The digest of an input's content: of a local file, its bytes (of one over 64 MiB, which range of what size and date);
    of a page from the web, its bytes in the fetcher's cache; "" where neither is there."""
    try:
        facts = os.stat(input.location)
        if facts.st_size > _WHOLE or input.detail:
            return hashlib.sha256(f"{facts.st_size} {facts.st_mtime_ns} {input.detail}".encode()).hexdigest()
        with open(input.location, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        settings: Any = getattr(source, "settings", None)
        if not isinstance(settings, FetchSettings):
            return ""
        entry = settings.folder.entry(clean_url(input.location))
        return entry.sha256 if entry else ""
