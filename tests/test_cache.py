"""train.data.cache: a source is read once, and neither a full disk nor a damaged file can be taken for its pixels."""

import errno
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pictures import FILES, folder, parquet, picture, zipped
from PIL import Image

import gan.files
from train.data import images as data_images
from train.data.images import load_images


@pytest.fixture
def passes(monkeypatch):
    """Counts the files that were probed and decoded."""
    counts = {"probe": 0, "decoded": 0}

    def counting(name, work):
        def counted(*args, **kwargs):
            counts[name] += 1
            return work(*args, **kwargs)
        monkeypatch.setattr(data_images, name, counted)

    counting("probe", data_images.probe)
    counting("decoded", data_images.decoded)
    return counts


@pytest.mark.parametrize("kind", ["folder", "zip", "parquet"])
def test_unchanged_source_is_read_once(tmp_path, cache, passes, kind):
    source = {"folder": lambda: folder(tmp_path / "set", FILES), "zip": lambda: zipped(tmp_path / "a.zip", FILES),
              "parquet": lambda: parquet(tmp_path / "a.parquet", list(FILES.values()))}[kind]()
    first = load_images(source)
    second = load_images(source)
    assert passes == {"probe": 6, "decoded": 6}
    assert isinstance(second.pixels, np.memmap) and not second.pixels.flags.writeable
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert (first.spec, first.fingerprint, first.name) == (second.spec, second.fingerprint, second.name)
    load_images(source, resolution=16)  # what was chosen is now asked for: surveyed, not decoded
    assert passes == {"probe": 12, "decoded": 6}


def test_of_several_that_want_the_same_pictures_one_reads_them(tmp_path, cache, passes):
    """As the processes do that train one run on one machine."""
    root = folder(tmp_path / "set", FILES)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: load_images(root), range(4)))
    assert passes == {"probe": 6, "decoded": 6} and len({images.fingerprint for images in found}) == 1


def test_changed_source_is_read_again(tmp_path, cache, passes):
    root = folder(tmp_path / "set", FILES)
    first = load_images(root)
    os.utime(root / "cat/0.png", ns=(1, 1))  # touched only: the content is what counts
    assert load_images(root).fingerprint == first.fingerprint
    assert passes == {"probe": 12, "decoded": 6}
    (root / "cat/0.png").write_bytes(picture(99))
    changed = load_images(root)
    assert changed.fingerprint != first.fingerprint and passes["decoded"] == 12
    np.testing.assert_array_equal(changed.pixels[0], np.asarray(Image.open(io.BytesIO(picture(99)))))
    (root / "dog/2.png").unlink()
    assert len(load_images(root).pixels) == 5


def test_fingerprint_tells_labels_and_resolutions_apart(tmp_path, cache):
    root = folder(tmp_path / "set", FILES)
    flat = folder(tmp_path / "flat", {name.replace("/", ""): data for name, data in FILES.items()})
    prints = {load_images(root).fingerprint, load_images(flat).fingerprint,
              load_images(root, resolution=32).fingerprint}
    assert len(prints) == 3


@pytest.mark.parametrize("damage", ["cut", "json", "gone"])
def test_damaged_cache_is_made_anew(tmp_path, cache, passes, damage):
    root = folder(tmp_path / "set", FILES)
    first = load_images(root)
    pixels, about = cache / f"{first.fingerprint}.npy", cache / f"{first.fingerprint}.json"
    expected = np.array(first.pixels)
    if damage == "cut":
        pixels.write_bytes(pixels.read_bytes()[:-1])
    elif damage == "json":
        about.write_bytes(about.read_bytes()[:-2])
    else:
        about.unlink()
    np.testing.assert_array_equal(load_images(root).pixels, expected)
    assert passes["decoded"] == 12


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_failing_disk_leaves_nothing_behind(tmp_path, cache, monkeypatch, code):
    root = folder(tmp_path / "set", FILES)

    def fail(handle):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(ValueError, match="cannot write the image cache in .*XDG_CACHE_HOME") as caught:
            load_images(root)
        assert "\n" not in str(caught.value) and ("free some space" in str(caught.value)) == (code == errno.ENOSPC)
    assert list(cache.iterdir()) == []
    assert len(load_images(root).pixels) == 6


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_full_disk_while_writing_and_closing(tmp_path, cache, monkeypatch):
    root = folder(tmp_path / "set", FILES)

    def full(path, mode):
        if "x" not in mode:
            return open(path, mode)
        path.touch()  # as it would be
        return open("/dev/full", "wb", buffering=1024)

    with monkeypatch.context() as patch:
        patch.setattr(gan.files, "open", full, raising=False)
        with pytest.raises(ValueError, match="No space left on device; free some space"):
            load_images(root)
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
            load_images(root)
    assert [p.suffix for p in cache.iterdir()] == [".npy"]
    load_images(root)
    assert passes["decoded"] == 12


def test_leftovers_of_killed_runs_are_removed(tmp_path, cache):
    root = folder(tmp_path / "set", FILES)
    name = load_images(root).fingerprint + ".npy"
    for suffix, age in (("old", 7200), ("new", 0)):
        (cache / f".{name}.{suffix}.tmp").write_bytes(b"x")
        os.utime(cache / f".{name}.{suffix}.tmp", times=(time.time() - age,) * 2)
    (cache / name).unlink()
    load_images(root)
    assert [p.name for p in cache.glob(".*.tmp")] == [f".{name}.new.tmp"]


def test_cache_folder(tmp_path, monkeypatch):
    root = folder(tmp_path / "set", FILES)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    images = load_images(root)
    assert (tmp_path / "xdg" / "gan-gallery" / f"{images.fingerprint}.npy").is_file()
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", "~no-such-user/here")
    with pytest.raises(FileNotFoundError, match="~no-such-user/here is: point XDG_CACHE_HOME at a folder that can"):
        load_images(root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ValueError, match="point XDG_CACHE_HOME at a folder that can be written"):
        load_images(root)


def test_progress(tmp_path, cache):
    calls = []
    load_images(folder(tmp_path / "set", FILES), progress=lambda *call: calls.append(call))
    assert calls[-1] == (12, 12) and calls == sorted(calls) and len(calls) <= 3
