"""python -m gan: draw with the gallery's models, and publish your own."""

from __future__ import annotations

import argparse
import sys

from gan.commands import augmenting, drawing, editing, listing, publishing, transforming, web
from gan.files import print_anything

GROUPS = (listing, drawing, editing, transforming, augmenting, publishing, web)  # in the order in which help names them


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python -m gan", description=__doc__,
                                epilog="python -m gan COMMAND --help shows examples of each.")
    commands = p.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for group in GROUPS:
        group.add(commands)
    return p


def main(argv: list[str] | None = None) -> int:
    print_anything()
    args = parser().parse_args(argv)
    try:
        args.run(args)
        return 0
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stopped:
        print(str(stopped) or "interrupted; what was written stays", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
