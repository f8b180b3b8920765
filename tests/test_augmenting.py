"""Synthetic sets: what is in them, that a kill changes nothing, that they load, and what is refused."""

import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import tiny_generator
from pictures import files_in
from PIL import Image

from gan import augment as module
from gan import hub
from gan.__main__ import main
from gan.alike import Seen, thumbnails
from gan.augment import Order, augment, balanced, check_room, estimate, folder_names
from gan.base import Latent
from gan.dataset import FORMS, check_form, complete, forms_here, lines_of, pack, write_card
from gan.engine import draw
from gan.latent import Draw
from gan.models import family
from gan.recipe import read_recipe
from train.data.images import load_images

ROOT = Path(__file__).resolve().parent.parent


def model_of(classes=3, **kwargs):
    G = tiny_generator("dcgan", classes=classes, **kwargs)
    return hub.Model(G, "m", "r" * 12, tuple(f"class{k}" for k in range(classes)), {"data": {"name": "d", "licence": "CC0"}})


def written(model, order, folder):
    *_, last = augment(model, order, folder)
    return last


def test_a_set_holds_what_was_ordered_each_with_its_recipe(tmp_path):
    model, order = model_of(), Order((5, 0, 3), psi=0.5, first_seed=7)
    assert written(model, order, tmp_path / "set").done == 8
    found = list(lines_of(tmp_path / "set"))
    assert [d["label"] for d in found] == ["class0"] * 5 + ["class2"] * 3
    assert len({d["seed"] for d in found}) == 8 and found[0]["seed"] == 7
    for about in found:
        path = tmp_path / "set" / about["file_name"]
        recipe = read_recipe(path)
        assert (recipe.seeds, recipe.label, recipe.psi) == ((about["seed"],), about["label"], 0.5)
        pixels = draw(model.G, [Draw(about["seed"], model.label(about["label"]), 0.5)])[0]
        assert (np.asarray(Image.open(path)) == pixels[..., 0]).all() and path.parent.name == about["label"]


def test_classes_as_the_seeds_draw_them_and_sets_without_classes(tmp_path):
    model = model_of()
    written(model, Order((20,)), tmp_path / "a")
    assert {d["label"] for d in list(lines_of(tmp_path / "a"))} == set(model.class_names)
    one = tmp_path / "a" / list(lines_of(tmp_path / "a"))[0]["file_name"]
    assert read_recipe(one).label is None and read_recipe(one).seeds == (0,)
    written(model_of(0), Order((3,)), tmp_path / "b")
    assert list(lines_of(tmp_path / "b"))[2] == {"file_name": "images/0000002.png", "seed": 2}


def test_shares_of_a_balanced_set():
    assert balanced(model_of(), 8) == (3, 3, 2)
    with pytest.raises(ValueError, match="no classes to balance"):
        balanced(model_of(0), 8)


@pytest.mark.parametrize("distinct", [0.0, 0.15])
def test_a_set_that_was_broken_off_anywhere_is_the_same_set(tmp_path, monkeypatch, distinct):
    monkeypatch.setattr(module, "SLICE", 4)
    model, order = model_of(), Order((9, 2, 7), distinct=distinct)
    written(model, order, tmp_path / "whole")
    whole = files_in(tmp_path / "whole")
    for stop in range(1, 7):
        folder = tmp_path / f"part{stop}"
        running = augment(model, order, folder)
        for _ in range(stop):
            next(running)
        running.close()
        with open(folder / "metadata.jsonl", "ab") as file:
            file.write(b'{"file_name": "torn')
        assert written(model, order, folder).done == 18
        assert files_in(folder) == whole
        assert written(model, order, folder).done == 18  # finished: nothing more is done


@pytest.mark.slow
def test_a_killed_command_goes_on_to_the_same_files(tmp_path):
    hub.save(tmp_path / "m", tiny_generator("dcgan", classes=2), class_names=("a", "b"))

    def start(out):
        code = "import sys, torch; torch.set_num_threads(1); import gan.__main__ as m; sys.exit(m.main())"
        return subprocess.Popen([sys.executable, "-c", code, "augment", str(tmp_path / "m"), "--count", "3000", "--balance",
                                 "--distinct", "0.02", "--out", str(out)], cwd=ROOT, stderr=subprocess.DEVNULL)

    assert start(tmp_path / "whole").wait() == 0
    for _ in range(3):
        process = start(tmp_path / "killed")
        deadline, log = time.monotonic() + 60, tmp_path / "killed" / "metadata.jsonl"
        before = log.stat().st_size if log.exists() else 0
        while process.poll() is None and time.monotonic() < deadline and not (log.exists() and log.stat().st_size > before):
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(tmp_path / "killed").wait() == 0
    ours = [files_in(tmp_path / name) for name in ("whole", "killed")]
    for found in ours:  # the card names the command, and with it the folder
        found.pop("README.md")
    assert ours[0] == ours[1] and len(ours[0]) == 3002


def test_near_duplicates_are_left_out_and_a_model_that_draws_one_picture_is_found_out(tmp_path, monkeypatch):
    torch.manual_seed(0)
    G = family("mlp").Generator(Latent(2), resolution=16, channels=1, width=8).eval()  # few pictures lie in a plane
    with torch.no_grad():
        for p in G.parameters():
            p.mul_(3)
    model = hub.Model(G, "m", "r", ())
    order = Order((300,), distinct=0.15)
    assert written(model, order, tmp_path / "a").left_out > 0
    seeds = [d["seed"] for d in list(lines_of(tmp_path / "a"))]
    assert len(seeds) == 300 and seeds == sorted(seeds) and seeds[-1] > 300
    near = Seen(tmp_path / "seen", 1, module.examples_of(model, 1.0), 0.15).near

    def alike(seeds):
        """How many pairs differ by less."""
        rows = thumbnails(draw(G, [Draw(seed) for seed in seeds])).astype(np.float32)
        return sum(int((np.sqrt(np.square(rows[k + 1 :] - rows[k]).mean(1)) < near).sum()) for k in range(len(rows)))

    assert alike(seeds) < 0.25 * alike(range(300))
    monkeypatch.setattr(module, "PATIENCE", 100)
    monkeypatch.setattr(Seen, "add", lambda self, rows: [False] * len(rows))
    with pytest.raises(ValueError, match="all near-duplicates"):
        written(model, replace(order, counts=(5_000,)), tmp_path / "b")


def test_pictures_that_are_alike_are_found_among_many(tmp_path):
    rs = np.random.RandomState(0)
    rows = rs.randint(0, 256, (3000, 64)).astype(np.uint8)
    seen = Seen(tmp_path / "seen", 4000, rows[:256], 0.1)
    assert all(seen.add(rows))
    near = np.clip(rows[:500].astype(int) + rs.randint(-6, 7, (500, 64)), 0, 255).astype(np.uint8)
    assert np.mean(seen.add(near)) < 0.05
    assert not any(seen.add(rows[:50]))
    assert np.mean(seen.add(rs.randint(0, 256, (500, 64)).astype(np.uint8))) == 1
    count = seen.count
    seen.close()
    again = Seen(tmp_path / "seen", 4000, rows[:256], 0.1)  # taken up from the file
    assert again.count == count and not any(again.add(rows[-50:]))
    again.forget_after(10)
    assert all(again.add(rows[-50:])) and again.count == 60


def test_a_set_loads_as_training_data_unchanged(tmp_path, cache, capsys):
    model, order = model_of(), Order((4, 4, 4))
    written(model, order, tmp_path / "set")
    write_card(tmp_path / "set", model, order, "the command")
    card = (tmp_path / "set" / "README.md").read_text("utf-8")
    assert "CC0" in card and "| class1 | 4 |" in card and "the command" in card
    images = load_images(tmp_path / "set", resolution=16)
    assert (images.spec.count, images.spec.class_names) == (12, model.class_names)
    assert (images.pixels[5] == draw(model.G, [Draw(list(lines_of(tmp_path / "set"))[5]["seed"], 1)])[0]).all()
    for suffix in (".zip", ".parquet"):
        shutil.copytree(tmp_path / "set", tmp_path / "copy")
        assert list(pack(tmp_path / "copy", tmp_path / f"set{suffix}", model.class_names))[-1] == 12
        assert not (tmp_path / "copy").exists()
        packed = load_images(tmp_path / f"set{suffix}", resolution=16)
        assert packed.spec.class_names == model.class_names and (np.asarray(packed.pixels) == images.pixels).all()
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        assert archive.namelist()[:2] == ["README.md", "metadata.jsonl"]


def test_a_set_loads_with_the_datasets_library(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    model, order = model_of(), Order((2, 2, 2))
    written(model, order, tmp_path / "set")
    write_card(tmp_path / "set", model, order, "the command")
    data = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))["train"]
    assert len(data) == 6 and sorted(data["label"]) == sorted(d["label"] for d in list(lines_of(tmp_path / "set")))
    assert data[0]["image"].size == (16, 16) and set(data.column_names) == {"image", "label", "seed"}


def test_what_is_missing_is_filled_up(tmp_path):
    model = model_of()
    for name, count in (("class0", 5), ("class2", 2)):
        (tmp_path / "real" / name).mkdir(parents=True)
        for k in range(count):
            Image.new("L", (16, 16)).save(tmp_path / "real" / name / f"{k}.png")
    assert complete(model, tmp_path / "real") == (0, 5, 3)
    (tmp_path / "real" / "__MACOSX").mkdir()  # what a Mac leaves is no picture and no class
    for path in [*(tmp_path / "real").rglob("*.*")][:4]:
        (path.parent / f"._{path.name}").write_bytes(b"resource")
    assert complete(model, tmp_path / "real") == (0, 5, 3)
    (tmp_path / "real" / "zebra").mkdir()
    with pytest.raises(ValueError, match="no class 'zebra'"):
        complete(model, tmp_path / "real")
    for wrong, words in ((tmp_path / "none", "no folder"), (tmp_path / "real" / "class0", "no sub-folders")):
        with pytest.raises(ValueError, match=words):
            complete(model, wrong)
    with pytest.raises(ValueError, match="no classes"):
        complete(model_of(0), tmp_path / "real")


@pytest.mark.parametrize("counts", [(), (0,), (-1, 5), (10**9,), (0, 0, 0)])
def test_counts_that_make_no_set(counts):
    with pytest.raises(ValueError, match="1 to 10,000,000 images"):
        Order(counts)


def test_a_folder_that_holds_anything_else_is_left_alone(tmp_path):
    model = model_of()
    written(model, Order((2,)), tmp_path / "set")
    with pytest.raises(ValueError, match="its counts is .2., .3. is asked"):
        written(model, Order((3,)), tmp_path / "set")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("mine")
    with pytest.raises(ValueError, match="not empty"):
        written(model, Order((2,)), tmp_path / "other")
    with pytest.raises(ValueError, match="counts of 2 classes"):
        written(model, Order((1, 1)), tmp_path / "new")
    with pytest.raises(ValueError, match="seeds end"):
        written(model, Order((9,), first_seed=2**32 - 4), tmp_path / "end")


def test_hostile_class_names_stay_inside_the_set():
    names = folder_names(("../up", "a/b", "a_b", "A_B", "..", "metadata.jsonl", "x" * 300, "\u202eevil"))
    assert len({n.casefold() for n in names}) == 8
    assert all(n and "/" not in n and n not in (".", "..", "metadata.jsonl") and len(n) < 90 for n in names)


def test_the_disk_is_asked_first_and_a_full_one_loses_nothing(tmp_path, monkeypatch):
    model, order = model_of(0), Order((200,))
    needed = estimate(model, order)
    assert 200 * 4096 <= needed < 200 * 9000
    check_room(tmp_path / "not" / "there", needed)
    with pytest.raises(ValueError, match="are free"):
        check_room(tmp_path, 10**18)
    whole = module._write_one

    def full(*given):
        if given[-1] >= 100:
            raise OSError(28, "full")
        return whole(*given)

    monkeypatch.setattr(module, "_write_one", full)
    with pytest.raises(OSError, match="full"):
        written(model, order, tmp_path / "set")
    assert len(list(lines_of(tmp_path / "set"))) == 64
    monkeypatch.setattr(module, "_write_one", whole)
    assert written(model, order, tmp_path / "set").done == 200


@pytest.mark.parametrize(("name", "more"), [("set", ["--balance"]), ("set.zip", ["--distinct"]), ("set.parquet", [])])
def test_command(tmp_path, cache, tiny_model, capsys, name, more):
    folder = tiny_model("dcgan", classes=3)
    out = tmp_path / name
    assert main(["augment", str(folder), "--count", "7", *more, "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "7 images" in shown.out and "MB" in shown.err
    assert load_images(out, resolution=16).spec.count == 7
    assert main(["augment", str(folder), "--count", "7", *more, "--out", str(out)]) == 0
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("form", [".zip", ".parquet"])
def test_a_packed_set_is_taken_for_what_is_asked_only_where_it_says_so(tmp_path, tiny_model, capsys, form):
    folder, out = tiny_model("dcgan", classes=3), tmp_path / f"set{form}"

    def ask(*count):
        return main(["augment", str(folder), "--count", *count, "--out", str(out)]), capsys.readouterr()

    assert ask("4")[0] == 0
    made = out.read_bytes()
    code, said = ask("4")
    assert code == 0 and "nothing to do" in said.out
    code, said = ask("5")
    assert code == 1 and f"set{form} holds another set: its counts is [4], [5] is asked; give another name" in said.err
    assert ask("4", "--first-seed", "1")[0] == 1 and out.read_bytes() == made
    for held in (b"pictures of mine", made[:-50]):
        out.write_bytes(held)
        code, said = ask("4")
        assert code == 1 and "does not say which set it holds: give another name" in said.err and out.read_bytes() == held


@pytest.mark.parametrize(("words", "arguments"), [
    ("CLASS=N", ["--counts", "a"]), ("names 'class0' twice", ["--counts", "class0=1", "class0=2"]),
    ("--balance goes with --count", ["--counts", "class0=1", "--balance"]),
    ("--private goes with --push", ["--count", "3", "--private"]),
    *((f"{option[0]} is for sets that are drawn from seeds", ["--from-pictures", "x", *option]) for option in
      (["--psi", "0.5"], ["--balance"], ["--distinct"])),
    ("no class 'a'", ["--counts", "a=3"]), ("1 to 10,000,000", ["--count", "0"]),
    ("1 to 10,000,000", ["--count", "1000000000"]), ("are free", ["--count", "10000000"]),
    ("psi", ["--count", "3", "--psi", "9"])])
def test_command_refuses_in_one_line(tmp_path, tiny_model, capsys, monkeypatch, words, arguments):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10**9))
    assert main(["augment", str(tiny_model("dcgan", classes=2)), *arguments, "--out", str(tmp_path / "set")]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: ") and words in error and not (tmp_path / "set").exists()


def test_without_pyarrow_nobody_is_offered_parquet(tmp_path, monkeypatch):
    assert forms_here() == FORMS
    monkeypatch.setattr("gan.dataset.find_spec", lambda name: None)
    assert forms_here() == (".zip",)
    with pytest.raises(ValueError, match="parquet needs pyarrow: pip install pyarrow, or write a folder or a .zip"):
        check_form(tmp_path / "a.parquet")
