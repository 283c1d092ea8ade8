"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

as_json: Callable[[Any], Any] = click.option("--json", "json_", is_flag=True, help="Print one JSON value instead of a page.")
allow_private: Callable[[Any], Any] = click.option(
    "--allow-private", is_flag=True, help="Fetch from private and link-local addresses too: an intranet, this machine."
)
