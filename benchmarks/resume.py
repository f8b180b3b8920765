"""python -m benchmarks.resume: kill -9 a training run at random moments, resume it, compare with one left alone.

Trains a recipe twice through the command line on the CPU: once in peace, once killed with SIGKILL at random moments
(twice by default) and resumed each time. Prints how many images were repeated, and whether every tensor of the two
last checkpoints, and of the two exports, is equal bit for bit. Exit 1 if not.

  python -m benchmarks.resume --data cats64.zip --recipe dcgan --kimg 6
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from train.run.checkpoint import CHECKPOINT, peek


def command(args: argparse.Namespace, out: Path, *extra: str) -> list[str]:
    return [sys.executable, "-m", "train", args.recipe, "--data", args.data, "--out", str(out), "--kimg", f"{args.kimg:g}",
            "--device", "cpu", "--checkpoint-s", f"{args.checkpoint_s:g}", *extra]


def nimg(out: Path) -> int:
    path = out / CHECKPOINT
    return peek(path)[0]["nimg"] if path.exists() else 0


def logged(out: Path) -> int:
    """Images of the last whole log line: how far a killed run had come, to a thousand."""
    path = out / "log.jsonl"
    lines = [line for line in path.read_text("utf-8").splitlines() if line.endswith("}")] if path.exists() else []
    return json.loads(lines[-1])["nimg"] if lines else 0


def kill_at_random(args: argparse.Namespace, out: Path, seconds: float) -> None:
    process = subprocess.Popen(command(args, out, "--resume"), stderr=subprocess.DEVNULL)
    while not (out / "snapshots" / "timeline.json").exists():
        time.sleep(0.05)  # training has begun
    wait = random.uniform(args.checkpoint_s, seconds)
    try:
        process.wait(wait)
        raise SystemExit(f"the run ended before it could be killed after {wait:.1f} s: raise --kimg")
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    print(json.dumps(dict(killed_after_s=round(wait, 1), reached_nimg=logged(out), checkpoint_nimg=nimg(out))), flush=True)


def equal(a: Path, b: Path) -> bool:
    x, y = load_file(a), load_file(b)
    return x.keys() == y.keys() and all(torch.equal(x[k], y[k]) for k in x)


def main() -> int:
    p = argparse.ArgumentParser("python -m benchmarks.resume", description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--recipe", default="dcgan")
    p.add_argument("--kimg", type=float, default=6.0)
    p.add_argument("--kills", type=int, default=2)
    p.add_argument("--checkpoint-s", type=float, default=5.0)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        calm, killed = Path(folder, "model"), Path(folder, "killed", "model")
        began = time.perf_counter()
        subprocess.run(command(args, calm), check=True, stderr=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        for _ in range(args.kills):
            kill_at_random(args, killed, max(args.checkpoint_s + 1, seconds / (args.kills + 1)))
        subprocess.run(command(args, killed, "--resume"), check=True, stderr=subprocess.DEVNULL)
        same = {name: equal(calm / name, killed / name) for name in (CHECKPOINT, "export/model.safetensors")}
        print(json.dumps(dict(recipe=args.recipe, kimg=args.kimg, kills=args.kills, bit_equal=same)))
        return 0 if all(same.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
