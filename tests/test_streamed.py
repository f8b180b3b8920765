"""train.data.streamed: the pictures of a decoded set, a window at a time, in an order that a run resumes exactly."""

import json

import numpy as np
import pytest
import torch
from commands import TINY, error_of, train
from pictures import FILES, folder, parquet, picture, webdataset, zipped
from runs import assert_same, tiny_run

from train.data import images as images_module
from train.data import streamed
from train.data.images import load_images
from train.data.part import hold_out
from train.data.stream import Stream
from train.data.streamed import KEPT, stream_images

PICTURES = [picture(k) for k in range(10)]
CLASSES = [k % 2 for k in range(10)]


def in_windows(path, most, **options):
    """``stream_images`` in windows of so many pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "MOST", most)
        return stream_images(path, **options)


def two_parquets(root):
    for shard, rows in enumerate((slice(0, 4), slice(4, 10))):
        parquet(root / f"train-0000{shard}-of-00002.parquet", PICTURES[rows], CLASSES[rows], ["x", "y"])
    return root


@pytest.mark.parametrize("make", [
    lambda tmp: folder(tmp / "set", FILES), lambda tmp: zipped(tmp / "a.zip", FILES), lambda tmp: two_parquets(tmp / "set"),
    lambda tmp: webdataset(tmp / "set", PICTURES, CLASSES, a_shard=3)], ids=["folder", "zip", "parquet", "tar"])
def test_windows_hold_what_a_decoded_set_holds(tmp_path, cache, make):
    path = make(tmp_path)
    whole, windows = load_images(path), in_windows(path, 3)
    assert (windows.spec, windows.name) == (whole.spec, whole.name)
    assert np.array_equal(windows.labels, whole.labels)
    rows = np.array([4, 0, 5, 1, 1, 3])
    assert np.array_equal(windows.pixels[rows], whole.pixels[rows])
    assert np.array_equal(windows.sample.pixels, whole.pixels[:])  # so few are all looked at
    assert in_windows(path, 4).fingerprint == windows.fingerprint != whole.fingerprint


@pytest.mark.parametrize("make", [
    lambda tmp, files: folder(tmp / "set", files), lambda tmp, files: zipped(tmp / "a.zip", {**files, "bird/": b""})])
def test_what_lies_beside_the_pictures_is_none_of_them(tmp_path, cache, caplog, make):
    """What ``gan augment`` and file managers write, an empty folder, names without an ending."""
    path = make(tmp_path, {**FILES, "metadata.jsonl": b"{}", "Thumbs.db": b"x", "a.pdf": b"%PDF-", "README": b"hello",
                           "dog/0123abcd": picture(7), "cat/labels.csv": b"a,b"})
    if path.is_dir():
        (path / "bird").mkdir()
    whole = load_images(path)
    caplog.clear()
    streamed = in_windows(path, 3)
    assert streamed.spec == whole.spec and streamed.spec.class_names == ("cat", "dog") and streamed.spec.count == 7
    assert np.array_equal(streamed.labels, whole.labels)
    assert np.array_equal(streamed.pixels[np.arange(7)], whole.pixels[:])
    names = [[line.partition(":")[0] for line in images.skipped] for images in (streamed, whole)]
    assert names[0] == names[1] and len(names[0]) == 6
    assert "6 files cannot be used (skipped: README: not an image by its name; Thumbs.db: not an" in caplog.text


def test_a_picture_that_is_too_large_is_left_out_and_none_stands_in_its_place(tmp_path, cache, monkeypatch):
    monkeypatch.setattr("train.data.items.MAX_BYTES", 2000)
    large = picture(3, size=(64, 64))
    images = stream_images(webdataset(tmp_path / "set", [*PICTURES[:5], large], [*CLASSES[:5], 1]))
    assert images.spec.count == 5 and images.skipped == ("000005.png: 0 MB, more than 0",)
    with pytest.raises(ValueError, match="only one usable image, 1 files skipped, the first being b.txt: not an image by"):
        stream_images(folder(tmp_path / "other", {"a.png": picture(), "b.txt": b"hello"}))


def test_an_epoch_shows_every_picture_once_window_after_window(tmp_path):
    images = in_windows(webdataset(tmp_path / "set", PICTURES), 4)
    labelled = [tuple(pixels[0, 0]) for pixels in images.pixels[np.arange(10)]]

    def shown(seed, first, count):
        stream = Stream(images, seed=seed)
        stream.index = first
        x = torch.cat([stream.batch(1).x for _ in range(count)])
        return [labelled.index(tuple(p)) for p in ((x[:, :, 0, 0] + 1) * 127.5).round().to(torch.uint8).tolist()]

    whole = shown(0, 0, 30)
    for epoch in (whole[:10], whole[10:20], whole[20:]):
        assert sorted(epoch) == list(range(10))
        windows = [row // 4 for row in epoch]
        assert sum(a != b for a, b in zip(windows, windows[1:])) == 2  # three windows, each gone through once
    assert whole[:10] != whole[10:20] and shown(1, 0, 10) != whole[:10]
    assert shown(0, 13, 9) == whole[13:22]  # from anywhere, it goes on as it would have


def test_a_window_is_decoded_once_an_epoch_and_few_are_kept(tmp_path, monkeypatch):
    images, count = in_windows(webdataset(tmp_path / "set", PICTURES), 2), []
    decode = images.pixels._decode
    monkeypatch.setattr(images.pixels, "_decode", lambda window, wanted: count.append(window) or decode(window, wanted))
    stream = Stream(images, seed=0)
    for _ in range(5):
        stream.batch(2)
        assert len(images.pixels._kept) <= KEPT
    assert sorted(count) == [0, 1, 2, 3, 4]
    with pytest.raises(TypeError, match="not in memory together"):
        np.asarray(images.pixels)


@pytest.mark.parametrize("files", [PICTURES, [*PICTURES[:6], b"no", *PICTURES[7:]]], ids=["good", "one bad"])
def test_each_of_two_processes_decodes_its_own_pictures_only(tmp_path, monkeypatch, files):
    path, decoded = webdataset(tmp_path / "set", [*files, *PICTURES, *PICTURES]), []
    monkeypatch.setattr(streamed, "decoded", lambda item, **kwargs: decoded.append(item.name) or load(item, **kwargs))
    load = images_module.decoded
    alone, *two = (Stream(in_windows(path, 6), seed=1) for _ in range(3))
    decoded.clear()
    batches = [[stream.batch(2, rank, 2).x for _ in range(6)] for rank, stream in enumerate(two)]  # 24 of 30, in an epoch
    assert b"no" in files or len(decoded) == len(set(decoded))  # nothing was decoded twice
    for k in range(6):
        assert torch.equal(torch.cat([batches[0][k], batches[1][k]]), alone.batch(4).x)
    over = [torch.cat([stream.batch(2, rank, 2).x for rank, stream in enumerate(two)]) for _ in range(6)]  # into the next
    assert all(torch.equal(found, alone.batch(4).x) for found in over)


def test_a_run_resumes_exactly(tmp_path):
    path = webdataset(tmp_path / "set", PICTURES, CLASSES)
    straight = tiny_run("cgan", images=in_windows(path, 3))
    for _ in range(3):
        straight.advance()
    state = straight.state()
    resumed = tiny_run("cgan", images=in_windows(path, 3))
    resumed.restore({k: v.clone() for k, v in state[0].items()}, state[1])
    for run in (straight, resumed):
        for _ in range(3):
            run.advance()
    assert_same(straight, resumed)


def test_what_cannot_be_read_is_replaced_and_said(tmp_path, caplog):
    broken = [PICTURES[0], b"no", PICTURES[2], PICTURES[3], b"no", PICTURES[5]]
    images = in_windows(webdataset(tmp_path / "set", broken), 4)
    whole = images.pixels[np.arange(6)]
    assert np.array_equal(whole[1], whole[0]) and np.array_equal(whole[4], whole[5])  # the first of a window: its last
    assert "not all pictures can be read, the first is 000001.png: not an image" in caplog.text
    hopeless = in_windows(webdataset(tmp_path / "other", [*PICTURES[:4], *[b"no"] * 4]), 4)
    with pytest.raises(ValueError, match="none of 4 neighbouring pictures can be read"):
        hopeless.pixels[np.array([5])]


def test_few_of_many_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(streamed, "LOOKED_AT", 6)
    monkeypatch.setattr(streamed, "TOGETHER", 2)
    sample = stream_images(webdataset(tmp_path / "set", PICTURES, [k // 5 for k in range(10)])).sample
    assert sample.labels.tolist() == [0, 0, 0, 0, 1, 1] and sample.spec.count == 6


def test_what_is_held_out_is_what_a_decoded_set_holds_out(tmp_path, cache):
    path = webdataset(tmp_path / "set", [picture(k) for k in range(40)], [k % 2 for k in range(40)])
    trained, held = hold_out(load_images(path), 0.25)
    images = in_windows(path, 3, held=0.25)
    assert images.spec == trained.spec and np.array_equal(images.labels, trained.labels)
    assert np.array_equal(images.pixels[np.arange(30)], trained.pixels[:])
    assert np.array_equal(images.sample.pixels, held.pixels[:]) and np.array_equal(images.sample.labels, held.labels)
    assert images.fingerprint != stream_images(path).fingerprint


def test_on_the_command_line(tmp_path, cache, capsys):
    path = webdataset(tmp_path / "set", [picture(k) for k in range(40)], [k % 2 for k in range(40)])
    out = tmp_path / "run"
    asked = ["cgan", "--data", path, "--out", out, "--stream", *TINY]
    assert train(*asked, "--kimg", "0.012") == 0 and train(*asked, "--kimg", "0.02", "--resume") == 0
    assert not cache.exists() and "--stream" in (out / "export" / "training.json").read_text()
    capsys.readouterr()
    assert train(*asked, "--hold-out", "0.5", "--resume") == 1
    assert "hold_out: absent in the run, 0.5 asked" in error_of(capsys)
    held = [*asked[:4], tmp_path / "held", *asked[5:]]
    assert train(*held, "--kimg", "0.012", "--hold-out", "0.25") == 0
    assert train(*held, "--kimg", "0.02", "--resume") == 0  # held out as before, though it is not said again
    data = json.loads((tmp_path / "held" / "export" / "training.json").read_text())["data"]
    assert (data["images"], data["held_out"]) == (30, 0.25)


def test_a_set_of_the_hub_is_read_where_it_lies(server, tmp_path, cache):
    """Over real HTTP: rows by ranges of bytes, pinned to a commit, and nothing of the set on this disk."""
    two_parquets(tmp_path / "set")
    files = {f"data/{path.name}": path.read_bytes() for path in (tmp_path / "set").iterdir()}
    repo = server.store.publish("ada/pictures", {**files, "data/test-0-of-1.parquet": b"no"}, type="dataset")
    images = in_windows("ada/pictures", 3)
    assert images.spec.class_names == ("x", "y") and images.labels.tolist() == CLASSES
    expected = load_images(tmp_path / "set").pixels
    assert np.array_equal(images.pixels[np.arange(10)], expected)
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert all(f"/{repo.branches['main']}/" in line for line in server.asked("/resolve/"))


@pytest.mark.parametrize(("files", "message"), [
    ({"a.png": picture()}, "it has no parquet files, and the Hub has made none of it"), (None, "it is not there")])
def test_a_set_that_cannot_be_streamed(server, files, message):
    if files:
        server.store.publish("ada/pictures", files, type="dataset")
    with pytest.raises(ValueError, match=message):
        stream_images("ada/pictures")
