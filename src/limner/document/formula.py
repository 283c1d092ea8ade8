"""LaTeX to MathML that is safe to put in a page: only elements and attributes of presentation are let through."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from limner.errors import MissingExtra

_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_LONGEST = 2_000
_DEEPEST = 40
_LONG = 20
_ELEMENTS = frozenset(
    "math mrow mi mn mo mtext mspace ms mfrac msqrt mroot mstyle mpadded mphantom mfenced menclose msub msup msubsup "
    "munder mover munderover mmultiscripts mprescripts none mtable mtr mtd".split()
)
_ATTRIBUTES = frozenset(
    "display displaystyle scriptlevel mathvariant stretchy fence separator form lspace rspace minsize maxsize symmetric "
    "largeop movablelimits accent accentunder linethickness columnalign rowspacing columnspacing width height depth "
    "notation columnlines rowlines".split()
)
_VALUE = re.compile(r"[A-Za-z0-9 .%+-]{0,64}\Z")


@lru_cache(4_096)
def mathml(latex: str, display: bool) -> Markup | None:
    """The formula as MathML, or None where it cannot be set (then show the LaTeX).

    >>> str(mathml("x^2", False))
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>'
    """
    try:
        from latex2mathml import converter
    except ImportError:
        raise MissingExtra("serve", "latex2mathml", "showing formulas") from None
    if len(latex) > _LONGEST or _depth(latex) > _DEEPEST:
        return None
    written: Any
    try:
        written = ElementTree.fromstring(converter.convert(latex, display="block" if display else "inline"))
    except (Exception, RecursionError):  # noqa: BLE001 - a formula of any shape may come; the page shows its LaTeX instead
        return None
    for element in written.iter():
        element.tag = element.tag.removeprefix(f"{{{_NAMESPACE}}}")
        if element.tag not in _ELEMENTS:
            return None
        for name in list(element.attrib):
            if name not in _ATTRIBUTES or not _VALUE.match(element.attrib[name]):
                del element.attrib[name]
    written.set("xmlns", _NAMESPACE)
    attributes = {"xmlns": written.attrib.pop("xmlns"), **written.attrib}
    written.attrib.clear()
    written.attrib.update(attributes)
    # ElementTree escapes all text and attributes; elements and attributes are those listed above.
    html = Markup(ElementTree.tostring(written, encoding="unicode"))
    if display or sum(len(text.strip()) for text in written.itertext()) <= _LONG:
        return html
    # A formula is not broken over lines: a long one in a line of text gets a box of its own to scroll in on a phone.
    return Markup('<span class="long-formula">{}</span>').format(html)


def _depth(latex: str) -> int:
    deepest = depth = 0
    for character in latex:
        depth += (character == "{") - (character == "}")
        deepest = max(deepest, depth)
    return deepest + latex.count("\\left") + latex.count("\\begin") + latex.count("\\sqrt") // 4
