"""reStructuredText to documents, by way of docutils' HTML. Directives that docutils does not know (Sphinx's) keep what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from limner.corpus.media import MediaSink
from limner.document import Document
from limner.errors import MissingExtra, SourceError
from limner.sources.html.encoding import decode
from limner.sources.html.whole import whole
from limner.sources.kinds import Page

MAX_CHARS = 4 * 2**20
_DIRECTIVE = re.compile(r"^[ \t]*\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?([A-Za-z][\w:.+-]*)::", re.MULTILINE)
_ROLE = re.compile(r":([A-Za-z][\w:.+-]*):`")
_BLOCK_MATH = re.compile(r'<pre class="math[^"]*">(.*?)</pre>', re.DOTALL)
_INLINE_MATH = re.compile(r'<(?:code|tt|span) class="math[^"]*">([^<]*)</(?:code|tt|span)>')
_NOTHING = frozenset(
    ("toctree", "index", "only", "literalinclude", "plot", "currentmodule", "highlight", "tabularcolumns", "include", "raw", "contents",
     "autosummary", "automodule", "autoclass", "autofunction", "sectnum", "meta", "bibliography", "jupyter-execute")
)  # fmt: skip
_CODE = frozenset(("code-block", "sourcecode", "prompt", "ipython", "doctest", "testcode", "parsed-literal"))
_SETTINGS = {
    "file_insertion_enabled": False, "raw_enabled": False, "report_level": 5, "halt_level": 5, "_disable_config": True,
    "embed_stylesheet": False, "stylesheet_path": None, "stylesheet": None, "initial_header_level": 1, "doctitle_xform": True,
    "math_output": "LaTeX", "syntax_highlight": "none", "input_encoding": "unicode", "output_encoding": "unicode", "line_length_limit": 100_000,
}  # fmt: skip


def read_rst(page: Page, media: MediaSink | None) -> Iterable[Document]:
    """The reader of reStructuredText. Needs the extra `rst`."""
    try:
        from docutils.core import publish_parts
    except ImportError:
        raise MissingExtra("rst", "docutils", f"reading {page.name}") from None
    text = decode(page.data, page.charset)
    if len(text) > MAX_CHARS:
        raise SourceError(f"{page.name}: {len(text):,} characters, over the limit of {MAX_CHARS:,}")
    _register(text)
    try:
        publish: Any = publish_parts
        made: Any = publish(text, source_path=page.name, writer="html5", settings_overrides=dict(_SETTINGS))
    except Exception as error:  # noqa: BLE001 - docutils fails in many ways on what is no reStructuredText
        raise SourceError(f"{page.name}: docutils cannot read it ({type(error).__name__}: {error})") from None
    title = re.sub(r"<[^>]{0,200}>", "", made["title"])
    # As Sphinx writes formulas, which is how they are read.
    html = _BLOCK_MATH.sub(r'<div class="math notranslate nohighlight">\\[\1\\]</div>', made["html_body"])
    html = _INLINE_MATH.sub(r'<span class="math notranslate nohighlight">\\(\1\\)</span>', html)
    yield whole(html, name=page.name, id=page.id, url=page.url, title=title)


def _register(text: str) -> None:
    """Make docutils know the directives and roles of a text: what it lacks keeps its content, or is left out."""
    from docutils import nodes
    from docutils.parsers.rst import Directive, directives, roles
    from docutils.parsers.rst.directives.body import MathBlock
    from docutils.parsers.rst.languages import en

    class Formula(MathBlock):
        """A formula with Sphinx's options too (`label`, `nowrap`), for which docutils would leave it out."""

        option_spec = _AnyOption()

        def run(self) -> list[Any]:
            self.options: dict[str, Any] = {}
            return super().run()

    class Around(Directive):
        """What stands in it, in its place."""

        has_content = True
        optional_arguments = 1
        final_argument_whitespace = True
        option_spec = _AnyOption()

        def run(self) -> list[Any]:
            name = self.name.rpartition(":")[2]
            if name in _NOTHING:
                return []
            if name in _CODE:
                language = self.arguments[0].split()[0] if self.arguments else ""
                shown = nodes.literal_block("\n".join(self.content), "\n".join(self.content), classes=["code", language])
                return [shown]
            node = nodes.container()
            if self.arguments:
                node += nodes.paragraph("", self.arguments[0])
            self.state.nested_parse(self.content, self.content_offset, node)
            return [node]

    known: Any = vars(directives)["_directives"]
    builtin: Any = vars(directives)["_directive_registry"]
    for name in set(_DIRECTIVE.findall(text)) | _NOTHING | _CODE:
        if name.lower() in _NOTHING | _CODE or (name.lower() not in builtin and name.lower() not in en.directives):
            known[name.lower()] = Around

    known["math"] = Formula

    def plain(name: str, rawtext: str, text: str, *_: Any, **__: Any) -> tuple[list[Any], list[Any]]:
        shown = re.sub(r"\s*<[^<>]*>\s*\Z", "", text).lstrip("~!")
        return [nodes.inline(rawtext, shown)], []

    known_roles: Any = vars(roles)["_roles"]
    standard: Any = vars(roles)["_role_registry"]
    for name in set(_ROLE.findall(text)):
        if name.lower() not in standard:
            known_roles[name.lower()] = plain


class _AnyOption(dict[str, Any]):
    """Takes every option of a directive as it is."""

    def __missing__(self, _: str) -> Any:
        return lambda value: value

    def __contains__(self, _: object) -> bool:
        return True

    def __bool__(self) -> bool:
        return True
