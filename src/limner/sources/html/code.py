"""Code blocks: their text without line numbers and buttons, and their language from the class names around them."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from limner.sources.html.blocks import Frame
from limner.sources.html.tags import ID, TEXT_ID

_CLASS = re.compile(
    r"(?:^|\s)(?:(?:language|lang|highlight-source|highlight|brush|code|syntax|hljs language)[-:_]\s*([A-Za-z][\w+#.-]*)"
    r"|sourceCode\s+([a-z][\w+#-]*)|hljs\s+([a-z][\w+#-]*)|([a-z][\w+#-]*)\s+hljs)",
    re.IGNORECASE,
)
_NO_LANGUAGE = frozenset(
    "default none text plain plaintext txt nohighlight notranslate output literal block source highlight highlighter code wrapper "
    "container content light dark box inline example area snippet toolbar line lines body header title group type".split()
)
_ALIASES = {
    "python3": "python", "ipython3": "python", "ipython": "python", "pycon": "python", "pycon3": "python", "py": "python",
    "py3": "python", "js": "javascript", "ts": "typescript", "sh": "bash", "shell-session": "console", "c++": "cpp",
    "rb": "ruby", "yml": "yaml", "golang": "go", "rs": "rust", "cs": "csharp", "c#": "csharp", "md": "markdown",
    "jscript": "javascript", "ipythontb": "pytb", "ipython2": "python",
}  # fmt: skip
_SLOW = (
    "<br", "<tr", "<li", "<div", "<p>", "<p ", "<button", "lineno", "line-no", "line-num", "linenum", "gutter", "copy", "Copy",
    "<style", "<script", "headerlink", 'class="ln',
)  # fmt: skip
_DROP = re.compile(
    r"(?:^|\s)(?:linenos?|linenumbers?|line-numbers(?:-rows)?|lnt|ln|gutter|\S*lineno\S*|hljs-ln-n\S*|hljs-ln-numbers|blob-num|rouge-gutter"
    r"|copybtn|\S*copy\S*|headerlink)(?=\s|$)",
    re.IGNORECASE,
)
_LINES = frozenset(ID[t] for t in ("tr", "li", "div", "p"))
_GONE = frozenset(ID[t] for t in ("button", "style", "script", "svg", "textarea"))
_EDGES = re.compile(r"\A(?:[ \t\r\f]*\n)+|\s+\Z")
_ANCESTORS = 3


def code_text(node: LexborNode) -> str:
    """The text of a code block as it reads on screen, blank lines at its ends and trailing white space gone."""
    html = node.html or ""
    text = _walk(node) if any(mark in html for mark in _SLOW) else node.text_lexbor()
    return _EDGES.sub("", text.replace("\r\n", "\n").replace("\xa0", " "))


def _walk(node: LexborNode) -> str:
    out: list[str] = []
    stack: list[LexborNode] = []
    at = node.first_child
    while at is not None or stack:
        if at is None:
            at = stack.pop()
            if at.tag_id in _LINES and out and not out[-1].endswith("\n"):
                out.append("\n")
            at = at.next
            continue
        tag = at.tag_id
        if tag == TEXT_ID:
            out.append(at.text_content or "")
        elif tag == ID["br"]:
            out.append("\n")
        elif tag not in _GONE and not _DROP.search(at.attributes.get("class") or ""):
            child = at.first_child
            if child is not None:
                stack.append(at)
                at = child
                continue
        at = at.next
    return "".join(out)


def code_language(node: LexborNode, frame: Frame) -> str:
    """The language that the block, its `code` child or one of the nearest elements around it names, or ""."""
    if found := _language(node):
        return found
    child = node.first_child
    if child is not None and child.tag_id == ID["code"] and (found := _language(child)):
        return found
    around: LexborNode | None = node.parent
    for _ in range(_ANCESTORS):
        if around is None:
            break
        if found := _language(around):
            return found
        around = around.parent
    return ""


def _language(node: LexborNode) -> str:
    attributes = node.attributes
    if not attributes:
        return ""
    name = attributes.get("data-lang") or attributes.get("data-language") or attributes.get("data-code-language") or ""
    if not name:
        klass = attributes.get("class")
        if not klass:
            return ""
        for match in _CLASS.finditer(klass[:400]):
            name = next((g for g in match.groups() if g), "")
            if name and name.lower() not in _NO_LANGUAGE:
                break
    name = name.strip().lower()[:30]
    return "" if name in _NO_LANGUAGE or not name else _ALIASES.get(name, name)
