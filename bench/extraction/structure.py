"""Structure against Sphinx's own sources: figures, captions, headings, code, tables (the rules are in README.md).

    python bench/extraction/structure.py [--corpus NAME=FOLDER ...] [--system NAME ...] [--show N] [--json OUT]

A FOLDER is a built Sphinx site with its `_sources`. By default: the sets sasview, sklearn-doc and
skimage-doc of `limner data get`. `--show N` lists N misses of each kind for the first system.
"""

from __future__ import annotations

import argparse
import re
import textwrap
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import report
from lxml import html as lxml_html
from rapidfuzz import fuzz
from rst_source import AUTODOC, Project, Titles, expected, parse, with_includes
from systems import SYSTEMS, Item, Output, chosen, versions

KINDS = ("figure", "caption", "heading", "code", "table")

# What sasview's conf.py puts before every page and its _sources do not hold.
_UNITS = {
    "Ang": "Å", "Ang^-1": "Å-1", "Ang^2": "Å2", "Ang^-2": "Å-2", "Ang^3": "Å3", "Ang^-3": "Å-3", "Ang^-4": "Å-4", "cm^-1": "cm-1",
    "cm^2": "cm2", "cm^-2": "cm-2", "cm^3": "cm3", "cm^-3": "cm-3", "sr^-1": "sr-1", "1e-6Ang^-2": "10-6Å-2", "g/cm^3": "g/cm3",
    "mg/m^2": "mg/m2", "Ang*cm^-1": "Å·cm-1", "1e15cm^3": "1015cm3", "cdot": "·", "deg": "°", "inf": "∞", "pm": "±",
}  # fmt: skip
PROJECTS = {
    "sasview": Project("\n".join(f".. |{name}| replace:: {shown}" for name, shown in _UNITS.items()), dollars=True),
    "sklearn-doc": Project(),
    "skimage-doc": Project(),
}
_GENERATED = re.compile(r"(^|/)(generated|api|[a-z]+-api)/")


# --- texts and names -------------------------------------------------------------------------------------------------

_FOLD = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "…": "...", "−": "-", "\u00ad": None, "\u200b": None}
)
_DASHES = re.compile(r"-{2,3}")
_MATH_MARKS = re.compile(r"\\[()\[\]]|\$|\^|`")
_NUMBER = re.compile(r"^\s*(?:Fig\.|Figure|Table)\s*\d+(?:\.\d+)*[.:]?\s*")
_SECTION = re.compile(r"^\d+(?:\.\d+)*\. (?=\S)")
_DOCTEST = re.compile(r"[ \t]*#[ \t]*doctest:.*$|^[ \t]*<BLANKLINE>[ \t]*$", re.MULTILINE)


@cache
def norm(text: str) -> str:
    """Text as it is compared: compatibility forms, plain quotes and dashes, one space for any white space, without the
    marks that tell a formula or a superscript (`$`, `\\(`, `^`)."""
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", text).translate(_FOLD))
    return " ".join(_MATH_MARKS.sub("", text).split())


def caption_norm(text: str) -> str:
    """As `norm`, without the number that Sphinx puts before a caption."""
    return _NUMBER.sub("", norm(text))


@cache
def code_lines(text: str) -> tuple[str, ...]:
    """A block's lines: tabs as spaces, no margin, no white space at their ends, no empty lines around them, and without
    the doctest options and <BLANKLINE> marks that Sphinx takes off."""
    lines = textwrap.dedent(_DOCTEST.sub("", text).expandtabs()).split("\n")
    return tuple(line.rstrip() for line in "\n".join(x.rstrip() for x in lines).strip("\n").split("\n"))


def base_name(url: str) -> str:
    return url.split("?")[0].split("#")[0].rsplit("/", 1)[-1]


def same_file(source: str, url: str, renamed: frozenset[str]) -> bool:
    """Whether an address is that source image's: the same file name, or, where the project has several files of that
    name, the name with a number (Sphinx's renumbering); `name.*` stands for any type."""
    name, found = base_name(source), base_name(url)
    if name == found:
        return True
    stem, _, kind = name.rpartition(".")
    found_stem, _, found_kind = found.rpartition(".")
    if kind == "*" and stem == found_stem:
        return True
    if name not in renamed or (kind not in ("*", found_kind)):
        return False
    return re.fullmatch(re.escape(stem) + r"\d+", found_stem) is not None


# --- when two items are the same ---------------------------------------------------------------------------------------


@dataclass
class Rules:
    """The predicates, for a project whose file names `renamed` are shared by several images."""

    renamed: frozenset[str] = frozenset()

    def figure(self, truth: Item, found: Item) -> bool:
        return same_file(truth.url, found.url, self.renamed)

    def caption(self, truth: Item, found: Item) -> bool:
        """The caption (with or without its legend) is given to that image, its number not apart from it."""
        if not self.figure(truth, found) or not all(caption_norm(c) for c in found.captions):
            return False
        wanted = [caption_norm(truth.captions[0]), caption_norm(" ".join(truth.captions))]
        given = [caption_norm(c) for c in [*found.captions, " ".join(found.captions)]]
        return any(w and g and fuzz.ratio(w, g) >= 90 for w in wanted for g in given)

    def heading(self, truth: Item, found: Item) -> bool:
        """The same text; a section number that Sphinx puts before it (`1.2.3. `) may be there."""
        wanted, given = norm(truth.text), norm(found.text)
        return wanted == given or (not _SECTION.match(wanted) and wanted == _SECTION.sub("", given))

    def code(self, truth: Item, found: Item) -> bool:
        return fuzz.ratio(norm("\n".join(code_lines(truth.text))), norm("\n".join(code_lines(found.text))), score_cutoff=95) >= 95

    def code_exact(self, truth: Item, found: Item) -> bool:
        return code_lines(truth.text) == code_lines(found.text)

    def table(self, truth: Item, found: Item) -> bool:
        """95 % of the cells that are not empty are there, in order, and no more than 5 % others."""
        wanted, given = _cells(truth), _cells(found)
        same = len(longest(wanted, given, lambda a, b: a == b or fuzz.ratio(a, b) >= 90))
        return same >= 0.95 * max(len(wanted), len(given))


def _cells(table: Item) -> list[str]:
    return [text for row in table.rows for cell in row if (text := norm(cell))]


def longest(truth: Sequence[Any], found: Sequence[Any], same: Callable[[Any, Any], bool]) -> list[tuple[int, int]]:
    """The longest common subsequence of two sequences, as pairs of positions."""
    grid = [[same(a, b) for b in found] for a in truth]
    best = [[0] * (len(found) + 1) for _ in range(len(truth) + 1)]
    for i in range(len(truth) - 1, -1, -1):
        for j in range(len(found) - 1, -1, -1):
            best[i][j] = best[i + 1][j + 1] + 1 if grid[i][j] else max(best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(truth) and j < len(found):
        if grid[i][j] and best[i][j] == best[i + 1][j + 1] + 1:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def matched(truth: Sequence[Any], found: Sequence[Any], same: Callable[[Any, Any], bool]) -> tuple[list[tuple[int, int]], int]:
    """One-to-one pairs regardless of order, and how many of them are in order (the longest common subsequence, which the
    pairs contain)."""
    pairs = longest(truth, found, same)
    in_order = len(pairs)
    left_truth = sorted(set(range(len(truth))) - {i for i, _ in pairs})
    free = sorted(set(range(len(found))) - {j for _, j in pairs})
    for i in left_truth:
        hit = next((j for j in free if same(truth[i], found[j])), None)
        if hit is not None:
            free.remove(hit)
            pairs.append((i, hit))
    return pairs, in_order


# --- pages ---------------------------------------------------------------------------------------------------------------


@dataclass
class Page:
    """A page and what its source says must be there; `absent` counts what the built page does not have at all."""

    name: str
    html: bytes
    truth: dict[str, list[Item]]
    neutral: frozenset[str]
    absent: dict[str, list[Item]]


def site_pages(root: Path, project: Project) -> tuple[list[Page], Rules, dict[str, int]]:
    """The hand-written and gallery pages of a built site, and how many were left out for which reason."""
    titles = Titles.read(root / "objects.inv")
    left: Counter[str] = Counter()
    every = sorted((root / "_sources").rglob("*.txt"))
    rules = Rules(_shared_names(root / "_sources", every))
    pages: list[Page] = []
    for path in every:
        name = path.relative_to(root / "_sources").as_posix()
        if not name.endswith(".rst.txt"):
            left["not reStructuredText"] += 1
            continue
        built = root / (name.removesuffix(".rst.txt") + ".html")
        source = with_includes(path)
        if _GENERATED.search(name):
            left["generated (path)"] += 1
        elif AUTODOC.search(source):
            left["generated (autodoc)"] += 1
        elif not built.is_file():
            left["no page of its own"] += 1
        else:
            pages.append(_page(name, built.read_bytes(), source, project, titles, rules))
    return pages, rules, dict(left)


_IMAGE_LINE = re.compile(r"^\s*\.\.\s+(?:\|[^|]*\|\s+)?(?:image|figure|image-sg)::\s*(\S.*?)\s*$", re.MULTILINE)


def _shared_names(sources: Path, every: list[Path]) -> frozenset[str]:
    """The file names that two or more different source images of the project have: those Sphinx renumbers."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in every:
        for uri in _IMAGE_LINE.findall(path.read_text("utf-8")):
            where = sources / uri.lstrip("/") if uri.startswith("/") else path.parent / uri
            parts: list[str] = []
            for part in where.parts:
                if part == ".." and parts:
                    parts.pop()
                elif part != ".":
                    parts.append(part)
            found[base_name(uri)].add("/".join(parts))
    return frozenset(name for name, paths in found.items() if len(paths) > 1)


def _page(name: str, html: bytes, source: str, project: Project, titles: Titles, rules: Rules) -> Page:
    items, neutral = expected(parse(source, project, titles))
    truth: dict[str, list[Item]] = {kind: [i for i in items if i.kind == kind] for kind in KINDS}
    truth["table"] = [i for i in truth["table"] if _cells(i)]  # a table of images alone is a layout
    truth["caption"] = [i for i in truth["figure"] if i.captions]
    shown = Shown(html)
    absent = {kind: [i for i in truth[kind] if not shown.has(kind, i, rules)] for kind in KINDS}
    for kind in KINDS:
        gone = {id(i) for i in absent[kind]}
        truth[kind] = [i for i in truth[kind] if id(i) not in gone]
    return Page(name, html, truth, frozenset(norm(t) for t in neutral), absent)


class Shown:
    """All that a built page shows anywhere, navigation included: the check, independent of any extractor, that what was
    read from the source is on the page."""

    def __init__(self, html: bytes) -> None:
        root = lxml_html.document_fromstring(html, parser=lxml_html.HTMLParser(encoding="utf-8", huge_tree=True))
        for node in root.xpath("//script|//style|//head"):
            node.drop_tree()
        self.files = [u for node in root.iter() for a in ("src", "data", "srcset") for u in (node.get(a) or "").split()]
        self.text = _squeezed(root.text_content())

    def has(self, kind: str, item: Item, rules: Rules) -> bool:
        if kind == "figure":
            return any(same_file(item.url, u, rules.renamed) for u in self.files)
        if kind == "caption":
            return any(same_file(item.url, u, rules.renamed) for u in self.files) and self.says(item.captions[0], 90)
        if kind == "table":
            cells = [c for row in item.rows for c in row if norm(c)]
            return sum(self.says(c, 90) for c in cells) >= 0.95 * len(cells)
        return self.says("\n".join(code_lines(item.text)), 95) if kind == "code" else self.says(item.text, 100)

    def says(self, text: str, least: float) -> bool:
        wanted = _squeezed(text)
        return wanted in self.text or (least < 100 and fuzz.partial_ratio(wanted, self.text, score_cutoff=least) >= least)


def _squeezed(text: str) -> str:
    return norm(text).replace(" ", "")


# --- scores --------------------------------------------------------------------------------------------------------------


@dataclass
class Score:
    expected: int = 0
    found: int = 0
    in_order: int = 0
    given: int = 0
    exact: int = 0
    absent: int = 0
    misses: list[tuple[str, str]] = field(default_factory=list)

    def result(self, kind: str, guessed: bool) -> dict[str, float | int | None]:
        """The figures; `guessed` captions are paragraphs beside images, whose precision means nothing."""
        precision = _ratio(self.found, self.given) if self.given and not guessed else None
        out: dict[str, float | int | None] = {
            "expected": self.expected,
            "found": self.found,
            "recall": _ratio(self.found, self.expected),
            "in_order": _ratio(self.in_order, self.expected),
            "precision": precision,
            "not_on_page": self.absent,
        }
        return out | ({"exact_lines": _ratio(self.exact, self.expected)} if kind == "code" else {})


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 1.0


def score_page(page: Page, output: Output, rules: Rules, scores: dict[str, Score]) -> None:
    """Add one page to the scores of a system."""
    for kind in KINDS:
        score = scores[kind]
        truth = page.truth[kind]
        found = [i for i in output.items if i.kind == ("figure" if kind == "caption" else kind)]
        if kind == "heading":
            known = {norm(i.text) for i in truth}
            found = [i for i in found if norm(i.text) in known or norm(i.text) not in page.neutral]
        if kind == "caption":
            found = [i for i in found if i.captions]
        pairs, in_order = matched(truth, found, getattr(rules, kind))
        score.expected += len(truth)
        score.found += len(pairs)
        score.in_order += in_order
        score.given += len(found)
        score.absent += len(page.absent[kind])
        score.exact += sum(rules.code_exact(truth[i], found[j]) for i, j in pairs) if kind == "code" else 0
        hit = {i for i, _ in pairs}
        score.misses += [(page.name, _line(kind, item)) for i, item in enumerate(truth) if i not in hit]


def _line(kind: str, item: Item) -> str:
    if kind == "figure":
        return item.url
    if kind == "caption":
        return f"{base_name(item.url)}: {item.captions[0]}"
    if kind == "table":
        return f"{len(item.rows)} rows: {item.rows[:2]}"
    return item.text


def measure(
    root: Path, project: Project, names: list[str] | None
) -> tuple[dict[str, Any], dict[str, dict[str, Score]], list[Page]]:
    """Score every system on a site."""
    pages, rules, left = site_pages(root, project)
    systems = chosen(names, SYSTEMS)
    scores = {name: {kind: Score() for kind in KINDS} for name in systems}
    for page in pages:
        for name, system in systems.items():
            score_page(page, system(page.html), rules, scores[name])
    read = [root / "_sources" / p.name for p in pages] + [root / (p.name.removesuffix(".rst.txt") + ".html") for p in pages]
    about = {"pages": len(pages), "left_out": left, "data": report.digest(read, root)}
    results = {
        name: {kind: by_kind[kind].result(kind, kind == "caption" and name != "limner") for kind in KINDS}
        for name, by_kind in scores.items()
    }
    return {**about, "systems": results}, scores, pages


def default_corpora() -> dict[str, Path]:
    """The built sites among limner's data sets that are here."""
    from limner.sources.datasets import DATASETS

    return {d.name: d.data for d in DATASETS if d.name in PROJECTS and d.data.is_dir()}


def rows(corpora: dict[str, Any]) -> Iterator[list[object]]:
    """The table's rows: a corpus, a kind, a system."""
    for corpus, result in corpora.items():
        for kind in KINDS:
            for name, kinds in result["systems"].items():
                r = kinds[kind]
                yield [
                    corpus,
                    kind,
                    name,
                    r["expected"],
                    r["recall"],
                    r["in_order"],
                    r["precision"] if r["precision"] is not None else "",
                    r.get("exact_lines", ""),
                ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--corpus", action="append", metavar="NAME=FOLDER", help="a built Sphinx site with its _sources")
    parser.add_argument("--system", action="append", help=f"one of {', '.join(SYSTEMS)} (default: all)")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="list N misses of each kind of the first system")
    parser.add_argument("--absent", action="store_true", help="list what the sources say and the pages do not show")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the result, e.g. bench/results/extraction-sphinx.json")
    options = parser.parse_args()
    corpora = {n: Path(f) for n, _, f in (c.partition("=") for c in options.corpus)} if options.corpus else default_corpora()
    if not corpora:
        raise SystemExit("no data: `limner data get sasview sklearn-doc skimage-doc`, or --corpus NAME=FOLDER")
    results: dict[str, Any] = {}
    for corpus, folder in corpora.items():
        if not (folder / "_sources").is_dir():
            raise SystemExit(f"{folder} has no _sources: give the folder of a built Sphinx site")
        results[corpus], scores, pages = measure(folder, PROJECTS.get(corpus, Project()), options.system)
        print(f"{corpus}: {results[corpus]['pages']} pages; left out: {results[corpus]['left_out']}")
        if options.absent:
            print(*(f"  absent {k} {p.name}: {_line(k, i)[:200]!r}" for p in pages for k in KINDS for i in p.absent[k]), sep="\n")
        for kind in KINDS if options.show else ():
            for name, line in next(iter(scores.values()))[kind].misses[: options.show]:
                print(f"  miss {kind} {name}: {line[:300]!r}")
    head = ["corpus", "kind", "system", "expected", "recall", "in order", "precision", "exact lines"]
    print("\n" + report.table(head, rows(results)))
    if options.json:
        code = report.code_hashes("structure.py", "rst_source.py")
        report.write(options.json, {"measure": "sphinx", "versions": versions(), "code": code, "corpora": results})


if __name__ == "__main__":
    main()
