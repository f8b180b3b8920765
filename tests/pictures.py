"""Pictures and data sets in every form that the trainer reads, shared by its tests."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from train.data.images import load_images


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


def tarred(path, files, mode="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as file:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return path


def webdataset(root, images, classes=None, a_shard=4):
    """Tar shards, each sample a picture and, where there are classes, a .cls beside it."""
    for first in range(0, len(images), a_shard):
        files = {}
        for k in range(first, min(first + a_shard, len(images))):
            files[f"{k:06d}.png"] = images[k]
            if classes:
                files[f"{k:06d}.cls"] = str(classes[k]).encode()
        tarred(root / f"train-{first // a_shard:05d}.tar", files)
    return root


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        return load_images(source, resolution=resolution).pixels[0]


def files_in(root):
    """Name -> bytes of all files below a folder."""
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def odd_photos(root: Path) -> Path:
    """A folder of 24 pictures in three classes, with what goes wrong in real folders among them."""
    rs = np.random.RandomState(0)
    for k in range(24):
        folder = root / ("ant", "bee", "cat")[k % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rs.randint(0, 256, (16, 20, 3), np.uint8)).save(folder / f"{k}.png")
    (root / "ant" / "notes.txt").write_text("not a picture")
    whole = (root / "bee" / "1.png").read_bytes()
    (root / "bee" / "torn.jpg").write_bytes(whole[:100])
    return root
