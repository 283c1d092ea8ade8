"""Rules on where documents come from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.curate.url import UrlRules
from limner.document import Document
from limner.errors import PlanError

from .context import MemoryContext


def reason(made: UrlRules, url: str, source: str = "") -> tuple[str, str] | None:
    context = MemoryContext()
    list(made(Document("d", url=url, source=source), context))
    return (context.dropped[0][2].reason, context.dropped[0][2].detail) if context.dropped else None


@pytest.mark.parametrize(
    ("entry", "url", "blocked"),
    [
        ("example.org", "https://example.org/a", True),
        ("example.org", "https://www.Example.ORG./a", True),
        ("example.org", "https://notexample.org/a", False),
        ("example.org", "https://other.net/example.org", False),
        ("=example.org", "https://example.org/a", True),
        ("=example.org", "https://www.example.org/a", False),
        ("example.org/private/*", "http://example.org/private/x.html", True),
        ("example.org/private/", "http://example.org/private/x.html", True),
        ("example.org/private/*", "http://example.org/public/x.html", False),
        ("*.tracker.*", "http://ads.tracker.io/x", True),
        (r"re:\.php\?id=\d+$", "http://example.org/a.php?id=12", True),
        (r"re:\.php\?id=\d+$", "http://example.org/a.php", False),
    ],
)
def test_an_entry_matches_hosts_patterns_and_expressions(entry: str, url: str, blocked: bool):
    assert reason(UrlRules(block=(entry,)), url) == (("url-blocked", entry) if blocked else None)
    assert reason(UrlRules(allow=(entry,)), url) is None or not blocked


def test_what_is_not_allowed_goes():
    made = UrlRules(allow=("example.org",))
    assert reason(made, "https://docs.example.org/xxx") is None
    assert reason(made, "https://example.net/") == ("url-not-allowed", "example.net")


def test_lists_are_read_from_files(tmp_path):
    (tmp_path / "block").write_text("# spam\nexample.org # a comment\n\nexample.net\n")
    made = UrlRules(block_files=(str(tmp_path / "block"),))
    assert reason(made, "https://a.example.net/") == ("url-blocked", "example.net")
    with pytest.raises(PlanError, match="cannot be read"):
        reason(UrlRules(block_files=(str(tmp_path / "none"),)), "https://a.example.net/")


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("https://xxx.example.org/a", "xxx"),
        ("https://example.org/free-porn/a", "porn"),
        ("https://example.org/%70orn.html", "porn"),
        ("https://best-casinos.example/", "casinos"),
        ("https://www.sussex.ac.uk/analysis/", None),
        ("https://www.essex.gov.uk/Scunthorpe/cockpit", None),
        ("https://example.org/classics/moby-dick", None),
        ("https://en.wikipedia.org/wiki/Titration", None),
    ],
)
def test_words_count_only_when_they_stand_alone(url: str, word: str | None):
    assert reason(UrlRules(), url) == (("url-word", word) if word else None)


def test_a_local_path_is_not_judged_by_words():
    assert reason(UrlRules(), "", "xxx/porn.html") is None


def test_extensions_schemes_and_further_words():
    assert reason(UrlRules(extensions=(".PDF",)), "https://example.org/a.pdf?x=1") == ("url-extension", "pdf")
    assert reason(UrlRules(), "ftp://example.org/a") == ("url-scheme", "ftp")
    assert reason(UrlRules(words=("login",)), "https://example.org/login?x") == ("url-word", "login")


def test_a_wrong_expression_is_named():
    with pytest.raises(PlanError, match=r"no regular expression"):
        reason(UrlRules(block=("re:(",)), "https://example.org/")


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_text_can_stand_for_a_url(url: str, host: str):
    made = UrlRules(block=("example.org", "*/a/*"), extensions=("png",))
    assert reason(made, url) == reason(made, url)
    reason(made, f"http://{host}/{url}")
