"""What all tests share: how hypothesis looks for counterexamples."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

from hypothesis import HealthCheck, settings

if importlib.util.find_spec("absl"):
    # absl (of rouge-score) logs to the standard error of the moment in which it is imported, which under pytest is a file of its own, and closes
    # that whenever logging is set up anew (uvicorn does).
    absl_logging: Any = importlib.import_module("absl.logging")
    absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__


# Machines that run this are shared and slow at times: time is no reason to fail. With CI set, the same examples each time.
settings.register_profile(
    "limner", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("limner")
