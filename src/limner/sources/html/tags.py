"""What the walk does at each tag, by the parser's tag number (a number is half the cost of a name)."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

# Kinds of node, in the order in which the walk tests them.
TEXT, INLINE, LINK, BLOCK, BREAK, IMAGE, SKIP, LEAF, OTHER = range(9)

_INLINE = (
    "span b strong i em u s small big sub sup code tt kbd samp var cite q abbr acronym dfn mark ins del font time "
    "data bdi bdo ruby rb rtc nobr center output strike picture slot noscript"
).split()
_BLOCK = (
    "html body div section article main header footer aside nav p h1 h2 h3 h4 h5 h6 hgroup ul ol menu dir li dl dt dd "
    "blockquote figure figcaption address details summary form fieldset legend label button caption table thead tbody "
    "tfoot tr td th colgroup search dialog frameset noframes marquee"
).split()
_SKIP = (
    "script style template svg iframe frame embed applet canvas audio video select option optgroup datalist "
    "textarea input head title meta link base map area param source track col rp rt wbr progress meter keygen "
    "frameset noembed portal"
).split()
_LEAF = "pre xmp listing plaintext math object".split()


def _number(tag: str) -> int:
    # Tags that the parser moves or drops out of their place are made inside a template-free context.
    wrap = {
        "td": "<table><tr><td>", "th": "<table><tr><th>", "tr": "<table><tr>", "tbody": "<table><tbody>",
        "thead": "<table><thead>", "tfoot": "<table><tfoot>", "caption": "<table><caption>",
        "colgroup": "<table><colgroup>", "col": "<table><col>", "option": "<select><option>",
        "optgroup": "<select><optgroup>", "frame": "<frameset><frame>", "frameset": "<frameset>",
    }  # fmt: skip
    node = LexborHTMLParser(wrap.get(tag, f"<{tag}>")).css_first(tag)
    return node.tag_id if node is not None else -1


def _text_number() -> int:
    body = LexborHTMLParser("x").body
    assert body is not None
    child = body.first_child
    assert child is not None
    return child.tag_id


TEXT_ID = _text_number()
NAMES: dict[int, str] = {}
KIND: dict[int, int] = {TEXT_ID: TEXT}
for _kind, _tags in ((INLINE, _INLINE), (BLOCK, _BLOCK), (SKIP, _SKIP), (LEAF, _LEAF)):
    for _tag in _tags:
        _id = _number(_tag)
        if _id >= 0:
            NAMES[_id] = _tag
            KIND[_id] = _kind
for _tag, _kind in (("a", LINK), ("br", BREAK), ("hr", BLOCK), ("img", IMAGE), ("image", IMAGE)):
    NAMES[_number(_tag)] = _tag
    KIND[_number(_tag)] = _kind
NAMES.pop(-1, None)
KIND.pop(-1, None)

ID: dict[str, int] = {name: number for number, name in NAMES.items()}
HEADINGS: dict[int, int] = {ID[f"h{n}"]: n for n in range(1, 7)}
