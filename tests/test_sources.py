"""train.data.sources: every source gives the same images; what cannot be read is said in one line."""

import gzip
import io
import logging
import sys
import tarfile
import types
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pictures import FILES, folder, parquet, picture, tarred, webdataset, zipped
from PIL import Image

from train.data import tables
from train.data.images import load_images
from train.data.spec import DataSpec


def test_every_source_gives_the_same_images(tmp_path, monkeypatch):
    sources = [folder(tmp_path / "plain", FILES), folder(tmp_path / "nested", {f"top/{n}": d for n, d in FILES.items()}),
               zipped(tmp_path / "a.zip", {f"top/{n}": d for n, d in reversed(FILES.items())}),
               parquet(tmp_path / "a.parquet", list(FILES.values()), [0, 0, 0, 1, 1, 1], ["cat", "dog"]),
               tarred(tmp_path / "a.tar", FILES),
               webdataset(tmp_path / "shards", list(FILES.values()), ["cat"] * 3 + ["dog"] * 3, 4)]
    loaded = []
    for k, source in enumerate(sources):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache {k}"))  # else the first would be decoded alone
        loaded.append(load_images(source))
    expected = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in FILES.values()])
    for images in loaded:
        np.testing.assert_array_equal(images.pixels, expected)
        assert images.pixels.dtype == np.uint8 and images.labels.dtype == np.int64
        assert images.labels.tolist() == [0, 0, 0, 1, 1, 1]
        assert images.spec == DataSpec(16, 3, 2, ("cat", "dog"), 6)
        assert images.fingerprint == loaded[0].fingerprint and images.skipped == ()
    assert [images.name for images in loaded] == ["plain", "nested", "a.zip", "a.parquet", "a.tar", "shards"]


def test_tars_of_many_kinds(tmp_path, cache):
    """Numbers as classes in their order; a mask beside a picture, a picture without class, a hidden one; no class at all."""
    files = {"a.png": picture(0), "a.cls": b"10", "b.png": picture(1), "b.cls": b"9\n", "b.seg.png": picture(2),
             "c.png": picture(3), ".d.png": picture(4), "e.json": b"{}"}
    images = load_images(tarred(tmp_path / "a.tar", files))
    assert images.labels.tolist() == [1, 0] and images.spec.class_names == ("9", "10")
    assert [line.partition(":")[0] for line in images.skipped] == ["b.seg.png", "c.png"]
    plain = load_images(tarred(tmp_path / "b.tar", {"one.of.png": picture(0), "two.png": picture(1)}))
    assert plain.spec.count == 2 and plain.labels is None


def test_members_of_a_tar_are_never_written_and_links_never_followed(tmp_path, cache):
    path = tarred(tmp_path / "a.tar", {"../../evil.png": picture(0), "/abs.png": picture(1), "./c.png": picture(2)})
    with tarfile.open(path, "a") as file:
        link = tarfile.TarInfo("link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
    assert load_images(path).spec.count == 2
    assert {p.name for p in tmp_path.iterdir()} == {"a.tar", "cache"}


@pytest.mark.parametrize("names", [
    ["0.png", "1.png", "2.png"], ["cat/0.png", "cat/1.png"], ["top/cat/0.png", "top/cat/1.png"],
    ["0.png", "cat/1.png", "dog/2.png"],
])
def test_unlabelled(tmp_path, cache, names):
    images = load_images(folder(tmp_path / "set", {n: picture(i) for i, n in enumerate(names)}))
    assert images.labels is None and images.spec == DataSpec(16, 3, 0, (), len(names))


def test_junk_does_not_change_the_classes(tmp_path, cache):
    junk = {"LICENSE.txt": b"free", "notes/read.me": b"hello", ".hidden/x.png": picture(7), "cat/.DS_Store": b"x",
            "__MACOSX/cat/._0.png": b"x"}
    images = load_images(zipped(tmp_path / "a.zip", {**FILES, **junk}))
    assert images.spec.class_names == ("cat", "dog") and len(images.pixels) == 6
    assert images.skipped == ("LICENSE.txt: not an image", "notes/read.me: not an image")


def test_files_in_bytewise_order(tmp_path, cache):
    files = {name: picture(i) for i, name in enumerate(["10.png", "2.png", "B.png", "a.png", "é.png"])}
    images = load_images(folder(tmp_path / "set", dict(reversed(files.items()))))
    for pixels, data in zip(images.pixels, files.values(), strict=True):
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(io.BytesIO(data))))


def test_a_loop_of_links_ends(tmp_path, cache):
    root = folder(tmp_path / "set", FILES)
    try:
        (root / "cat" / "loop").symlink_to(root, target_is_directory=True)
    except OSError:
        pytest.skip("no symbolic links here")
    assert len(load_images(root).pixels) == 6


def test_folders_that_look_like_parts_of_a_set_are_told_of(tmp_path, cache, caplog):
    root = folder(tmp_path / "set", {f"{part}/{kind}/{k}.png": picture(k) for k, (part, kind) in enumerate(
        [("train", "cat"), ("train", "dog"), ("val", "cat")])})
    assert load_images(root).spec.class_names == ("train", "val")
    assert "set: its folders look like parts of a set (train, val), and are taken for classes" in caplog.text
    caplog.clear()
    assert load_images(root / "train").spec.class_names == ("cat", "dog") and not caplog.text


def test_names_in_a_zip_that_was_packed_without_the_flag_for_utf_8(tmp_path, cache):
    """As zip on a Unix system writes them; a name that is no UTF-8 stays what the standard calls it."""
    class Unflagged(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):
            return names[self.filename], self.flag_bits

    names = {"a/1.png": "Gänse/1.png".encode(), "b/1.png": "Kühe/1.png".encode("cp437")}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name in names:
            file.writestr(Unflagged(name), picture(len(name)))
    assert load_images(tmp_path / "a.zip").spec.class_names == ("Gänse", "Kühe")


def test_zip_members_are_never_written(tmp_path, cache):
    files = {"../../evil.png": picture(0), "/abs.png": picture(1), "win\\2.png": picture(2)}
    load_images(zipped(tmp_path / "a.zip", files))
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
    images = load_images(path)
    assert images.spec.class_names == class_names and images.spec.classes == len(class_names)
    assert (None if images.labels is None else images.labels.tolist()) == expected


@pytest.mark.parametrize("kind", [
    pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.large_string()),
    pa.dictionary(pa.int32(), pa.int64()), pa.int8(), pa.bool_()], ids=str)
def test_labels_of_every_type_that_tables_are_written_with(tmp_path, cache, monkeypatch, kind):
    """pandas writes text as large_string, and categories as a dictionary."""
    text, truths = "string" in str(kind), pa.types.is_boolean(kind)
    words = pa.array(["dog", "cat", None, "dog"] if text else [True, False, None, True] if truths else [7, 3, None, 7])
    if pa.types.is_dictionary(kind):
        words = words.cast(kind.value_type).dictionary_encode()
    table = pa.table({"image": [picture(k) for k in range(4)], "label": words.cast(kind)})
    pq.write_table(table, tmp_path / "a.parquet")
    with monkeypatch.context() as patch:
        patch.setattr(tables, "_names_classes", lambda kind: False)
        assert load_images(tmp_path / "a.parquet").labels is None
    images = load_images(tmp_path / "a.parquet")  # what was cached of the same file had none
    assert images.labels.tolist() == [1, 0, 1] and images.skipped == ("a.parquet#2: has no label",)
    assert images.spec.class_names == (("cat", "dog") if text else ("False", "True") if truths else ("3", "7"))


def test_labels_that_name_no_classes_are_not_passed_over_in_silence(tmp_path, cache, caplog):
    table = pa.table({"image": [picture(k) for k in range(3)], "label": [0.5, 0.25, 0.5]})
    pq.write_table(table, tmp_path / "a.parquet")
    assert load_images(tmp_path / "a.parquet").labels is None
    assert "a.parquet: its column label holds double, which name no classes: read without them" in caplog.text


def test_parquet_rows_without_label_or_bytes_are_skipped(tmp_path, cache):
    rows = [picture(0), None, picture(2), picture(3)]
    images = load_images(parquet(tmp_path / "a.parquet", rows, [0, 1, -1, 1], ["x", "y"]))
    assert images.labels.tolist() == [0, 1]
    assert images.skipped == ("a.parquet#1: has no image bytes", "a.parquet#2: has no label")


def test_parquet_shards_of_train_only(tmp_path, cache, caplog):
    root = tmp_path / "set"
    for s, name in enumerate(("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001")):
        parquet(root / "data" / f"{name}.parquet", [picture(2 * s), picture(2 * s + 1)], column="img")
    (root / "README.md").write_text("a card")
    with caplog.at_level(logging.INFO):
        images = load_images(root)
    np.testing.assert_array_equal(images.pixels[3], np.asarray(Image.open(io.BytesIO(picture(3)))))
    assert len(images.pixels) == 4 and "only the train split is used, 2 of 3 shards" in caplog.text
    one = load_images(root / "data" / "test-00000-of-00001.parquet")
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
    images = load_images("someone/pets")
    assert images.name == "someone/pets" and images.labels.tolist() == [0, 1, 0, 1]
    assert images.spec.class_names == ("x", "y")
    np.testing.assert_array_equal(images.pixels[3], np.asarray(Image.open(io.BytesIO(picture(3)))))


@pytest.mark.parametrize(("values", "names"), [(["dog", "cat", "dog"], ("cat", "dog")), ([7, 3, 7], ("3", "7"))])
def test_hub_data_set_with_plain_labels(cache, monkeypatch, values, names):
    """As of the same set with --stream."""
    import datasets

    rows = {"image": [{"bytes": picture(k), "path": None} for k in range(3)], "label": values, "caption": ["a", "b", "c"]}
    held = datasets.Dataset.from_dict(rows).cast_column("image", datasets.Image())
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: held)
    images = load_images("someone/pets")
    assert images.labels.tolist() == [1, 0, 1] and images.spec.class_names == names
    monkeypatch.setattr(datasets, "load_dataset", lambda name, split: held.remove_columns("image"))
    with pytest.raises(ValueError, match=r"^no image column; the columns are label, caption \(someone/words\)$"):
        load_images("someone/words")


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [
    "nowhere", "some/where/deep", "data/gone.zip", "/no/such", "data/gone.parquet", "~photos/", "~photos"])
def test_no_such_path(cache, name):
    with pytest.raises(FileNotFoundError, match=f"{name}: no such file or folder; expected .* user/name"):
        load_images(name)


def test_a_folder_that_begins_as_a_home_does(tmp_path, cache, monkeypatch):
    folder(tmp_path / "~photos", FILES)
    monkeypatch.chdir(tmp_path)
    assert load_images("~photos/").name == "~photos"


def test_hub_id_without_datasets(cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ValueError, match="someone/pets is no local path; .*pip install datasets"):
        load_images("someone/pets")


def test_hub_errors_are_one_line(cache, monkeypatch):
    def load_dataset(name, split):
        raise RuntimeError("no such data set\nlong explanation")

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    with pytest.raises(ValueError, match="someone/pets is no local path.* cannot be read: no such data set$"):
        load_images("someone/pets")


def test_empty_folder(tmp_path, cache):
    (tmp_path / "set" / "sub").mkdir(parents=True)
    with pytest.raises(ValueError, match="set is empty; expected"):
        load_images(tmp_path / "set")


def test_nothing_readable(tmp_path, cache):
    root = folder(tmp_path / "set", {"a.txt": b"hello", "b.txt": b"world"})
    with pytest.raises(ValueError, match="no usable image, 2 files skipped, the first being a.txt: not an image"):
        load_images(root)
    (root / "c.png").write_bytes(picture())
    with pytest.raises(ValueError, match="only one usable image, 2 files skipped.*; expected at least 2"):
        load_images(root)
    jpeg = picture(5, size=(64, 64), format="JPEG")
    with pytest.raises(ValueError, match="only one usable image, 3 files skipped"):  # seen in the second pass
        load_images(folder(root, {"d.jpg": jpeg[: len(jpeg) // 2]}), resolution=16)
    assert not list(cache.iterdir())


@pytest.mark.parametrize("name, data, message", [
    ("a.zip", b"hello", "a.zip is not a zip file, or is damaged"),
    ("a.parquet", b"hello, I am not parquet", "arquet.* \\(a.parquet\\)$"),
    ("a.tar", b"no", "a.tar is no tar that can be read in place"),
    ("a.tar.gz", gzip.compress(b"no" * 600, mtime=0), "a compressed one must be unpacked first"),
    ("a.png", picture(), "a.png is neither a zip nor a parquet nor a tar file; expected a folder"),
    ("empty.zip", b"PK\x05\x06" + bytes(18), "empty.zip is empty"),
])
def test_wrong_files(tmp_path, cache, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message):
        load_images(tmp_path / name)


def test_parquet_without_images(tmp_path, cache):
    pq.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"no image column; the columns are text, n \(a.parquet\)"):
        load_images(tmp_path / "a.parquet")
