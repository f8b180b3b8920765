"""train.data: what a file becomes; hostile files cost nothing but themselves; one exact stream."""

import io
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import FILES, decoded, encoded, folder, picture, zipped
from PIL import Image

from train.data import images as images_module
from train.data import items
from train.data.images import Images, load_images
from train.data.spec import DataSpec
from train.data.stream import Stream

# --- pixels ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sides, expected", [
    ([28, 28], 32), ([22, 22], 16), ([23, 23], 32), ([5, 5], 16), ([64, 64], 64), ([300, 300], 64), ([20, 48, 500], 64),
])
def test_resolution_of_the_median_short_side(tmp_path, cache, sides, expected):
    files = {f"{i}.png": picture(i, size=(side, side + 3)) for i, side in enumerate(sides)}
    assert load_images(folder(tmp_path / "set", files)).spec.resolution == expected


def test_given_resolution(tmp_path, cache):
    root = folder(tmp_path / "set", FILES)
    assert load_images(root, resolution=32).pixels.shape == (6, 32, 32, 3)
    with pytest.raises(ValueError, match="power of two from 16 to 1024, got 48; the nearest is"):
        load_images(root, resolution=48)


def test_too_small_is_skipped(tmp_path, cache):
    files = {**FILES, "cat/dot.png": picture(9, size=(1, 1)), "dog/thin.png": picture(9, size=(80, 3)),
             "dog/small.png": picture(9, size=(4, 4))}
    images = load_images(folder(tmp_path / "set", files))
    assert len(images.pixels) == 7
    assert images.skipped == ("cat/dot.png: short side 1 px, under a quarter of 16",
                              "dog/thin.png: short side 3 px, under a quarter of 16")


def test_broken_files_are_skipped_and_listed(tmp_path, cache, caplog):
    jpeg = picture(5, size=(64, 64), format="JPEG")
    files = {**FILES, "cat/cut.jpg": jpeg[: len(jpeg) // 2], "cat/empty.png": b"", "cat/text.jpg": b"hello\n" * 99,
             "dog/script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n"}
    images = load_images(folder(tmp_path / "set", files))
    assert len(images.pixels) == 6 and images.spec.count == 6 and images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    reasons = dict(line.split(": ", 1) for line in images.skipped)
    assert set(reasons) == {"cat/cut.jpg", "cat/empty.png", "cat/text.jpg", "dog/script.png"}
    assert "truncated" in reasons.pop("cat/cut.jpg") and set(reasons.values()) == {"not an image"}
    assert len(caplog.records) == 1 and "4 files cannot be used (skipped: " in caplog.text
    again = load_images(folder(tmp_path / "set", files))
    assert again.skipped == images.skipped and again.spec == images.spec


def test_bombs_are_skipped(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(items, "MAX_BYTES", 20_000)
    files = {**FILES, "cat/bomb.png": picture(1, "1", (300, 300)), "cat/heavy.png": bytes(20_001)}
    for source in (folder(tmp_path / "set", files), zipped(tmp_path / "a.zip", files)):
        images = load_images(source)
        assert len(images.pixels) == 6 and "decompression bomb" in images.skipped[0]
        assert images.skipped[1].startswith("cat/heavy.png: 0 MB, more than")


def test_a_zip_that_was_mended_is_read_again(tmp_path, cache):
    """Its directory says what it said before: lengths and checksums of what should be there."""
    path = zipped(tmp_path / "a.zip", FILES)
    whole = path.read_bytes()
    data = bytearray(whole)
    start = data.index(b"cat/1.png") + 9
    data[start + 300 : start + 320] = bytes(20)
    path.write_bytes(data)
    damaged = load_images(path)
    path.write_bytes(whole)
    mended = load_images(path)
    assert (len(damaged.pixels), len(mended.pixels)) == (5, 6) and not mended.skipped
    assert damaged.fingerprint != mended.fingerprint  # a run on the one is no run on the other
    assert load_images(zipped(tmp_path / "b.zip", FILES)).fingerprint == mended.fingerprint
    path.write_bytes(data)
    assert load_images(path).fingerprint == damaged.fingerprint


@pytest.mark.parametrize("length", [200, 201])
def test_long_names_of_classes_are_refused_before_training(tmp_path, cache, length):
    files = {f"{kind * length}/{i}.png": picture(i) for kind in "ab" for i in range(2)}
    source = zipped(tmp_path / "a.zip", files)
    if length == 200:
        assert len(load_images(source).spec.class_names[0]) == 200
    else:
        with pytest.raises(ValueError, match="a class must have 1 to 200 characters, and 'a{60}' has 201$"):
            load_images(source)


def test_few_large_pictures_are_decoded_at_once(tmp_path, cache, monkeypatch):
    """Threads wait while pictures of together more pixels than the bound are on their way; a larger one goes alone."""
    now, most, lock = [0], [0], threading.Lock()

    def decode(data, resolution, channels):
        with Image.open(io.BytesIO(data)) as image:
            pixels = image.width * image.height
        with lock:
            now[0] += pixels
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= pixels
        return np.zeros((resolution, resolution, channels), np.uint8)

    monkeypatch.setattr(images_module, "decode", decode)
    monkeypatch.setattr(images_module.os, "cpu_count", lambda: 4)
    monkeypatch.setattr(images_module, "ROOM", images_module._Room(2 * 40 * 40))
    files = {f"{i}.png": picture(i, size=(side, side)) for i, side in enumerate([40] * 8 + [100])}
    load_images(folder(tmp_path / "set", files))
    assert most[0] == 100 * 100


def test_damaged_zip_members_are_skipped(tmp_path, cache):
    path = zipped(tmp_path / "a.zip", FILES)
    data = bytearray(path.read_bytes())
    start = data.index(b"cat/1.png") + 9
    data[start + 300 : start + 320] = bytes(20)
    path.write_bytes(data)
    images = load_images(path)
    assert len(images.pixels) == 5 and images.skipped[0].startswith("cat/1.png: ")


def test_file_names_cannot_forge_log_lines(tmp_path, cache):
    images = load_images(zipped(tmp_path / "a.zip", {**FILES, "cat/x\n\x1b[31m": b"?"}))
    assert images.skipped == ("cat/x\\n\\x1b[31m: not an image",)


@pytest.mark.parametrize("modes, channels", [
    (["L", "L"], 1), (["L", "1"], 1), (["L", "LA"], 1), (["L", "I;16"], 1), (["L", "RGB"], 3), (["L", "P"], 3),
    (["RGB", "RGBA"], 3),
])
def test_grey_only_if_all_are(tmp_path, cache, modes, channels):
    wide = Image.fromarray(np.full((16, 16), 257 * 100, np.uint16))
    files = {f"{i}": encoded(wide) if mode == "I;16" else picture(i, mode) for i, mode in enumerate(modes)}
    assert load_images(folder(tmp_path / "set", files)).pixels.shape == (2, 16, 16, channels)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_become_eight(tmp_path, format):
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    pixels = decoded(tmp_path, encoded(Image.fromarray(values * 257), format), mode="L")
    np.testing.assert_array_equal(pixels[..., 0], values)


def test_floating_point_is_skipped(tmp_path, cache):
    files = {**FILES, "cat/float.tiff": encoded(Image.new("F", (16, 16)), "TIFF")}
    images = load_images(folder(tmp_path / "set", files))
    assert images.skipped[0].startswith("cat/float.tiff: floating")


def test_transparent_is_white(tmp_path):
    half = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    half.paste((0, 0, 255, 255), (8, 0, 16, 16))
    pixels = decoded(tmp_path, encoded(half))
    assert (pixels[:, :8] == 255).all() and (pixels[:, 8:] == (0, 0, 255)).all()


@pytest.mark.parametrize("mode", ["LA", "P", "L", "RGB"])
def test_every_kind_of_transparency(tmp_path, mode):
    if mode == "LA":
        data = encoded(Image.new("LA", (16, 16), (10, 0)))
    else:  # one palette entry, or one colour, stands for transparent
        image = Image.new(mode, (16, 16), 0)
        image.paste(1 if mode != "RGB" else (1, 1, 1), (8, 0, 16, 16))
        if mode == "P":
            image.putpalette([9, 9, 9, 1, 1, 1])
        data = encoded(image, transparency=(0, 0, 0) if mode == "RGB" else 0)
    pixels = decoded(tmp_path, data, mode="L" if mode in ("L", "LA") else "RGB")
    assert (pixels[:, :8] == 255).all() and (mode == "LA" or (pixels[:, 8:] == 1).all())


def test_exif_rotation(tmp_path):
    image = Image.new("RGB", (16, 16))
    image.paste((255, 255, 255), (0, 0, 16, 4))  # the top is bright
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: the top goes to the right
    pixels = decoded(tmp_path, encoded(image, exif=exif))
    assert (pixels[:, 12:] == 255).all() and (pixels[:, :12] == 0).all()


def test_cmyk_is_converted(tmp_path):
    pixels = decoded(tmp_path, encoded(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    assert (abs(pixels.astype(int) - (254, 0, 0)) < 8).all()


@pytest.mark.parametrize("size", [(16, 48), (48, 16), (160, 480)])
def test_central_square(tmp_path, size):
    image = Image.new("RGB", size, (255, 0, 0))
    w, h = size
    side = min(size)
    image.paste((0, 255, 0), ((w - side) // 2, (h - side) // 2, (w + side) // 2, (h + side) // 2))
    assert (decoded(tmp_path, encoded(image)) == (0, 255, 0)).all()


def test_large_jpeg_is_the_same_picture(tmp_path):
    gradient = Image.linear_gradient("L").resize((512, 512)).convert("RGB")
    pixels = decoded(tmp_path, encoded(gradient, "JPEG", quality=95))
    expected = np.asarray(gradient.resize((16, 16), Image.Resampling.LANCZOS))
    assert np.abs(pixels.astype(int) - expected).max() <= 3


# --- stream ------------------------------------------------------------------------------------------------------


def numbered(count, *, labels=True, width=4):
    """Images that show their own number in their leftmost pixel, and 0 elsewhere."""
    pixels = np.zeros((count, width, width, 1), np.uint8)
    pixels[:, 0, 0, 0] = np.arange(count) + 1
    spec = DataSpec(width, 1, 5 if labels else 0, tuple("abcde") if labels else (), count)
    return Images(pixels, np.arange(count) % 5 if labels else None, spec, "set", "f", ())


def numbers(x):
    return torch.round((x.amax((1, 2, 3)) + 1) * 127.5).int() - 1


def test_every_epoch_is_a_permutation():
    stream = Stream(numbered(10), seed=3)
    order = numbers(stream.batch(30)[0]).view(3, 10)
    assert stream.index == 30
    assert (order.sort(1).values == torch.arange(10)).all()
    assert not torch.equal(order[0], order[1]) and not torch.equal(order[1], order[2])


@pytest.mark.parametrize("flip", [False, True])
def test_batches_do_not_change_the_stream(flip):
    whole = Stream(numbered(10), seed=7, flip=flip)
    x, c, _ = whole.batch(57)
    parts = Stream(numbered(10), seed=7, flip=flip)
    batches = [parts.batch(n) for n in (1, 3, 25, 7, 21)]
    assert torch.equal(x, torch.cat([b[0] for b in batches])) and torch.equal(c, torch.cat([b[1] for b in batches]))
    resumed = Stream(numbered(10), seed=7, flip=flip)
    resumed.index = 29
    assert torch.equal(resumed.batch(28)[0], x[29:]) and resumed.index == whole.index
    assert not torch.equal(numbers(Stream(numbered(10), seed=8).batch(57)[0]), numbers(x))


def test_the_stream_is_frozen():
    assert numbers(Stream(numbered(8), seed=0).batch(8)[0]).tolist() == [3, 7, 4, 0, 2, 6, 5, 1]


def test_batch_values():
    images = numbered(10)
    images.pixels[..., 1:, :] = 255
    x, c, _ = Stream(images, seed=0).batch(4)
    assert x.shape == (4, 1, 4, 4) and x.dtype == torch.float32 and x.is_contiguous()
    assert (x[..., 1:] == 1).all() and x.min() == -1
    assert c.dtype == torch.int64
    plain = numbered(10)
    x, c, _ = Stream(plain, seed=0).batch(4)
    assert torch.equal(c, numbers(x).long() % 5)
    assert Stream(numbered(10, labels=False), seed=0).batch(4).c is None


def test_flip():
    x = Stream(numbered(100), seed=0).batch(200).x
    mirrored = Stream(numbered(100), seed=0, flip=True).batch(200).x
    flipped = mirrored[:, 0, 0, 3] > -1
    assert 70 < flipped.sum() < 130 and not torch.equal(flipped[:100], flipped[100:])
    assert torch.equal(torch.where(flipped[:, None, None, None], mirrored.flip(3), mirrored), x)


def test_seed_out_of_range():
    with pytest.raises(ValueError, match="seed must be an integer from 0 to"):
        Stream(numbered(2), seed=-1)


# --- real data ---------------------------------------------------------------------------------------------------


@pytest.mark.data
def test_real_data_sets(cache):
    root = os.environ.get("GAN_GALLERY_DATA")
    if not root:
        pytest.skip("GAN_GALLERY_DATA does not name the folder with mnist/ and cats64.zip")
    mnist = load_images(Path(root) / "mnist" / "train-00000-of-00001.parquet")
    assert mnist.spec == DataSpec(32, 1, 10, tuple("0123456789"), 60_000) and not mnist.skipped
    assert np.bincount(mnist.labels).min() > 5000
    cats = load_images(Path(root) / "cats64.zip")
    assert cats.spec == DataSpec(64, 3, 0, (), 8_303) and cats.labels is None and not cats.skipped
    x, c, _ = Stream(cats, seed=0).batch(10_000)
    assert x.shape == (10_000, 3, 64, 64) and c is None
