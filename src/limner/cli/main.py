"""The command line: a group whose commands are loaded when they are called, and one place for errors.

A command is a module in `limner.cli` named after it, with a click command called `command`; each calls one
function of the library.
"""

from __future__ import annotations

import difflib
import importlib
import os
import pkgutil
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

from limner.cli.terminal import safe
from limner.errors import LimnerError

_NOT_COMMANDS = {"main", "options", "progress", "dryrun", "terminal", "newcorpus", "written"}
_CONTINUED = {"build", "import", "merge", "compact", "takedown"}
_ALIASES = {"import": "import_"}
_TRACEBACK = "LIMNER_TRACEBACK"


class Interrupted(Exception):
    """A command was ended by Ctrl-C."""


class Commands(click.Group):
    """Finds a command by its module, so that `limner show` does not import what `limner build` needs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        found = {m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)])} - _NOT_COMMANDS
        return sorted(name.rstrip("_") for name in found)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called `cmd_name`, or None."""
        module = _ALIASES.get(cmd_name, cmd_name)
        if not cmd_name.isidentifier() or module in _NOT_COMMANDS:
            return None
        try:
            return importlib.import_module(f"limner.cli.{module}").command
        except ModuleNotFoundError as error:
            if error.name == f"limner.cli.{module}":
                return None
            raise

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; a name there is not comes with the nearest one there is."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1, cutoff=0.7)
            ctx.fail(f"there is no command {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does; Ctrl-C says what running the command again comes to."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # A second Ctrl-C ends the process where it stands, and without a word.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            name = ctx.invoked_subcommand
            again = f"; the same `limner {name}` command continues where it stopped" if name in _CONTINUED else ""
            raise Interrupted(f"interrupted{again}") from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="limner", prog_name="limner")
def limner() -> None:
    """Documents that interleave images and text: build, read, keep and exchange corpora of them.

    \b
    limner build ~/manuals crawl.warc.gz -o corpus     build a corpus
    limner view corpus                                 read it
    limner why corpus ID                               where a document or an image went
    """


def main() -> None:
    """Run a command. An error is one line on stderr: exit status 2 where the call was wrong, else 1."""
    try:
        # Without its standalone mode, click returns the status that a command ended with.
        sys.exit(limner.main(standalone_mode=False) or 0)
    except LimnerError as error:
        _end(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "limner"
        _end(f"{error.format_message().rstrip('.')}; `{command} --help` shows how", error.exit_code)
    except click.ClickException as error:
        _end(error.format_message(), error.exit_code)
    except Interrupted as ended:
        _end(str(ended), 130)
    except (click.Abort, KeyboardInterrupt):
        _end("interrupted", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        _end(_told(error))
    except Exception as error:  # noqa: BLE001 - what nobody foresaw is one line too
        if os.environ.get(_TRACEBACK):
            traceback.print_exc()
        _end(f"{type(error).__name__}: {error} (unforeseen: {_TRACEBACK}=1 shows where, for a report)")


def _told(error: OSError) -> str:
    what = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return f"the system says: {what}"
    return f"{os.fsdecode(error.filename)}: {what}; check the path, its permissions and the space left"


def _end(message: str, status: int = 1) -> NoReturn:
    click.echo(safe(f"limner: {' '.join(message.splitlines())}"), err=True)
    sys.exit(status)
