"""A browser for the tests: the system's Chromium, else Playwright's own, else the test is skipped, saying why."""

import shutil
from contextlib import contextmanager

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")


def executable():
    """The system's browser, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)


@contextmanager
def chromium(*flags):
    """A running browser with these flags more."""
    with playwright.sync_playwright() as p:
        try:
            browser = p.chromium.launch(executable_path=executable(), args=[*FLAGS, *flags])
        except playwright.Error as error:
            pytest.skip(f"no browser: {str(error).splitlines()[0]}; `playwright install chromium` brings one")
        yield browser
        browser.close()
