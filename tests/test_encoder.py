"""A model with an encoder: trained, exported, and everything that a model without one can do; a picture is found at once."""

import json
import math

import numpy as np
import pytest
import torch
from commands import gan, train
from PIL import Image

from gan import hub
from gan.base import Latent
from gan.cost import cost_of
from gan.engine import draw
from gan.image import to_uint8
from gan.latent import Draw
from gan.models import family
from gan.project import DECIMALS, project
from train.data.images import load_images
from train.game.autoencoding import kl, log_likelihood
from train.metrics.elbo import elbo

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(model folder, folder of its pictures): squares on the left or the right, which a VAE has found."""
    root = tmp_path_factory.mktemp("vae")
    for k in range(40):
        pixels = np.full((16, 16), 20, np.uint8)
        pixels[4:10, (1 if k % 2 else 9) : (7 if k % 2 else 15)] = 235
        pixels += np.random.RandomState(k).randint(0, 20, (16, 16), np.uint8)
        (root / "squares").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(root / "squares" / f"{k}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(root / "cache"))
        options = ["latent.noise=4", "g.width=8", "e.width=8", "g_opt.lr=3e-3", "precision=float32"]
        assert train("vae", "--data", root / "squares", "--out", root / "run", "--kimg", "2.4", "--batch", "8", "--device",
                     "cpu", "--checkpoint-s", "0", *(w for o in options for w in ("--set", o))) == 0
    return root / "run" / "export", root / "squares"


def picture(folder, number):
    return np.asarray(Image.open(folder / f"{number}.png"))[..., None]


def test_export_has_two_nets_and_no_adversary(trained):
    folder, _ = trained
    config = json.loads((folder / "config.json").read_text())
    assert config["format"] == 2 and config["encoder"]["family"] == "dcgan" and "encoder" not in config["encoder"]
    assert not (folder / "discriminator.safetensors").exists()
    model = hub.load(folder)
    assert model.G.encoder is None and model.encoder.likelihood == "logistic" and model.training["slots"]["loss"] == "None"
    assert model.training["slots"]["e"].startswith("{'resolution': 16, 'channels': 1")


def test_a_picture_is_found_at_once_where_the_encoder_says(trained):
    folder, squares = trained
    model = hub.load(folder)
    for number in (0, 1):
        real = picture(squares, number)
        (found,) = project(model.G, real, encoder=model.encoder)
        x = torch.from_numpy(real.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        mean, _ = model.encoder(x)
        assert found.points[0].latent == pytest.approx(mean[0].tolist(), abs=10.0**-DECIMALS) and found.done == found.steps
        assert (found.pictures == to_uint8(model.G(torch.tensor([found.points[0].latent])))).all()
        assert found.error < 0.1 and found.share > 0.5, "it knows its own pictures"
    mask = np.ones((16, 16), bool)
    mask[:4] = False
    assert next(project(model.G, real, mask=mask, encoder=model.encoder)).steps > 1, "a hole is searched round as ever"


def test_the_class_is_the_one_that_draws_it_best():
    torch.manual_seed(0)
    latent = Latent(4, classes=3)
    G = family("dcgan").Generator(latent, resolution=16, channels=1, width=8).eval()
    encoder = family("dcgan").Encoder(latent, resolution=16, channels=1, width=8).eval()
    with torch.no_grad():
        G.append.embed.weight.mul_(20)
    real = draw(G, [Draw(5, label=1)])[0]
    (found,) = project(G, real, encoder=encoder)
    errors = [next(project(G, real, label=label, encoder=encoder)).error for label in range(3)]
    assert found.error == min(errors) and next(project(G, real, label=2, encoder=encoder)).points[0].label == 2


def test_the_command_and_everything_else_work_on_it(trained, tmp_path, capsys):
    folder, squares = trained
    assert gan("project", folder, squares / "0.png", "--out", tmp_path / "found", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["share"] > 0.5 and len(told["latent"]) == 4
    assert gan("generate", tmp_path / "found" / "drawn.png", "--out", tmp_path / "again") == 1  # no model of that name here
    assert gan("generate", folder, "--seeds", "3", "--out", tmp_path / "seeds") == 0
    drawn = np.asarray(Image.open(tmp_path / "seeds" / "seed0003.png"))[..., None]
    assert (drawn == draw(hub.load(folder).G, [Draw(3)])[0]).all()
    assert gan("interpolate", folder, "--seeds", "1,2", "--frames", "4", "--out", tmp_path / "walk") == 0
    assert gan("augment", folder, "--count", "6", "--out", tmp_path / "set") == 0
    assert gan("directions", folder) == 0
    assert len(list((tmp_path / "set").rglob("*.png"))) == 6


def test_bits_per_dimension_against_a_sum_of_our_own(trained, monkeypatch):
    folder, squares = trained
    model, images = hub.load(folder), load_images(squares, resolution=16)
    found = elbo(model.G, model.encoder, images, most=40)
    x = torch.from_numpy(np.array(images.pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1
    totals = []
    for seed in range(20):  # another noise each
        mean, logvar = model.encoder(x)
        code = mean + (logvar / 2).exp() * torch.randn(mean.shape, generator=torch.Generator().manual_seed(seed))
        nats = kl(mean, logvar) - log_likelihood(x, model.G(code), model.encoder.log_scale, "logistic")
        totals.append(nats.mean().item() / 256 / math.log(2))
    assert found["elbo_bits_per_dimension"] == pytest.approx(np.mean(totals), abs=4 * np.std(totals) + 0.01)
    assert found["kl_nats"] == pytest.approx(kl(*model.encoder(x)).mean().item(), rel=1e-3)
    assert found["elbo_bits_per_dimension"] < 6, "it has learnt something: 8 bits say nothing of a number"


def test_score_prints_it_beside_the_distance_and_keeps_it(trained, capsys):
    folder, squares = trained
    assert train("score", folder, "--data", squares, "--count", "20", "--write") == 0
    printed = capsys.readouterr().out
    assert "frechet distance" in printed and "elbo bits per dimension" in printed and "kl nats" in printed
    scores = json.loads((folder / "training.json").read_text())["metrics"]["scores"]
    assert scores["elbo_bits_per_dimension"] > 0
    assert "| elbo bits per dimension |" in (folder / "README.md").read_text()


def test_a_run_starts_from_it_with_its_encoder(trained, tmp_path):
    folder, squares = trained
    assert train("vae", "--data", squares, "--from", folder, "--out", tmp_path / "more", "--kimg", "0.008", "--batch", "4",
                 "--set", "g_opt.lr=0", "--device", "cpu") == 0
    old, new = hub.load(folder), hub.load(tmp_path / "more" / "export")
    for name, tensor in old.encoder.state_dict().items():
        torch.testing.assert_close(new.encoder.state_dict()[name], tensor, rtol=1e-3, atol=1e-4)


def test_what_an_encoder_costs_is_known_before_it_reads(tmp_path):
    """Strided convolutions of 4 x 4 at 8 and 4 px, and a linear layer, by hand; one that takes too much is refused."""
    with torch.device("meta"):
        net = family("dcgan").Encoder(Latent(3), resolution=16, channels=1, width=2).eval()
    assert cost_of(net).flop == 2 * (64 * 16 * 1 * 2 + 16 * 16 * 2 * 4 + 4 * 16 * 6)
    G = family("dcgan").Generator(Latent(3), resolution=1024, channels=3, width=1).eval()
    encoder = family("dcgan").Encoder(Latent(3), resolution=1024, channels=3, width=1).eval()
    hub.save(tmp_path / "m", G, encoder=encoder)
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    config["encoder"]["width"] = 1024
    (tmp_path / "m" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="config.json is not usable: a draw would take .* TFLOP"):
        hub.load(tmp_path / "m")
