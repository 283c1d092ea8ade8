"""limner: documents that interleave images and text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from limner.document import Audio, Document, Image, Mesh, Part, Text, Video
from limner.loaded import ASKED, tell

if TYPE_CHECKING:
    from limner.corpus import Corpus

__version__ = "0.1.0"
__all__ = ["Audio", "Corpus", "Document", "Image", "Mesh", "Part", "Text", "Video", "__version__"]

if ASKED in os.environ:
    tell(os.environ[ASKED])


def __getattr__(name: str) -> Any:
    # A corpus brings Arrow along, which a page read on the command line does without.
    if name == "Corpus":
        from limner.corpus import Corpus

        return Corpus
    raise AttributeError(f"module 'limner' has no attribute {name!r}")
