"""The gallery in the browser, and the entry of a Hugging Face Space. Builds the page from gan/ui and launches it."""

from __future__ import annotations

import argparse
import os
import sys

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: the app makes no outside request
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

EXAMPLES = """examples:
  python app.py                                  # the models in weights/, on http://127.0.0.1:7860 or the next free port
  python app.py --models runs/photos/export user/model --port 8000
  python app.py --host 0.0.0.0                   # other machines may connect
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python app.py", description=__doc__, epilog=EXAMPLES,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="default: 127.0.0.1")
    p.add_argument("--port", type=int, help="default: the first free one from 7860 on")
    p.add_argument("--models", nargs="+", default=[], metavar="DIR_OR_REPO",
                   help="more models: folders, folders of models, or Hub ids user/name[@revision]")
    p.add_argument("--device", help="cuda, mps or cpu (default: the best there is)")
    p.add_argument("--open", action="store_true", help="open the page in the browser")
    return p


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    from gan.ui import build, launch  # after the variables above are set

    try:
        launch(build(args.models, device=args.device), host=args.host, port=args.port, open_browser=args.open)
        return 0
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
