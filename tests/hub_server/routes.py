"""The addresses of the test Hub, and the endpoints that only read. Each gets a ``Call`` and answers or refuses."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from hub_server import jobs, writing
from hub_server.call import Answer, Call
from hub_server.store import Blob, Refused, User

if TYPE_CHECKING:
    from hub_server.server import Hub

__all__ = ["route"]


def whoami(call: Call) -> Answer:
    if call.user is None:
        raise Refused(401, "Invalid username or password.")
    return Answer(200, {"type": "user", "name": call.user.name, "orgs": [{"name": name} for name in call.user.orgs],
                        "auth": {"type": "access_token", "accessToken": {"displayName": "test", "role": call.user.role}}})


def info(call: Call) -> Answer:
    repo = call.repo()
    commit = repo.at(call.parts.get("rev") or "main")
    files = [{"rfilename": path, **({"size": b.size, "blobId": b.oid} if call.query.get("blobs") else {})}
             for path, b in commit.files.items()]
    return Answer(200, {"_id": "0", "id": repo.id, "modelId": repo.id, "author": repo.id.split("/")[0], "sha": commit.oid,
                        "private": repo.private, "disabled": False, "gated": False, "tags": [], "downloads": 0, "likes": 0,
                        "lastModified": "2026-01-01T00:00:00.000Z", "createdAt": "2026-01-01T00:00:00.000Z",
                        "sdk": repo.settings.get("sdk"), "siblings": files})


def listing(call: Call) -> Answer:
    found = [r for (type, _), r in call.store.repos.items() if type == call.type and
             (not r.private or call.store.owns(call.user, r.id)) and
             r.id.startswith((call.query["author"] + "/") if "author" in call.query else "")]
    return Answer(200, [{"_id": "0", "id": r.id, "modelId": r.id, "private": r.private, "tags": []} for r in found])


def tree(call: Call) -> Answer:
    commit = call.repo().at(call.parts["rev"])
    prefix = call.parts.get("path") or ""
    inside = {p: b for p, b in commit.files.items() if not prefix or p.startswith(f"{prefix}/")}
    if prefix and not inside:
        raise Refused(404, f"{prefix} does not exist", "EntryNotFound")
    recursive = call.query.get("recursive", "").lower() in ("true", "1")
    cut = len(prefix) + 1 if prefix else 0
    rows: dict[str, dict] = {}
    for path, blob in inside.items():
        steps = path[cut:].split("/")
        for depth in range(1, len(steps)):
            folder = path[:cut] + "/".join(steps[:depth])
            if recursive or depth == 1:
                rows.setdefault(folder, {"type": "directory", "oid": "0" * 40, "size": 0, "path": folder})
        if recursive or len(steps) == 1:
            rows[path] = entry(path, blob)
    every, start = list(rows.values()), int(call.query.get("cursor") or 0)
    headers = {}
    if start + call.hub.page < len(every):
        more = f"recursive={call.query.get('recursive', 'false')}&cursor={start + call.hub.page}"
        base = f"{call.hub.address}/api/{call.type}s/{call.parts['repo']}/tree/{call.parts['rev']}"
        headers["Link"] = f'<{base}{"/" + prefix if prefix else ""}?{more}>; rel="next"'
    return Answer(200, every[start : start + call.hub.page], headers)


def entry(path: str, blob: Blob) -> dict:
    row = {"type": "file", "oid": blob.oid, "size": blob.size, "path": path}
    if blob.large:
        row["lfs"] = {"oid": blob.sha256, "size": blob.size, "pointerSize": len(blob.pointer)}
    return row


def paths_info(call: Call) -> Answer:
    files = call.repo().at(call.parts["rev"]).files
    asked = parse_paths(call.body)
    return Answer(200, [entry(path, files[path]) for path in asked if path in files])


def parse_paths(body: bytes) -> list[str]:
    try:
        return json.loads(body)["paths"]
    except ValueError:
        return parse_qs(body.decode()).get("paths", [])


def refs(call: Call) -> Answer:
    repo = call.repo()
    rows = {"branches": ("heads", repo.branches), "tags": ("tags", repo.tags)}
    return Answer(200, {"converts": [], **{kind: [
        {"name": name, "ref": f"refs/{prefix}/{name}", "targetCommit": oid} for name, oid in found.items()]
        for kind, (prefix, found) in rows.items()}})


def commits(call: Call) -> Answer:
    return Answer(200, [{"id": c.oid, "title": c.title, "message": "", "authors": [], "date": "2026-01-01T00:00:00.000Z"}
                        for c in call.repo().history(call.parts["rev"])])


def resolve(call: Call) -> Answer:
    found = call.repo().at(call.parts["rev"])
    headers = {"X-Repo-Commit": found.oid, "Accept-Ranges": "bytes"}
    blob = found.files.get(call.parts["path"])
    if blob is None:  # the commit is named, so that a client may remember that it has no such file
        raise Refused(404, "Entry not found", "EntryNotFound", commit=found.oid)
    headers["ETag"] = f'"{blob.etag}"'
    if blob.large:
        headers |= {"X-Linked-Etag": f'"{blob.etag}"', "X-Linked-Size": str(blob.size)}
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", call.range or "")
    if not match:
        return Answer(200, blob.data, headers)
    start, end = int(match[1]), min(int(match[2] or len(blob.data) - 1), len(blob.data) - 1)
    if start >= len(blob.data):
        return Answer(416, b"", {"Content-Range": f"bytes */{len(blob.data)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(blob.data)}"
    return Answer(206, blob.data[start : end + 1], headers)


API = r"/api/(?P<type>models|datasets|spaces)"
REPO = r"(?P<repo>[^/]+/[^/]+)"
ROUTES = [(method, re.compile(pattern), function) for method, pattern, function in [
    ("GET", "/api/whoami-v2", whoami),
    ("POST", "/api/repos/create", writing.create),
    ("DELETE", "/api/repos/delete", writing.delete),
    ("POST", "/api/validate-yaml", writing.validate_yaml),
    ("GET", API, listing),
    ("GET", f"{API}/{REPO}", info),
    ("GET", f"{API}/{REPO}/revision/(?P<rev>.+)", info),
    ("GET", f"{API}/{REPO}/tree/(?P<rev>[^/]+)(/(?P<path>.+))?", tree),
    ("POST", f"{API}/{REPO}/paths-info/(?P<rev>.+)", paths_info),
    ("GET", f"{API}/{REPO}/refs", refs),
    ("GET", "/api/jobs/hardware", jobs.hardware),
    ("POST", "/api/jobs/(?P<owner>[^/]+)", jobs.run),
    ("GET", "/api/jobs/(?P<owner>[^/]+)/(?P<id>[^/]+)", jobs.inspect),
    ("GET", "/api/jobs/(?P<owner>[^/]+)/(?P<id>[^/]+)/logs", jobs.logs),
    ("GET", f"{API}/{REPO}/commits/(?P<rev>.+)", commits),
    ("POST", f"{API}/{REPO}/branch/(?P<rev>.+)", writing.branch),
    ("DELETE", f"{API}/{REPO}/branch/(?P<rev>.+)", writing.delete_branch),
    ("POST", f"{API}/{REPO}/tag/(?P<rev>.+)", writing.tag),
    ("POST", f"{API}/{REPO}/super-squash/(?P<rev>.+)", writing.super_squash),
    ("POST", f"{API}/{REPO}/preupload/(?P<rev>.+)", writing.preupload),
    ("POST", f"{API}/{REPO}/commit/(?P<rev>.+)", writing.commit),
    ("PUT", "/storage/(?P<oid>[0-9a-f]{64})", writing.store_large),
    ("POST", "/storage/(?P<oid>[0-9a-f]{64})/verify", writing.verify_large),
    ("POST", rf"/(?P<type>datasets/|spaces/)?{REPO}\.git/info/lfs/objects/batch", writing.lfs_batch),
    ("GET", f"/(?P<type>datasets/|spaces/)?{REPO}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", resolve),
]]


def route(hub: Hub, method: str, path: str, query: dict[str, str], body: bytes, user: User | None,
          range: str | None) -> Answer:
    for wanted, pattern, function in ROUTES:
        match = pattern.fullmatch(path)
        if match and wanted == ("GET" if method == "HEAD" else method):
            parts = {name: unquote(value or "") for name, value in match.groupdict().items()}
            return function(Call(hub, query, body, user, range, parts))
    raise Refused(404, f"the test Hub has no {method} {path}", "UnknownEndpoint")
