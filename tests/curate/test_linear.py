"""The linear classifier of words, and the operator that keeps what it counts to a class."""

from __future__ import annotations

import numpy as np
import pytest

from limner.curate.linear import fit, load
from limner.curate.registry import operator
from limner.curate.textclass import TextClass, plain
from limner.document import Document, Text
from limner.errors import LimnerError

from .context import MemoryContext

MATHS = [
    f"the {a} of a {b} is a matrix of coefficients"
    for a in ("norm", "trace", "kernel", "gradient")
    for b in ("vector", "tensor", "map")
]
OTHER = [f"the {a} sleeps in the {b} all day and purrs" for a in ("cat", "kitten", "dog", "owl") for b in ("box", "sun", "house")]


def trained():
    return fit([*MATHS, *OTHER[:6]], [True] * len(MATHS) + [False] * 6)


def test_what_was_not_seen_is_told_by_its_words():
    model = trained()
    maths, other = model.probabilities(["a matrix of the gradient", "an owl sleeps in a box and purrs"])
    assert maths > 0.6
    assert other < 0.4
    assert model.probabilities([""]).shape == (1,)


def test_classes_count_the_same_however_many_there_are():
    few = fit([*MATHS, OTHER[0]], [True] * len(MATHS) + [False])
    (found,) = few.probabilities([OTHER[0]])
    assert found < 0.5


def test_it_is_kept_in_a_file_and_nothing_else_is_read_as_one(tmp_path):
    path = tmp_path / "maths.npz"
    model = trained()
    model.save(path)
    assert np.allclose(load(str(path)).probabilities(MATHS), model.probabilities(MATHS))
    (tmp_path / "other.npz").write_bytes(b"no file of NumPy's")
    np.savez(tmp_path / "small.npz", weights=np.zeros(3), bias=0.0)
    for name in ("other.npz", "small.npz", "absent.npz"):
        with pytest.raises(LimnerError, match=name):
            load(str(tmp_path / name))


def test_the_operator_keeps_the_class_and_says_how_sure_it_is(tmp_path):
    trained().save(tmp_path / "maths.npz")
    keep = operator("text-class", weights=str(tmp_path / "maths.npz"))
    assert isinstance(keep, TextClass)
    context = MemoryContext()
    documents = [Document("m", (Text(0, MATHS[0]),)), Document("o", (Text(0, OTHER[0]),))]
    assert [d.id for given in documents for d in keep(given, context)] == ["m"]
    ((dropped, _, reason),) = context.dropped
    assert (dropped, reason.reason, reason.threshold) == ("o", "text-class", 0.5)


def test_formulas_code_and_tables_are_not_looked_at():
    parts = (Text(0, "A lens $f = 2r$ bends."), Text(1, "x^2", "formula"), Text(2, "x = 2", "code"))
    document = Document("d", parts, title="Lenses")
    assert plain(document) == "Lenses\nA lens  bends."
    assert "x^2" in plain(document, formulas=True)
    paths = Document("d", (Text(0, "Set $HOME before it runs, and $PATH too."), Text(1, "Then run it.")))
    assert plain(paths).split("\n")[1:] == ["Set $HOME before it runs, and $PATH too.", "Then run it."]
