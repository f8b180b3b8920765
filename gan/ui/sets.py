"""A synthetic set as the app makes it: what is asked for, as one value, and the file that comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import Any

from gan import hub
from gan.augment import DISTINCT, Candidate, Order, augment, balanced, by_class, candidates, check_room, estimate, seen_for
from gan.dataset import FORMS, check_form, pack, write_card
from gan.gallery import Entry
from gan.ui.outbox import file_stem
from gan.ui.parts.link import Link, flag, link_to, listed, name_of, one_of, whole_between
from gan.ui.studio import Studio
from gan.ui.view import within_psi

__all__ = ["MOST", "PREVIEW", "READS", "Set", "check_packing", "make_set", "preview", "set_from_link"]

COUNT = 500  #          of a page without a link
MOST = 10_000  #        images of a set that a visitor may order
MOST_BYTES = 2**28
PREVIEW = 32  #         pictures
READS = ("model", "count", "counts", "balance", "psi", "distinct")


@dataclass(frozen=True)
class Set:
    """A model and what to draw with it."""

    model: str  #                             id
    count: int = COUNT
    counts: tuple[tuple[str, int], ...] = ()  # images of each class that is named, in the place of ``count``
    balance: bool = False
    psi: float = 1.0
    distinct: bool = False  #                 near-duplicates are left out

    def link(self, page: str) -> str:
        """The query string that shows this order on a page."""
        return link_to(page, model=self.model, count=str(self.count), counts=counts_text(self.counts),
                       balance=str(int(self.balance)), psi=f"{self.psi:g}", distinct=str(int(self.distinct)))

    def order(self, model: hub.Model) -> Order:
        """Errors: ``ValueError`` for more than a visitor may order, classes that are not there, and as ``Order``."""
        if self.counts:
            counts = by_class(model, dict(self.counts))
        else:
            counts = balanced(model, self.count) if self.balance else (self.count,)
        if sum(counts) > MOST:
            raise ValueError(f"{sum(counts):,} images are too many for one download, at most {MOST:,}: on your own machine "
                             "the command line draws any number")
        return Order(counts, self.psi, 0, DISTINCT if self.distinct else 0.0)

    def command(self, suffix: str = "") -> str:
        """The same set from the command line."""
        many = f"--counts {' '.join(quote(f'{name}={count}') for name, count in self.counts)}" if self.counts else (
            f"--count {self.count}" + " --balance" * self.balance)
        options = f" --psi {self.psi:g}" * (self.psi != 1) + f" --distinct {DISTINCT:g}" * self.distinct
        return f"python -m gan augment {quote(self.model)} {many}{options} --out set{suffix}"


def counts_of(text: str) -> tuple[tuple[str, int], ...]:
    """``"cat=100, dog=50"`` -> (("cat", 100), ("dog", 50)). ``ValueError`` for anything else."""
    found = []
    for part in filter(str.strip, str(text)[:8000].split(",")):
        name, _, number = part.rpartition("=")
        if not name.strip() or not number.strip().isdecimal() or len(number) > 9:
            raise ValueError(f"cannot read {part.strip()[:60]!r}: expected a class and a number, as in cat=100, dog=50; "
                             "a comma in a name is written %2C")
        found.append((name_of(name.strip()), int(number)))
    return tuple(found)


def counts_text(counts: Sequence[tuple[str, int]]) -> str:
    """What ``counts_of`` reads as these counts."""
    return ",".join(f"{listed(name)}={count}" for name, count in counts)


def set_from_link(link: Link, models: Sequence[str]) -> Set | None:
    """What a link asks for; what is wrong in it is noted there and left at its default. None without models."""
    if not models:
        return None
    return Set(link.read("model", one_of(models, "model"), models[0]),
               link.read("count", lambda text: whole_between(text, 1, MOST), COUNT),
               link.read("counts", counts_of, ()), link.read("balance", flag, False),
               link.read("psi", within_psi, 1.0), link.read("distinct", flag, False))


def fitted(asked: Set, entry: Entry) -> tuple[Set, list[str]]:
    """(the set as far as the model has its classes, what was changed)."""
    if unknown := [name for name, _ in asked.counts if name not in entry.class_names]:
        return replace(asked, counts=()), [f"there is no class {unknown[0][:60]!r} in {entry.id}"]
    return (asked, []) if entry.class_names or not asked.balance else (replace(asked, balance=False), [])


def preview(studio: Studio, asked: Set) -> tuple[list[Candidate], int]:
    """(the first pictures of every class of the set, those left out among them; the bytes that the whole set will take)."""
    model = studio.model(asked.model)
    whole = asked.order(model)
    whole.check(model)
    each = max(1, PREVIEW // sum(count > 0 for count in whole.counts))
    order = replace(whole, counts=tuple(min(count, each) for count in whole.counts))
    room = studio.outbox.fresh("preview")
    seen = seen_for(model, order, room)
    found: list[Candidate] = []
    try:
        for some in candidates(model, order, seen, turn=studio.engine.turn):
            found += some
            if len(found) >= 2 * PREVIEW:  # of which a filter may have left many out
                break
    finally:
        if seen is not None:
            seen.close()
        shutil.rmtree(room.parent, ignore_errors=True)
    with studio.engine.turn():
        return found, estimate(model, whole)


def check_packing(form: Any) -> None:
    """``ValueError`` for a form that no set is packed as."""
    if form not in FORMS:
        raise ValueError(f"a set is packed as {' or '.join(FORMS)}, not as {str(form)[:20]!r}")


def make_set(studio: Studio, asked: Set, form: str, report: Callable[[int, int], None]) -> Path:
    """Draws the set and packs it into a file of the outbox; ``report(done, total)`` may raise to break it off.

    Errors: ``ValueError`` as ``Set.order``, for a form that is none and a set that is too large; nothing is left then.
    """
    check_packing(form)
    model = studio.model(asked.model)
    order = asked.order(model)
    order.check(model)
    out = studio.outbox.fresh(f"{file_stem(model.id)}-{order.total}-images{form}")
    check_form(out)
    with studio.engine.turn():
        needed = estimate(model, order)
    if needed > MOST_BYTES:
        raise ValueError(f"this set will take about {needed / 1e6:,.0f} MB, at most {MOST_BYTES / 1e6:,.0f} are sent from "
                         "here: ask for fewer, or draw it with the command line")
    folder = out.with_name("set")
    try:
        check_room(out.parent, 2 * needed)
        for progress in augment(model, order, folder, turn=studio.engine.turn):
            report(progress.done, order.total)
        write_card(folder, model, order, asked.command(form))
        for done in pack(folder, out, model.class_names):
            report(done, order.total)
        return out
    except BaseException:
        shutil.rmtree(out.parent, ignore_errors=True)
        raise
