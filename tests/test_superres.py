"""benchmarks.superres: its measures in closed form, and the table of a tiny model."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import superres
from gan import hub
from gan.base import Latent
from gan.degrade import Shrink, source_of
from gan.models import family


def test_measures_of_known_pictures():
    a, b = torch.full((2, 3, 16, 16), 0.5), torch.full((2, 3, 16, 16), 0.6)
    assert superres.psnr(a, b).tolist() == pytest.approx([20, 20], rel=1e-4)
    luminance = (2 * 0.5 * 0.6 + 1e-4) / (0.25 + 0.36 + 1e-4)
    assert superres.ssim(a, b).tolist() == pytest.approx([luminance] * 2, abs=1e-4)
    noise = torch.rand(1, 1, 32, 32)
    assert superres.ssim(noise, noise).item() == pytest.approx(1) and superres.psnr(noise, noise) == 100
    assert superres.ssim(noise, 1 - noise) < -0.5  # it falls where the other rises


def test_table_of_held_out_pictures(tmp_path, cache, capsys):
    for k in range(40):
        noise = np.random.RandomState(k).randint(0, 256, (16, 16, 3), np.uint8)
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.fromarray(noise).save(tmp_path / "photos" / f"{k}.png")
    G = family("rrdb").Generator(Latent(0), resolution=16, channels=3, width=4, growth=2, blocks=1,
                                 source=source_of(Shrink(4), 3)).eval()
    hub.save(tmp_path / "m", G)
    (tmp_path / "m" / "training.json").write_text(json.dumps({"data": {"held_out": 0.5}}))
    parser = superres.parser("superres", superres.__doc__)
    args = parser.parse_args(["--data", str(tmp_path / "photos"), "--models", str(tmp_path / "m"), "--sheet",
                              str(tmp_path / "sheet.png")])
    superres.work(args)
    first, *_, bicubic, model = capsys.readouterr().out.splitlines()
    assert first == "20 held-out pictures of photos"
    assert bicubic.split("|")[2:] == model.split("|")[2:]  # untrained, it is bicubic enlargement
    assert Image.open(tmp_path / "sheet.png").size == (8 * 16 + 7 * 2, 4 * 16 + 3 * 2)  # small, bicubic, the model's, real
    (tmp_path / "m" / "training.json").write_text("{}")
    with pytest.raises(ValueError, match="was trained without --hold-out"):
        superres.work(args)
