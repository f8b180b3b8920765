"""What other machines have: no bfloat16, Apple's GPU, Windows' shell and paths, a Mac's file names, few characters."""

import io
import shlex
import subprocess
import sys
import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
import torch
from commands import error_of, gan, train
from conftest import tiny_images
from pictures import folder, picture, tarred, zipped
from runs import everything, tiny_run

from gan import augment, engine, hub
from gan.files import print_anything, replacing
from gan.web import site
from train.asked import Asked
from train.data.images import load_images
from train.jobs import _arguments
from train.run import budget, build, speed
from train.run.world import launched
from train.settings import as_option

CPU = torch.device("cpu")
NFC, NFD = (unicodedata.normalize(form, "Bär") for form in ("NFC", "NFD"))


@pytest.fixture
def without_bfloat16(monkeypatch):
    monkeypatch.setattr(build, "has_bfloat16", lambda device: False)


def test_where_bfloat16_is_emulated_float32_is_used(monkeypatch):
    def trained(*settings):
        run = tiny_run("dcgan", *settings)
        assert run.half == (build.has_bfloat16(CPU) and not settings)
        assert run.recipe.precision == ("float32" if settings else "bfloat16")
        run.advance()
        return everything(run)

    def equal(a, b):
        return all(torch.equal(a[name], b[name]) for name in a)

    monkeypatch.setattr(build, "has_bfloat16", lambda device: True)
    halved, float32 = trained(), trained("precision=float32")
    monkeypatch.setattr(build, "has_bfloat16", lambda device: False)
    assert equal(trained(), float32) and not equal(halved, float32)


def test_the_memory_of_float32_is_asked_for(without_bfloat16, monkeypatch):
    recipe, spec = tiny_run("dcgan").recipe, tiny_images(classes=3).spec
    asked = budget.memory_bytes(recipe, spec, CPU)
    monkeypatch.setattr(budget, "in_bfloat16", lambda recipe, device: True)
    assert asked[1] > 1.3 * budget.memory_bytes(recipe, spec, CPU)[1]
    monkeypatch.undo()
    assert asked == budget.memory_bytes(tiny_run("dcgan", "precision=float32").recipe, spec, CPU)


def test_it_is_said(without_bfloat16, photos, tmp_path, capsys):
    assert train("dcgan", "--data", photos, "--out", tmp_path / "r", "--kimg", "0.008", "--batch", "4", "--device", "cpu",
                 "--set", "g.width=4", "--set", "d.width=4") == 0
    assert "computes bfloat16 slowly: float32 is used in its place" in capsys.readouterr().err


@pytest.mark.parametrize("mkldnn, bf16, avx512, machine, found", [
    (True, True, True, "x86_64", True), (True, True, False, "x86_64", False), (True, True, False, "aarch64", True),
    (True, False, True, "AMD64", False), (False, True, True, "arm64", False)])
def test_which_processors_have_bfloat16(monkeypatch, mkldnn, bf16, avx512, machine, found):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: mkldnn)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: bf16)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(engine.platform, "machine", lambda: machine)
    assert engine.has_bfloat16(CPU) is found


@pytest.mark.parametrize("device, later", [("cuda", True), ("mps", False)])
def test_batches_for_apples_gpu_are_not_let_go_before_they_are_copied(monkeypatch, device, later):
    def copied(self, *given, non_blocking=False, **how):
        if run.device not in given:
            return there(self, *given, **how)
        copies.append(non_blocking)
        return self

    run, copies, there = tiny_run("cgan"), [], torch.Tensor.to
    run.device = torch.device(device)
    monkeypatch.setattr(torch.Tensor, "to", copied)
    run._batch()
    assert copies and set(copies) == {later}


def test_a_run_whose_peak_cannot_be_measured_goes_on(monkeypatch):
    def full(*given):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(speed, "peak_flop_per_s", full)
    monkeypatch.setattr(speed, "EVERY_NIMG", 8)
    run = tiny_run("dcgan", observers=[speed.Speed(tiny_images().spec)])
    run.fit()
    assert run.finished and run.speed["images/s"] > 0 and "of peak" not in run.speed


def test_processes_cannot_share_apples_gpu(monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with pytest.raises(ValueError, match="several processes cannot share Apple's GPU: .* --device cpu"), launched():
        pass


@pytest.mark.parametrize("pack", [folder, lambda path, files: zipped(path.with_suffix(".zip"), files),
                                  lambda path, files: tarred(path.with_suffix(".tar"), files)])
def test_a_macs_umlauts_are_those_that_are_typed(tmp_path, cache, pack):
    first, second = (load_images(str(pack(tmp_path / name, {f"{kind}/{k}.png": picture(k) for kind in ("Aal", umlaut)
                                                            for k in range(2)})), resolution=16)
                     for name, umlaut in (("mac", NFD), ("other", NFC)))
    assert first.spec.class_names == second.spec.class_names and NFD not in first.spec.class_names
    assert first.fingerprint == second.fingerprint


def test_a_class_is_found_in_either_form(tiny_model, tmp_path, capsys):
    model = hub.load(tiny_model(classes=2))
    for own in (NFD, NFC):
        object.__setattr__(model, "class_names", (own, "Katze"))
        assert model.label(NFD) == model.label(NFC) == 0
        with pytest.raises(ValueError, match="no class 'Baer'"):
            model.label("Baer")


@pytest.mark.parametrize("setting, option", [
    ("batch=8", "--set batch=8"), ("penalties=R1(0.1, every=8)", '--set "penalties=R1(0.1, every=8)"'),
    ('augment=DiffAugment(policy="color")', "--set \"augment=DiffAugment(policy='color')\"")])
def test_a_setting_is_printed_as_all_shells_take_it(setting, option):
    assert as_option(setting) == option
    assert shlex.split(option)[1] == setting.replace('"', "'")


def test_npm_is_called_by_its_whole_name(monkeypatch, tmp_path):
    """On Windows it is npm.cmd, which no process is started by under the name npm."""
    called = []
    monkeypatch.setattr(site.shutil, "which", lambda name: f"C:\\node\\{name}.cmd")
    monkeypatch.setattr(site.subprocess, "run", lambda words, **how: called.append(words) or
                        subprocess.CompletedProcess(words, 0, stdout='[{"filename": "a.tgz"}]'))
    assert site._packed(tmp_path) == tmp_path / "a.tgz" and called[0][:2] == ["C:\\node\\npm.cmd", "pack"]


def test_what_a_pipe_cannot_hold_is_no_error(monkeypatch):
    monkeypatch.setattr(sys, "stdout", pipe := io.TextIOWrapper(io.BytesIO(), encoding="latin-1"))
    print_anything()
    print("Фото …")
    pipe.flush()
    assert pipe.buffer.getvalue() == b"\\u0424\\u043e\\u0442\\u043e \\u2026\n"


def test_a_job_is_given_paths_of_its_own_machine():
    assert "--out=../runs/cats" in _arguments(Asked(data="x", out=PureWindowsPath("..\\runs\\cats")))


def test_room_on_a_drive_that_is_not_there(monkeypatch):
    class Drive(type(Path())):
        exists = lambda self: False  # noqa: E731
        parent = property(lambda self: self)

    monkeypatch.setattr(augment.shutil, "disk_usage", lambda path: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # it comes to an end, and the disk is asked
        augment.check_room(Drive("Z:/"), 1)


def test_a_long_name_that_is_not_ascii_is_written(tmp_path):
    path = tmp_path / ("猫" * 80 + ".png")
    with replacing(path) as file:
        file.write(b"x")
    assert path.read_bytes() == b"x" and len(list(tmp_path.iterdir())) == 1


def test_a_set_of_a_mac_is_completed(tiny_model, tmp_path, capsys):
    model = tiny_model(classes=2)
    found = hub.load(model)
    hub.save(model, found.G, class_names=(NFC, "Katze"))
    folder(tmp_path / "mine", {f"{NFD}/1.png": picture(1), **{f"Katze/{k}.png": picture(k) for k in range(2)}})
    assert gan("augment", model, "--complete", tmp_path / "mine", "--out", tmp_path / "more") == 0
    assert gan("augment", model, "--counts", f"{NFD}=1", "--out", tmp_path / "one") == 0
    folder(tmp_path / "mine", {"Hund/1.png": picture(1)})
    assert gan("augment", model, "--complete", tmp_path / "mine", "--out", tmp_path / "none") == 1
    assert "no class 'Hund'" in error_of(capsys)
