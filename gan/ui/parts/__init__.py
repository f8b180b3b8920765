"""What several pages are made of. A part is a module here, with the script and the style of its name."""

from pathlib import Path

__all__ = ["sources"]

# Scripts in this order: each may use those before it.
PARTS = ("dom", "latest", "link", "keep", "drop", "tray", "code", "job", "card", "sheet", "controls", "brush", "compare",
         "crop", "closer")


def sources(suffix: str) -> list[str]:
    """The texts of the parts' files of that suffix (.js or .css)."""
    paths = [(Path(__file__).parent / name).with_suffix(suffix) for name in PARTS]
    return [path.read_text("utf-8") for path in paths if path.is_file()]
