"""train.run: every recipe resumes bit for bit, and who watches a run changes nothing in it."""

import json

import pytest
import torch
from runs import IDENTITY, assert_same, everything, tiny_run

from train.recipes import RECIPES
from train.run.checkpoint import load_checkpoint, save_checkpoint
from train.run.observers import Checkpoints, Log, Snapshots

OPTIONS = [
    ["penalties=R1(10, every=2)", "d.spectral=true", "g_opt.lr=Schedule(1e-3, 1e-5, 1)"],
    ["d_opt=RMSprop()", "d_steps=3", "g.up=transposed"],
    ["d.spectral=true", "precision=float32", "flip=true", "channels_last=false"],
    ["d.spectral=true", "augment=DiffAugment()", "penalties=R1(1)"],
]


@pytest.mark.parametrize(("name", "overrides"), [*((name, []) for name in RECIPES), *(("dcgan", o) for o in OPTIONS)])
def test_resume_is_bit_exact(name, overrides, tmp_path):
    """3 steps, a checkpoint, 3 more in a fresh object: the same bits as 6 steps without a break."""
    straight = tiny_run(name, *overrides)
    for _ in range(3):
        straight.advance()
    save_checkpoint(tmp_path / "c.safetensors", straight.state(), IDENTITY)
    for _ in range(3):
        straight.advance()
    torch.manual_seed(123)  # what the rest of the program draws must not matter
    resumed = tiny_run(name, *overrides)
    resumed.restore(*load_checkpoint(tmp_path / "c.safetensors", IDENTITY))
    for _ in range(3):
        resumed.advance()
    assert_same(straight, resumed)
    assert all(v.isfinite().all() for v in everything(straight).values() if v.is_floating_point())


@pytest.mark.parametrize("name", ["gan", "biggan", "stylegan2"])  # dropout; spectral norm in G; noise, mean w
def test_snapshots_logs_and_exports_change_nothing(name, tmp_path):
    """Watching a run draws nothing from its generators."""
    alone, watched = tiny_run(name), tiny_run(name, observers=[
        Log(tmp_path / "log.jsonl"), Snapshots(tmp_path / "s"),
        Checkpoints(tmp_path / "c.safetensors", IDENTITY, every_s=0)])
    torch.manual_seed(5)
    alone.fit()
    left = torch.get_rng_state()
    torch.manual_seed(5)
    watched.fit()
    assert torch.equal(left, torch.get_rng_state())
    assert_same(alone, watched)
    assert json.loads((tmp_path / "s" / "timeline.json").read_text())["snapshots"][-1]["nimg"] == 32
