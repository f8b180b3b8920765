"""The page: the tabs, the link that it opens with, and how it is served."""

from __future__ import annotations

import atexit
import socket
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from gan.engine import Engine
from gan.gallery import list_models
from gan.ui import gallery
from gan.ui.drawing import Studio
from gan.ui.generate import GeneratePage, another_version, friendly
from gan.ui.links import SET_ADDRESS, View, view_of

__all__ = ["build", "launch"]

HERE = Path(__file__).parent
GALLERY_ADDRESS = "() => { history.replaceState(null, '', location.pathname + '?page=gallery'); }"


def build(models: Sequence[str] = (), *, device: str | None = None) -> gr.Blocks:
    """The whole page over the models of weights/ and these. Errors: ``ValueError`` where there is nothing to show."""
    entries = list_models(models)
    if not entries:
        raise ValueError("there is no model to show: train one (python -m train --help) and give it with --models")
    studio = Studio(Engine(device=device), entries)
    atexit.register(studio.close)
    with gr.Blocks(title="The GAN gallery", analytics_enabled=False, delete_cache=(3600, 7200)) as demo:
        gr.Markdown("# The GAN gallery\nPictures that no camera took. Every one can be drawn again from its seed.",
                    elem_classes="masthead")
        with gr.Tabs(selected="gallery", elem_id="tabs") as tabs:
            with gr.Tab("Gallery", id="gallery") as gallery_tab:
                openers = gallery.cards(list(studio.entries.values()))
            with gr.Tab("Generate", id="generate", render_children=True) as generate_tab:
                page = GeneratePage(studio)
        _wire(demo, page, tabs, gallery_tab, generate_tab, openers)
        _api(page)
    demo.queue(default_concurrency_limit=1, max_size=64, api_open=False)
    return demo


def _wire(demo: gr.Blocks, page: GeneratePage, tabs: gr.Tabs, gallery_tab: gr.Tab, generate_tab: gr.Tab,
          openers: list[tuple[str, gr.Button]]) -> None:
    quiet = dict(show_progress="hidden", api_visibility="private", concurrency_id="draw")
    address = dict(fn=None, inputs=[page.link], js=SET_ADDRESS, api_visibility="private")
    everything = [tabs, *page.controls, *page.outputs]

    def open_link(request: gr.Request) -> list[Any]:
        """The view of the address that the page was opened with."""
        params = dict(request.query_params)
        if params.get("page") != "generate":
            return [gr.skip()] * len(everything)
        view, notices = view_of(params, page.classes)
        with friendly():
            recipe = page.studio.recipe(view)
            notices = [f"⚠ {n}" for n in notices] + another_version(view.rev, recipe.revision)
            return [gr.Tabs(selected="generate"), *page.values(view), *page.shown(recipe, *notices)]

    def enter(drawn: str, *controls: Any) -> list[Any]:
        """The tab is opened for the first time: it draws."""
        return [gr.skip()] * len(page.outputs) if drawn else page.draw(*controls)

    demo.load(open_link, None, everything, **quiet).success(**address)
    generate_tab.select(enter, [page.drawn, *page.controls], page.outputs, **quiet).success(**address)
    gallery_tab.select(fn=None, js=GALLERY_ADDRESS, api_visibility="private")
    for model_id, button in openers:
        def open_model(model_id: str = model_id) -> list[Any]:
            with friendly():
                view = View(model_id)
                return [gr.Tabs(selected="generate"), *page.values(view), *page.shown(page.studio.recipe(view))]

        button.click(open_model, None, everything, **quiet).success(**address)


def _api(page: GeneratePage) -> None:
    """The one public endpoint, for the Python client and REST."""

    def generate(model: str, seeds: str = "0-15", class_name: str = "", psi: float = 1.0) -> str:
        """Draws a PNG with its recipe inside.

        Args:
            model: a model's name, as the gallery shows it
            seeds: "42" for one image, "0-15,42" for a contact sheet, at most 64
            class_name: a class of the model, empty = as each seed draws
            psi: truncation from 0 to 2, 1 = none

        Returns:
            the PNG file
        """
        with friendly():
            return str(page.studio.draw(page.studio.recipe(View(model, seeds, class_name or None, psi)))[0])

    button, file = gr.Button(visible=False), gr.File(visible=False)
    inputs = [gr.Textbox(visible=False, label="model"), gr.Textbox("0-15", visible=False, label="seeds"),
              gr.Textbox("", visible=False, label="class_name"), gr.Number(1.0, visible=False, label="psi")]
    button.click(generate, inputs, file, api_name="generate", concurrency_id="draw")


def theme() -> gr.themes.Base:
    sans = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"]
    return gr.themes.Base(primary_hue="indigo", secondary_hue="indigo", neutral_hue="stone", font=sans,
                          radius_size="lg", spacing_size="md")


def free_port(host: str, port: int | None) -> int | None:
    """The port, if it is free. ``OSError`` in one line if it is not; None leaves the choice to the server."""
    if port is None:
        return None
    if not 0 < port < 65536:
        raise ValueError(f"a port is a number from 1 to 65535, got {port}")
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(f"port {port} on {host} cannot be used ({error.strerror}): choose another with --port") from None
    return port


def launch(demo: gr.Blocks, *, host: str = "127.0.0.1", port: int | None = None, open_browser: bool = False,
           wait: bool = True) -> str:
    """Serves the page and returns its address; with ``wait`` until Ctrl-C."""
    _, url, _ = demo.launch(
        server_name=host, server_port=free_port(host, port), prevent_thread_lock=True, quiet=True, show_error=True,
        max_file_size="5mb", run_history=False, footer_links=["api"], state_session_capacity=1000, ssr_mode=False,
        theme=theme(), css_paths=HERE / "style.css", head='<meta name="color-scheme" content="light dark">')
    print(f"the gallery is open on {url}", flush=True)
    if open_browser:
        webbrowser.open(url)
    if wait:
        demo.block_thread()
    return url
