"""What stands around the pages: tabs, links, pictures given back, and how the app is served."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component
from PIL import Image
from starlette.middleware import Middleware
from starlette.routing import Route

from gan.hub.remote import HUB_ID
from gan.recipe import PngRecipe, SeedsRecipe, from_json, read_recipe
from gan.ui import api, parts
from gan.ui.guard import Guard, PageParameter
from gan.ui.health import Health
from gan.ui.messages import explain, on, warn
from gan.ui.page import Page, Room
from gan.ui.pages import PAGES
from gan.ui.parts.controls import uploaded
from gan.ui.parts.link import Link, one_of
from gan.ui.parts.stage import scripted
from gan.ui.parts.tray import Tray
from gan.ui.studio import Studio
from gan.ui.theme import theme

__all__ = ["Shell", "build", "launch_options"]

HERE = Path(__file__).resolve().parent
MOST_INVITED = 4  # models of the Hub in a link
MAX_GIVEN = 2**25  # pixels of a picture that is compared with what its recipe draws: more than any page draws
HEADER = """<header id="brand"><h1>The GAN gallery</h1>
<p>Small generative networks. Every picture carries the recipe that made it.</p>
</header>"""


class Shell:
    """The tabs, and the way to them: every link, card and picture ends in ``go``."""

    def __init__(self, studio: Studio, pages: Sequence[Page]):
        self.studio, self.pages = studio, {page.id: page for page in pages}
        with gr.Row(elem_id="top"):
            gr.HTML(HEADER, apply_default_css=False)
            self.upload = uploaded(gr.UploadButton("Open a picture …", elem_id="restore", variant="secondary", size="md",
                                                   scale=0, file_count="multiple"))
        self.opened = scripted("gan.link.listen", "props", "watch", events=("open",), elem_classes="no-room")
        self.tabs = gr.Tabs(elem_id="pages", overflow_behavior="wrap")
        self.rooms: dict[str, Room] = {}
        with self.tabs:
            for page in pages:
                with gr.Tab(page.title, id=page.id, render_children=True) as tab:
                    self.rooms[page.id] = page.build(studio.of(page.needs))
                tab.select(None, js=f"() => gan.link.turn({json.dumps(page.id)})", api_visibility="private")

    @property
    def outputs(self) -> list[Component]:
        """Everything that ``go`` may set."""
        return [self.tabs, self.opened, *dict.fromkeys(c for room in self.rooms.values() for c in room.outputs)]

    def go(self, link: Link, *, turn: bool = True) -> dict[Component, Any]:
        """Gives the page that a link names its part of the link, and turns to it; not where the visitor did so already.

        Whatever is wrong with the link is said on the page; ``opened`` tells the browser in any case that it has been read.
        """
        self.invite(link)
        first = next(iter(self.pages))
        page = link.read("page", one_of(list(self.pages), "page"), first)
        self.check_fit(link, self.pages[page])
        try:
            values = self.rooms[page].open(link.only(self.pages[page].reads))
        except Exception as error:
            values = {}
            link.notes.append(explain(error))
        warn(link.notes)
        turn = turn and "page" in link.query  # a visitor without a link may have chosen a tab meanwhile
        turned = {self.tabs: gr.update(selected=page)} if turn else {}
        return {**values, **turned, self.opened: {"page": page, "turned": turn, "at": random.random()}}

    def invite(self, link: Link) -> None:
        """Fetches the models of the Hub that a link names, so that they can be opened like those that are here."""
        guests = []
        for name in link.read("models", hub_ids, ()):
            try:
                guests.append(self.studio.invite(name).id)
            except Exception as error:
                link.notes.append(explain(error))
        model, revision = link.query.get("model", ""), link.query.get("rev", "")
        if edit := edit_in(link):  # older links name the model in it alone
            model, revision = edit.model, edit.revision
        if guests and not model:
            link.query["model"] = guests[0]
        elif "/" in model and model not in self.studio.entries and (revision or model not in self.studio.guests):
            try:
                self.studio.invite(f"{model}@{revision}" if revision else model)
            except Exception as error:
                link.notes.append(explain(error))
                for part in ("model", "edit"):  # the page opens with another one
                    link.query.pop(part, None)

    def check_fit(self, link: Link, page: Page) -> None:
        """Takes a model out of a link to a page on which it can do nothing, and says where it can."""
        model = link.query.get("model")
        if model not in self.studio.models or not page.needs:
            return
        can = self.studio.entry(model).abilities
        if not {*page.needs} <= {*can}:
            fits = [other.title for other in self.pages.values() if other.needs and {*other.needs} <= {*can}]
            what = "pictures from pictures" if "picture" in can else "pictures from seeds"
            link.notes.append(f"{model} makes {what}: open it in {' or '.join(fits) or 'another gallery'}")
            del link.query["model"]

    def restore(self, path: str | None) -> dict[Component, Any]:
        """Opens a picture of ours that a visitor gives back. ``ValueError`` for what is no such picture."""
        recipe = read_recipe(path or "")
        if recipe.model not in self.studio.models:
            if "/" not in recipe.model:
                raise ValueError(f"this picture was made by the model {recipe.model[:80]!r}, which is not in this gallery")
            self.studio.invite(f"{recipe.model}@{recipe.revision}")
        links = (room.link_of(recipe) for room in self.rooms.values())
        link = next(filter(None, links), None)
        if link is None:
            raise ValueError("no page here shows pictures of this kind")
        asked = Link.of(link)
        asked.picture, asked.made_by = pixels_of(path), recipe
        return self.go(asked)

    def restore_all(self, paths: Sequence[str]) -> dict[Component, Any]:
        """Opens the first of several pictures that is ours; those of single seeds go to the visitor's tray. It is said which
        did neither. Errors: as ``restore`` of the first where none is ours."""
        recipes = {path: recipe for path in paths if (recipe := recipe_of(path))}
        first = next(iter(recipes), paths[0])
        values = self.restore(first)
        items = {path: Tray.item(recipe, pixels_of(path)) for path, recipe in recipes.items()
                 if isinstance(recipe, SeedsRecipe) and len(recipe.seeds) == 1 and recipe.model in self.studio.models}
        values[self.opened]["tray"] = list(items.values())
        other = [Path(path).name for path in paths if path not in items and path != first]
        notes = [f"{Path(first).name} is open"] + [f"the tray has the seeds of {len(items)} of these pictures"] * bool(items)
        if other:
            notes.append(f"not taken: {', '.join(other[:4])}" + f" and {len(other) - 4} more" * (len(other) > 4))
        warn(notes)
        return values

    def wire(self, app: gr.Blocks) -> None:
        def load(request: gr.Request) -> dict[Component, Any]:
            return self.go(Link(dict(request.query_params)))

        def ask(event: gr.EventData) -> dict[Component, Any]:
            asked = event._data if isinstance(event._data, dict) else {}
            values = self.go(Link.of(str(asked.get("link", ""))), turn=asked.get("turn") is True)
            values[self.opened]["number"] = asked.get("number")  # the browser's, which follows one link at a time
            return values

        def give_back(paths: list[str]) -> dict[Component, Any]:
            with self.studio.outbox.passing(*paths):
                return self.restore_all(paths) if len(paths) > 1 else self.restore(paths[0] if paths else None)

        on(app.load, load, None, self.outputs, group="open")
        on(self.opened.open, ask, None, self.outputs, group="open", trigger_mode="multiple")
        on(self.upload.upload, give_back, self.upload, self.outputs, group="open")


def hub_ids(text: str) -> tuple[str, ...]:
    """user/name[@revision], several with commas between. ``ValueError`` for anything else."""
    names = tuple(filter(None, text.split(",")))
    if len(names) > MOST_INVITED or not all(HUB_ID.fullmatch(name) and len(name) <= 200 for name in names):
        raise ValueError(f"expected at most {MOST_INVITED} models of the Hub, as user/name or user/name@revision")
    return names


def edit_in(link: Link) -> PngRecipe | None:
    """The edit in a link; None where there is none that can be read, of which its page tells."""
    with suppress(ValueError):
        return from_json(link.query.get("edit", ""))
    return None


def recipe_of(path: str) -> PngRecipe | None:
    """What made a picture of ours; None for any other."""
    with suppress(ValueError):
        return read_recipe(path)
    return None


def pixels_of(path: str) -> np.ndarray:
    """uint8 [H, W, C] of a PNG; no pixels of one that is damaged, or larger than any sheet that the pages draw."""
    with suppress(OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        with Image.open(path, formats=["PNG"]) as image:
            if image.width * image.height <= MAX_GIVEN and image.mode in ("L", "RGB"):
                pixels = np.asarray(image)
                return pixels[..., None] if pixels.ndim == 2 else pixels
    return np.empty((0, 0, 0), np.uint8)


def build(studio: Studio, pages: Sequence[Page] = PAGES) -> gr.Blocks:
    """The whole app."""
    studio.outbox.take_uploads()  # first: every component remembers the folder
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"  # it keeps who called what, and sums it up with pandas at every error,
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(10**9)  # for a page that is not there
    with gr.Blocks(title="The GAN gallery", delete_cache=(600, 3600), analytics_enabled=False) as app:
        Shell(studio, pages).wire(app)
        api.publish(studio)
    describe_once(app)
    app.queue(default_concurrency_limit=1, max_size=64, api_open=False)
    return app


def describe_once(app: gr.Blocks) -> None:
    """Gradio describes every component anew for every session, which costs more than a sheet does; ours never change."""
    for block in app.blocks.values():
        config = block.get_config()
        block.get_config = lambda config=config: dict(config)
        if not block.skip_api:
            info = block.api_info()
            block.api_info = lambda info=info: info


def launch_options(studio: Studio, pages: Sequence[Page] = PAGES, *, mcp: bool = False) -> dict[str, Any]:
    """Arguments of ``Blocks.launch``, all but the address. With ``mcp`` see ``gan.ui.tools``."""
    doors = [dict(id=page.id, title=page.title, needs=page.needs) for page in pages if page.needs]
    scripts = [*parts.sources(".js"), f"gan.doors = {json.dumps(doors)};", *(page.source(".js") for page in pages)]
    styles = [(HERE / "theme.css").read_text("utf-8"), *parts.sources(".css"), *(page.source(".css") for page in pages)]
    return dict(
        theme=theme(), css="\n".join(styles), head="".join(f"<script>{script}</script>" for script in scripts if script),
        allowed_paths=[str(studio.outbox.root)], max_file_size="5mb", show_error=False, run_history=False, mcp_server=mcp,
        ssr_mode=False, footer_links=["api"], state_session_capacity=200, share=False, enable_monitoring=False,
        app_kwargs={"middleware": [Middleware(PageParameter), Middleware(Guard, outbox=studio.outbox)],
                    "routes": [Route("/healthz", Health(studio).answer)]})
