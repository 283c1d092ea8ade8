"""Video to documents: frames that show something new, and what is said, in order of time."""

from limner.sources.video.read import Settings, extract

__all__ = ["Settings", "extract"]
