"""The one rounding rule, sheets, the recipe inside a PNG, video."""

import numpy as np
import pytest
import torch
from PIL import Image, PngImagePlugin

from gan.image import CHUNK_KEY, PngRecipe, contact_sheet, read_recipe, save_png, save_video, to_pil, to_uint8

RECIPE = PngRecipe("user/model", "0123456789ab", (7, 9), "père", 0.7, (1.0, -0.5), walk=(3, 60, 1))
PIXELS = np.random.RandomState(0).randint(0, 256, (16, 16, 1), dtype=np.uint8)


def test_rounding_rule():
    x = torch.tensor([-2.0, -1.0, -1 / 255, 0.0, 1.0, 1.5]).reshape(1, 1, 1, 6)
    assert to_uint8(x).reshape(-1).tolist() == [0, 0, 127, 128, 255, 255]


@pytest.mark.parametrize("channels", [1, 3])
def test_sheet_places_tiles_row_by_row(channels):
    tiles = np.arange(5 * 16 * 16 * channels, dtype=np.uint8).reshape(5, 16, 16, channels)
    sheet = contact_sheet(tiles)
    assert sheet.shape == (34, 52, channels)
    for k in range(5):
        y, x = k // 3 * 18, k % 3 * 18
        assert np.array_equal(sheet[y : y + 16, x : x + 16], tiles[k])
    assert (sheet[16:18] == 255).all() and (sheet[18:, 36:] == 255).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_png_round_trip(tmp_path, channels):
    pixels = PIXELS.repeat(channels, 2)
    path = save_png(tmp_path / "a.png", pixels, RECIPE)
    assert read_recipe(path) == RECIPE
    assert np.array_equal(np.asarray(Image.open(path)).reshape(pixels.shape), pixels)


def forged(tmp_path, text):
    info = PngImagePlugin.PngInfo()
    info.add_text(CHUNK_KEY, text)
    to_pil(PIXELS).save(tmp_path / "f.png", pnginfo=info)
    return tmp_path / "f.png"


GOOD = '{"format": 1, "model": "m", "revision": "r", "seeds": [1], "class": null, "psi": 1, "codes": null}'


def test_hand_written_recipe_is_read(tmp_path):
    assert read_recipe(forged(tmp_path, GOOD)) == PngRecipe("m", "r", (1,))


@pytest.mark.parametrize(("old", "new"), [
    ('"format": 1', '"format": 2'), ("[1]", "[]"), ("[1]", "[-1]"), ("[1]", "[4294967296]"), ("[1]", "[1.5]"),
    ("[1]", '["1"]'), ("[1]", "7"), ("[1]", str(list(range(5000)))), ('"psi": 1', '"psi": NaN'), ('"psi": 1', '"psi": 1e9'),
    ('"psi": 1', '"psi": "x"'), ('"m"', '""'), ('"m"', '"a\\u0000b"'), ('"m"', "5"), ('"m"', '"' + "x" * 300 + '"'),
    ('"class": null', '"class": {}'), ('"codes": null', '"codes": [true]'), ('"codes": null', '"codes": 3'),
    (GOOD, ""), (GOOD, "[]"), (GOOD, "[" * 30000), (GOOD, "x" * 100_000), (GOOD, "null"),
])
def test_forged_recipes_are_one_clear_line(tmp_path, old, new):
    with pytest.raises(ValueError, match="recipe") as error:
        read_recipe(forged(tmp_path, GOOD.replace(old, new)))
    assert "\n" not in str(error.value)


def test_pictures_without_recipe(tmp_path):
    to_pil(PIXELS).save(tmp_path / "plain.png")
    with pytest.raises(ValueError, match="no recipe in this picture"):
        read_recipe(tmp_path / "plain.png")
    (tmp_path / "text.png").write_text("not a picture")
    to_pil(PIXELS).save(tmp_path / "photo.jpg")
    for name in ("text.png", "photo.jpg", "absent.png"):
        with pytest.raises(ValueError, match="no PNG picture"):
            read_recipe(tmp_path / name)


def test_mp4_and_webp(tmp_path):
    import av

    frames = [np.full((16, 16, 3), 25 * k, np.uint8) for k in range(10)]
    with av.open(str(save_video(tmp_path / "a.mp4", frames, scale=4))) as video:
        decoded = [f.to_ndarray(format="rgb24") for f in video.decode(video=0)]
    assert len(decoded) == 10 and decoded[0].shape == (64, 64, 3)
    assert abs(int(decoded[9].mean()) - 225) < 6
    webp = Image.open(save_video(tmp_path / "a.webp", frames))
    assert (webp.n_frames, webp.size) == (10, (16, 16))
    with pytest.raises(ValueError, match=r"\.mp4, \.webp or \.gif"):
        save_video(tmp_path / "a.avi", frames)
