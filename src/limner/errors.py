"""The one exception family: every error a person can cause or meet derives from `LimnerError`.

A message names the input, says what is wrong with it and what to do; the command line prints it as one
line, without a traceback.
"""


class LimnerError(Exception):
    """Something a person can act on: the message says what."""


class InvalidDocument(LimnerError, ValueError):
    """A document or one of its parts breaks a rule of the document model."""


class CorpusError(LimnerError):
    """A corpus is missing, damaged, or of a schema this version does not read."""


class SourceError(LimnerError):
    """An input could not be read; it costs that input only and is recorded in the rejects."""


class PlanError(LimnerError):
    """A plan names something that does not exist or sets it to a value it does not take."""


class FormatError(LimnerError):
    """A dataset in a public format could not be read or written."""


class MediaError(LimnerError):
    """An image cannot be decoded: damaged, of an unknown format, or larger than the bound."""


class ExpertError(LimnerError):
    """A pretrained part cannot be had: its address is wrong, or its files are missing or not what they should be."""


class MissingExtra(LimnerError, ImportError):
    """A part of limner needs packages that are not installed; the message has the install command."""

    def __init__(self, extra: str, package: str, purpose: str):
        """`extra` is limner's own that brings the package, "" where there is none and the package is installed by name."""
        what = f"limner[{extra}]" if extra else package
        super().__init__(f"{purpose} needs {package}, which is not installed: pip install '{what}'")
        self.extra = extra
        self.package = package
