"""The folder that the app serves files from: what stays in it, what goes, and when."""

import os
import subprocess
import sys
import time
from urllib.parse import unquote

from gan.ui.outbox import Outbox, file_stem


def test_outbox_sweeps_what_is_old_and_keeps_what_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "new"))
    outbox = Outbox(keep_s=0.05)
    old, shown = outbox.fresh("a.png"), outbox.fresh("b.png", part="shown")
    for path in (old, shown):
        path.write_text("x")
    time.sleep(0.1)
    young = outbox.fresh("c.png")
    assert not old.exists() and shown.exists() and young.parent.exists()
    assert unquote(outbox.url(young)).endswith(str(young))
    outbox.close()
    assert not outbox.root.exists()
    assert file_stem("user/my model") == "user-my-model" and file_stem("/../") == "model"


def test_outbox_holds_so_many_bytes_and_the_oldest_go(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    outbox = Outbox(most=250)
    paths = [outbox.fresh("a.png") for _ in range(99)]  # one more, and the sweep is due
    for age, path in enumerate(reversed(paths)):
        path.write_bytes(b"x" * 100)
        os.utime(path.parent, (time.time() - age, time.time() - age))
    outbox.fresh("b.png")
    assert [path.exists() for path in paths[-4:]] == [False, False, True, True]
    outbox.close()


def test_what_killed_servers_left_is_swept_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    living = Outbox()
    left = tmp_path / f"gan-gallery-{dead.pid}-abc" / "uploads"
    other, strange = tmp_path / f"gan-gallery-{os.getppid()}-abc", tmp_path / "gan-gallery-notes.txt"
    left.mkdir(parents=True)
    other.mkdir()
    strange.write_text("not ours")
    Outbox().close()
    assert not left.parent.exists() and other.exists() and strange.exists() and living.root.exists()
    living.close()


# What is refused before Gradio sees it
