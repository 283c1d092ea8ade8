"""Rules on where a document comes from: hosts, URLs, words in them, kinds of file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from functools import cache
from importlib.resources import files
from typing import Literal
from urllib.parse import unquote, urlsplit

from limner.curate.operator import Context, DocumentFilter, Reason
from limner.document import Document
from limner.errors import PlanError

_LONGEST_URL = 4_000
_LONGEST_PATTERN = 500

Topic = Literal["adult", "gambling", "counterfeit"]


@dataclass(frozen=True)
class UrlRules(DocumentFilter):
    """Keep or drop documents by their URL, or by the name of their source where they have none.

    Block lists by host and words in the URL are the first step of RefinedWeb (Penedo et al. 2023, arXiv 2306.01116,
    appendix G.1). An entry of `allow` or `block` is a host, which stands for its subdomains too (`example.org`); a
    host of itself alone (`=example.org`); a pattern on the URL without its scheme (`example.org/private/*`); or a
    regular expression on the whole URL (`re:^https?://[^/]*\\.example\\.`). What is allowed is not judged further.
    Records `url-not-allowed`, `url-blocked` with the entry, `url-word` with the word, `url-extension`, `url-scheme`.

    `allow`  where given, only what an entry matches is kept, together with what `allow_files` lists
    `block`  what an entry matches is dropped
    `allow_files`  files of such entries, one a line, `#` begins a comment; read once a process
    `block_files`  files of such entries
    `topics`  built-in lists of words: adult, gambling, counterfeit
    `words`  further words that drop a document when one stands between separators in its host or path
    `extensions`  file name extensions to drop, without the dot
    `schemes`  the schemes that are kept where a document has a URL; empty for any
    """

    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    allow_files: tuple[str, ...] = field(default=(), metadata={"file": True})
    block_files: tuple[str, ...] = field(default=(), metadata={"file": True})
    topics: tuple[Topic, ...] = ("adult", "gambling", "counterfeit")
    words: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    schemes: tuple[str, ...] = ("http", "https", "file")

    def judge(self, document: Document, context: Context) -> Reason | None:
        """See `DocumentFilter`."""
        url = (document.url or document.source)[:_LONGEST_URL]
        scheme, host, path = _split(url)
        if self.allow or self.allow_files:
            if _entries(self.allow, self.allow_files).find(url, host, path) is None:
                return Reason("url-not-allowed", detail=host or url)
            return None
        if self.block or self.block_files:
            entry = _entries(self.block, self.block_files).find(url, host, path)
            if entry is not None:
                return Reason("url-blocked", detail=entry)
        if document.url and scheme and self.schemes and scheme not in self.schemes:
            return Reason("url-scheme", detail=scheme)
        if self.extensions and (extension := _extension(path)) in {e.lstrip(".").lower() for e in self.extensions}:
            return Reason("url-extension", detail=extension)
        # A name that is no URL is a path on someone's disk, which says nothing about what is in the file.
        if host and (self.topics or self.words):
            word = _words(self.topics, self.words).search(f"{host}{path}".lower())
            if word:
                return Reason("url-word", detail=word[1])
        return None


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, host and path of a URL; a name that is none is all path."""
    if "://" not in url:
        return "", "", unquote(url)
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
    except ValueError:
        return "", "", unquote(url)
    return parts.scheme.lower(), host, unquote(parts.path)


def _extension(path: str) -> str:
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


@dataclass(frozen=True, eq=False)
class _Entries:
    """Entries sorted by what they match: a look-up for hosts, one expression for each other kind."""

    suffixes: frozenset[str]
    hosts: frozenset[str]
    globs: tuple[tuple[str, re.Pattern[str]], ...]
    patterns: tuple[tuple[str, re.Pattern[str]], ...]

    def find(self, url: str, host: str, path: str) -> str | None:
        """The first entry that matches, or None."""
        if host:
            if host in self.hosts:
                return f"={host}"
            labels = host.split(".")
            for i in range(len(labels)):
                suffix = ".".join(labels[i:])
                if suffix in self.suffixes:
                    return suffix
        where = host + path
        for entry, pattern in self.globs:
            if pattern.match(where):
                return entry
        for entry, pattern in self.patterns:
            if pattern.search(url):
                return entry
        return None


@cache
def _entries(entries: tuple[str, ...], paths: tuple[str, ...]) -> _Entries:
    lines = [*entries, *(line for path in paths for line in _read(path))]
    suffixes, hosts, globs, patterns = set[str](), set[str](), dict[str, re.Pattern[str]](), dict[str, re.Pattern[str]]()
    for line in lines:
        if len(line) > _LONGEST_PATTERN:
            raise PlanError(f"the URL rule {line[:60]!r}… has more than {_LONGEST_PATTERN} characters")
        if line.startswith("re:"):
            try:
                patterns[line] = re.compile(line[3:])
            except re.error as error:
                raise PlanError(f"the URL rule {line!r} is no regular expression: {error}") from None
        elif "*" in line or "?" in line or "/" in line:
            bare = line.partition("://")[2] or line
            globs[line] = re.compile(translate(bare if bare.endswith("*") else bare + "*"))
        elif line.startswith("="):
            hosts.add(line[1:].lower().rstrip("."))
        else:
            suffixes.add(line.lower().strip("."))
    return _Entries(frozenset(suffixes), frozenset(hosts), tuple(globs.items()), tuple(patterns.items()))


def _read(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as lines:
            return [entry for line in lines if (entry := line.partition("#")[0].strip())]
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"the list of URL rules {path!r} cannot be read: {error}") from error


@cache
def _words(topics: tuple[str, ...], extra: tuple[str, ...]) -> re.Pattern[str]:
    lists = _topics()
    every = sorted({word for topic in topics for word in lists[topic]} | {word.lower() for word in extra})
    return re.compile(rf"(?:^|[^a-z0-9])({'|'.join(map(re.escape, every))})(?![a-z0-9])")


@cache
def _topics() -> Mapping[str, frozenset[str]]:
    data = tomllib.loads((files("limner.curate") / "lists" / "url-words.toml").read_text("utf-8"))
    return {topic: frozenset(text.split()) for topic, text in data["words"].items()}
