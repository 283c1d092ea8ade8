"""The runner of recipes: verdicts, what a result was made from, what makes it stale, and the table."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner.errors import LimnerError
from limner.recipes import provenance
from limner.recipes.plot import rows_of, svg
from limner.recipes.provenance import code_hash, folder_hash
from limner.recipes.recipe import Claim, Measurement, Panel, Recipe
from limner.recipes.run import amended, results, run, save
from limner.recipes.table import markdown, stale
from limner.recipes.verdict import judge, paired


@dataclass(frozen=True)
class Settings:
    size: int = 2
    name: str = "a"
    data: tuple[str, ...] = ()


def measure(settings, seed):
    yield Measurement("ours", settings.size + 0.1 * seed, "points")
    yield Measurement("theirs", 1.0 + 0.05 * seed)


def recipe(run_=measure, *claims: Claim, data=(), seeds=5) -> Recipe:
    scales = dict.fromkeys(("smoke", "laptop", "gpu"), Settings(data=tuple(data)))
    return Recipe("toy", "A toy", "Nobody 2024", claims, scales, run_, dict.fromkeys(scales, seeds))


def claim(**given) -> Claim:
    return Claim("key", "ours is better", "+1 point", "both", **given)


# Verdicts


def test_a_difference_that_excludes_zero_holds():
    found = judge(claim(better="ours", worse="theirs"), {"ours": [2.0, 2.1, 2.2], "theirs": [1.0, 1.05, 1.1]})
    assert found.word == "held"
    assert found.difference == pytest.approx(1.05)
    assert 0 < found.interval < found.difference


def test_the_other_direction_is_contradicted_and_lower_turns_it_round():
    figures = {"ours": [1.0, 1.1, 1.2], "theirs": [2.0, 2.05, 2.1]}
    assert judge(claim(better="ours", worse="theirs"), figures).word == "contradicted"
    assert judge(claim(better="ours", worse="theirs", lower=True), figures).word == "held"


def test_an_interval_with_zero_and_the_papers_effect_in_it_is_underpowered():
    noisy = {"ours": [0.0, 4.0, 2.0], "theirs": [1.0, 1.0, 1.0]}
    found = judge(claim(better="ours", worse="theirs", effect=1.0), noisy)
    assert found.word == "underpowered"
    assert found.detectable > 1.0


def test_an_interval_that_rules_the_papers_effect_out_contradicts():
    close = {"ours": [1.0, 1.01, 0.99], "theirs": [1.0, 1.0, 1.0]}
    assert judge(claim(better="ours", worse="theirs", effect=1.0), close).word == "contradicted"


def test_one_seed_tells_nothing_of_a_difference():
    assert judge(claim(better="ours", worse="theirs"), {"ours": [2.0], "theirs": [1.0]}).word == "underpowered"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"better": "ours", "at_least": 2.0}, "held"),
        ({"better": "ours", "at_least": 2.5}, "contradicted"),
        ({"better": "ours", "at_most": 2.5}, "held"),
        ({"better": "ours"}, "measured"),
        ({}, "measured"),
        ({"better": "absent", "at_least": 1.0}, "not measured"),
        ({"better": "ours", "worse": "absent"}, "not measured"),
        ({"better": "ours", "at_least": 1.0, "waits": "needs a model"}, "waits"),
    ],
)
def test_bounds_and_what_is_not_there(given, word):
    assert judge(claim(**given), {"ours": [2.0, 2.2]}).word == word


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=8), st.floats(0, 50))
def test_never_both_held_and_contradicted_by_its_mirror(differences, effect):
    words = {paired(differences, effect).word, paired([-d for d in differences], effect).word}
    assert words != {"held"}
    assert words <= {"held", "contradicted", "underpowered"}


# Running


def test_where_nothing_differs_nothing_is_told():
    found = paired([0.0, 0.0, 0.0], 0.5)
    assert found.word == "underpowered"
    assert "nothing differs" in found.reason
    assert paired([0.0, 0.0, 0.01], 0.5).word == "contradicted"


def test_a_run_keeps_every_seed_and_judges(tmp_path):
    result = run(recipe(measure, claim(better="ours", worse="theirs")), "smoke")
    assert result["figures"]["ours"]["values"] == pytest.approx([2.0, 2.1, 2.2, 2.3, 2.4])
    assert result["figures"]["ours"]["spread"] == pytest.approx(0.158, abs=0.001)
    assert result["claims"][0]["word"] == "held"
    (path,) = save(recipe(), result, tmp_path)
    assert results(tmp_path)["toy"] == json.loads(path.read_text()) == json.loads(json.dumps(result))


def test_settings_are_read_as_their_own_type():
    assert amended(Settings(), {"size": "3", "name": "3", "data": '["x"]'}) == Settings(3, "3", ("x",))
    with pytest.raises(LimnerError, match="no setting 'sise'; there are size"):
        amended(Settings(), {"sise": "3"})
    with pytest.raises(LimnerError, match="setting size"):
        amended(Settings(), {"size": "many"})


def sometimes(settings, seed):
    yield Measurement("always", 1.0)
    if seed:
        yield Measurement("later", 1.0)


def twice(settings, seed):
    yield Measurement("same", 1.0)
    yield Measurement("same", 2.0)


def endless(settings, seed):
    yield Measurement("ratio", float("nan"))


@pytest.mark.parametrize(("bad", "why"), [(sometimes, "some seeds only"), (twice, "twice"), (endless, "finite")])
def test_measurements_that_cannot_be_compared_are_refused(bad, why):
    with pytest.raises(LimnerError, match=why):
        run(recipe(bad), "smoke")


def test_data_that_are_not_here_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMNER_DATA", str(tmp_path))
    provenance.data_hash.cache_clear()
    with pytest.raises(LimnerError, match="limner data get sasview"):
        run(recipe(data=["sasview"]), "smoke")
    provenance.data_hash.cache_clear()


def test_what_is_not_a_result_is_refused(tmp_path):
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(LimnerError, match="is not a result"):
        results(tmp_path)


# Provenance


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Modules `limner.toyhouse.*` in a folder of the test's own: a recipe that imports a part, which names another lazily."""
    import limner

    folder = tmp_path / "toyhouse"
    (folder / "plans").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "top.py").write_text("from limner.toyhouse import part\nfrom limner.toyhouse.part import x\n")
    (folder / "part.py").write_text('x = 1\nLAZY = {"a": "limner.toyhouse.lazy:thing"}\n')
    (folder / "lazy.py").write_text("thing = 1\n")
    (folder / "apart.py").write_text("y = 1\n")
    (folder / "plans" / "a.toml").write_text("")
    monkeypatch.setattr(limner, "__path__", [*limner.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.startswith("limner.toyhouse")]:
        del sys.modules[name]


@pytest.mark.parametrize("changed", ["top.py", "part.py", "lazy.py", "plans/a.toml"])
def test_the_hash_changes_with_everything_that_the_recipe_uses(house, changed):
    before = code_hash("limner.toyhouse.top")
    assert code_hash("limner.toyhouse.top") == before
    (house / changed).write_text((house / changed).read_text() + "# changed\n")
    assert code_hash("limner.toyhouse.top") != before


def test_the_hash_is_the_same_after_a_change_elsewhere(house):
    before = code_hash("limner.toyhouse.top")
    (house / "apart.py").write_text("y = 2\n")
    assert code_hash("limner.toyhouse.top") == before


def test_a_folders_hash_follows_names_and_contents(tmp_path):
    (tmp_path / "a").write_text("1")
    first = folder_hash(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    second = folder_hash(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({first, second, folder_hash(tmp_path)}) == 3


# Stale, and the table


def test_a_result_of_other_data_is_stale():
    made = recipe(measure, claim(better="ours", at_least=1.0))
    result = run(made, "laptop")
    assert stale(made, result) == []
    assert stale(made, {**result, "data": {"sasview": "0" * 16}}) == ["data sasview"]
    assert stale(recipe(measure, data=["sasview"]), result) == ["data sasview"]


def test_the_table_shows_claims_figures_and_what_was_not_run():
    made = recipe(measure, claim(better="ours", worse="theirs"), Claim("k", "a | b", "?", "?", waits="needs a model"))
    result = run(made, "laptop")
    text = markdown({"toy": made}, {"toy": result})
    assert "| toy | ours is better | +1 point | ours 2.2, theirs 1.1 | **held**: +1.1 ±" in text
    assert r"| toy | a \| b | ? |  | **waits** (needs a model) |" in text
    assert "| ours | 2.2 points | 0.158 |  |" in text
    assert "stale (" not in text
    changed = {**result, "modules": {**result["modules"], "recipes/gone.py": "0" * 12}}
    assert ", stale (recipes/gone.py) |" in markdown({"toy": made}, {"toy": changed})
    assert "| not run |" in markdown({"toy": made}, {})


# The plot


def counted(settings, seed):
    for step, left in (("read", 40), ("language", 30), ("at-last", 10)):
        yield Measurement(f"{step}.documents", left + seed)
        yield Measurement(f"{step}.words", 1000 * left)
    yield Measurement("share.words", 25.0, "%")
    yield Measurement("share.documents", 25.0, "%")


def test_a_plot_has_a_bar_for_each_row_and_series_as_long_as_its_figure(tmp_path):
    panel = Panel("Left after <each> step", "{row}.{series}", ("documents", "words"), relative=True)
    made = replace(recipe(counted, claim(better="share.documents"), seeds=3), panels=[panel, Panel("None", "nothing.{row}")])
    result = run(made, "laptop")
    written = save(made, result, tmp_path)
    assert [path.name for path in written] == ["toy.json", "toy.svg"]
    root = ElementTree.fromstring(written[1].read_text())
    space = {"s": "http://www.w3.org/2000/svg"}
    bars = [bar for bar in root.findall("s:rect", space) if bar.get("height") == "9"]
    assert len(bars) == 6
    widths = [float(bar.get("width", "0")) for bar in bars]
    assert widths[0] == max(widths)
    assert widths[4] / widths[0] == pytest.approx(11 / 41, abs=0.01)
    assert widths[5] / widths[1] == pytest.approx(10 / 40, abs=0.01)
    words = [text.text for text in root.findall("s:text", space)]
    assert "Left after <each> step" in words
    assert "None" not in words
    assert len(root.findall("s:line", space)) == 3  # the spread of the documents, none of the words
    assert float(root.get("height", "0")) > max(float(bar.get("y", "0")) for bar in bars)


def test_rows_that_lack_a_series_are_left_out_and_without_rows_there_is_no_plot():
    result = run(recipe(counted, claim(better="share.documents"), seeds=1), "laptop")
    panel = Panel("x", "{row}.{series}", ("documents", "words"))
    assert list(rows_of(panel, result["figures"])) == ["read", "language", "at-last"]
    assert svg(recipe(), result) == ""
    assert svg(replace(recipe(), panels=[Panel("x", "none.{row}")]), result) == ""
