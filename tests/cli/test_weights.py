"""`limner weights`."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from limner.cli.main import limner
from limner.errors import ExpertError
from limner.experts.weights import WEIGHTS


def test_the_list_says_what_is_here(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    entries = json.loads(CliRunner().invoke(limner, ["weights", "list", "--json"]).stdout)
    assert [entry["name"] for entry in entries] == [entry.name for entry in WEIGHTS]
    assert not any(entry["here"] for entry in entries)
    first = WEIGHTS[0]
    first.folder.mkdir(parents=True)
    for file in first.files:
        (first.folder / file.name).write_bytes(b"x")
    told = CliRunner().invoke(limner, ["weights", "list"]).stdout
    assert f"* {first.name}" in told
    assert told.count("\n* ") == 1  # the line that says what the star means


def test_what_is_not_known_is_named():
    wrong = CliRunner().invoke(limner, ["weights", "get", "gpt-9"])
    assert isinstance(wrong.exception, ExpertError)
    assert "smollm2" in str(wrong.exception)
