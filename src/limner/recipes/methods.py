"""What `limner train` knows: three plain models that differ in how they write images, and the recipes whose module has `METHODS`, a `Method` a scale;
and how their settings are changed."""

from __future__ import annotations

import dataclasses
import importlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from limner.errors import LimnerError
from limner.models.composed import Composition, Pictures
from limner.models.decoder import DecoderSettings
from limner.models.positions import Rotary
from limner.models.tokenizers import BlockSettings
from limner.recipes.recipe import SCALES, Scale, recipes
from limner.train.method import Method
from limner.train.schedule import Schedule
from limner.train.trainer import Fit


def plain(head: Literal["codes", "diffusion", "flow"], scale: Scale) -> Method:
    """A decoder that reads and writes words and images: as codes of a codebook, as vectors drawn one by one, or whole images denoised."""
    kind: Any = {"codes": "codes", "diffusion": "soft", "flow": "gaussian"}[head]
    small, middle, large = (
        (DecoderSettings(64, 2, 2, 2, 128), BlockSettings(width=32, depth=1, heads=2, patch=8), 16, 500, 20),
        (DecoderSettings(256, 6, 4, 2, 688), BlockSettings(width=128, depth=2, patch=4), 32, 4_096, 3_000),
        (DecoderSettings(1_024, 16, 16, 8, 2_816), BlockSettings(width=512, depth=8, heads=8, patch=8), 128, 32_768, 50_000),
    )
    decoder, blocks, side, words, steps = {"smoke": small, "laptop": middle, "gpu": large}[scale]
    copies = 2 if head == "flow" else 1
    decoder = replace(decoder, copies=copies, rotary=Rotary("interleaved"))
    made = Composition(Pictures(kind, side, 1_024 if scale != "smoke" else 64, 8, blocks), decoder, head, words)
    fit = Fit(
        steps=steps,
        rate=1e-3,
        schedule=Schedule(warm=min(100, steps // 10)),
        ema=0.999,
        save=min(500, steps),
        log=min(50, steps // 4),
    )
    pictures = replace(fit, steps=max(steps // 3, 10), ema=0.0)
    tokens = {"smoke": 512, "laptop": 2_048, "gpu": 32_768}[scale]
    return Method(made, stages=(("all", fit, None),), pictures=pictures, tokens=tokens, context=tokens // 2)


def _plain() -> dict[str, Mapping[Scale, Method]]:
    heads: tuple[Literal["codes", "diffusion", "flow"], ...] = ("codes", "diffusion", "flow")
    return {head: {scale: plain(head, scale) for scale in SCALES} for head in heads}


def methods() -> dict[str, Mapping[Scale, Method]]:
    """The methods of each recipe that has some, by its slug, and the plain ones (`codes`, `diffusion`, `flow`)."""
    found = _plain()
    for slug, recipe in recipes().items():
        if each := getattr(importlib.import_module(recipe.module), "METHODS", None):
            found[slug] = each
    return found


def method(name: str, scale: str = "laptop", changes: Iterable[str] = ()) -> Method:
    """The method of a recipe, or that a TOML file describes: `recipe`, `scale`, and settings under their names. `changes` are `key.key=value`.

    Raises `LimnerError` for a recipe that does not train from a corpus, a setting there is not, or a value that it does not take.
    """
    stated: dict[str, Any] = {}
    if name.endswith(".toml"):
        try:
            stated = tomllib.loads(Path(name).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise LimnerError(f"{name} is not a TOML file that can be read: {error}") from None
        scale, name = str(stated.pop("scale", scale)), str(stated.pop("recipe", ""))
    known = _plain()
    if name not in known:
        known = methods()  # which loads every recipe
    if name not in known:
        raise LimnerError(f"nothing called {name!r} trains from a corpus; {', '.join(known) or 'none'} do")
    if scale not in known[name]:
        raise LimnerError(f"{name} has no scale {scale!r}; it has {', '.join(known[name])}")
    found = _amended(known[name][scale], stated, name)  # type: ignore[index]
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise LimnerError(f"--set takes KEY=VALUE, not {change!r}")
        found = _amended(found, _nested(key.split("."), _value(value)), name)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _nested(keys: list[str], value: Any) -> dict[str, Any]:
    return {keys[0]: _nested(keys[1:], value) if len(keys) > 1 else value}


def _amended(settings: Any, changes: Mapping[str, Any], where: str) -> Any:
    """Settings with changes; those of `stages` go to every stage."""
    given: dict[str, Any] = {}
    names = {field.name for field in dataclasses.fields(settings)}
    for key, value in changes.items():
        if key not in names:
            raise LimnerError(f"{where} has no setting {key!r}; it has {', '.join(sorted(names))}")
        now = getattr(settings, key)
        if key == "stages" and isinstance(value, Mapping):
            given[key] = tuple((name, _amended(fit, value, f"{where}.{key}"), reading) for name, fit, reading in now)
        elif dataclasses.is_dataclass(now):
            if not isinstance(value, Mapping):
                raise LimnerError(f"{where}.{key} is a group of settings, as {key}.{dataclasses.fields(now)[0].name}=…")
            given[key] = _amended(now, value, f"{where}.{key}")
        else:
            given[key] = _typed(value, now, f"{where}.{key}")
    return dataclasses.replace(settings, **given)


def _typed(value: Any, now: Any, where: str) -> Any:
    if isinstance(now, tuple) and isinstance(value, list):
        return tuple(value)
    if isinstance(now, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if now is not None and type(value) is not type(now):
        raise LimnerError(f"{where} takes {type(now).__name__}, not {value!r}")
    return value
