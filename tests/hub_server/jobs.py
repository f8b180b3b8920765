"""Jobs of the test Hub: what is sent is kept, and ends as the test says, or runs here as a process of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field

from hub_server.call import Answer, Call
from hub_server.store import Refused

__all__ = ["HARDWARE", "Job", "hardware", "inspect", "logs", "run"]

HARDWARE = [{"name": name, "prettyName": pretty, "cpu": "2 vCPU", "ram": "16 GB", "accelerator": None,
             "unitCostMicroUSD": int(1e6 * cost), "unitCostUSD": cost, "unitLabel": "minute"}
            for name, pretty, cost in [("cpu-basic", "CPU Basic", 0.000167), ("l4x1", "1x Nvidia L4", 0.01333)]]


@dataclass
class Job:
    spec: dict
    owner: str
    stage: str = "COMPLETED"
    message: str | None = None
    lines: list[str] = field(default_factory=lambda: ["hello"])


def answered(call: Call, id: str, job: Job) -> Answer:
    secrets = {name: "" for name in job.spec.get("secrets", {})}
    return Answer(200, {"id": id, "createdAt": "2026-01-01T00:00:00.000Z", "owner": {"id": "0", "name": job.owner,
                        "type": "user"}, "status": {"stage": job.stage, "message": job.message},
                        **{k: v for k, v in job.spec.items() if k != "secrets"}, "secrets": secrets})


def hardware(call: Call) -> Answer:
    return Answer(200, HARDWARE)


def run(call: Call) -> Answer:
    call.store.check_writer(call.user, call.parts["owner"])
    spec = call.json()
    if spec["flavor"] not in {machine["name"] for machine in HARDWARE}:
        raise Refused(400, f"Invalid flavor: {spec['flavor']}")
    id, job = f"job{len(call.hub.jobs)}", Job(spec, call.parts["owner"], *call.hub.ending)
    call.hub.jobs[id] = job
    if call.hub.machine is not None:
        job.stage, job.lines = "RUNNING", []
        threading.Thread(target=play, args=(job, call.hub.machine), daemon=True).start()
    return answered(call, id, job)


def found(call: Call) -> Job:
    job = call.hub.jobs.get(call.parts["id"])
    if job is None or not call.store.owns(call.user, f"{job.owner}/"):
        raise Refused(404, "Job not found")
    return job


def inspect(call: Call) -> Answer:
    return answered(call, call.parts["id"], found(call))


def logs(call: Call) -> Answer:
    """Server-sent events, all that there are so far: the client asks again while the job runs."""
    events = "".join(f"event: log\ndata: {json.dumps({'data': line, 'timestamp': '2026-01-01T00:00:00.000Z'})}\n\n"
                     for line in ["===== Job started", *found(call).lines])
    return Answer(200, events.encode(), {"Content-Type": "text/event-stream"})


def play(job: Job, machine: dict[str, str]) -> None:
    """Runs a job's command in an empty folder, with the machine's environment, its own and its secrets."""
    env = {**machine, **job.spec["environment"], **job.spec.get("secrets", {})}
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(job.spec["command"], cwd=folder, env=env, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        for line in process.stdout:
            job.lines.append(line.rstrip())
        job.message = f"exit code {process.wait()}" if process.wait() else None
    job.stage = "ERROR" if job.message else "COMPLETED"
