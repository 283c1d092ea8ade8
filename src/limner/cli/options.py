"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

as_json: Callable[[Any], Any] = click.option("--json", "json_", is_flag=True, help="Print one JSON value instead of a page.")
experts: Callable[[Any], Any] = click.option(
    "--expert",
    "experts",
    multiple=True,
    metavar="PORT=ADDRESS",
    help="A model that readers may ask, as ocr=bundled:rapidocr for scans; may be repeated.",
)
allow_private: Callable[[Any], Any] = click.option(
    "--allow-private", is_flag=True, help="Fetch from private and link-local addresses too: an intranet, this machine."
)


def by_port(given: tuple[str, ...]) -> dict[str, str]:
    """What `--expert` was given, as ports and addresses; raises a usage error for what is none."""
    found: dict[str, str] = {}
    for each in given:
        port, equals, address = each.partition("=")
        if not equals or not port or not address:
            raise click.UsageError(f"--expert {each!r} is not PORT=ADDRESS, as in ocr=bundled:rapidocr")
        found[port] = address
    return found
