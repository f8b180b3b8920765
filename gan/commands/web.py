"""python -m gan web: a gallery without a server."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

from gan.commands.common import add_command

EXAMPLES = """  python -m gan web cats64-dcgan mnist-infogan --out site && python -m http.server -d site
  python -m gan web you/cats --space you/cats-page"""


def add(commands: Any) -> None:
    c = add_command(commands, "web", run, summary="a static page that draws in the visitor's browser", examples=EXAMPLES,
                    description="Writes a folder of static files: any web server, or a static Space, shows it.")
    c.add_argument("models", nargs="+", metavar="MODEL")
    where = c.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="a new folder")
    where.add_argument("--space", metavar="USER/NAME", help="publish it as a static Space, which every account may have")
    c.add_argument("--webgpu", action="store_true", help="draw on the visitor's graphics processor, where there is one: the "
                   "site is 17 MB larger")
    c.add_argument("--json", action="store_true", help="print what was done as JSON")


def run(args: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        site = args.out or Path(temporary) / "site"
        done = _build(args.models, site, args.webgpu)
        if args.space:
            from gan.space import push_site

            published = push_site(args.space, site, [m["id"] for m in done["models"]])
            told, text = dict(url=published.url, commit=published.commit), published.url
        else:
            told, text = dict(folder=str(site), files=len(done["files"]) + 2), f"{len(done['models'])} models in {site}"
    print(json.dumps(told) if args.json else text)


def _build(models: list[str], site: Path, webgpu: bool) -> dict[str, Any]:
    from gan.web import build_site

    with tqdm(total=len(models), unit="model", leave=False) as bar:
        def report(name: str, count: int, total: int) -> None:
            bar.set_description(f"exporting {name}")
            bar.update(count - bar.n)

        return build_site(models, site, report, webgpu=webgpu)
