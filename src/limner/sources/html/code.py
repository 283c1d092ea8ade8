"""Code blocks: their text without line numbers and buttons, and their language from the class names around them."""

from __future__ import annotations

import re
from functools import lru_cache

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
# What may have to be left out, or break a line. Highlighted code is nothing but spans, on which only names need a look.
_NAMES = ("lineno", "line-no", "line-num", "linenum", "gutter", "copy", "Copy", "headerlink", 'class="ln')
_TAGS = ("<br", "<tr", "<li", "<div", "<p>", "<p ", "<button", "<style", "<script", *_NAMES)
_DROP = re.compile(
    r"(?:^|\s)(?:linenos?|linenumbers?|line-numbers(?:-rows)?|lnt|ln|gutter|\S*lineno\S*|hljs-ln-n\S*|hljs-ln-numbers|blob-num|rouge-gutter"
    r"|copybtn|\S*copy\S*|headerlink)(?=\s|$)",
    re.IGNORECASE,
)
_LINES = frozenset(ID[t] for t in ("tr", "li", "div", "p"))
_GONE = frozenset(ID[t] for t in ("button", "style", "script", "svg", "textarea"))
_BLANK = re.compile(r"(?:[ \t\r\f]*\n)+")
_ANCESTORS = 3


def code_text(node: LexborNode) -> str:
    """The text of a code block as it reads on screen, blank lines at its ends and trailing white space gone."""
    html = node.html or ""
    marks = _NAMES if html.count("<") == 2 * html.count("</span>") + 2 else _TAGS
    text = ""
    for mark in marks:
        if mark in html:
            text = _walk(node)
            break
    else:
        text = node.text_lexbor() or ""
    text = text.replace("\r\n", "\n").replace("\xa0", " ").rstrip()
    blank = _BLANK.match(text)
    return text[blank.end() :] if blank is not None else text


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
    name = attributes.get("data-lang") or attributes.get("data-language") or attributes.get("data-code-language")
    if name:
        return _usual(name)
    klass = attributes.get("class")
    return _in_class(klass[:400]) if klass else ""


@lru_cache(maxsize=4096)
def _in_class(klass: str) -> str:
    name = ""
    for match in _CLASS.finditer(klass):
        name = next((g for g in match.groups() if g), "")
        if name and name.lower() not in _NO_LANGUAGE:
            break
    return _usual(name)


def _usual(name: str) -> str:
    name = name.strip().lower()[:30]
    return "" if name in _NO_LANGUAGE or not name else _ALIASES.get(name, name)
