"""Operators by name: built in, from other packages (entry points of the group `limner.operators`), or registered here.

A class is imported when its operator is asked for, so that a plan pays only for what it names. Settings come as
they stand in a TOML or JSON plan; they are checked against the types of the dataclass and brought into them (a
list becomes a tuple, a whole number a float).
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import json
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from limner.errors import LimnerError, PlanError

BUILTIN: dict[str, str] = {
    "url-rules": "limner.curate.url:UrlRules",
    "language": "limner.curate.language:LanguageFilter",
    "text-class": "limner.curate.textclass:TextClass",
    "quality": "limner.curate.quality:Quality",
    "paragraph-quality": "limner.curate.quality:ParagraphQuality",
    "repetition": "limner.curate.repetition:Repetition",
    "c4-rules": "limner.curate.c4:C4Rules",
    "flagged-words": "limner.curate.flagged:FlaggedWords",
    "boilerplate": "limner.curate.boilerplate:Boilerplate",
    "pii": "limner.curate.pii:MaskPii",
    "pairs": "limner.curate.degrade:Pairs",
    "plain-text": "limner.curate.degrade:PlainText",
    "sample": "limner.curate.sample:Sample",
    "limit": "limner.curate.balance:Limit",
    "balance": "limner.curate.balance:Balance",
    "paragraph-rules": "limner.curate.paragraph_rules:ParagraphRules",
    "paragraph-lengths": "limner.curate.shape:ParagraphLengths",
    "text-length": "limner.curate.shape:TextLength",
    "part-length": "limner.curate.shape:PartLength",
    "require-images": "limner.curate.shape:RequireImages",
    "image-rules": "limner.curate.images:ImageRules",
    "image-count": "limner.curate.images:ImageCount",
    "near-duplicates": "limner.curate.duplicates:NearDuplicates",
    "duplicate-sets": "limner.curate.duplicate_sets:DuplicateSets",
    "duplicate-urls": "limner.curate.duplicate_sets:DuplicateUrls",
    "duplicate-paragraphs": "limner.curate.duplicate_paragraphs:DuplicateParagraphs",
    "repeated-paragraphs": "limner.curate.duplicate_paragraphs:RepeatedParagraphs",
    "duplicate-images": "limner.curate.duplicate_images:DuplicateImages",
    "repeated-images": "limner.curate.duplicate_images:RepeatedImages",
    "flat-images": "limner.curate.images:FlatImages",
    "unsafe-images": "limner.curate.unsafe:UnsafeImages",
    "caption-detection": "limner.curate.captions:CaptionDetection",
    "align": "limner.curate.align:Align",
    "joint-rank": "limner.curate.joint:JointRank",
    "text-sequence": "limner.curate.coherence:TextSequence",
    "image-sequence": "limner.curate.imagesequence:ImageSequence",
    "image-words": "limner.curate.imagewords:ImageWords",
    "speech-quality": "limner.curate.spoken:SpeechQuality",
    "refine-speech": "limner.curate.spoken:RefineSpeech",
    "shot-relevance": "limner.curate.shots:ShotRelevance",
    "frame-text": "limner.curate.shots:FrameText",
    "annotate-shots": "limner.curate.shots:AnnotateShots",
    "narrate-shots": "limner.curate.shots:NarrateShots",
    "decontaminate": "limner.curate.decontaminate:Decontaminate",
}

GROUP = "limner.operators"

_registered: dict[str, type] = {}
_C = TypeVar("_C", bound=type)


@dataclass(frozen=True)
class Setting:
    """One setting of an operator; `default` is None and `required` true where it has none."""

    name: str
    type: str
    default: Any
    required: bool
    doc: str


@dataclass(frozen=True)
class Description:
    """What an operator does, as its class says it. `shape` is document, batch or global."""

    name: str
    shape: str
    summary: str
    doc: str
    settings: tuple[Setting, ...]
    presets: Mapping[str, Mapping[str, Any]]
    where: str


def register(name: str) -> Callable[[_C], _C]:
    """Register a frozen dataclass as the operator `name` in this process.

    Raises `PlanError` when the name is taken by another class.
    """

    def take(cls: _C) -> _C:
        if not (is_dataclass(cls) and cls.__dataclass_params__.frozen):  # type: ignore[attr-defined]
            raise PlanError(f"operator {name!r}: {cls.__name__} is not a frozen dataclass")
        known = _registered.get(name)
        other = f"{known.__module__}:{known.__qualname__}" if known else BUILTIN.get(name)
        if other not in (None, f"{cls.__module__}:{cls.__qualname__}"):
            raise PlanError(f"operator {name!r} is already {other}; choose another name")
        _registered[name] = cls
        return cast("_C", cls)

    return take


@cache
def _entry_points() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> list[str]:
    """The names of all operators that can be built, sorted."""
    return sorted({*BUILTIN, *_registered, *_entry_points()})


def load(name: str) -> type:
    """The class of the operator `name`; raises `PlanError` for a name nobody registered."""
    if name in _registered:
        return _registered[name]
    if name in BUILTIN:
        module, _, cls = BUILTIN[name].partition(":")
        return cast("type", getattr(importlib.import_module(module), cls))
    if name in _entry_points():
        point = _entry_points()[name]
        try:
            found = point.load()
        except LimnerError:
            raise
        except Exception as error:
            raise PlanError(f"operator {name!r} ({point.value}) does not load: {error}") from error
        if not (isinstance(found, type) and is_dataclass(found)):
            raise PlanError(f"operator {name!r} ({point.value}) is not a dataclass")
        return found
    raise PlanError(f"there is no operator {name!r}{_closest(name, names())}; `limner operators` lists them")


def operator(name: str, **settings: Any) -> Any:
    """The operator `name` with those settings; `preset` names a set of them the operator has, which the others amend.

    Raises `PlanError` for an unknown operator, an unknown setting, or a value of the wrong type or range.

    >>> operator("sample", share=1).share
    1.0
    """
    cls = load(name)
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls) if f.init}
    given: dict[str, Any] = {}
    if "preset" in settings and "preset" not in known:
        given |= _preset(name, cls, settings.pop("preset"))
    for key, value in settings.items():
        field_name = key.replace("-", "_")
        if field_name not in known:
            raise PlanError(f"operator {name!r} has no setting {key!r}{_closest(field_name, list(known))}")
        try:
            given[field_name] = coerce(value, hints[field_name])
        except TypeError as error:
            raise PlanError(f"operator {name!r}: setting {key!r} {error}") from None
    for f in known.values():
        if f.default is MISSING and f.default_factory is MISSING and f.name not in given:
            raise PlanError(f"operator {name!r} needs the setting {f.name!r} ({type_name(hints[f.name])})")
    try:
        return cls(**given)
    except LimnerError as error:
        raise PlanError(f"operator {name!r}: {error}") from None
    except (TypeError, ValueError) as error:
        raise PlanError(f"operator {name!r}: {error}") from error


def _preset(name: str, cls: type, preset: object) -> Mapping[str, Any]:
    presets = cast("Mapping[str, Mapping[str, Any]]", getattr(cls, "PRESETS", {}))
    if not presets:
        raise PlanError(f"operator {name!r} has no presets")
    if not isinstance(preset, str) or preset not in presets:
        raise PlanError(f"operator {name!r} has no preset {preset!r}; it has {', '.join(presets)}")
    return presets[preset]


def coerce(value: Any, hint: Any) -> Any:
    """`value` as the type `hint` says; raises `TypeError` saying what it is and what it should be."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        for option in arguments:
            if value is None and option is type(None):
                return None
        for option in arguments:
            try:
                return coerce(value, option)
            except TypeError:
                continue
        raise TypeError(_wrong(value, hint))
    if origin is Literal:
        if value in arguments and type(value) in {type(a) for a in arguments}:
            return value
        raise TypeError(_wrong(value, hint))
    if origin is tuple or hint is tuple:
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise TypeError(_wrong(value, hint))
        items = cast("Sequence[Any]", value)
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(coerce(item, arguments[0]) for item in items)
        if arguments and len(arguments) != len(items):
            raise TypeError(_wrong(value, hint))
        return tuple(coerce(item, a) for item, a in zip(items, arguments, strict=True)) if arguments else tuple(items)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise TypeError(_wrong(value, hint))
        pairs = cast("Mapping[Any, Any]", value)
        key, item = arguments or (Any, Any)
        return {coerce(k, key): coerce(v, item) for k, v in pairs.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is str and isinstance(value, Path):
        return str(value)
    if isinstance(hint, type) and isinstance(value, hint) and not (isinstance(value, bool) and hint is not bool):
        return value
    raise TypeError(_wrong(value, hint))


def describe(name: str) -> Description:
    """What the operator `name` does and its settings, from its class: for `limner operators` and the docs."""
    cls = load(name)
    doc = inspect.cleandoc(cls.__doc__ or "")
    hints = get_type_hints(cls)
    about = _setting_docs(doc)
    settings: list[Setting] = []
    for f in fields(cls):
        if not f.init:
            continue
        default: Any = f.default_factory() if f.default_factory is not MISSING else f.default
        required = default is MISSING
        settings.append(Setting(f.name, type_name(hints[f.name]), None if required else default, required, about.get(f.name, "")))
    shape = "global" if hasattr(cls, "decide") else "batch" if hasattr(cls, "batch") else "document"
    return Description(
        name=name,
        shape=shape,
        summary=" ".join(doc.split("\n\n")[0].split()),
        doc=doc,
        settings=tuple(settings),
        presets={name: dict(preset) for name, preset in getattr(cls, "PRESETS", {}).items()},
        where=f"{cls.__module__}:{cls.__qualname__}",
    )


def name_of(op: object) -> str:
    """The name an operator is registered under, or `module:Class` where it is not."""
    cls = type(op)
    for name, known in _registered.items():
        if known is cls:
            return name
    where = f"{cls.__module__}:{cls.__qualname__}"
    for name, target in BUILTIN.items():
        if target == where:
            return name
    for name, point in _entry_points().items():
        if point.value.replace(" ", "") == where:
            return name
    return where


def settings(op: object) -> dict[str, Any]:
    """The settings of an operator as JSON-ready values: `operator(name_of(op), **settings(op)) == op`."""
    if not is_dataclass(op) or isinstance(op, type):
        raise PlanError(f"{op!r} is not an operator: operators are instances of dataclasses")
    return {f.name: _plain(getattr(op, f.name)) for f in fields(op) if f.init}


def fingerprint(op: object) -> str:
    """A sha256 over the name of an operator, its settings and the contents of the files it names: settings whose
    field has the metadata `{"file": True}`, a path or a tuple of paths, of files or folders. Changes when its results may."""
    state: list[Any] = [name_of(op), settings(op)]
    for f in fields(cast("Any", op)):
        if f.metadata.get("file"):
            value = getattr(op, f.name)
            paths = cast("tuple[str, ...]", (value,) if isinstance(value, str) else value or ())
            state += [_content(Path(path)) for path in paths if path]
    return hashlib.sha256(json.dumps(state, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _content(path: Path) -> str:
    """A sha256 over a file, or over the names and contents of all files in a folder."""
    if not path.is_dir():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    inside = sorted(file for file in path.rglob("*") if file.is_file())
    listed = [[str(file.relative_to(path)), hashlib.sha256(file.read_bytes()).hexdigest()] for file in inside]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()


def type_name(hint: Any) -> str:
    """A type as a person writes it in a plan: `str`, `list of str`, `float or none`."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is type(None):
        return "none"
    if origin in (Union, types.UnionType):
        return " or ".join(type_name(option) for option in arguments)
    if origin is Literal:
        return " or ".join(json.dumps(option) for option in arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return f"list of {type_name(arguments[0])}"
    if origin is tuple:
        return f"[{', '.join(type_name(a) for a in arguments)}]"
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return f"table of {type_name(arguments[1])}" if arguments else "table"
    return getattr(hint, "__name__", str(hint))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[Any, Any]", value)
        return {str(k): _plain(v) for k, v in pairs.items()}
    if isinstance(value, frozenset | set):
        return sorted(_plain(v) for v in cast("set[Any]", value))
    if isinstance(value, tuple | list):
        return [_plain(v) for v in cast("list[Any]", value)]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Path):
        return str(value)
    raise PlanError(f"a setting of the value {value!r} cannot stand in a plan: use text, numbers, lists and tables")


_SETTING_LINE = re.compile(r"`(\w+)`\s{2,}(\S.*)")


def _setting_docs(doc: str) -> dict[str, str]:
    """The lines of a docstring that read "`setting`  what it does", with their indented continuations."""
    found: dict[str, str] = {}
    current = ""
    for line in doc.splitlines():
        match = _SETTING_LINE.match(line)
        if match:
            current = match[1]
            found[current] = match[2]
        elif current and line.startswith("  ") and line.strip():
            found[current] += " " + line.strip()
        else:
            current = ""
    return found


def _wrong(value: Any, hint: Any) -> str:
    return f"is {value!r} of type {type(value).__name__}, not {type_name(hint)}"


def _closest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""
