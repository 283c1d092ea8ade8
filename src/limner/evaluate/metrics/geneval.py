"""GenEval: does an image show the things, numbers, colours and places that its prompt names (Ghosh et al. 2023, arXiv
2310.11513).

What is asked is the authors' metadata of a prompt (`prompts/evaluation_metadata.jsonl` of djghosh13/geneval). The rules are
theirs: all of what is included, none of what is excluded; of a thing the surest are looked at, as many as are asked for; a
place holds where the centres' offset, less a tenth of both sizes, is half of the distance or more. Published scores are of
Mask2Former's things and CLIP ViT-L/14's colours; by others they are others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from limner.corpus.pixels import Pixels
from limner.errors import LimnerError
from limner.evaluate.metrics.colours import COLOURS, Colourist
from limner.evaluate.metrics.detection import Box, Thing

TASKS = ("single_object", "two_object", "counting", "colors", "position", "color_attr")
POSITIONS = ("left of", "right of", "above", "below")


@dataclass(frozen=True, slots=True)
class Rules:
    """`least`: how sure a detector must be of a thing; `counted`: in the task `counting`; `most`: things of a name that are
    looked at; `apart`: the share of both sizes that an offset must pass."""

    least: float = 0.3
    counted: float = 0.9
    most: int = 16
    apart: float = 0.1


@dataclass(frozen=True, slots=True)
class Requirement:
    """So many things of a name at least, each of a colour, each at a position to all things of the requirement number
    `target`."""

    name: str
    count: int = 1
    colour: str = ""
    position: str = ""
    target: int = -1


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a prompt asks: `include` all of these, `exclude` each name with so many things or more."""

    task: str
    include: tuple[Requirement, ...]
    exclude: tuple[Requirement, ...] = ()
    text: str = ""


def prompt(metadata: Mapping[str, Any]) -> Prompt:
    """A prompt's metadata as the authors have it. Raises `LimnerError` for what is not so."""
    try:
        include = tuple(_requirement(row, number) for number, row in enumerate(cast("list[dict[str, Any]]", metadata["include"])))
        exclude = tuple(_requirement(row, 0) for row in cast("list[dict[str, Any]]", metadata.get("exclude", [])))
        task = str(metadata["tag"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise LimnerError(f"no metadata of GenEval: {type(error).__name__}: {error}") from None
    if task not in TASKS or not include:
        raise LimnerError(f"no metadata of GenEval: the tag is {task!r}, with {len(include)} things")
    return Prompt(task, include, exclude, str(metadata.get("prompt", "")))


def _requirement(row: Mapping[str, Any], number: int) -> Requirement:
    position, target = row.get("position", ("", -1))
    found = Requirement(str(row["class"]), int(row["count"]), str(row.get("color", "")), str(position), int(target))
    if found.count < 1 or (found.colour and found.colour not in COLOURS):
        raise ValueError(f"{found.count} of the colour {found.colour!r}")
    if found.position and (found.position not in POSITIONS or not 0 <= found.target < number):
        raise ValueError(f"the position {found.position!r} to the thing {found.target}")
    return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an image shows what is asked, and what is missing."""

    right: bool
    reasons: tuple[str, ...] = ()


def judged(
    asked: Prompt, things: Sequence[Thing], pixels: Pixels, colourist: Colourist | None = None, rules: Rules = Rules()
) -> Verdict:
    """What a detector found in an image against what is asked. Colours are asked of `colourist`."""
    held = _held(things, rules.counted if asked.task == "counting" else rules.least, rules.most)
    reasons: list[str] = []
    groups: list[list[Thing] | None] = []
    for wanted in asked.include:
        found = held.get(wanted.name, [])[: wanted.count]
        reason = _missing(wanted, found, groups, pixels, colourist, rules)
        reasons += [reason] if reason else []
        groups.append(None if reason else found)
    for unwanted in asked.exclude:
        count = len(held.get(unwanted.name, []))
        if count >= unwanted.count:
            reasons.append(f"{count} {unwanted.name}, fewer than {unwanted.count} are asked for")
    return Verdict(not reasons, tuple(reasons))


def _held(things: Sequence[Thing], least: float, most: int) -> dict[str, list[Thing]]:
    """Things by name, the surest first."""
    out: dict[str, list[Thing]] = {}
    for thing in sorted(things, key=lambda thing: -thing.score):
        if thing.score > least and len(out.get(thing.name, ())) < most:
            out.setdefault(thing.name, []).append(thing)
    return out


def _missing(
    wanted: Requirement,
    found: Sequence[Thing],
    groups: Sequence[list[Thing] | None],
    pixels: Pixels,
    colourist: Colourist | None,
    rules: Rules,
) -> str:
    """What a requirement lacks, "" where it is met."""
    if len(found) < wanted.count:
        return f"{len(found)} {wanted.name}, {wanted.count} are asked for"
    if wanted.colour:
        if colourist is None:
            raise LimnerError(f"GenEval asks for {wanted.colour} {wanted.name}: name who tells colours")
        seen = colourist.colours(pixels, [thing.box for thing in found], wanted.name)
        if seen.count(wanted.colour) < wanted.count:
            return f"{wanted.name} {', '.join(seen)}, {wanted.colour} is asked for"
    if wanted.position:
        target = groups[wanted.target]
        if target is None:
            return f"nothing there for {wanted.name} to be {wanted.position}"
        for holds in (positions(one.box, other.box, rules.apart) for one in found for other in target):
            if wanted.position not in holds:
                where = " and ".join(sorted(holds)) or "at the place of the other"
                return f"{wanted.name} {where}, {wanted.position} is asked for"
    return ""


def positions(one: Box, other: Box, apart: float = 0.1) -> frozenset[str]:
    """Where a thing is to another: none, one or two of `POSITIONS`.

    >>> sorted(positions((0, 0, 10, 10), (100, 90, 110, 100)))
    ['above', 'left of']
    """
    boxes = np.array([one, other], np.float64).reshape(2, 2, 2)
    centres, sizes = boxes.mean(1), np.abs(boxes[:, 1] - boxes[:, 0])
    offset = centres[0] - centres[1]
    left = np.maximum(np.abs(offset) - apart * sizes.sum(0), 0) * np.sign(offset)
    if (np.abs(left) < 1e-3).all():
        return frozenset()
    across, down = left / np.linalg.norm(offset)
    holds = {"left of": across < -0.5, "right of": across > 0.5, "above": down < -0.5, "below": down > 0.5}
    return frozenset(name for name, is_so in holds.items() if is_so)


def overall(verdicts: Iterable[tuple[str, bool]]) -> dict[str, float]:
    """The share of right images of each task, and `overall`, the mean over tasks."""
    by_task: dict[str, list[bool]] = {}
    for task, right in verdicts:
        by_task.setdefault(task, []).append(right)
    if not by_task:
        raise LimnerError("no image was judged")
    shares = {task: sum(found) / len(found) for task, found in by_task.items()}
    return {**shares, "overall": sum(shares.values()) / len(shares)}
