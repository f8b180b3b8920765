"""The test Hub is a Hub: the real client's own calls, one after the other, over real HTTP."""

import io
import subprocess
import sys
import urllib.request

import pytest
from commands import ROOT
from hub_server import Blob
from hub_server.client import environment
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, errors
from pictures import parquet, picture


def add(path, data):
    return CommitOperationAdd(path, data if isinstance(data, (bytes, str)) else io.BytesIO(data))


def test_a_repository_from_creation_to_deletion(server, tmp_path):
    api = HfApi(token="write")
    assert api.whoami()["name"] == "ada"
    assert api.create_repo("ada/cats").repo_id == "ada/cats"
    assert api.create_repo("ada/cats", exist_ok=True).repo_id == "ada/cats"
    first = api.model_info("ada/cats").sha
    made = api.create_commit("ada/cats", [add("model.safetensors", b"w" * 3000), add("a/b.txt", b"text"),
                                          add("README.md", b"---\nlicense: mit\n---\n# cats\n")],
                             commit_message="one", parent_commit=first)
    assert {f.path: bool(getattr(f, "lfs", None)) for f in api.list_repo_tree("ada/cats", recursive=True)} == {
        ".gitattributes": False, "model.safetensors": True, "a": False, "a/b.txt": False, "README.md": False}
    path = api.hf_hub_download("ada/cats", "model.safetensors", revision=made.oid)
    assert open(path, "rb").read() == b"w" * 3000 and made.oid in path
    with pytest.raises(errors.HfHubHTTPError, match="A commit has happened since"):
        api.create_commit("ada/cats", [add("x", b"1")], commit_message="late", parent_commit=first)
    again = api.create_commit("ada/cats", [add("model.safetensors", b"w" * 3000)], commit_message="nothing new")
    assert again.oid == made.oid and len(server.asked("PUT /storage")) == 1
    api.create_commit("ada/cats", [CommitOperationDelete("a/", is_folder=True)], commit_message="less")
    assert sorted(api.list_repo_files("ada/cats")) == [".gitattributes", "README.md", "model.safetensors"]
    api.create_tag("ada/cats", tag="v1", revision=made.oid)
    api.create_branch("ada/cats", branch="side/way", revision=first)
    assert api.model_info("ada/cats", revision="v1").sha == made.oid
    assert api.list_repo_files("ada/cats", revision="side/way") == [".gitattributes"]
    assert [c.title for c in api.list_repo_commits("ada/cats")] == ["less", "one", "initial commit"]
    assert {b.name for b in api.list_repo_refs("ada/cats").branches} == {"main", "side/way"}
    assert [m.id for m in api.list_models(author="ada")] == ["ada/cats"]
    folder = api.snapshot_download("ada/cats", revision="v1", local_dir=tmp_path / "all")
    assert (tmp_path / "all" / "a" / "b.txt").read_text() == "text" and folder
    api.delete_repo("ada/cats")
    assert not api.repo_exists("ada/cats")


def test_spaces_and_data_sets(server):
    api = HfApi(token="write")
    with pytest.raises(errors.HFValidationError):
        api.create_repo("ada/no.git", repo_type="dataset")
    assert api.create_repo("club/demo", repo_type="space", space_sdk="gradio", private=True).repo_type == "space"
    front = b"---\ntitle: a\nemoji: x\ncolorFrom: red\ncolorTo: mauve\nsdk: gradio\n---\n"
    with pytest.raises(ValueError, match="colorTo"):
        api.create_commit("club/demo", [add("README.md", front)], commit_message="no", repo_type="space")
    api.create_commit("club/demo", [add("README.md", front.replace(b"mauve", b"blue"))], commit_message="yes",
                      repo_type="space")
    assert "README.md" in api.list_repo_files("club/demo", repo_type="space")
    with pytest.raises(errors.RepositoryNotFoundError):
        HfApi(token="other").space_info("club/demo")  # private


@pytest.mark.parametrize(("token", "error"), [("wrong", "401"), ("read", "403"), ("other", "403")])
def test_who_may_write(server, token, error):
    HfApi(token="write").create_repo("ada/cats")
    with pytest.raises(errors.HfHubHTTPError, match=error):
        HfApi(token=token).create_commit("ada/cats", [add("x", b"1")], commit_message="no")
    assert [c.title for c in HfApi().list_repo_commits("ada/cats")] == ["initial commit"]


def test_what_is_not_there(server):
    server.store.publish("bob/dogs", {"a.txt": b"a"})
    api = HfApi()
    for call, error in ((lambda: api.model_info("bob/cats"), errors.RepositoryNotFoundError),
                        (lambda: api.model_info("bob/dogs", revision="v2"), errors.RevisionNotFoundError),
                        (lambda: api.hf_hub_download("bob/dogs", "b.txt"), errors.EntryNotFoundError)):
        with pytest.raises(error):
            call()


def test_pages_ranges_and_pointers_that_lie(server):
    server.page = 10
    server.store.publish("bob/many", {f"{k:03}.txt": b"x" for k in range(35)} | {"big": Blob(b"12345", True, 2)})
    files = {f.path: f for f in HfApi().list_repo_tree("bob/many")}
    assert len(files) == 36 and len(server.asked("/tree/")) == 4 and files["big"].lfs.size == 2
    request = urllib.request.Request(f"{server.address}/bob/many/resolve/main/big", headers={"Range": "bytes=2-"})
    with urllib.request.urlopen(request) as answer:
        assert (answer.status, answer.read()) == (206, b"345")


@pytest.mark.parametrize("fault", [dict(status=500, times=2), dict(status=503), dict(status=429), dict(cut=700),
                                   dict(bytes_per_s=20_000), dict(cut=0)])
def test_faults_that_the_client_overcomes(server, fault):
    server.store.publish("bob/dogs", {"a.bin": bytes(range(256)) * 20})
    met = server.fail("^HEAD" if fault.get("status") in (500, 503) else "^GET.*resolve", **fault)
    path = HfApi().hf_hub_download("bob/dogs", "a.bin")
    assert open(path, "rb").read() == bytes(range(256)) * 20 and met.met


def test_faults_that_it_does_not_notice(server):
    """So that our own code must: a changed byte, and an answer that is lost after the commit was made."""
    server.store.publish("bob/dogs", {"a.safetensors": b"abc"})
    server.fail("^GET.*resolve", corrupt=True)
    assert open(HfApi().hf_hub_download("bob/dogs", "a.safetensors"), "rb").read() == b"`bc"
    api = HfApi(token="other")
    server.fail("/commit/", lose=True)
    with pytest.raises(Exception, match="(?i)disconnect|closed|reset"):
        api.create_commit("bob/dogs", [add("x", b"1")], commit_message="lost")
    assert "x" in api.list_repo_files("bob/dogs")


READ = """
from train.data.images import load_images
images = load_images("ada/pictures")
print(images.name, images.spec.count, images.spec.class_names, images.spec.resolution)
"""


def test_the_datasets_package_reads_from_it(server, tmp_path):
    """In a process of its own, as a training reads a data set by its id."""
    shard = parquet(tmp_path / "shard.parquet", [picture(k) for k in range(6)], [0, 1, 2] * 2, ["ant", "bee", "cat"])
    server.store.publish("ada/pictures", {"data/train-00000-of-00001.parquet": shard.read_bytes()}, type="dataset")
    env = environment(server, tmp_path / "home") | {"XDG_CACHE_HOME": str(tmp_path / "decoded")}
    done = subprocess.run([sys.executable, "-c", READ], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "ada/pictures 6 ('ant', 'bee', 'cat') 16", done.stderr
