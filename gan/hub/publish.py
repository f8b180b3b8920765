"""A model's folder as a repository on the Hugging Face Hub: one commit, or nothing.

Pushing again sends what changed. Each commit names the one that it was made for, so that it cannot undo what somebody else
did in the meantime, and a commit whose answer is lost on the way is found again instead of made twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gan.hub.card import card, is_ours
from gan.hub.config import read_object
from gan.hub.contents import CONFIG, SHEET, contents
from gan.hub.format import load
from gan.hub.listing import listed, names_in
from gan.hub.remote import HUB_ID, fetched
from gan.hub.troubles import WAITS_S, HubError, patiently, pause, reason, status, transient

__all__ = ["MODEL", "Kind", "Published", "check_push", "push", "upload"]

ATTRIBUTES = "".join(f"*.{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in ("safetensors", "png", "webp"))
Files = Mapping[str, "Path | bytes"]


@dataclass(frozen=True)
class Kind:
    """A kind of repository, and what holds for one that is there already."""

    type: str  #                                     model, dataset or space
    ours: Callable[[Any, str, str, set[str]], bool]  # (api, repo, commit, names of its files): may it be written to?
    outdated: Callable[[str], bool]  #               of a name there that is not among the new files: does it go?
    making: Mapping[str, Any] = field(default_factory=dict)  # more arguments of ``create_repo``


@dataclass(frozen=True)
class Published:
    """What a push did."""

    url: str  #      of the page
    commit: str
    changed: int  #  files sent or taken away; 0 = the repository was the same already


def push(folder: Path, repo: str, *, private: bool = False) -> Published:
    """Makes the repository ``user/name`` hold the model of a folder: weights, card, samples, timeline.

    A card that was written here is written anew, for the model's name on the Hub; one that you wrote stays as it is.
    Errors: ``HubError`` in one line; ``ValueError``, ``FileNotFoundError`` where the folder holds no whole model.
    """
    files: dict[str, Path | bytes] = dict(contents(folder))
    model = load(folder)
    readme = folder / "README.md"
    if model.training and (not readme.is_file() or is_ours(readme.read_text("utf-8"))):
        files["README.md"] = card(repo, model, model.training).encode()
    return upload(files, repo, MODEL, private=private, message=f"{repo.split('/')[-1]} {model.revision}")


def check_push(repo: str, *, private: bool = False, kind: Kind | None = None) -> None:
    """Whether a later upload will be let in (of a model, unless another kind is named), so that long work does not end at a
    closed door. Nothing is made: work that comes to nothing leaves no empty repository.

    Errors: ``HubError`` in one line.
    """
    from huggingface_hub import HfApi
    from huggingface_hub import errors as e
    from huggingface_hub.utils import validate_repo_id

    with _in_one_line(repo):
        api, kind = HfApi(), kind or MODEL
        _check_writer(api, repo)
        validate_repo_id(repo)
        with suppress(e.RepositoryNotFoundError):
            _checked(api, repo, kind, private)


def upload(files: Files, repo: str, kind: Kind, *, private: bool = False, message: str, branch: str = "main") -> Published:
    """One commit that makes a branch hold the files; repository and branch are made where they are not there.

    Errors: ``HubError`` in one line; then nothing was published.
    """
    with _in_one_line(repo):
        api, info = _opened(repo, kind, private)
        if branch != "main":
            patiently(api.create_branch, repo, branch=branch, repo_type=kind.type, exist_ok=True)
            info = patiently(api.repo_info, repo, repo_type=kind.type, revision=branch)
        names = patiently(names_in, api, repo, info.sha, kind.type)
        more = {} if ".gitattributes" in names else {".gitattributes": ATTRIBUTES.encode()}  # the Hub's own is as good
        old = {name for name in names - set(files) if kind.outdated(name)}
        return _Push(api, repo, kind.type, branch, {**more, **files}, message).commit(info.sha, old)


@contextmanager
def _in_one_line(repo: str) -> Iterator[None]:
    from huggingface_hub import errors as e

    try:
        yield
    except HubError:
        raise
    except (e.HTTPError, e.HFValidationError, OSError, ValueError, RuntimeError) as error:
        cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
        raise HubError(f"nothing was published in {repo}: {reason(cause)}") from error
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted: {repo} holds all of it or nothing; the same command goes on") from None


def _opened(repo: str, kind: Kind, private: bool) -> tuple[Any, Any]:
    """(client, what the Hub says of the repository), which is there now and may be written to."""
    from huggingface_hub import HfApi

    api = HfApi()
    _check_writer(api, repo)
    patiently(api.create_repo, repo, repo_type=kind.type, private=private or None, exist_ok=True, **kind.making)
    return api, _checked(api, repo, kind, private)


def _checked(api: Any, repo: str, kind: Kind, private: bool) -> Any:
    """What the Hub says of a repository that is there and may be written to. Errors: ``HubError``; those of the client."""
    info = patiently(api.repo_info, repo, repo_type=kind.type)
    if private and not info.private:
        raise HubError(f"{repo} is there already, and everybody can see it: make it private in its settings on the Hub, "
                       "or leave out --private")
    if not kind.ours(api, repo, info.sha, patiently(names_in, api, repo, info.sha, kind.type)):
        raise HubError(f"{repo} is there already and holds something else: choose another name")
    return info


def _check_writer(api: Any, repo: str) -> None:
    """Errors: ``HubError`` where this is no name, or the token is one that only reads, or another user's."""
    if not HUB_ID.fullmatch(repo) or "@" in repo:
        raise HubError(f"{repo[:100]!r} is no name for a repository: expected user/name")
    who = patiently(api.whoami)
    mine = [who["name"], *(org["name"] for org in who.get("orgs", []))]
    role = who.get("auth", {}).get("accessToken", {}).get("role")
    if role == "read":
        raise HubError("your token may only read: make one that may write (huggingface.co/settings/tokens), and log in with "
                       "it by `hf auth login`, or set HF_TOKEN")
    if repo.split("/")[0] not in mine:
        raise HubError(f"you are logged in as {mine[0]} and may write under {' and '.join(mine)}, not under "
                       f"{repo.split('/')[0]}")


def _is_model(api: Any, repo: str, commit: str, names: set[str]) -> bool:
    """Whether a repository of these files is empty or holds a model of this project."""
    if CONFIG not in names:
        return names <= {".gitattributes", "README.md"}
    try:
        config = read_object(fetched(api, repo, commit, listed(api, repo, commit, [CONFIG])[CONFIG]))
        return {"family", "format", "latent"} <= set(config)
    except ValueError:
        return False


def _is_sheet(name: str) -> bool:
    return bool(SHEET.fullmatch(name))


MODEL = Kind("model", _is_model, _is_sheet)


class _Push:
    """The one commit that makes a repository hold the files."""

    def __init__(self, api: Any, repo: str, type: str, branch: str, files: Files, message: str):
        self.api, self.repo, self.files, self.message, self.type = api, repo, files, message, type
        self.to = {"repo_type": type, "revision": branch}

    def commit(self, parent: str, old: set[str]) -> Published:
        """On top of ``parent``; ``old`` are the files there that go. Errors: those of the client."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        same = self._same_at(parent)
        changed = {name: source for name, source in self.files.items() if name not in same}
        operations = [*(CommitOperationAdd(name, _source(source)) for name, source in changed.items()),
                      *(CommitOperationDelete(name, is_folder=False) for name in sorted(old))]
        made = self._committed(operations, parent) if operations else parent
        prefix = "" if self.type == "model" else f"{self.type}s/"
        return Published(f"{self.api.endpoint}/{prefix}{self.repo}", made, len(operations))

    def _same_at(self, commit: str) -> set[str]:
        """The names of the files that the commit has already."""
        there = listed(self.api, self.repo, commit, self.files, self.type)
        return {name for name, file in there.items() if file.is_same(self.files[name])}

    def _committed(self, operations: list[Any], parent: str) -> str:
        """The commit that was made. Large files that have arrived are not sent again by a later try."""
        for wait_s in (*WAITS_S, None):
            try:
                return self.api.create_commit(self.repo, operations, commit_message=self.message, parent_commit=parent,
                                              **self.to).oid
            except Exception as error:
                if not transient(error) and status(error) != 412:
                    raise
                if made := self._made_after_all(parent):
                    return made
                if wait_s is None or status(error) == 412:
                    raise
                pause(error, wait_s)
        raise AssertionError("the last try returns or raises")

    def _made_after_all(self, parent: str) -> str | None:
        """The newest commit, where it is the one whose answer did not arrive."""
        head = patiently(self.api.repo_info, self.repo, **self.to).sha
        return head if head != parent and len(self._same_at(head)) == len(self.files) else None


def _source(source: Path | bytes) -> str | bytes:
    return source if isinstance(source, bytes) else str(source)
