"""Where a document or an image went: what of it is here, which step took what is not, which value met which threshold.

A thing is named by a document's id or the beginning of it, an image's sha256 or the beginning of it, an image's URL, or
the URL or source of a page. The ledger is read once, a batch at a time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute

from limner.corpus.corpus import Corpus
from limner.corpus.ledger import plan_steps
from limner.corpus.parquet import read_table
from limner.corpus.trace import MOST, Event, Fate, Match, Reject, Trace
from limner.document import Document, Part
from limner.document.jsonform import from_dict, part_from_dict
from limner.document.render import part_line
from limner.errors import InvalidDocument, LimnerError

# Its functions are made when it is imported: a type checker does not see them.
pc: Any = pyarrow.compute

# What was dropped of each document: part, step, its JSON.
Dropped = dict[str, list[tuple[int, str, dict[str, Any]]]]

_DIGITS = re.compile(r"[0-9a-f]{4,64}\Z")


def why(corpus: Corpus, text: str) -> Trace:
    """Trace what `text` names; a trace that is false where the corpus has never seen it."""
    text = text.strip()
    if not text:
        raise LimnerError("name a document (its id, URL or source) or an image (its sha256 or URL)")
    search = _Search(text)
    named: dict[str, list[Match]] = {}
    for table in _documents(corpus):
        for id, matches in search.documents(table):
            named.setdefault(id, []).extend(matches)
    for table in corpus.rows("dropped"):
        for id, match in search.dropped(table):
            named.setdefault(id, []).extend([match] if match else [])
    for table in corpus.rows("ledger", ["document"]):
        for id in search.ids(table.column("document")):
            named.setdefault(id, [])
    traced = sorted(named)[:MOST]
    dropped: Dropped = {}
    events = _events(corpus, set(traced), dropped)
    fates = tuple(_fate(corpus, id, named[id], events.get(id, []), dropped.get(id, [])) for id in traced)
    return Trace(text, fates, tuple(_rejects(corpus, search)), _media(corpus, text), len(named) - len(traced))


def dropped_parts(corpus: Corpus, id: str) -> list[tuple[Event, Part]]:
    """What steps dropped from a document, with the parts themselves where they were kept, in order of their ordinals."""
    dropped: Dropped = {}
    events = _events(corpus, {id}, dropped).get(id, [])
    by_place = {(part, step): data for part, step, data in dropped.get(id, [])}
    out: list[tuple[Event, Part]] = []
    for event in events:
        data = by_place.get((event.part, event.step))
        if event.action == "drop" and event.part >= 0 and data:
            try:
                out.append((event, part_from_dict(data)))
            except InvalidDocument:
                continue  # `limner check` names damage; a page that shows the rest is better than none
    return sorted(out, key=lambda pair: pair[1].n)


def events(corpus: Corpus, id: str) -> list[Event]:
    """What the ledger says of a document."""
    return _events(corpus, {id}, {}).get(id, [])


def dropped_document(corpus: Corpus, id: str) -> Document | None:
    """A document that a step dropped whole, as it was then; None where it was not, or is not kept."""
    for table in corpus.rows("dropped"):
        found = table.filter(pc.and_(pc.equal(table.column("document"), id), pc.equal(table.column("part"), -1)))
        for row in found.to_pylist():
            try:
                return from_dict(json.loads(row["json"]))
            except (ValueError, RecursionError):
                continue  # as above
    return None


class _Search:
    """Finds what a text names in the tables of a batch."""

    def __init__(self, text: str):
        self.text = text
        self.digits = text.lower() if _DIGITS.match(text.lower()) else ""
        self._url = bool(re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", text))
        quoted = json.dumps(text, ensure_ascii=False)
        self._quoted = [f'"{name}":{quoted}' for name in ("url", "source")]
        self._ending = "" if self._url or self.digits else "/" + quoted[1:]

    def _is(self, column: pa.ChunkedArray | pa.Array) -> Any:
        same = pc.equal(column, self.text)
        if not self._url and not self.digits:
            same = pc.or_kleene(same, pc.ends_with(column, "/" + self.text))
        return pc.fill_null(same, False)

    def ids(self, column: pa.ChunkedArray) -> list[str]:
        match = pc.equal(column, self.text)
        if self.digits:
            match = pc.or_(match, pc.starts_with(column, self.digits))
        return cast("list[str]", pc.unique(column.filter(match)).to_pylist())

    def documents(self, table: pa.Table) -> Iterator[tuple[str, list[Match]]]:
        """Ids of documents that are named, or that have parts that are: with each of these."""
        ids = table.column("id")
        for id in self.ids(ids):
            yield id, []
        for name in ("url", "source"):
            for id in ids.filter(self._is(table.column(name))).to_pylist():
                yield id, []
        lists = table.column("parts").combine_chunks()
        structs = lists.flatten()
        match = self._is(structs.field("url"))
        if self.digits:
            match = pc.or_(match, pc.fill_null(pc.starts_with(structs.field("ref"), self.digits), False))
        if not pc.any(match).as_py():
            return
        parents = pc.list_parent_indices(lists).filter(match).to_pylist()
        for parent, part in zip(parents, structs.filter(match).to_pylist(), strict=True):
            data = {k: v for k, v in part.items() if v is not None}
            yield ids[parent].as_py(), [Match(part["n"], _line(data), True)]

    def dropped(self, table: pa.Table) -> Iterator[tuple[str, Match | None]]:
        """Documents that are named by what was dropped of them: the part, or None for the whole."""
        column = table.column("json")
        match: Any = None
        needles = [*self._quoted, *([f'"ref":"{self.digits}'] if self.digits else [])]
        for needle in needles:
            found = pc.match_substring(column, needle)
            match = found if match is None else pc.or_(match, found)
        if self._ending:
            match = pc.or_(match, pc.match_substring(column, self._ending))
        for row in table.filter(match).to_pylist():
            try:
                data: dict[str, Any] = json.loads(row["json"])
            except (ValueError, RecursionError):
                continue  # damage, which `limner check` names
            if row["part"] >= 0:
                if self._names(data):
                    yield row["document"], Match(row["part"], _line(data), False)
                continue
            if self._names(data, ("url", "source")):
                yield row["document"], None
            for part in cast("list[dict[str, Any]]", data.get("parts", [])):
                if self._names(part):
                    yield row["document"], Match(int(part.get("n", -1)), _line(part), False)

    def _names(self, data: dict[str, Any], fields: tuple[str, ...] = ("url",)) -> bool:
        for name in fields:
            value = str(data.get(name, ""))
            if value == self.text or (not self._url and not self.digits and value.endswith("/" + self.text)):
                return True
        return bool(self.digits) and str(data.get("ref", "")).startswith(self.digits)

    def rejected(self, table: pa.Table) -> pa.Table:
        """Rejects of an input that is named."""
        match = pc.or_(self._is(table.column("input")), self._is(table.column("location")))
        return table.filter(match)


def _documents(corpus: Corpus) -> Iterator[pa.Table]:
    columns = ["id", "url", "source", *(f"parts.list.element.{n}" for n in ("type", "n", "ref", "url", "alt", "width", "height"))]
    for commit in corpus.commits:
        if name := commit.file("documents"):
            yield read_table(corpus.store, name, columns)


def _line(data: dict[str, Any]) -> str:
    try:
        return f"part {data['n']}: {part_line(part_from_dict(data), 160)}"
    except (InvalidDocument, KeyError):
        return json.dumps(data, ensure_ascii=False)[:160]


def _events(corpus: Corpus, ids: set[str], dropped: Dropped) -> dict[str, list[Event]]:
    """The ledger of some documents; fills `dropped` with what was dropped of them."""
    places = {str(s.get("name") or s.get("use")): i + 1 for i, s in enumerate(plan_steps(corpus))}
    wanted = pa.array(sorted(ids), pa.string())
    shown: dict[tuple[str, int, str], str] = {}
    for table in corpus.rows("dropped"):
        for row in table.filter(pc.is_in(table.column("document"), wanted)).to_pylist():
            try:
                data: dict[str, Any] = json.loads(row["json"])
            except (ValueError, RecursionError):
                continue  # damage, which `limner check` names
            dropped.setdefault(row["document"], []).append((row["part"], row["step"], data))
            if row["part"] >= 0:
                shown[row["document"], row["part"], row["step"]] = _line(data)
    found: dict[str, list[Event]] = {}
    for table in corpus.rows("ledger"):
        for row in table.filter(pc.is_in(table.column("document"), wanted)).to_pylist():
            key = (row["document"], row["part"], row["step"])
            row["detail"] = row["detail"] or ""
            found.setdefault(row["document"], []).append(Event(**row, what=shown.get(key, ""), nth=places.get(row["step"], 0)))
    return found


def _fate(corpus: Corpus, id: str, matched: list[Match], events: list[Event], dropped: list[tuple[int, str, Any]]) -> Fate:
    about, all_events = tuple(dict.fromkeys(matched)), tuple(events)
    if id in corpus:
        document = corpus[id]
        status = "reduced" if any(e.action == "drop" for e in events) else "kept"
        return Fate(
            id, status, document.title, document.url, document.source, corpus.batch_of(id), len(document), len(document.images),
            about, all_events,
        )  # fmt: skip
    whole: dict[str, Any] = next((data for part, _, data in dropped if part < 0), {})
    parts = cast("list[dict[str, Any]]", whole.get("parts", []))
    return Fate(
        id, "dropped", str(whole.get("title", "")), str(whole.get("url", "")), str(whole.get("source", "")), "", len(parts),
        sum(1 for part in parts if part.get("type") == "image"), about, all_events,
    )  # fmt: skip


def _rejects(corpus: Corpus, search: _Search) -> Iterator[Reject]:
    left = MOST
    for table in corpus.rows("rejects"):
        for row in search.rejected(table).slice(0, left).to_pylist():
            left -= 1
            yield Reject(*(row[name] or "" for name in ("input", "location", "error", "message")))


def _media(corpus: Corpus, text: str) -> dict[str, Any]:
    if len(text) == 64 and (info := corpus.info(text.lower())):
        return asdict(info)
    return {}
