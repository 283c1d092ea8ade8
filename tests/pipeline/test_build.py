"""Building a corpus: what comes out, what a bad input costs, and that who runs it makes no difference."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from limner import Corpus, Image
from limner.errors import PlanError
from limner.pipeline import Plan, build, runner, step
from limner.pipeline.plan import from_dict
from limner.sources.files import FolderSource
from pipeline.hostile import Misbehaving
from pipeline.pages import write_site


def plan(batch: int = 7) -> Plan:
    steps = (
        step("near-duplicates"),
        step("boilerplate"),
        step("text-length", min_words=10),
    )
    return Plan(steps=steps, batch=batch)


def contents(corpus: Path) -> dict[str, str]:
    """The sha256 of every file that counts."""
    folders = ("documents", "media", "ledger", "dropped", "rejects", "commits", "index")
    files = [f for name in folders for f in sorted((corpus / name).glob("*"))]
    return {str(f.relative_to(corpus)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("web") / "site")


@pytest.fixture(scope="module")
def built(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "corpus"
    build(plan(), str(out), sources=[FolderSource(str(site))])
    return out


def test_every_page_is_in_the_corpus_or_in_the_ledger(built: Path) -> None:
    corpus = Corpus.open(built)
    dropped = {row["document"] for t in corpus.rows("ledger") for row in t.to_pylist() if row["part"] == -1}
    assert len(corpus) + len(dropped) == 40
    assert {d.id for d in corpus}.isdisjoint(dropped)


def test_near_duplicates_and_repeated_lines_are_gone_and_named(built: Path) -> None:
    corpus = Corpus.open(built)
    rows = [row for t in corpus.rows("ledger") for row in t.to_pylist()]
    assert sum(row["step"] == "near-duplicates" and row["part"] == -1 for row in rows) == 4
    assert not any("All rights reserved" in d.text for d in corpus)
    assert all(row["step"] == "boilerplate" for row in rows if "rights" in str(row["detail"]))


def test_images_are_stored_in_place_and_read_back(built: Path, site: Path) -> None:
    corpus = Corpus.open(built)
    document = next(d for d in corpus if d.title == "Page 3")
    image = document.images[0]
    assert corpus.media(image.ref) == (site / "img" / "figure3.png").read_bytes()
    assert (image.width, image.height) == (160, 120)
    assert [type(p) for p in document.parts][-2] is Image
    assert document.captions(image.n)[0].text.startswith("Figure 3:")


def test_nothing_of_the_work_is_left(built: Path) -> None:
    assert not (built / ".stages").exists()
    assert Corpus.open(built).facts["complete"] is True


def test_processes_write_the_same_bytes(built: Path, site: Path, tmp_path: Path) -> None:
    build(plan(), str(tmp_path / "c"), sources=[FolderSource(str(site))], runner=runner("processes", 2))
    assert contents(tmp_path / "c") == contents(built)


def test_a_second_run_does_nothing(built: Path, site: Path) -> None:
    before = contents(built)
    build(plan(), str(built), sources=[FolderSource(str(site))])
    assert contents(built) == before


def test_another_plan_is_refused(built: Path, site: Path) -> None:
    with pytest.raises(PlanError, match="another plan"):
        build(plan(batch=8), str(built), sources=[FolderSource(str(site))])


@pytest.mark.parametrize("how", ["raise", "hang", "recurse"])
def test_a_bad_input_costs_itself_only(how: str, tmp_path: Path) -> None:
    setting = Plan(batch=4, seconds=1.0)
    summary = build(setting, str(tmp_path / "c"), sources=[Misbehaving(10, 5, how)])
    corpus = Corpus.open(tmp_path / "c")
    assert [d.source for d in corpus] == [f"input-{i}" for i in range(10) if i != 5]
    assert [row["input"] for t in corpus.rows("rejects") for row in t.to_pylist()] == ["input-5"]
    assert summary.rejects == {{"raise": "ValueError", "hang": "timeout", "recurse": "RecursionError"}[how]: 1}


def test_an_input_that_kills_its_worker_is_left_out(tmp_path: Path) -> None:
    build(Plan(batch=3), str(tmp_path / "c"), sources=[Misbehaving(9, 4, "die")], runner=runner("processes", 2))
    corpus = Corpus.open(tmp_path / "c")
    assert [d.source for d in corpus] == [f"input-{i}" for i in range(9) if i != 4]
    (reject,) = [row for t in corpus.rows("rejects") for row in t.to_pylist()]
    assert reject["input"] == "input-4"
    assert "died" in reject["message"]


def test_a_plan_says_what_is_wrong_with_it() -> None:
    with pytest.raises(PlanError, match=r"no operator 'langauge'.*language"):
        from_dict({"step": [{"use": "langauge"}]})
    with pytest.raises(PlanError, match="two steps are called 'sample'"):
        from_dict({"step": [{"use": "sample", "share": 0.5}, {"use": "sample", "share": 0.4}]})
    with pytest.raises(PlanError, match="unknown setting 'bach'"):
        from_dict({"plan": {"bach": 3}})
