"""train.auto and train.data.mirror: what is trained where no recipe is named, and why."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import error_of, train
from conftest import tiny_images
from PIL import Image, ImageDraw, ImageFont

from train import auto
from train.asked import Asked
from train.auto import RULES, Facts, chosen, filled_in, planned
from train.data.mirror import FEWEST, ONE_WAY, strange_mirror_images
from train.data.spec import DataSpec
from train.recipes import find
from train.run.budget import memory_bytes
from train.run.checkpoint import CHECKPOINT, peek
from train.run.origin import read_origin
from train.run.world import World
from train.settings import between, overridden

CPU = torch.device("cpu")


pytestmark = pytest.mark.usefixtures("cache", "quick_trial")


@pytest.fixture
def photos(tmp_path):
    rs = np.random.RandomState(0)
    for k in range(12):
        path = tmp_path / "photos" / f"{k}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rs.randint(0, 256, (16, 16, 3), np.uint8)).save(path)
    return tmp_path / "photos"


def letters(count=300):
    """Grey pictures of small letters and figures, each in a size and a place of its own."""
    rs, found = np.random.RandomState(0), []
    for _ in range(count):
        image = Image.new("L", (32, 32))
        letter = "abcdefghijklmnopqrstuvwxyz0123456789"[rs.randint(36)]
        font = ImageFont.load_default(size=int(rs.randint(18, 27)))
        ImageDraw.Draw(image).text((8 + rs.uniform(-4, 4), 2 + rs.uniform(-4, 4)), letter, font=font, fill=255)
        found.append(np.array(image)[..., None])
    return np.stack(found)


def test_letters_face_one_way_and_their_mirrored_mixture_does_not():
    """Half of the same letters mirrored: then mirror images are as usual as pictures."""
    pixels = letters()
    assert strange_mirror_images(pixels) >= ONE_WAY
    mixed = pixels.copy()
    mixed[::2] = mixed[::2, :, ::-1]
    assert abs(strange_mirror_images(mixed) - 0.5) < 0.1
    assert strange_mirror_images(pixels) == strange_mirror_images(pixels.copy())


def test_pictures_that_are_their_own_mirror_images_are_no_letters():
    half = np.random.RandomState(0).randint(0, 256, (200, 16, 8, 3), np.uint8)
    assert strange_mirror_images(np.concatenate([half, half[:, :, ::-1]], 2)) == pytest.approx(0.5, abs=0.05)
    assert strange_mirror_images(np.zeros((2, 16, 16, 1), np.uint8)) == 0.5  # and nothing is divided by zero


def facts(**others) -> Facts:
    return Facts(**{**dict(count=3000, resolution=64, channels=3, classes=0, strange=0.5, gpu=False), **others})


@pytest.mark.parametrize(("found", "settings"), [
    (facts(), ["dcgan", "penalties=R1(0.1, every=8)", "g.width=48", "flip=true", "augment=DiffAugment('translation')"]),
    (facts(classes=5, count=500), ["cvae-gan", "e.width=16", "augment=DiffAugment()"]),
    (facts(gpu=True), ["dcgan", "batch=64"]),
    (facts(strange=0.8), ["flip=false"]),
    (facts(count=FEWEST - 1), ["flip=false"]),
    (facts(channels=1, resolution=32, classes=10, count=60_000, strange=0.95), ["cgan", "flip=false"]),
    (facts(channels=1, resolution=32, count=60_000), ["gan"]),
    (facts(count=200_000), ["dcgan"]),
])
def test_rules(found, settings):
    said = [part for rule in chosen(found) for part in (rule.recipe, *rule.settings)]
    assert set(settings) <= set(said)
    assert any(text.startswith("augment=") for text in said) == (found.count < 20_000 if not found.small_and_grey else False)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("classes", [0, 4])
@pytest.mark.parametrize("count", [10, 3000, 200_000])
def test_every_way_through_the_table_is_a_recipe(channels, classes, count):
    """One rule of each group always holds, says why, and its settings suit the recipe."""
    for resolution, gpu in ((16, False), (64, True), (64, False)):
        rules = chosen(facts(channels=channels, classes=classes, count=count, resolution=resolution, gpu=gpu))
        assert [rule.group for rule in rules] == list(dict.fromkeys(rule.group for rule in RULES))
        assert all(rule.why and rule.measured for rule in rules)
        spec = DataSpec(resolution, channels, classes, tuple(map(str, range(classes))), count)
        overridden(find(rules[0].recipe)(spec), [text for rule in rules for text in rule.settings])


def test_settings_between_two_recipes_lead_from_one_to_the_other():
    spec = DataSpec(32, 3, 2, ("a", "b"), 9)
    old = find("cgan")(spec)
    new = overridden(old, ["g.width=48", "d.spectral=false", "g_opt.lr=Schedule(1e-3, 0)", "d_opt=RMSprop()", "flip=true",
                           "penalties=R1(Schedule(1, 2))", "latent.noise=7", "augment=DiffAugment('color')"])
    lines = between(old, new)
    assert overridden(old, lines).to_json() == new.to_json() and between(new, new) == []
    with pytest.raises(ValueError, match="no settings lead from dcgan to mlp"):
        between(old, find("gan")(spec))


def test_auto_is_an_ordinary_run_that_a_plain_command_repeats(photos, tmp_path, capsys):
    """The user's own settings win; run, card and the resumed run know the resolved recipe; the plain command is the same."""
    own = ["--set", "g.width=4", "--set", "d.width=4", "--batch", "4", "--device", "cpu"]
    assert train("--data", photos, "--out", tmp_path / "a", *own, "--kimg", "0.012") == 0
    said = capsys.readouterr().err
    for words in ("auto: data     photos: 12 RGB pictures, 16 px, no classes", "auto: recipe   dcgan d.norm=none d.group=4 ",
                  "auto: mirror   flip=false: under 100 pictures", "(not measured)", "each picture 1 times",
                  "12 pictures are so few", "give smears of colour"):
        assert words in said
    again = json.loads((tmp_path / "a" / "export" / "training.json").read_text())["command"]
    assert "g.width=4" in again and " dcgan " in again
    same = said.partition("auto: the same without auto: ")[2].splitlines()[0]
    here = shlex.join(["--data", str(photos), "--out", str(tmp_path / "a")])  # the card leaves this machine's folders out
    assert same == again.replace("--data photos --out runs/a", here) and same != again
    identity = peek(tmp_path / "a" / CHECKPOINT)[1]
    assert identity["recipe"] == "dcgan" and "'group': 4" in identity["d"] and identity["batch"] == "4"

    words = shlex.split(again)[3:]
    words[words.index("--data") + 1], words[words.index("--out") + 1] = photos, tmp_path / "b"
    assert train(*words, "--device", "cpu") == 0
    assert peek(tmp_path / "b" / CHECKPOINT)[1] == identity

    capsys.readouterr()
    assert train("auto", "--data", photos, "--out", tmp_path / "a", "--device", "cpu", "--resume", "--kimg", "0.016") == 0
    assert "resumed at 0.0 kimg" in (err := capsys.readouterr().err) and "auto:" not in err
    assert peek(tmp_path / "a" / CHECKPOINT)[1] == {**identity, "kimg": "0.016"}
    assert train("--data", photos, "--out", tmp_path / "a", "--kimg", "1") == 1
    assert "already holds a run" in error_of(capsys)


def test_a_budget_is_said_and_becomes_images(photos, tmp_path, capsys):
    assert train("--data", photos, "--out", tmp_path / "r", "--dry-run") == 0
    out, err = capsys.readouterr()
    assert "30 minutes (nobody named a budget" in err and json.loads(out)["kimg"] == "180.0"
    assert train("auto", "--data", photos, "--out", tmp_path / "r", "--minutes", "1", "--dry-run") == 0
    assert json.loads(capsys.readouterr().out)["kimg"] == "6.0"


def test_a_batch_that_does_not_fit_is_halved(monkeypatch, capsys):
    def check(recipe, settings, spec, device, world):
        if recipe.batch > 4:
            raise ValueError("this needs at least 9 GB (1 for weights ...) and 2 GB are free: choose a smaller width")

    monkeypatch.setattr(auto, "check_trainable", check)
    images = tiny_images(channels=3)
    plan = planned(Asked("x", Path("runs/x"), kimg=1.0), images, CPU, None, World())
    assert plan.recipe.batch == 4 and plan.asked.overrides[-1] == "batch=4"
    assert "auto: memory   batch=8" in (err := capsys.readouterr().err) and "auto: memory   batch=4" in err
    with pytest.raises(ValueError, match="GB are free"):
        planned(Asked("x", Path("runs/x"), kimg=1.0, batch=16), images, CPU, None, World())


@pytest.mark.parametrize(("free", "batch"), [(2.0, 16), (1.4, 8), (1.0, 4)])
def test_a_batch_that_fits_only_by_its_lower_bound_is_halved(monkeypatch, capsys, free, batch):
    """A run takes half as much again as the bound."""
    images = tiny_images(channels=3, resolution=64)
    asked = Asked("x", Path("runs/x"), kimg=1.0, origin="none", overrides=("g.width=8", "d.width=8"))
    whole = planned(asked, images, CPU, None, World()).recipe
    needed = sum(memory_bytes(whole, images.spec))
    eight = sum(memory_bytes(replace(whole, batch=8), images.spec))
    assert needed < 1.5 * eight < 1.4 * needed, "else the figures above say nothing"
    monkeypatch.setattr(auto, "free_bytes", lambda device: free * needed)
    assert planned(asked, images, CPU, None, World()).recipe.batch == batch
    assert ("auto: memory   batch=8: about " in capsys.readouterr().err) == (batch < 16)


@pytest.mark.parametrize(("found", "batch"), [(facts(), ["batch=16"]), (facts(gpu=True), [])])
def test_what_is_changed_in_how_an_origin_was_trained(found, batch):
    """Mirroring is asked of the pictures, and a GPU's batches are too few steps on a CPU."""
    spec = tiny_images(channels=3, resolution=64).spec
    _, rules = filled_in(Asked("x", Path("runs/x")), found, spec, read_origin("cats64-dcgan"))
    assert [rule.recipe for rule in rules[:1]] == ["dcgan"]
    assert [text for rule in rules for text in rule.settings] == ["flip=true", *batch]


def plan_of(*, count=24, classes=0, **asked):
    images = tiny_images(count=count, channels=3, resolution=64, classes=classes)
    return planned(Asked("x", Path("runs/x"), kimg=1.0, **asked), images, CPU, None, World())


@pytest.mark.parametrize(("classes", "recipe"), [(0, "dcgan"), (3, "cgan")])
def test_few_pictures_go_on_from_the_gallery(capsys, classes, recipe):
    """Nobody named a model: it is taken whole, trained as it was, told the classes that there are, and its licence said."""
    plan = plan_of(classes=classes)
    origin = read_origin("cats64-dcgan")
    assert plan.origin.identity == origin.identity == plan.started_from["from"] and plan.asked.recipe == recipe
    assert plan.started_from["from_licence"] == origin.licence != "not stated"
    assert plan.recipe.latent.classes == classes and plan.recipe.batch == 16 and plan.recipe.flip is False
    assert [type(term).__name__ for term in plan.recipe.penalties] == ["R1"]
    assert {**plan.recipe.d, **origin.recipe.d} == plan.recipe.d
    assert plan.origin.why_no_discriminator(plan.recipe, tiny_images(channels=3, resolution=64, classes=classes).spec) == ""
    err = capsys.readouterr().err
    assert "auto: start    cats64-dcgan: " in err and f"as well: {origin.licence} (--from none starts from nothing)" in err
    assert ("px, 3 classes (class0, class1, class2);" if classes else "px, no classes;") in err
    assert f" {recipe} --data " in err and "--from cats64-dcgan " in err and "smears" not in err


@pytest.mark.parametrize("asked", [{"origin": "none"}, {"overrides": ("g.width=8",)}, {"overrides": ("d.width=8",)},
                                   {"recipe": "dcgan"}])
def test_nothing_is_taken_where_the_user_said_otherwise(asked):
    plan = plan_of(**asked)
    assert plan.origin is None and plan.started_from == {}


def test_nothing_is_taken_where_there_are_pictures_enough(monkeypatch, capsys):
    monkeypatch.setattr(auto, "FEW", 20)
    assert plan_of().origin is None
    assert "auto: start    nothing: there are pictures enough" in capsys.readouterr().err
