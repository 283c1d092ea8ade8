"""Reservations in headers, pages and tdmrep.json."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner.sources.optout import Rights, TdmRules, rights, robots_tags, tdm_rules


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("noai", {"noai"}),
        ("NOAI, NoImageAI", {"noai", "noimageai"}),
        ("googlebot: noai", set[str]()),
        ("limner: noai", {"noai"}),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, noai", {"noai"}),
        ("googlebot: nofollow, noai, limner: noimageai", {"noimageai"}),
        ("", set[str]()),
    ],
)
def test_x_robots_tag(header: str, found: set[str]) -> None:
    assert robots_tags(header, "limner") & {"noai", "noimageai"} == found


def test_the_page_overrides_the_header_and_the_header_the_file() -> None:
    meta = b'<meta name="tdm-reservation" content="0">'
    assert rights({"tdm-reservation": "1"}, meta, tdm=True) == Rights()
    assert rights({"tdm-reservation": "0"}, b"", tdm=True) == Rights()
    assert rights({}, b"", tdm=True).reason == "tdm-reservation (tdmrep.json)"


def test_noimageai_is_for_images_only() -> None:
    assert rights({"x-robots-tag": "noimageai"}) == Rights("", True)
    assert rights({"x-robots-tag": "noimageai"}, image=True).reason == "noimageai (X-Robots-Tag)"


def test_words_in_the_text_reserve_nothing() -> None:
    assert rights({}, b"<p>Some sites say noai or tdm-reservation in a meta tag.</p>") == Rights()


@given(
    st.text("/ab*$", max_size=8),
    st.text("/ab", max_size=12).map(lambda path: "/" + path),
)
def test_patterns_match_as_robots_txt_has_it(pattern: str, path: str) -> None:
    end = pattern.endswith("$")
    body = pattern[:-1] if end else pattern
    expression = ".*".join(map(re.escape, body.split("*"))) + (r"\Z" if end else "")
    assert (TdmRules(((pattern, True),)).reserved(path) is True) == bool(re.match(expression, path))


def test_matching_is_never_slow() -> None:
    started = time.monotonic()
    assert TdmRules((("*a" * 900 + "$", True),)).reserved("/" + "a" * 8000 + "b") is None
    assert time.monotonic() - started < 0.5


def test_the_longest_pattern_decides() -> None:
    rules = TdmRules((("/", True), ("/open", False), ("/open/not", True)))
    assert [rules.reserved(p) for p in ("/x", "/open/x", "/open/not")] == [True, False, True]


@settings(max_examples=40)
@given(st.one_of(st.binary(max_size=80), st.recursive(st.none() | st.text(max_size=9), st.lists).map(lambda v: str(v).encode())))
def test_any_bytes_are_rules_or_none(data: bytes) -> None:
    assert isinstance(tdm_rules(data), TdmRules)


def test_rules_nested_deep_are_none() -> None:
    assert tdm_rules(b"[" * 100_000) == TdmRules()
