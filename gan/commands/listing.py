"""python -m gan list"""

from __future__ import annotations

import argparse
import json
from typing import Any

from gan.commands.common import add_command
from gan.files import object_in
from gan.gallery import Entry, list_models

EXAMPLES = """  python -m gan list
  python -m gan list --json"""


def add(commands: Any) -> None:
    c = add_command(commands, "list", run_list, summary="the models in weights/", examples=EXAMPLES,
                    description="Lists the models in weights/.")
    c.add_argument("--json", action="store_true", help="as JSON")


def run_list(args: argparse.Namespace) -> None:
    entries = list_models()
    if args.json:
        print(json.dumps([_describe(e) for e in entries], indent=2))
        return
    width = max((len(e.name) for e in entries), default=0)
    for e in entries:
        classes = f", {len(e.class_names)} classes" if e.class_names else ""
        does = f", {e.task.title.lower()}" if e.task else ""
        print(f"{e.name:{width}}  {e.family}, {e.resolution} px{classes}{does}, {e.bytes / 2**20:.1f} MiB, "
              f"data {_describe(e)['data']}")


def _describe(e: Entry) -> dict[str, Any]:
    return dict(name=e.name, family=e.family, resolution=e.resolution, channels=e.channels,
                classes=list(e.class_names), reads=e.source.made if e.source else None, bytes=e.bytes,
                recipe=e.training.get("recipe", ""), data=object_in(e.training, "data").get("name", "not stated"))
