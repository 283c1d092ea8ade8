"""Packages of the extra `evaluate`, imported when a measure is first asked for."""

from __future__ import annotations

import importlib
from typing import Any

from limner.errors import MissingExtra


def library(module: str, purpose: str, extra: str = "evaluate") -> Any:
    """The module of that name. Raises `MissingExtra` where its package is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingExtra(extra, module.partition(".")[0].replace("_", "-"), purpose) from None
