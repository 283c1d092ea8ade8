"""Answers of servers, kept on disk by everything that was asked, so that the same question is paid for once."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from limner.packages.cachedir import cache_folder


class Kept:
    """JSON answers in files named by the sha256 of their request. Safe for many processes: a file is written whole or not at all, and
    one that cannot be read counts as not there. `$LIMNER_NO_CACHE` set to anything keeps nothing."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or cache_folder("answers")
        self._on = not os.environ.get("LIMNER_NO_CACHE")

    @staticmethod
    def key(request: dict[str, Any]) -> str:
        """The name of a request; the order of its fields does not matter."""
        return hashlib.sha256(json.dumps(request, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def get(self, key: str) -> Any | None:
        """The answer to the request of that name, None where there is none."""
        if not self._on:
            return None
        try:
            return json.loads(self._path(key).read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def put(self, key: str, answer: Any) -> None:
        """Keep an answer."""
        if not self._on:
            return
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(answer, file, ensure_ascii=False)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
