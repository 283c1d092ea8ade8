"""What goes wrong is one line that says what to do, with the right exit status, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from limner.cli.main import main
from limner.sources.locate import fetch_settings

PAGE = (
    "<!doctype html><title>Cats</title><h1>Cats</h1>"
    + "<p>A cat purrs when it is content, and sleeps most of the day in the sun.</p>" * 3
)


class Called:
    """What a call of the command line came to."""

    def __init__(self, status: int, out: str, err: str):
        self.status, self.out, self.err = status, out, err

    @property
    def line(self) -> str:
        """Its last line, which is the error's; there is no second."""
        lines = [line for line in self.err.splitlines() if line.startswith("limner: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        assert self.err.splitlines()[-1] == lines[0]
        return lines[0]


@pytest.fixture
def limner(capsys, monkeypatch, tmp_path):
    """Call the command line as a shell would, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / ".cache"))
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/cats.html").write_text(PAGE)
    (tmp_path / "file").write_text("hello")

    def call(*arguments: str) -> Called:
        monkeypatch.setattr(sys, "argv", ["limner", *arguments])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = int(end.code or 0)
        return Called(status, *capsys.readouterr())

    return call


@pytest.fixture
def site(tmp_path) -> Iterator[str]:
    """A server on this machine, whose address is a private one."""
    root = tmp_path / "served"
    root.mkdir()
    (root / "cats.html").write_text(PAGE)

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *given, **named):
            super().__init__(*given, directory=str(root), **named)

        def log_message(self, format, *args):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("output", "said"),
    [("file", "is a file"), ("file/corpus", "below the file"), ("", "names no folder"), ("/proc/limner", "/proc/limner")],
)
def test_a_corpus_that_cannot_lie_there(limner, output, said):
    called = limner("build", "pages", "-o", output, "--workers", "1")
    assert called.status == 1
    assert said in called.line
    assert Path("file").read_text() == "hello"


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ("[source]\nallow_private = true", "it stands in [source.fetch]"),
        ("[source]\nnonsense = 1", "no setting 'nonsense'"),
        ("[source]\nfetch = 3", "not a table"),
        ("[source]\nextractor = 3", "not an address"),
        ("[source.fetch]\nallow_pivate = true", "did you mean 'allow_private'?"),
        ("[source.fetch]\nrate = 0", "more than 0"),
        ("[source.fetch]\nmax_age = -1", "0 or more"),
        ("[plan]\nbatch = 'x'", "batch is 'x' of type str, not int"),
        ("[plan]\nsources = 'x'", "not list of str"),
        ("source = 3", "[source] is not a table"),
        ("[[step", "not TOML"),
    ],
)
def test_a_plan_that_is_wrong_is_named_with_its_setting(limner, plan, said):
    Path("plan.toml").write_text(plan)
    called = limner("build", "pages", "-o", "c", "--plan", "plan.toml", "--workers", "1")
    assert called.status == 1
    assert "plan.toml" in called.line
    assert said in called.line
    assert not Path("c").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("build",), "Missing option '-o'"),
        (("build", "-o", "c"), "Missing argument 'SOURCE...'"),
        (("build", "pages", "-o", "c", "--try", "language.short=drop"), "--try goes with --dry-run"),
        (("build", "pages", "-o", "c", "--update", "--dry-run", "3"), "exclude each other"),
        (("view", "c", "--port", "99999"), "not in the range"),
        (("veiw", "c"), "did you mean 'view'?"),
        (("stats",), "Missing argument 'CORPUS'"),
        (("stats", "c", "--nonsense"), "No such option"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(limner, arguments, said):
    called = limner(*arguments)
    assert called.status == 2
    assert said in called.line
    assert "--help` shows how" in called.line
    assert not Path("c").exists()


@pytest.mark.parametrize("command", ["stats", "show", "why", "check", "view", "compact", "diff", "export", "takedown"])
def test_a_corpus_of_a_later_schema_asks_for_a_later_limner(limner, command):
    Path("later").mkdir()
    Path("later/corpus.json").write_text('{"schema": 99}')
    more = {"show": ["aa"], "why": ["aa"], "view": ["--once"], "diff": ["later"], "takedown": ["file"]}
    Path("file").write_text("example.org")
    called = limner(command, "later", *more.get(command, []), *(["--to", "html", "-o", "out"] if command == "export" else []))
    assert called.status == 1
    assert "update limner" in called.out + called.err
    assert "Traceback" not in called.err
    assert not Path("out").exists()


def test_a_build_that_read_nothing_leaves_nothing(limner):
    Path("empty").mkdir()
    for source, said in (
        ("http://127.0.0.1:9/", "not an address of the public internet"),
        ("http://127.0.0.1:9/sitemap.xml", "not an address of the public internet"),
        ("empty", "the sources hold no page"),
        ("nowhere", "no such file or folder"),
    ):
        called = limner("build", source, "-o", "c", "--workers", "1")
        assert called.status == 1, source
        assert said in called.line
        assert source.removeprefix("empty") in called.line
        assert not Path("c").exists(), source


def test_a_folder_that_was_there_before_stays(limner):
    Path("c").mkdir()
    assert limner("build", "http://127.0.0.1:9/sitemap.xml", "-o", "c", "--workers", "1").status == 1
    assert Path("c").is_dir()


def test_a_build_names_the_inputs_it_could_not_read(limner):
    Path("pages/broken.html").write_bytes(b"GIF89a and no page")
    called = limner("build", "pages", "-o", "c", "--workers", "1")
    assert called.status == 0
    assert "could not be read: pages/broken.html: " in called.out
    assert "1 document · " in called.out


def test_private_addresses_are_refused_unless_told_otherwise(limner, site):
    page = f"{site}/cats.html"
    refused = limner("extract", page)
    assert refused.status == 1
    assert "--allow-private" in refused.line
    assert "[source.fetch]" in refused.line
    allowed = limner("extract", page, "--allow-private")
    assert allowed.status == 0, "what was refused before is asked for again"
    assert "A cat purrs" in allowed.out
    built = limner("build", page, "-o", "flag", "--allow-private", "--workers", "1")
    assert built.status == 0, built.line
    Path("plan.toml").write_text(f'[plan]\nsources = ["{page}"]\n[source.fetch]\nallow_private = true\n')
    assert limner("build", "-o", "plan", "--plan", "plan.toml", "--workers", "1").status == 0
    assert json.loads(limner("stats", "plan", "--json").out)["documents"] == 1
    assert fetch_settings(None).allow_private is False


def test_a_dry_run_checks_its_values_before_it_reads(limner):
    Path("plan.toml").write_text("[[step]]\nuse = 'text-length'\n")
    for wrong, said in (
        ("nope.x=1", "no step 'nope'"), ("text-length.min_words=x", "not int"), ("text-length.min_wordz=1", "did you mean"),
        ("text-length", "STEP.SETTING=VALUE"),
    ):  # fmt: skip
        called = limner("build", "pages", "-o", "c", "--plan", "plan.toml", "--dry-run", "5", "--try", wrong, "--workers", "1")
        assert called.status == 1
        assert said in called.line
        assert called.err.count("\n") == 1, "nothing was read"


def test_a_dry_run_says_which_variant_it_is_at(limner):
    Path("plan.toml").write_text("[[step]]\nuse = 'text-length'\n")
    arguments = ("--plan", "plan.toml", "--dry-run", "5", "--try", "text-length.min_words=1,1000", "--workers", "1")
    called = limner("build", "pages", "-o", "c", *arguments)
    assert called.status == 0
    assert "text-length.min_words=1000: " in called.err
    assert "the plan as it stands: " in called.err
    found = json.loads(limner("build", "pages", "-o", "c", *arguments, "--json").out)
    assert [(trial["changes"], trial["counts"]["documents"]) for trial in found] == [
        ({}, 1), ({"text-length.min_words": 1}, 1), ({"text-length.min_words": 1000}, 0),
    ]  # fmt: skip
    assert not Path("c").exists()


@pytest.mark.parametrize(
    "arguments",
    [("data", "list"), ("recipe", "list"), ("recipe", "show", "omnicorpus"), ("operators",), ("operators", "quality")],
)
def test_json_is_one_value(limner, arguments):
    called = limner(*arguments, "--json")
    assert called.status == 0
    json.loads(called.out)


def test_results_that_are_not_here_are_said_to_be_missing(limner):
    for command in ("table", "plot"):
        called = limner("recipe", command)
        assert called.status == 1
        assert "--results DIR" in called.line


def test_what_nobody_foresaw_is_one_line_too(limner, monkeypatch):
    called = limner("stats", "c\0d")
    assert called.status == 1
    assert "\0" not in called.line


def test_ctrl_c_is_one_line_from_one_process(tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    for name in range(4_000):  # several seconds of work: it must not be done before the signal comes
        (pages / f"{name}.html").write_text(PAGE)
    for later in (0.0, 0.2, 0.5):
        command = [sys.executable, "-m", "limner", "build", str(pages), "-o", str(tmp_path / f"c{later}"), "--workers", "2"]
        # As a terminal does: the signal goes to every process of the command, whichever is starting just then.
        settings: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        # Tests that run in the background ignore the signal, and what they start would too.
        with subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **settings) as run:
            assert run.stderr is not None
            assert run.stderr.readline().startswith("reading: ")
            time.sleep(later)
            os.killpg(run.pid, signal.SIGINT)
            said = run.stderr.read().split("\n")
        assert run.returncode == 130
        assert [line for line in said if line and not line.startswith(("reading: ", "curating: "))] == [
            "limner: interrupted; the same `limner build` command continues where it stopped"
        ]


def test_view_on_every_address_warns_and_says_where(tmp_path):
    pytest.importorskip("uvicorn", reason="limner[serve] is not installed")
    from limner.corpus import Corpus

    Corpus.create(tmp_path / "c")
    command = [sys.executable, "-m", "limner", "view", str(tmp_path / "c"), "--host", "0.0.0.0", "--port", "0"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        time.sleep(0.3)
        server.send_signal(signal.SIGINT)
        _, warned = server.communicate(timeout=30)
    assert " is at http://" in said
    assert "0.0.0.0" not in said
    assert "whoever reaches 0.0.0.0 can read all" in warned
    assert "Traceback" not in warned
