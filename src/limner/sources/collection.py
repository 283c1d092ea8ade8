"""Which videos of a folder to take: a taxonomy of what is to be learned, each point of it a query, candidates told by their metadata.

2.5 Years in Class (Zhang et al. 2025, arXiv 2501.00958, section 3.1 and 7.4) has a language model span a taxonomy of four layers (subject, course,
sub-course, knowledge point), searches a video site for each knowledge point, keeps the first fifty videos, each once, and looks at their
titles and descriptions. Here the site is a folder: a video's metadata are in a file beside it, `NAME.info.json`, as yt-dlp
(https://github.com/yt-dlp/yt-dlp, --write-info-json) writes them: `id`, `title`, `description`, `tags`. No video is opened.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from limner.errors import SourceError
from limner.experts.language import LanguageModel, Sampling, user
from limner.experts.text_encoder import TextEncoder

BESIDE = ".info.json"
MAX_BYTES = 16 * 2**20
MAX_CANDIDATES = 1_000_000

_LINE = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•])\s*(.+)$", re.MULTILINE)
_LONG = 8  # words of a point: more is a sentence
_DESCRIBED = 300  # characters of a description that are compared


@dataclass(frozen=True, slots=True)
class Point:
    """Something to be learned, and where it stands in the taxonomy."""

    subject: str
    course: str
    sub: str
    name: str

    @property
    def query(self) -> str:
        """What is searched for."""
        return ", ".join(dict.fromkeys(part for part in (self.name, self.sub, self.course, self.subject) if part))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A video as its metadata tell of it."""

    path: str
    id: str
    title: str
    description: str = ""
    tags: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What is compared with a query."""
        return "\n".join(part for part in (self.title, ", ".join(self.tags), self.description[:_DESCRIBED]) if part)


@dataclass(frozen=True, slots=True)
class Found:
    """A video that was chosen, the point it fits best, and how well (cosine)."""

    candidate: Candidate
    point: Point
    score: float


def propose(subject: str, model: LanguageModel, courses: int = 5, points: int = 6) -> list[Point]:
    """A taxonomy of one subject as a language model has it: so many courses, the topics of each, the knowledge points of these. What a small
    model says should be read before it is used; `save` writes it to a file for that."""
    found: list[Point] = []
    named = _list(model, [f"List {courses} courses that teach the subject {subject!r} in school, one a line, names only."])[0]
    named = named[:courses]
    topics = _list(
        model, [f"List {points} topics of the course {course!r} on {subject}, one a line, names only." for course in named]
    )
    asked = [(course, topic) for course, each in zip(named, topics, strict=True) for topic in each[:points]]
    questions = [
        f"List {points} things to know about {topic!r} in a course on {subject}, one a line, names only." for _, topic in asked
    ]
    for (course, topic), names in zip(asked, _list(model, questions), strict=True):
        found.append(Point(subject, course, topic, topic))
        found += [Point(subject, course, topic, name) for name in names[:points]]
    return list(dict.fromkeys(found))


def _list(model: LanguageModel, questions: Sequence[str]) -> list[list[str]]:
    """The lines of each answer, as names."""
    answers = model.answer([[user(question)] for question in questions], Sampling(tokens=160)) if questions else []
    return [_names(answer.text) for answer in answers]


def _names(text: str) -> list[str]:
    """The entries of a list, without what explains them.

    >>> _names("Sure:\\n1. **Birds**: they fly\\n2) Fish - they swim\\n- Birds")
    ['Birds', 'Fish']
    """
    lines = (re.split(r"\s*[:–—]\s|\s-\s|:\*\*|:\Z", line.replace("**", ""))[0].strip(" .\"'`") for line in _LINE.findall(text))
    return list(dict.fromkeys(line for line in lines if line and len(line.split()) <= _LONG))


def save(points: Sequence[Point], path: Path) -> None:
    """Write a taxonomy as JSON, a point an object."""
    path.write_text(json.dumps([asdict(point) for point in points], indent=1, ensure_ascii=False) + "\n", "utf-8")


def load(path: Path) -> list[Point]:
    """Read a taxonomy that `save` wrote or a person did. Raises `SourceError` where it is none."""
    try:
        rows = cast("list[dict[str, Any]]", json.loads(path.read_text("utf-8")))
        return [Point(*(str(row.get(key, "")) for key in ("subject", "course", "sub")), name=str(row["name"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{path} is no taxonomy: a list of objects with subject, course, sub and name ({error})") from None


def candidates(folder: Path) -> list[Candidate]:
    """The videos of a folder, and of the folders in it, that have metadata beside them. Metadata that cannot be read are passed over, and so
    are links."""
    found: list[Candidate] = []
    for place, folders, names in os.walk(folder):
        folders.sort()
        present = set(names)
        for name in sorted(names):
            if not name.endswith(BESIDE) or len(found) == MAX_CANDIDATES:
                continue
            file = Path(place, name)
            stem = name.removesuffix(BESIDE) + "."
            video = next(
                (other for other in sorted(present) if other.startswith(stem) and not other.endswith((".json", ".srt", ".vtt"))),
                "",
            )
            if video and not file.is_symlink() and file.stat().st_size <= MAX_BYTES and (read := _read(file, Path(place, video))):
                found.append(read)
    return found


def _read(file: Path, video: Path) -> Candidate | None:
    try:
        stated = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(stated, dict):
        return None
    given = cast("dict[str, Any]", stated)
    tags = cast("list[Any]", given["tags"]) if isinstance(given.get("tags"), list) else []
    text = {key: given[key] if isinstance(given.get(key), str) else "" for key in ("id", "title", "description")}
    return Candidate(
        str(video), text["id"] or video.name, text["title"] or video.stem, text["description"], tuple(str(tag)[:100] for tag in tags[:50])
    )  # fmt: skip


def collect(
    points: Sequence[Point], given: Sequence[Candidate], encoder: TextEncoder, top: int = 50, least: float = 0.35
) -> list[Found]:
    """The videos that are among the `top` for some point and fit it by a cosine of `least` or more, each once, with the point it fits
    best; the best first. Videos with the same id are one."""
    unique = list({candidate.id: candidate for candidate in reversed(given)}.values())[::-1]
    if not unique or not points:
        return []
    alike = encoder.embed([candidate.text for candidate in unique]) @ encoder.embed([point.query for point in points]).T
    best: dict[int, tuple[float, int]] = {}
    for column in range(len(points)):
        for row in alike[:, column].argsort()[::-1][:top].tolist():
            score = float(alike[row, column])
            if score >= least and score > best.get(row, (-1.0, 0))[0]:
                best[row] = (score, column)
    return [
        Found(unique[row], points[column], score) for row, (score, column) in sorted(best.items(), key=lambda item: -item[1][0])
    ]
