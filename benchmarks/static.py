"""How soon a static site draws: opens it again and again in a browser that knows nothing of it; milliseconds, as JSON.

  python -m benchmarks.static                                # a site of three models
  python -m benchmarks.static --sites site-before site-after --visits 9     # folders of `python -m gan web`, in turns

From the navigation to the first of the sixteen pictures, with everything that is fetched and compiled on the way; server and
browser on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

from playwright.sync_api import Browser, sync_playwright

from gan.web.site import build_site

MODELS = ["cats64-dcgan", "mnist-infogan", "mnist-stylegan2"]
MARK = "performance.getEntriesByName('first picture')[0]?.startTime"


class Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript", ".js": "text/javascript",
                      ".wasm": "application/wasm"}  # whatever the system's own table says

    def log_message(self, *args: object) -> None: ...

    def copyfile(self, source: BinaryIO, target: BinaryIO) -> None:
        with suppress(ConnectionError):  # the page was closed while its worker was still fetching
            super().copyfile(source, target)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address at which the files of a folder are served."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def visit(browser: Browser, address: str) -> float:
    """Milliseconds to the first picture, with nothing in any cache."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#single[data-seed]", timeout=60_000)
    took = page.evaluate(MARK)
    context.close()
    return took


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.static", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--models", nargs="+", default=MODELS, help=f"of the site that is built (default: {' '.join(MODELS)})")
    p.add_argument("--sites", nargs="+", type=Path, help="folders that are there already")
    p.add_argument("--visits", type=int, default=5, metavar="N", help="of each site (default: 5)")
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        sites = args.sites or [Path(folder) / "site"]
        if not args.sites:
            build_site(args.models, sites[0])
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"),
                                             args=["--no-sandbox", "--disable-gpu"])
        took: dict[str, list[float]] = {str(site): [] for site in sites}
        for _ in range(args.visits):
            for site in sites:
                with serving(site) as address:
                    took[str(site)].append(visit(browser, address))
        browser.close()
    found = [{"site": site if args.sites else "built now", "first_picture_ms": [round(ms) for ms in each],
              "median_ms": round(statistics.median(each))} for site, each in took.items()]
    print(json.dumps({"sites": found, "load": round(os.getloadavg()[0], 1)}, indent=1))


if __name__ == "__main__":
    main()
