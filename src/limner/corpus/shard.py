"""Media shards: ordinary tar archives whose members are named by sha256, read by offset without unpacking."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import IO, BinaryIO

_BLOCK = 512
_EXTENSIONS = {
    "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg",
    "image/bmp": "bmp", "image/tiff": "tif", "image/x-icon": "ico", "image/avif": "avif", "image/heic": "heic",
    "image/jxl": "jxl", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/wav": "wav", "audio/flac": "flac",
    "video/mp4": "mp4", "video/webm": "webm", "video/ogg": "ogv", "application/pdf": "pdf",
    "model/gltf-binary": "glb", "model/gltf+json": "gltf",
}  # fmt: skip


def extension(mime: str) -> str:
    """The usual file extension of a media type, without a dot; `bin` for one limner does not know."""
    return _EXTENSIONS.get(mime, "bin")


class ShardWriter:
    """Writes a tar in the ustar format (so that any tar reads it), with every date 0: same media, same bytes."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = os.fspath(path)
        self._file: BinaryIO = open(path, "wb")  # noqa: SIM115 - closed by close()
        self._offset = 0

    def add(self, name: str, data: bytes) -> int:
        """Append a member and return the offset of its first byte."""
        self._file.write(_header(name, len(data)))
        start = self._offset + _BLOCK
        self._file.write(data)
        padding = -len(data) % _BLOCK
        self._file.write(b"\0" * padding)
        self._offset = start + len(data) + padding
        return start

    def close(self) -> None:
        """Write the end of the archive."""
        if not self._file.closed:
            self._file.write(b"\0" * (2 * _BLOCK))
            self._file.close()


def _header(name: str, size: int) -> bytes:
    fields = (
        name.encode("ascii").ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + b"%011o\0" % size + b"%011o\0" % 0
        + b" " * 8 + b"0" + b"\0" * 100 + b"ustar\x0000" + b"\0" * 247
    )  # fmt: skip
    checksum = sum(fields)
    return fields[:148] + b"%06o\0 " % checksum + fields[156:]


def members(file: IO[bytes]) -> Iterator[tuple[str, int, int]]:
    """The members of a shard as (name, offset, size), for checking one against its table. Raises `ValueError`
    where the archive is damaged."""
    offset = 0
    while True:
        file.seek(offset)
        header = file.read(_BLOCK)
        if len(header) < _BLOCK:
            raise ValueError(f"the archive ends at byte {offset} without its end mark")
        if header == b"\0" * _BLOCK:
            return
        try:
            name, size = header[:100].rstrip(b"\0").decode("ascii"), int(header[124:135], 8)
        except ValueError:
            name, size = "", -1
        if size < 0 or header != _header(name, size):
            raise ValueError(f"the member header at byte {offset} is damaged")
        yield name, offset + _BLOCK, size
        offset += _BLOCK + size + (-size % _BLOCK)
