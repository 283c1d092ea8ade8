"""The recipe vcr: what the reader of lines learns from, and the smoke run."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from limner.evaluate.benchmarks.typeset import font_files  # noqa: E402
from limner.evaluate.benchmarks.vcrmade import Covered, Making, covered  # noqa: E402
from limner.recipes.glyphrows import Reader, RowReader, alphabet, letters_of, lines, lines_of, trained  # noqa: E402
from limner.recipes.recipe import recipe  # noqa: E402
from limner.recipes.run import run  # noqa: E402
from limner.sources.datasets import dataset  # noqa: E402

pytestmark = pytest.mark.skipif(not font_files(), reason="no fonts on this machine")

TEXT = "the little brown dog runs over the green hill and all the other dogs follow it down to the river where they drink"


def text(number: int = 0) -> Covered:
    made = covered(TEXT, 400, Making(), number)
    assert made is not None
    return made


def test_each_letter_has_its_column_in_order():
    made = text()
    letters = alphabet([TEXT] * 5)
    rows = letters_of(made.block, letters, 400)
    read = " ".join("".join(letters[at - 1] for at in row if at) for row in rows)
    assert read == made.block.text


def test_covering_takes_ink_from_the_stretches_alone():
    made = text()
    whole, easy, hard = (lines_of(made.drawn(level), made.block, 400).astype(int) for level in ("", "easy", "hard"))
    assert whole.sum() > easy.sum() > hard.sum() > 0
    gone = {made.block.words[i].line for stretch in made.stretches for i in stretch}
    for line in range(made.block.lines):
        assert (whole[line] == easy[line]).all() == (line not in gone)


def test_a_reader_learns_the_lines_that_it_is_shown():
    torch.set_num_threads(1)
    made = text()
    letters = alphabet([TEXT] * 5)
    settings = Reader((8, 16, 16), 48, (1, 2), 4, 4e-3)
    torch.manual_seed(0)
    shown = lines([made] * 4, letters, 400, ("",))
    reader = RowReader(settings, letters, made.block.step)
    rows = torch.from_numpy(lines_of(made.drawn(), made.block, 400))
    before = reader.read(rows)
    after = trained(reader, shown, settings, 240, 0).read(rows)
    wanted = [" ".join(w.text for w in made.block.words if w.line == line) for line in range(made.block.lines)]
    agree = [np.mean([a == b for a, b in zip(x, y, strict=False)]) for x, y in zip(after, wanted, strict=True)]
    assert before != after
    assert np.mean(agree) > 0.5


def test_the_smoke_run():
    if not dataset("sasview").here:
        pytest.skip("needs `limner data get sasview`")
    figures = run(recipe("vcr"), "smoke")["figures"]
    name = next(iter(figures)).partition(".")[0]
    assert {f"{name}.after.easy.exact", f"{name}.before.hard.jaccard", f"{name}.tuning.easy.gain", f"{name}.harder.gain"} <= set(
        figures
    )
