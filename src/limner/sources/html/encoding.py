"""Bytes to text as browsers do it (WHATWG Encoding, and HTML 13.2.3 "The input byte stream").

In order: a byte order mark, the charset of the HTTP header, a `meta` in the first 1,024 bytes, detection.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from resiliparse.parse.encoding import detect_encoding, map_encoding_to_html5

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF16_LE, "utf-16-le"))
_PRESCAN = 1024
_DETECT = 65536

_COMMENT = re.compile(rb"<!--.*?(?:-->|$)", re.DOTALL)
_META = re.compile(rb"<meta[\s/]([^>]*)", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"""([^\s=/>"']+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""")
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([^\s"';,>]+)""", re.IGNORECASE)

# Labels for which the detector's table has no name, or a narrower one than the standard's.
_LABELS = {"x-mac-cyrillic": "mac_cyrillic", "x-mac-ukrainian": "mac_cyrillic", "x-user-defined": "latin-1"}
_WIDER = {
    "iso8859-11": "cp874",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "iso8859-9": "cp1254",
    "utf-16": "utf-16-le",
}


def decode(data: bytes, charset_header: str = "") -> str:
    """The page as text. Bytes that are wrong in its encoding become U+FFFD, so this never fails.

    `charset_header` is a charset label or a whole `Content-Type` value, "" where there was none.

    >>> decode(b"<meta charset=latin1><p>caf\\xe9")
    '<meta charset=latin1><p>café'
    """
    return decoded(data, charset_header)[0]


def decoded(data: bytes, charset_header: str = "") -> tuple[str, bytes]:
    """The page as text, and that text in UTF-8: `data` itself where it is that already, as most pages are."""
    for bom, codec in _BOMS:
        if data.startswith(bom):
            text = data[len(bom) :].decode(codec, "replace")
            return text, text.encode()
    found = label_codec(_header_label(charset_header)) or _prescan(data[:_PRESCAN])
    if found is None or found == "utf-8":
        try:
            return data.decode(), data
        except UnicodeDecodeError as error:
            if found is None and error.start <= _DETECT and not _mostly_utf8(data):
                found = label_codec(detect_encoding(data[:_DETECT], html5_compatible=True) or "") or "windows-1252"
            else:
                found = "utf-8"  # one bad byte late in a long page is damage, not another encoding
    text = data.decode(found, "replace")
    return text, text.encode("utf-8", "replace")


@lru_cache(maxsize=256)
def label_codec(label: str) -> str | None:
    """The Python codec of a WHATWG encoding label, None where the label is unknown.

    >>> label_codec("latin1"), label_codec("x-sjis"), label_codec("no-such")
    ('cp1252', 'cp932', None)
    """
    clean = label.strip().lower()
    if not clean or len(clean) > 40 or not clean.isascii():
        return None
    name = _LABELS.get(clean) or map_encoding_to_html5(clean, False)
    if not name:
        return None
    name = _WIDER.get(name.lower(), name.lower())
    try:
        codecs.lookup(name)
    except LookupError:
        return None
    return name


def _header_label(header: str) -> str:
    if not header:
        return ""
    match = _CHARSET.search(header)
    return match.group(1) if match else ("" if "/" in header else header)


def _prescan(head: bytes) -> str | None:
    for match in _META.finditer(_COMMENT.sub(b"", head) if b"<!--" in head else head):
        values = {
            a.group(1).lower(): (a.group(2) or a.group(3) or a.group(4) or b"").decode("latin-1")
            for a in _ATTRIBUTE.finditer(match.group(1))
        }
        label = values.get(b"charset", "")
        if not label and values.get(b"http-equiv", "").lower() == "content-type":
            content = _CHARSET.search(values.get(b"content", ""))
            label = content.group(1) if content else ""
        codec = label_codec(label)
        if codec:
            # The standard: a page that says it is UTF-16 in ASCII bytes is not.
            return "utf-8" if codec.startswith("utf-16") else codec
    return None


def _mostly_utf8(data: bytes) -> bool:
    head = data[:_DETECT]
    text = head.decode("utf-8", "replace")
    bad = text.count("�")
    return bad * 10 < sum(1 for c in text if c > "\x7f") if bad else True
