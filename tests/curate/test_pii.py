"""Masking of personal data: what is found, and above all what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.curate.pii import MaskPii, find
from limner.document import Document, Image, Text

from .context import MemoryContext

FOUND = [
    ("Write to jane.doe+web@uni-bonn.de today.", "email", "jane.doe+web@uni-bonn.de"),
    ("<j_smith@mail.co.uk>", "email", "j_smith@mail.co.uk"),
    ("Mail: a.b@x-y.museum.", "email", "a.b@x-y.museum"),
    ("Call +49 228 73-1234 now", "phone", "+49 228 73-1234"),
    ("Call +44 (0)20 7946 0958.", "phone", "+44 (0)20 7946 0958"),
    ("Our line is (415) 555-2671.", "phone", "(415) 555-2671"),
    ("Our line is 415-555-2671.", "phone", "415-555-2671"),
    ("Tél. 01 42 68 53 00", "phone", "01 42 68 53 00"),
    ("Telefon: 0228/731234", "phone", "0228/731234"),
    ("電話番号：03-1234-5678", "phone", "03-1234-5678"),
    ("The server 81.169.145.156 answered.", "ip", "81.169.145.156"),
    ("Logged in from 8.8.4.4 at noon", "ip", "8.8.4.4"),
    ("Requests by 66.249.66.1, a robot", "ip", "66.249.66.1"),
    ("ping 2a00:1450:4001:81b::200e", "ip", "2a00:1450:4001:81b::200e"),
    ("IBAN DE89 3704 0044 0532 0130 00", "iban", "DE89 3704 0044 0532 0130 00"),
    ("Card 4111 1111 1111 1111 was used", "card", "4111 1111 1111 1111"),
]

LEFT_ALONE = [
    "We use version 1.2.3.4 of the library.",
    "Chrome/120.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64) Firefox/115.0.2.1",
    "Upgrade to v10.12.115.3 first.",
    "Requires numpy==1.26.101.2",
    "See section 3.1.4.1 of the manual.",
    "4.10.2.1 Cropping an image",
    "RFC 1.2.3.200",
    "バージョン 2.10.30.120 以降",
    "Windows build 10.0.190.1",
    "The address 192.168.1.1 is your router's.",
    "Listen on 127.0.0.1 or 0.0.0.0, mask 255.255.255.0",
    "Documentation uses the address 203.0.113.7 and 198.51.100.1.",
    "Requests by 66.24.66.1, small numbers that read as a version",
    "The OID 1.3.6.1.4.1 is taken",
    "At 12:30:45 it began, std::vector::size, dead::beef, 00:1A:2B:3C:4D:5E",
    "Documentation has 2001:db8::1.",
    "Write to me@example.com, you@test.example.org or root@localhost.",
    "git clone git@github.com:limner/limner.git",
    "Load logo@2x.png and icon@3x.webp",
    "The decorators @dataclass and @app.route",
    "npm install react@18.2.0 @types/node@20.1.1",
    "scp file user@host.net:/tmp",
    "ISBN 978-3-16-148410-0, ISSN 2049-3630",
    "From 1999-12-31 to 2024-01-15, 24.12.2023, 2023-10-12T10:00:00",
    "The image has 1920 x 1080 pixels, 2073600 in all, 8294400 bytes.",
    "0.123456789, 3.14159265358979, -1234567, 1,234,567.89, 6.02e23",
    "Values +12, +1.5 and +100000.25; 555 123 4567 8910",
    "Order 100-2000-30000 and part 12-3456-789",
    "UUID 123e4567-e89b-12d3-a456-426614174000",
    "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "DOI 10.1038/s41586-021-03819-2 and arXiv 2306.16527",
    "Call 3 functions 1000000 times; phone 14 sold 2022",
    "DE00 3704 0044 0532 0130 00 is no account, 4111 1111 1111 1112 no card.",
    "#ff00cc #123456 U+1F600 0x7fffffff 1234567890123",
]

EVERY = ("email", "phone", "ip", "iban", "card")


@pytest.mark.parametrize(("text", "kind", "value"), FOUND)
def test_personal_data_is_found(text: str, kind: str, value: str):
    assert [(text[a:b], k) for a, b, k in find(text, EVERY)] == [(value, kind)]


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_only_looks_like_it_stays(text: str):
    assert [text[a:b] for a, b, _ in find(text, EVERY)] == []


def test_a_column_of_numbers_in_a_table_stays():
    table = "| run | delta |\n| 1 | +123456789 |\n| 2 | -987654321 |"
    assert find(table, EVERY, role="table") == []


def test_masks_stand_in_texts_alternative_texts_and_titles_but_not_in_code():
    document = Document(
        "d",
        (
            Text(0, "Ask jane@uni-bonn.de or joe@uni-bonn.de, +49 228 731234."),
            Text(1, "mail = 'jane@uni-bonn.de'", "code"),
            Image(2, url="a.png", alt="Card of jane@uni-bonn.de"),
        ),
        title="jane@uni-bonn.de",
    )
    context = MemoryContext()
    (masked,) = MaskPii()(document, context)
    assert [getattr(p, "text", None) or p.alt for p in masked.parts] == [
        "Ask [email] or [email], [phone].",
        "mail = 'jane@uni-bonn.de'",
        "Card of [email]",
    ]
    assert masked.title == "[email]"
    notes = [(n, reason.value, reason.detail) for _, n, reason in context.notes]
    assert notes == [(0, 3, "email 2, phone 1"), (2, 1, "email 1"), (None, 1, "email 1")]
    assert "jane" not in repr(context.notes)


def test_masks_can_be_chosen():
    made = MaskPii(kinds=("email",), masks={"email": "<|mail|>"})
    (masked,) = made(Document("d", (Text(0, "jane@uni-bonn.de +49 228 731234"),)), MemoryContext())
    assert masked.texts[0].text == "<|mail|> +49 228 731234"


@given(st.text(alphabet="ab1290@.:+-() /\n[]#", max_size=80))
def test_masking_twice_is_masking_once(text: str):
    document = Document("d", (Text(0, text),))
    (once,) = MaskPii(kinds=EVERY)(document, MemoryContext())
    again = MemoryContext()
    (twice,) = MaskPii(kinds=EVERY)(once, again)
    assert twice == once
    assert again.notes == []


@given(
    st.from_regex(r"[a-z][a-z0-9]{1,8}", fullmatch=True),
    st.sampled_from(["gmail.com", "uni-bonn.de", "mail.co.jp", "firma.io"]),
    st.sampled_from(["", " ", "(", "<", "\n", "：", "mailto:"]),
    st.sampled_from(["", " ", ")", ">", ".", ", ", "\n", "。"]),
)
def test_an_address_is_found_between_any_neighbours(local: str, host: str, before: str, after: str):
    text = f"{before}{local}@{host}{after}"
    assert [text[a:b] for a, b, _ in find(text)] == [f"{local}@{host}"]


@pytest.mark.parametrize(
    "text",
    [part * 60_000 for part in ("1.", "a@", "+1 ", "1 ", ":", "A1", "(1", "tel ", "2001:")]
    + ["a" * 200_000 + "@", "a." * 60_000 + "@b"],
)
def test_time_is_linear_in_hostile_text(text: str):
    import time

    began = time.process_time()
    find(text, EVERY)
    assert time.process_time() - began < 3
