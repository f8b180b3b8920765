"""Files are whole or not there, readable by whom the umask lets, and read within bounds."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from gan.files import check_new, new_folder, object_in, read_json, replacing, sweep, write_json, write_tensors, write_text


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert read_json(path) == {"a": 1} and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_text(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_killed_writer_leaves_the_old_file_and_a_temporary_that_is_swept(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    code = ("import sys, time; from pathlib import Path; from gan.files import replacing\n"
            "with replacing(Path(sys.argv[1])) as f: f.write(b'new'); print('writing', flush=True); time.sleep(60)")
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert path.read_text() == "old"
    (left,) = set(tmp_path.iterdir()) - {path}
    sweep(tmp_path)
    assert left.exists(), "it may belong to a writer that lives"
    os.utime(left, (time.time() - 7200,) * 2)
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_mode_follows_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        write_tensors(tmp_path / "a.safetensors", {"a": torch.ones(2)}, {"about": "this"})
    finally:
        os.umask(before)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o640
    assert load_file(tmp_path / "a.safetensors")["a"].tolist() == [1, 1]


def test_text_is_utf8_whatever_the_locale(tmp_path):
    code = "import sys, pathlib, gan.files; gan.files.write_text(pathlib.Path(sys.argv[1]), 'caf\\xe9')"
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=True, env=env)
    assert (tmp_path / "a").read_bytes() == "café".encode()


@pytest.mark.parametrize(("data", "message"), [
    (b"[" * 10**5, "nested too deeply"),
    (b'{"a": 1e400}', "1e400 is no finite number"),
    (b'{"a": NaN}', "NaN is no finite number"),
    (b'{"a": -Infinity}', "-Infinity is no finite number"),
    (b'{"a": ' + b"9" * 5000 + b"}", "digits"),
    (b"\xff\xfe", "utf-8"),
    (b'"' + b"a" * 99 + b'"', "larger than"),
    (b"", "Expecting value"),
])
def test_json_that_is_refused(tmp_path, data, message):
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_json(tmp_path / "a.json", largest=100 if data.startswith(b'"') else 2**20)


def test_no_json_is_written_that_cannot_be_read(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_only_shown_may_lack_numbers(tmp_path):
    (tmp_path / "a.json").write_text('{"a": NaN, "b": 1e400, "c": 1.5, "d": 2}')
    assert read_json(tmp_path / "a.json", lenient=True) == {"a": None, "b": None, "c": 1.5, "d": 2}


def test_a_new_folder_is_whole_or_not_there(tmp_path):
    out = tmp_path / "a" / "out"
    with pytest.raises(KeyboardInterrupt), new_folder(out) as part:
        (part / "x").write_text("half")
        raise KeyboardInterrupt
    assert not list((tmp_path / "a").iterdir())
    out.mkdir()  # an empty one makes way
    check_new(out, "--out")
    with new_folder(out) as part:
        (part / "x").write_text("whole")
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["out"] and (out / "x").read_text() == "whole"
    with pytest.raises(FileExistsError, match="out is not empty: choose another --out"):
        check_new(out, "--out")


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": "mnist"}, {"data": [1]}])
def test_what_is_no_object_says_nothing(data):
    assert object_in(data, "data") == {} and object_in({"data": {"name": "x"}}, "data") == {"name": "x"}
