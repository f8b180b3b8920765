"""Folders and zip files as sources of training images: sub-folders are classes."""

from __future__ import annotations

import io
import logging
import os
import stat
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from gan.files import composed, visible
from gan.picture import FORMATS
from train.data.items import SPLITS, Item, Source, digest, key_of, printable, size_problem

__all__ = ["ENDINGS", "Files", "Folder", "Zip", "below_the_top", "ending", "size_of"]

log = logging.getLogger(__name__)
# Of files that are read as pictures; a .mpo is two JPEGs, of which the first is taken.
ENDINGS = frozenset(end for end, kind in Image.registered_extensions().items() if kind in (*FORMATS, "MPO"))


def ending(name: str) -> str:
    """".jpg" of "a/B.JPG"."""
    return os.path.splitext(name)[1].lower()


def size_of(item: Item) -> tuple[int, int] | None:
    """(width, height) of a picture, by its header; None of what is none."""
    if item.problem:
        return None
    try:
        with item.open() as file, Image.open(file, formats=FORMATS) as image:
            return image.size
    except Exception:  # decoders meet broken files with anything from KeyError to struct.error
        return None


def below_the_top(paths: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """The parts of paths below the folders that all have in common: these say nothing."""
    while paths and all(len(path) > 1 and path[0] == paths[0][0] for path in paths):
        paths = [path[1:] for path in paths]
    return paths


class Files(Source):
    """Files by relative path, where sub-folders are classes."""

    items: list[Item]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def rows(self, start: int, stop: int) -> Iterator[Item]:
        return iter(self.items[start:stop])

    def usable(self) -> list[int]:
        """What is a picture by its name, or, where a name has no ending, by its header: lists of labels and the like, and
        empty folders, are no pictures, and would stand beside the classes."""
        return [i for i, item in enumerate(self.items) if not item.problem and (
            ending(item.name) in ENDINGS or not ending(item.name) and size_of(item))]

    def note_empty(self, folders: list[str]) -> None:
        """Says of folders beside the items that they hold nothing: each may have been meant for a class."""
        if self.items:
            self.items += [Item(f"{folder}/", io.BytesIO, problem="an empty folder") for folder in sorted(folders)]

    def classes(self, chosen: list[int]) -> tuple[np.ndarray | None, tuple[str, ...]]:
        paths = [[part for part in self.items[i].name.split("/") if part] for i in chosen]
        paths = below_the_top(paths)
        names = sorted({path[0] for path in paths if len(path) > 1})
        if not names:
            return None, ()
        if stray := sum(len(path) == 1 for path in paths):
            log.warning("%s: %d images lie beside the sub-folders: these are not taken for classes", self.name, stray)
            return None, ()
        if all(name.lower() in SPLITS for name in names):
            log.warning("%s: its folders look like parts of a set (%s), and are taken for classes: give one of them as "
                        "--data to have what lies in it for classes", self.name, ", ".join(names))
        index = {name: i for i, name in enumerate(names)}
        return np.array([index[path[0]] for path in paths], np.int64), tuple(map(printable, names))


class Folder(Files):
    """A folder, sub-folders included; links are followed, each target once, so that a loop ends."""

    def __init__(self, root: Path):
        self.name = root.resolve().name or "data"
        self.items, listing, empty, seen = [], [], [], set()
        for folder, folders, files in os.walk(root, followlinks=True):
            folders[:] = [f for f in sorted(folders) if visible(f)]
            for f in [f for f in folders if os.path.islink(os.path.join(folder, f))]:
                real = Path(folder, f).resolve()
                if real in seen or root.resolve().is_relative_to(real):
                    folders.remove(f)
                seen.add(real)
            files = [f for f in files if visible(f)]
            if not folders and not files:
                empty.append(composed(Path(folder).relative_to(root).as_posix()))
            for path in (os.path.join(folder, f) for f in files):
                name = composed(Path(path).relative_to(root).as_posix())
                try:
                    info = os.stat(path)
                except OSError:  # a link to nowhere: opening it says why
                    self.items.append(Item(name, partial(open, path, "rb")))
                    continue
                if stat.S_ISREG(info.st_mode):  # opening a pipe would wait for ever
                    self.items.append(Item(name, partial(open, path, "rb"), problem=size_problem(info.st_size)))
                    listing.append((name, info.st_size, info.st_mtime_ns))
        self.items.sort(key=lambda item: os.fsencode(item.name))
        self.note_empty(empty)
        self.key = key_of("folder", str(root.resolve()), [*sorted(listing), *sorted(empty)])
        self.content = key_of("folder", sorted((name, size) for name, size, _ in listing))


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """Its name, with "/" between folders. Without the flag for UTF-8 the standard says CP437, and most who pack on a Unix
    system write UTF-8."""
    name = info.filename
    if not info.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return composed(name.replace("\\", "/"))


class Zip(Files):
    """A zip file, read in place: no member is ever written to disk, so its name can do no harm."""

    def __init__(self, path: Path):
        self.name = path.name
        try:
            self._file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not a zip file, or is damaged: {error}") from None
        entries = [(_name_in_zip(info), info) for info in self._file.infolist() if not info.is_dir()]
        self.items = [Item(name, partial(self._file.open, info), digest(info.file_size, info.CRC),
                           problem=size_problem(info.file_size)) for name, info in entries if visible(name)]
        self.items.sort(key=lambda item: item.name.encode("utf-8", "surrogateescape"))
        state = path.stat()  # the directory of a zip that was mended says what it said before
        self.content = key_of("zip", [(item.name, item.digest) for item in self.items])
        folders = [name.rstrip("/") for name in map(_name_in_zip, filter(zipfile.ZipInfo.is_dir, self._file.infolist()))
                   if visible(name)]
        self.note_empty([f for f in folders if not any(name.startswith(f"{f}/") for name, _ in entries)])
        self.key = key_of("zip", state.st_size, state.st_mtime_ns, self.content)

    def __exit__(self, *_: object) -> None:
        self._file.close()
