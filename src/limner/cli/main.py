"""The command line: a group whose commands are loaded when they are called, and one place for errors.

A command is a module in `limner.cli` named after it, with a click command called `command`; each calls one
function of the library.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import click

from limner.errors import LimnerError

_NOT_COMMANDS = {"main", "options", "progress", "dryrun"}
_ALIASES = {"import": "import_"}


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


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="limner", prog_name="limner")
def limner() -> None:
    """Documents that interleave images and text: build, read, keep and search corpora of them.

    \b
    limner build ~/manuals crawl.warc.gz -o corpus     build a corpus
    limner view corpus                                 read it
    limner why corpus ID                               where a document or an image went
    """


def main() -> None:
    """Run a command; an error a person can act on is one line on stderr and exit status 1."""
    try:
        # Without its standalone mode, click returns the status that a command ended with.
        sys.exit(limner.main(standalone_mode=False) or 0)
    except LimnerError as error:
        click.echo(f"limner: {error}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("limner: interrupted; the same command continues where it stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
