"""Broken and hostile inputs made from good ones: pages and images cut, flipped, nested, inflated, misencoded, misnamed.

`write(folder, pages, pictures, count, seed)` fills a folder with `count` pages, each broken in one of the ways of `WAYS`, and the
pictures they name, broken too. The same arguments give the same bytes.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

DEPTH = 100_000

HOSTILE = (
    "../../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "....//....//etc/passwd",
    "\\\\server\\share\\x.png", "http://127.0.0.1:1/x.png", "http://169.254.169.254/latest/meta-data", "javascript:alert(1)",
    "data:image/png;base64," + "A" * 5000, "data:,", "img/\x00.png", "a" * 5000 + ".png", "http://[::1", "//", "?", "#", "%",
    "\ud800.png", "img/../img/./../../x.png",
)  # fmt: skip


def truncated(rng: random.Random, page: bytes) -> bytes:
    """Cut anywhere."""
    return page[: rng.randrange(len(page))]


def flipped(rng: random.Random, page: bytes) -> bytes:
    """Some bits turned over."""
    data = bytearray(page)
    for _ in range(rng.randrange(1, 200)):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def nested(rng: random.Random, page: bytes) -> bytes:
    """An element inside itself a hundred thousand times, closed or not, in the middle of the page."""
    tag = rng.choice(
        ["div", "b", "ul><li", "table><tr><td", "blockquote", "font", "svg", "math", "section", "a", "p", "span", "x"]
    )
    depth = rng.choice([1000, 10_000, DEPTH])
    end = b"" if rng.random() < 0.5 else f"</{tag.split('>')[0]}>".encode() * depth
    middle = rng.randrange(len(page))
    return page[:middle] + f"<{tag}>".encode() * depth + b"text at the bottom" + end + page[middle:]


def misencoded(rng: random.Random, page: bytes) -> bytes:
    """Bytes that are not what they say they are."""
    text = page.decode("utf-8", "replace")
    name = rng.choice(["utf-16-le", "utf-16-be", "utf-32", "shift_jis", "koi8-r", "utf-7", "cp037"])
    label = rng.choice(["utf-8", "utf-16", "iso-2022-kr", "x-user-defined", "no-such-encoding", "\x00"])
    return f'<meta charset="{label}">'.encode() + text.encode(name, "replace")


def bombed(rng: random.Random, page: bytes) -> bytes:
    """A page that says much more than it has: entities, attributes, tables and lists without end."""
    kind = rng.randrange(6)
    if kind == 0:
        return b"<p>" + b"&amp;" * 400_000
    if kind == 1:
        return b"<div " + b" ".join(b"a%d=b" % i for i in range(30_000)) + b">" + page
    if kind == 2:
        return b"<table><tr><td colspan=100000000 rowspan=100000000>x</td></tr></table>" * 50 + page
    if kind == 3:
        return b'<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + b"&b;" * 1000 + page
    if kind == 4:
        return b"<ul>" + b"<li><ul>" * 3000 + b"x" + page
    return b"<p>" + bytes([rng.randrange(33, 127)]) * 3_000_000


def misnamed(rng: random.Random, page: bytes) -> bytes:
    """Pictures, links and bases that point where they should not."""
    out = page
    for name in rng.sample(HOSTILE, 6):
        escaped = name.encode("utf-8", "surrogatepass").replace(b'"', b"&quot;")
        attribute = rng.choice([b"src", b"srcset", b"data-src"])
        out = b'<p>see <img %s="%s" alt="x"></p>' % (attribute, escaped) + out
    if rng.random() < 0.5:
        out = b'<base href="%s">' % rng.choice(HOSTILE[:4]).encode() + out
    return out


def scripted(rng: random.Random, page: bytes) -> bytes:
    """Script wherever a page can hold it."""
    planted = (
        b"<script>document.title='RAN'</script><img src=x onerror=\"document.title='RAN'\"><svg onload=\"document.title='RAN'\">"
    )
    middle = rng.randrange(len(page))
    return b"<title>a<script>document.title='RAN'</script></title>" + page[:middle] + planted + page[middle:]


def noise(rng: random.Random, page: bytes) -> bytes:
    """No page at all."""
    return rng.randbytes(rng.randrange(1, 60_000))


WAYS = (truncated, flipped, nested, misencoded, bombed, misnamed, scripted, noise)


def picture_bomb(side: int) -> bytes:
    """A PNG of a few hundred kilobytes that says it is `side` x `side` pixels, and is."""
    row = zlib.compressobj(9)
    body = b"".join(row.compress(b"\0" * (side // 8 + 1)) for _ in range(side)) + row.flush()
    chunks = b""
    for kind, data in ((b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")):
        chunks += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunks


def pictures_from(rng: random.Random, pictures: Sequence[bytes], count: int) -> list[bytes]:
    """Broken pictures, one of them a decompression bomb."""
    from PIL import Image

    out = [
        picture_bomb(30_000),
        b"",
        b"GIF89a" + b"\xff" * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg' width='1e9' height='1e9'/>",
    ]
    out.append(b'<!DOCTYPE svg [<!ENTITY a "' + b"a" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">]><svg>&b;</svg>')
    frames = io.BytesIO()
    small = Image.new("P", (300, 300))
    small.save(frames, "GIF", save_all=True, append_images=[small] * 300)
    out.append(frames.getvalue())
    while len(out) < count:
        source = rng.choice(pictures)
        out.append(rng.choice([truncated, flipped, flipped])(rng, source))
    return out[:count]


def write(folder: Path, pages: Sequence[bytes], pictures: Sequence[bytes], count: int, seed: int = 1) -> Path:
    """Fill `folder` with `count` broken pages in folders of a thousand, and the pictures in `img/`."""
    rng = random.Random(seed)
    (folder / "img").mkdir(parents=True)
    broken = pictures_from(rng, pictures, min(count, 400))
    for i, data in enumerate(broken):
        (folder / "img" / f"{i}.png").write_bytes(data)
    for i in range(count):
        part = folder / f"{i // 1000:03d}"
        part.mkdir(exist_ok=True)
        way = WAYS[i % len(WAYS)]
        shown = b"".join(
            b'<p>a picture</p><img src="../img/%d.png" alt="a picture">' % rng.randrange(len(broken)) for _ in range(2)
        )
        base = rng.choice(pages)
        (part / f"{i:06d}-{way.__name__}.html").write_bytes(way(rng, base.replace(b"</body>", shown + b"</body>", 1)))
    return folder
