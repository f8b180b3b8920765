"""The app: one page with a tab for each file of this folder. Handlers are plain functions that call the library."""

from gan.ui.page import build, launch

__all__ = ["build", "launch"]
