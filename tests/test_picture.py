"""Pictures from outside: every form that people have, and what is refused in one line."""

import io
from contextlib import suppress

import numpy as np
import pytest
from pictures import encoded, picture
from PIL import Image

from gan.picture import read_picture, remarks


def read(tmp_path, data, resolution=16, channels=3):
    (tmp_path / "x").write_bytes(data)
    return read_picture(tmp_path / "x", resolution, channels)


def test_fractions_are_refused(tmp_path):
    Image.new("F", (40, 24), 0.5).save(tmp_path / "x.tiff")
    with pytest.raises(ValueError, match="this picture holds fractions, .* save it with 8 or 16 bits"):
        read_picture(tmp_path / "x.tiff", 16, 1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_becomes_what_the_net_reads(tmp_path, mode, channels):
    image = Image.new("L", (40, 24), 128).convert("I").point(lambda v: v * 257).convert("I;16") if mode == "I;16" else \
        Image.new("RGB", (40, 24), (128, 128, 128)).convert(mode)
    pixels = read(tmp_path, encoded(image), channels=channels)
    assert pixels.shape == (16, 16, channels) and pixels.dtype == np.uint8
    if mode not in ("1", "P"):  # which have no such grey
        assert (np.abs(pixels.astype(int) - 128) <= 1).all()


def test_cmyk_alpha_rotation_and_the_first_frame(tmp_path):
    red = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    assert (read(tmp_path, encoded(red, "JPEG", quality=95))[8, 8] > (200, -1, -1)).all()
    assert (read(tmp_path, encoded(Image.new("RGBA", (32, 32), (9, 9, 9, 0)))) == 255).all()
    half = Image.new("RGB", (32, 32))
    half.paste((255, 255, 255), (0, 0, 32, 16))  # white above
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right: white stands at the right then
    turned = read(tmp_path, encoded(half, "JPEG", exif=exif.tobytes(), quality=95))
    assert turned[:, 13:].mean() > 250 and turned[:, :3].mean() < 5
    frames = encoded(Image.new("RGB", (32, 32), "white"), "GIF", save_all=True, append_images=[Image.new("RGB", (32, 32))])
    assert (read(tmp_path, frames) == 255).all()


@pytest.mark.parametrize("format", ["GIF", "TIFF"])
def test_of_an_animation_that_was_cut_off_what_can_be_read_is_read(format):
    """Wherever it was cut: the first frame, and a remark where more is begun, or one line."""
    frames = [Image.open(io.BytesIO(picture(k))) for k in range(3)]
    whole = encoded(frames[0], format, save_all=True, append_images=frames[1:])
    said = {length: remarks(whole[:length]) for length in range(len(whole) // 4, len(whole)) if is_read(whole[:length])}
    assert said[len(whole) - 1] == remarks(whole) == ["of this animation the first frame was read"]


def is_read(data):
    with suppress(ValueError):
        return read_picture(data, 16, 3) is not None


@pytest.mark.parametrize(("words", "data"), [
    ("no picture", b""), ("no picture", b"hello" * 99), ("too small", picture(size=(1, 1))),
    ("HEIC", b"\0\0\0\x20ftypheic" + bytes(99)),
    ("too small", picture(size=(400, 3))),
    ("broken", picture(size=(64, 64))[:300]), ("40 million", encoded(Image.new("1", (10_000, 10_000))))])
def test_what_is_no_usable_picture_is_refused_in_one_line(tmp_path, words, data):
    with pytest.raises(ValueError, match=words) as error:
        read(tmp_path, data)
    assert "\n" not in str(error.value) and str(tmp_path) not in str(error.value)


def test_a_bomb_and_a_file_too_large_are_refused_before_they_are_decoded(tmp_path):
    bomb = encoded(Image.new("1", (20_000, 20_000)))
    with pytest.raises(ValueError, match="too many pixels|40 million"):
        read(tmp_path, bomb)
    with pytest.raises(ValueError, match="larger than 20 MB"):
        read(tmp_path, b"x" * 20_000_001)
