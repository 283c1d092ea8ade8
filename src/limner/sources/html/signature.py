"""What an element's tag, class, id, role and style say: computed once for each combination and kept.

A page has hundreds of elements but few distinct combinations, and a site repeats them on every page, so the
patterns below cost nothing after the first pages of a site.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from limner.sources.html.tags import HEADINGS, ID, NAMES

# Flags of a signature.
SKIP = 1  # never content: not walked
HIDDEN = 2
FIGURE = 4  # its captions belong to its images
CAPTION = 8
LIST = 16
ORDERED = 32
ITEM = 64
QUOTE = 128
DISPLAY_MATH = 256
INLINE_MATH = 512
KATEX = 1024
LAYOUT = 2048  # a table that is not data
CODE_TABLE = 4096  # a table of line numbers beside code
BOILER = 8192  # for the rules: navigation, adverts, sharing, and the like
MAIN = 16384  # for the rules: the main content
HEADING = 65536
CELL = 131072
FIGURE_TITLE = 32768  # DocBook: a title that is a caption when it stands in a figure
ADMONITION = 1048576  # DocBook: a note, laid out as a table
DATA = 524288  # a table that is data however it looks
API = 262144  # Sphinx: the signature of a function or a class

_HARD = re.compile(
    r"(?:^|\s)(?:noprint|mw-editsection|mw-jump-link|headerlink|printfooter|catlinks|navbox|sphinxsidebar\w*|katex-html|mwe-math-fallback-image-\w+"
    r"|linenos|lineno|linenumbers?|line-numbers?-rows|hljs-ln-numbers|navheader|navfooter|docnav|rouge-gutter|blob-num|copybtn|btn-copy|copy-btn"
    r"|copy-button|clipboard-copy|zeroclipboard-container|anchorjs-link|header-anchor|heading-anchor|hash-link|anchor-link"
    r"|cookie-(?:banner|notice|consent|bar)|cookieconsent|onetrust-\S+|adsbygoogle|google-auto-placed|addtoany\S*|sharedaddy"
    r"|jp-relatedposts|screen-reader-text|screen-reader-only|sr-only|visually-hidden|visuallyhidden|sr-only-focusable)(?=\s|$)",
    re.IGNORECASE,
)
# A box whose class is `mathjax`, in small letters, is one that has formulas to be rendered.
_RENDERED = re.compile(r"(?:^|\s)(?:MathJax|MathJax_(?:Preview|Display|SVG|CHTML)|MJX_Assistive_MathML)(?=\s|$)")
_GUTTER = re.compile(r"(?:^|\s)gutter(?=\s|$)", re.IGNORECASE)
_SKIP_LINK = re.compile(r"(?:^|\s)skip-(?:link|to-content)(?=\s|$)", re.IGNORECASE)
_BOILER = re.compile(
    r"(?:^|[\s_-])(?:nav(?:bar|igation|box)?|menus?|submenu|footer|foot|sidebar|side-bar|breadcrumbs?|cookies?|consent|gdpr|ads?|advert\w*"
    r"|banner|sponsor\w*|promo\w*|social|share|sharing|shares|related|recommend\w*|newsletter|subscribe|subscription|signup|popup|modal"
    r"|pagination|pager|paging|comment-form|respond|login|toolbar|masthead|topbar|widget\w*|tags|taglist|toc|outbrain|taboola"
    r"|skip|utility|copyright|prevnext|prev-next|author-bio|read-more|readmore|site-header|page-header-actions)(?:$|[\s_-])",
    re.IGNORECASE,
)
_MAIN = re.compile(
    r"(?:^|[\s_-])(?:main|content|article|post|entry|story|body|documentwrapper|mw-parser-output|markdown-body)(?:$|[\s_-])", re.I
)
_FIGURE = re.compile(
    r"(?:^|\s)(?:figure|wp-caption|thumb|thumbinner|gallerybox|mediaobject|informalfigure|image-caption-wrapper|sphx-glr-thumbcontainer"
    r"|imageblock|wp-block-image|image-block|captioned-image|screenshot)(?=\s|$)",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    r"(?:^|\s)(?:(?:\S*[_-])?caption(?:-text|text)?|wp-caption-text|thumbcaption|gallerytext|wp-element-caption|figure-caption|figcaption"
    r"|image-caption|photo-caption|media-caption|img-caption|carousel-caption|caption__text|thumbnail-caption)(?=\s|$)",
    re.IGNORECASE,
)
_NOT_CAPTION = re.compile(r"(?:^|\s)(?:captions|caption-number|no-caption|wp-caption|captioned)(?=\s|$)", re.IGNORECASE)
_MATH = re.compile(
    r"(?:^|\s)(?:math|tex|latex|mathjax|formula|arithmatex|mwe-math-element|mwe-math-fallback-image-\w+|formula(?:inl|dsp)|texrender"
    r"|ztext-math)(?=\s|$)",
    re.IGNORECASE,
)
_DISPLAYED = re.compile(r"(?:^|\s)(?:formuladsp|mwe-math-fallback-image-display)(?=\s|$)", re.IGNORECASE)
_KATEX = re.compile(r"(?:^|\s)katex(?:-display|-mathml|-block)?(?=\s|$)")
_CODE_TABLE = re.compile(
    r"(?:^|\s)(?:highlighttable|rouge-table|codehilitetable|hljs-ln|syntaxhighlighter|code-table)(?=\s|$)", re.I
)
_LAYOUT = re.compile(
    r"(?:^|\s)(?:footnote|citation|layout|form-table|field-list|tborder|tablebg|forumline)(?=\s|$)", re.IGNORECASE
)
_FIGURE_TITLE = re.compile(r"(?:^|\s)(?:title|legend)(?=\s|$)")
_ADMONITION = re.compile(r"(?:^|\s)(?:note|tip|warning|important|caution|admonition\S*)(?=\s|$)")
_DATA = re.compile(r"(?:^|\s)(?:docutils|wikitable|infobox|dataframe|sortable)(?=\s|$)")
_API = re.compile(r"(?:^|\s)sig(?=\s|$)")
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

_MAX_TEXT = 400
_MAX_SIGNATURES = 100_000

# The ids that are read, by the longest: those of sections and the like are mostly anchors of one page.
_ID_LENGTH = dict.fromkeys(
    (ID[t] for t in "body div article main header footer aside form ul ol table td dl figure noscript".split()), 32
) | {ID["section"]: 12, ID["span"]: 12, ID["blockquote"]: 12}
_DIV_LIKE = frozenset(ID[t] for t in ("div", "section", "figure", "a", "span", "li", "dl", "p", "center", "aside", "dd"))
_CELL_TAG = ID["td"]
_WHOLE = frozenset((ID["body"], ID["main"], ID["article"]))
_CAPTION_TAGS = frozenset(
    ID[t] for t in ("div", "p", "span", "dd", "figcaption", "small", "em", "i", "h6", "h5", "li", "section")
)
_FLAGS_BY_TAG = {
    ID["figure"]: FIGURE,
    ID["figcaption"]: CAPTION,
    ID["caption"]: CAPTION,
    ID["ul"]: LIST,
    ID["menu"]: LIST,
    ID["dir"]: LIST,
    ID["ol"]: LIST | ORDERED,
    ID["li"]: ITEM,
    ID["blockquote"]: QUOTE,
    ID["nav"]: SKIP | BOILER,
    ID["dialog"]: SKIP | BOILER,
    ID["footer"]: BOILER,
    ID["aside"]: BOILER,
    ID["button"]: BOILER,
    ID["form"]: BOILER,
    ID["label"]: BOILER,
    ID["main"]: MAIN,
    ID["article"]: MAIN,
    ID["td"]: CELL,
    ID["th"]: CELL,
}
_FLAGS_BY_TAG.update(dict.fromkeys(HEADINGS, HEADING))
_ROLES = {
    "navigation": SKIP | BOILER,
    "banner": BOILER,
    "contentinfo": BOILER,
    "complementary": BOILER,
    "search": SKIP | BOILER,
    "dialog": BOILER,
    "alertdialog": SKIP | BOILER,
    "menu": BOILER,
    "menubar": SKIP | BOILER,
    "main": MAIN,
    "article": MAIN,
    "presentation": LAYOUT,
    "none": LAYOUT,
    "heading": HEADING,
}


class Signature:
    """One combination: its `flags`, the `tokens` of its names for the classifier, and what the classifier
    makes of them (`vector`, None until it has)."""

    __slots__ = ("flags", "level", "tag", "tokens", "vector")

    def __init__(self, tag: int, flags: int, tokens: tuple[str, ...]) -> None:
        self.tag = tag
        self.flags = flags
        self.tokens = tokens
        self.level = HEADINGS.get(tag, 2) if flags & HEADING else 0
        self.vector: Any = None


class Signatures:
    """The signatures met so far, by what they were made of."""

    def __init__(self) -> None:
        self._known: dict[object, Signature] = {}
        self.plains: dict[int, Signature] = {}

    def plain(self, tag: int) -> Signature:
        """The signature of an element without attributes."""
        found = self.plains.get(tag)
        if found is None:
            found = self.plains[tag] = _signature(tag, "", "", "", "", False, False)
        return found

    def of(self, tag: int, attributes: Mapping[str, str | None]) -> Signature:
        """The signature of an element."""
        if len(attributes) == 1 and "class" in attributes:
            key: object = (tag, attributes["class"])
        else:
            get = attributes.get
            ident = get("id")
            if ident is not None and len(ident) > _ID_LENGTH.get(tag, 0):
                ident = None  # an anchor, not a name of what is inside
            key = (
                tag, get("class"), ident, get("role"), get("style"), get("itemprop"), get("aria-hidden"), "hidden" in attributes,
            )  # fmt: skip
        found = self._known.get(key)
        return found if found is not None else self._add(key, tag, attributes)

    def _add(self, key: object, tag: int, attributes: Mapping[str, str | None]) -> Signature:
        if len(self._known) >= _MAX_SIGNATURES:
            self._known.clear()
        get = attributes.get
        style = (get("style") or "")[:_MAX_TEXT]
        hidden = "hidden" in attributes and get("hidden") != "until-found"
        found = self._known[key] = _signature(
            tag,
            (get("class") or "")[:_MAX_TEXT],
            ident if (ident := get("id") or "") and len(ident) <= _ID_LENGTH.get(tag, 0) else "",
            (get("role") or "")[:40],
            (get("itemprop") or "")[:40],
            hidden or (bool(style) and _INVISIBLE.search(style) is not None),
            get("aria-hidden") == "true",
        )
        return found


def _signature(tag: int, klass: str, ident: str, role: str, itemprop: str, hidden: bool, decoration: bool) -> Signature:
    flags = _FLAGS_BY_TAG.get(tag, 0) | _ROLES.get(role, 0)
    names = f"{klass} {ident}" if ident else klass
    if hidden:
        flags |= HIDDEN
    if names:
        flags |= _flags(tag, klass, names)
    tokens = [NAMES.get(tag, "custom")]
    if hidden:
        tokens.append("=hidden")
    if decoration:
        tokens.append("=aria-hidden")
    if role:
        tokens.append("role=" + role)
    if itemprop:
        tokens.append("prop=" + itemprop)
    tokens += ["." + word.lower() for word in _TOKEN.findall(klass)]
    tokens += ["#" + word.lower() for word in _TOKEN.findall(ident)]
    return Signature(tag, flags, tuple(tokens[:24]))


def _flags(tag: int, klass: str, names: str) -> int:
    flags = 0
    # The target of a link that skips to the content has the link's name as its id.
    if (_HARD.search(names) and tag not in _WHOLE) or _SKIP_LINK.search(klass) or _RENDERED.search(klass):
        flags |= SKIP
    if tag == _CELL_TAG and _GUTTER.search(klass):
        flags |= SKIP
    if _BOILER.search(names) and tag not in _WHOLE:
        flags |= BOILER
    if _MAIN.search(names):
        flags |= MAIN
    if tag in _DIV_LIKE and _FIGURE.search(klass):
        flags |= FIGURE
    if tag in _CAPTION_TAGS and _CAPTION.search(klass) and not _NOT_CAPTION.search(klass):
        flags |= CAPTION
    if _KATEX.search(klass):
        flags |= KATEX
    elif _MATH.search(klass):
        flags |= (
            INLINE_MATH
            if tag in (ID["span"], ID["img"], ID["code"], ID["tt"], ID["a"]) and not _DISPLAYED.search(klass)
            else DISPLAY_MATH
        )
    if tag in (ID["p"], ID["div"]):
        if _FIGURE_TITLE.search(klass):
            flags |= FIGURE_TITLE
        if _ADMONITION.search(klass):
            flags |= ADMONITION
    if tag == ID["dt"] and _API.search(klass):
        flags |= API
    if tag == ID["table"]:
        if _CODE_TABLE.search(klass):
            flags |= CODE_TABLE
        if _LAYOUT.search(klass):
            flags |= LAYOUT
        elif _DATA.search(klass):
            flags |= DATA
    return flags
