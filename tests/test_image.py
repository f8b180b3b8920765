"""The one rounding rule, sheets, video."""

import numpy as np
import pytest
import torch
from PIL import Image

from gan.image import check_sheet, contact_sheet, save_video, tiles_that_fit, to_uint8


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


@pytest.mark.parametrize(("count", "resolution", "fits"), [
    (4096, 64, True), (4097, 16, False), (64, 1024, True), (73, 1024, False), (4096, 256, False), (10**9, 16, False)])
def test_a_sheet_is_no_larger_than_other_programs_open(count, resolution, fits):
    check_sheet(tiles_that_fit(resolution), resolution)
    if fits:
        check_sheet(count, resolution)
    else:
        with pytest.raises(ValueError, match="a sheet (holds at most|of .* is too large)"):
            check_sheet(count, resolution)
    with pytest.raises(ValueError, match="a sheet"):
        contact_sheet(np.zeros((1, 1, 1, 1), np.uint8).repeat(5000, 0))


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


@pytest.mark.parametrize("suffix, fps, lasts", [(".gif", 30, [30, 40, 30, 30, 40, 30]), (".gif", 50, [20] * 6),
                                                (".webp", 60, [17, 16, 17, 17, 16, 17])])
def test_moving_pictures_last_as_long_as_they_are_asked_to(tmp_path, suffix, fps, lasts):
    frames = [np.full((16, 16, 3), 40 * k, np.uint8) for k in range(6)]
    with Image.open(save_video(tmp_path / f"a{suffix}", frames, fps=fps)) as film:
        found = [film.seek(k) or film.load() and film.info["duration"] for k in range(film.n_frames)]
    assert found == lasts
    save_video(tmp_path / f"one{suffix}", frames[:1], fps=fps)
    save_video(tmp_path / f"still{suffix}", [frames[0]] * 3, fps=fps)


def test_a_gif_is_not_made_faster_than_browsers_show_it(tmp_path):
    with pytest.raises(ValueError, match=r"at most 50 frames a second, got 60: use \.mp4"):
        save_video(tmp_path / "a.gif", [np.zeros((8, 8, 3), np.uint8)], fps=60)


@pytest.mark.parametrize("suffix", [".mp4", ".webp", ".gif"])
def test_a_film_that_is_not_finished_leaves_what_stood_there(tmp_path, suffix):
    def frames():
        yield np.zeros((16, 16, 3), np.uint8)
        raise OSError("the disk is full")

    (tmp_path / f"a{suffix}").write_bytes(b"before")
    with pytest.raises(OSError, match="full"):
        save_video(tmp_path / f"a{suffix}", frames())
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"] and (tmp_path / f"a{suffix}").read_bytes() == b"before"
