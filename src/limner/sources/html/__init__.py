"""HTML pages to documents: the main content with its images in place, in one walk of the tree."""

from limner.sources.html.encoding import decode
from limner.sources.html.extract import extract
from limner.sources.html.limits import Limits

__all__ = ["Limits", "decode", "extract"]
