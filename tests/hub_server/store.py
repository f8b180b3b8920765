"""What the test Hub holds: users with tokens, repositories with their commits, branches and tags, and large files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Blob", "Commit", "Refused", "Repo", "Store", "User", "YAML_RULES"]

LARGE = 10 * 2**20  # bytes; from there on everything is stored as a large file
YAML_RULES = {
    "colorFrom": {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"},
    "colorTo": {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"},
    "sdk": {"gradio", "docker", "static"},
    "license": {"apache-2.0", "mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-sa-3.0", "other",
                "unknown"},
}


class Refused(Exception):
    """An answer that is no success: its status, the Hub's code for it, and a sentence."""

    def __init__(self, status: int, message: str, code: str = "", *, commit: str = "", **body: object):
        super().__init__(message)
        self.status, self.message, self.body = status, message, body
        self.headers = {"X-Error-Code": code, "X-Error-Message": message, "X-Repo-Commit": commit}


@dataclass(frozen=True)
class User:
    name: str
    role: str = "write"  # or read
    orgs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Blob:
    """A file of a commit. A large one is known by its sha256, another by git's sha1 of it."""

    data: bytes
    large: bool = False
    claimed_size: int | None = None  # what a pointer written by hand may say; None = the truth

    @property
    def size(self) -> int:
        return len(self.data) if self.claimed_size is None else self.claimed_size

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def oid(self) -> str:
        """git's name of what it stores: the file itself, or the pointer to it."""
        data = self.data if not self.large else self.pointer
        return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    @property
    def pointer(self) -> bytes:
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\nsize {self.size}\n".encode()

    @property
    def etag(self) -> str:
        return self.sha256 if self.large else self.oid


@dataclass(frozen=True)
class Commit:
    oid: str
    parent: str | None
    title: str
    files: Mapping[str, Blob]


@dataclass
class Repo:
    id: str
    type: str  #            model, dataset or space
    private: bool = False
    settings: dict[str, object] = field(default_factory=dict)  # of a Space: sdk, secrets, variables
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, branch: str, files: Mapping[str, Blob], title: str) -> Commit:
        parent = self.branches.get(branch)
        names = "".join(f"{path}\0{blob.oid}\n" for path, blob in sorted(files.items()))
        oid = hashlib.sha1(f"{self.type} {self.id} {parent} {len(self.commits)} {title}\n{names}".encode(
            "utf-8", "surrogateescape")).hexdigest()
        self.commits[oid] = Commit(oid, parent, title, dict(files))
        self.branches[branch] = oid
        return self.commits[oid]

    def at(self, revision: str) -> Commit:
        """Errors: ``Refused`` where there is no such branch, tag or commit."""
        oid = self.branches.get(revision) or self.tags.get(revision) or revision
        if oid not in self.commits:
            raise Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return self.commits[oid]

    def history(self, revision: str) -> list[Commit]:
        found = [self.at(revision)]
        while found[-1].parent:
            found.append(self.commits[found[-1].parent])
        return found


class Store:
    def __init__(self) -> None:
        self.users: dict[str, User] = {}  #               by token
        self.repos: dict[tuple[str, str], Repo] = {}  #   by type and id
        self.large: dict[str, bytes] = {}  #              by sha256

    def publish(self, repo_id: str, files: Mapping[str, bytes | Blob], *, type: str = "model", private: bool = False,
                branch: str = "main") -> Repo:
        """Puts a repository there as somebody else might have made it: nothing of it is checked."""
        repo = self.repos.setdefault((type, repo_id), Repo(repo_id, type, private))
        blobs = {path: data if isinstance(data, Blob) else Blob(data, path.endswith(".safetensors")) for path, data in
                 files.items()}
        self.large.update({blob.sha256: blob.data for blob in blobs.values() if blob.large})
        repo.commit(branch, blobs, "published")
        return repo

    def repo(self, type: str, repo_id: str, user: User | None, *, write: bool = False) -> Repo:
        """Errors: ``Refused`` where it is not there, not to be seen or not to be written by this user."""
        found = self.repos.get((type, repo_id))
        if found is None or found.private and not self.owns(user, repo_id):
            raise Refused(404 if user else 401, "Repository not found", "RepoNotFound")
        if write:
            self.check_writer(user, repo_id.split("/")[0])
        return found

    @staticmethod
    def owns(user: User | None, repo_id: str) -> bool:
        return user is not None and repo_id.split("/")[0] in (user.name, *user.orgs)

    def check_writer(self, user: User | None, namespace: str) -> None:
        if user is None:
            raise Refused(401, "Invalid username or password.")
        if user.role == "read" or not self.owns(user, f"{namespace}/"):
            raise Refused(403, f"You don't have the rights to write under the namespace \"{namespace}\"", "Forbidden")

    def create(self, type: str, namespace: str | None, name: str, user: User | None, settings: dict) -> Repo:
        namespace = namespace or (user.name if user else "")
        self.check_writer(user, namespace)
        repo_id = f"{namespace}/{name}"
        if not re.fullmatch(r"[\w.-]{1,96}", name) or ".." in name or "--" in name or name.endswith((".git", "-", ".")):
            raise Refused(400, f"Invalid repo name: {name}")
        if (type, repo_id) in self.repos:
            raise Refused(409, f"You already created this {type} repo", url=repo_id)
        if type == "space" and settings.get("sdk") not in YAML_RULES["sdk"]:
            raise Refused(400, "A Space needs an sdk")
        repo = Repo(repo_id, type, settings.get("visibility") == "private", settings)
        self.repos[type, repo_id] = repo
        attributes = b"*.bin filter=lfs diff=lfs merge=lfs -text\n*.safetensors filter=lfs diff=lfs merge=lfs -text\n"
        repo.commit("main", {".gitattributes": Blob(attributes)}, "initial commit")
        return repo

    def is_large(self, repo: Repo, revision: str, path: str, size: int, more: bytes = b"") -> bool:
        """Whether .gitattributes or its size makes it a large file."""
        there = repo.at(revision).files.get(".gitattributes")
        lines = ((there.data if there else b"") + b"\n" + more).decode().splitlines()
        patterns = [line.split()[0] for line in lines if "filter=lfs" in line]
        return size >= LARGE or any(path.endswith(p.lstrip("*")) for p in patterns)
