"""The page that holds the tabs: what a link opens, what a dropped picture restores, the API, look and serving."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from gan.ui import gallery, generate, tree
from gan.ui.generate import told
from gan.ui.links import PageParameter
from gan.ui.studio import Studio, explain
from gan.ui.theme import theme
from gan.ui.view import MAX_PSI, PAGES, View, from_link, run_of, seeds_of

__all__ = ["build", "launch_options", "open_link", "restore"]

HERE = Path(__file__).resolve().parent
HEADER = """<header id="brand"><h1>The GAN gallery</h1>
<p>Small generative networks. Every picture carries the recipe that made it.</p>
</header>"""
EMPTY = """### No models yet
Train one, and it appears here: `python -m train --help` shows how. Or start with
`python app.py --models FOLDER_OR_HUB_ID`."""


def build(studio: Studio) -> gr.Blocks:
    """The whole app."""
    with gr.Blocks(title="The GAN gallery", delete_cache=(600, 3600), analytics_enabled=False) as app:
        gr.HTML(HEADER, apply_default_css=False)
        with gr.Tabs(elem_id="pages") as tabs:
            with gr.Tab("Gallery", id="gallery") as first:
                cards = gallery.build(studio)
                if not studio.entries:
                    gr.Markdown(EMPTY)
            with gr.Tab("Generate", id="generate", render_children=True) as second:
                page = generate.build(studio)
            with gr.Tab("Family tree", id="tree") as third:
                sheets = tree.build(studio)
        page.notice.render()
        _wire(studio, app, tabs, (cards, sheets), page)
        for tab, name in zip((first, second, third), PAGES):
            tab.select(None, js=f"() => gan.turn('{name}')", api_visibility="private")
        _publish(studio)
    app.queue(default_concurrency_limit=1, max_size=64, api_open=False)
    return app


def open_link(studio: Studio, page: generate.Page, query: dict[str, str]) -> list[Any]:
    """The tab, then values for ``Page.everything``, for a link. What is wrong with it is said and left out."""
    name, view, notes = from_link(query, list(studio.entries))
    tab = gr.update(selected=name) if name != PAGES[0] else gr.skip()  # the first is open, unless a visitor was faster
    if view is None:
        return [tab, *[gr.skip()] * (len(page.everything) - 1), told(*notes)]
    try:
        try:
            return [tab, *generate.shown(studio, page, view, notes)]
        except ValueError as error:  # a class or codes that this model does not have
            notes.append(f"part of the link was ignored: {explain(error)}")
            plain = View(view.model, view.seeds, None, view.psi, None, view.revision)
            return [tab, *generate.shown(studio, page, plain, notes)]
    except Exception as error:
        return [tab, *generate.kept(len(page.everything) - 1, error)]


def restore(studio: Studio, page: generate.Page, path: str | None) -> list[Any]:
    """The tab, then values for ``Page.everything``, for a picture that a visitor gives back."""
    try:
        view, notes = studio.recognise(path or "")
        return [gr.update(selected="generate"), *generate.shown(studio, page, view, notes)]
    except Exception as error:
        return [gr.skip(), *generate.kept(len(page.everything) - 1, error)]


def _wire(studio: Studio, app: gr.Blocks, tabs: gr.Tabs, openers: Sequence[gr.HTML], page: generate.Page) -> None:
    def load(request: gr.Request) -> list[Any]:
        return open_link(studio, page, dict(request.query_params))

    def give_back(path: str | None) -> list[Any]:
        return restore(studio, page, path)

    def open_model(event: gr.EventData) -> list[Any]:
        try:
            view = View(str(event.model), run_of(0))
            return [gr.update(selected="generate"), *generate.shown(studio, page, view)]
        except Exception as error:
            return [gr.skip(), *generate.kept(len(page.everything) - 1, error)]

    outputs = [tabs, *page.everything]
    app.load(load, None, outputs, **generate.DRAWING)
    for opener in openers:
        opener.click(open_model, None, outputs, **generate.DRAWING)
    page.upload.upload(give_back, page.upload, outputs, **generate.DRAWING)


def _publish(studio: Studio) -> None:
    """The endpoint for programs."""

    def generate(model: str, seeds: str = "0-15", class_name: str = "", psi: float = 1.0) -> gr.FileData:
        """Draws one PNG: a single image for one seed, a contact sheet for several. Its recipe is inside the file.

        Args:
            model: name of the model, as the gallery shows it
            seeds: whole numbers and ranges, as in 0-15,42
            class_name: class of every image; empty = as each seed draws
            psi: truncation from 0 to 1.5; 1 = none
        """
        try:
            if isinstance(psi, bool) or not 0 <= float(psi) <= MAX_PSI:
                raise ValueError(f"psi must be a number from 0 to {MAX_PSI:g}, got {str(psi)[:20]}")
            path = studio.generate(str(model), seeds_of(str(seeds)), class_name, float(psi))
            return gr.FileData(path=str(path), orig_name=path.name, mime_type="image/png")
        except Exception as error:
            raise gr.Error(explain(error), print_exception=False) from None

    gr.api(generate, api_name="generate", concurrency_id="draw")


def launch_options(studio: Studio) -> dict[str, Any]:
    """Arguments of ``Blocks.launch``, all but the address."""
    scripts = "".join(f"<script>{(HERE / name).read_text()}</script>" for name in ("page.js", "tree.js"))
    return dict(
        theme=theme(), css=(HERE / "theme.css").read_text(), head=scripts,
        allowed_paths=[str(studio.outbox.root)], max_file_size="5mb", show_error=True, run_history=False,
        ssr_mode=False, footer_links=["api"], state_session_capacity=1000, share=False,
        enable_monitoring=False, app_kwargs={"middleware": [Middleware(PageParameter)]})
