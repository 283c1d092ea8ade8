"""What a Sphinx source (reStructuredText) says is on its page: figures, captions, headings, code, tables, in order.

docutils parses it. Sphinx's own directives and roles are given to docutils here, each as plainly as its effect on these
five kinds allows; an unknown directive is taken for a container of its content, an unknown role for its text, so that
nothing inside is lost. What the source cannot tell (the docstrings that autodoc adds, a file that is not there, raw
HTML, the drawings of `plot`) is not expected.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import Directive, directives, roles
from docutils.parsers.rst.directives.images import Figure, Image
from docutils.parsers.rst.directives.misc import Class
from systems import Item

AUTODOC = re.compile(r"^\s*\.\.\s+(py:)?auto(module|class|function|method|attribute|data|exception|property)::", re.MULTILINE)
_DIRECTIVE = re.compile(r"^\s*\.\.\s+(?:\|[^|]+\|\s+)?([A-Za-z][\w.+:-]*?)\s*::(?:\s|$)", re.MULTILINE)
_ROLE = re.compile(r"(?<![\w`]):([A-Za-z][\w.+:-]*):`")
_MATH_IN_DOLLARS = re.compile(r"(?<![\\$\w`])\$(?![\s$])([^$`]+?)(?<![\s\\])\$(?![\w$])")
_INCLUDE = re.compile(r"^([ \t]*)\.\. include:: *(\S+)[ \t]*$", re.MULTILINE)


class _AnyOption(dict[str, Any]):
    def __missing__(self, key: str) -> Any:
        return directives.unchanged


class _Container(Directive):
    """Keeps its content, parsed, and drops its argument."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[Any] = _AnyOption(name=directives.unchanged)

    def run(self) -> list[Any]:
        box = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, box)
        return [box]


class _Titled(_Container):
    """An admonition: its argument is a paragraph of it."""

    def run(self) -> list[Any]:
        (box,) = super().run()
        if self.arguments:
            box.insert(0, nodes.paragraph(self.arguments[0], self.arguments[0]))
        return [box]


class _Centered(_Container):
    """A line in the middle: its argument, where substitutions may stand."""

    def run(self) -> list[Any]:
        text = self.arguments[0] if self.arguments else ""
        inline, problems = self.state.inline_text(text, self.lineno)
        return [nodes.paragraph(text, "", *inline), *problems]


class _Only(_Container):
    def run(self) -> list[Any]:
        wanted = self.arguments[0].strip() if self.arguments else ""
        if wanted not in ("html", "not latex", "not man", "html or latex", "builder_html"):
            return []
        return super().run()


class _Nothing(_Container):
    def run(self) -> list[Any]:
        return []


class _Code(_Container):
    def run(self) -> list[Any]:
        text = "\n".join(self.content)
        return [nodes.literal_block(text, text)] if text.strip() else []


class _ImageSg(Image):
    option_spec: ClassVar[Any] = _AnyOption(**(Image.option_spec or {}))


class _FigureAny(Figure):
    option_spec: ClassVar[Any] = _AnyOption(**(Figure.option_spec or {}))


_NOTHING = (
    "toctree currentmodule py:currentmodule module py:module highlight sectionauthor codeauthor raw title index tabularcolumns "
    "contents autosummary plot literalinclude include meta allow_nan_estimators bibliography graphviz testsetup math"
).split()
_CODE = "code-block code sourcecode prompt parsed-literal ipython testcode".split()
_ADMONITIONS = "note warning seealso deprecated versionadded versionchanged todo".split()


def register(source: str, titles: Titles) -> None:
    """Tell docutils every directive and role that `source` names."""
    for name in _NOTHING:
        directives.register_directive(name, _Nothing)
    for name in _CODE:
        directives.register_directive(name, _Code)
    for name in _ADMONITIONS:
        directives.register_directive(name, _Titled)
    directives.register_directive("only", _Only)
    directives.register_directive("centered", _Centered)
    directives.register_directive("rst-class", Class)
    directives.register_directive("image-sg", _ImageSg)
    directives.register_directive("image", _ImageSg)
    directives.register_directive("figure", _FigureAny)
    for name in set(_DIRECTIVE.findall(source)) - _known_directives():
        directives.register_directive(name, _Container)
    for name in set(_ROLE.findall(source)) - {"math", "sub", "sup", "subscript", "superscript", "emphasis", "strong", "literal"}:
        roles.register_local_role(name, _Role(name, titles))


def _known_directives() -> set[str]:
    own = {*_NOTHING, *_CODE, *_ADMONITIONS, "only", "centered", "rst-class", "image-sg", "image", "figure"}
    docutils = (
        "attention caution danger error hint important tip admonition sidebar topic line-block rubric epigraph highlights "
        "pull-quote compound container table csv-table list-table replace unicode date class role default-role"
    )
    return own | set(docutils.split())


@dataclass
class Titles:
    """What `objects.inv` says a label, a document or a term is called."""

    labels: dict[str, str] = field(default_factory=dict)
    documents: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Titles:
        """Sphinx's inventory, version 2: four lines of head, then zlib of `name domain:role priority uri title`."""
        found = cls()
        if not path.is_file():
            return found
        body = path.read_bytes().split(b"\n", 4)[4]
        for line in zlib.decompress(body).decode("utf-8").splitlines():
            match = re.match(r"(.+?)\s+(\S+)\s+(-?\d+)\s+(\S*)\s+(.*)", line)
            if match and match[2] in ("std:label", "std:doc"):
                table = found.labels if match[2] == "std:label" else found.documents
                table[match[1]] = match[1] if match[5] == "-" else match[5]
        return found


class _Role:
    """A cross-reference or a role of a project: the words that the page shows for it."""

    def __init__(self, name: str, titles: Titles) -> None:
        self.name = name.split(":")[-1]
        self.titles = titles

    def __call__(self, role: str, rawtext: str, text: str, lineno: int, inliner: Any, **_: Any) -> tuple[list[Any], list[Any]]:
        shown = self.shown(text.replace("\x00", ""))
        return [nodes.inline(rawtext, shown)], []

    def shown(self, text: str) -> str:
        explicit = re.match(r"(?s)(.+?)\s*<[^<>]*>\Z", text)
        if explicit:
            return explicit[1]
        if self.name in ("ref", "numref"):
            return self.titles.labels.get(" ".join(text.split()).lower(), text)
        if self.name == "doc":
            return self.titles.documents.get(text.lstrip("/"), text)
        if self.name in ("pr", "issue"):
            return f"#{text}"
        if self.name == "user":
            return f"@{text}"
        if self.name == "download":
            return text
        if self.name in ("class", "func", "meth", "mod", "attr", "data", "obj", "exc", "const", "method", "function"):
            text = text.lstrip("!")
            text = text.rsplit(".", 1)[-1] if text.startswith("~") else text.lstrip(".")
            return text.lstrip("~") + (
                "()" if self.name in ("func", "meth", "method", "function") and not text.endswith(")") else ""
            )
        return text


@dataclass(frozen=True)
class Project:
    """How a project writes its sources: `prolog` is what its configuration puts before every page (only what its
    `_sources` do not hold themselves), `dollars` whether `$x$` is math."""

    prolog: str = ""
    dollars: bool = False


def parse(source: str, project: Project, titles: Titles) -> nodes.document:
    """The source as docutils reads it."""
    register(source + project.prolog, titles)
    if project.dollars:
        source = _MATH_IN_DOLLARS.sub(lambda m: f":math:`{m[1]}`", source)
    settings = {
        "doctitle_xform": False, "sectsubtitle_xform": False, "report_level": 5, "halt_level": 6, "raw_enabled": False,
        "file_insertion_enabled": False, "smart_quotes": False, "input_encoding": "unicode", "_disable_config": True,
    }  # fmt: skip
    # The prolog goes behind: definitions may stand anywhere, and a title must come first.
    return publish_doctree(f"{source}\n\n{project.prolog}\n", settings_overrides=settings)


def with_includes(path: Path, depth: int = 4) -> str:
    """The source with the files it includes that are among the sources; other includes stay, and show nothing."""
    text = path.read_text("utf-8")
    if depth == 0:
        return text

    def put(match: re.Match[str]) -> str:
        inner = path.parent / f"{match[2]}.txt"
        if not inner.is_file():
            return match[0]
        return "\n".join(match[1] + line for line in with_includes(inner, depth - 1).split("\n"))

    return _INCLUDE.sub(put, text)


def expected(document: nodes.document) -> tuple[list[Item], list[str]]:
    """The items a page must show, in order; and titles that look like headings and are no sections (admonitions, topics,
    rubrics), which a system may give as headings without harm. A text that needs a definition the sources lack has
    `kind` unknown: it is not scored."""
    items: list[Item] = []
    neutral: list[str] = []
    for node in document.findall():
        if isinstance(node, nodes.title) and isinstance(node.parent, nodes.section):
            items.append(Item("heading", words(node)))
        elif isinstance(node, nodes.title | nodes.rubric):
            neutral.append(words(node))
        elif isinstance(node, nodes.image):
            if _defined(node):
                continue  # shown where the substitution is used
            items.append(Item("figure", url=str(node["uri"]), captions=_caption(node)))
            if _lacks(node.parent) and items[-1].captions:
                items[-1].captions = []
        elif isinstance(node, nodes.literal_block | nodes.doctest_block):
            if isinstance(node.parent, nodes.system_message):
                continue  # docutils quotes there what it could not read
            items.append(Item("code", node.astext()))
        elif isinstance(node, nodes.table):
            items.append(Item("table", rows=[[words(c) for c in row.children] for row in node.findall(nodes.row)]))
        else:
            continue
        if _lacks(node) and items:
            items[-1].kind = "unknown"
    return [i for i in items if i.kind != "unknown"], neutral


def _lacks(node: Any) -> bool:
    return any(True for _ in node.findall(nodes.problematic))


def _defined(node: Any) -> bool:
    """Whether the node is what a substitution stands for, not its use."""
    while node is not None and not isinstance(node, nodes.substitution_definition):
        node = node.parent
    return node is not None


def _caption(image: Any) -> list[str]:
    figure = image.parent if isinstance(image.parent, nodes.figure) else image.parent.parent
    if not isinstance(figure, nodes.figure):
        return []
    caption = [words(c) for c in figure.children if isinstance(c, nodes.caption)]
    legend = [words(c) for c in figure.children if isinstance(c, nodes.legend)]
    return caption + legend if caption else []


def words(node: Any) -> str:
    """The visible text below a node: no alternative text of images, blocks apart by a space."""

    def pieces(at: Any) -> Iterator[str]:
        for child in at.children:
            if isinstance(child, nodes.Text):
                yield child.astext()
            elif isinstance(child, nodes.system_message | nodes.image | nodes.raw | nodes.comment):
                continue
            else:
                block = not isinstance(child, nodes.Inline)
                if block:
                    yield " "
                yield from pieces(child)
                if block:
                    yield " "

    return " ".join("".join(pieces(node)).split())
