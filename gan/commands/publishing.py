"""python -m gan push | pull | space: models on the Hugging Face Hub, and the gallery as a Space."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from gan import hub
from gan.commands.common import add_command

PUSH = """  python -m gan push runs/cats you/cats
  python -m gan push cats64-dcgan you/cats --private"""
PULL = """  python -m gan pull you/cats
  python -m gan pull you/cats@v1 --out models/cats"""

SPACE = """  python -m gan space you/demo --models you/cats you/faces@v1 mnist-cgan
  python -m gan space you/demo --models runs/cats --dry-run demo && cd demo && python app.py"""


def add(commands: Any) -> None:
    c = add_command(commands, "push", run_push, summary="publish a model on the Hugging Face Hub", examples=PUSH,
                    description="Publishes a model in one commit: weights, card, samples, timeline; again: what changed.")
    c.add_argument("model", metavar="MODEL")
    c.add_argument("repo", metavar="USER/NAME", help="repository; it is made where it is not there")
    c.add_argument("--private", action="store_true", help="make a repository that only you see")
    _add_json(c)

    c = add_command(commands, "pull", run_pull, summary="fetch a model from the Hugging Face Hub", examples=PULL,
                    description="Fetches a model with everything that belongs to it. It then works offline too.")
    c.add_argument("repo", metavar="USER/NAME[@REV]", help="repository; REV is a branch, a tag or a commit")
    c.add_argument("--out", type=Path, help="also copy it into this new folder")
    _add_json(c)

    c = add_command(commands, "space", run_space, summary="show models in a Space on the Hugging Face Hub", examples=SPACE,
                    description="Makes or updates a Space that shows the models. Its secrets and settings stay as they are.")
    c.add_argument("repo", metavar="USER/NAME", help="Space; it is made where it is not there")
    c.add_argument("--models", nargs="+", required=True, metavar="MODEL", help="what it shows")
    c.add_argument("--private", action="store_true", help="make a Space that only you see")
    c.add_argument("--dry-run", type=Path, metavar="DIR", help="write its files into this new folder and publish nothing")
    _add_json(c)


def _add_json(c: argparse.ArgumentParser) -> None:
    c.add_argument("--json", action="store_true", help="print what was done as JSON")


def run_push(args: argparse.Namespace) -> None:
    folder, name, commit = hub.folder_of(args.model)
    if commit:  # of the Hub: whole, since what is not pushed goes from the repository
        folder, _ = hub.pull(name, commit)
    _tell_published(args, hub.push(folder, args.repo, private=args.private))


def run_space(args: argparse.Namespace) -> None:
    from gan.space import push_space, write_space

    if args.dry_run is None:
        return _tell_published(args, push_space(args.repo, args.models, private=args.private))
    count = write_space(args.dry_run, args.repo, args.models)
    return _tell(args, dict(folder=str(args.dry_run), files=count),
                 f"{count} files in {args.dry_run}: python app.py runs there")


def _tell_published(args: argparse.Namespace, done: hub.Published) -> None:
    what = f"{done.changed} file{'s' * (done.changed != 1)} in commit {done.commit[:12]}" if done.changed else \
        f"nothing has changed since commit {done.commit[:12]}"
    _tell(args, dict(url=done.url, commit=done.commit, changed=done.changed), f"{done.url}: {what}")


def run_pull(args: argparse.Namespace) -> None:
    match = hub.HUB_ID.fullmatch(args.repo)
    if not match:
        raise ValueError(f"{args.repo[:100]!r} is no Hub id: expected user/name or user/name@revision")
    folder, commit = hub.pull(match[1], match[2], args.out)
    name = str(folder) if args.out else f"{match[1]}@{commit}"
    hub.load(name)  # strictly, as everything that uses it will
    _tell(args, dict(model=match[1], commit=commit, folder=str(folder)),
          f"{match[1]} at commit {commit}" + (f" in {folder}" if args.out else
                                             f" is in the cache; python -m gan generate {name} works offline too"))


def _tell(args: argparse.Namespace, data: dict[str, Any], text: str) -> None:
    print(json.dumps(data) if args.json else text)
