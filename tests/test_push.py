"""Push over real HTTP: one commit or nothing, only what changed, and every trouble in one line that says what to do."""

import json
import signal
import subprocess
import sys
import time

import pytest
import yaml
from hub_server.client import environment
from huggingface_hub import HfApi
from published import OURS, TRAINING

from gan import hub
from gan.__main__ import main
from gan.hub.card import card, is_ours, licence_lines


def files(server, repo="ada/cats"):
    return server.store.repos["model", repo].at("main").files


def titles(server, repo="ada/cats"):
    found = server.store.repos.get(("model", repo))
    return [c.title for c in found.history("main")] if found else []


def test_push_is_one_commit_of_what_belongs_to_a_model(ada, whole_model):
    done = hub.push(whole_model, "ada/cats")
    assert set(files(ada)) == OURS and len(titles(ada)) == 2 and done.url == f"{ada.address}/ada/cats"
    assert files(ada)["model.safetensors"].data == (whole_model / "model.safetensors").read_bytes()
    assert files(ada)["model.safetensors"].large and done.changed == len(OURS) - 1


def test_push_again_sends_what_changed(ada, whole_model):
    hub.push(whole_model, "ada/cats")
    assert hub.push(whole_model, "ada/cats").changed == 0 and len(titles(ada)) == 2
    (whole_model / "timeline" / "timeline.json").write_text(json.dumps({"snapshots": [{"file": "001.webp", "nimg": 0}]}))
    uploads = len(ada.asked("PUT /storage"))
    assert hub.push(whole_model, "ada/cats").changed == 2  # the list, and the sheet that is on it no more
    assert set(files(ada)) == OURS - {"timeline/000.webp"} and len(ada.asked("PUT /storage")) == uploads


def test_a_model_of_the_hub_is_pushed_whole(ada, whole_model, capsys):
    """Drawing needs a few of its files; of those that are not pushed an update would remove what is ours."""
    hub.push(whole_model, "ada/cats")
    before = set(files(ada))
    assert any(name.startswith("timeline/") for name in before)
    for target in ("ada/copy", "ada/cats"):
        assert main(["push", "ada/cats", target]) == 0
        assert set(files(ada, target)) == before


def test_what_others_added_stays(ada, whole_model):
    hub.push(whole_model, "ada/cats")
    api = HfApi()
    api.upload_file(path_or_fileobj=b"free", path_in_repo="LICENSE", repo_id="ada/cats")
    hub.push(whole_model, "ada/cats")
    assert set(files(ada)) == OURS | {"LICENSE"}


def test_the_card_is_for_the_hub_and_ones_own_stays(ada, whole_model):
    hub.push(whole_model, "ada/cats")
    text = files(ada)["README.md"].data.decode()
    assert "python -m gan generate ada/cats" in text and is_ours(text)
    (whole_model / "README.md").write_text("# Mine\n")
    hub.push(whole_model, "ada/cats")
    assert files(ada)["README.md"].data == b"# Mine\n"


def test_card_has_the_hubs_metadata(tiny_model):
    model = hub.load(tiny_model())
    metrics = {"features": "our ResNet", "samples": 5000, "against": "half of the cats",
               "scores": {"frechet_distance": 3.5, "frechet_distance_of_reals": 0.25, "kid": float("nan")},
               "memorised": 0.02}
    text = card("ada/cats", model, {**TRAINING, "metrics": metrics})
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "cc-by-4.0" and front["datasets"] == ["ada/cat-pictures"]
    assert front["library_name"] == "gan-gallery" and front["pipeline_tag"] == "unconditional-image-generation"
    assert front["model-index"] == [{"name": "ada/cats", "results": [{
        "task": {"type": "unconditional-image-generation"},
        "dataset": {"name": "ada/cat-pictures", "type": "ada/cat-pictures"},
        "metrics": [{"type": "frechet_distance", "value": 3.5, "name": "frechet distance (our ResNet)"}]}]}]
    for part in ("2.0% of its pictures", TRAINING["command"], "5 thousand images", "3 minutes on a machine", "1,234 images",
                 "| frechet distance | 3.5 | 0.25 |", "half of the cats", "`a \\| b`"):
        assert part in text
    bare = card("x", model, {})
    assert "Memorisation was not measured" in bare and "model-index" not in bare and "not stated" in bare


@pytest.mark.parametrize(("kimg", "said"), [
    ("5.0", ", "), ("7.5", " of the 7.5 thousand that were planned, "), ("nan", ", "), (["7"], ", ")])
def test_the_card_of_a_run_that_was_stopped_says_what_its_command_plans(tiny_model, kimg, said):
    training = {**TRAINING, "nimg": 5000, "slots": {"kimg": kimg}}
    assert f"5 thousand images shown in training{said}3 minutes" in card("x", hub.load(tiny_model()), training)


@pytest.mark.parametrize(("text", "name"), [("CC BY-SA 3.0, by me", "cc-by-sa-3.0"), ("CC0 1.0", "cc0-1.0"), ("mit", "mit"),
                                            ("Apache-2.0", "apache-2.0"), ("CC BY 4.0", "cc-by-4.0"), ("mitigated", None),
                                            ("not stated", None)])
def test_licences(text, name):
    found = licence_lines({"licence": text}, {})
    other = {"license": "other", "license_name": "as-the-training-data"}
    assert found == ({"license": name} if name else other)
    assert licence_lines({"licence": text}, {"licence": text}) == found
    assert licence_lines({"licence": text}, {"licence": "research only"}) == other  # that of what it started from holds too
    assert licence_lines({"licence": text}, {"licence": "GPL 3"}) == other


# Troubles of a push: all in one line, and nothing half-published.

@pytest.mark.parametrize(("fault", "met"), [
    (dict(pattern="POST /api/repos/create", status=500), 1),
    (dict(pattern="GET /api/models/ada/cats", status=503, times=2), 2),
    (dict(pattern="/preupload/", status=500, times=2), 2),
    (dict(pattern="/objects/batch", status=429), 1),
    (dict(pattern="PUT /storage", status=500, times=2), 2),
    (dict(pattern="PUT /storage", lose=True), 1),
    (dict(pattern="/commit/", status=500, times=3), 3),
    (dict(pattern="/commit/", status=429, times=2), 2),
    (dict(pattern="/commit/", lose=True), 1),  # made, but the answer is lost
    (dict(pattern="/commit/", cut=10), 1),
    (dict(pattern="whoami", status=502), 1),
    (dict(pattern="paths-info", status=500, times=2), 2),
    (dict(pattern="/tree/", bytes_per_s=2000), 1),
])
def test_troubles_that_pass(ada, whole_model, fault, met):
    there = ada.fail(**fault)
    done = hub.push(whole_model, "ada/cats")
    assert there.met == met and set(files(ada)) == OURS and len(titles(ada)) == 2
    assert done.commit == ada.store.repos["model", "ada/cats"].branches["main"]


@pytest.mark.parametrize(("pattern", "status", "message"), [
    ("/commit/", 500, r"trouble \(500\): run the same command again"),
    ("/commit/", 400, "on demand"),
    ("/preupload/", 403, "needs the right to write"),
    ("PUT /storage", 400, "on demand|400"),
    ("PUT /storage", 503, r"trouble \(503\)"),
    ("/create", 402, "paid plan"),
    ("/commit/", 429, "slow down"),
])
def test_troubles_that_stay_publish_nothing_and_the_same_command_goes_on(ada, whole_model, pattern, status, message):
    fault = ada.fail(pattern, status, times=100)
    with pytest.raises(hub.HubError, match=message) as error:
        hub.push(whole_model, "ada/cats")
    assert "\n" not in str(error.value) and "nothing was published" in str(error.value)
    assert titles(ada) in ([], ["initial commit"])
    fault.times = 0
    hub.push(whole_model, "ada/cats")
    assert set(files(ada)) == OURS
    if pattern in ("/commit/",):  # the weights had arrived at the first try
        assert len(ada.asked("PUT /storage")) == len({line for line in ada.asked("PUT /storage")})


def test_a_race_is_told_and_nobodys_work_is_undone(ada, whole_model):
    hub.push(whole_model, "ada/cats")
    (whole_model / "samples.png").write_bytes(b"\x89PNG2")
    old = dict(files(ada))

    def somebody():
        repo = ada.store.repos["model", "ada/cats"]
        repo.commit("main", {**old, "LICENSE": old["README.md"]}, "faster")

    ada.fail("/commit/", before=somebody)
    with pytest.raises(hub.HubError, match="somebody else has changed it.*run the same command again"):
        hub.push(whole_model, "ada/cats")
    assert titles(ada)[0] == "faster" and files(ada)["samples.png"].data == b"\x89PNG"
    hub.push(whole_model, "ada/cats")
    assert files(ada)["samples.png"].data == b"\x89PNG2" and "LICENSE" in files(ada)


@pytest.mark.parametrize(("token", "repo", "message"), [
    (None, "ada/cats", "no token: log in once with `hf auth login`"),
    ("wrong", "ada/cats", "token was refused"),
    ("read", "ada/cats", "may only read"),
    ("other", "ada/cats", "logged in as bob and may write under bob, not under ada"),
    ("write", "cats", "expected user/name"),
    ("write", "ada/cats@v1", "expected user/name"),
    ("write", "ada/ca--ts", "no repository can be called so"),
    ("write", "ada/cats.git", "no repository can be called so"),
    ("write", "ada/transformer", "holds something else: choose another name"),
    ("write", "ada/timm", "holds something else: choose another name"),
])
def test_who_and_where(server, whole_model, monkeypatch, capsys, token, repo, message):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    server.store.publish("ada/transformer", {"pytorch_model.bin": b"x", "README.md": b"x"})
    server.store.publish("ada/timm", {"config.json": b'{"architecture": "x"}', "model.safetensors": b"x"})
    before = {key: dict(r.branches) for key, r in server.store.repos.items()}
    assert main(["push", str(whole_model), repo]) == 1
    out = capsys.readouterr()
    assert out.err.startswith("error: ") and out.err.count("\n") == 1 and message in out.err
    assert {key: dict(r.branches) for key, r in server.store.repos.items()} == before


def test_private_is_never_put_where_everybody_sees_it(ada, whole_model):
    hub.push(whole_model, "club/hidden", private=True)
    assert ada.store.repos["model", "club/hidden"].private
    hub.push(whole_model, "ada/cats")
    with pytest.raises(hub.HubError, match="everybody can see it"):
        hub.push(whole_model, "ada/cats", private=True)


def test_a_broken_model_is_not_published(ada, whole_model):
    (whole_model / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ValueError, match="not usable"):
        hub.push(whole_model, "ada/cats")
    assert not ada.requests


def test_ctrl_c_during_a_push(ada, whole_model, monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(HfApi, "create_commit", lambda *args, **kwargs: interrupt())
    assert main(["push", str(whole_model), "ada/cats"]) == 130
    assert "all of it or nothing; the same command goes on" in capsys.readouterr().err and titles(ada) == ["initial commit"]


def test_ctrl_c_while_the_weights_are_on_their_way(ada, whole_model, tmp_path):
    """A real signal in a process of its own; the same command then goes on."""
    slow = ada.fail("PUT /storage", before=lambda: time.sleep(20), times=5)
    command = [sys.executable, "-m", "gan", "push", str(whole_model), "ada/cats"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=hub.WEIGHTS.parent,
                          env=environment(ada, tmp_path / "home", "write")) as process:
        deadline = time.monotonic() + 60
        while not slow.met and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
    assert process.returncode == 130 and "all of it or nothing; the same command goes on" in err
    assert titles(ada) == ["initial commit"]
    slow.times = 0
    hub.push(whole_model, "ada/cats")
    assert set(files(ada)) == OURS
