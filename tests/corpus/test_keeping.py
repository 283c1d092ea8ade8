"""Compacting, merging, comparing, taking down, bringing up to date: what changes, what must not, and nothing in between."""

from __future__ import annotations

import json
import random
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.killed import change, started
from corpus.strategies import corpus_of, file, lists_of_documents, media_of, page, pages, renamed, with_records
from limner.corpus import Corpus, Store
from limner.corpus.card import describe
from limner.corpus.keeping import (
    changed,
    check,
    compact,
    diff,
    inputs_table,
    merge,
    read_list,
    recorded,
    replace_inputs,
    takedown,
    taken,
)  # fmt: skip
from limner.corpus.keeping.recrawl import Fresh
from limner.corpus.media import sha256
from limner.corpus.statistics import kept_statistics
from limner.document import Document, Image, Text
from limner.document.jsonform import part_to_dict
from limner.errors import CorpusError


def memory() -> str:
    return f"memory://{uuid.uuid4().hex}/c"


def ledger(corpus: Corpus) -> list[dict[str, Any]]:
    return [row for folder in ("ledger", "dropped", "rejects") for t in corpus.rows(folder) for row in t.to_pylist()]


def sound(corpus: Corpus) -> bool:
    return [d for d in check(corpus.store) if d.level != "info"] == []


# Compacting


@settings(max_examples=12, deadline=None)
@given(lists_of_documents(20), st.integers(1, 4), st.integers(1, 30))
def test_compacting_changes_no_document_and_no_order(given: list[Document], batch: int, target: int) -> None:
    corpus = Corpus.create(memory())
    corpus.append(given, media_of(given), batch=batch)
    compact(corpus, documents=target)
    assert list(Corpus.open(corpus.store.url)) == given
    assert {i.ref for i in corpus.media_infos()} == set(media_of(given))
    again = compact(corpus, documents=target)
    assert again.batches_before == again.batches_after
    assert again.won == 0


def test_compacting_wins_back_copies_and_keeps_every_record(tmp_path: Path) -> None:
    documents = [page(i, images=(7, 10 + i)) for i in range(60)]
    corpus = Corpus.create(str(tmp_path / "c"))
    corpus.append(documents, media_of(documents), batch=3)
    with_records(corpus, [page(80)], [page(81)])
    with_records(corpus, [page(82)], [page(83)])
    corpus.save_indexes()
    records, counts = ledger(corpus), corpus.counts
    on_disk = sum(p.stat().st_size for p in (tmp_path / "c").rglob("*") if p.is_file())
    done = compact(corpus)
    assert (done.batches_before, done.batches_after) == (22, 1)
    assert list(Corpus.open(tmp_path / "c")) == [*documents, page(80), page(82)]
    assert ledger(corpus) == records
    assert corpus.counts == counts
    assert len(list(corpus.media_infos())) == 61
    assert sum(p.stat().st_size for p in (tmp_path / "c").rglob("*") if p.is_file()) < on_disk - 0.9 * done.won
    assert done.won > 19 * 1024
    assert corpus.commits[0].inputs == [page(i).source for i in (80, 81, 82, 83)]
    assert sound(corpus)
    corpus.append([page(99)])
    assert len(Corpus.open(tmp_path / "c")) == 63


def test_compacting_keeps_to_its_bounds(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(100), batch=10)
    compact(corpus, documents=35)
    assert [c.counts["documents"] for c in corpus.commits] == [30, 30, 30, 10]
    corpus.append(pages(130)[100:], media_of(pages(130)), batch=10)
    compact(corpus, documents=35)
    assert [c.counts["documents"] for c in corpus.commits] == [30, 30, 30, 30, 10]
    assert list(corpus) == pages(130)


def test_a_corpus_that_is_being_built_is_left_alone(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(10), complete=False)
    for attempt in (lambda: compact(corpus), lambda: takedown(corpus, read_list("x.org")), lambda: merge([corpus], memory())):
        with pytest.raises(CorpusError, match="still being built"):
            attempt()


# Merging


def test_merging_keeps_documents_records_and_notes(tmp_path: Path) -> None:
    a = with_records(corpus_of(tmp_path / "a", pages(20), license="CC0-1.0", source="x"), [page(50)], [page(51)])
    b = with_records(corpus_of(tmp_path / "b", pages(30)[15:], license="CC0-1.0", source="y"), [page(60)], [page(61)])
    out = merge([a, b], str(tmp_path / "m"))
    assert list(out) == [*pages(20), page(50), *pages(30)[20:], page(60)]
    assert sorted(map(str, ledger(out))) == sorted(map(str, [*ledger(a), *ledger(b)]))
    assert {i.ref for i in out.media_infos()} == {i.ref for i in [*a.media_infos(), *b.media_infos()]}
    assert out.facts["license"] == "CC0-1.0"
    assert [n["source"] for n in out.facts["merged"]] == ["x", "y"]
    assert [n["corpus"] for n in out.facts["merged"]] == ["a", "b"]
    assert sound(out)


def test_merging_a_corpus_with_itself_is_the_corpus(tmp_path: Path) -> None:
    a = with_records(corpus_of(tmp_path / "a", pages(20)), [page(50)], [page(51)])
    out = merge([a, a], memory())
    assert not diff(a, out)
    assert [r for r in ledger(out) if "input" not in r] == [r for r in ledger(a) if "input" not in r]


def test_different_documents_of_one_id(tmp_path: Path) -> None:
    other = renamed(page(99), pages(20)[3].id)
    a = corpus_of(tmp_path / "a", pages(20))
    b = with_records(corpus_of(tmp_path / "b", []), [other], [])
    with pytest.raises(CorpusError, match=rf"different documents {other.id} .*--clash suffix"):
        merge([a, b], str(tmp_path / "m"))
    with pytest.raises(CorpusError, match="another merge that was interrupted"):
        merge([a, b], str(tmp_path / "m"), clash="suffix")
    out = merge([a, b], str(tmp_path / "n"), clash="suffix")
    assert list(out) == [*pages(20), renamed(other, f"{other.id}-2")]
    assert next(iter(out.rows("ledger"))).column("document").to_pylist() == [f"{other.id}-2"]
    assert sound(out)


def test_a_merge_honours_what_was_taken_down_from_any(tmp_path: Path) -> None:
    a, b = corpus_of(tmp_path / "a", pages(10)), corpus_of(tmp_path / "b", [*pages(3), page(40, "gone.example")])
    takedown(a, read_list(f"gone.example\n{pages(10)[2].id}"))
    out = merge([a, b], str(tmp_path / "m"))
    assert list(out) == [d for d in pages(10) if d != pages(10)[2]]
    assert taken(out)(page(41, "gone.example"))
    assert b"gone.example" not in everything(tmp_path / "m")


def test_a_merge_into_something_is_refused(tmp_path: Path) -> None:
    a = corpus_of(tmp_path / "a", pages(2))
    with pytest.raises(CorpusError, match="is a corpus already"):
        merge([a], str(tmp_path / "a"))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/x").write_text("mine")
    with pytest.raises(CorpusError, match="other things in it"):
        merge([a], str(tmp_path / "notes"))


# Comparing


def test_a_difference_names_what_changed(tmp_path: Path) -> None:
    before = pages(12)
    new_text = before[4].evolve(
        parts=(*before[4].parts[:1], Text(1, "Other words."), *before[4].parts[3:], Text(9, "More.")), title="New"
    )
    turned = before[5].evolve(parts=before[5].parts[::-1])
    after = [*before[1:4], new_text, turned, *before[6:], page(70, images=(300,))]
    found = diff(corpus_of(memory(), before), corpus_of(memory(), after))
    assert (found.added, found.removed, found.same) == ((page(70).id,), (before[0].id,), 9)
    words, order = found.changed
    assert (words.fields, words.added, words.removed, words.changed, words.moved) == (("title",), (9,), (2,), (1,), False)
    assert (order.fields, order.moved) == ((), True)
    assert found.media_added == (sha256(file(300)),)
    assert set(found.media_removed) == {sha256(file(10)), sha256(file(14))}
    assert "1 added" in str(found)
    assert f"~ {new_text.id}: title, 1 part added, 1 part removed, 1 part changed" in str(found)
    assert json.loads(json.dumps(found.to_dict()))["same"] == 9


@settings(max_examples=15, deadline=None)
@given(lists_of_documents(8), st.integers(1, 4))
def test_no_difference_to_itself_in_other_batches(given: list[Document], batch: int) -> None:
    a, b = Corpus.create(memory()), Corpus.create(memory())
    a.append(given, media_of(given), batch=batch)
    b.append(given, media_of(given), batch=batch + 1)
    assert not diff(a, b)
    if len(given) > 1:
        c = Corpus.create(memory())
        c.append(given[::-1], media_of(given))
        assert diff(a, c).moved


# Taking down


def everything(root: Path) -> bytes:
    """Every byte of every file of a corpus, Parquet also as it decompresses."""
    import pyarrow.parquet as pq

    out = [p.read_bytes() + str(p.relative_to(root)).encode() for p in root.rglob("*") if p.is_file()]
    out += [repr(pq.read_table(p).to_pylist()).encode() for p in root.rglob("*.parquet")]
    return b"".join(out)


SECRET = "plantedtextthatmustgo"


def planted(path: Path) -> Corpus:
    """A corpus that holds the secret in every place that keeps text, from the host `bad.example`."""
    shown = page(200, "bad.example", images=(200, 7)).evolve(meta={"author": SECRET})
    shown = shown.evolve(parts=(*shown.parts, Text(90, SECRET)))
    before = page(201, "www.bad.example").evolve(title=SECRET)
    hosts_image = page(202).evolve(
        parts=(
            Text(0, "Stays."),
            Image(1, sha256(file(201)), "https://cdn.bad.example/x.gif", SECRET),
            Text(2, SECRET, "caption", of=1),
        )
    )
    corpus = with_records(corpus_of(path, pages(20), complete=True), [shown, hosts_image, page(203, images=(7,))], [before])
    writer = corpus.batch()
    writer.add(page(204))
    part = Image(7, "", "https://bad.example/y.gif", SECRET)
    writer.ledger.append((page(204).id, 7, "images", "drop", "small", 1.0, 2.0, ""))
    writer.dropped.append((page(204).id, 7, "images", json.dumps(part_to_dict(part))))
    writer.ledger.append((shown.id, 4, "text", "drop", "short", 1.0, 2.0, SECRET))
    writer.dropped.append((shown.id, 4, "text", json.dumps(part_to_dict(Text(4, SECRET)))))
    writer.rejects.append(("https://bad.example/" + SECRET, "https://bad.example/z", "SourceError", SECRET))
    writer.sidecar("notes", pa.table({"document": [shown.id, page(204).id], "note": [SECRET, "fine"]}))
    writer.sidecar("nameless", pa.table({"note": [SECRET]}))
    writer.commit(["https://bad.example/" + SECRET, "other"])
    corpus.reload()
    corpus.save_indexes()
    return corpus


def test_nothing_taken_down_is_left_in_any_file(tmp_path: Path) -> None:
    corpus = planted(tmp_path / "c")
    assert SECRET.encode() in everything(tmp_path / "c")
    done = takedown(corpus, read_list("# a host\nbad.example\n", "2026-01-01"))
    left = everything(tmp_path / "c")
    for gone in (SECRET.encode(), b"bad.example", file(200)[10:42], file(201)[10:42], sha256(file(201)).encode()):
        assert gone not in left
    assert (done.documents, done.dropped, done.parts, done.rejects, done.inputs) == (1, 1, 2, 1, 3)
    assert done.unknown == ()
    again = Corpus.open(tmp_path / "c")
    assert [d.id for d in again] == [d.id for d in [*pages(20), page(202), page(203), page(204)]]
    assert again.media(sha256(file(7))) == file(7)
    assert [t.to_pylist() for t in again.rows("sidecar-notes")] == [[{"document": page(204).id, "note": "fine"}]]
    assert taken(again).entries["host"]
    assert all(d == "2026-01-01" for d in taken(again).entries["host"].values())
    assert sound(again)
    assert again.facts["complete"] is True
    nothing = takedown(again, read_list(""))
    assert (nothing.documents, nothing.parts) == (0, 0)


def test_a_source_that_is_taken_down_leaves_the_record_of_sources(tmp_path: Path) -> None:
    bad = "https://www.bad.example/sitemap.xml"
    sources = ["https://example.org/urls.txt", bad]
    facts = {
        "plan": {"sources": sources},
        "merged": [{"corpus": "a", "plan": {"sources": [bad]}}],
        "digest": "d",
        "complete": True,
    }
    corpus = corpus_of(tmp_path / "c", pages(3), **facts)
    describe(corpus)
    assert b"bad.example" in everything(tmp_path / "c")
    assert takedown(corpus, read_list("bad.example")).sources == 2
    assert b"bad.example" not in everything(tmp_path / "c")
    left = Corpus.open(tmp_path / "c")
    assert left.facts["plan"]["sources"] == ["https://example.org/urls.txt", "(taken down)"]
    assert left.facts["digest"] == "d"
    assert "limner build https://example.org/urls.txt -o" in left.store.read("CARD.md").decode()
    assert list(left) == pages(3)
    assert takedown(left, read_list("")).sources == 0
    other = corpus_of(tmp_path / "d", pages(5)[3:], plan={"sources": [bad]})
    merged = merge([left, other], str(tmp_path / "m"))
    assert b"bad.example" not in everything(Path(merged.store.url))


def test_a_file_by_its_hash_leaves_every_document(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", [page(i, images=(7, i + 10)) for i in range(30)], batch=10)
    done = takedown(corpus, read_list(sha256(file(7)).upper()))
    assert done.parts == 60  # each image and its caption
    assert all(len(d.images) == 1 for d in corpus)
    assert corpus.media(sha256(file(7))) is None
    assert file(7)[10:] not in everything(tmp_path / "c")
    assert corpus.media(sha256(file(10))) == file(10)


def test_pages_and_documents_are_taken_down_and_others_stay(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", pages(30), batch=10)
    before = {p.name: p.read_bytes() for p in (tmp_path / "c/documents").iterdir()}
    takedown(corpus, read_list(f"HTTP://Example.org:80/page/3/#top\ndocument:{pages(30)[5].id}"))
    assert list(corpus) == [d for i, d in enumerate(pages(30)) if i not in (3, 5)]
    after = {p.name: p.read_bytes() for p in (tmp_path / "c/documents").iterdir()}
    assert set(after) == {"00000000.1.parquet", "00000001.parquet", "00000002.parquet"}
    assert after["00000001.parquet"] == before["00000001.parquet"]
    (tmp_path / "c/search").mkdir()  # known: `limner index` makes it
    (tmp_path / "c/renderings").mkdir()
    (tmp_path / "c/export.txt").write_text("old")
    assert takedown(corpus, read_list("")).unknown == ("export.txt", "renderings/")


@pytest.mark.parametrize(
    ("entry", "url", "goes"),
    [
        ("example.org", "https://example.org/a", True),
        ("example.org", "https://sub.example.org/a", True),
        ("example.org", "https://notexample.org/a", False),
        ("sub.example.org", "https://example.org/a", False),
        ("EXAMPLE.org", "http://Example.ORG:8080/a", True),
        ("host:münchen.example", "https://xn--mnchen-3ya.example/", True),
        ("https://example.org/a", "http://example.org/a/", True),
        ("https://example.org/a", "https://example.org/a#b", True),
        ("https://example.org/a", "https://example.org/a?b=1", False),
        ("https://example.org/a", "https://example.org/ab", False),
        ("example.org", "", False),
        ("example.org", "example.org/page.html", False),
        ("example.org", "https://[broken", False),
    ],
)
def test_which_addresses_an_entry_names(entry: str, url: str, goes: bool) -> None:
    assert read_list(entry).address(url) is goes


def test_a_list_is_kept_as_hashes_and_a_wrong_line_is_named(tmp_path: Path) -> None:
    listed = read_list(f"bad.example\nhttps://x.example/private\n{sha256(b'x')}\n{page(1).id}")
    store = Store(str(tmp_path))
    listed.save(store)
    assert taken(store) == listed
    assert len(listed) == 4
    assert b"bad.example" not in (tmp_path / "takedown.json").read_bytes()
    assert b"private" not in (tmp_path / "takedown.json").read_bytes()
    with pytest.raises(CorpusError, match=r"line 2 .* 'what is this'"):
        read_list("a.org\nwhat is this")
    (tmp_path / "takedown.json").write_text('{"host": {"x": "y"}}')
    with pytest.raises(CorpusError, match=r"takedown\.json is damaged"):
        taken(store)


# Bringing up to date


def with_inputs(path: Path) -> Corpus:
    corpus = Corpus.create(str(path), {"complete": True})
    for start in (0, 5, 10):
        writer = corpus.batch()
        inputs: list[tuple[str, str, list[str]]] = []
        for i in range(start, start + 5):
            document = page(i, images=(i,))
            writer.put(file(i))
            writer.add(document)
            writer.ledger.append((document.id, 1, "quality", "note", "ok", 1.0, 1.0, ""))
            inputs.append((document.source, f"v1-{i}", [document.id]))
        writer.sidecar("inputs", inputs_table(inputs))
        corpus.commits.append(writer.commit([name for name, _, _ in inputs]))
    return corpus


class Held:
    """Files by their sha256, from a new fetch."""

    def media(self, ref: str) -> bytes | None:
        return file(300) if ref == sha256(file(300)) else None

    def info(self, ref: str) -> Any:
        from limner.corpus.probe import probe

        return probe(file(300)) if ref == sha256(file(300)) else None


def test_only_what_changed_is_replaced(tmp_path: Path) -> None:
    corpus = with_inputs(tmp_path / "c")
    names = [page(i).source for i in range(16)]
    assert recorded(corpus) == {names[i]: f"v1-{i}" for i in range(15)}
    now = [(name, f"v{2 if i == 6 else 1}-{i}") for i, name in enumerate(names) if i != 12]
    what = changed(corpus, now)
    assert (what.new, what.changed, what.gone, what.same) == ((names[15],), (names[6],), (names[12],), 13)
    kept = (tmp_path / "c/documents/00000000.parquet").read_bytes()
    new = page(6, images=(300,)).evolve(title="New")
    more = page(66)
    made = replace_inputs(
        corpus, {names[6]: Fresh("v2-6", [new, more])}, [names[12]], Held(), [(new.id, 0, "read", "note", "again", 0.0, 0.0, "")]
    )
    assert [c.stem for c in made] == ["00000001.1", "00000002.1"]
    assert list(Corpus.open(tmp_path / "c")) == [
        *(page(i, images=(i,)) for i in range(6)), new, more, *(page(i, images=(i,)) for i in range(7, 15) if i != 12)
    ]  # fmt: skip
    assert (tmp_path / "c/documents/00000000.parquet").read_bytes() == kept
    assert corpus.media(sha256(file(300))) == file(300)
    assert corpus.media(sha256(file(6))) is None
    assert [r["reason"] for r in ledger(corpus) if r.get("document") == new.id] == ["again"]
    assert not [r for r in ledger(corpus) if r.get("document") == page(12).id]
    assert changed(corpus, now).new == (names[15],)
    assert changed(corpus, now).same == 14
    assert sound(corpus)
    with pytest.raises(CorpusError, match="was not built from 'nowhere'"):
        replace_inputs(corpus, {"nowhere": Fresh("", [])})


def test_a_compacted_corpus_is_still_brought_up_to_date(tmp_path: Path) -> None:
    corpus = with_inputs(tmp_path / "c")
    compact(corpus)
    name = page(7).source
    replace_inputs(corpus, {name: Fresh("v2", [page(7)])}, [page(8).source])
    assert [d.title for d in corpus] == [f"Page {i}" for i in range(15) if i != 8]
    assert recorded(corpus)[name] == "v2"
    assert sound(corpus)


def test_a_corpus_without_digests_says_so(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="does not know the digests"):
        changed(corpus_of(tmp_path / "c", pages(3)), [])


# The card and the statistics


def described(corpus: Corpus) -> str:
    return corpus.store.read("CARD.md").decode()


def test_the_card_says_what_the_corpus_is_after_every_change(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", [*pages(11), page(40, "bad.example"), page(41, "bad.example")], batch=4)
    describe(corpus)
    assert "A corpus of 13 documents" in described(corpus)
    assert "bad.example" in described(corpus)
    done = takedown(corpus, read_list("bad.example"))
    assert done.unknown == ()
    assert "A corpus of 11 documents" in described(corpus)
    assert b"bad.example" not in everything(tmp_path / "c")
    files = f"| image/gif | {len(list(corpus.media_infos()))} |"
    assert files in described(corpus)
    compact(corpus)
    assert files not in described(corpus)
    assert f"| image/gif | {len(list(corpus.media_infos()))} |" in described(corpus)
    with_card = merge([corpus, corpus_of(tmp_path / "d", [page(50)])], str(tmp_path / "m"))
    assert "A corpus of 12 documents" in described(with_card)
    assert sound(with_card)
    without = merge([corpus_of(tmp_path / "e", [page(50)])], str(tmp_path / "n"))
    assert not without.store.exists("CARD.md")


def test_kept_statistics_do_not_outlive_what_they_count(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path / "c", [*pages(3), page(40, "bad.example")])
    kept_statistics(corpus)
    assert b"bad.example" in everything(tmp_path / "c/index")
    takedown(corpus, read_list("bad.example"))
    assert b"bad.example" not in everything(tmp_path / "c")
    assert sound(corpus)


# Killed at any moment


@pytest.mark.parametrize("job", ["compact", "takedown", "merge"])
def test_killed_at_any_moment_it_is_the_old_corpus_or_the_new(tmp_path: Path, job: str) -> None:
    documents = [page(i, "bad.example" if i % 7 == 0 else "example.org", images=(i, 399)) for i in range(120)]
    corpus_of(tmp_path / "before", documents, batch=10, complete=True)
    new = [d for d in documents if "bad.example" not in d.url] if job == "takedown" else documents
    place, out = tmp_path / "c", tmp_path / ("c-merged" if job == "merge" else "c")
    shutil.copytree(tmp_path / "before", place)
    chance, kills, longest = random.Random(job), 0, 0.2
    for _ in range(12):
        process = started(job, str(place))
        time.sleep(chance.uniform(0, longest))
        process.kill()
        process.join()
        if process.exitcode == 0:  # too late: again, and sooner
            longest /= 2
            shutil.rmtree(place)
            shutil.rmtree(f"{place}-merged", ignore_errors=True)
            shutil.copytree(tmp_path / "before", place)
            continue
        kills += 1
        if job == "merge" and not (out / "corpus.json").exists():
            with pytest.raises(CorpusError, match="is not a corpus"):
                Corpus.open(out)
        else:
            assert list(Corpus.open(out)) in (documents, new)
        if kills == 4 or (job == "merge" and (out / "corpus.json").exists()):
            break
    assert kills
    if not (job == "merge" and (out / "corpus.json").exists()):
        change(job, str(place))
    done = Corpus.open(out)
    assert list(done) == new
    assert sound(done)
    for ref, data in media_of(new).items():
        assert done.media(ref) == data
