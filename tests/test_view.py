"""What a link says, and what is made of a picture's recipe: no server."""

import pytest

from gan.latent import MAX_SEED
from gan.recipe import SeedsRecipe
from gan.ui.parts.link import Link
from gan.ui.view import MAX_TILES, View, from_link, from_recipe, seeds_of, seeds_text


def test_link_restores_the_view_it_was_made_from():
    view = View("digits", (0, 1, 2, 9), "a & b/é", 0.35, (1.0, -0.5), "psi", "abc")
    link = Link.of(view.link("generate"))
    assert (from_link(link, ["plain", "digits"]), link.query["page"], link.notes) == (view, "generate", [])
    with pytest.raises(ValueError, match="too long"):
        Link.of("seed=1" * 9000)


@pytest.mark.parametrize("query", [
    dict(seed="-4"), dict(seed="5-1"), dict(seed="0-5000"), dict(seed="9" * 3000), dict(psi="nan"), dict(psi="7"),
    dict(psi="x"), dict(model="../../etc"), dict(codes="1,inf"), dict(strip="seeds"), dict(rev="\0"),
    {"class": "x" * 300}])
def test_link_with_a_wrong_value_is_read_without_it(query):
    link = Link(query)
    assert from_link(link, ["plain", "digits"]) == View("plain", tuple(range(16)))
    assert len(link.notes) == 1 and "\n" not in link.notes[0] and len(link.notes[0]) < 250


def test_seeds_text_is_read_back():
    for seeds in [(0,), (0, 1, 2, 42), (5, 4, 3), (7, 7), tuple(range(MAX_TILES)), (MAX_SEED,)]:
        assert seeds_of(seeds_text(seeds)) == seeds
    assert seeds_text(range(16)) == "0-15"


@pytest.mark.parametrize("text", [f"0-{MAX_TILES}", "0-1000000"])
def test_too_many_seeds_for_a_sheet_are_told_how_many_it_holds(text):
    with pytest.raises(ValueError, match=f"more than {MAX_TILES} seeds"):
        seeds_of(text)


def test_recipes_beyond_the_page_are_shown_as_far_as_it_goes():
    view, notes = from_recipe(SeedsRecipe("m", "r", tuple(range(500)), psi=2.0))
    assert (len(view.seeds), view.psi, len(notes)) == (MAX_TILES, 1.5, 2)
