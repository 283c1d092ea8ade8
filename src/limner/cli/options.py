"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

as_json: Callable[[Any], Any] = click.option("--json", "json_", is_flag=True, help="Print JSON instead of a page.")
