"""Opens the GAN gallery in a browser; also the entry of a Hugging Face Space."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import webbrowser

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
PORT = os.environ.pop("GRADIO_SERVER_PORT", None)  # read here alone: Gradio raises on importing where it is no number

if os.environ.get("SPACES_ZERO_GPU"):  # a Space with shared GPUs: its package wants to be there before torch is
    import spaces  # noqa: F401

EXAMPLES = """examples:
  python app.py --open
  python app.py --models runs/my-cats user/their-model
  python app.py --host 0.0.0.0 --port 8000
  python app.py --mcp
Environment: GRADIO_SERVER_NAME and GRADIO_SERVER_PORT stand in for --host and --port, GRADIO_TEMP_DIR for the temporary
folder."""


def port_number(text: str) -> int:
    """argparse's type of --port."""
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, got {text!r} (--port or GRADIO_SERVER_PORT)")
    return int(text)


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser("python app.py", description=__doc__, epilog=EXAMPLES,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--host", help="address to listen on (default: 127.0.0.1, this machine only)")
    p.add_argument("--port", type=port_number, default=PORT or None,
                   help="port to listen on (default: the first free one from 7860)")
    p.add_argument("--models", nargs="+", default=[], metavar="DIR_OR_REPO",
                   help="more models: folders, folders of models, or Hub ids user/name[@revision]")
    p.add_argument("--open", action="store_true", help="open the page in the browser")
    p.add_argument("--mcp", action="store_true",
                   help="also offer the endpoints that read no picture as tools for language models, by the Model Context "
                        'Protocol; needs pip install "gradio[mcp]"')
    return p


def serve(args: argparse.Namespace) -> None:
    from gan.ui import (  # heavy: not needed for --help
        Studio,
        build,
        check_tools,
        collect,
        drop_picture_tools,
        launch_options,
    )

    if args.mcp:
        check_tools()
    studio = Studio(collect(args.models))
    app = build(studio)
    try:
        app.launch(server_name=args.host, server_port=args.port, prevent_thread_lock=True, quiet=True,
                   **launch_options(studio, mcp=args.mcp))
    except OSError as error:
        if "empty port" not in str(error):
            raise
        raise ValueError(f"port {args.port} is already in use: choose another with --port" if args.port else
                         "no free port from 7860 on: choose one with --port") from None
    if args.mcp:
        drop_picture_tools(app)
    threading.Thread(target=studio.warm, daemon=True).start()
    address = app.local_url.replace("//0.0.0.0", "//127.0.0.1")
    print(f"The GAN gallery is open at {address} (Ctrl-C closes it)", flush=True)
    if args.mcp:
        print(f"Tools for language models: {address.rstrip('/')}/gradio_api/mcp/", flush=True)
    if args.open:
        webbrowser.open(address)
    app.block_thread()


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that temporary files go
    try:
        serve(args)
        return 0
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
