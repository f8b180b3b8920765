"""The feature nets that are shipped, their training, and the discriminator that looks through one of them."""

import dataclasses

import numpy as np
import pytest
import torch
from commands import ROOT, error_of, train
from conftest import tiny_images
from runs import tiny_run

from gan import hub
from gan.base import Latent
from gan.image import to_pil
from train.__main__ import main
from train.features import EYES, OWN, FeatureNet, load_features
from train.game.projected import Projected
from train.metrics.pretext import Training, train_features


@pytest.mark.parametrize("path", [OWN, EYES], ids=["own", "eyes"])
def test_shipped_nets_are_small_and_tell_pictures_apart(path):
    assert path.stat().st_size < 4 * 2**20
    net = load_features(path)
    assert not any(p.requires_grad for p in net.parameters())
    h = net(torch.rand(3, 1, 32, 32) * 2 - 1)
    assert h.shape == (3, net.feature_dim) and h.isfinite().all() and (h[0] - h[1]).abs().max() > 1e-3


def test_the_judge_and_the_eyes_have_nothing_in_common():
    own, eyes = load_features(OWN), load_features(EYES)
    assert own.residual != eyes.residual and own.widths != eyes.widths


@pytest.mark.parametrize("residual", [True, False])
def test_folding_the_norms_changes_nothing(residual):
    net = FeatureNet((4, 6, 8), residual=residual, norm=True)
    x = torch.randn(6, 3, 64, 64)
    for _ in range(3):
        net(x)  # statistics that are not those of the start
    torch.testing.assert_close(net.eval().folded()(x), net(x), rtol=1e-4, atol=1e-5)


def test_training_learns_and_is_the_same_every_time():
    images = tiny_images(classes=3, count=96)
    how = Training(steps=60, batch=16, seed=3)
    nets = []
    for _ in range(2):
        net, about = train_features([images], FeatureNet((8, 8, 16, 16), norm=True), how)
        nets.append(net)
    assert about["classes"] == 3 and about["class_right"] > 0.4
    assert all(torch.equal(a, b) for a, b in zip(nets[0].state_dict().values(), nets[1].state_dict().values()))


def test_halves_share_no_picture(monkeypatch):
    from train.metrics.pretext import _Pool

    images = tiny_images(count=20)
    pixels = np.arange(20, dtype=np.uint8)[:, None, None, None].repeat(16, 1).repeat(16, 2)
    images = dataclasses.replace(images, pixels=pixels)
    seen = [set(_Pool([images], half, np.random.RandomState(0)).batch(200)[0][:, 0, 0, 0].tolist()) for half in (0, 1)]
    assert len(seen[0]) == len(seen[1]) == 10 and not seen[0] & seen[1]


@pytest.mark.parametrize(("resolution", "channels"), [(16, 1), (64, 3), (128, 3)])
def test_projected_discriminator(resolution, channels):
    D = Projected(Latent(8, classes=3), resolution=resolution, channels=channels, width=8)
    x = torch.randn(3, channels, resolution, resolution, requires_grad=True)
    c = torch.tensor([0, 1, 2])
    h = D.features(x, c)
    assert h.shape == (3, D.feature_dim) and D.head(h, c).shape == (3, 64)  # four scales of 4 x 4 places
    D.eval()
    assert (D(x, c) - D(x, c.flip(0))).abs()[[0, 2]].max() > 1e-4
    D(x, c).sum().backward()
    assert x.grad.abs().sum() > 0  # G learns through what is frozen
    frozen = {name for name, p in D.named_parameters() if not p.requires_grad}
    assert frozen == {name for name, _ in D.named_parameters() if name.startswith(("eyes.", "across_"))}
    assert all(p.grad is not None for p in D.parameters() if p.requires_grad)


def shapes(folder):
    (folder / "pictures").mkdir()
    for k, pixels in enumerate(tiny_images(count=24).pixels):
        to_pil(pixels).save(folder / "pictures" / f"{k:02}.png")
    return folder / "pictures"


@pytest.mark.parametrize(("asked", "said"), [
    (["--features", ROOT / "README.md"], "holds no feature net: python -m train features writes one"),
    (["--features", ROOT / "weights" / "mnist-gan" / "model.safetensors"], "holds no feature net"),
    (["--features", "nothing"], "there is no file nothing"),
    (["--count", 5], "at least 6 pictures of each kind are compared: pictures and --count leave 5"),
    (["--count", 0], "at least 6 pictures of each kind are compared: pictures and --count leave 0"),
])
def test_what_score_cannot_use_is_one_line(cache, tiny_model, tmp_path, capsys, asked, said):
    assert train("score", tiny_model(), "--data", shapes(tmp_path), *asked) == 1
    assert said in error_of(capsys)


def test_a_record_that_says_nonsense_of_what_was_held_out_is_scored_all_the_same(cache, tiny_model, tmp_path):
    folder = tiny_model()
    (folder / "training.json").write_text('{"data": {"held_out": "0.25"}}')
    assert train("score", folder, "--data", shapes(tmp_path), "--count", 8) == 0


def test_scores_are_not_written_into_what_was_fetched(tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(hub.folders, "download", lambda repo, revision: (tiny_model(), "f" * 40))
    assert train("score", "ann/drawer", "--data", tmp_path, "--write") == 1
    assert "--write needs a folder of yours: python -m gan pull ann/drawer brings the model there" in error_of(capsys)


def test_a_wrong_model_for_the_data_is_one_line(tiny_model, tmp_path, capsys):
    from PIL import Image

    for k in range(6):
        Image.fromarray(np.full((16, 16, 3), 40 * k, np.uint8)).save(tmp_path / f"{k}.png")
    folder = tiny_model()
    assert main(["score", str(folder), "--data", str(tmp_path)]) == 1
    assert "draws 1 channels and 0 classes" in capsys.readouterr().err


def test_d_learns_to_keep_what_a_picture_is_drawn_again_from():
    """FastGAN's term, without the game: D's map and the decoder learn together, and pictures come out better and better."""
    run = tiny_run("fastgan", "d_opt.lr=2e-3", "augment=none", "batch=16", kimg=2.4)
    phase = next(p for p in run.game.phases if p.net == "D")
    phase.losses, found = phase.losses[1:], []  # without the objective
    for _ in range(60):
        run._update(phase)
        found.append(run.losses["D"].item())
    assert sum(found[-5:]) < 0.7 * sum(found[:5])
