"""Archives: what is in them is read as in a folder, and nothing in them leads out, runs wild or is passed over in silence."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from limner.errors import SourceError
from limner.sources.archive import Archive
from limner.sources.archivewalk import MAX_DEPTH, found
from limner.sources.files import FolderSource
from limner.sources.kinds import Page, documents
from sources.site import Held, page, png
from sources.test_mixed import docx, one_page, read, zipped


def tarred(*members: tuple[str, bytes] | tarfile.TarInfo, mode: str = "w") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:  # type: ignore[call-overload]
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def link_in_zip(name: str, target: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, 0o120777 << 16
        file.writestr(info, target)
        file.writestr("good.html", page())
    return out.getvalue()


def reasons(data: bytes, tmp_path: Path, held: Held, name: str = "a.arc") -> tuple[list[str], dict[str, str]]:
    folder = tmp_path / "x"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    made, refused = read(folder, held)
    return [key.removeprefix(f"x/{name}") for key in made if key.startswith(f"x/{name}")], {
        key.removeprefix(f"x/{name}"): reason for key, reason in refused.items() if key.startswith(f"x/{name}")
    }


SITE = {
    "docs/page.html": page(
        '<img src="../img/a%20b.png" alt=A><img src="/img/a%20b.png"><img src="../../../../etc/passwd">'
    ).encode(),
    "img/a b.png": png(),
    "style.css": b"p {}",
    "report": one_page("A telescope of bottle glass"),
    "letters/dear.docx": docx("Dear Madam, the mirror is here."),
}


@pytest.mark.parametrize(
    "packed", [zipped, lambda files: tarred(*files.items()), lambda files: tarred(*files.items(), mode="w:gz")]
)
def test_what_is_in_an_archive_is_read_as_in_a_folder(tmp_path: Path, held: Held, packed: Callable[..., bytes]) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "a.arc").write_bytes(packed(SITE))
    made, refused = read(folder, held)
    assert not refused
    assert sorted(made) == ["x/a.arc/docs/page.html", "x/a.arc/letters/dear.docx", "x/a.arc/report"]
    images = made["x/a.arc/docs/page.html"].images
    assert [held.files.get(image.ref) for image in images[:2]] == [png(), png()]
    assert not any(image.ref for image in images[2:])
    assert "the mirror is here" in made["x/a.arc/letters/dear.docx"].text
    # Names, and so ids, are the same on every run, and each input says how large it is.
    inputs = list(FolderSource(str(folder)).inputs())
    assert inputs == list(FolderSource(str(folder)).inputs())
    assert all(input.size > 0 for input in inputs)


def test_archives_in_archives_are_read_and_no_deeper_than_stated(tmp_path: Path, held: Held) -> None:
    data = page(title="Deep").encode()
    inner = zipped({"p.html": data})
    for level in range(MAX_DEPTH):
        inner = (
            zipped({f"{level}.zip": inner, "p.html": data}) if level % 2 else tarred((f"{level}.zip", inner), ("p.html", data))
        )
    made, refused = reasons(inner, tmp_path, held)
    assert len(made) == MAX_DEPTH + 1
    assert not refused
    made, refused = reasons(zipped({"more.tar": inner}), tmp_path / "deeper", held)
    assert len(made) == MAX_DEPTH
    (reason,) = refused.values()
    assert f"an archive in more than {MAX_DEPTH} archives" in reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped({"../evil.html": page().encode(), "good.html": page().encode()}), "leads out"),
        (zipped({"/etc/evil.html": page().encode(), "good.html": page().encode()}), "leads out"),
        (zipped({"C:\\evil.html": page().encode(), "good.html": page().encode()}), "leads out"),
        (zipped({"a/../../evil.html": page().encode(), "good.html": page().encode()}), "leads out"),
        (link_in_zip("passwd.html", "/etc/passwd"), "a link"),
        (tarred(("../evil.html", b"x"), ("good.html", page().encode())), "leads out"),
        (tarred(("/etc/evil.html", b"x"), ("good.html", page().encode())), "leads out"),
        (tarred(special("passwd.html", tarfile.SYMTYPE, "/etc/passwd"), ("good.html", page().encode())), "a link"),
        (tarred(special("passwd.html", tarfile.LNKTYPE, "/etc/passwd"), ("good.html", page().encode())), "a link"),
        (tarred(special("zero", tarfile.CHRTYPE), ("good.html", page().encode())), "a device"),
        (tarred(special("pipe", tarfile.FIFOTYPE), ("good.html", page().encode())), "a device, a pipe"),
    ],
)
def test_what_leads_out_costs_itself_and_is_told(tmp_path: Path, held: Held, data: bytes, reason: str) -> None:
    made, refused = reasons(data, tmp_path, held)
    assert made == ["/good.html"]
    (said,) = refused.values()
    assert reason in said
    assert [path.name for path in tmp_path.rglob("*")] == ["x", "a.arc"]
    assert not held.files


def encrypted(data: bytes) -> bytes:
    """A zip whose members say that they are encrypted: the flag in both of its headers."""
    out = bytearray(data)
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = out.find(mark)
        while start >= 0:
            out[start + at] |= 1
            start = out.find(mark, start + 4)
    return bytes(out)


def test_a_zip_with_a_password_is_told(tmp_path: Path, held: Held) -> None:
    made, refused = reasons(encrypted(zipped({"secret.html": page().encode()})), tmp_path, held)
    assert not made
    assert "password" in refused["/secret.html"]


def test_bombs_are_refused_before_they_go_off(tmp_path: Path, held: Held) -> None:
    zeros = bytes(80 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb.html", zeros)
        file.writestr("good.html", page())
    made, refused = reasons(out.getvalue(), tmp_path, held)
    assert made == ["/good.html"]
    assert "bomb" in refused["/bomb.html"]
    tar = tarred(("bomb.html", zeros))
    made, refused = reasons(gzip.compress(tar, 9), tmp_path, held)
    assert not made
    assert all("bomb" in reason for reason in refused.values())


def test_a_zip_whose_members_share_their_bytes_is_refused(tmp_path: Path, held: Held) -> None:
    """What is listed many times unpacks many times (Fifield, A better zip bomb, WOOT 2019)."""
    body = bytes(1 << 20)
    one = io.BytesIO()
    with zipfile.ZipFile(one, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a", body)
    data = one.getvalue()
    start = data.rindex(b"PK\1\2")
    local, entry = data[:start], data[start : data.rindex(b"PK\5\6")]
    entries = b"".join(entry[:46] + (b"%c" % (97 + i % 26)) + entry[47:] for i in range(26))
    many = b"".join(entry[:28] + struct.pack("<H", 4) + entry[30:46] + b"%04d" % i for i in range(4000))
    for listed, count in ((entries, 26), (many, 4000)):
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(listed), len(local), 0)
        archive = local + listed + end
        if count == 4000:
            with pytest.raises(SourceError, match="bomb"):
                Archive(io.BytesIO(archive), "a.zip")
        made, _ = reasons(archive, tmp_path, held)
        assert not made


def test_an_archive_within_itself_ends(tmp_path: Path, held: Held) -> None:
    """A gzip of a tar cannot be made to hold itself easily; a tar that leads back into itself can: by a size below zero."""
    header = bytearray(tarred(("a.html", b""))[:512])
    header[124:136] = b"\xff" * 10 + b"\xfc\x00"  # -1024 in GNU's form
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    made, refused = reasons(bytes(header) + bytes(header) + bytes(2048), tmp_path, held)
    assert not made
    assert len(refused) <= 1


def test_a_cut_archive_gives_what_came_before(tmp_path: Path, held: Held) -> None:
    import random

    first = page(title="First").encode()
    data = tarred(("first.html", first), ("second.html", random.Random(1).randbytes(400_000)), mode="w:gz")
    made, refused = reasons(data[: len(data) // 2], tmp_path, held)
    assert made == ["/first.html"]
    assert any("lost" in reason or "cut short" in reason for reason in refused.values())


def test_an_archive_fetched_whole_gives_its_pages_and_tells_what_it_cannot_read(held: Held) -> None:
    data = zipped({"a.html": page(title="A").encode(), "b.bin": b"\1\2\3", "c/d.html": page(title="D").encode()})
    made = list(documents(Page(data, "https://example.org/a.zip", "1"), held, limit=10**7))
    assert [document.title for document in made] == ["A", "D"]
    assert [document.source for document in made] == [f"https://example.org/a.zip/{path}" for path in ("a.html", "c/d.html")]
    assert len({document.id for document in made}) == 2
    assert [name for name, _ in held.rejects] == ["https://example.org/a.zip/b.bin"]


KEPT = {"zip": zipped(SITE), "tar": tarred(*SITE.items()), "gz": tarred(*SITE.items(), mode="w:gz")}


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(KEPT)),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.integers(0, 10**6),
)
def test_a_broken_archive_raises_only_its_own_error(kind: str, flips: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(KEPT[kind])
    for at, value in flips:
        data[at % len(data)] = value
    broken = bytes(data[: cut % len(data)] if cut % 3 == 0 else data)
    try:
        for each in found(io.BytesIO(broken), "a"):
            assert each.refused or not each.chain[-1].startswith("/")
    except SourceError:
        pass
