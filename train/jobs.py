"""python -m train … --on hf-jobs: the same training on a machine that the Hugging Face Hub rents out by the minute.

The job is a uv script with this machine's versions of the packages. It takes the code of this project from the branch
``code`` of the model's repository, at the commit that was made for it, starts a process a GPU, reads the data by its id,
and pushes checkpoints as it goes, so that nothing is lost with the machine.
"""

from __future__ import annotations

import io
import json
import re
import sys
import warnings
import zipfile
from contextlib import suppress
from dataclasses import MISSING, fields, replace
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

from gan import hub
from gan.hub.contents import DISCRIMINATOR, contents, sha256
from gan.hub.publish import MODEL, Kind, upload
from gan.hub.troubles import HubError, patiently, reason, status
from train.asked import AUTO, NOTHING, Asked
from train.auto import DEFAULT_MINUTES

__all__ = ["ON", "send"]

ON = ("hf-jobs",)
ROOT = Path(__file__).resolve().parent.parent
BRANCH, ARCHIVE = "code", "code.zip"
CODE = Kind("model", MODEL.ours, lambda name: False)
NOT_NEEDED = {"gradio", "av"}  # for pages and videos
# Given as a file the script would be put into a bucket of its own, for which it is too small.
COMMAND = ["-c", 'printf "%s" "$GAN_GALLERY_JOB" > job.py && exec uv run job.py "$@"']
LONGEST_S = 24 * 3600  # where nobody knows how long it takes; without a limit the Hub ends a job after half an hour
SPARE_S = 1200  #        for packages, data, scores and the last push
SCRIPT = '''\
# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = {dependencies}
# ///
import hashlib
import subprocess
import sys
import zipfile

import torch
from huggingface_hub import hf_hub_download

path = hf_hub_download({repo}, {archive}, revision={commit})
with open(path, "rb") as file:
    if hashlib.file_digest(file, "sha256").hexdigest() != {digest}:
        sys.exit("the code is not the one that was sent")
zipfile.ZipFile(path).extractall("code")
gpus = torch.cuda.device_count()
launcher = ["-m", "torch.distributed.run", "--nproc-per-node", str(gpus)] if gpus > 1 else []
sys.exit(subprocess.call([sys.executable, "-u", *launcher, "-m", "train", *{arguments}], cwd="code"))
'''


def send(asked: Asked, flavor: str | None) -> int:
    """Starts the job, shows what it says until it ends, and returns the exit code. Ctrl-C leaves it running.

    Errors: ``ValueError``, ``HubError`` of one line; then no job was started.
    """
    from huggingface_hub import HfApi
    from huggingface_hub import errors as e

    _check(asked)
    api = HfApi()
    try:
        token, machine, limit_s = _token(), _machine(api, flavor), _limit_s(asked)
        hub.check_push(asked.push, private=asked.private)
        name, script = re.sub(r"[^\w-]", "-", asked.out.name, flags=re.ASCII), _script(asked)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the client's, that this call may change
            job = api.run_uv_job("sh", script_args=COMMAND, env={"GAN_GALLERY_JOB": script}, secrets={"HF_TOKEN": token},
                                 flavor=machine.name, timeout=limit_s, name=name)
    except HubError:
        raise
    except (e.HTTPError, e.HFValidationError, OSError) as error:
        raise HubError(f"no job was started: {_reason(error)}") from error
    price = 60 * machine.unit_cost_usd if machine.unit_label == "minute" else machine.unit_cost_usd
    print(f"{job.url} on {machine.pretty_name}, ${price:.2f} an hour, ended after {limit_s / 3600:.1f} hours at the latest\n"
          f"Ctrl-C leaves it running; hf jobs cancel {job.id} ends it", file=sys.stderr)
    return _followed(api, job, asked.push)


def _check(asked: Asked) -> None:
    """Errors: ``ValueError`` where the job would find out what can be known here, after minutes that cost money."""
    asked.check()
    if not asked.push:
        raise ValueError("--on hf-jobs needs --push user/name: what is learnt would be lost with the machine")
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", asked.data) or Path(asked.data).exists():
        raise ValueError(f"--on hf-jobs reads --data from the Hub, as user/name, and {asked.data} is on this machine: "
                         f"upload it first (hf upload you/pictures {asked.data} --repo-type dataset)")
    if asked.origin not in (None, NOTHING) and not hub.HUB_ID.fullmatch(asked.origin):
        raise ValueError(f"--on hf-jobs needs --from user/name, and {asked.origin} is on this machine: python -m gan "
                         f"push {asked.origin} user/name")
    if asked.dashboard:
        raise ValueError("--dashboard shows what this machine trains: leave it out with --on hf-jobs, which shows the log")
    if asked.dry_run:
        raise ValueError("--dry-run reads the data here: leave --on out")


def _machine(api: Any, flavor: str | None) -> Any:
    """What the Hub offers under this name. Errors: ``ValueError`` with what there is; those of the client."""
    offered = {machine.name: machine for machine in patiently(api.list_jobs_hardware)}
    if flavor not in offered:
        wrong = f"unknown --flavor {flavor[:50]!r}" if flavor else "--on hf-jobs needs --flavor"
        raise ValueError(f"{wrong}; there are: {', '.join(offered)}")
    return offered[flavor]


def _token() -> str:
    """Errors: ``LocalTokenNotFoundError``."""
    from huggingface_hub import errors as e
    from huggingface_hub import get_token

    if token := get_token():
        return token
    raise e.LocalTokenNotFoundError("there is no token")


def _limit_s(asked: Asked) -> int:
    minutes = asked.minutes or (DEFAULT_MINUTES if asked.recipe == AUTO and asked.kimg is None else None)
    return int(SPARE_S + 90 * minutes) if minutes else LONGEST_S


def _script(asked: Asked) -> str:
    """The job as a uv script; its code is then on the Hub. Errors: ``HubError``."""
    archive = _archive()
    done = upload({ARCHIVE: archive}, asked.push, CODE, private=asked.private, branch=BRANCH, message="code of a job")
    values = dict(dependencies=_dependencies(), repo=asked.push, archive=ARCHIVE, commit=done.commit, digest=sha256(archive),
                  arguments=_arguments(replace(asked, out=Path("../runs") / asked.out.name, resume=asked.resume and (
                      asked.push if asked.resume is True else asked.resume))))
    return SCRIPT.format(**{name: json.dumps(value) for name, value in values.items()})


def _archive() -> bytes:
    """gan/ and train/ as they are here, and the models that auto starts from; the same bytes for the same files."""
    code = [path for package in ("gan", "train") for path in (ROOT / package).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts]
    models = [path for D in hub.WEIGHTS.glob(f"*/{DISCRIMINATOR}") for path in contents(D.parent).values()]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(code + models):
            entry = zipfile.ZipInfo(path.relative_to(ROOT).as_posix())
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _dependencies() -> list[str]:
    """What requirements-train.txt names, in the versions that are here."""
    lines = [line for name in ("requirements.txt", "requirements-train.txt")
             for line in (ROOT / name).read_text("utf-8").splitlines()]
    names = [match[0] for line in lines if (match := re.match(r"[a-z]\w*", line))]
    return [f"{name}=={version(name).partition('+')[0]}" for name in names if name not in NOT_NEEDED]


def _arguments(asked: Asked) -> list[str]:
    """What ``python -m train`` is given to be asked the same."""
    options = {"origin": "from", "overrides": "set"}
    found = [asked.recipe]
    for f in fields(asked):
        value, name = getattr(asked, f.name), "--" + options.get(f.name, f.name).replace("_", "-")
        if f.name == "recipe" or f.default is not MISSING and value == f.default:
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            one = one.as_posix() if isinstance(one, PurePath) else one  # the job runs on Linux
            found += [name] if one is True else [f"{name}={one}"]
    return found


def _followed(api: Any, job: Any, repo: str) -> int:
    """Prints what the job says until it ends."""
    where, heard = dict(job_id=job.id, namespace=job.owner.name), 0
    try:
        for line in api.fetch_job_logs(**where, follow=True):
            print(line, flush=True)
            heard += 1
    except KeyboardInterrupt:
        print(f"\nthe job goes on: hf jobs logs {job.id} shows what it says, hf jobs cancel {job.id} ends it",
              file=sys.stderr)
        return 130
    ended = patiently(api.inspect_job, **where).status
    with suppress(Exception):  # what it said at its very end; whatever the client raises, the job is over
        for line in [*api.fetch_job_logs(**where)][heard:]:
            print(line, flush=True)
    if ended.stage == "COMPLETED":
        print(f"done: {api.endpoint}/{repo}", file=sys.stderr)
        return 0
    why = f" ({ended.message})" if ended.message else ""
    raise HubError(f"the job ended as {ended.stage}{why}: {job.url}; the same command with --resume {repo} goes on from its "
                   f"last checkpoint")


def _reason(error: Exception) -> str:
    if status(error) == 402:
        return "the Hub runs jobs for credits that are paid beforehand (huggingface.co/settings/billing)"
    if status(error) == 403:
        return "your token or your plan does not allow jobs: the token needs the right to start them"
    return reason(error)
