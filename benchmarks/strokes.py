"""How soon the picture follows the pen: draws on the Transform page in a browser, and prints milliseconds as JSON.

  python -m benchmarks.strokes                      # an untrained U-Net of width 24 at 64 px
  python -m benchmarks.strokes --model cats64-edges

From the first movement of the pen that a picture has not seen to the picture on the screen: browser, HTTP, queue, net and
PNG, all on this machine.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import torch
from playwright.sync_api import Page, sync_playwright

from gan import hub
from gan.base import Latent
from gan.degrade import Edges, source_of
from gan.gallery import entry
from gan.models import family
from gan.ui import Studio, build, launch_options

WATCH = """() => {
  window.took = []; let moved = null;
  document.querySelector(".given > canvas").addEventListener("pointermove", () => { moved ??= performance.now(); });
  new MutationObserver(() => { if (moved) took.push(performance.now() - moved); moved = null; }).observe(
    document.querySelector(".easel .screen img"), { attributes: true, attributeFilter: ["src"] });
}"""


def untrained(folder: Path, width: int = 24) -> str:
    """A model that draws from lines, of the size of those that are shipped."""
    G = family("unet").Generator(Latent(0), resolution=64, channels=3, width=width, source=source_of(Edges(), 3))
    hub.save(folder / "untrained", G.eval())
    return str(folder / "untrained")


@contextmanager
def drawing(model: str):
    """The page of a model, open in a browser."""
    studio = Studio([entry(model)])
    app = build(studio)
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options(studio))
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(f"{url}?page=transform")
        page.wait_for_selector(".easel header")
        yield page
        browser.close()
    app.close(verbose=False)
    studio.outbox.close()


def draw(page: Page, strokes: int) -> list[float]:
    """Milliseconds of each picture, over so many circles of 30 movements."""
    page.get_by_role("button", name="Clear").click()
    page.wait_for_timeout(500)
    page.evaluate(WATCH)
    box = page.locator(".given > canvas:visible").bounding_box()
    for k in range(strokes):
        for step in range(31):
            angle, radius = step / 30 * 2 * math.pi, 0.08 + 0.3 * k / strokes
            page.mouse.move(box["x"] + box["width"] * (0.5 + radius * math.cos(angle)),
                            box["y"] + box["height"] * (0.5 + radius * math.sin(angle)))
            if not step:
                page.mouse.down()
            page.wait_for_timeout(16)
        page.mouse.up()
        page.wait_for_timeout(200)
    return sorted(page.evaluate("took"))


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.strokes", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", help="one that draws from lines (default: an untrained one)")
    p.add_argument("--strokes", type=int, default=20)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder, drawing(args.model or untrained(Path(folder))) as page:
        took = draw(page, args.strokes)
    part = lambda share: round(took[int((len(took) - 1) * share)])  # noqa: E731
    print(json.dumps({"pictures": len(took), "p50_ms": part(0.5), "p95_ms": part(0.95), "max_ms": part(1),
                      "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
