"""python -m gan augment … --push: a synthetic set as a data set that the Hub's viewer shows and a training reads."""

import json

import pytest
import yaml

from gan import synthetic
from gan.__main__ import main, parser
from gan.commands.augmenting import _public
from train.data.images import load_images

pytest.importorskip("pyarrow")


def files(server, repo="ada/fakes"):
    return server.store.repos["dataset", repo].at("main").files


def augment(model, out, *more):
    return main(["augment", str(model), "--count", "7", "--balance", "--out", str(out), "--device", "cpu", *more])


@pytest.mark.parametrize("out", ["fakes", "fakes.zip"])
def test_a_set_becomes_shards_that_a_training_reads(ada, tiny_model, tmp_path, cache, monkeypatch, out):
    monkeypatch.setattr(synthetic, "SHARD", 5)
    assert augment(tiny_model(classes=3), tmp_path / out, "--push", "ada/fakes") == 0
    made = files(ada)
    shards = [f"data/train-0000{k}-of-00002.parquet" for k in range(2)]
    assert set(made) == {".gitattributes", "README.md", "gan-gallery.json", *shards} and (tmp_path / out).exists()
    front = yaml.safe_load(made["README.md"].data.decode().split("---\n")[1])
    parts = [{"split": "train", "path": "data/train-*.parquet"}]
    assert front["configs"] == [{"config_name": "default", "data_files": parts}]
    assert front["tags"] == ["synthetic", "gan"] and front["license"] == "other" and front["size_categories"] == ["n<1K"]
    assert 'datasets.load_dataset("ada/fakes")' in made["README.md"].data.decode()
    assert json.loads(made["gan-gallery.json"].data)["counts"] == [3, 2, 2]
    (tmp_path / "data").mkdir()
    for name in shards:
        (tmp_path / name).write_bytes(made[name].data)
    images = load_images(str(tmp_path / "data"))
    assert images.spec.count == 7 and images.spec.class_names == ("class0", "class1", "class2")


def test_the_card_tells_no_folder_of_this_machine(tmp_path):
    words = ["augment", str(tmp_path / "runs" / "cats"), f"--complete={tmp_path}/private", "--out", f"{tmp_path}/set.zip",
             "--psi", "0.7"]
    (tmp_path / "runs" / "cats").mkdir(parents=True)
    args = parser().parse_args(words)
    assert _public(words, args) == ["augment", "cats", "--complete=private", "--out", "set.zip", "--psi", "0.7"]
    for push in (["--push", "you/set"], ["--push=you/set"]):
        same = ["augment", "mnist-cgan", "--out", "you/set", *push]
        assert _public(same, parser().parse_args([*same, "--count=1"])) == [*same[:3], "set", *push]
    words[1] = "ada/cats"  # of the Hub
    assert _public(words, parser().parse_args(words))[1] == "ada/cats"


def test_a_set_that_was_packed_before_is_published(ada, tiny_model, tmp_path, cache, capsys):
    model, out = tiny_model(classes=3), tmp_path / "fakes.zip"
    assert augment(model, out) == 0
    assert augment(model, out, "--push", "ada/fakes") == 0
    assert "data/train-00000-of-00001.parquet" in files(ada) and load_images(out, resolution=16).spec.count == 7
    assert augment(model, out, "--push", "ada/other", "--first-seed", "3") == 1
    assert "holds another set" in capsys.readouterr().err and ("dataset", "ada/other") not in ada.store.repos


def test_again_smaller_and_nobodys_pictures_are_overwritten(ada, tiny_model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(synthetic, "SHARD", 5)
    model = tiny_model(classes=3)
    assert augment(model, tmp_path / "a", "--push", "ada/fakes") == 0
    monkeypatch.setattr(synthetic, "SHARD", 50)
    assert augment(model, tmp_path / "b", "--push", "ada/fakes") == 0
    assert [name for name in files(ada) if "parquet" in name] == ["data/train-00000-of-00001.parquet"]
    ada.store.publish("ada/photos", {"data/train-00000-of-00001.parquet": b"real", "README.md": b"mine"}, type="dataset")
    capsys.readouterr()
    assert augment(model, tmp_path / "c", "--push", "ada/photos") == 1
    assert "holds something else" in capsys.readouterr().err and not (tmp_path / "c").exists()  # before anything is drawn
    assert files(ada, "ada/photos")["data/train-00000-of-00001.parquet"].data == b"real"


def test_trouble_leaves_the_set_here(ada, tiny_model, tmp_path, capsys):
    ada.fail("/commit/", 500, times=100)
    assert augment(tiny_model(classes=3), tmp_path / "set", "--push", "ada/fakes") == 1
    assert "nothing was published in ada/fakes" in capsys.readouterr().err
    assert len((tmp_path / "set" / "metadata.jsonl").read_text().splitlines()) == 7
