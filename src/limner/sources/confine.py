"""Paths that a page wrote, resolved without ever leaving a folder.

A page is hostile until shown otherwise: `../../etc/passwd`, `file:///…`, `%2e%2e/`, backslashes, drive letters,
device files and symbolic links that point elsewhere must all come to nothing.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def local_path(root: str, folder: str, reference: str) -> Path | None:
    """The file below `root` that `reference`, written in a page that lies in `folder` (relative to `root`, with
    forward slashes), means; None where it means anything else or nothing. A reference that starts with a slash is
    taken from `root`, as on a web server whose root that folder was. Percent-encoding is undone once, and only where
    the name as written is not there.

    >>> import tempfile; root = tempfile.mkdtemp(); _ = (Path(root) / "a b.png").write_bytes(b"x")
    >>> local_path(root, "docs", "../a%20b.png?v=2#top").name, local_path(root, "docs", "../../etc/passwd")
    ('a b.png', None)
    """
    if _SCHEME.match(reference) or reference.startswith(("//", "\\")):
        return None
    plain = re.split(r"[?#]", reference, maxsplit=1)[0]
    for path in dict.fromkeys((plain, unquote(plain, errors="surrogateescape"))):
        if found := _inside(root, folder, path):
            return found
    return None


def _inside(root: str, folder: str, path: str) -> Path | None:
    if not path or "\0" in path or "\\" in path or path.startswith("//") or len(path) > 4096:
        return None
    joined = path.lstrip("/") if path.startswith("/") else f"{folder}/{path}" if folder else path
    depth = 0
    for step in joined.split("/"):
        depth += -1 if step == ".." else 0 if step in ("", ".") else 1
        if depth < 0:
            return None
    base = os.path.realpath(root)
    try:
        real = os.path.realpath(os.path.join(base, joined))
        if os.path.commonpath([base, real]) != base or not stat.S_ISREG(os.stat(real).st_mode):
            return None
    except (OSError, ValueError):
        return None
    return Path(real)


def read_bounded(path: Path, limit: int) -> bytes | None:
    """The bytes of a regular file, None where it has more than `limit` or cannot be read."""
    try:
        # Opened without blocking and looked at once open: the file may have become a pipe since it was checked.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        try:
            data = file.read(limit + 1)
        except OSError:
            return None
    return data if len(data) <= limit else None
