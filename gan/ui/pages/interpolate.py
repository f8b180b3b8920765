"""The Interpolate page: a path from seed to seed, played in the browser from one sheet of its frames."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from shlex import quote
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from gan import hub
from gan.image import columns_of, contact_sheet, save_video, scale_for_video, to_pil
from gan.recipe import PngRecipe, WalkRecipe, save_png
from gan.ui.messages import answering, asks, on
from gan.ui.outbox import file_stem
from gan.ui.page import Page, Room
from gan.ui.parts import job
from gan.ui.parts.code import python_call
from gan.ui.parts.controls import dial, dropdown, model_choice, model_dropdown, psi_dial, tick
from gan.ui.parts.link import Link, whole_between
from gan.ui.parts.sheet import verdict
from gan.ui.parts.stage import answers, beside, scripted
from gan.ui.path import FRAMES, MOST_BETWEEN, READS, STOPS, Path, fitted, path_from_link, stops_of, stops_text
from gan.ui.studio import Studio

__all__ = ["PAGE"]

ID = "interpolate"
SLICE = 16  #          frames drawn at a time: others draw between
SLOW_S = 0.5  #        a path that takes longer is told of as it goes
RATES = (12, 24, 30, 60)  # frames a second
FILMS = ("mp4", "webp", "gif")
SPACES = (("as the model is made", "auto"), ("straight in w", "w"), ("around the sphere of z", "z"))
Values = dict[Component, Any]


class Interpolate:
    """The page's components, and what happens when they are touched."""

    def __init__(self, studio: Studio):
        self.studio = studio
        with beside(self._lay_out_controls):
            self.player = scripted("gan.path.build", "element", "props", "watch", events=("edit", "save", "cancel"),
                                   elem_id="path")
            self.answer = answers("gan.path.answer")
        self._wire()

    def _lay_out_controls(self) -> None:
        self.model = model_dropdown(self.studio)
        with gr.Row(elem_classes="seed-row"):
            self.stops = gr.Textbox(stops_text(STOPS), label="Stops", max_lines=1, elem_id="stops", min_width=120,
                                    info="Seeds in order, as in 1,5,9. A class may follow: 5:name.")
            self.walk = gr.Button("Draw", variant="primary", elem_id="walk", min_width=80)
        self.frames = dial(1, MOST_BETWEEN, FRAMES, step=1, label="Frames from stop to stop", elem_id="frames")
        with gr.Row(elem_classes="seed-row"):
            self.loop = tick(True, label="Loop", info="And back to the first.", elem_id="loop")
            self.ease = tick(False, label="Ease", info="Slow down at stops.", elem_id="ease")
        self.space = dropdown(gr.Dropdown(SPACES, value="auto", label="Way", elem_id="space",
                                        info="A model that learned a space of its own, w, is crossed straight."))
        self.psi = psi_dial()

    @property
    def controls(self) -> list[Component]:
        return [self.model, self.stops, self.frames, self.loop, self.ease, self.space, self.psi]

    def read(self, values: Values) -> Path:
        """The path that the controls describe. ``ValueError`` for a model or stops that are none."""
        return Path(self.studio.entry(values[self.model]).id, stops_of(values[self.stops]), int(values[self.frames]),
                    values[self.loop], values[self.ease], _space(values[self.space]), values[self.psi])

    def fit(self, path: Path) -> Values:
        """Sets every control to a path."""
        return {self.model: model_choice(self.studio, path.model), self.stops: stops_text(path.stops),
                self.frames: path.frames, self.loop: path.loop, self.ease: path.ease, self.space: path.space,
                self.psi: path.psi}

    def open(self, link: Link) -> Values:
        """Draws what a link asks for and sets every control to it."""
        path = path_from_link(link, self.studio.models)
        if path is None:
            return {}
        path, notes = fitted(path, self.studio.entry(path.model))
        link.notes += notes
        frame = link.read("frame", lambda text: whole_between(text, 0, 10**6), 0)
        model = self.studio.model(path.model)
        frame = min(frame, len(path.walk(model)) - 1)
        *_, value = self.show(path, frame, link.given(lambda: path.recipe(model, frame)))
        return {**self.fit(path), self.player: value}

    def link_of(self, recipe: PngRecipe) -> str | None:
        if not isinstance(recipe, WalkRecipe):
            return None
        return Path.of(recipe).link(ID, recipe.frame)

    def show(self, path: Path, frame: int = 0, given: np.ndarray | None = None) -> Iterator[dict[str, Any]]:
        """Values of the player: progress where the path is long, then the path; for a frame that was ``given`` back, whether
        it was drawn again. Errors as ``Path.walk``."""
        model = self.studio.model(path.model)
        walk = path.walk(model)
        frames, started = [], time.perf_counter()
        told = started
        for pixels in _frames(self.studio, model, path):
            frames += pixels
            if time.perf_counter() - told > SLOW_S and len(frames) < len(walk):
                told = time.perf_counter()
                left = (told - started) / len(frames) * (len(walk) - len(frames))
                yield {"kind": "drawing", "text": f"{len(frames):,} of {len(walk):,} frames, {left:.0f} s left"}
        ms = (time.perf_counter() - started) * 1000
        sheet = contact_sheet(np.stack(frames), gap=0)
        file = self.studio.outbox.fresh("path.png")
        to_pil(sheet).save(file, compress_level=1)
        shown = replace(path, revision=model.revision)
        other = path.revision not in ("", model.revision)
        yield {
            "kind": "path", "url": self.studio.outbox.url(file), "tile": sheet.shape[1] // columns_of(len(frames)),
            "columns": columns_of(len(frames)), "count": len(frames), "between": path.frames, "loop": path.loop,
            "stops": [{"seed": seed, "label": label} for seed, label in path.stops], "frame": frame,
            "classes": list(model.class_names), "model": path.model, "link": shown.link(ID), "rates": RATES,
            "films": FILMS, "code": _code(path), "recipe": path.recipe(model, 0).to_json(),
            "mark": None if given is None else verdict(frames[frame], given),
            "status": f"{len(frames)} frames drawn on {self.studio.device} in {ms:.0f} ms" + (
                f", by another version of {path.model} than asked for" if other else "")}

    def draw(self, values: Values) -> Iterator[Values]:
        for value in self.show(self.read(values)):
            yield {self.player: value}

    def change_model(self, values: Values) -> Iterator[Values]:
        """The same stops, with the classes that the other model has."""
        path = self.read(values)
        path, _ = fitted(path, self.studio.entry(path.model))
        for value in self.show(path):
            yield {self.stops: stops_text(path.stops), self.player: value}

    def edit(self, values: Values, asked: Any) -> Iterator[Values]:
        """Other stops, as the browser's list of them says."""
        stops = stops_of(str(asked.get("stops", ""))) if isinstance(asked, dict) else ()
        path = replace(self.read({**values, self.stops: ""}), stops=stops)
        for value in self.show(path):
            yield {self.stops: stops_text(stops), self.player: value}

    @answering
    def save(self, asked: Any) -> Iterator[dict[str, Any]]:
        """A film, the frames as a zip or one frame, of the path that a link of ours describes."""
        if not isinstance(asked, dict):
            raise ValueError("there is no path yet")
        link = Link.of(str(asked.get("link", "")))
        path = path_from_link(link, self.studio.models)
        if path is None or link.notes:
            raise ValueError(link.notes[0] if link.notes else "there is no path yet")
        kind, rate, frame = asked.get("as"), asked.get("rate"), asked.get("frame")
        if kind not in (*FILMS, "zip", "png") or rate not in RATES:
            raise ValueError(f"a path is saved as {', '.join(FILMS)}, zip or png, at one of {RATES} frames a second")
        yield from job.run("Drawing frames", lambda report: self._write(report, path, kind, rate, frame))

    def _write(self, report: job.Job, path: Path, kind: str, rate: int, frame: Any) -> dict[str, Any]:
        model = self.studio.model(path.model)
        walk, stem = path.walk(model), f"{file_stem(path.model)}-path"
        if kind == "png":
            number = walk.check(frame if isinstance(frame, int) and not isinstance(frame, bool) else -1)
            (pixels,) = self.studio.frames(path.model, walk, [number])
            file = self.studio.outbox.fresh(f"{stem}-frame{number:05d}.png")
            save_png(file, pixels, path.recipe(model, number))
        else:
            file = self.studio.outbox.fresh(f"{stem}.{kind}")
            write_path(self.studio, model, path, file, rate, report)
        return {"kind": "file", "url": self.studio.outbox.url(file), "name": file.name}

    def _wire(self) -> None:
        shown = [self.stops, self.player]
        inputs = set(self.controls)
        touched = [self.walk.click, self.stops.submit, self.frames.release, self.psi.release, self.loop.input,
                   self.ease.input, self.space.input]
        on(touched, self.draw, inputs, [self.player], group="paths", trigger_mode="always_last")
        on(self.model.input, self.change_model, inputs, shown, group="paths", trigger_mode="always_last")

        def edit(values: Values, event: gr.EventData) -> Iterator[Values]:
            yield from self.edit(values, event._data)

        on(self.player.edit, edit, inputs, shown, group="paths", trigger_mode="always_last")
        asks(self.player.save, self.save, self.answer, group="films")
        job.cancellable(self.player.cancel, self.answer)


def _frames(studio: Studio, model: hub.Model, path: Path) -> Iterator[list[np.ndarray]]:
    """The frames of a path, slice by slice, so that others draw between."""
    walk = path.walk(model)
    for start in range(0, len(walk), SLICE):
        yield list(studio.frames(path.model, walk, range(start, min(start + SLICE, len(walk)))))


def write_path(studio: Studio, model: hub.Model, path: Path, file: Any, rate: int, report: job.Job) -> None:
    """Writes the path as a film, or as a zip of frames with a recipe in each; by the ending of the file's name."""
    total = len(path.walk(model))

    def told() -> Iterator[np.ndarray]:
        done = 0
        for pixels in _frames(studio, model, path):
            for frame in pixels:
                report(done, total)
                done += 1
                yield frame

    if file.suffix != ".zip":
        recipe = path.recipe(model, 0).to_json()
        save_video(file, told(), fps=rate, scale=scale_for_video(model.G.resolution), recipe=recipe)
        return
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # PNGs are compressed already
        for number, pixels in enumerate(told()):
            single = save_png(file.with_name(f"frame{number:05d}.png"), pixels, path.recipe(model, number))
            archive.write(single, single.name)
            single.unlink()


def _space(given: str) -> Any:
    return given if given in {space for _, space in SPACES} else "auto"


def _code(path: Path) -> dict[str, str]:
    """The same film from a program."""
    seeds = ",".join(str(seed) for seed, _ in path.stops)
    labels = [label for _, label in path.stops]
    classes = f" --classes {' '.join(quote(label or '-') for label in labels)}" if any(labels) else ""
    options = classes + "".join(f" --{name}" for name in ("loop", "ease") if getattr(path, name))
    options += f" --space {path.space}" if path.space != "auto" else ""
    options += f" --psi {path.psi:g}" if path.psi != 1 else ""
    arguments = (f"model={path.model!r}, stops={stops_text(path.stops)!r}, frames={path.frames}, loop={path.loop}, "
                 f"ease={path.ease}, space={path.space!r}, psi={path.psi:g}")
    return {"Command line": f"python -m gan interpolate {quote(path.model)} --seeds {seeds}{options} "
                            f"--frames {path.frames} --out walk.mp4",
            "Python": python_call("film", arguments, "interpolate")}


def build(studio: Studio) -> Room:
    page = Interpolate(studio)
    return Room(page.open, [*page.controls, page.player], page.link_of)


PAGE = Page(ID, "Interpolate", build, READS, needs=("seeds",))
