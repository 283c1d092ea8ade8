"""Encryption of a PDF for tests: the standard security handler, revision 3, RC4 with 128 bits (ISO 32000-1, 7.6.3, algorithms 2-5)."""

from __future__ import annotations

import hashlib
import struct

_PAD = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
ID = b"limner-test-file"
_MAY = -3904  # nothing but reading


def rc4(key: bytes, data: bytes) -> bytes:
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def _often(key: bytes, data: bytes) -> bytes:
    for i in range(20):
        data = rc4(bytes(b ^ i for b in key), data)
    return data


def _digest(data: bytes) -> bytes:
    for _ in range(51):
        data = hashlib.md5(data).digest()
    return data


class Lock:
    """The keys of a file with a user's and an owner's password; without the user's, anyone may read."""

    def __init__(self, user: str, owner: str) -> None:
        padded = (user.encode() + _PAD)[:32]
        self.owner = _often(_digest((owner.encode() + _PAD)[:32]), padded)
        self.key = _digest(padded + self.owner + struct.pack("<i", _MAY) + ID)
        self.user = _often(self.key, hashlib.md5(_PAD + ID).digest()) + bytes(16)

    def locked(self, data: bytes, number: int) -> bytes:
        """The bytes of a stream of object `number`."""
        return rc4(hashlib.md5(self.key + struct.pack("<I", number)[:3] + b"\0\0").digest(), data)

    @property
    def dictionary(self) -> str:
        return f"<< /Filter /Standard /V 2 /R 3 /Length 128 /P {_MAY} /O <{self.owner.hex()}> /U <{self.user.hex()}> >>"
