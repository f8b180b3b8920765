"""The Generate page: seeds, class and psi on one side, the contact sheet and the chosen image on the other."""

from __future__ import annotations

import secrets
from typing import Any

import gradio as gr

from gan.image import PngRecipe, read_recipe
from gan.latent import MAX_SEED
from gan.ui.drawing import Studio, single, tile_at
from gan.ui.links import SET_ADDRESS, View, compact, query_of, tile_seeds

__all__ = ["GeneratePage"]

ANY_CLASS = "as each seed draws"
TILES = 16

PSI_HELP = "1 draws as trained; less gives more typical, less varied images"


class GeneratePage:
    """Components, and the handlers between them. ``outputs`` is what a drawn view fills, in the order of ``shown``."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.classes = {e.id: e.class_names for e in studio.entries.values()}
        names = list(studio.entries)
        with gr.Row(elem_classes="generate"):
            with gr.Column(scale=1, min_width=300, elem_classes="controls"):
                self.model = gr.Dropdown(names, value=names[0] if names else None, label="Model")
                with gr.Row(elem_classes="seed-row"):
                    self.seeds = gr.Textbox(f"0-{TILES - 1}", label="Seeds", info="one, a range or a list: 42 or 0-15,42",
                                            max_lines=1, scale=4)
                    self.dice = gr.Button("🎲", scale=1, min_width=56, elem_id="dice", elem_classes="dice")
                self.label = gr.Dropdown([ANY_CLASS], value=ANY_CLASS, label="Class", visible=False)
                self.psi = gr.Slider(0, 1.5, 1, step=0.05, label="psi (truncation)", info=PSI_HELP, buttons=["reset"])
                self.go = gr.Button("Draw", variant="primary", elem_id="draw")
                with gr.Accordion("Restore from a picture", open=True, elem_classes="restore"):
                    self.file = gr.File(file_types=[".png"], type="filepath", show_label=False, height=110, elem_id="restore",
                                        label="Drop a PNG that was made here")
            with gr.Column(scale=2, min_width=320, elem_classes="results"):
                self.sheet = gr.Image(show_label=False, type="filepath", format="png", interactive=False, buttons=[],
                                      elem_id="sheet", alt_text="Contact sheet of the drawn images")
                self.status = gr.Markdown(elem_id="status")
                with gr.Row(elem_classes="downloads"):
                    self.png = gr.DownloadButton("Download PNG", size="md", elem_id="download-sheet")
                    self.zip = gr.Button("Download all as zip", size="md", elem_id="download-zip")
                    self.copy = gr.Button("Copy link", size="md", elem_id="copy-link")
                with gr.Group(visible=False, elem_classes="chosen") as self.chosen:
                    self.image = gr.Image(show_label=False, type="filepath", format="png", interactive=False, buttons=[],
                                          container=False, elem_id="single", alt_text="The chosen image")
                    self.caption = gr.Markdown(elem_id="caption")
                    self.image_png = gr.DownloadButton("Download this image", size="md", elem_id="download-single")
        self.drawn = gr.Textbox(visible="hidden", elem_id="drawn")  # the recipe of what is shown, as JSON
        self.link = gr.Textbox(visible="hidden", elem_id="link")
        self.archive = gr.File(visible="hidden", elem_id="archive")
        self.controls = [self.model, self.seeds, self.label, self.psi]
        self.outputs = [self.sheet, self.status, self.png, self.drawn, self.link, self.chosen]
        self._wire()

    # --- handlers: plain functions of values ------------------------------------------------------------------------

    def shown(self, recipe: PngRecipe, *notices: str) -> list[Any]:
        """Values of ``outputs`` for a recipe."""
        path, status = self.studio.draw(recipe)
        words = "  \n".join([status, *notices])
        return [str(path), words, str(path), recipe.to_json(), query_of(recipe), gr.Group(visible=False)]

    def view(self, model: str, seeds: str, label: str | None, psi: float) -> View:
        label = None if label in (ANY_CLASS, None, "") else label
        return View(model, seeds, label if label in self.classes.get(model, ()) else None, psi)

    def draw(self, model: str, seeds: str, label: str, psi: float) -> list[Any]:
        """Draws what the controls say."""
        with friendly():
            return self.shown(self.studio.recipe(self.view(model, seeds, label, psi)))

    def choose_model(self, model: str, seeds: str, label: str, psi: float) -> list[Any]:
        """Another model: its classes appear, and it draws the same seeds."""
        return [self.label_for(model, label), *self.draw(model, seeds, label, psi)]

    def roll(self, model: str, seeds: str, label: str, psi: float) -> list[Any]:
        """The dice: as many new seeds in a row as there were."""
        try:
            count = len(tile_seeds(seeds))
        except ValueError:
            count = TILES
        first = secrets.randbelow(MAX_SEED + 2 - count)
        text = compact(range(first, first + count))
        return [text, *self.draw(model, text, label, psi)]

    def restore(self, file: str | None) -> list[Any]:
        """A PNG that was made here comes back with its settings."""
        with friendly():
            recipe = read_recipe(file)
            model = self.studio.model(recipe.model)
            view = View(recipe.model, compact(recipe.seeds), recipe.label, recipe.psi, recipe.revision)
            drawn = self.studio.recipe(view)
            return [*self.values(view), *self.shown(drawn, *another_version(recipe.revision, model.revision)), None]

    def values(self, view: View) -> list[Any]:
        """Values of ``controls`` for a view."""
        return [view.model, view.seeds, self.label_for(view.model, view.label), view.psi]

    def label_for(self, model: str, label: str | None) -> Any:
        names = self.classes.get(model, ())
        return gr.Dropdown(choices=[ANY_CLASS, *names], value=label if label in names else ANY_CLASS, visible=bool(names))

    def choose_tile(self, drawn: str, event: gr.SelectData) -> list[Any]:
        """A click on the sheet opens the image under it."""
        with friendly():
            recipe = PngRecipe.from_json(drawn)
            x, y = event.index
            seed = tile_at(recipe, int(x), int(y), self.studio.entries[recipe.model].resolution)
            if seed is None:
                return [gr.skip()] * 4
            path, _ = self.studio.draw(single(recipe, seed))
            return [gr.Group(visible=True), str(path), f"**seed {seed}**", str(path)]

    def pack(self, drawn: str) -> str:
        """The sheet's images as a zip."""
        with friendly():
            if not drawn:
                raise ValueError("there is nothing to pack yet: draw first")
            return str(self.studio.zip(PngRecipe.from_json(drawn)))

    # --- wiring -----------------------------------------------------------------------------------------------------

    def _wire(self) -> None:
        quiet = dict(show_progress="hidden", api_visibility="private", concurrency_id="draw")
        address = dict(fn=None, inputs=[self.link], js=SET_ADDRESS, api_visibility="private")
        gr.on([self.go.click, self.seeds.submit], self.draw, self.controls, self.outputs, **quiet).success(**address)
        self.label.input(self.draw, self.controls, self.outputs, **quiet).success(**address)
        self.psi.input(self.draw, self.controls, self.outputs, trigger_mode="always_last", **quiet).success(**address)
        self.psi.release(self.draw, self.controls, self.outputs, trigger_mode="always_last", **quiet).success(**address)
        self.model.input(self.choose_model, self.controls, [self.label, *self.outputs], **quiet).success(**address)
        self.dice.click(self.roll, self.controls, [self.seeds, *self.outputs], **quiet).success(**address)
        self.file.upload(self.restore, self.file, [*self.controls, *self.outputs, self.file], **quiet).success(**address)
        self.sheet.select(self.choose_tile, [self.drawn], [self.chosen, self.image, self.caption, self.image_png], **quiet)
        self.zip.click(self.pack, [self.drawn], self.archive, **quiet).success(
            fn=None, js="() => setTimeout(() => document.querySelector('#archive a[download]')?.click(), 100)",
            api_visibility="private")
        self.copy.click(fn=None, js=COPY_LINK, api_visibility="private")


COPY_LINK = """() => {
  const button = document.querySelector('#copy-link'), label = button.textContent;
  navigator.clipboard.writeText(location.href).then(() => {
    button.textContent = 'Copied'; setTimeout(() => button.textContent = label, 1500); });
}"""


def another_version(asked: str, here: str) -> list[str]:
    """A line for a link or a picture that another version of the weights made."""
    if not asked or asked == here:
        return []
    return [f"⚠ drawn by another version: this one is {here[:12]}, the link or picture was made with {asked[:12]}"]


class friendly:
    """Turns a user's mistake into one line on the page; what was shown stays."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (ValueError, OSError)):
            text = str(error)
            raise gr.Error(text[:1].upper() + text[1:], duration=8, print_exception=False) from None
