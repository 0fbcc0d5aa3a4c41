"""How a garment is built, traced: to text and back, as panels on a mask, and every trace that ships."""

import pytest
import torch

from muslin.assets import BLOCKS, TRACES
from muslin.base.errors import InputError
from muslin.base.files import sha256
from muslin.data.loader import square
from muslin.data.traces import (
    KINDS,
    Row,
    Trace,
    curved,
    folded,
    from_square,
    from_table,
    from_text,
    limited,
    remarks_in,
    to_panels,
    to_table,
    to_text,
)

SHIRT = (
    "collar 400,100 380,200 480,210 490,150; inside 420,120 500,180 580,120; front 500,180 500,900; yoke 250,250 500,260 750,250; "
    "waist 260,600 740,600; band 260,640 740,640; rib 260,850 740,850; cuff 100,700 200,700 200,800 100,800; pocket 560,300 680,300 680,430 560,430; "
    "neck 420,120 500,180 580,120 590,130 500,200 410,130; knit 800,700 900,700 900,800 800,800; folded 300,500 450,500 450,600 300,600; stitch 480,200 480,900; button 490,300 490,500 490,700"
)


def body(side: int = 200) -> torch.Tensor:
    mask = torch.zeros(1, side, side)
    mask[:, side // 10 : side * 9 // 10, side // 4 : side * 3 // 4] = 1
    return mask


def test_text_holds_all_that_a_trace_is():
    traces = from_text(SHIRT)
    assert {trace.kind for trace in traces} == set(KINDS)
    assert to_text(traces) == SHIRT
    moved = [Trace(trace.kind, trace.points + 0.46) for trace in traces]
    assert to_text(from_text(to_text(moved))) == to_text(moved)  # a tenth of a permille is kept
    assert from_text("") == [] and to_text([]) == ""


@pytest.mark.parametrize(
    "text",
    ["sleeve 1,2 3,4", "collar 1,2 3,4", "front 1,2", "stitch 1,2 3", "stitch 1,2 3,nan", "stitch", "button 1,2;;", "stitch 1,2 1234567,3",
     "; ".join(["button 1,2"] * 500), "button" + " 1,2" * 400, "stitch 1e9,2 3,4", "{}", "stitch 1,2 9999,5", "stitch" + " 0,0 999,999" * 60,
     "pocket" + " 1,2 3,4 5,6" * 100, "stitch １,2 3,4"],
)  # fmt: skip
def test_what_is_no_trace_is_told(text):
    with pytest.raises(InputError, match="traced pieces"):
        from_text(text)


def test_each_kind_lies_where_it_should():
    mask, side = body(), 200
    panels = to_panels(from_text(SHIRT), mask)
    by_kind = {}
    for panel in panels:
        by_kind.setdefault(panel.kind, []).append(panel)
    assert {kind: len(found) for kind, found in by_kind.items()} == {
        "collar": 1, "inside": 1, "front": 1, "yoke": 1, "waist": 1, "band": 1, "rib": 3, "cuff": 1, "pocket": 1, "stitch": 1, "button": 3,
    }  # fmt: skip

    def there(kind, x, y, place=0):
        return float(by_kind[kind][place].area(side, side)[0, round(y * side), round(x * side)])

    assert (
        there("front", 0.6, 0.5) == 1 and there("front", 0.4, 0.5) == 0 and there("front", 0.6, 0.12) == 1
    )  # as far up as the garment goes
    assert there("yoke", 0.3, 0.15) == 1 and there("yoke", 0.3, 0.4) == 0
    assert there("waist", 0.5, 0.8) == 1 and there("waist", 0.5, 0.5) == 0 and there("waist", 0.252, 0.8) == 1  # and beyond the line's ends
    assert there("band", 0.5, 0.5) == 1 and there("band", 0.5, 0.7) == 0
    assert there("rib", 0.5, 0.88) == 1 and there("rib", 0.5, 0.8) == 0
    assert there("inside", 0.5, 0.12) == 1 and there("inside", 0.5, 0.25) == 0 and there("inside", 0.3, 0.12) == 0
    assert there("pocket", 0.62, 0.36) == 1 and there("pocket", 0.5, 0.36) == 0
    assert there("button", 0.49, 0.5, 1) > 0.5 and there("button", 0.55, 0.5, 1) == 0
    assert 2 < float(by_kind["button"][0].area(side, side).sum()) < 12  # a button, not a plate
    assert by_kind["band"][0].grain == 90 and by_kind["pocket"][0].grain == 0


def test_folded_cloth_is_an_area_and_no_panel():
    area = folded(from_text(SHIRT), 200, 200)
    assert area.shape == (1, 200, 200) and float(area[0, 110, 80]) == 1 and abs(float(area.sum()) - 30 * 20) < 40
    assert float(folded(from_text("stitch 1,2 3,4"), 20, 20).sum()) == 0


def test_a_table_of_pieces_is_read_and_what_is_wrong_in_it_is_named():
    table = f"# mine\n\nshirt/a.jpg\t{SHIRT}\nb.png\t\n".encode()
    assert from_table(table, "pieces.txt") == {"shirt/a.jpg": Row(SHIRT), "b.png": Row("")}
    with pytest.raises(InputError, match=r"^x/pieces.txt, line 2: 'b.png inside' has no tab"):
        from_table(b"a.png\t\nb.png inside", "x/pieces.txt")
    with pytest.raises(InputError, match=r"^pieces.txt, line 1: the traced pieces 'sleeve 1,2 3,4' cannot be read"):
        from_table(b"a.png\tsleeve 1,2 3,4", "pieces.txt")


def test_a_row_says_of_which_bytes_it_speaks():
    rows = {"a.png": Row(SHIRT, sha256(b"one")[:12]), "b.png": Row("", sha256(b"two")[:12]), "c.png": Row(""), "d.png": Row(SHIRT)}
    assert from_table(to_table(rows).encode(), "x") == rows
    assert rows["a.png"].of(b"one") and not rows["a.png"].of(b"two") and rows["d.png"].of(b"two")
    with pytest.raises(InputError, match=r"^pieces.txt, line 1: after the pieces of a.png stands 'old'; 12 digits"):
        from_table(b"a.png\tstitch 1,2 3,4\told", "pieces.txt")


def test_what_people_and_editors_leave_in_a_table():
    table = f"\ufeff# mine\n#a.png\t{SHIRT}\n# b.png\tis odd\r\nb.png\t{SHIRT};\t{sha256(b'x')[:12].upper()}\r\n".encode()
    rows = from_table(table, "x")
    assert list(rows) == ["b.png"] and rows["b.png"].of(b"x") and len(from_text(rows["b.png"].text)) == len(from_text(SHIRT))
    assert remarks_in(table, "x") == ["# mine", f"#a.png\t{SHIRT}", "# b.png\tis odd"]
    broken = b"white king\nc.png\tcollar 1,2\n" + table.removeprefix(b"\xef\xbb\xbf")
    assert from_table(broken, "x", "b.png") == rows and from_table(broken, "x", "d.png") == {}
    with pytest.raises(InputError, match=r"^x, line 2: the traced pieces"):
        from_table(broken, "x", "c.png")
    with pytest.raises(InputError, match=r"^x: is no text in UTF-8"):
        from_table(b"caf\xe9.png\t\n", "x")


@pytest.mark.parametrize(("height", "width"), [(300, 201), (160, 300), (200, 200)])
def test_traces_of_a_square_lie_on_the_picture_in_it(height, width):
    """A mark at a place of a picture is found where its trace, in permille of the square around it, says."""
    picture, x, y = -torch.ones(3, height, width), width // 3, height // 4
    picture[:, y, x] = 1
    laid = square(picture)
    at = (laid[0] > 0.5).nonzero()[0].flip(0)
    (back,) = from_square([Trace("stitch", (at + 0.5)[None] * 1000 / laid.shape[1])], height, width)
    assert (back.points[0] * torch.tensor([width, height]) / 1000 - torch.tensor([x + 0.5, y + 0.5])).abs().max() < 1e-3


def test_what_is_more_than_a_recipe_takes_is_made_less():
    ragged = torch.rand(4000, 2, generator=torch.Generator().manual_seed(0)) * 1000
    many = [Trace("button", ragged[:400]), Trace("inside", ragged[:1]), Trace("stitch", torch.tensor([[1.0, 2.0], [9000.0, 2.0]]))]
    many += [Trace("folded", ragged), Trace("pocket", ragged[:2])] + [Trace("stitch", ragged[:2])] * 400
    kept = limited(many)
    assert {trace.kind for trace in kept} >= {"button", "stitch"} and "inside" not in {trace.kind for trace in kept}
    assert to_text(from_text(to_text(kept))) == to_text(kept)
    assert limited(from_text(SHIRT))[0].points.equal(from_text(SHIRT)[0].points)


def test_without_a_garment_there_is_nothing_to_lay_them_on():
    assert to_panels(from_text(SHIRT), torch.zeros(1, 50, 50)) == []


def test_a_line_is_smooth_goes_through_its_points_and_keeps_its_corners():
    arc = torch.tensor([[0.0, 0.0], [300.0, 100.0], [600.0, 0.0]])
    line = curved(arc)
    assert all(float((line - point).norm(dim=1).min()) < 1e-3 for point in arc)
    turns = torch.nn.functional.cosine_similarity(line.diff(dim=0)[1:], line.diff(dim=0)[:-1], dim=1)
    assert float(turns.min()) > 0.9
    cornered = curved(torch.tensor([[0.0, 0.0], [100.0, 0.0], [200.0, 0.0], [202.0, 2.0], [202.0, 100.0], [202.0, 200.0]]))
    assert float(cornered[:, 1].min()) > -1 and float(cornered[:, 0].max()) < 204  # no overshoot: it turns there


def test_every_trace_that_ships_is_of_a_block_that_ships_and_lies_on_its_picture():
    rows = [line.split("\t") for line in TRACES.read_text().splitlines()]
    blocks = set(BLOCKS.read_text().split())
    assert len(rows) == len({name for name, _ in rows}) > 200
    for name, text in rows:
        assert name in blocks
        for trace in from_text(text):
            assert float(trace.points.min()) >= -100 and float(trace.points.max()) <= 1100, name
