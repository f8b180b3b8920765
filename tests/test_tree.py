"""The Family tree page's values; test_browser.py looks at what the browser makes of them."""

import json
from pathlib import Path

import pytest
from conftest import tiny_generator
from PIL import Image

from benchmarks import scoreboard
from gan import hub
from gan.base import Latent
from gan.gallery import Entry
from gan.hub.evidence import set_by
from gan.ui.outbox import Outbox
from gan.ui.pages.tree import FRAMES, MAX_BOARD, content, moments, nodes, scoreboards
from gan.ui.parts.kin import group, year

HOSTILE = "<img src=x onerror=\"window.pwned=1\">${window.pwned=2}{{x}}</script><script>window.pwned=3</script>"


def model(recipe: str, *, folder=Path("nowhere"), name="", resolution=16, data: str | None = "shapes", **training) -> Entry:
    """An entry of the gallery, without any weights."""
    said = {"recipe": recipe, "data": {"fingerprint": data}, "paper": "Someone 2014", **training}
    return Entry(name or recipe, name or recipe, folder, "dcgan", resolution, 1, Latent(8), (), 1000, said)


def write_timeline(folder: Path, snapshots: list[tuple[int, float | None]]) -> None:
    """Snapshots of (nimg, minutes); picture k is of the grey 50 k."""
    (folder / "timeline").mkdir(parents=True)
    listed = [dict(file=f"{nimg:09d}.webp", nimg=nimg, minutes=minutes) for nimg, minutes in snapshots]
    for k, snapshot in enumerate(listed):
        Image.new("L", (70, 70), 50 * k).save(folder / "timeline" / snapshot["file"], lossless=True)
    (folder / "timeline" / "timeline.json").write_text(json.dumps({"seeds": [*range(16)], "snapshots": listed}))


def write_family(folder: Path) -> list[Path]:
    """Two models of the same data: the recipe late grew from early, and says hostile things."""
    runs = {"early": [(0, 0), (5000, 1.5), (8000, 4)], "late": [(0, 0), (1000, 1.8), (4000, 8)]}
    said = {"early": dict(paper="A 2014, arXiv:1406.2661"),
            "late": dict(parent="early", paper=HOSTILE, note=HOSTILE,
                         changes={"g_opt.lr": ["", "0.001"], HOSTILE: [HOSTILE] * 2})}
    for recipe, snapshots in runs.items():
        path = folder / f"{recipe}-one"
        hub.save(path, tiny_generator("dcgan"))
        write_timeline(path, snapshots)
        training = dict(recipe=recipe, data=dict(name="squares", fingerprint="f"), **said[recipe])
        (path / "training.json").write_text(json.dumps(training))
    return [folder / f"{recipe}-one" for recipe in runs]


def write_board(results: Path) -> None:
    """The table that the project's own scoreboard writes."""
    board = scoreboard.Board("test", "A title", "How it was judged.", {"score": "Score", "bias": "Bias"}, lambda path: {})
    rows = [dict(name="a", settings=["g.width=8"], kimg=21.5, parameters=1234567, cpu_minutes=20.0, score=0.5, bias=-0.125),
            dict(name="b", settings=[], kimg=138.0, parameters=99, cpu_minutes=19.0, score=12, bias=0.5),
            dict(name="c", not_run="left out for want of time")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoreboard, "RESULTS", results)
        results.mkdir(parents=True)
        for row in rows:
            board.record(row, ["a", "b", "c"])


@pytest.fixture
def outbox(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "shown"))
    box = Outbox()
    yield box
    box.close()


# Which models


def test_group_is_the_most_recipes_of_the_same_data_and_resolution():
    others = [model("x", data="cats"), model("a", resolution=32, name="large"), model("", name="unnamed"),
              model("y", data=None)]
    first, second = model("b", name="first"), model("b", name="second")
    assert list(group([*others, first, second, model("a"), model("c")]).values()) == [model("a"), first, model("c")]
    assert group([*others, first, second]) == {}


def test_data_without_fingerprint_are_told_by_their_name():
    named = [model(r, name=f"{r}-{d}", data=None) for r, d in [("a", "cats"), ("b", "dogs"), ("c", "cats")]]
    for entry in named:
        entry.training["data"] = {"name": entry.id[2:]}
    assert list(group(named)) == ["a", "c"]


def test_group_is_in_the_order_of_years_and_descent():
    entries = [model("child", paper="B 2014", parent="z"), model("unknown", paper="arXiv:1912.04958"),
               model("z", paper="A 2014"), model("old", paper="C 1999")]
    assert list(group(entries)) == ["old", "z", "child", "unknown"]


@pytest.mark.parametrize("paper, expected", [
    ("Karras et al. 2018, arXiv:1710.10196", 2018), ("A 2014, arXiv:1411.1784; then B 2018", 2014),
    ("arXiv:1912.04958", None), ("arXiv:2001.00001v2, B 2021.", 2021), ("", None), ("120191 in 1820", None)])
def test_year_is_that_of_the_paper(paper, expected):
    assert year(paper) == expected


# Side by side


def test_moments_are_those_of_the_ladder_that_show_something_new_and_the_end():
    minutes = [0, 0.01, 0.05, 0.23, 0.45, 1.11, 2.26, 4.72, 20.3, 35.05]
    assert [m["text"] for m in moments(minutes)] == [
        "before training", "after 1 second", "after 5 seconds", "after 15 seconds", "after 30 seconds", "after 2 minutes",
        "after 5 minutes", "after 35 minutes"]
    assert moments(minutes)[-1]["minutes"] == 35.05 and moments([]) == []
    assert [m["text"] for m in moments([0, 19, 20.2])] == ["before training", "after 20 minutes"]  # 20 twice says nothing
    assert [m["text"] for m in moments([0.999, 1e5])] == ["after 1 minute", "after 1,666 h 40 min"]


def test_sheet_shows_copies_of_the_snapshots_in_the_order_of_their_minutes(tmp_path, outbox):
    write_timeline(tmp_path / "a", [(0, 0.0), (2_000_000, 3.0), (3000, 0.5), (4000, None), (5000, -1.0)])
    found = content([model("a", folder=tmp_path / "a"), model("b")], outbox, [])
    (sheet,) = found["sheets"]  # b has no timeline: it is in the tree alone
    assert sheet["settings"] == []
    assert [n["recipe"] for n in found["nodes"]] == ["a", "b"]
    assert (sheet["model"], sheet["recipe"], sheet["year"], sheet["tile"]) == ("a", "a", 2014, 16)
    assert [f["caption"] for f in sheet["frames"]] == ["untrained", "3 thousand images after 30 seconds",
                                                       "2.0 million images after 3 minutes"]
    assert all(f["url"].startswith(Outbox.url(outbox.root)) and f["width"] == 70 for f in sheet["frames"])


def test_long_timeline_is_thinned_out(tmp_path, outbox):
    write_timeline(tmp_path / "a", [(1000 * k, k) for k in range(FRAMES + 20)])
    entry = model("a", folder=tmp_path / "a")
    frames = content([entry, model("b")], outbox, [])["sheets"][0]["frames"]
    assert (len(frames), frames[0]["minutes"], frames[-1]["minutes"]) == (FRAMES, 0, FRAMES + 19)


# The tree


def test_node_hangs_from_its_parent_and_says_what_changed():
    said = dict(parent="a", paper="B 2015, arXiv:1511.06434", note="what is  new",
                changes={"loss": ["x", "y"], "d.pool": ["", "z"]})
    root, child = nodes(group([model("b", **said), model("a", parent="elsewhere", changes={"loss": ["", "x"]})]))
    assert (root["recipe"], root["under"], root["parent"], root["changes"]) == ("a", "", "elsewhere", [["loss", "", "x"]])
    assert child == dict(recipe="b", under="a", parent="a", paper=said["paper"], paper_url="https://arxiv.org/abs/1511.06434",
                         note="what is new", changes=[["loss", "x", "y"], ["d.pool", "", "z"]])


def test_recipes_that_descend_from_each_other_all_stay_in_the_tree():
    found = nodes(group([model("a", parent="c"), model("b", parent="a"), model("c", parent="b"), model("d", parent="c"),
                         model("e", parent="e")]))
    under = {n["recipe"]: n["under"] for n in found}
    assert under == {"a": "", "b": "a", "c": "b", "d": "c", "e": ""}


@pytest.mark.parametrize("strange", [
    {}, dict(parent=["a"], paper=3, note={}, changes=[["loss", "x", "y"]]),
    dict(parent="b", changes={"s": "xy", "t": [1], "u": None})])
def test_strange_training_json_leaves_parts_out(strange):
    node = next(n for n in nodes(group([model("a", **strange), model("b")])) if n["recipe"] == "a")
    assert (node["note"], node["changes"]) == ("", [])


# The scoreboards


def test_scoreboard_is_the_one_that_the_benchmarks_write(tmp_path):
    write_board(tmp_path / "results")
    (board,) = scoreboards(sorted((tmp_path / "results").glob("*.json")))
    assert (board["title"], board["protocol"]) == ("A title", "How it was judged.")
    assert board["heads"] == ["Score", "Bias", "thousand images", "parameters of G", "CPU minutes"]
    assert board["rows"][0] == dict(
        name="a", not_run="", cells=["0.5", "-0.125", "21.5", "1,234,567", "20"], settings=["g.width=8"])
    assert board["rows"][1]["cells"] == ["12.0", "0.500", "138.0", "99", "19"]
    assert (board["rows"][2]["name"], board["rows"][2]["not_run"]) == ("c", "left out for want of time")


@pytest.mark.parametrize("text", [
    b"{", b"[]", b"[" * 9000, b'{"rows": {}}', b'{"rows": [1]}', b'"\xff"', b'{"rows": [{"name": "a"}]}' + b" " * MAX_BOARD])
def test_broken_scoreboard_is_left_out_with_a_warning(tmp_path, caplog, text):
    write_board(tmp_path / "results")
    (tmp_path / "results" / "broken.json").write_bytes(text)
    assert [board["title"] for board in scoreboards(sorted((tmp_path / "results").glob("*.json")))] == ["A title"]
    (line,) = caplog.messages
    assert "broken.json" in line and len(line) < 200


def test_scoreboard_of_wrong_types_is_shown_as_far_as_it_can_be_read(tmp_path):
    row = {"name": 3, "kimg": True, "parameters": [1], "cpu_minutes": 1e300, "score": "high", "x": None, "settings": [1]}
    table = {"title": [], "protocol": 1, "columns": {"score": 4, "x": "X"}, "rows": [row, None, {"name": "n", "not_run": 0}]}
    (tmp_path / "odd.json").write_text(json.dumps(table))
    (board,) = scoreboards([tmp_path / "odd.json"])
    assert (board["title"], board["protocol"], board["heads"][:2]) == ("odd", "", ["score", "X"])
    assert board["rows"][0] == dict(name="", not_run="", cells=["high", "", "", "", ""], settings=[])
    assert board["rows"][1]["not_run"] == "not run"


# Nothing to show


@pytest.mark.parametrize("entries", [[], [model("a")], [model("a"), model("b", data="cats")]])
def test_page_without_a_family_says_why_and_shows_the_scoreboards_all_the_same(tmp_path, outbox, entries):
    write_board(tmp_path / "results")
    found = content(entries, outbox, [*(tmp_path / "results").glob("*.json")])
    assert "the same data at the same resolution" in found["alone"] and len(found["boards"]) == 1
    assert not (found["moments"] or found["sheets"] or found["nodes"])
    assert content(entries, outbox, [])["boards"] == []


def test_a_recipe_hangs_from_the_nearest_ancestor_that_is_there():
    family = group([model("first"), model("third", parent="second", ancestors=["second", "first"]),
                    model("fourth", parent="third", ancestors=3)])
    assert {n["recipe"]: n["under"] for n in nodes(family)} == {"first": "", "third": "first", "fourth": "third"}


def test_settings_of_a_command_stand_beside_its_sheet():
    assert set_by("python -m train a --data 'my photos' --set g.width=8 --set 'penalties=R1(1), PathLength()' --kimg 3") == [
        "g.width=8", "penalties=R1(1), PathLength()"]
    assert set_by("") == set_by("python --set 'unclosed") == []
