"""The gallery as a Hugging Face Space: the folder of an app that runs by itself, and the commit that publishes it.

A model on the Hub is named with its commit and preloaded when the Space is built, so that a start asks the Hub for nothing;
one of this machine travels inside the Space. What the owner set on the Space's page is not touched: secrets, variables,
hardware, and those lines of the front matter that are a matter of taste.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from gan.files import check_new, object_in
from gan.gallery import NAMES, Entry, entry
from gan.hub.contents import contents
from gan.hub.folders import WEIGHTS
from gan.hub.listing import Listed, listed
from gan.hub.publish import Kind, Published, upload
from gan.hub.remote import HUB_ID, NEEDED, fetched
from gan.hub.troubles import HubError, patiently, reason

__all__ = ["push_site", "push_space", "space_files", "write_space"]

ROOT = Path(__file__).resolve().parents[1]
CODE = ("app.py", "LICENSE", "gan/**/*.py", "gan/**/*.js", "gan/**/*.css", "gan/**/*.html")
OURS = {"app.py", "gan/engine.py", "gan/space.py"}  # a Space that holds these was written here
WHOLE = ("gan/", "weights/")  # folders of a Space that are replaced as a whole
HARDWARE = "zero-a10g"  # shared GPUs: what a free account may use (docs/space.md)
TASTE = {"title": None, "emoji": "🖼️", "colorFrom": "indigo", "colorTo": "pink", "license": "apache-2.0",
         "short_description": "Draw with GANs: seeds, sheets, walks, links"}


def space_files(repo: str, models: Sequence[str], front: Mapping[str, Any] | None = None) -> dict[str, Path | bytes]:
    """The files of the Space ``user/name`` that shows the models (names, folders, Hub ids), by name.

    ``front`` is the front matter that the Space has already. Errors: ``ValueError``, ``FileNotFoundError`` for what is no
    model, ``HubError`` for one on the Hub that a Space could not preload.
    """
    files: dict[str, Path | bytes] = {path.relative_to(ROOT).as_posix(): path for pattern in CODE
                                      for path in sorted(ROOT.glob(pattern)) if path.is_file()}
    shown: dict[str, Entry] = {}
    preload: dict[str, str] = {}  # user/name@commit -> its line of the front matter
    for name in models:
        found = entry(name)
        if found.id in shown and found.folder != shown[found.id].folder:
            raise ValueError(f"two models are called {found.id}: rename the folder of one")
        shown[found.id] = found
        if Path(name).is_dir() or (WEIGHTS / name).is_dir():
            files |= {f"weights/{found.id}/{part}": path for part, path in contents(found.folder).items()}
        else:
            preload |= _pinned(found.id, found.folder.name)
    files["requirements.txt"] = f"{(ROOT / 'requirements.txt').read_text('utf-8').strip()}\nspaces>=0.40\n".encode()
    files[NAMES] = "".join(f"{name}\n" for name in preload).encode()
    files["README.md"] = _readme(repo, list(shown.values()), list(preload.values()), front or {}).encode()
    return files


def write_space(folder: Path, repo: str, models: Sequence[str]) -> int:
    """Writes the Space into a new folder, which runs there by ``python app.py``; the number of its files.

    Errors: as ``space_files``; ``FileExistsError`` where there is something in the folder.
    """
    check_new(folder, "--dry-run")
    files = space_files(repo, models)
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
    return len(files)


def push_space(repo: str, models: Sequence[str], *, private: bool = False) -> Published:
    """Makes or updates the Space, in one commit. Errors: ``HubError`` in one line; those of ``space_files``."""
    files = space_files(repo, models, _front_there(repo))
    kind = Kind("space", _is_gallery, _is_replaced, {"space_sdk": "gradio", "space_hardware": HARDWARE})
    return upload(files, repo, kind, private=private, message=f"The gallery with {', '.join(models)}"[:200])


def push_site(repo: str, site: Path, shown: Sequence[str]) -> Published:
    """Makes or updates a static Space of the folder that ``gan.web.build_site`` wrote. Errors: ``HubError`` in one line."""
    ours = {"sdk": "static", "app_file": "index.html", "models": [model for model in shown if HUB_ID.fullmatch(model)]}
    head = _head(repo, _front_there(repo), ours)
    readme = f"{head}\n\nDrawn by your own browser: {', '.join(shown)}.\n"
    files: dict[str, Path | bytes] = {p.relative_to(site).as_posix(): p for p in sorted(site.rglob("*")) if p.is_file()}
    kind = Kind("space", _is_site, lambda path: path.startswith(("models/", "runtime/")), {"space_sdk": "static"})
    return upload({**files, "README.md": readme.encode()}, repo, kind, message=f"The page of {', '.join(shown)}"[:200])


def _is_site(api: Any, repo: str, commit: str, names: set[str]) -> bool:
    """Whether a static Space is new, as the Hub makes it, or was written here."""
    new = {".gitattributes", "README.md", "index.html", "style.css"}
    return {"index.html", "site.json", "random.js"} <= names or names <= new


def _head(repo: str, front: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """Front matter and title of a Space's README: the owner's lines of the front matter stay, ours say what it needs."""
    taste = {key: repo.split("/")[-1] if value is None else value for key, value in TASTE.items()}
    matter = {key: value for key, value in {**taste, **front, **ours}.items() if value not in ([], None)}
    text = yaml.safe_dump(matter, allow_unicode=True, sort_keys=False).strip()
    return f"---\n{text}\n---\n\n# {matter['title']}"


def _is_gallery(api: Any, repo: str, commit: str, names: set[str]) -> bool:
    """Whether a Space is empty or was written here."""
    return names >= OURS or names <= {".gitattributes", "README.md"}


def _is_replaced(name: str) -> bool:
    return name.startswith(WHOLE)


def _pinned(repo: str, commit: str) -> dict[str, str]:
    """``user/name@commit``, and what the Hub shall preload of it."""
    from huggingface_hub import HfApi
    from huggingface_hub import errors as e

    api = HfApi()
    try:
        if patiently(api.model_info, repo, revision=commit).private:
            raise HubError(f"{repo} is private, and a Space cannot preload it: make it public, or pull it into a folder "
                           f"and name that")
        names = listed(api, repo, commit, NEEDED)
    except (e.HTTPError, e.OfflineModeIsEnabled) as error:
        raise HubError(f"cannot look at {repo} on the Hub: {reason(error, revision=commit)}") from error
    return {f"{repo}@{commit}": f"{repo} {','.join(names)} {commit}"}


def _front_there(repo: str) -> dict[str, Any]:
    """The front matter of the Space's README, {} where there is no Space yet, or none that can be read."""
    from huggingface_hub import HfApi
    from huggingface_hub import errors as e

    if not HUB_ID.fullmatch(repo):
        return {}
    api = HfApi()
    try:
        commit = patiently(api.repo_info, repo, repo_type="space").sha
        readme: Listed | None = listed(api, repo, commit, ["README.md"], "space").get("README.md")
        text = fetched(api, repo, commit, readme, "space").read_text("utf-8") if readme else ""
        front = yaml.safe_load(text.split("---\n")[1]) if text.startswith("---\n") else {}
        return front if isinstance(front, dict) else {}
    except (e.HTTPError, e.HFValidationError, e.OfflineModeIsEnabled, OSError, ValueError, IndexError, yaml.YAMLError):
        return {}  # publishing will say what is wrong


def _readme(repo: str, shown: Sequence[Entry], preload: list[str], front: Mapping[str, Any]) -> str:
    ours = {"sdk": "gradio", "sdk_version": importlib.metadata.version("gradio"), "python_version": "3.12",
            "app_file": "app.py", "suggested_hardware": HARDWARE,
            "models": [line.split()[0] for line in preload], "preload_from_hub": preload}
    rows = "\n".join(f"| {_model(e)} | {e.family}, {e.resolution} px | {_text(e, 'name')} | {_text(e, 'licence')} |"
                     for e in shown)
    return f"""{_head(repo, front, ours)}

Pictures drawn by small generative networks, in your browser. Every picture carries the recipe that made it, and the address
bar always holds the link to what you see.

| model | | data | licence of the data, and so of the weights |
|---|---|---|---|
{rows}

This folder runs by itself: `pip install -r requirements.txt`, then `python app.py`. The code is Apache-2.0.
"""


def _model(e: Entry) -> str:
    return f"[{e.id}](https://huggingface.co/{e.id})" if "/" in e.id else e.id


def _text(e: Entry, key: str) -> str:
    return " ".join(str(object_in(e.training, "data").get(key) or "not stated").split())[:200].replace("|", "\\|")
