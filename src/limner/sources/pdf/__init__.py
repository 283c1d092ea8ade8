"""PDF to documents: text in reading order, figures in their place, through pdfium."""

from limner.sources.pdf.read import extract

__all__ = ["extract"]
