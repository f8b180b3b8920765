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
