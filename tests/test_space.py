"""A Space by one command: a folder that runs by itself, pinned models, and an owner's settings that stay as they are."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from hub_server.client import connected, environment
from huggingface_hub import HfApi

from gan import gallery, hub, space
from gan.__main__ import main
from gan.ui import collect


def files(server, repo="ada/demo"):
    return server.store.repos["space", repo].at("main").files


def front(text):
    return yaml.safe_load(text.split("---\n")[1])


@pytest.fixture
def cats(ada, whole_model):
    """The commit of a model on the Hub."""
    return hub.push(whole_model, "ada/cats").commit


def test_a_space_of_models_on_the_hub_and_here(ada, cats, tiny_model, capsys):
    local = tiny_model(folder="dogs", seed=1)
    assert main(["space", "ada/demo", "--models", "ada/cats", str(local), "--json"]) == 0
    told, made = json.loads(capsys.readouterr().out), files(ada)
    assert told["url"] == f"{ada.address}/spaces/ada/demo"
    matter = front(made["README.md"].data.decode())
    assert matter["sdk"] == "gradio" and matter["app_file"] == "app.py" and matter["python_version"] == "3.12"
    assert matter["models"] == ["ada/cats"] and re.fullmatch(r"\d+\.\d+\.\d+", matter["sdk_version"])
    assert matter["preload_from_hub"] == [f"ada/cats config.json,model.safetensors,training.json,samples.png {cats}"]
    assert made["models.txt"].data.decode() == f"ada/cats@{cats}\n"
    assert {"weights/dogs/config.json", "weights/dogs/model.safetensors", "app.py", "gan/engine.py"} <= set(made)
    assert not [name for name in made if "__pycache__" in name or name.startswith(("train", "tests", "weights/mnist"))]
    assert ada.store.repos["space", "ada/demo"].settings["hardware"] == "zero-a10g"


def test_a_space_shows_a_folder_of_any_name(tiny_model, tmp_path, monkeypatch):
    names = ["my cats", "a+b (1) [2]", "cats@night"]
    space.write_space(tmp_path / "space", "ada/demo", [str(tiny_model(folder=name)) for name in names])
    for module in (hub, hub.folders):
        monkeypatch.setattr(module, "WEIGHTS", tmp_path / "space" / "weights")
    assert sorted(e.id for e in gallery.list_models()) == sorted(names)
    assert [hub.load(name).id for name in names] == names
    (tmp_path / "space" / "config.json").write_text("{}")
    assert hub.folder_of("..")[0] == Path("..")
    for path in ("./my cats", "my cats/", "../weights/my cats"):
        with pytest.raises(FileNotFoundError, match="no model"):
            hub.folder_of(path)


def test_requirements_hold_no_torch_that_a_shared_gpu_lacks(ada, tiny_model):
    from packaging.requirements import Requirement

    text = space.space_files("ada/demo", [str(tiny_model())])["requirements.txt"].decode()
    wanted = {r.name: r for r in map(Requirement, text.split())}
    assert all(wanted["torch"].specifier.contains(version) for version in ("2.8.0", "2.9.1", "2.10.0", "2.11.0"))
    assert "spaces" in wanted and not {"pytest", "datasets", "pyarrow"} & set(wanted)


def test_an_update_changes_what_is_ours_and_no_more(ada, cats, tiny_model):
    a, b = tiny_model(folder="a"), tiny_model(folder="b", seed=1)
    api = HfApi()
    space.push_space("ada/demo", [str(a), "ada/cats"])
    repo = ada.store.repos["space", "ada/demo"]
    repo.settings["secrets"] = [{"key": "TOKEN", "value": "s"}]
    text = files(ada)["README.md"].data.decode().replace("title: demo", "title: Our cats\npinned: true\nhf_oauth: true")
    api.upload_file(path_or_fileobj=text.encode(), path_in_repo="README.md", repo_id="ada/demo", repo_type="space")
    api.upload_file(path_or_fileobj=b"logo", path_in_repo="logo.txt", repo_id="ada/demo", repo_type="space")
    done = space.push_space("ada/demo", [str(b), "ada/cats"])
    matter = front(files(ada)["README.md"].data.decode())
    assert matter["title"] == "Our cats" and matter["pinned"] is True and matter["hf_oauth"] is True
    kept = {name.split("/")[1] for name in files(ada) if name.startswith("weights/")}
    assert kept == {"b"} and "logo.txt" in files(ada) and repo.settings["secrets"] and done.changed < 9
    assert space.push_space("ada/demo", [str(b), "ada/cats"]).changed == 0


@pytest.mark.parametrize(("repo", "models", "message"), [
    ("bob/demo", ["ada/cats"], "may write under ada and club, not under bob"),
    ("ada/chat", ["ada/cats"], "holds something else: choose another name"),
    ("demo", ["ada/cats"], "expected user/name"),
    ("ada/demo", ["ada/nothing"], "not there, or it is private"),
    ("ada/demo", ["nothing"], "no model 'nothing'"),
    ("ada/demo", ["ada/secret"], "is private, and a Space cannot preload it"),
])
def test_mistakes(ada, cats, whole_model, capsys, repo, models, message):
    ada.store.publish("ada/chat", {"README.md": b"", "app.py": b"import gradio", ".gitattributes": b""}, type="space")
    hub.push(whole_model, "ada/secret", private=True)
    before = {key: dict(r.branches) for key, r in ada.store.repos.items()}
    capsys.readouterr()
    assert main(["space", repo, "--models", *models]) == 1
    err = capsys.readouterr().err
    assert message in err and err.startswith("error: ") and err.count("\n") == 1
    assert {key: dict(r.branches) for key, r in ada.store.repos.items()} == before


def test_a_plan_that_is_not_paid(ada, cats):
    ada.fail("POST /api/repos/create", 402)
    with pytest.raises(hub.HubError, match="paid plan.*docs/space.md"):
        space.push_space("ada/demo", ["ada/cats"])


def test_models_that_a_space_lists(ada, cats, tiny_model, monkeypatch, tmp_path, caplog):
    """One that went bad is left out, and the others are shown."""
    space.write_space(tmp_path / "demo", "ada/demo", ["ada/cats", str(tiny_model(folder="dogs"))])
    (tmp_path / "demo" / gallery.NAMES).write_text(f"ada/cats@{cats}\nada/gone@{'0' * 40}\n")
    for module in (hub, hub.folders):
        monkeypatch.setattr(module, "WEIGHTS", tmp_path / "demo" / "weights")
    assert [e.id for e in gallery.list_models()] == ["dogs", "ada/cats"]
    assert "left out of the gallery: cannot get ada/gone" in caplog.text


def test_without_a_network_the_models_here_are_shown(tmp_path, tiny_model, caplog):
    dogs, took = str(tiny_model(folder="dogs")), []
    with connected("http://127.0.0.1:9", tmp_path / "home"):
        for models in ([dogs], ["ada/cats", dogs]):
            start = time.monotonic()
            shown = [e.id for e in collect(models)]
            took.append(time.monotonic() - start)
    assert took[1] - took[0] < 3 and "dogs" in shown and "mnist-gan" in shown and "ada/cats" not in shown
    assert len([r for r in caplog.records if "ada/cats" in r.getMessage()]) == 1


def test_the_folder_runs_by_itself(ada, cats, tiny_model, tmp_path):
    """In a process that sees the folder only, and a Hub that is asked for nothing after the preloading."""
    demo = tmp_path / "demo"
    assert main(["space", "ada/demo", "--models", "ada/cats", str(tiny_model(folder="dogs")), "--dry-run", str(demo)]) == 0
    home = tmp_path / "home"  # where the models are in the cache, as in a Space that was built
    asked = len(ada.requests)
    env = environment(ada, home) | {"GRADIO_TEMP_DIR": str(tmp_path / "temporary"), "PYTHONPATH": ""}
    with subprocess.Popen([sys.executable, "app.py"], cwd=demo, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = re.search(r"http://[\d.:]+", process.stdout.readline())[0]
            page = urllib.request.urlopen(f"{address}/config").read().decode()
            assert "ada/cats" in page and "dogs" in page and "mnist-gan" not in page
            data = json.dumps({"data": ["ada/cats", "3", "", 1.0]}).encode()
            call = f"{address}/gradio_api/call/generate"
            request = urllib.request.Request(call, data, {"Content-Type": "application/json"})
            event = json.load(urllib.request.urlopen(request))["event_id"]
            answer = urllib.request.urlopen(f"{call}/{event}").read().decode()
        finally:
            process.terminate()
    assert "event: complete" in answer and ".png" in answer, answer
    assert len(ada.requests) == asked
    with pytest.raises(FileExistsError):
        space.write_space(demo, "ada/demo", ["ada/cats"])
    assert Path(demo, "README.md").is_file()
