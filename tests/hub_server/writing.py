"""The endpoints of the test Hub that change something: repositories, branches, tags, large files, commits."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256

import yaml

from hub_server.call import Answer, Call
from hub_server.store import YAML_RULES, Blob, Refused, Repo, Store


def create(call: Call) -> Answer:
    asked = call.json()
    try:
        repo = call.store.create(asked.get("type") or "model", asked.get("organization"), asked["name"], call.user, asked)
    except Refused as no:
        if "url" in no.body:
            no.body["url"] = call.address(asked.get("type") or "model", str(no.body["url"]))
        raise
    return Answer(200, {"url": call.address(repo.type, repo.id), "name": repo.id})


def delete(call: Call) -> Answer:
    asked = call.json()
    repo_id = f"{asked.get('organization') or call.user.name}/{asked['name']}"
    call.store.repo(asked.get("type") or "model", repo_id, call.user, write=True)
    del call.store.repos[asked.get("type") or "model", repo_id]
    return Answer(200, {})


def validate_yaml(call: Call) -> Answer:
    asked = call.json()
    errors = [{"message": message} for message in yaml_errors(asked["content"], asked["repoType"])]
    return Answer(200, {"errors": errors, "warnings": []})


def yaml_errors(text: str, type: str) -> list[str]:
    """What the Hub refuses in the front matter of a README."""
    match = re.match(r"---\r?\n(.*?)\r?\n---(\r?\n|$)", text, re.DOTALL)
    if not match:
        return ["a Space needs front matter"] if type == "space" else []
    try:
        data = yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        return [f"invalid YAML: {error}"]
    if not isinstance(data, dict):
        return ["the front matter must be a mapping"]
    errors = [f'"{key}" must be one of {sorted(known)}' for key, known in YAML_RULES.items() if key in data and
              data[key] not in known]
    if type == "space":
        errors += [f'"{key}" is required' for key in ("title", "sdk", "emoji", "colorFrom", "colorTo") if key not in data]
        if len(str(data.get("short_description", ""))) > 60:
            errors.append('"short_description" length must be less than or equal to 60 characters long')
        if not isinstance(data.get("python_version", ""), str):
            errors.append('"python_version" must be a string')
    for result in data.get("model-index") or []:
        for row in result["results"]:
            if not {"task", "dataset", "metrics"} <= set(row) or not {"name", "type"} <= set(row["dataset"]):
                errors.append("model-index: a result needs task, dataset (name, type) and metrics")
    return errors


def branch(call: Call) -> Answer:
    repo, name = call.repo(write=True), call.parts["rev"]
    if name in repo.branches:
        raise Refused(409, "Reference already exists")
    repo.branches[name] = repo.at(call.json().get("startingPoint") or "main").oid
    return Answer(200, {})


def delete_branch(call: Call) -> Answer:
    repo = call.repo(write=True)
    if call.parts["rev"] not in repo.branches:
        raise Refused(404, "Invalid rev id", "RevisionNotFound")
    del repo.branches[call.parts["rev"]]
    return Answer(200, {})


def tag(call: Call) -> Answer:
    repo, asked = call.repo(write=True), call.json()
    if asked["tag"] in repo.tags:
        raise Refused(409, "Tag reference exists already")
    repo.tags[asked["tag"]] = repo.at(call.parts["rev"]).oid
    return Answer(200, {})


def super_squash(call: Call) -> Answer:
    repo = call.repo(write=True)
    name = call.parts["rev"]
    files = repo.at(name).files
    del repo.branches[name]
    repo.commit(name, files, call.json().get("message") or "squashed")
    return Answer(200, {})


def preupload(call: Call) -> Answer:
    repo = call.repo(write=True)
    there = repo.at(call.parts["rev"]).files
    asked = call.json()["files"]
    more = next((base64.b64decode(f["sample"]) for f in asked if f["path"] == ".gitattributes"), b"")
    rows = []
    for file in asked:
        large = call.store.is_large(repo, call.parts["rev"], file["path"], file["size"], more)
        old = there.get(file["path"])
        rows.append({"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False,
                     "oid": old.etag if old else None})
    return Answer(200, {"files": rows})


def lfs_batch(call: Call) -> Answer:
    call.repo(write=True)
    rows = []
    for item in call.json()["objects"]:
        row = {"oid": item["oid"], "size": item["size"]}
        if item["oid"] not in call.store.large:
            row["actions"] = {"upload": {"href": f"{call.hub.address}/storage/{item['oid']}"},
                              "verify": {"href": f"{call.hub.address}/storage/{item['oid']}/verify"}}
        rows.append(row)
    return Answer(200, {"transfer": "basic", "objects": rows})


def store_large(call: Call) -> Answer:
    if sha256(call.body).hexdigest() != call.parts["oid"]:
        raise Refused(400, "The SHA256 of the content is not the one that was announced")
    call.store.large[call.parts["oid"]] = call.body
    return Answer(200)


def verify_large(call: Call) -> Answer:
    if len(call.store.large.get(call.parts["oid"], b"")) != call.json()["size"]:
        raise Refused(400, "The object was not uploaded as announced")
    return Answer(200)


def commit(call: Call) -> Answer:
    repo = call.repo(write=True)
    lines = [json.loads(line) for line in call.body.splitlines() if line.strip()]
    header = next(line["value"] for line in lines if line["key"] == "header")
    name = call.parts["rev"]
    if name not in repo.branches:
        raise Refused(404, f"Invalid rev id: {name}", "RevisionNotFound")
    if header.get("parentCommit", repo.branches[name]) != repo.branches[name]:
        raise Refused(412, "A commit has happened since. Please refresh and try again.")
    files = dict(repo.at(name).files)
    for line in lines:
        apply(call.store, repo, files, line["key"], line["value"])
    if "README.md" in files and (errors := yaml_errors(files["README.md"].data.decode(), repo.type)):
        raise Refused(400, f"Your README.md is not valid: {errors[0]}")
    made = repo.commit(name, files, header["summary"])
    return Answer(200, {"success": True, "commitOid": made.oid,
                        "commitUrl": f"{call.address(repo.type, repo.id)}/commit/{made.oid}"})


def apply(store: Store, repo: Repo, files: dict[str, Blob], key: str, value: dict) -> None:
    """One line of a commit. Errors: ``Refused``; the repository is untouched then."""
    path = value.get("path", "")
    if key != "header" and (not path or path.startswith("/") or {"..", ".", ""} & set(path.rstrip("/").split("/"))):
        raise Refused(400, f"Invalid path: {path}")
    if key == "file":
        files[path] = Blob(base64.b64decode(value["content"]))
    elif key == "lfsFile":
        data = store.large.get(value["oid"])
        if data is None or len(data) != value["size"]:
            raise Refused(400, f"LFS pointer pointed to a file that does not exist: {path}")
        files[path] = Blob(data, large=True)
    elif key == "deletedFile":
        if files.pop(path, None) is None:
            raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
    elif key == "deletedFolder":
        for inside in [p for p in files if p.startswith(path.rstrip("/") + "/")]:
            del files[inside]
