"""What the tests in Chromium share: the running gallery that they visit, and what they read on its pages."""

import io
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest
from chromium import chromium
from PIL import Image
from serving import running, studio_of, write_models
from test_tree import write_board, write_family

from gan import hub
from gan.ui import Studio
from gan.ui.outbox import data_url
from gan.ui.page import Page, Room
from gan.ui.pages import PAGES
from gan.ui.parts.sheet import Sheet
from gan.ui.view import View

TOP = ".frame img"
TOLD = ".toast-body"  # a message of the app
DROP = """async ([urls, on]) => {
  const drag = new DataTransfer();
  const files = await Promise.all(urls.map(async (url, k) => new File([await (await fetch(url)).blob()], `${k}.png`)));
  files.forEach(file => drag.items.add(file));
  document.querySelector(on).dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: drag }));
}"""
CONTRAST = """selector => [...document.querySelectorAll(selector)].filter(
    e => e.offsetParent && e.innerText.trim()).map(element => {
  const light = css => {
    const [r, g, b] = css.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255).map(
      v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  let behind = element;
  while (behind && /, 0\\)$|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
  let opacity = 1;
  for (let e = element; e; e = e.parentElement) opacity *= getComputedStyle(e).opacity;
  const [a, b] = [getComputedStyle(element).color, getComputedStyle(behind || document.body).backgroundColor].map(light);
  return opacity < 1 ? 0 : (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
})"""


def two_sheets(studio: Studio) -> Room:
    """A page with two of the parts that show a sheet."""
    sheets = [Sheet(studio, "two", name) for name in ("left", "right")]
    views = [View("digits", (1, 2)), View("plain", (3, 4))]
    return Room(lambda link: {s.component: s.show(view) for s, view in zip(sheets, views)}, [s.component for s in sheets])


@contextmanager
def gallery(folder):
    """The running app and a browser."""
    models = [*write_models(folder), *write_family(folder)]
    write_board(folder / "benchmarks" / "results")
    pages = (*PAGES, Page("two", "Two sheets", two_sheets))
    with studio_of(models) as studio, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "WEIGHTS", folder / "weights")
        with running(studio, pages) as (_, url), chromium() as browser:
            patch.undo()
            yield SimpleNamespace(url=url, browser=browser, folder=folder, studio=studio)


def drop(page, *pictures: str | bytes, on: str = "body") -> None:
    """Drops pictures, or what lies at addresses, on an element of the page, as 0.png, 1.png, ..."""
    urls = [p if isinstance(p, str) else data_url("image/png", p) for p in pictures]
    page.evaluate(DROP, [urls, on])


def pixels(site, page, url: str | None) -> np.ndarray:
    """The file that an address on the page leads to, uint8 [H, W, C]."""
    body = page.request.get(page.evaluate("url => new URL(url, location.href).href", url)).body()
    array = np.asarray(Image.open(io.BytesIO(body)))
    return array[..., None] if array.ndim == 2 else array
