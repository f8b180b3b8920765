"""train.run.settle and train.run.export: from a run to a folder of the gallery."""

import json

import numpy as np
import pytest
import torch
from conftest import tiny_generator
from PIL import Image
from runs import images_for, tiny_run

from gan import hub
from gan.directions import load_directions
from gan.engine import draw, draw_inputs
from gan.hub.contents import FIXED, contents
from gan.image import contact_sheet
from gan.latent import Draw, latents
from gan.recipe import read_recipe
from train.recipes import RECIPES, changes
from train.run import export as exporting
from train.run.curves import curves
from train.run.export import Provenance, add_directions, export, sample_seeds
from train.run.observers import Snapshots
from train.run.settle import settled


def test_settled_bakes_spectral_norm_and_leaves_the_run_alone():
    run = tiny_run("biggan")
    for _ in range(3):
        run.advance()
    baked = settled(run.game.G_ema)
    assert baked.config["spectral"] is False and not [k for k in baked.state_dict() if "parametrizations" in k]
    for name, module in run.game.G_ema.named_modules():
        if hasattr(module, "parametrizations"):
            sigma = torch.linalg.matrix_norm(module.parametrizations.weight.original.flatten(1), 2)
            expected = module.parametrizations.weight.original / sigma
            torch.testing.assert_close(baked.get_submodule(name).weight, expected, rtol=2e-2, atol=1e-4)
    run.advance()  # goes on


def test_settled_estimates_batch_norm_of_the_averaged_weights():
    run = tiny_run("dcgan")
    for _ in range(4):
        run.advance()
    a, b = settled(run.game.G_ema), settled(run.game.G_ema)
    norms = [m for m in a.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    z = a.latent.sample(1024, generator=torch.Generator().manual_seed(0))
    first = a.first(a.mapping(z)[:, 0, :, None, None])
    torch.testing.assert_close(norms[0].running_mean, first.mean((0, 2, 3)), rtol=1e-3, atol=1e-5)
    assert all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values()))
    assert not torch.equal(norms[0].running_var, run.game.G_ema.blocks[0].running_var)


@pytest.mark.parametrize("name", RECIPES)
def test_export_is_a_whole_model_folder(name, tmp_path):
    run = tiny_run(name, observers=[Snapshots(tmp_path / "s")])
    run.fit()
    images = images_for(name)
    data = dict(name="tiny", images=64, classes=3, fingerprint="f", licence="CC0")
    entry = RECIPES[name]
    provenance = Provenance(name, entry.parent, [], entry.paper, entry.note, changes(entry, images.spec),
                            run.recipe.to_json(), data, "python -m train", 0, run.nimg, 0.1, "a CPU")
    names = images.spec.class_names if run.recipe.latent.classes else ()
    inputs = run.fixed_inputs(64)
    (tmp_path / "s" / ".thumbnails").mkdir()  # of somebody's file manager
    export(run.game.G_ema, tmp_path / "m", provenance, class_names=names, snapshots=tmp_path / "s", inputs=inputs)
    assert {p.name for p in (tmp_path / "m").iterdir()} == {
        "config.json", "model.safetensors", "training.json", "README.md", "samples.png", "timeline"}
    model = hub.load(tmp_path / "m")
    reloaded, original = (draw_inputs(G, inputs).astype(int) for G in (model.G, settled(run.game.G_ema, inputs=inputs)))
    assert np.abs(reloaded - original).max() <= 1
    card = (tmp_path / "m" / "README.md").read_text()
    assert "CC0" in card and "python -m train" in card and model.training["recipe"] == name


@pytest.mark.parametrize(("name", "most"), [("dcgan", 9_000), ("pix2pix", 1_500)])
def test_samples_that_would_be_too_large_to_be_published_are_fewer(name, most, tmp_path, monkeypatch):
    run = tiny_run(name)
    monkeypatch.setitem(FIXED, "samples.png", most)
    provenance = Provenance(name, "", [], "", "", {}, run.recipe.to_json(), {}, "", 0, 0, 0.1, "a CPU")
    inputs = run.fixed_inputs(64)
    export(run.game.G_ema, tmp_path / "m", provenance, inputs=inputs)
    assert most / 3 < contents(tmp_path / "m")["samples.png"].stat().st_size <= most
    drawn, model = np.asarray(Image.open(tmp_path / "m" / "samples.png")), hub.load(tmp_path / "m")
    if model.G.source is None:
        seeds = read_recipe(tmp_path / "m" / "samples.png").seeds
        wanted = contact_sheet(draw(model.G, [Draw(seed) for seed in seeds]))
        assert (drawn.reshape(wanted.shape) == wanted).all() and len(seeds) in (16, 25, 36, 49)


def test_directions_are_added_to_an_export(tiny_model, capsys):
    folder = tiny_model()
    add_directions(folder, lambda: False, torch.device("cpu"))
    assert len(load_directions(folder, hub.load(folder).G)) == 8


@pytest.mark.parametrize(("stopped", "limit_s"), [(True, 1e9), (False, 0)])
def test_directions_that_take_too_long_are_left_out_and_it_is_said_how_to_find_them(tiny_model, capsys, monkeypatch, stopped,
                                                                                    limit_s):
    monkeypatch.setattr(exporting, "EARLY_S", 0)
    monkeypatch.setattr(exporting, "LIMIT_S", limit_s)
    folder = tiny_model()
    add_directions(folder, lambda: stopped, torch.device("cpu"))
    assert load_directions(folder, hub.load(folder).G) is None
    assert f"python -m gan directions {folder} finds them" in capsys.readouterr().err


def test_curves_are_the_log_thinned_out(tmp_path):
    log = tmp_path / "log.jsonl"
    assert curves(log) == {}
    rows = [dict(nimg=1000 * k, seconds=k, D=k + 0.123456, **({"diversity": 1.0} if k % 2 else {})) for k in range(999)]
    log.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"nimg": 5, "D"')
    found = curves(log)
    assert len(found["nimg"]) == len(found["series"]["D"]) == 200 and found["nimg"][-1] == 998_000
    assert found["series"]["D"][:2] == [0.1235, 5.123] and None in found["series"]["diversity"]
    assert "seconds" not in found["series"] and len(json.dumps(found)) < 10_000


@pytest.mark.parametrize(("classes", "count"), [(0, 64), (3, 64), (10, 100), (200, 100)])
def test_sample_sheet_is_sorted_by_class(classes, count):
    G = tiny_generator("dcgan", classes=classes)
    seeds = sample_seeds(G)
    assert len(set(seeds)) == count
    _, c = latents(G.latent, [Draw(s) for s in seeds])
    assert c is None or (c.tolist() == sorted(c.tolist()) and (classes != 10 or c.bincount().tolist() == [10] * 10))
