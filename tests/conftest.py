"""What all tests share: how hypothesis looks for counterexamples."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Machines that run this are shared and slow at times: time is no reason to fail. With CI set, the same examples each time.
settings.register_profile(
    "limner", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=bool(os.environ.get("CI"))
)
settings.load_profile("limner")
