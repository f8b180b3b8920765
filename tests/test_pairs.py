"""Data in pairs and in two domains, and the stream with what G reads."""

import io
import json

import numpy as np
import pytest
import torch
from conftest import tiny_images
from pictures import encoded, folder, parquet, picture, zipped
from PIL import Image

from gan.degrade import Edges, Holes, Noise, Paired, Shrink, Unpaired
from gan.image import to_uint8
from train.data.images import load_images
from train.data.part import hold_out, part
from train.data.stream import Stream

PAIRS = {f"{side}/{i}.{end}": picture(10 * k + i) for k, (side, end) in enumerate((("A", "png"), ("B", "bmp")))
         for i in range(6)}


def halves_of(name):
    """The pixels of a pair of PAIRS: A's and B's."""
    return [np.asarray(Image.open(io.BytesIO(PAIRS[file]))) for file in (f"A/{name}.png", f"B/{name}.bmp")]


def side_by_side(i):
    return encoded(Image.fromarray(np.concatenate(halves_of(i), 1)))


@pytest.mark.parametrize("form", ["folder", "nested", "zip", "side by side", "side by side in a zip"])
def test_pairs_are_found_in_every_form(tmp_path, cache, form):
    files = {f"{i}.png": side_by_side(i) for i in range(6)} if "side" in form else PAIRS
    files = {f"set/train/{name}": data for name, data in files.items()} if form == "nested" else files
    path = zipped(tmp_path / "a.zip", files) if "zip" in form else folder(tmp_path / "set", files)
    for _ in range(2):  # the second time from the cache
        images = load_images(path, pairs=True)
        assert images.spec.class_names == ("A", "B") and images.unpaired == ""
        assert images.partner.tolist() == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(images.pixels[2], halves_of(2)[0])
    np.testing.assert_array_equal(images.pixels[8], halves_of(2)[1])


def test_without_being_asked_for_nothing_is_paired(tmp_path, cache):
    wide = load_images(folder(tmp_path / "wide", {f"{i}.png": side_by_side(i) for i in range(3)}))
    assert wide.spec.count == 3 and wide.partner is None and not wide.spec.class_names
    images = load_images(folder(tmp_path / "set", PAIRS))
    assert images.spec.class_names == ("A", "B") and images.partner is None
    with pytest.raises(ValueError, match="reads pairs; no pairs were looked for"):
        Stream(images, seed=0, source=Paired())


def test_only_wide_pictures_are_cut(tmp_path, cache):
    files = {f"{i}.png": picture(i, size=(32, 16)) for i in range(4)}
    odd = {"x.png": picture(9, size=(31, 16))}
    mixed = load_images(folder(tmp_path / "mixed", {**files, **odd}), pairs=True)
    assert mixed.spec.count == 5 and mixed.partner is None
    junk = load_images(folder(tmp_path / "junk", {**files, "read.me": b"hello"}), pairs=True)
    assert junk.spec.count == 8 and junk.partner is not None and len(junk.skipped) == 2


def without(*names):
    return {name: data for name, data in PAIRS.items() if name not in names}


@pytest.mark.parametrize(("files", "message"), [
    (without("A/3.png"), "1 of 11 pictures have no partner of their name (B/3 has none in A/)"),
    (without("A/3.png", "B/0.bmp", "B/1.bmp"), "(A/0 has none in B/, A/1 has none in B/, B/3 has none in A/)"),
    ({**PAIRS, "B/3.bmp": picture(9, size=(24, 16))}, "of 3 A/ has 16 x 16 px, B/ has 24 x 16 px"),
    ({**PAIRS, "A/3.jpg": picture(9)}, "two pictures in A/ are called 3"),
    ({**PAIRS, "B/3.bmp": b"broken"}, "A/3 has none in B/"),
    (without(*(name for name in PAIRS if name[0] == "B")), "pairs are two folders with equal names"),
    ({**PAIRS, "C/0.png": picture(7)}, "pairs are two folders with equal names"),
])
def test_what_is_no_set_of_pairs_is_named(tmp_path, cache, files, message):
    images = load_images(folder(tmp_path / "set", files), pairs=True)
    with pytest.raises(ValueError) as error:
        Stream(images, seed=0, source=Paired())
    assert message in str(error.value) and str(error.value).startswith("set: ") and "\n" not in str(error.value)


def test_a_table_has_no_pairs(tmp_path, cache):
    images = load_images(parquet(tmp_path / "a.parquet", list(PAIRS.values()), [0] * 6 + [1] * 6, ["A", "B"]), pairs=True)
    with pytest.raises(ValueError, match="no pairs were looked for"):
        Stream(images, seed=0, source=Paired())


def test_names_that_pair_otherwise_are_another_set(tmp_path, cache):
    swapped = {**PAIRS, "B/0.bmp": PAIRS["B/1.bmp"], "B/1.bmp": PAIRS["B/0.bmp"]}
    a, b = (load_images(folder(tmp_path / name, files), pairs=True)
            for name, files in (("a", PAIRS), ("b", swapped)))
    assert a.fingerprint != b.fingerprint
    renamed = {name.replace("A/", "A/x").replace("B/", "B/x"): data for name, data in PAIRS.items()}
    assert load_images(folder(tmp_path / "c", renamed), pairs=True).partner.tolist() == a.partner.tolist()


@pytest.fixture
def pairs(tmp_path, cache):
    return load_images(folder(tmp_path / "set", PAIRS), pairs=True)


@pytest.mark.parametrize("reads", ["A", "B"])
def test_a_pair_stays_together_and_is_mirrored_together(pairs, reads):
    x, _, y = Stream(pairs, seed=0, flip=True, source=Paired(reads)).batch(100)
    both = {}
    for i in range(6):
        a, b = halves_of(i)
        b_of_a = ((a, b) if reads == "A" else (b, a))
        for mirrored in (False, True):
            given, made = (p[:, ::-1] if mirrored else p for p in b_of_a)
            both[made.tobytes()] = given.tobytes()
    for made, given in zip(to_uint8(x), to_uint8(y)):
        assert both[made.tobytes()] == given.tobytes()
    assert len({made.tobytes() for made in to_uint8(x)}) == 12  # each in two ways


def test_a_folder_that_is_not_there(pairs):
    with pytest.raises(ValueError, match=r"Paired\(reads='C'\): the folders of the pairs in set are A and B"):
        Stream(pairs, seed=0, source=Paired("C"))


def test_two_domains(pairs):
    x, c, y = Stream(pairs, seed=0, source=Unpaired()).batch(200)
    sides = [{halves_of(i)[k].tobytes() for i in range(6)} for k in (0, 1)]
    for made, label, given in zip(to_uint8(x), c.tolist(), to_uint8(y)):
        assert made.tobytes() in sides[label] and given.tobytes() in sides[1 - label]
    partners = sum(np.array_equal(halves_of(i)[1], given) for i in range(6) for made, given in zip(to_uint8(x), to_uint8(y))
                   if np.array_equal(halves_of(i)[0], made))
    assert 0 < partners < 60  # each of six is met now and then, not always its own


@pytest.mark.parametrize(("pairs", "line"), [
    (False, r"set: Unpaired\(\) needs two folders of pictures, one for each kind, and finds one only "
            r"\(skipped: B/: an empty folder\)"),
    (True, "set: B/ is empty: pairs are pictures of equal names in B/ and A/; take B/ away to learn from A/ alone"),
])
@pytest.mark.parametrize("packed", [False, True])
def test_an_empty_domain_is_one_line_that_names_it(pairs, line, packed, tmp_path, cache):
    only_a = without(*(n for n in PAIRS if n[0] == "B"))
    path = zipped(tmp_path / "set", {**only_a, "B/": b""}) if packed else folder(tmp_path / "set", only_a)
    if not packed:
        (path / "B").mkdir()
    with pytest.raises(ValueError, match=f"^{line}$"):
        Stream(load_images(path, pairs=pairs), seed=0, source=Unpaired())


def test_an_empty_folder_among_others_is_no_side_of_pairs(tmp_path, cache):
    path = folder(tmp_path / "set", {f"{letter}/0.png": picture(k) for k, letter in enumerate("ACD")})
    (path / "B").mkdir()
    assert load_images(path, pairs=True).spec.class_names == ("A", "C", "D")


def test_two_kinds_are_two_folders(tmp_path, cache):
    three = load_images(folder(tmp_path / "three", {**PAIRS, "C/0.png": picture(7)}), pairs=True)
    with pytest.raises(ValueError, match="finds A, B, C"):
        Stream(three, seed=0, source=Unpaired())


@pytest.mark.parametrize("source", [Noise(), Holes(), Edges(), Shrink(2)])
def test_what_is_made_is_made_for_the_item_and_not_for_its_batch(source):
    images = tiny_images(channels=3)
    whole = Stream(images, seed=7, flip=True, source=source).batch(90)
    parts = Stream(images, seed=7, flip=True, source=source)
    halved = [parts.batch(n) for n in (13, 1, 76)]
    resumed = Stream(images, seed=7, flip=True, source=source)
    resumed.index = 40
    rest = resumed.batch(50)
    for k in (0, 2):  # x and y
        assert torch.equal(whole[k], torch.cat([part[k] for part in halved])) and torch.equal(whole[k][40:], rest[k])
    first, again = whole.y[:64], whole.y[64:]
    same = {tuple(a.flatten().tolist()) for a in first} & {tuple(a.flatten().tolist()) for a in again}
    assert not (same and isinstance(source, (Noise, Holes)))  # another epoch, other draws
    assert not torch.equal(whole.y, Stream(images, seed=8, flip=True, source=source).batch(90).y)


def test_shown_pictures_are_those_held_out_and_the_same_in_every_run():
    trained, held = hold_out(tiny_images(channels=3, count=200), 0.1)
    stream = Stream(trained, seed=3, source=Noise(), held_out=held)
    shown, elsewhere = stream.shown(1000), Stream(trained, seed=4, flip=True, source=Noise(), held_out=held).shown(1000)
    assert len(shown.x) == 20 and stream.index == 0
    assert torch.equal(shown.x, elsewhere.x) and torch.equal(shown.y, elsewhere.y)
    assert torch.equal(stream.shown(4).y, shown.y[:4])
    seen = {p.tobytes() for p in to_uint8(stream.batch(180).x)}
    assert len(seen) == 180 and not seen & {p.tobytes() for p in to_uint8(shown.x)}
    without = Stream(trained, seed=3, source=Noise()).shown(5).x
    assert {p.tobytes() for p in to_uint8(without)} <= seen


def test_a_pair_is_held_out_whole(tmp_path, cache):
    files = {f"{side}/{i}.png": picture(100 * k + i) for k, side in enumerate("AB") for i in range(40)}
    images = load_images(folder(tmp_path / "many", files), pairs=True)
    for some, count in zip(hold_out(images, 0.2), (32, 8)):
        assert some.spec.count == 2 * count and sorted(some.labels.tolist()) == [0] * count + [1] * count
        for row, other in enumerate(some.partner):
            assert some.partner[other] == row != other
            whole = [int(np.flatnonzero((images.pixels[:] == some.pixels[k]).all((1, 2, 3)))[0]) for k in (row, other)]
            assert images.partner[whole[0]] == whole[1]
    assert part(images, np.arange(5)).partner is None  # torn apart


def test_a_decoded_set_of_before_is_still_read(tmp_path, cache):
    """A note of the cache that knows nothing of pairs."""
    path = folder(tmp_path / "set", PAIRS)
    images = load_images(path)
    about = json.loads((cache / f"{images.fingerprint}.json").read_text())
    assert about.keys() == {"spec", "labels", "skipped"}
