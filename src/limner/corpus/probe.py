"""What a file is, from its first bytes: type by content, size of images from the header. Nothing is decoded.

The name or the server's word for a file's type are not asked: both are often wrong.
"""

from __future__ import annotations

from limner.corpus import headers, svg
from limner.corpus.media import MediaInfo, sha256

UNKNOWN = "application/octet-stream"

_BY_FOUR = {
    b"\x89PNG": "image/png",
    b"GIF8": "image/gif",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"II+\0": "image/tiff",
    b"\0\0\1\0": "image/x-icon",
    b"\0\0\2\0": "image/x-icon",
    b"fLaC": "audio/flac",
    b"glTF": "model/gltf-binary",
    b"%PDF": "application/pdf",
}

_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}

# Brands of the ISO base media file format (ISO/IEC 14496-12, 23008-12; the MP4 registration authority's list).
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic",
    b"hevx": "image/heic",
    b"mif1": "image/heic",
    b"msf1": "image/heic",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}


def probe(data: bytes) -> MediaInfo:
    """The sha256, type, size in pixels as displayed (Exif orientation respected), and length of a file.

    `mime` is `application/octet-stream` and the size 0 x 0 where the content does not say. Never raises, whatever
    the bytes; looks at headers only.

    >>> info = probe(b"GIF89a" + bytes([5, 0, 3, 0]) + bytes(9))
    >>> info.mime, info.width, info.height, info.size
    ('image/gif', 5, 3, 19)
    """
    kind = mime(data)
    if kind == "image/svg+xml":
        width, height = svg.size(svg.head(data) or b"")
    else:
        width, height = headers.size(kind, data)
    return MediaInfo(sha256(data), kind, width, height, len(data))


def mime(data: bytes) -> str:
    """The type of a file by its content; `application/octet-stream` for what is not one of the known media types."""
    start = data[:4]
    if start[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    found = _BY_FOUR.get(start)
    if found is not None:
        return found if found != "image/x-icon" or _is_icon(data) else UNKNOWN
    if start == b"RIFF":
        return _RIFF.get(data[8:12], UNKNOWN)
    if data[4:8] == b"ftyp":
        return _brand(data)
    if start[:2] == b"BM" and data[14:18] in (b"\x0c\0\0\0", b"\x28\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):
        return "image/bmp"
    if start[:2] == b"\xff\x0a" or data[:12] == b"\0\0\0\x0cJXL \r\n\x87\n":
        return "image/jxl"
    if data[:12] == b"\0\0\0\x0cjP  \r\n\x87\n":
        return "image/jp2"
    if start == b"OggS":
        return "video/ogg" if b"\x80theora" in data[:4096] else "audio/ogg"
    if start == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in data[:64] else "video/x-matroska"
    if start[:3] == b"ID3" or _is_mp3(data):
        return "audio/mpeg"
    if svg.head(data) is not None:
        return "image/svg+xml"
    if _is_gltf(data):
        return "model/gltf+json"
    return "application/pdf" if b"%PDF-" in data[:1024] else UNKNOWN


def _is_icon(data: bytes) -> bool:
    """An icon says how many images it has and where the first lies: behind the list."""
    count = int.from_bytes(data[4:6], "little")
    return 0 < count <= 256 and int.from_bytes(data[18:22], "little") >= 6 + 16 * count


def _brand(data: bytes) -> str:
    end = min(int.from_bytes(data[:4], "big"), len(data), 512)
    major = data[8:12]
    # mif1 and msf1 say only "an image" and "a sequence": the compatible brands say which codec.
    brands = (major, *(data[at : at + 4] for at in range(16, end - 3, 4)))
    if major in (b"mif1", b"msf1"):
        return "image/avif" if b"avif" in brands or b"avis" in brands else "image/heic"
    return _BRANDS.get(major, "video/mp4")


_BITRATES = {
    # kbit/s of layer III by index, MPEG 1 and MPEG 2/2.5 (ISO/IEC 11172-3 and 13818-3, 2.4.2.3)
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _is_mp3(data: bytes) -> bool:
    """Two frames of MPEG audio layer III, one after the other: one alone is too easily met by chance."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE6 != 0xE2:
        return False
    version, bitrate, rate, padding = data[1] >> 3 & 3, data[2] >> 4, data[2] >> 2 & 3, data[2] >> 1 & 1
    if version == 1 or rate == 3 or bitrate in (0, 15):
        return False
    kbits = _BITRATES[3 if version == 3 else 2][bitrate]
    length = (144 if version == 3 else 72) * kbits * 1000 // _RATES[version][rate] + padding
    return len(data) <= length or data[length : length + 2] == data[:2]


def _is_gltf(data: bytes) -> bool:
    """A JSON object with the `asset` every glTF file has (glTF 2.0, 3.2) and one of its lists."""
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start.startswith(b"{"):
        return False
    # Writers put `asset` first or last.
    ends = start + data[-4096:]
    return b'"asset"' in ends and b'"version"' in ends and any(word in ends for word in (b'"nodes"', b'"meshes"', b'"buffers"'))
