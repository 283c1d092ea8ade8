"""Fixtures of the tests of sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sources.site import Held, Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server of the test's own."""
    with serving() as running:
        yield running


@pytest.fixture
def held() -> Held:
    """A media sink in memory."""
    return Held()


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a cache of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("LIMNER_CACHE", str(folder))
    return folder
