"""Names for pages that stay inside their folder, read well and differ."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable

from limner.document import Document

_ID = re.compile(r"[0-9a-f]{12,40}\Z")


def names() -> Callable[[Document], str]:
    """A function that names one document after the other, none twice: `cropping-an-image-76123a2555f7`.

    >>> name = names()
    >>> name(Document("76123a2555f7b0743476", title="../etc: Cropping?")), name(Document("../x"))
    ('etc-cropping-76123a2555f7', 'document-d6b96a97d147')
    """
    taken: dict[str, int] = {}

    def name(document: Document) -> str:
        key = (
            document.id[:12]
            if _ID.match(document.id)
            else hashlib.sha256(document.id.encode("utf-8", "replace")).hexdigest()[:12]
        )
        base = f"{slug(document.title)}-{key}"
        taken[base] = taken.get(base, 0) + 1
        return base if taken[base] == 1 else f"{base}-{taken[base]}"

    return name


def slug(title: str) -> str:
    """A title as a file name: letters and digits of any script, in lower case, at most 60 of them and 120 bytes."""
    plain = unicodedata.normalize("NFC", title[:300]).lower()
    words = "".join(c if c.isalnum() else "-" for c in plain)
    words = re.sub("-+", "-", words)[:60].strip("-")
    return words.encode("utf-8", "ignore")[:120].decode("utf-8", "ignore") or "document"
