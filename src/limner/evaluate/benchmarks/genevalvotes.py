"""What people said of images made of GenEval's prompts (`annotations/annotations_*.csv` of the authors' repository).

For each of 400 images of a system five people wrote what they see: how many of the one and the other thing, in which colours, where the second is
to the first, and, from 1 to 4, how well the image fits its caption. `right` says, by the rules that images are scored by, whether an image is
what its prompt asks for according to one of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from limner.evaluate.benchmark import BenchmarkError
from limner.evaluate.benchmarks.files import Row, opened, rows
from limner.evaluate.metrics.geneval import Prompt, prompt


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person said of an image: counts and colours of the prompt's things, where the second is to the first (`left`, `above`, ...), how
    well the caption fits (1-4)."""

    image: str
    prompt: int
    counts: tuple[int, ...]
    colours: tuple[frozenset[str], ...]
    places: frozenset[str]
    fits: int


def prompts(file: Path) -> list[Prompt]:
    """The prompts of `evaluation_metadata.jsonl`, in its order, by which votes number them."""
    return [prompt(row.values) for row in _rows(file)]


def votes(file: Path) -> list[Vote]:
    """The votes of a file. Raises `BenchmarkError` for a record that is none."""
    return [_vote(row) for row in _rows(file)]


def right(vote: Vote, asked: Prompt) -> bool:
    """Whether the image is what is asked for, according to the vote: as many of each thing as asked or more (in the task `counting`, not more),
    in the colour asked, at the place asked.

    >>> from limner.evaluate.metrics.geneval import Requirement
    >>> cow = Prompt("colors", (Requirement("cow", colour="red"),))
    >>> right(Vote("0_0", 0, (2,), (frozenset({"red", "white"}),), frozenset(), 4), cow)
    True
    """
    for number, wanted in enumerate(asked.include):
        if vote.counts[number] < wanted.count or (wanted.colour and wanted.colour not in vote.colours[number]):
            return False
        if wanted.position and wanted.position.split()[0] not in vote.places:
            return False
    return not any(
        wanted.name == other.name and vote.counts[number] >= other.count
        for other in asked.exclude
        for number, wanted in enumerate(asked.include)
    )


def pairwise_agreement(found: Sequence[Vote], asked: Sequence[Prompt]) -> dict[str, float]:
    """By task and `all`: how often two people who saw the same image come to the same, over all such pairs."""
    same: dict[str, int] = defaultdict(int)
    pairs: dict[str, int] = defaultdict(int)
    for image, said in by_image(found, asked).items():
        task = asked[image[1]].task
        for one, other in combinations(said, 2):
            for name in (task, "all"):
                pairs[name] += 1
                same[name] += one == other
    return {name: same[name] / count for name, count in pairs.items()}


def unanimous(found: Sequence[Vote], asked: Sequence[Prompt]) -> float:
    """The share of images of which all people say the same."""
    images = by_image(found, asked)
    return sum(len(set(said)) == 1 for said in images.values()) / len(images)


def shares(found: Sequence[Vote], asked: Sequence[Prompt]) -> dict[str, float]:
    """By task, the share of images that most people call right; `overall` is the mean over tasks."""
    tasks: dict[str, list[bool]] = defaultdict(list)
    for (_, number), said in by_image(found, asked).items():
        tasks[asked[number].task].append(2 * sum(said) > len(said))
    means = {task: sum(values) / len(values) for task, values in tasks.items()}
    return means | {"overall": sum(means.values()) / len(means)}


def by_image(found: Sequence[Vote], asked: Sequence[Prompt]) -> Mapping[tuple[str, int], Sequence[bool]]:
    """What each person says of an image, by the image and its prompt's number."""
    out: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for vote in found:
        if not 0 <= vote.prompt < len(asked):
            raise BenchmarkError(f"a vote on {vote.image} is about prompt {vote.prompt}; there are {len(asked)}")
        out[vote.image, vote.prompt].append(right(vote, asked[vote.prompt]))
    return out


def _vote(row: Row) -> Vote:
    counts = tuple(row.whole(f"Answer.task-count-{n}") if row.has(f"Answer.task-count-{n}") else 0 for n in (0, 1))
    colours = tuple(frozenset(filter(None, row.text(f"Answer.task-color-{n}", "").split("|"))) for n in (0, 1))
    places = frozenset(row.text(f"Answer.task-position-{axis}", "") for axis in "xy")
    return Vote(row.text("Input.index"), row.whole("Input.prompt_id"), counts, colours, places, row.whole("Answer.task-quality"))


def _rows(file: Path) -> Iterator[Row]:
    if not file.is_file():
        raise BenchmarkError(f"{file} is not a file")
    return rows(opened(file.parent, "the votes"), file.name)
