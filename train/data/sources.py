"""Where training images come from: a folder, a zip, parquet or tar shards, or a Hub data set."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

from train.data.folders import ENDINGS, Folder, Zip, ending
from train.data.hub_shards import HubShards
from train.data.items import Source
from train.data.tables import Hub, Parquet, of_train
from train.data.tars import Tars

__all__ = ["open_source"]

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
EXPECTED = "expected a folder of images, a .zip, a .parquet, a .tar or a Hub data set as user/name"


def open_source(path: str | Path, *, streamed: bool = False) -> Source:
    """Finds out what ``path`` is; ``streamed``: of the Hub nothing is downloaded but what is read.

    Errors: ``FileNotFoundError``, or ``ValueError`` saying what is wrong with it."""
    text, path = str(path), Path(os.path.expanduser(path))  # ~NAME of no user is a name like others
    if not text.strip():  # an empty path would be the current folder
        raise ValueError(f"no data given; {EXPECTED}")
    if path.is_dir():
        source = _folder(path)
    elif path.is_file():
        source = _file(path)
    elif HUB_ID.fullmatch(text) and path.suffix.lower() not in (".zip", ".parquet", ".tar"):
        source = HubShards(text) if streamed else Hub(text)
    else:
        raise FileNotFoundError(f"{text}: no such file or folder; {EXPECTED}")
    if not len(source):
        raise ValueError(f"{text} is empty; {EXPECTED}")
    return source


def _file(path: Path) -> Source:
    with open(path, "rb") as file:
        magic = file.read(4)
    if path.suffix.lower() == ".parquet" or magic == b"PAR1":
        # One shard of a Hub data set is called like a thousand others: the folder's name tells which set it is.
        shard = re.fullmatch(r"\w+-\d+-of-\d+\.parquet", path.name)
        return Parquet([path], f"{path.resolve().parent.name}/{path.name}" if shard else path.name)
    if path.suffix.lower() == ".zip" or zipfile.is_zipfile(path):
        return Zip(path)
    if path.suffix.lower() in (".tar", ".tgz") or ".tar." in path.name.lower():
        return Tars([path], path.name)
    raise ValueError(f"{path} is neither a zip nor a parquet nor a tar file; {EXPECTED}")


def _folder(root: Path) -> Source:
    folder = Folder(root)
    endings = {ending(item.name) for item in folder}
    kind = next((kind for kind in (".parquet", ".tar") if kind in endings), None)
    if kind is None or endings & ENDINGS:
        return folder
    shards = [item.name for item in folder if item.name.lower().endswith(kind)]
    return (Parquet if kind == ".parquet" else Tars)([root / name for name in of_train(shards, folder.name)], folder.name)
