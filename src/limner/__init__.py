"""limner: documents that interleave images and text."""

from limner.document import Audio, Document, Image, Mesh, Part, Text, Video

__version__ = "0.1.0"
__all__ = ["Audio", "Document", "Image", "Mesh", "Part", "Text", "Video", "__version__"]
