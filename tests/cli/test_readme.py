"""What the README tells a person to type works as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from limner.sources.datasets import dataset

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S)
COMMANDS = [
    line.removeprefix("$ ").split("  #")[0].strip()
    for language, block in BLOCKS
    if not language
    for line in block.splitlines()
    if line.startswith("$ ")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not dataset("sasview").here:
        pytest.skip("the sasview pages are not here: limner data get sasview")
    folder = tmp_path_factory.mktemp("readme")
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


def run(command: str, folder: Path) -> str:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"
    return done.stdout


def test_its_commands_and_its_python_run_as_they_stand(folder: Path) -> None:
    said: dict[str, str] = {}
    for command in COMMANDS:
        name = " ".join(command.split()[:2])
        if name.startswith("limner "):
            # A server does not end by itself.
            said[name] = run(f"{command} --once" if name == "limner view" else command, folder) + said.get(name, "")
    assert {"limner data", "limner build", "limner view", "limner why", "limner export"} <= set(said)
    assert "capped_cylinder" in said["limner why"]
    assert "stubs.min_words=100" in said["limner build"]
    python = next(block for language, block in BLOCKS if language == "python")
    (folder / "readme.py").write_text(python + "\nprint(image.width, len(data))\n", "utf-8")
    assert re.fullmatch(r"\d+ \d+\n", run(f"{sys.executable} readme.py", folder))


def test_what_it_does_not_run_is_there() -> None:
    others = [command for command in COMMANDS if not command.startswith("limner ")]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for command in others:
        if command.startswith("make "):
            assert re.search(rf"^{command.split()[1]}:", makefile, re.M), command
        else:
            # The name on the package index is nobody's promise: a clone installs itself.
            assert command == "pip install '.[serve]'"
