"""The pages of the app, in the order of their tabs. A new page is one module here and one name in this tuple."""

from gan.ui.page import Page
from gan.ui.pages import augment, edit, gallery, generate, interpolate, keep, transform, tree

__all__ = ["PAGES"]

PAGES: tuple[Page, ...] = (gallery.PAGE, generate.PAGE, interpolate.PAGE, edit.PAGE, transform.PAGE, augment.PAGE,
                           tree.PAGE, keep.PAGE)
