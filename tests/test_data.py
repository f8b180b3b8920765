"""train.data: every source gives the same pixels; hostile files cost nothing but themselves; one exact stream."""

import errno
import io
import json
import logging
import os
import sys
import time
import types
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import train.data
import train.sources
from train.config import DataSpec
from train.data import Images, Stream, load_images


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def picture(seed=0, mode="RGB", size=(16, 16), format="PNG", **options):
    """The bytes of a picture of noise."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], bands), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise[..., 0] if bands == 1 else noise, mode=None).convert(mode).save(file, format, **options)
    return file.getvalue()


def encoded(image, format="PNG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def folder(root, files):
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def parquet(path, images, labels=None, names=None, column="image"):
    table = {column: pa.array([{"bytes": b, "path": None} for b in images],
                              pa.struct([("bytes", pa.binary()), ("path", pa.string())]))}
    features = {column: {"_type": "Image"}}
    if labels is not None:
        table["label"] = pa.array(labels, pa.int64())
        features["label"] = {"names": names, "_type": "ClassLabel"} if names else {"dtype": "int64", "_type": "Value"}
    meta = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table).replace_schema_metadata(meta), path)
    return path


FILES = {f"{kind}/{i}.png": picture(10 * k + i) for k, kind in enumerate(("cat", "dog")) for i in range(3)}


def decoded(tmp_path, data, *, mode="RGB", resolution=16):
    """The pixels [R, R, C] of one picture, loaded beside another of the given mode."""
    source = folder(tmp_path / "one", {"a": data, "b": picture(1, mode)})
    return load_images(source, resolution=resolution, cache_dir=tmp_path / "cache").pixels[0]


# --- sources -----------------------------------------------------------------------------------------------------


def test_every_source_gives_the_same_images(tmp_path, cache):
    loaded = [
        load_images(folder(tmp_path / "plain", FILES), cache_dir=cache / "1"),
        load_images(folder(tmp_path / "nested", {f"top/{n}": d for n, d in FILES.items()}), cache_dir=cache / "2"),
        load_images(zipped(tmp_path / "a.zip", {f"top/{n}": d for n, d in reversed(FILES.items())}),
                    cache_dir=cache / "3"),
        load_images(parquet(tmp_path / "a.parquet", list(FILES.values()), [0, 0, 0, 1, 1, 1], ["cat", "dog"]),
                    cache_dir=cache / "4"),
    ]
    expected = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in FILES.values()])
    for images in loaded:
        np.testing.assert_array_equal(images.pixels, expected)
        assert images.pixels.dtype == np.uint8 and images.labels.dtype == np.int64
        assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert images.spec == DataSpec(16, 3, 2, ("cat", "dog"), 6)
        assert images.fingerprint == loaded[0].fingerprint and images.skipped == ()
    assert [images.name for images in loaded] == ["plain", "nested", "a.zip", "a.parquet"]


@pytest.mark.parametrize("names", [
    ["0.png", "1.png", "2.png"], ["cat/0.png", "cat/1.png"], ["top/cat/0.png", "top/cat/1.png"],
    ["0.png", "cat/1.png", "dog/2.png"],
])
def test_unlabelled(tmp_path, cache, names):
    images = load_images(folder(tmp_path / "set", {n: picture(i) for i, n in enumerate(names)}), cache_dir=cache)
    assert images.labels is None and images.spec == DataSpec(16, 3, 0, (), len(names))


def test_junk_does_not_change_the_classes(tmp_path, cache):
    junk = {"LICENSE.txt": b"free", "notes/read.me": b"hello", ".hidden/x.png": picture(7), "cat/.DS_Store": b"x",
            "__MACOSX/cat/._0.png": b"x"}
    images = load_images(zipped(tmp_path / "a.zip", {**FILES, **junk}), cache_dir=cache)
    assert images.spec.class_names == ("cat", "dog") and len(images.pixels) == 6
    assert images.skipped == ("LICENSE.txt: not an image", "notes/read.me: not an image")


def test_files_in_bytewise_order(tmp_path, cache):
    files = {name: picture(i) for i, name in enumerate(["10.png", "2.png", "B.png", "a.png", "é.png"])}
    images = load_images(folder(tmp_path / "set", dict(reversed(files.items()))), cache_dir=cache)
    for pixels, data in zip(images.pixels, files.values(), strict=True):
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(io.BytesIO(data))))


def test_a_loop_of_links_ends(tmp_path, cache):
    root = folder(tmp_path / "set", FILES)
    try:
        (root / "cat" / "loop").symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    assert len(load_images(root, cache_dir=cache).pixels) == 6


def test_zip_members_are_never_written(tmp_path, cache):
    files = {"../../evil.png": picture(0), "/abs.png": picture(1), "win\\2.png": picture(2)}
    load_images(zipped(tmp_path / "a.zip", files), cache_dir=cache)
    assert {p.name for p in tmp_path.iterdir()} == {"a.zip", "cache"}
    assert {p.suffix for p in cache.iterdir()} == {".npy", ".json"}


@pytest.mark.parametrize("labels, names, expected, class_names", [
    ([1, 0, 1], ["x", "y"], [1, 0, 1], ("x", "y")),
    ([7, 3, 7], None, [1, 0, 1], ("3", "7")),
    ([7, 7, 7], None, None, ()),
    ([0, 0, 0], ["x"], None, ()),
    ([-1, -1, -1], ["x", "y"], None, ()),
    ([2, 0, 2], ["x", "unused", "z"], [2, 0, 2], ("x", "unused", "z")),
])
def test_parquet_labels(tmp_path, cache, labels, names, expected, class_names):
    path = parquet(tmp_path / "a.parquet", [picture(i) for i in range(3)], labels, names)
    images = load_images(path, cache_dir=cache)
    assert images.spec.class_names == class_names and images.spec.classes == len(class_names)
    assert (None if images.labels is None else images.labels.tolist()) == expected


def test_parquet_rows_without_label_or_bytes_are_skipped(tmp_path, cache):
    rows = [picture(0), None, picture(2), picture(3)]
    images = load_images(parquet(tmp_path / "a.parquet", rows, [0, 1, -1, 1], ["x", "y"]), cache_dir=cache)
    assert images.labels.tolist() == [0, 1]
    assert images.skipped == ("a.parquet#1: has no image bytes", "a.parquet#2: has no label")


def test_parquet_shards_of_train_only(tmp_path, cache, caplog):
    root = tmp_path / "set"
    for s, name in enumerate(("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001")):
        parquet(root / "data" / f"{name}.parquet", [picture(2 * s), picture(2 * s + 1)], column="img")
    (root / "README.md").write_text("a card")
    with caplog.at_level(logging.INFO):
        images = load_images(root, cache_dir=cache)
    np.testing.assert_array_equal(images.pixels[3], np.asarray(Image.open(io.BytesIO(picture(3)))))
    assert len(images.pixels) == 4 and "only the train split is used, 2 of 3 shards" in caplog.text
    one = load_images(root / "data" / "test-00000-of-00001.parquet", cache_dir=cache)
    assert len(one.pixels) == 2 and one.name == "data/test-00000-of-00001.parquet"


def test_hub_data_set(tmp_path, cache, monkeypatch):
    """The real package, over a set that it holds in memory in the place of one that it would download."""
    import datasets

    rows = [{"photo": {"bytes": picture(i), "path": None}, "label": i % 2} for i in range(3)]
    (tmp_path / "3.png").write_bytes(picture(3))
    rows.append({"photo": {"bytes": None, "path": str(tmp_path / "3.png")}, "label": 1})
    features = datasets.Features({"photo": datasets.Image(), "label": datasets.ClassLabel(names=["x", "y"])})
    held = datasets.Dataset.from_list(rows, features=features)

    def load_dataset(name, split):
        assert (name, split) == ("someone/pets", "train")
        return held

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    images = load_images("someone/pets", cache_dir=cache)
    assert images.name == "someone/pets" and images.labels.tolist() == [0, 1, 0, 1]
    assert images.spec.class_names == ("x", "y")
    np.testing.assert_array_equal(images.pixels[3], np.asarray(Image.open(io.BytesIO(picture(3)))))


# --- pixels ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sides, expected", [
    ([28, 28], 32), ([22, 22], 16), ([23, 23], 32), ([5, 5], 16), ([64, 64], 64), ([300, 300], 64), ([20, 48, 500], 64),
])
def test_resolution_of_the_median_short_side(tmp_path, cache, sides, expected):
    files = {f"{i}.png": picture(i, size=(side, side + 3)) for i, side in enumerate(sides)}
    assert load_images(folder(tmp_path / "set", files), cache_dir=cache).spec.resolution == expected


def test_given_resolution(tmp_path, cache):
    root = folder(tmp_path / "set", FILES)
    assert load_images(root, resolution=32, cache_dir=cache).pixels.shape == (6, 32, 32, 3)
    with pytest.raises(ValueError, match="power of two from 16 to 1024, got 48; the nearest is"):
        load_images(root, resolution=48, cache_dir=cache)


def test_too_small_is_skipped(tmp_path, cache):
    files = {**FILES, "cat/dot.png": picture(9, size=(1, 1)), "dog/thin.png": picture(9, size=(80, 3)),
             "dog/small.png": picture(9, size=(4, 4))}
    images = load_images(folder(tmp_path / "set", files), cache_dir=cache)
    assert len(images.pixels) == 7
    assert images.skipped == ("cat/dot.png: short side 1 px, under a quarter of 16",
                              "dog/thin.png: short side 3 px, under a quarter of 16")


def test_broken_files_are_skipped_and_listed(tmp_path, cache, caplog):
    jpeg = picture(5, size=(64, 64), format="JPEG")
    files = {**FILES, "cat/cut.jpg": jpeg[: len(jpeg) // 2], "cat/empty.png": b"", "cat/text.jpg": b"hello\n" * 99,
             "dog/script.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n"}
    images = load_images(folder(tmp_path / "set", files), cache_dir=cache)
    assert len(images.pixels) == 6 and images.spec.count == 6 and images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    reasons = dict(line.split(": ", 1) for line in images.skipped)
    assert set(reasons) == {"cat/cut.jpg", "cat/empty.png", "cat/text.jpg", "dog/script.png"}
    assert "truncated" in reasons.pop("cat/cut.jpg") and set(reasons.values()) == {"not an image"}
    assert len(caplog.records) == 1 and "4 files skipped" in caplog.text
    again = load_images(folder(tmp_path / "set", files), cache_dir=cache)
    assert again.skipped == images.skipped and again.spec == images.spec


def test_bombs_are_skipped(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(train.sources, "MAX_BYTES", 20_000)
    files = {**FILES, "cat/bomb.png": picture(1, "1", (300, 300)), "cat/heavy.png": bytes(20_001)}
    for source in (folder(tmp_path / "set", files), zipped(tmp_path / "a.zip", files)):
        images = load_images(source, cache_dir=cache)
        assert len(images.pixels) == 6 and "decompression bomb" in images.skipped[0]
        assert images.skipped[1].startswith("cat/heavy.png: 0 MB, more than")


def test_damaged_zip_members_are_skipped(tmp_path, cache):
    path = zipped(tmp_path / "a.zip", FILES)
    data = bytearray(path.read_bytes())
    start = data.index(b"cat/1.png") + 9
    data[start + 300 : start + 320] = bytes(20)
    path.write_bytes(data)
    images = load_images(path, cache_dir=cache)
    assert len(images.pixels) == 5 and images.skipped[0].startswith("cat/1.png: ")


def test_file_names_cannot_forge_log_lines(tmp_path, cache):
    images = load_images(zipped(tmp_path / "a.zip", {**FILES, "cat/x\n\x1b[31m": b"?"}), cache_dir=cache)
    assert images.skipped == ("cat/x\\n\\x1b[31m: not an image",)


@pytest.mark.parametrize("modes, channels", [
    (["L", "L"], 1), (["L", "1"], 1), (["L", "LA"], 1), (["L", "I;16"], 1), (["L", "RGB"], 3), (["L", "P"], 3),
    (["RGB", "RGBA"], 3),
])
def test_grey_only_if_all_are(tmp_path, cache, modes, channels):
    wide = Image.fromarray(np.full((16, 16), 257 * 100, np.uint16))
    files = {f"{i}": encoded(wide) if mode == "I;16" else picture(i, mode) for i, mode in enumerate(modes)}
    assert load_images(folder(tmp_path / "set", files), cache_dir=cache).pixels.shape == (2, 16, 16, channels)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_become_eight(tmp_path, format):
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    pixels = decoded(tmp_path, encoded(Image.fromarray(values * 257), format), mode="L")
    np.testing.assert_array_equal(pixels[..., 0], values)


def test_floating_point_is_skipped(tmp_path, cache):
    files = {**FILES, "cat/float.tiff": encoded(Image.new("F", (16, 16)), "TIFF")}
    images = load_images(folder(tmp_path / "set", files), cache_dir=cache)
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


# --- cache -------------------------------------------------------------------------------------------------------


@pytest.fixture
def passes(monkeypatch):
    """Counts the files that were probed and decoded."""
    counts = {"probe": 0, "decode": 0}

    def counting(name, work):
        def counted(*args, **kwargs):
            counts[name] += 1
            return work(*args, **kwargs)
        monkeypatch.setattr(train.data, f"_{name}", counted)

    counting("probe", train.data._probe)
    counting("decode", train.data._decode)
    return counts


@pytest.mark.parametrize("kind", ["folder", "zip", "parquet"])
def test_unchanged_source_is_read_once(tmp_path, cache, passes, kind):
    source = {"folder": lambda: folder(tmp_path / "set", FILES), "zip": lambda: zipped(tmp_path / "a.zip", FILES),
              "parquet": lambda: parquet(tmp_path / "a.parquet", list(FILES.values()))}[kind]()
    first = load_images(source, cache_dir=cache)
    second = load_images(source, cache_dir=cache)
    assert passes == {"probe": 6, "decode": 6}
    assert isinstance(second.pixels, np.memmap) and not second.pixels.flags.writeable
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert (first.spec, first.fingerprint, first.name) == (second.spec, second.fingerprint, second.name)
    load_images(source, resolution=16, cache_dir=cache)  # what was chosen is now asked for: surveyed, not decoded
    assert passes == {"probe": 12, "decode": 6}


def test_changed_source_is_read_again(tmp_path, cache, passes):
    root = folder(tmp_path / "set", FILES)
    first = load_images(root, cache_dir=cache)
    os.utime(root / "cat/0.png", ns=(1, 1))  # touched only: the content is what counts
    assert load_images(root, cache_dir=cache).fingerprint == first.fingerprint
    assert passes == {"probe": 12, "decode": 6}
    (root / "cat/0.png").write_bytes(picture(99))
    changed = load_images(root, cache_dir=cache)
    assert changed.fingerprint != first.fingerprint and passes["decode"] == 12
    np.testing.assert_array_equal(changed.pixels[0], np.asarray(Image.open(io.BytesIO(picture(99)))))
    (root / "dog/2.png").unlink()
    assert len(load_images(root, cache_dir=cache).pixels) == 5


def test_fingerprint_tells_labels_and_resolutions_apart(tmp_path, cache):
    root = folder(tmp_path / "set", FILES)
    flat = folder(tmp_path / "flat", {name.replace("/", ""): data for name, data in FILES.items()})
    prints = {load_images(root, cache_dir=cache).fingerprint, load_images(flat, cache_dir=cache).fingerprint,
              load_images(root, resolution=32, cache_dir=cache).fingerprint}
    assert len(prints) == 3


@pytest.mark.parametrize("damage", ["cut", "json", "gone"])
def test_damaged_cache_is_made_anew(tmp_path, cache, passes, damage):
    root = folder(tmp_path / "set", FILES)
    first = load_images(root, cache_dir=cache)
    pixels, about = cache / f"{first.fingerprint}.npy", cache / f"{first.fingerprint}.json"
    expected = np.array(first.pixels)
    if damage == "cut":
        pixels.write_bytes(pixels.read_bytes()[:-1])
    elif damage == "json":
        about.write_bytes(about.read_bytes()[:-1])
    else:
        about.unlink()
    np.testing.assert_array_equal(load_images(root, cache_dir=cache).pixels, expected)
    assert passes["decode"] == 12


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_failing_disk_leaves_nothing_behind(tmp_path, cache, monkeypatch, code):
    root = folder(tmp_path / "set", FILES)

    def fail(handle):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(ValueError, match="cannot write the image cache in .*XDG_CACHE_HOME") as caught:
            load_images(root, cache_dir=cache)
        assert "\n" not in str(caught.value) and ("free some space" in str(caught.value)) == (code == errno.ENOSPC)
    assert list(cache.iterdir()) == []
    assert len(load_images(root, cache_dir=cache).pixels) == 6


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_full_disk_while_writing_and_closing(tmp_path, cache, monkeypatch):
    root, fdopen = folder(tmp_path / "set", FILES), os.fdopen

    def full(handle, mode):
        os.close(handle)
        return open("/dev/full", mode, buffering=1024)

    monkeypatch.setattr(train.data.os, "fdopen", full)
    with pytest.raises(ValueError, match="No space left on device; free some space"):
        load_images(root, cache_dir=cache)
    monkeypatch.setattr(train.data.os, "fdopen", fdopen)
    assert list(cache.iterdir()) == []


def test_failing_json_leaves_a_cache_that_is_not_taken(tmp_path, cache, passes, monkeypatch):
    root, replace = folder(tmp_path / "set", FILES), os.replace

    def fail(source, target):
        if Path(target).suffix == ".json":
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", fail)
        with pytest.raises(ValueError, match="free some space"):
            load_images(root, cache_dir=cache)
    assert [p.suffix for p in cache.iterdir()] == [".npy"]
    load_images(root, cache_dir=cache)
    assert passes["decode"] == 12


def test_leftovers_of_killed_runs_are_removed(tmp_path, cache):
    root = folder(tmp_path / "set", FILES)
    name = load_images(root, cache_dir=cache).fingerprint + ".npy"
    for suffix, age in (("old", 7200), ("new", 0)):
        (cache / f"{name}.{suffix}.part").write_bytes(b"x")
        os.utime(cache / f"{name}.{suffix}.part", times=(time.time() - age,) * 2)
    (cache / name).unlink()
    load_images(root, cache_dir=cache)
    assert [p.name for p in cache.glob("*.part")] == [f"{name}.new.part"]


def test_cache_folder(tmp_path, monkeypatch):
    root = folder(tmp_path / "set", FILES)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    images = load_images(root)
    assert (tmp_path / "xdg" / "gan-gallery" / f"{images.fingerprint}.npy").is_file()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="point XDG_CACHE_HOME at a folder that can be written"):
        load_images(root)


def test_progress(tmp_path, cache):
    calls = []
    load_images(folder(tmp_path / "set", FILES), cache_dir=cache, progress=lambda *call: calls.append(call))
    assert calls[-1] == (12, 12) and calls == sorted(calls) and len(calls) <= 3


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nowhere", "some/where/deep", "data/gone.zip", "/no/such", "data/gone.parquet"])
def test_no_such_path(cache, name):
    with pytest.raises(FileNotFoundError, match=f"{name}: no such file or folder; expected .* user/name"):
        load_images(name, cache_dir=cache)


def test_hub_id_without_datasets(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ValueError, match="someone/pets is no local path; .*pip install datasets"):
        load_images("someone/pets", cache_dir=cache)


def test_hub_errors_are_one_line(cache, monkeypatch):
    def load_dataset(name, split):
        raise RuntimeError("no such data set\nlong explanation")

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    with pytest.raises(ValueError, match="someone/pets is no local path.* cannot be read: no such data set$"):
        load_images("someone/pets", cache_dir=cache)


def test_empty_folder(tmp_path, cache):
    (tmp_path / "set" / "sub").mkdir(parents=True)
    with pytest.raises(ValueError, match="set is empty; expected"):
        load_images(tmp_path / "set", cache_dir=cache)


def test_nothing_readable(tmp_path, cache):
    root = folder(tmp_path / "set", {"a.txt": b"hello", "b.txt": b"world"})
    with pytest.raises(ValueError, match="no usable image, 2 files skipped, the first being a.txt: not an image"):
        load_images(root, cache_dir=cache)
    (root / "c.png").write_bytes(picture())
    with pytest.raises(ValueError, match="only one usable image, 2 files skipped.*; expected at least 2"):
        load_images(root, cache_dir=cache)
    jpeg = picture(5, size=(64, 64), format="JPEG")
    with pytest.raises(ValueError, match="only one usable image, 3 files skipped"):  # seen in the second pass
        load_images(folder(root, {"d.jpg": jpeg[: len(jpeg) // 2]}), resolution=16, cache_dir=cache)
    assert not list(cache.iterdir())


@pytest.mark.parametrize("name, data, message", [
    ("a.zip", b"hello", "a.zip is not a zip file, or is damaged"),
    ("a.parquet", b"hello, I am not parquet", "arquet.* \\(a.parquet\\)$"),
    ("a.png", picture(), "a.png is neither a zip nor a parquet file; expected a folder"),
    ("empty.zip", b"PK\x05\x06" + bytes(18), "empty.zip is empty"),
])
def test_wrong_files(tmp_path, cache, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message):
        load_images(tmp_path / name, cache_dir=cache)


def test_parquet_without_images(tmp_path, cache):
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"no image column; the columns are text, n \(a.parquet\)"):
        load_images(tmp_path / "a.parquet", cache_dir=cache)


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
    x, c = whole.batch(57)
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
    x, c = Stream(images, seed=0).batch(4)
    assert x.shape == (4, 1, 4, 4) and x.dtype == torch.float32 and x.is_contiguous()
    assert (x[..., 1:] == 1).all() and x.min() == -1
    assert c.dtype == torch.int64
    plain = numbered(10)
    x, c = Stream(plain, seed=0).batch(4)
    assert torch.equal(c, numbers(x).long() % 5)
    assert Stream(numbered(10, labels=False), seed=0).batch(4)[1] is None


def test_flip():
    x, _ = Stream(numbered(100), seed=0).batch(200)
    mirrored, _ = Stream(numbered(100), seed=0, flip=True).batch(200)
    flipped = mirrored[:, 0, 0, 3] > -1
    assert 70 < flipped.sum() < 130 and not torch.equal(flipped[:100], flipped[100:])
    assert torch.equal(torch.where(flipped[:, None, None, None], mirrored.flip(3), mirrored), x)


def test_seed_out_of_range():
    with pytest.raises(ValueError, match="seed must be an integer from 0 to"):
        Stream(numbered(2), seed=-1)


# --- real data ---------------------------------------------------------------------------------------------------


@pytest.mark.data
def test_real_data_sets(tmp_path):
    root = os.environ.get("GAN_GALLERY_DATA")
    if not root:
        pytest.skip("GAN_GALLERY_DATA does not name the folder with mnist/ and cats64.zip")
    mnist = load_images(Path(root) / "mnist" / "train-00000-of-00001.parquet", cache_dir=tmp_path)
    assert mnist.spec == DataSpec(32, 1, 10, tuple("0123456789"), 60_000) and not mnist.skipped
    assert np.bincount(mnist.labels).min() > 5000
    cats = load_images(Path(root) / "cats64.zip", cache_dir=tmp_path)
    assert cats.spec == DataSpec(64, 3, 0, (), 8_303) and cats.labels is None and not cats.skipped
    x, c = Stream(cats, seed=0).batch(10_000)
    assert x.shape == (10_000, 3, 64, 64) and c is None
