"""train.run.world: several processes train as one would on the same batches, stop together, and are resumed."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from commands import TINY, train
from processes import ROOT, ended, played, start
from runs import IDENTITY, assert_same, tiny_run
from safetensors.torch import load_file

from train.recipes import RECIPES
from train.run.checkpoint import CHECKPOINT, load_checkpoint, peek, save_checkpoint
from train.run.world import World, launched

# A term's own parameters; path lengths, mixing, lazy terms and noise; growth and gradients of gradients; an augmentation
# that is adapted.
ADAPTED = "dcgan augment=DiffAugment(p=0) callbacks=AdaptiveAugment(every=2,kimg=0.2)"
IRRELEVANT = {"srgan": "D.head.score.bias"}  # its loss reads differences of scores: Adam walks by what rounding leaves
FAST = ["infogan", "stylegan2", "progan", ADAPTED]


def assert_one_and_two_are_alike(cases, folder):
    processes = start(2, "tests/processes.py", folder, *cases)
    expected = [played(case, World()) for case in cases]
    for status, said in ended(processes):
        assert status == 0, said
    for k, (case, alone) in enumerate(zip(cases, expected)):
        first, second = (load_file(folder / f"{k}.{rank}.safetensors") for rank in range(2))
        assert first.keys() == second.keys() == alone.keys()
        for name, value in alone.items():
            if IRRELEVANT.get(case) != name:
                assert (first[name] - value).abs().max() < 1e-5 * max(1, value.abs().max()), (case, name)
            assert torch.equal(first[name], second[name]), (case, name)  # bit for bit, or they would drift apart
        assert case != ADAPTED or alone["p"] > 0


def test_two_processes_learn_what_one_learns(tmp_path):
    """Losses of every round and all weights after 20 rounds, the average among them."""
    assert_one_and_two_are_alike(FAST, tmp_path)


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_by_every_other_recipe(tmp_path):
    assert_one_and_two_are_alike([name for name in RECIPES if name not in FAST], tmp_path)


class Second(World):
    """The second of two, whom nobody answers."""

    rank, size = 1, 2


def test_each_process_has_its_rows_and_draws_of_its_own():
    one, two = tiny_run("stylegan2"), tiny_run("stylegan2", world=Second())
    whole, part = one.stream.batch(4), two.stream.batch(two.rows, 1, 2)
    assert torch.equal(whole.x[2:], part.x) and one.stream.index == two.stream.index == 4
    drawn = {}
    for rank in range(2):
        run = tiny_run("stylegan2", world=type("W", (World,), {"rank": rank, "size": 2})())
        run.advance()
        drawn[rank] = (torch.rand(1), torch.rand(1, generator=run.own), torch.rand(1, generator=run.rng))
    assert drawn[0][0] != drawn[1][0] and drawn[0][1] != drawn[1][1]  # of layers, of terms
    assert drawn[0][2] == drawn[1][2]  # of z


def test_without_a_launcher_a_process_is_alone(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.delenv("RANK", raising=False)
    with launched() as world:
        assert world.first and world.size == 1


def test_a_batch_that_cannot_be_shared():
    with pytest.raises(ValueError, match=r"a batch of 5 cannot be shared by 2 processes: make it a multiple of 2"):
        tiny_run("dcgan", "batch=5", world=Second())


@pytest.mark.parametrize("name", ["gan", "stylegan2", "wgan-gp"])  # dropout; noise and mixing; a penalty that draws
def test_the_second_of_two_resumes_bit_for_bit(name, tmp_path):
    straight, resumed = tiny_run(name, world=Second()), tiny_run(name, world=Second())
    for _ in range(3):
        straight.advance()
    save_checkpoint(tmp_path / CHECKPOINT, straight.state(), IDENTITY)
    resumed.restore(*load_checkpoint(tmp_path / CHECKPOINT, IDENTITY))
    for run in (straight, resumed):
        for _ in range(3):
            run.advance()
    assert_same(straight, resumed)


def test_another_number_of_processes_goes_on_and_says_so(tmp_path, caplog):
    two, one = tiny_run("dcgan", world=Second()), tiny_run("dcgan")
    two.advance()
    save_checkpoint(tmp_path / CHECKPOINT, two.state(), IDENTITY)
    one.restore(*load_checkpoint(tmp_path / CHECKPOINT, IDENTITY))
    assert "the checkpoint is of 2 process(es) and goes on in 1" in caplog.text
    one.advance()
    assert one.nimg == 8


def begin(photos, out, *more):
    """Two processes in training, whose first checkpoint is written."""
    processes = start(2, "-m", "train", "dcgan", "--data", photos, "--out", out, "--checkpoint-s", "0.2", *TINY, *more)
    deadline = time.monotonic() + 100
    while not (out / CHECKPOINT).exists() and time.monotonic() < deadline and not any(p.poll() for p in processes):
        time.sleep(0.02)
    return processes


def errors(said):
    return re.findall("^error: .*", said, re.MULTILINE)


def test_one_is_killed_and_all_stop_and_one_goes_on(photos, tmp_path, caplog):
    out = tmp_path / "run"
    processes = begin(photos, out, "--kimg", "1000")
    processes[1].kill()
    (status, said), (killed, _) = ended(processes)
    assert (status, killed) == (1, -signal.SIGKILL)
    assert errors(said) == ["error: another of the 2 processes of this run has ended or does not answer: all stop. The last "
                            "checkpoint stays; the same command with --resume goes on from it"]
    assert "Traceback" not in said
    kimg = peek(out / CHECKPOINT)[0]["nimg"] / 1000
    assert train("dcgan", "--data", photos, "--out", out, "--kimg", kimg + 0.008, "--resume", *TINY) == 0
    assert "the checkpoint is of 2 process(es) and goes on in 1" in caplog.text


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="workers are found in /proc, which is Linux's")
def test_a_launcher_that_ends_the_others_leaves_them_time_to_say_it(photos, tmp_path):
    """Of two that torchrun has started one is killed."""
    out, said = tmp_path / "run", tmp_path / "said"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "train",
               "dcgan", "--data", photos, "--out", out, "--kimg", "1000", "--checkpoint-s", "0.2", *TINY]
    with said.open("w") as file, subprocess.Popen([*map(str, command)], stderr=file, cwd=ROOT) as launcher:
        deadline = time.monotonic() + 100
        while not (out / CHECKPOINT).exists() and time.monotonic() < deadline and launcher.poll() is None:
            time.sleep(0.02)
        workers = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
        of_rank = {pid: Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") for pid in workers}
        os.kill(next(int(pid) for pid, env in of_rank.items() if b"RANK=1" in env), signal.SIGKILL)
        assert launcher.wait(100) == 1
    assert len(errors(said.read_text())) == 1, said.read_text()


COLLAPSE = """
import torch
from runs import tiny_run
from train.run.loop import Observer
from train.run.watch import Collapsed
from train.run.world import launched

class Alarm(Observer):
    def after_round(self, run):
        if run.game.rounds == 3:
            raise Collapsed("too much alike")

with launched() as world:
    run = tiny_run("dcgan", world=world, observers=[Alarm()] if world.first else ())
    try:
        run.fit()
    except Collapsed as error:
        raise SystemExit(f"{world.rank} heard in round {run.game.rounds}: {error}, {error.slower}")
"""


FAILING = """
import time
from train.run.world import launched

try:
    with launched("cpu") as world:
        if world.first:
            raise ValueError("of the first")
        time.sleep(1)
        world.any(False)
except (ValueError, OSError) as error:
    raise SystemExit(f"error: {error}")
"""


def test_the_cause_is_said_once_though_it_ended_the_first_long_before_the_others_look():
    assert ended(start(2, "-c", FAILING)) == [(1, "error: of the first\n"), (1, "")]


@pytest.mark.slow
def test_what_the_first_finds_wrong_all_hear_of():
    assert [said.strip().splitlines()[-1] for _, said in ended(start(2, "-c", COLLAPSE))] == [
        "0 heard in round 3: too much alike, {'G': 0.25}", "1 heard in round 3: too much alike, {'G': 0.25}"]


@pytest.mark.slow
def test_a_mistake_is_said_once(photos, tmp_path):
    for mistake in (["--set", "speed=9"], ["--batch", "5"]):
        found = ended(start(2, "-m", "train", "dcgan", "--data", photos, "--out", tmp_path / "run", *TINY, *mistake))
        assert [status for status, _ in found] == [1, 1]
        assert len(errors(found[0][1] + found[1][1])) == 1, found


@pytest.mark.slow
def test_two_that_diverge_go_back_together(photos, tmp_path):
    """Three times to the checkpoint that only the first can read, then both give up, with a model."""
    out = tmp_path / "run"
    settings = ["loss=wasserstein", "d.norm=none", "precision=float32", "d_opt.lr=Schedule(1e-4, 1e15, 0.02)"]
    found = ended(start(2, "-m", "train", "dcgan", "--data", photos, "--out", out, "--kimg", "0.4", "--checkpoint-s", "0",
                        "--on-collapse", "rollback", *TINY, *(part for setting in settings for part in ("--set", setting))))
    said = found[0][1] + found[1][1]
    assert [status for status, _ in found] == [1, 1] and "(attempt 3 of 3)" in said, said
    assert len(errors(said)) == 1 and "went back to" in errors(said)[0] and (out / "export" / "config.json").exists()


@pytest.mark.slow
def test_a_signal_that_a_launcher_sends_on_stops_them_well_and_two_go_on(photos, tmp_path):
    """Ctrl-C reaches every process twice, from the terminal and from the launcher. What they then do is what they would have
    done without it."""
    stopped, straight = tmp_path / "stopped", tmp_path / "straight"
    processes = begin(photos, stopped, "--kimg", "1000")
    for process in [*processes, *processes]:
        process.send_signal(signal.SIGINT)
    (status, said), (other, _) = ended(processes)
    assert status == other == 130 and "nothing is lost" in said, said
    kimg = str(peek(stopped / CHECKPOINT)[0]["nimg"] / 1000 + 0.04)
    for out, more in ((stopped, ["--resume"]), (straight, [])):
        found = ended(start(2, "-m", "train", "dcgan", "--data", photos, "--out", out, "--kimg", kimg, *TINY, *more))
        assert [status for status, _ in found] == [0, 0], found
    stopped, straight = (load_checkpoint(out / CHECKPOINT, peek(out / CHECKPOINT)[1])[0] for out in (stopped, straight))
    assert all(torch.equal(stopped[name], straight[name]) for name in straight)
