"""Tar shards of WebDataset's kind: members that share a key lie side by side and make a sample.

The key is what stands before the first dot of a member's base name, with its folder; the rest is the extension
(https://github.com/webdataset/webdataset, `base_plus_ext` and `group_by_keys` in webdataset/tariterators.py).
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from limner.errors import FormatError
from limner.formats.fileformat import Bad
from limner.formats.folder import Folder

MAX_MEMBER = 256 * 2**20
MAX_SAMPLE = 2**30
"""No member, and no sample in all, of more bytes than these is read."""

MAX_NAME = 4096
"""A member with a longer name is passed over."""

_NAME = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)\Z", re.DOTALL)


@dataclass
class Sample:
    """The members of one key, by extension in lower case."""

    key: str
    members: dict[str, bytes] = field(default_factory=dict[str, bytes])
    problem: str = ""


def samples(folder: Folder, name: str) -> Iterator[tuple[str, Sample | Bad]]:
    """The samples of an archive, in order, with their places. Nothing is unpacked to the disk. Raises `FormatError`
    where the archive cannot be read on."""
    with folder.open(name) as file:
        current: Sample | None = None
        total = 0
        try:
            # Never compressed: a small file cannot grow here.
            with tarfile.open(fileobj=file, mode="r|") as archive:
                for member in archive:
                    match = _NAME.match(member.name) if len(member.name) <= MAX_NAME else None
                    if match is None or not member.isreg():
                        continue
                    key, kind = match[1], match[2].lower()
                    if current is None or key != current.key:
                        if current is not None:
                            yield _whole(current)
                        current, total = Sample(key), 0
                    total += max(member.size, 0)
                    if not 0 <= member.size <= MAX_MEMBER or total > MAX_SAMPLE:
                        current.problem = f"{kind} is too large"
                        continue
                    if data := archive.extractfile(member):
                        current.members[kind] = data.read()
        except (tarfile.TarError, OSError, EOFError, ValueError, RecursionError, OverflowError) as error:
            after = f" after sample {current.key[:80]}" if current else ""
            raise FormatError(f"a damaged archive{after}: {error}") from None
        if current is not None:
            yield _whole(current)


def _whole(sample: Sample) -> tuple[str, Sample | Bad]:
    where = f"sample {sample.key[:200]}"
    return where, Bad(where, FormatError(sample.problem)) if sample.problem else sample
