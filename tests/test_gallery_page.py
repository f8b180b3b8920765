"""The Gallery page and a model's own: what they say, and what they cannot read of it."""

import json
import os
from dataclasses import replace

import pytest
from conftest import tiny_generator
from PIL import Image

from gan import hub
from gan.degrade import Edges, source_of
from gan.gallery import entry
from gan.hub.contents import DISCRIMINATOR
from gan.ui.pages.gallery import details, walls
from gan.ui.parts.curves import curves


def test_model_page_says_what_training_json_says(served):
    found = details(entry(str(served.folder / "digits")), served.studio.outbox)
    assert found["trained"] == "Trained on 5.6 million images in 75 minutes on a laptop"
    assert found["paper_url"] == "https://arxiv.org/abs/1406.2661"
    facts = dict(found["facts"])
    assert facts["Data"] == "shapes, 1,234 images" and facts["Licence of the data"] == "CC0"
    assert facts["Classes"] == "3: zero, one, two" and "Started from" not in facts


def test_model_page_says_what_it_started_from_and_under_which_licence(served):
    e = entry(str(served.folder / "digits"))
    training = {**e.training, "from": {"id": "cats", "revision": "0" * 12, "licence": "research only"}}
    facts = dict(details(replace(e, training=training), served.studio.outbox)["facts"])
    assert facts["Started from"] == "cats; the licence of its data holds as well: research only"


def test_model_of_the_gallery_that_brings_its_discriminator_says_how_to_go_on_from_it(served):
    with_one = next(path for path in hub.WEIGHTS.iterdir() if (path / DISCRIMINATOR).is_file())
    assert f"--from {with_one.name} " in details(entry(with_one.name), served.studio.outbox)["start"]
    assert details(entry(str(served.folder / "digits")), served.studio.outbox)["start"] == ""


@pytest.mark.parametrize("training", [
    [], {}, {"data": 3, "minutes": -1, "nimg": True, "command": {}}, {"minutes": 10**400},
    {"metrics": {"scores": {"a": "x", "b": None, "c": True}}}, {"metrics": 3}])
def test_model_page_of_a_strange_training_json_leaves_out_what_it_cannot_read(served, training):
    e = entry(str(served.folder / "digits"))
    found = details(replace(e, training=training), served.studio.outbox)
    assert found["trained"] == "" and found["command"] == "" and found["paper_url"] == "" and found["metrics"] is None


def test_model_page_names_the_feature_net_of_what_was_measured(served):
    measured = {"features": "our net", "samples": 2000, "against": "2000 pictures of shapes", "memorised": 0.0125,
                "scores": {"frechet_distance": 1.23456, "frechet_distance_of_reals": 0.5, "recall": 0.4, "odd": "x"}}
    model = replace(entry(str(served.folder / "digits")), training={"metrics": measured})
    found = details(model, served.studio.outbox)["metrics"]
    assert found["rows"] == [["frechet distance: less is better", "1.235", "0.5"],
                             ["recall: the share of real pictures it can draw", "0.4", ""]]
    assert found["about"].startswith("By the features of our net on 2,000 pictures against 2000 pictures of shapes.")
    assert found["memorised"].startswith("1.2% of its pictures")


def test_timeline_reads_no_file_outside_its_folder(served, tmp_path):
    hub.save(tmp_path / "m", tiny_generator("dcgan"))
    (tmp_path / "m" / "timeline").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "m" / "secret.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "m" / "timeline" / "a.webp")
    snapshots = [dict(file=name, nimg=2000) for name in ("../secret.png", str(tmp_path / "m/secret.png"), "b.webp", 3)]
    text = json.dumps({"snapshots": [*snapshots, None, dict(file="a.webp", nimg=2000)]})
    (tmp_path / "m" / "timeline" / "timeline.json").write_text(text)
    strip = served.gallery.timeline(entry(str(tmp_path / "m")))
    assert [snapshot["caption"] for snapshot in strip] == ["2 thousand images"]


def test_a_model_that_is_opened_again_and_again_takes_no_more_room(served):
    folder, shown = served.folder / "digits", served.studio.outbox.root / "shown"
    Image.new("RGB", (8, 8)).save(folder / "samples.png")
    (folder / "nearest.png").write_text("no picture")
    first = details(entry(str(folder)), served.studio.outbox)
    held = {*shown.iterdir()}
    assert details(entry(str(folder)), served.studio.outbox) == first and {*shown.iterdir()} == held
    assert first["samples"] and first["nearest"] is None and all([*one.iterdir()] for one in held)
    Image.new("RGB", (9, 9)).save(folder / "samples.png")
    os.utime(folder / "samples.png", (1, 1))
    assert details(entry(str(folder)), served.studio.outbox)["samples"]["width"] == 9


def test_curves_are_drawn_as_far_as_the_file_can_be_read(tmp_path):
    assert curves(tmp_path) == []
    series = {"D": [1.0, 2.0, 3.0], "G": [0.5, None, "x"], "diversity": [1, 1, 1], "G gradient": [1, 2, 3], "odd": 3}
    (tmp_path / "curves.json").write_text(json.dumps({"nimg": [0, 1000, 2000], "series": series}))
    assert [(c["title"].split(",")[0], [line["name"] for line in c["lines"]]) for c in curves(tmp_path)] == [
        ("Losses", ["D"]), ("Diversity", ["diversity"]), ("Length of the gradients", ["G gradient"])]
    assert curves(tmp_path)[0]["lines"][0]["points"] == [[0, 1], [1000, 2], [2000, 3]]
    for text in ("{", "[]", '{"series": [1]}', '{"nimg": {}, "series": {"D": [1, 2]}}'):
        (tmp_path / "curves.json").write_text(text)
        assert curves(tmp_path) == []


def test_what_is_beautiful_comes_first_and_a_family_stands_together(served):
    e = entry(str(served.folder / "digits"))

    def model(name, channels, resolution, recipe, data="digits"):
        training = dict(recipe=recipe, data=dict(name=data))
        return replace(e, id=name, channels=channels, resolution=resolution, training=training)
    models = [model("a", 1, 32, "one"), model("b", 3, 64, "one", "cats"), model("c", 1, 32, "two"),
              model("d", 3, 128, "x", "sky"), model("e", 1, 64, "one"),
              replace(model("reader", 3, 128, "y", "plans"), source=source_of(Edges(), 3))]
    found = walls(models, served.studio.outbox, [model("guest", 1, 16, "z")])
    assert [c["id"] for c in found["cards"]] == ["guest", "d", "b", "reader", "e"]
    assert [c["id"] for c in found["family"]] == ["a", "c"]
    assert found["about"].startswith("2 models trained on digits at 32 px")
