"""Files that nobody reads: what they are, for the line in the rejects, and which of them need no line.

A folder of a website holds thousands of styles, scripts and sources that are no pages and miss nobody; a spreadsheet, an old
Office file or an unknown binary is something its owner may expect to be read, and must be told of.
"""

from __future__ import annotations

from pathlib import PurePosixPath

_QUIET = frozenset(
    f".{suffix}"
    for suffix in (
        *("css", "scss", "less", "js", "mjs", "cjs", "ts", "tsx", "jsx", "vue", "json", "jsonl", "map", "inv", "wasm", "xml", "rss", "atom"),
        *("woff", "woff2", "ttf", "otf", "eot", "pfb", "afm", "ico", "cur"),
        *("py", "pyc", "pyi", "pyx", "so", "o", "a", "class", "c", "h", "cc", "cpp", "hpp", "cu", "java", "go", "rs", "rb", "pl", "r", "m"),
        *("sh", "bat", "ps1", "cmake", "mk", "toml", "ini", "cfg", "conf", "yml", "yaml", "lock", "po", "mo", "pot", "qm", "sty", "cls"),
        *("npy", "npz", "pickle", "pkl", "doctree", "whl", "jar", "deb", "rpm", "srt", "vtt", "ass", "ssa", "opf", "ncx", "dtd", "xsl", "xsd"),
    )
)  # fmt: skip
_NOTES = frozenset((".txt", ".csv", ".tsv", ".log", ".text"))
_SYSTEM = frozenset(
    (
        "thumbs.db",
        "desktop.ini",
        "makefile",
        "pkg-info",
        "record",
        "wheel",
        "metadata",
        "installer",
        "copyright",
        "copying",
        "license",
        "licence",
    )
)

# The beginnings are those of the formats' specifications, as https://www.garykessler.net/library/file_sigs.html lists them.
_STARTS: tuple[tuple[bytes, str], ...] = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Office file of before 2007, or one with a password; save it as .docx, .pptx or PDF",
    ),
    (b"{\\rtf", "a rich text file (RTF); save it as .docx or .odt"),
    (b"%!PS", "a PostScript file; convert it to PDF"),
    (b"AT&TFORM", "a DjVu file; convert it to PDF"),
    (b"BOOKMOBI", "a Mobipocket book; convert it to EPUB"),
    (b"ITSF", "a Windows help file (CHM)"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it"),
    (b"MSCF", "a Windows cabinet; unpack it"),
    (b"!<arch>\n", "an ar archive, as Debian packages are; unpack it"),
    (b"\x1f\x8b", "a file compressed with gzip, of no kind that is read"),
    (b"BZh", "a file compressed with bzip2; unpack it"),
    (b"\xfd7zXZ\0", "a file compressed with xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "a file compressed with zstd; unpack it"),
    (b"SQLite format 3\0", "a database (SQLite)"),
    (b"PAR1", "a table (Parquet)"),
    (b"\x89HDF\r\n\x1a\n", "data in HDF5"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\xfe\xed\xfa", "a program"),
    (b"\xcf\xfa\xed\xfe", "a program"),
)


def needs_no_word(path: str, in_site: bool) -> bool:
    """Whether a file that nobody reads may be passed over in silence, by its name: styles, scripts, programs, fonts, settings; in a
    website also plain texts and tables, which are its pages' sources and downloads."""
    name = PurePosixPath(path.lower())
    suffix = name.suffix
    return suffix in _QUIET or name.name in _SYSTEM or (in_site and (suffix in _NOTES or not suffix))


def what(head: bytes, name: str, kind: str = "") -> str:
    """What a file is that nobody reads, and what may be done about it.

    >>> what(b"%!PS-Adobe-3.0", "plot.eps")
    'a PostScript file; convert it to PDF'
    """
    if not head:
        return "an empty file, or one that cannot be opened"
    found = next((words for start, words in _STARTS if head.startswith(start)), "")
    if b"BOOKMOBI" in head[60:68]:
        found = "a Mobipocket book; convert it to EPUB"
    if found:
        return f"{found} (there is no reader for it)" if ";" not in found else found
    if kind == "text":
        return "plain text: there is no reader for it; call it .md where it is Markdown"
    return (
        f"a file of kind {kind!r}: there is no reader for it"
        if kind
        else "of a kind that is not known: there is no reader for it"
    )
