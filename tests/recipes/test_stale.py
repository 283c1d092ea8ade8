"""What makes a result stale: code and data that its run used, not what was said about them, and nothing else."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import limner
from limner.loaded import ASKED
from limner.provenance.gist import gist
from limner.provenance.used import EDITED, changed, code_of, hashes
from limner.recipes.recipe import Claim, Measurement, Recipe
from limner.recipes.run import run
from limner.recipes.table import markdown, stale

MEASURED = '''"""A recipe."""

from limner.recipes.recipe import Measurement
from limner.toyhouse import part


def measure(settings, seed):
    """Measure."""
    from limner.toyhouse.lazy import thing

    # One figure.
    yield Measurement("ours", part.x + thing)
'''


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Modules `limner.toyhouse.*` in a folder of the test's own: a recipe that imports a part and, when it runs, another."""
    folder = tmp_path / "toyhouse"
    (folder / "plans").mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "measured.py").write_text(MEASURED)
    (folder / "part.py").write_text("x = 1\n")
    (folder / "lazy.py").write_text("thing = 1\n")
    (folder / "apart.py").write_text("y = 1\n")
    (folder / "plans" / "a.toml").write_text("a = 1\n")
    monkeypatch.setattr(limner, "__path__", [*limner.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield folder
    for name in [name for name in sys.modules if name.startswith("limner.toyhouse")]:
        del sys.modules[name]


@dataclass(frozen=True)
class Ways:
    data: tuple[str, ...] = ()


def of(measure, *claims: Claim) -> Recipe:
    scales = ("smoke", "laptop", "gpu")
    return Recipe("toy", "A toy", "Nobody 2024", claims, dict.fromkeys(scales, Ways()), measure, dict.fromkeys(scales, 1))


@pytest.fixture
def made(house):
    return of(
        importlib.import_module("limner.toyhouse.measured").measure,
        Claim("k", "ours is much", "1", "it", better="ours", at_least=1.0),
    )


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("measured.py", '"""A recipe."""', '"""Another word."""'),
        ("measured.py", '    """Measure."""\n', ""),
        ("measured.py", "# One figure.", "# A figure."),
        ("measured.py", "    # One figure.\n", "\n\n"),
        ("measured.py", '("ours", part.x + thing)', '(\n        "ours",  # a name\n        part.x + thing)'),
        ("part.py", "x = 1\n", 'x = 1\n"""What x is."""\n'),
        ("apart.py", "y = 1", "y = 2"),
    ],
)
def test_what_is_said_of_code_and_code_that_was_not_loaded_leave_a_result_fresh(house, made, file, old, new):
    result = run(made, "smoke")
    edit(house / file, old, new)
    assert stale(made, result) == []


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("measured.py", "part.x + thing", "part.x - thing"),
        ("measured.py", '"ours"', '"# ours"'),
        ("part.py", "x = 1", "x = 2"),
        ("lazy.py", "thing = 1", "thing = 2"),
        ("plans/a.toml", "a = 1", "a = 2"),
    ],
)
def test_an_edit_of_what_the_run_used_makes_its_result_stale_and_is_named(house, made, file, old, new):
    result = run(made, "smoke")
    edit(house / file, old, new)
    assert stale(made, result) == [f"toyhouse/{file}"]
    assert f", stale (toyhouse/{file}) |" in markdown({"toy": made}, {"toy": result})


def test_a_module_that_is_gone_makes_a_result_stale(house, made):
    result = run(made, "smoke")
    (house / "lazy.py").unlink()
    assert stale(made, result) == ["toyhouse/lazy.py"]


def test_the_table_names_three_of_what_changed_the_recipe_first(house, made):
    result = run(made, "smoke")
    result["modules"] |= dict.fromkeys([*(f"toyhouse/{name}.py" for name in ("a", "b", "measured")), "recipes/c.py"], "0" * 12)
    assert ", stale (toyhouse/measured.py, recipes/c.py, toyhouse/a.py, and 1 more) |" in markdown({"toy": made}, {"toy": result})


def test_modules_that_run_and_show_recipes_do_not_count(made):
    known = set(run(made, "smoke")["modules"])
    assert "toyhouse/measured.py" in known
    assert not {"recipes/run.py", "recipes/recipe.py", "errors.py"} & known  # the judge: see below
    assert not {path for path in known if path.startswith("cli/")}


def test_the_judge_counts_where_figures_come_from_it():
    files = {"recipes/verdict.py": b"a = 1", "recipes/a.py": b"from limner.recipes.verdict import paired", "recipes/b.py": b""}
    assert set(hashes(["recipes/verdict.py", "recipes/a.py"], files)) == {"recipes/verdict.py", "recipes/a.py"}
    assert set(hashes(["recipes/verdict.py", "recipes/b.py"], files)) == {"recipes/b.py"}


def test_code_that_was_edited_before_the_run_came_to_it_is_not_vouched_for(house):
    def measure(settings, seed):
        edit(house / "part.py", "x = 1", "x = 2")
        yield Measurement("ours", importlib.import_module("limner.toyhouse.part").x)

    made = of(measure)
    result = run(made, "smoke")
    assert result["modules"]["toyhouse/part.py"] == EDITED
    assert stale(made, result) == ["toyhouse/part.py"]


def test_code_that_was_edited_after_it_was_loaded_is_what_it_was(house):
    importlib.import_module("limner.toyhouse.part")

    def measure(settings, seed):
        edit(house / "part.py", "x = 1", "x = 2")
        yield Measurement("ours", 1)

    made = of(measure)
    result = run(made, "smoke")
    assert stale(made, result) == ["toyhouse/part.py"]
    edit(house / "part.py", "x = 2", "x = 1")
    assert stale(made, result) == []


def test_what_a_cache_was_made_by_counts_where_the_cache_is_read(house):
    keys: list[str] = []

    def measure(settings, seed):
        keys.append(code_of("limner.toyhouse.measured"))
        yield Measurement("ours", 1)

    made = of(measure)
    result = run(made, "smoke")
    edit(house / "lazy.py", "thing = 1", "thing = 1  # still")
    assert stale(made, result) == []
    assert code_of("limner.toyhouse.measured") == keys[0]
    edit(house / "lazy.py", "thing = 1", "thing = 2")
    assert stale(made, result) == ["toyhouse/lazy.py"]
    assert code_of("limner.toyhouse.measured") != keys[0]


def test_modules_that_only_a_process_of_the_run_loads_count(monkeypatch):
    monkeypatch.delitem(sys.modules, "limner.sources.mathrules", raising=False)

    def measure(settings, seed):
        subprocess.run([sys.executable, "-c", "import limner.sources.mathrules"], check=True, timeout=120)
        yield Measurement("ours", 1)

    assert "sources/mathrules.py" in run(of(measure), "smoke")["modules"]
    assert ASKED not in os.environ


def test_claims_are_judged_by_what_they_say_now(made):
    result = run(made, "smoke")
    assert "**held**" in markdown({"toy": made}, {"toy": result})
    stricter = of(made.run, Claim("k", "ours is very much", "9", "it", better="ours", at_least=9.0))
    assert "| toy | ours is very much | 9 | ours 2 | **contradicted** |" in markdown({"toy": stricter}, {"toy": result})


def test_a_result_from_before_modules_were_recorded_is_stale_unless_its_one_hash_is_that_of_today(house, made):
    from limner.recipes.provenance import code_hash

    result = run(made, "smoke")
    del result["modules"]
    assert stale(made, {**result, "code": code_hash(made.module)}) == []
    assert stale(made, {**result, "code": "0" * 16}) == ["its code"]


def test_a_recipe_is_run_without_the_modules_of_others():
    code = (
        "import json, sys; from limner.recipes.recipe import recipe; recipe('xcomposer'); "
        "print(json.dumps([n for n, m in sys.modules.items() if n.startswith('limner.recipes.') and hasattr(m, 'RECIPE')]))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(told.stdout) == ["limner.recipes.xcomposer"]


def test_every_hash_is_that_of_the_file_as_it_is(made):
    assert changed(run(made, "smoke")["modules"]) == []


# The gist of a source


def test_the_gist_is_the_same_under_every_python():
    source = '''"""Doc."""
# Said.
class A(B):
    """Doc."""

    x = f"é{y!r:>{w}}" f"""a

# b"""  # Said.
    """Of x."""
def f(): "Doc."
'''
    tokens = ["class", "A", "(", "B", ")", ":", "\n", "\n{", "x", "=", 'f"é{y!r:>{w}}"', 'f"""a\n\n# b"""', "\n"]
    assert gist(source).split("\0") == [*tokens, "\n}", "def", "f", "(", ")", ":", "\n"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x = 1", "x = 2"),
        ("if a:\n    b\n    c", "if a:\n    b\nc"),
        ("x = 'a'", "x = 'b'"),
        ("x = (1)", "x = (1,)"),
        ("x = '''\n'''", "x = '''\n\n'''"),
        ("f('a')", "f()"),
        ("a\nb", "a; b"),
        ("a = {}\n(b)", "a = {}(b)"),
    ],
)
def test_the_gist_differs_where_code_does(one, other):
    assert gist(one) != gist(other)


def test_of_a_recipe_claims_and_panels_are_left_out_and_settings_are_not():
    head = "from limner.recipes.recipe import Claim, Panel\n"
    first = gist(head + "RECIPE = R(claims=[Claim('a', 1)], panels=(Panel('b'),), size=1)")
    assert gist(head + "RECIPE = R(claims=[Claim('b', 2), Claim('c')], panels=(Panel('c'),), size=1)") == first
    assert gist(head + "RECIPE = R(claims=[Claim('a', 1)], panels=(Panel('b'),), size=2)") != first
    assert gist("x = Panel('b')") != gist("x = Panel('c')")
