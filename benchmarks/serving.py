"""Times the app as a visitor meets it, and what the size of an evaluation chunk costs. Prints one JSON line a figure.

  python -m benchmarks.serving                        # the app on its default model
  python -m benchmarks.serving --model mnist-gan --clicks 10
  python -m benchmarks.serving --only chunks --model runs/x/export

start     seconds from the command to a painted contact sheet, in Chromium (its own start is not counted)
memory    resident memory of the app after it has drawn, MB
clicks    milliseconds from a click on the dice to the painted sheet of 16: the new picture decoded, and a frame drawn
paint     milliseconds from the address to the first paint of the front page, and to its first card's picture
path      milliseconds from a click on Draw to the first frame of a new path of 60, on the Interpolate page
chunks    milliseconds for one image and for a sheet of 16, by chunk size; the rule of gan.cost was chosen from these
"""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]

CLICK = """() => new Promise(done => {
  const sheet = () => document.querySelector('.frame img')?.src;
  const before = sheet(), started = performance.now();
  const look = () => {
    const image = document.querySelector('.frame img');
    if (image && image.src !== before && image.complete) {
      requestAnimationFrame(() => done(performance.now() - started));
    } else requestAnimationFrame(look);
  };
  document.querySelector('#dice').click();
  look();
})"""


PATH = """seed => new Promise(done => {
  const started = performance.now(), screen = document.querySelector('.player > canvas');
  const look = () => screen.getAttribute('aria-label').includes(`seed ${seed}`) && screen.offsetParent
    ? requestAnimationFrame(() => done(performance.now() - started)) : requestAnimationFrame(look);
  [...document.querySelectorAll('button')].find(b => b.textContent.trim() === 'Draw' && b.offsetParent).click();
  look();
})"""
PAINT = """() => new Promise(done => {
  const first = () => performance.getEntriesByName('first-contentful-paint')[0].startTime;
  const look = () => [...document.querySelectorAll('.card img')].some(image => image.complete && image.naturalWidth)
    ? requestAnimationFrame(() => done([first(), performance.now()]))
    : requestAnimationFrame(look);
  look();
})"""
VISITS, PATHS = 5, 7


def main() -> None:
    p = argparse.ArgumentParser("python -m benchmarks.serving", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="cats64-dcgan", help="a name in weights/, or a folder (default: cats64-dcgan)")
    p.add_argument("--clicks", type=int, default=30, help="clicks to time (default: 30)")
    p.add_argument("--only", choices=["app", "chunks"], help="one half of the benchmark")
    args = p.parse_args()
    if args.only != "chunks":
        time_app(args.model, args.clicks)
    if args.only != "app":
        time_chunks(args.model)


def show(**figures) -> None:
    print(json.dumps(figures), flush=True)


def time_app(model: str, clicks: int) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    extra = ["--models", model] if Path(model).is_dir() else []
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=dict(width=1280, height=900))
        started = time.perf_counter()
        app = subprocess.Popen([sys.executable, "app.py", "--port", str(port), *extra], cwd=ROOT,
                               stdout=subprocess.PIPE, text=True)
        try:
            print(app.stdout.readline().strip(), file=sys.stderr)
            page.goto(f"http://127.0.0.1:{port}/?page=generate&model={Path(model).name}&seed=0-15")
            page.wait_for_selector(".frame img")
            page.evaluate("() => new Promise(requestAnimationFrame)")
            show(figure="start_to_painted_sheet_s", value=round(time.perf_counter() - started, 2))
            page.wait_for_timeout(1000)
            times = [page.evaluate(CLICK) for _ in range(clicks)]
            show(figure="memory_mb", value=round(resident_mb(app.pid)), model=model)
            show(figure="click_to_painted_sheet_ms", median=round(statistics.median(times), 1),
                 fastest=round(min(times), 1), slowest=round(max(times), 1), clicks=clicks,
                 status=page.inner_text(".sheet .status"))
            paints = [first_paint(browser, f"http://127.0.0.1:{port}/") for _ in range(VISITS)]
            show(figure="first_paint_ms", median=round(statistics.median(first for first, _ in paints)),
                 first_card=round(statistics.median(card for _, card in paints)), visits=VISITS)
            page.goto(f"http://127.0.0.1:{port}/?page=interpolate&model={Path(model).name}&stops=1,5,9")
            page.wait_for_selector(".player > canvas[aria-label]")
            paths = []
            for k in range(PATHS):
                page.locator("#stops textarea, #stops input").fill(f"{1000 + k},{2000 + k},{3000 + k}")
                paths.append(page.evaluate(PATH, 1000 + k))
            show(figure="click_to_path_of_60_ms", median=round(statistics.median(paths)), slowest=round(max(paths)),
                 status=page.inner_text(".player > .status"))
        finally:
            app.terminate()
            app.wait(20)
            browser.close()


def first_paint(browser: Browser, address: str) -> tuple[float, float]:
    """Milliseconds to the first paint, and to the first card's picture, of a visitor who has nothing in any cache."""
    context = browser.new_context(viewport=dict(width=1280, height=900))
    page = context.new_page()
    page.goto(address, wait_until="commit")
    found = page.evaluate(PAINT)
    context.close()
    return tuple(found)


def resident_mb(pid: int) -> float:
    import psutil

    return psutil.Process(pid).memory_info().rss / 2**20


def time_chunks(model: str) -> None:
    from gan import engine, hub
    from gan.latent import Draw

    G = hub.load(model).G
    chosen = G.chunk_size
    for chunk in (1, 2, 4, 8, 16):
        G.chunk_size = chunk
        medians = {}
        for name, count in (("one_ms", 1), ("sheet_of_16_ms", 16)):
            draws = [Draw(seed) for seed in range(count)]
            engine.draw(G, draws)  # warm
            medians[name] = round(statistics.median(timed(engine.draw, G, draws) for _ in range(15)), 1)
        show(figure="chunk", chunk=chunk, **medians, chosen=chunk == chosen)


def timed(run, *arguments) -> float:
    started = time.perf_counter()
    run(*arguments)
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    main()
