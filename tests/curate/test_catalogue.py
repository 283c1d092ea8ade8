"""`limner operators`, and the page docs/operators.md."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from limner.cli.operators import command
from limner.curate import registry


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_every_operator_is_listed_on_one_line():
    lines = run().splitlines()
    assert [line.split()[0] for line in lines] == registry.names()


def test_one_operator_is_described_with_its_settings_and_presets():
    text = run("quality")
    assert "min_words = 10    int or none" in text
    assert 'preset = "gopher"' in text
    assert "`min_words`" not in text


def test_json_can_be_read_back():
    (about,) = json.loads(run("--json", "repetition"))
    assert (about["name"], about["shape"]) == ("repetition", "document")
    assert about["presets"]["gopher"]["max_top_ngram"] == {"2": 0.2, "3": 0.18, "4": 0.16}


def test_the_page_in_docs_is_the_one_the_command_writes():
    page = Path(__file__).parents[2] / "docs" / "operators.md"
    assert page.read_text("utf-8") == run("--markdown")
