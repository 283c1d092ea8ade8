"""limner: documents that interleave images and text."""

from limner.corpus import Corpus
from limner.document import Audio, Document, Image, Mesh, Part, Text, Video

__version__ = "0.1.0"
__all__ = ["Audio", "Corpus", "Document", "Image", "Mesh", "Part", "Text", "Video", "__version__"]
