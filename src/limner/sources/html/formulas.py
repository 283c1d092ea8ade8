"""Formulas to LaTeX: TeX that the page carries (annotations, alttext, scripts, delimiters), else from MathML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus

from selectolax.lexbor import LexborHTMLParser, LexborNode

from limner.sources.html.tags import TEXT_ID

_DELIMITED = re.compile(r"\\\((.{1,2000}?)\\\)", re.DOTALL)
_DISPLAY = re.compile(
    r"\s*(?:\\\[(.*)\\\]|\$\$(.*)\$\$|(\\begin\{(?:equation|align|gather|eqnarray|multline)\*?\}.*))\s*", re.DOTALL
)
_WITHIN = re.compile(
    r"\\\[(?P<bracket>.{1,5000}?)\\\]|\$\$(?P<dollar>[^$]{1,5000})\$\$"
    r"|(?P<environment>\\begin\{(?P<name>equation|align|gather|eqnarray|multline|displaymath)\*?\}.{1,5000}?\\end\{(?P=name)\*?\})",
    re.DOTALL,
)
_LIKE = re.compile(r"\\[a-zA-Z]|[=^_<>{}+]|\d")
_NUMBERED = re.compile(r"\s*\((?P<number>[^()\\$]{1,12})\)\s*[¶#\uf0c1]?\s*(?=\\\[|\\begin|\$\$)")
# Services that draw the TeX in an image's address; a plus sign is a blank in forms, and itself elsewhere.
_FORM = re.compile(
    r"(?:latex\.php\?(?:[^#]*&)?latex=|/equation\?(?:[^#]*&)?tex=|/chart\?(?=[^#]*cht=tx)(?:[^#]*&)?chl=|/render/math\?(?:[^#]*&)?math=)([^&#]+)"
)
_PATH = re.compile(
    r"(?:codecogs\.com/(?:gif|png|svg|pdf|emf|eq)\.(?:latex|image|download)\?|codecogs\.com/(?:eqnedit\.php\?latex=|(?:gif|png|svg)/)"
    r"|/(?:mathtex|mimetex)\.cgi\?|upmath\.me/(?:svg|png)/)(.+)",
    re.DOTALL,
)
_HOW = re.compile(
    r"\A(?:\s*(?:\\(?:dpi|bg|fn|color)\{[^{}]*\}|\\(?:inline|bg_\w+|fn_\w+|(?:tiny|small|large|Large|LARGE|huge)(?![a-zA-Z]))))+"
)
_ENVIRONMENT = re.compile(r"\\begin\{(equation|displaymath)\*?\}(.*)\\end\{\1\*?\}\Z", re.DOTALL)
_STYLE = re.compile(r"\A\{\s*\\(?:displaystyle|textstyle)\s+(.*)\}\Z", re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n\f]+")

_SYMBOLS = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "ζ": r"\zeta", "η": r"\eta",
    "θ": r"\theta", "ι": r"\iota", "κ": r"\kappa", "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi",
    "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "υ": r"\upsilon", "φ": r"\phi", "ϕ": r"\phi", "χ": r"\chi", "ψ": r"\psi",
    "ω": r"\omega", "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda", "Ξ": r"\Xi", "Π": r"\Pi",
    "Σ": r"\Sigma", "Φ": r"\Phi", "Ψ": r"\Psi", "Ω": r"\Omega", "∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∂": r"\partial",
    "∇": r"\nabla", "∞": r"\infty", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx", "≡": r"\equiv",
    "×": r"\times", "⋅": r"\cdot", "·": r"\cdot", "±": r"\pm", "∓": r"\mp", "∈": r"\in", "∉": r"\notin", "⊂": r"\subset",
    "⊆": r"\subseteq", "∪": r"\cup", "∩": r"\cap", "→": r"\to", "←": r"\leftarrow", "⇒": r"\Rightarrow", "⇔": r"\Leftrightarrow",
    "∀": r"\forall", "∃": r"\exists", "∝": r"\propto", "∼": r"\sim", "‖": r"\|", "⟨": r"\langle", "⟩": r"\rangle",
    "…": r"\ldots", "⋯": r"\cdots", "−": "-", "′": "'", "∥": r"\parallel", "⊥": r"\perp", "∘": r"\circ",
    "{": r"\{", "}": r"\}", "%": r"\%", "#": r"\#", "&": r"\&", "_": r"\_", "\u2061": "", "\u2062": "", "\u2063": ",", "\u2064": "",
}  # fmt: skip
_ACCENTS = {
    "¯": "bar",
    "‾": "bar",
    "^": "hat",
    "ˆ": "hat",
    "~": "tilde",
    "˜": "tilde",
    "→": "vec",
    "⃗": "vec",
    "˙": "dot",
    ".": "dot",
}
_MAX_NODES = 4000
_MAX_DEPTH = 60


def tidy(tex: str) -> str:
    """LaTeX without its delimiters, its outer style command and surplus white space."""
    tex = _SPACE.sub(" ", tex).strip()
    for start, end in (("\\(", "\\)"), ("\\[", "\\]"), ("$$", "$$"), ("$", "$")):
        if tex.startswith(start) and tex.endswith(end) and len(tex) > len(start) + len(end):
            tex = tex[len(start) : -len(end)].strip()
            break
    if match := _ENVIRONMENT.match(tex):
        tex = match.group(2).strip()
    if match := _STYLE.match(tex):
        tex = match.group(1).strip()
    return tex


def delimited(text: str) -> str:
    r"""Text with `\(…\)` written as `$…$`.

    >>> delimited(r"where \(x^2\) is")
    'where $x^2$ is'
    """
    return _DELIMITED.sub(lambda m: "$" + tidy(m.group(1)) + "$", text)


def apart(text: str) -> Iterator[tuple[str, str]]:
    r"""A paragraph's text and the display formulas in it, each with its role; MathJax sets them on lines of their own.

    >>> list(apart(r"As \[ x = 1 \] shows."))
    [('paragraph', 'As'), ('formula', 'x = 1'), ('paragraph', 'shows.')]
    """
    end = 0
    for match in _WITHIN.finditer(text):
        tex = match["bracket"] or match["dollar"] or match["environment"] or ""
        if not _LIKE.search(tex):
            continue  # "\\[ and \\]" are characters too
        if before := text[end : match.start()].strip():
            yield "paragraph", before
        yield "formula", tidy(tex)
        end = match.end()
    if after := text[end:].strip():
        yield "paragraph", after


def within(text: str) -> str:
    r"""Text with the display formulas in it between dollar signs, where they cannot stand apart.

    >>> within(r"a list: \[ x = 1 \] and so on")
    'a list: $x = 1$ and so on'
    """
    return " ".join(f"${piece}$" if role == "formula" else piece for role, piece in apart(text))


def written(text: str, plain: bool = False) -> tuple[str, bool]:
    r"""The LaTeX of the text of a formula's box, and whether it says that it is a display formula; "" where it is none. The number before it
    becomes its `\tag`. With `plain`, what looks like LaTeX counts without delimiters too.

    >>> written(r"(3) \[ x = 1 \]"), written("x^2", plain=True), written("see below")
    (('x = 1 \\tag{3}', True), ('x^2', False), ('', False))
    """
    text = text.strip()
    number = ""
    if match := _NUMBERED.match(text):
        text, number = text[match.end() :], rf" \tag{{{match['number']}}}"
    if text.startswith(("\\(", "\\[", "$", "\\begin{")):
        return tidy(text) + number, not text.startswith("\\(") and (text[:1] == "\\" or text.startswith("$$"))
    return (tidy(text), False) if plain and _LIKE.search(text) else ("", False)


def drawn(url: str, alt: str) -> tuple[str, bool]:
    r"""The LaTeX that an image is drawn from, by its address or by delimiters in its alternative text, and whether it is a display formula;
    "" for other images.

    >>> drawn(r"https://latex.codecogs.com/svg.image?\inline&space;x^2+1", "")
    ('x^2+1', False)
    >>> drawn("form_1.png", "$x^2$"), drawn("photo.png", "a photo")
    (('x^2', False), ('', False))
    """
    alt = alt.strip()
    for start, end in (("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("\\begin{", "}")):
        if alt.startswith(start) and alt.endswith(end) and len(alt) > len(start) + len(end):
            return tidy(alt), start in ("\\[", "\\begin{") or alt.startswith("$$")
    if "?" in url or "upmath" in url or "codecogs" in url:
        url = url[:8000]
        if match := _FORM.search(url):
            return tidy(unquote_plus(match.group(1))), False
        if match := _PATH.search(url):
            return tidy(_HOW.sub("", unquote(match.group(1)).replace("&space;", " "))), False
    return "", False


def looks(text: str) -> bool:
    """Whether a text may be LaTeX: it has a command, a relation, an index or a number."""
    return _LIKE.search(text) is not None


def from_mathml(text: str) -> tuple[str, bool]:
    """The LaTeX of MathML given as text (MathJax's scripts), and whether it is a display formula."""
    math = LexborHTMLParser(text).css_first("math")
    return from_math(math) if math is not None else ("", False)


def display(text: str) -> str:
    r"""The LaTeX of a paragraph that is one display formula (`\[…\]`, `$$…$$`), else "".

    >>> display(r"\[ x = 1 \]")
    'x = 1'
    """
    match = _DISPLAY.fullmatch(text)
    if match is None:
        return ""
    body = match.group(1) or match.group(2) or match.group(3) or ""
    return "" if "$$" in body or "\\]" in body else tidy(body)


def from_math(node: LexborNode) -> tuple[str, bool]:
    """The LaTeX of a `math` element and whether it is a display formula."""
    attributes = node.attributes
    shown = attributes.get("display") == "block" or attributes.get("mode") == "display"
    if tex := annotation(node):
        return tex, shown
    if alt := attributes.get("alttext"):
        return tidy(alt), shown
    return tidy(_Converter().convert(node)), shown


def annotation(node: LexborNode) -> str:
    """The TeX annotation inside `node` (MathML's `application/x-tex`), or ""."""
    found = node.css_first("annotation[encoding*='tex' i]")
    return tidy(found.text()) if found is not None else ""


class _Converter:
    """A small MathML to LaTeX translation: presentation elements, symbols, fences, tables."""

    def __init__(self) -> None:
        self.left = _MAX_NODES

    def convert(self, node: LexborNode, depth: int = 0) -> str:
        self.left -= 1
        if self.left < 0 or depth > _MAX_DEPTH:
            return ""
        if node.tag_id == TEXT_ID:
            return _symbols(node.text_content or "")
        tag = node.tag or ""
        if tag in ("annotation", "annotation-xml", "mphantom"):
            return ""
        if tag in ("mi", "mn", "mo"):
            return _token(tag, (node.text() or "").strip())
        if tag in ("mtext", "ms"):
            text = (node.text() or "").strip()
            return r"\text{" + text + "}" if text else " "
        if tag == "mspace":
            return r"\ "
        parts = [self.convert(c, depth + 1) for c in node.iter(include_text=tag in ("mrow", "math"), skip_empty=True)]
        return _combine(tag, parts, node)


def _combine(tag: str, parts: list[str], node: LexborNode) -> str:
    a, b, c = (*parts, "", "", "")[:3]
    match tag:
        case "mfrac":
            return rf"\frac{{{a}}}{{{b}}}"
        case "msqrt":
            return rf"\sqrt{{{''.join(parts)}}}"
        case "mroot":
            return rf"\sqrt[{b}]{{{a}}}"
        case "msup":
            return f"{_group(a)}^{{{b}}}"
        case "msub":
            return f"{_group(a)}_{{{b}}}"
        case "msubsup" | "munderover":
            return f"{_group(a)}_{{{b}}}^{{{c}}}"
        case "munder":
            return f"{_group(a)}_{{{b}}}"
        case "mover":
            accent = _ACCENTS.get(b.strip()) or _ACCENTS.get({r"\to": "→"}.get(b.strip(), ""))
            return rf"\{accent}{{{a}}}" if accent else f"{_group(a)}^{{{b}}}"
        case "mfenced":
            attributes = node.attributes
            start, end = attributes.get("open") or "(", attributes.get("close") or ")"
            return rf"\left{_symbols(start)}{(attributes.get('separators') or ',')[:1].join(parts)}\right{_symbols(end)}"
        case "mtr" | "mlabeledtr":
            return " & ".join(parts)
        case "mtable":
            return r"\begin{matrix}" + r" \\ ".join(parts) + r"\end{matrix}"
        case "semantics":
            return a
        case _:
            return " ".join(p for p in parts if p) if tag in ("math", "mrow", "mstyle") else "".join(parts)


def _group(tex: str) -> str:
    return tex if len(tex) < 2 or re.fullmatch(r"\\[a-zA-Z]+", tex) else "{" + tex + "}"


def _symbols(text: str) -> str:
    return "".join(_SYMBOLS.get(c, c) for c in text)


def _token(tag: str, text: str) -> str:
    if tag == "mi" and len(text) > 1 and text.isalpha() and text.isascii():
        return (
            "\\" + text
            if text in ("sin", "cos", "tan", "log", "ln", "exp", "max", "min", "lim", "det")
            else rf"\mathrm{{{text}}}"
        )
    return " ".join(_SYMBOLS.get(c, c) for c in text) if len(text) == 1 else _symbols(text)
