"""The endpoints for programs: what the pages make, over HTTP and the Python client."""

from __future__ import annotations

import base64
import functools
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, get_args

import gradio as gr

from gan.directions import load_directions
from gan.hub.contents import sha256
from gan.image import contact_sheet, png_bytes
from gan.latent import MAX_SEED
from gan.picture import Box, read_bytes, read_picture
from gan.recipe import EditRecipe, from_json, save_png
from gan.transform import Given, hole_of
from gan.transform import transform as make_of
from gan.ui.messages import LIMITS, refuse
from gan.ui.outbox import file_stem
from gan.ui.pages.interpolate import FILMS, RATES, write_path
from gan.ui.pages.transform import MOST_PX
from gan.ui.path import MOST_BETWEEN, Path, stops_of
from gan.ui.sets import Set, counts_of, make_set
from gan.ui.studio import Studio
from gan.ui.varied import Varied, check_much, find_picture, pack_varied
from gan.ui.view import MAX_PSI, View, check_tiles, seeds_of
from gan.vary import STRENGTH, Variations
from gan.walk import Space

__all__ = ["publish"]

NO_REPORT = lambda *told, **news: None  # noqa: E731


def publish(studio: Studio) -> None:
    """Adds the endpoints to the app that is being built."""
    groups = {"generate": "draw", "interpolate": "films", "draw_edit": "draw", "augment": "sets", "project": "project",
              "vary": "sets", "transform": "transform"}
    for make in (_generate, _interpolate, _edit, _transform, _augment, _vary, _project):
        endpoint = make(studio)
        group = groups[endpoint.__name__]
        gr.api(_guarded(endpoint), api_name=endpoint.__name__, concurrency_id=group, concurrency_limit=LIMITS.get(group, 1))


def _guarded(endpoint: Callable) -> Callable:
    """What it raises becomes one line."""
    @functools.wraps(endpoint)
    def answer(*values: Any, **named: Any) -> Any:
        try:
            return endpoint(*values, **named)
        except Exception as error:
            raise refuse(error) from None
    return answer


def _file(path: FilePath) -> gr.FileData:
    kinds = {".png": "image/png", ".mp4": "video/mp4", ".webp": "image/webp", ".gif": "image/gif", ".zip": "application/zip"}
    return gr.FileData(path=str(path), orig_name=path.name, mime_type=kinds.get(path.suffix, "application/octet-stream"))


def _generate(studio: Studio) -> Callable:
    def generate(model: str, seeds: str = "0-15", class_name: str = "", psi: float = 1.0) -> gr.FileData:
        """Draws one PNG: a single image for one seed, a contact sheet for several. Its recipe is inside the file.

        Args:
            model: name of the model, as the gallery shows it
            seeds: whole numbers and ranges, as in 0-15,42
            class_name: class of every image; empty = as each seed draws
            psi: truncation from 0 to 1.5; 1 = none
        """
        view = View(str(model), seeds_of(str(seeds)), _text(class_name, "class_name") or None, _psi(psi))
        return _file(studio.save(studio.draw(view)))
    return generate


def _interpolate(studio: Studio) -> Callable:
    def interpolate(model: str, stops: str = "1,5,9", frames: int = 20, loop: bool = True, ease: bool = False,
                    space: str = "auto", psi: float = 1.0, rate: int = 24, form: str = "mp4") -> gr.FileData:
        """Draws a path from seed to seed, as a film or as a zip of PNG frames. Every frame carries its recipe.

        Args:
            model: name of the model, as the gallery shows it
            stops: seeds in order, as in 1,5,9; a class may follow a colon, as in 5:name, a comma in it as %2C
            frames: from one stop to the next, 1 to 240
            loop: whether the path goes back to the first stop
            ease: whether it slows down at every stop
            space: w = straight, z = around the sphere of the noise, auto = as the model is made
            psi: truncation from 0 to 1.5; 1 = none
            rate: frames a second: 12, 24, 30 or 60
            form: mp4, webp, gif or zip
        """
        between = _whole(frames, "frames", 1, MOST_BETWEEN)
        _one_of(form, "form", (*FILMS, "zip"))
        _one_of(space, "space", get_args(Space))
        _one_of(rate, "rate", RATES)
        entry = studio.entry(model)
        path = Path(entry.id, stops_of(str(stops)), between, loop is True, ease is True, space, _psi(psi))
        loaded = studio.model(entry.id)
        path.walk(loaded)
        file = studio.outbox.fresh(f"{file_stem(entry.id)}-path.{form}")
        write_path(studio, loaded, path, file, rate, NO_REPORT)
        return _file(file)
    return interpolate


def _edit(studio: Studio) -> Callable:
    def draw_edit(recipe: str) -> gr.FileData:
        """Draws an edit as a PNG: a seed, or a place found for a picture, with styles mixed in and directions followed.

        Args:
            recipe: JSON of the kind edit, as the pages' PNGs hold it and "copy as code" shows it
        """
        asked = from_json(str(recipe))
        if not isinstance(asked, EditRecipe):
            raise ValueError(f"expected a recipe of the kind edit, got {asked.kind}")
        entry = studio.entry(asked.model)
        check_tiles(len(asked.seeds), entry.resolution)
        model = studio.model(entry.id)
        tiles = studio.edits(model, [asked], load_directions(entry.folder, model.G))
        picture = tiles[0] if len(tiles) == 1 else contact_sheet(tiles)
        return _file(save_png(studio.outbox.fresh(f"{file_stem(model.id)}-edited.png"), picture, asked))
    return draw_edit


def _augment(studio: Studio) -> Callable:
    def augment(model: str, count: int = 500, counts: str = "", balance: bool = False, psi: float = 1.0,
                distinct: bool = False, form: str = "zip") -> gr.FileData:
        """Draws a labelled synthetic data set: class folders of PNGs with metadata.jsonl and a card.

        Args:
            model: name of the model, as the gallery shows it
            count: images in all, at most 10,000
            counts: images of each class in the place of count, as in cat=100, dog=50; a comma in a name as %2C
            balance: whether there are as many of each class; otherwise as the seeds draw them
            psi: truncation from 0 to 1.5; 1 = none
            distinct: whether near-duplicates are left out
            form: zip or parquet
        """
        asked = Set(studio.entry(model).id, _whole(count, "count", 1, 10**9), counts_of(_text(counts, "counts")),
                    balance is True, _psi(psi), distinct is True)
        return _file(make_set(studio, asked, f".{_text(form, 'form')}", NO_REPORT))
    return augment


def _vary(studio: Studio) -> Callable:
    def vary(model: str, pictures: list[gr.FileData], each: int = 10, way: str = "neighbours", strength: float = STRENGTH,
             form: str = "zip") -> dict:
        """Draws variations of pictures, as a data set. Nothing of the pictures stays on the server.

        Args:
            model: name of the model, as the gallery shows it
            pictures: photos or drawings, uploaded, at most 20; the central square of each is read
            each: variations of each picture; at most 1,000 in all
            way: neighbours of the picture, mix = on the way to pictures of random seeds, walk = along the model's directions
            strength: over 0, and 1 at most
            form: zip or parquet

        Returns:
            name: a name for the file
            file: the set in base64: PNGs, and metadata.jsonl with the sha256 of each one's picture
        """
        paths = [_path(one) for one in pictures] if isinstance(pictures, list) else []
        with studio.outbox.passing(*paths):
            loaded, asked = studio.model(studio.entry(model).id), Variations(
                _whole(each, "each", 1, 10**9), _text(way, "way"), _number(strength, "strength", 0, 1))
            check_much(len(paths), asked)  # before they are looked for
            data = list(dict.fromkeys(read_bytes(str(path)) for path in paths))
        varied = Varied(loaded, tuple(find_picture(studio, loaded, one) for one in data), asked)
        name, file = pack_varied(studio, varied, f".{_text(form, 'form')}", NO_REPORT)
        return {"name": name, "file": base64.b64encode(file).decode()}
    return vary


def _project(studio: Studio) -> Callable:
    def project(model: str, picture: gr.FileData, class_name: str = "") -> dict:
        """Looks for the place in a model that draws a picture. Nothing of the picture stays on the server.

        Args:
            model: name of the model, as the gallery shows it
            picture: a photo or a drawing, uploaded; its central square is read
            class_name: look within this class; empty = in all

        Returns:
            share: how much of the picture the model can draw, 0 to 1
            error: mean absolute difference, 0 to 1
            recipe: an edit without changes, for the endpoint draw_edit
        """
        data = studio.outbox.taken(_path(picture))
        loaded = studio.model(studio.entry(model).id)
        label = loaded.label(_text(class_name, "class_name") or None)
        pixels = read_picture(data, loaded.G.resolution, loaded.G.channels)
        source = sha256(data)
        last = studio.find(loaded, pixels, label=label)
        point = last.points[0]
        name = None if point.label is None else loaded.class_names[point.label]
        recipe = EditRecipe(loaded.id, loaded.revision, label=name, source=source, latent=point.latent)
        return {"share": last.share, "error": last.error, "recipe": recipe.to_json()}
    return project


def _transform(studio: Studio) -> Callable:
    def transform(model: str, picture: gr.FileData, hole: gr.FileData | None = None, box: str = "", class_name: str = "",
                  seed: int = 0) -> dict:
        """Makes a picture from a picture. Nothing of either stays on the server.

        Args:
            model: name of the model, as the gallery shows it
            picture: a photo or a drawing, uploaded
            hole: for a model that fills holes: a picture that is white where the hole is, uploaded
            box: the square to read, as in 120,40,256 for left, top and side in px; empty = the central one, or the whole
                picture where a model reads any size
            class_name: what the picture becomes, for a model with classes
            seed: for a model that reads noise as well

        Returns:
            png: the picture as a PNG file in base64, with its recipe inside
            recipe: that recipe, as JSON
            notes: what of the picture was not read, in words
        """
        paths = [_path(picture), *([] if hole is None else [_path(hole)])]
        with studio.outbox.passing(*paths):
            loaded = studio.model(studio.entry(model).id)
            data, *masks = (read_bytes(str(path)) for path in paths)
            mask = hole_of(masks[0], loaded) if masks else None
        asked = Given(data, Box.of(box) if _text(box, "box") else None, mask, _whole(seed, "seed", 0, MAX_SEED),
                      _text(class_name, "class_name") or None)
        made = make_of(loaded, asked, by=functools.partial(studio.engine.draw, studio.entry(model).name), most_px=MOST_PX)
        recipe = made.recipe.to_json()
        return {"png": base64.b64encode(png_bytes(made.pixels, recipe)).decode(), "recipe": recipe,
                "notes": ". ".join(made.notes)}
    return transform


def _path(given: Any) -> Any:
    """Of an uploaded file."""
    return given.get("path") if isinstance(given, dict) else getattr(given, "path", None)


def _psi(value: Any) -> float:
    return _number(value, "psi", 0, MAX_PSI)


def _number(value: Any, name: str, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise ValueError(f"{name} must be a number from {least:g} to {most:g}, got {str(value)[:20]}")
    return float(value)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text, got {str(value)[:20]}")
    return value


def _whole(value: Any, name: str, least: int, most: int) -> int:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and value == value and value % 1 == 0
    if not usable or not least <= value <= most:
        raise ValueError(f"{name} must be a whole number from {least} to {most:,}, got {str(value)[:20]}")
    return int(value)


def _one_of(value: Any, name: str, known: tuple) -> None:
    if isinstance(value, bool) or value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(str, known))}, got {str(value)[:20]}")
