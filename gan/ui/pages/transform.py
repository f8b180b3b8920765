"""The Transform page: a drawing, a picture, or a hole in one, given to a model that makes pictures from pictures.

What a model does is read from its config, and the page knows three ways of giving it something: to draw, to bring a picture,
and to paint a hole into one. Nothing of a visitor's picture is kept: an upload is removed as soon as it is read, a drawing
comes inside the call, and what is made of them goes back inside the answer.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from functools import partial
from shlex import quote
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from gan import hub
from gan.image import png_bytes
from gan.latent import Draw, check_seed
from gan.picture import Box
from gan.recipe import PngRecipe, TransformRecipe
from gan.transform import Given, Made, task_for, transform, transformed
from gan.ui.edits import field, mask_of
from gan.ui.messages import answering, asks, on, warn
from gan.ui.outbox import data_url, file_stem
from gan.ui.page import Page, Room
from gan.ui.parts import job
from gan.ui.parts.code import python_call
from gan.ui.parts.controls import checked, dropdown, model_choice, model_dropdown
from gan.ui.parts.examples import example
from gan.ui.parts.link import Link, link_to, one_of, short_text
from gan.ui.parts.stage import answers, beside, scripted
from gan.ui.studio import Studio
from gan.ui.view import seeds_of

__all__ = ["MOST_PX", "PAGE"]

ID = "transform"
MOST_PX = 2**22  #     of a result that a page or a program is answered
MOST_TRIED = 8  #    classes that a sample is looked for among
MOST_DRAWN = 2**20  #  characters of a drawing
NONE = """### No model here makes pictures from pictures yet
Train one on a folder of pictures (`python -m train list` names the recipes that take a picture in), or start with
`python app.py --models FOLDER_OR_HUB_ID`."""
Values = dict[Component, Any]


class Transform:
    """The page's components, and what happens when they are touched."""

    def __init__(self, studio: Studio):
        self.studio = studio
        self.none = gr.Markdown(NONE, visible=not studio.entries)
        with beside(self._lay_out_controls):
            self.easel = scripted("gan.transform.build", "element", "props", "watch", "upload",
                                  events=("draw", "make", "example", "cancel"), elem_id="easel")
            self.answer, self.made = answers("gan.transform.answer"), answers("gan.transform.answer")
        self._wire()

    def _lay_out_controls(self) -> None:
        self.model = model_dropdown(self.studio)
        self.model.visible = bool(self.studio.entries)
        self.label = dropdown(gr.Dropdown([], label="Becomes", visible=False, elem_id="becomes"))
        with gr.Row(elem_classes="seed-row", visible=False) as self.noise:
            self.seed = checked(gr.Number(0, label="Seed", elem_id="transform-seed", min_width=120), lambda given: given)
            self.dice = gr.Button("Roll the dice", min_width=120)

    @property
    def controls(self) -> list[Component]:
        return [self.none, self.model, self.label, self.noise, self.seed]

    def open(self, link: Link) -> Values:
        """Sets the page up for the model of a link."""
        models = self.studio.models
        if not models:
            link.notes += [f"the link's {key} was ignored: no model here makes pictures from pictures" for key in link.query]
            return {}
        drawn = next((name for name in models if self.studio.entry(name).task.gives == "drawing"), models[0])
        model = self.studio.model(link.read("model", one_of(models, "model"), drawn))  # a pen is the best first thing
        names = list(model.class_names)
        label = link.read("class", lambda text: one_of(names, "class")(short_text(text)), names[0] if names else None)
        if link.read("rev", short_text, "") not in ("", model.revision):
            link.notes.append(f"this is drawn by another version of {model.id} than the link asks for")
        return self.show(model, label, link.read("seed", seeds_of, (0,))[0])

    def show(self, model: hub.Model, label: str | None, seed: int) -> Values:
        """Every control, and the easel: what the browser needs to know of a model."""
        task, G, names = task_for(model), model.G, list(model.class_names)
        noise = G.latent.dim > 0
        easel = {
            "model": model.id, "gives": task.gives, "title": task.title, "words": task.words, "local": task.local,
            "side": G.resolution // G.source.scale, "resolution": G.resolution, "largest": MOST_PX // G.source.scale**2,
            "label": label, "seed": seed, "link": _link(model, label, seed),
            "examples": example(self.studio.entry(model.id), 0) is not None}
        return {self.none: gr.update(visible=False), self.model: {**model_choice(self.studio, model.id), "visible": True},
                self.seed: seed, self.noise: gr.update(visible=noise), self.easel: easel,
                self.label: gr.update(choices=names, value=label, visible=bool(names))}

    def restart(self, values: Values) -> Values:
        """After a control was changed: the class stays where the model has one of that name."""
        seed = values[self.seed]
        model = self.studio.model(values[self.model])
        names = model.class_names
        label = values[self.label] if values[self.label] in names else names[0] if names else None
        shown = self.show(model, label, check_seed(int(seed) if isinstance(seed, float) and seed.is_integer() else seed))
        classes = dict(shown[self.label])
        if label == values[self.label]:
            del classes["value"]  # the visitor may have gone on changing it, as the other controls
        return {self.noise: shown[self.noise], self.easel: shown[self.easel], self.label: classes}

    def roll(self, values: Values) -> Values:
        seed = random.randrange(1_000_000)
        return {**self.restart({**values, self.seed: seed}), self.seed: seed}

    def link_of(self, recipe: PngRecipe) -> str | None:
        """The link to the model that made a picture."""
        if not isinstance(recipe, TransformRecipe):
            return None
        warn(["what this picture was made from is not in it: give it again"])
        seed = "" if recipe.seed is None else str(recipe.seed)
        return link_to(ID, model=recipe.model, rev=recipe.revision, seed=seed, class_=recipe.label or "")

    @answering
    def draw(self, asked: Any) -> dict[str, Any]:
        """The picture of a drawing."""
        model = self.studio.model(field(asked, "model"))
        if task_for(model).gives != "drawing":
            raise ValueError(f"{model.id} makes no pictures of drawings")
        made = transform(model, given_of(asked, model, _drawing(asked)), by=self.by(model), most_px=MOST_PX)
        return shown(model, made)

    @answering
    def make(self, asked: Any) -> Iterator[dict[str, Any]]:
        """What becomes of an uploaded picture, told of as it goes where it is made in many tiles."""
        data = self.studio.outbox.taken(field(asked, "path"))
        model = self.studio.model(field(asked, "model"))
        work = partial(transform, model, given_of(asked, model, data), by=self.by(model), most_px=MOST_PX)
        yield from job.run("Making it", lambda report: shown(model, work(report=report)))

    def by(self, model: hub.Model) -> Any:
        return partial(self.studio.engine.draw, self.studio.entry(model.id).name)

    def example(self, asked: Any) -> Values:
        """Something to start from: what one of the model's own samples was made from, and where it has classes, what that
        became; for a model that fills holes a sample itself."""
        model, number = self.studio.model(field(asked, "model")), asked.get("example")
        number = number % 2**20 if type(number) is int else 0
        found = example(self.studio.entry(model.id), number)
        if found is None:
            raise ValueError(f"{model.id} comes without an example")
        read, sample = found
        task, label, names = task_for(model), None, model.class_names[:MOST_TRIED]
        start = sample if task.gives == "hole" else read
        if names:
            made = [transformed(model.G, task, read, of=Draw(number, k), by=self.by(model)) for k in range(len(names))]
            label = names[int(np.argmin([np.abs(one.astype(int) - sample).mean() for one in made]))]
        value = {"kind": "example", "url": data_url("image/png", png_bytes(start)), "model": model.id, "label": label,
                 "link": _link(model, label, check_seed(asked.get("seed", 0)))}
        return {self.answer: value, **({} if label is None else {self.label: label})}

    def _wire(self) -> None:
        inputs, outputs = {self.model, self.label, self.seed}, [*self.controls, self.easel]
        on([c.input for c in (self.model, self.label, self.seed)], self.restart, inputs, outputs, trigger_mode="always_last")
        on(self.dice.click, self.roll, inputs, outputs)

        def start(event: gr.EventData) -> Values:
            return self.example(event._data)

        asks(self.easel.draw, self.draw, self.answer, trigger_mode="multiple")
        on(self.easel.example, start, None, [self.answer, self.label], group="look")
        asks(self.easel.make, self.make, self.made, group="transform", trigger_mode="multiple")
        job.cancellable(self.easel.cancel, self.made)


def _link(model: hub.Model, label: str | None, seed: int) -> str:
    return link_to(ID, model=model.id, rev=model.revision, seed=str(seed) if model.G.latent.dim else "", class_=label or "")


def given_of(asked: Any, model: hub.Model, data: bytes) -> Given:
    """What the browser gives. ``ValueError`` for a box or a hole that is none, and what is no seed."""
    box, keep = asked.get("box"), mask_of(asked.get("hole"), model.G.resolution // model.G.source.scale)
    if box is not None:
        if not isinstance(box, list) or len(box) != 3 or not all(type(n) is int for n in box):
            raise ValueError("the part of the picture that counts is no square of it")
        box = Box(*box)
    label = asked.get("label")
    return Given(data, box, None if keep is None else ~keep, check_seed(asked.get("seed", 0)),
                 None if label is None else short_text(str(label)))


def _drawing(asked: Any) -> bytes:
    """The bytes of a drawing that the browser sends as a data address."""
    head, _, text = str(field(asked, "drawing"))[: MOST_DRAWN + 1].partition(",")
    if head != "data:image/png;base64" or len(text) > MOST_DRAWN:
        raise ValueError("this is no drawing of this page")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError("this is no drawing of this page") from None


def shown(model: hub.Model, made: Made) -> dict[str, Any]:
    """A made picture for the page, nothing of it on this disk."""
    recipe, parameters = made.recipe, dict(made.recipe.parameters)
    name = f"{file_stem(model.id)}-{recipe.source[:8]}.png"
    box = "" if "side" not in parameters else ",".join(f"{parameters[key]:g}" for key in ("left", "top", "side"))
    seed, label = recipe.seed or 0, recipe.label or ""
    command = "".join((f"python -m gan transform {quote(model.id)} picture.png", " --hole hole.png" * ("hole" in parameters),
                       f" --box {box}" * bool(box), f" --class {quote(label)}" * bool(label), f" --seed {seed}" * bool(seed),
                       " --out made.png"))
    hole = ', hole=handle_file("hole.png")' * ("hole" in parameters)
    call = python_call("made", f"model={model.id!r}, picture=handle_file(\"picture.png\"){hole}, box={box!r}, "
                               f"class_name={label!r}, seed={seed}", "transform")
    python = (f"import base64\n\n{call}\n"
              "open(\"made.png\", \"wb\").write(base64.b64decode(made[\"png\"]))")
    return {"kind": "made", "url": data_url("image/png", png_bytes(made.pixels, recipe.to_json())), "name": name,
            "read": data_url("image/png", png_bytes(made.read)), "width": made.pixels.shape[1],
            "height": made.pixels.shape[0], "notes": ". ".join(made.notes),
            "code": {"Command line": command, "Python": python}}


def build(studio: Studio) -> Room:
    page = Transform(studio)
    return Room(page.open, [*page.controls, page.easel], page.link_of)


PAGE = Page(ID, "Transform", build, ("model", "rev", "seed", "class"), needs=("picture",))
