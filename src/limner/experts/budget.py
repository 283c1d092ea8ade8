"""What remote models cost, counted over all processes of a machine, and a cap that refuses a request before it is sent.

    LIMNER_PRICES=prices.json    {"MODEL": [for a million tokens asked, for a million written], "MODEL@URL": [...]}, in any one currency
    LIMNER_BUDGET=5              so much of it may be spent, as the ledger has it
    LIMNER_TOKENS=2000000        so many tokens may be asked and written together
    LIMNER_LEDGER=spent.json     the ledger; by default in limner's cache. A new file begins a new count

A request is counted at its worst before it goes out, and at what it was when it is back; one that was never settled, since its process died, stays
counted at its worst.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from limner.errors import ExpertError
from limner.packages.cachedir import cache_folder

IMAGE = 1_500
"""Tokens that an image counts before the server has said how many it took."""

_ENTRY = {"requests": 0, "tokens_in": 0, "tokens_out": 0, "cost": 0.0}


@dataclass(frozen=True, slots=True)
class Held:
    """A request on its way, counted at its worst."""

    model: str
    tokens_in: int
    tokens_out: int
    cost: float


class Budget:
    """The ledger and its caps, as the environment has them when this is made."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._path = Path(environment.get("LIMNER_LEDGER") or cache_folder("answers") / "spent.json")
        self._money = _number(environment, "LIMNER_BUDGET")
        self._tokens = _number(environment, "LIMNER_TOKENS")
        self._prices = _prices(environment.get("LIMNER_PRICES", ""))

    def hold(self, model: str, tokens_in: int, tokens_out: int) -> Held:
        """Count a request to `MODEL@URL` at its worst. Raises `ExpertError` where that would pass a cap, or has no price while there is one."""
        price = self._price(model)
        if price is None and self._money is not None:
            raise ExpertError(f"{model} has no price, and LIMNER_BUDGET is set: name it in the file that LIMNER_PRICES says")
        cost = _cost(price, tokens_in, tokens_out)
        with self._ledger() as entries:
            spent = sum(float(entry["cost"]) for entry in entries.values())
            tokens = sum(int(entry["tokens_in"]) + int(entry["tokens_out"]) for entry in entries.values())
            if self._money is not None and spent + cost > self._money:
                raise ExpertError(
                    f"{model} is not asked: {spent:.4f} of {self._money:g} are spent, and this could cost {cost:.4f} (LIMNER_BUDGET; {self._path})"
                )
            if self._tokens is not None and tokens + tokens_in + tokens_out > self._tokens:
                raise ExpertError(
                    f"{model} is not asked: {tokens:,} of {self._tokens:,.0f} tokens are spent, and this could take "
                    f"{tokens_in + tokens_out:,} (LIMNER_TOKENS; {self._path})"
                )
            _add(entries, model, 1, tokens_in, tokens_out, cost)
        return Held(model, tokens_in, tokens_out, cost)

    def settle(self, held: Held, tokens_in: int, tokens_out: int) -> float:
        """Count a request at what it was; returns its cost, 0 where there is no price."""
        cost = _cost(self._price(held.model), tokens_in, tokens_out)
        with self._ledger() as entries:
            _add(entries, held.model, 0, tokens_in - held.tokens_in, tokens_out - held.tokens_out, cost - held.cost)
        return cost

    def release(self, held: Held) -> None:
        """Take back a request that was not answered."""
        with self._ledger() as entries:
            _add(entries, held.model, -1, -held.tokens_in, -held.tokens_out, -held.cost)

    def spent(self) -> dict[str, dict[str, Any]]:
        """What was asked of each `MODEL@URL`: requests, tokens, cost."""
        with self._ledger() as entries:
            return {model: dict(entry) for model, entry in entries.items()}

    def _price(self, model: str) -> tuple[float, float] | None:
        return self._prices.get(model) or self._prices.get(model.partition("@")[0])

    @contextmanager
    def _ledger(self) -> Generator[dict[str, dict[str, Any]]]:
        """The entries, alone; written back where all went well."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(f"{self._path}.lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            entries = _read(self._path)
            before = json.dumps(entries)
            yield entries
            if json.dumps(entries) != before:
                handle, name = tempfile.mkstemp(dir=self._path.parent)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump(entries, file, indent=1)
                os.replace(name, self._path)


def estimated(texts: int, images: int, messages: int) -> int:
    """Tokens that a prompt of so many characters, images and messages may take: half a token a character, which no common tokenizer passes
    on prose of any script by much."""
    return texts // 2 + 1 + images * IMAGE + 8 * messages


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text("utf-8"))
        return {str(model): {name: kind(entry[name]) for name, kind in _KINDS.items()} for model, entry in entries.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        # Counting anew from a damaged ledger would pass the cap.
        raise ExpertError(
            f"the ledger of what models cost cannot be read: {path}: {error}; mend it, or begin another with LIMNER_LEDGER"
        ) from None


_KINDS: dict[str, Callable[[Any], float]] = {"requests": int, "tokens_in": int, "tokens_out": int, "cost": float}


def _add(entries: dict[str, dict[str, Any]], model: str, requests: int, tokens_in: int, tokens_out: int, cost: float) -> None:
    entry = entries.setdefault(model, dict(_ENTRY))
    for name, more in zip(_KINDS, (requests, tokens_in, tokens_out, cost), strict=True):
        entry[name] = max(entry[name] + more, 0)


def _cost(price: tuple[float, float] | None, tokens_in: int, tokens_out: int) -> float:
    return (price[0] * tokens_in + price[1] * tokens_out) / 1e6 if price else 0.0


def _number(environment: Mapping[str, str], name: str) -> float | None:
    given = environment.get(name, "").strip()
    if not given:
        return None
    try:
        found = float(given)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise ExpertError(f"{name} is {given!r}: give a number that is not negative")
    return found


def _prices(path: str) -> dict[str, tuple[float, float]]:
    if not path:
        return {}
    try:
        given = cast("dict[str, Any]", json.loads(Path(path).read_text("utf-8")))
        return {model: (float(asked), float(written)) for model, (asked, written) in given.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ExpertError(
            f"LIMNER_PRICES: {path} is not {{MODEL: [asked, written]}}, each for a million tokens: {error}"
        ) from None
