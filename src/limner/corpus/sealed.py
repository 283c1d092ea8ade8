"""Small JSON records with a checksum of their own, so that a changed byte is found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, cast

SUM = "sum"


def digest(data: bytes) -> str:
    """Names bytes: 64 bits of BLAKE2b in hexadecimal, against damage and not against an attacker."""
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def seal(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its checksum as the entry `sum`."""
    return {**record, SUM: _sum(record)}


def unseal(record: object) -> tuple[dict[str, Any], bool]:
    """The record without its checksum, and whether it is as it was sealed (True too where it has none). Raises
    `ValueError` where it is not a record."""
    if not isinstance(record, dict):
        raise ValueError("not an object")
    rest = dict(cast("dict[str, Any]", record))
    if SUM in rest:
        found: object = rest.pop(SUM)
        return rest, found == _sum(rest)
    # Written by hand, or sealed and the name of the seal itself damaged.
    return rest, not any(value == _sum({k: v for k, v in rest.items() if k != key}) for key, value in rest.items())


def _sum(record: Mapping[str, Any]) -> str:
    return digest(json.dumps(record, sort_keys=True, separators=(",", ":"), default=list).encode())
