"""What tests of pages share: a real browser."""

from __future__ import annotations

import os

import pytest

CHROMIUM = os.environ.get("LIMNER_CHROMIUM", "/usr/bin/chromium")


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not os.path.exists(CHROMIUM):
        pytest.skip(f"there is no Chromium at {CHROMIUM}; name one in LIMNER_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
