"""Broken and hostile files of many kinds, made from good ones: cut, flipped, spliced, their numbers changed, and some made to harm.

`write(folder, samples, count, seed)` fills a folder. The same arguments give the same bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import lzma
import random
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.mutations import flipped, picture_bomb, truncated

DEPTH = 100_000
_NUMBER = re.compile(rb"\d{1,9}")
_HUGE = (b"99999999999", b"4294967295", b"2147483648", b"-1", b"0", b"1e308", b"100000000")

Way = Callable[[random.Random, bytes], bytes]


def spliced(rng: random.Random, data: bytes) -> bytes:
    """A piece of itself somewhere else, over or between what was there."""
    start, at = rng.randrange(len(data)), rng.randrange(len(data))
    piece = data[start : start + rng.choice([16, 512, 8192, 65536])]
    return data[:at] + piece * rng.choice([1, 1, 2, 50]) + data[at + (len(piece) if rng.random() < 0.5 else 0) :]


def measured(rng: random.Random, data: bytes) -> bytes:
    """Four bytes here and there, as lengths and sizes are written, are extreme."""
    out = bytearray(data)
    for _ in range(rng.randrange(1, 12)):
        at = rng.randrange(max(len(out) - 4, 1))
        if rng.random() < 0.7:  # headers are at the ends
            at = rng.choice([rng.randrange(min(len(out), 2048)), max(len(out) - rng.randrange(1, 2048) - 4, 0)])
        value = rng.choice([0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0, 1, 0x10000, rng.randrange(2**32)])
        out[at : at + 4] = struct.pack(rng.choice("<>") + "I", value)
    return bytes(out)


def numbered(rng: random.Random, data: bytes) -> bytes:
    """Numbers in text are others: counts of pages, sizes, references."""
    found = list(_NUMBER.finditer(data[:2_000_000]))
    if not found:
        return flipped(rng, data)
    out = data
    for match in sorted(rng.sample(found, min(len(found), rng.randrange(1, 9))), key=lambda m: -m.start()):
        new = rng.choice(_HUGE) if rng.random() < 0.6 else rng.choice(found)[0]
        out = out[: match.start()] + new + out[match.end() :]
    return out


def inner(rng: random.Random, data: bytes) -> bytes:
    """A zip that is whole, with a member that is not; another file as a whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            members = [(info.filename, file.read(info)) for info in file.infolist()]
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError):
        return spliced(rng, data)
    victim = rng.randrange(len(members))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for at, (name, body) in enumerate(members):
            if at == victim and body:
                body = rng.choice((truncated, flipped, spliced, numbered, deepened))(rng, body)
            file.writestr(name, body)
    return out.getvalue()


def deepened(rng: random.Random, data: bytes) -> bytes:
    """An element of it within itself, very often."""
    tags = re.findall(rb"<([A-Za-z][\w:.-]*)[\s>]", data[:100_000])
    if not tags:
        return b"[" * DEPTH + data
    tag = rng.choice(tags)
    at = data.find(b"<" + tag)
    return data[:at] + b"<%s>" % tag * DEPTH + data[at:]


WAYS: tuple[Way, ...] = (truncated, flipped, spliced, measured, numbered, inner)


def zip_of(files: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip, compressed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files:
            file.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def tar_of(files: Sequence[tuple[str, bytes]], kinds: Mapping[str, tuple[bytes, str]] | None = None) -> bytes:
    """A tar; `kinds` are members that are no files, with what they lead to."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        for name, (kind, target) in (kinds or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            tar.addfile(info)
    return out.getvalue()


def shared(count: int) -> bytes:
    """A zip that lists one member many times."""
    data = zip_of([("a.html", bytes(1 << 20))])
    start = data.rindex(b"PK\1\2")
    local, entry = data[:start], data[start : data.rindex(b"PK\5\6")]
    many = b"".join(entry[:28] + struct.pack("<H", 9) + entry[30:46] + b"%04d.html" % i for i in range(count))
    return local + many + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(many), len(local), 0)


def nest(depth: int, wide: int, bottom: bytes) -> bytes:
    """Zips in zips."""
    for _ in range(depth):
        bottom = zip_of([(f"{i}.zip", bottom) for i in range(wide)])
    return bottom


def self_tar() -> bytes:
    """A tar whose member has a size below zero, which leads back to its own header."""
    header = bytearray(tar_of([("a.html", b"")])[:512])
    header[124:136] = b"\xff" * 10 + b"\xfc\x00"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) * 2 + bytes(1024)


def pdf_of(objects: Sequence[bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF of objects, with a right table."""
    out = b"%PDF-1.7\n"
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return out + b"trailer << /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)


def _stream(data: bytes, facts: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), facts, data)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>"
LOCK = b"<< /Filter /Standard /V 1 /R 2 /O (x) /U (x) /P -1 >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"


def pdfs() -> dict[str, bytes]:
    """PDFs made to harm."""
    zeros = zlib.compress(bytes(300 << 20), 9)
    words = zlib.compress(b"BT /F 1 Tf (x) Tj ET\n" * 3_000_000, 9)
    huge = b"/Type /XObject /Subtype /Image /BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter /FlateDecode"
    draw = _stream(b"q 600 0 0 700 0 0 cm /I Do Q")
    picture = _stream(zlib.compress(bytes(1000)), huge + b" /Width 1000000 /Height 1000000")
    return {
        "count.pdf": pdf_of([CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>", PAGE, draw, picture]),
        "own-parent.pdf": pdf_of([CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"]),
        "kids.pdf": pdf_of([CATALOG, b"<< /Type /Pages /Kids [" + b"3 0 R " * 200_000 + b"] /Count 200000 >>", PAGE, draw, picture]),
        "box.pdf": pdf_of([CATALOG, PAGES, PAGE.replace(b"612 792", b"1e9 1e9"), draw, picture]),
        "nan-box.pdf": pdf_of([CATALOG, PAGES, PAGE.replace(b"612 792", b"-1e38 1e-38"), draw, picture]),
        "picture.pdf": pdf_of([CATALOG, PAGES, PAGE, draw, picture]),
        "bomb-picture.pdf": pdf_of([CATALOG, PAGES, PAGE, draw, _stream(zeros, huge + b" /Width 10000 /Height 10000")]),
        "bomb-content.pdf": pdf_of([CATALOG, PAGES, PAGE, _stream(zeros, b"/Filter /FlateDecode"), picture]),
        "words.pdf": pdf_of([CATALOG, PAGES, PAGE, _stream(words, b"/Filter /FlateDecode"), picture]),
        "arrays.pdf": pdf_of([CATALOG, PAGES, PAGE, _stream(b"[" * 2_000_000), b"[" * 500_000]),
        "filters.pdf": pdf_of([CATALOG, PAGES, PAGE, _stream(zeros, b"/Filter [" + b"/FlateDecode " * 2000 + b"]"), picture]),
        "form-in-itself.pdf": pdf_of(
            [CATALOG, PAGES, PAGE, _stream(b"/I Do"), _stream(b"/I Do /I Do", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] "
             b"/Resources << /XObject << /I 5 0 R >> >>")]
        ),
        "table-in-itself.pdf": pdf_of([CATALOG, PAGES, PAGE, draw, picture]).replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev 200"),
        "outline-loop.pdf": pdf_of(
            [CATALOG.replace(b">>", b"/Outlines 6 0 R >>"), PAGES, PAGE, draw, picture,
             b"<< /First 7 0 R /Last 7 0 R /Count 1 >>", b"<< /Title (a) /Parent 6 0 R /Next 7 0 R /First 7 0 R /Last 7 0 R >>"]
        ),
        "locked.pdf": pdf_of([CATALOG, PAGES, PAGE, draw, picture, LOCK], b"/Root 1 0 R /Encrypt 6 0 R"),
    }  # fmt: skip


def archives(page: bytes) -> dict[str, bytes]:
    """Archives made to harm, each with a good page where it can have one."""
    zeros = bytes(100 << 20)
    good = ("good.html", page)
    link = {"passwd.html": (tarfile.SYMTYPE, "/etc/passwd"), "hard.html": (tarfile.LNKTYPE, "/etc/passwd")}
    devices = {"zero.html": (tarfile.CHRTYPE, ""), "pipe.html": (tarfile.FIFOTYPE, "")}
    out = {
        "bomb.zip": zip_of([("bomb.html", zeros), good]),
        "bomb-in-zip.zip": zip_of([("in.zip", zip_of([("bomb.html", zeros)])), good]),
        "many-bombs.zip": nest(2, 12, zip_of([("bomb.html", bytes(40 << 20))])),
        "deep.zip": nest(40, 1, zip_of([good])),
        "shared.zip": shared(5000),
        "escape.zip": zip_of([("../../evil.html", page), ("/etc/evil.html", page), ("C:\\evil.html", page), ("a\0b.html", page), good]),
        "same-name.zip": zip_of([good] * 50),
        "long-name.zip": zip_of([("d/" * 20_000 + "a.html", page), ("x" * 60_000 + ".html", page), good]),
        "empty-files.zip": zip_of([(f"{i}.html", b"") for i in range(3000)]),
        "bomb.tar.gz": gzip.compress(tar_of([("bomb.html", zeros), good]), 9),
        "gz-in-gz.tar.gz": gzip.compress(gzip.compress(gzip.compress(tar_of([("bomb.html", zeros)])))),
        "bomb.tar.xz": lzma.compress(tar_of([("bomb.html", zeros)])),
        "bomb.html.gz": gzip.compress(zeros, 9),
        "escape.tar": tar_of([("../../evil.html", page), ("/etc/evil.html", page), good], {**link, **devices}),
        "self.tar": self_tar(),
        "header.tar": tar_of([("x" * 3_000_000 + ".html", page), good]),
        "size.tar": tar_of([good])[:124] + b"77777777777\0" + tar_of([good])[136:],
        "loop.zip": b"",
    }  # fmt: skip
    # Any zip that ends in bytes that are a zip is that zip: this one's member is what it stands in, but for its own directory.
    loop = zip_of([good])
    for _ in range(6):
        loop = zip_of([("loop.zip", loop), good])
    out["loop.zip"] = loop
    return out


def others() -> dict[str, bytes]:
    """Other files made to harm."""
    laughs = b'<!DOCTYPE a [<!ENTITY a "ha">' + b"".join(
        b'<!ENTITY %s "%s">' % (b"%c" % (98 + i), b"&%c;" % (97 + i) * 10) for i in range(9)
    ) + b"]><a>&j;</a>"  # fmt: skip
    content = b"<?xml version='1.0'?>" + b"<w:p>" * DEPTH
    opf = b"<container><rootfiles><rootfile full-path='a.opf'/></rootfiles></container>"
    frame = struct.pack(">I4s4xII", 16, b"IHDR", 2**31 - 1, 2**31 - 1)
    return {
        "laughs.docx": zip_of([("word/document.xml", laughs), ("[Content_Types].xml", laughs), ("_rels/.rels", laughs)]),
        "deep.docx": zip_of([("word/document.xml", content), ("[Content_Types].xml", b"<a/>")]),
        "laughs.epub": zip_of([("mimetype", b"application/epub+zip"), ("META-INF/container.xml", laughs)]),
        "loop.epub": zip_of([("META-INF/container.xml", opf), ("a.opf", opf * 1000)]),
        "deep.odt": zip_of([("mimetype", b"a"), ("content.xml", b"<a>" * DEPTH + b"x" + b"</a>" * DEPTH)]),
        "laughs.odt": zip_of([("mimetype", b"a"), ("content.xml", laughs)]),
        "bomb.odt": zip_of([("mimetype", b"a"), ("content.xml", b"<a>" + b" " * (90 << 20) + b"</a>")]),
        "bomb.pptx": zip_of([("ppt/presentation.xml", bytes(90 << 20)), ("[Content_Types].xml", b"<a/>")]),
        "deep.ipynb": b'{"cells": ' + b"[" * DEPTH + b"]" * DEPTH + b', "nbformat": 4}',
        "keys.ipynb": b'{"cells": ' + b'{"a":' * DEPTH + b"1" + b"}" * DEPTH + b', "nbformat": 4}',
        "output.ipynb": json.dumps(
            {"cells": [{"cell_type": "code", "source": "x", "outputs": [{"data": {"image/png": "A" * 30_000_000}}]}], "nbformat": 4}
        ).encode(),
        "bomb.png": picture_bomb(30_000),
        "huge.png": b"\x89PNG\r\n\x1a\n" + frame + bytes(100),
        "laughs.svg": b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * DEPTH,
        "huge.avi": b"RIFF\xff\xff\xff\xffAVI LIST\xff\xff\xff\xffhdrlavih" + struct.pack("<I", 56) + b"\xff" * 56 + b"LIST" * 1000,
        "huge.mp4": struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\2\0") + b"".join(struct.pack(">I4s", 8, b"moov") for _ in range(50_000)),
        "deep.mp4": struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\2\0")
        + b"".join(struct.pack(">I4s", 0x7FFFFFFF, b"moov") for _ in range(50_000)),
        "long.mp4": struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\2\0") + struct.pack(">I4sQ", 1, b"mdat", 2**63 - 1) + bytes(64),
        "links.md": b"![a](" * 200_000,
        "quotes.md": b"> " * 100_000 + b"a",
        "lists.rst": b"".join(b" " * i + b"* a\n\n" for i in range(3000)),
        "book.xml": b"<?xml version='1.0'?><book xmlns='http://docbook.org/ns/docbook'>" + b"<section>" * DEPTH,
    }  # fmt: skip


def write(folder: Path, samples: Mapping[str, bytes], count: int, seed: int, made: bool = True) -> list[str]:
    """Fill `folder` with `count` files and return their paths in it: first those made to harm (without `made` none), then samples
    broken in all ways, in turn. A sample's name says its kind by its ending."""
    rng = random.Random(seed)
    page = b"<!doctype html><html><body><h1>A page</h1><p>" + b"The crop tool cuts an image down. " * 20 + b"</p></body></html>"
    files: dict[str, bytes] = {**pdfs(), **archives(page), **others()} if made else {}
    # No page names the drawing: beside pages it would be passed over, as the icons of a website are.
    files = {f"{'drawings' if name.endswith('.svg') else 'made'}/{name}": data for name, data in list(files.items())[:count]}
    names = sorted(samples)
    while len(files) < count:
        number = len(files)
        way, name = WAYS[number % len(WAYS)], rng.choice(names)
        files[f"{number // 200:03d}/{number:05d}-{way.__name__}-{name}"] = way(rng, samples[name])
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return list(files)
