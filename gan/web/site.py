"""A gallery without a server: a folder of static files whose page draws in the visitor's browser.

ONNX Runtime for the web comes from its npm package when a site is built, is checked against the digest written here, and is
served beside the page: the page asks no other host for anything.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gan import hub
from gan.files import cache_home, check_new, new_folder, object_in, write_json
from gan.hub.contents import sha256
from gan.models import family_of
from gan.web.onnx import write_graphs

__all__ = ["build_site", "runtime"]

PAGE = Path(__file__).resolve().parent / "page"
PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
DIGEST = "d2228df7e4616bc3348bf504ee888f3bec43789a273f0a63f3e68d203ce3bf71"  # sha256 of the package
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
WEBGPU = ("ort.jspi.min.mjs", "ort-wasm-simd-threaded.jspi.mjs", "ort-wasm-simd-threaded.jspi.wasm")
NPM_S = 300
Report = Callable[[str, int, int], None]


def build_site(models: Sequence[str], out: Path, report: Report = lambda name, done, total: None, *,
               webgpu: bool = False) -> dict[str, Any]:
    """Writes the site of the models (names, folders, Hub ids) into a new folder; returns what its site.json holds.

    ``webgpu``: the site brings a second runtime, of 17 MB, and draws on the graphics processor of visitors who have one.

    Errors: as ``hub.load``, ``write_graphs`` and ``runtime``; ``FileExistsError`` where there is something in ``out``.
    """
    check_new(out, "--out")
    kept, brought = runtime(), RUNTIME + WEBGPU * webgpu
    with new_folder(out) as site:
        shutil.copytree(PAGE, site, dirs_exist_ok=True)
        (site / "runtime").mkdir()
        for name in brought:
            shutil.copy(kept / name, site / "runtime")
        if webgpu:  # which runtime the first picture waits for is not known before the visitor comes
            index = site / "index.html"
            hints = [line for line in index.read_text("utf-8").splitlines(keepends=True) if 'href="runtime/' not in line]
            index.write_text("".join(hints), "utf-8")
        described = []
        for done, name in enumerate(models):
            report(name, done, len(models))
            described.append(_model(name, site / "models", done))
        names = sorted(p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file())
        data = {"webgpu": webgpu, "models": described, "files": [name for name in names if name != "index.html"]}
        version = sha256(b"".join([json.dumps(data).encode(), *((site / name).read_bytes() for name in names)]))[:12]
        write_json(site / "site.json", data)
        worker = site / "offline.js"  # a browser takes up a new version where the bytes of this file are others
        worker.write_text(f'const VERSION = "{version}";\n{worker.read_text("utf-8")}', "utf-8")
    return data


def _model(name: str, models: Path, number: int) -> dict[str, Any]:
    """Exports a model into a folder of its own; what the page must know of it."""
    model = hub.load(name)
    part = models / str(number)
    part.mkdir(parents=True)
    digest = sha256(b"".join(path.read_bytes() for path in write_graphs(model.G, part)))[:12]
    folder = part.rename(models / f"{number}-{digest}")  # a page that is still open finds none rather than another's
    G, said = model.G, object_in(model.training, "data")
    return {"id": model.id, "revision": model.revision, "folder": folder.name, "family": family_of(G),
            "resolution": G.resolution, "channels": G.channels, "learned": G.w_mean is not None,
            "classNames": list(model.class_names), "data": str(said.get("name") or "not stated")[:200],
            "licence": str(said.get("licence") or "not stated")[:200],
            "latent": {"noise": G.latent.noise, "classes": G.latent.classes, "categorical": list(G.latent.categorical),
                       "continuous": G.latent.continuous, "prior": G.latent.prior}}


def runtime() -> Path:
    """The folder of the runtime's files, fetched by npm at the first time.

    Errors: ``OSError`` in one line where npm is not here, or brings something else than expected.
    """
    base = cache_home()
    folder = base / f"{PACKAGE}-{VERSION}"
    if all((folder / name).is_file() for name in RUNTIME + WEBGPU):
        return folder
    base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=base) as temporary:
        whole = _packed(Path(temporary))
        if sha256(whole) != DIGEST:
            raise OSError(f"npm brought a {PACKAGE} {VERSION} that is not the one expected here: nothing was built")
        files = Path(temporary) / "files"
        files.mkdir()
        with tarfile.open(whole) as archive:
            for name in RUNTIME + WEBGPU:
                source = archive.extractfile(f"package/dist/{name}")
                (files / name).write_bytes(source.read() if source else b"")
        shutil.rmtree(folder, ignore_errors=True)
        files.rename(folder)
    return folder


def _packed(folder: Path) -> Path:
    npm = shutil.which("npm") or "npm"  # on Windows npm.cmd, which is not found by the bare name
    try:
        done = subprocess.run([npm, "pack", f"{PACKAGE}@{VERSION}", "--json", "--silent"], cwd=folder, capture_output=True,
                              text=True, timeout=NPM_S, check=True)
        return folder / json.loads(done.stdout)[0]["filename"]
    except FileNotFoundError:
        raise OSError("a static site is built with npm, which comes with Node.js: install it, and try again") from None
    except (subprocess.SubprocessError, ValueError, LookupError, TypeError) as error:
        reason = str(getattr(error, "stderr", "") or error).strip().partition("\n")[0][:200]
        raise OSError(f"npm could not fetch {PACKAGE} {VERSION}: {reason}") from None
