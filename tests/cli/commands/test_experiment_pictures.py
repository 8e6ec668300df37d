"""The picture that nobody asked for: its name says what made it, and it replaces nothing but its own earlier self."""

from __future__ import annotations

import pytest

from tests.cli.commands.test_experiment import squares
from tfx.records import Plot
from tfx_cli.render.plots import picture_of_plots
from tfx_cli.render.saved_picture import LONGEST, maker_of, picture_name, save_picture

__all__ = ["squares"]

EMPTY = Plot("a", "b", "c", ())


def pictures(folder):
    return sorted(path.name for path in folder.glob("*.png"))


def test_a_picture_is_called_by_what_differs_from_the_defaults(tfx, tmp_path):
    for words in ([], ["--set", "top=4"], ["--seed", "3"], ["--quick"], ["--set", "top=4", "--seed", "3", "--quick"]):
        tfx("experiment", "squares", *words)
    assert pictures(tmp_path / "here") == sorted(
        [
            "squares.png",
            "squares-top-4.png",
            "squares-seed-3.png",
            "squares-quick.png",
            "squares-top-4-seed-3-quick.png",
        ]
    )


def test_the_same_command_replaces_its_picture_and_nothing_else(tfx, tmp_path):
    here = tmp_path / "here"
    for _ in range(2):
        assert "plot saved: squares.png" in tfx("experiment", "squares", "--no-predict").out
    assert pictures(here) == ["squares.png"]
    (here / "squares.png").write_bytes(b"a photograph")
    for _ in range(2):
        out = tfx("experiment", "squares").out
        assert out.endswith(
            "plot saved: squares-2.png                                  3 rows, seed 0, 0.0 s\n"
            "squares.png was there and is not this command's, so it stays as it was.\n"
        )
    assert pictures(here) == ["squares-2.png", "squares.png"]
    assert (here / "squares.png").read_bytes() == b"a photograph"


def test_a_picture_of_other_settings_under_this_name_stays(tfx, tmp_path):
    here = tmp_path / "here"
    tfx("experiment", "squares", "--seed", "1")
    (here / "squares-seed-1.png").rename(here / "squares.png")
    before = (here / "squares.png").read_bytes()
    tfx("experiment", "squares")
    assert (here / "squares.png").read_bytes() == before and pictures(here) == ["squares-2.png", "squares.png"]


def test_a_picture_that_the_reader_names_replaces_what_is_there(tfx, tmp_path):
    (tmp_path / "here" / "mine.png").write_bytes(b"a photograph")
    assert "plot saved: mine.png" in tfx("experiment", "squares", "--plot", "mine.png").out
    assert (tmp_path / "here" / "mine.png").read_bytes().startswith(b"\x89PNG")


def test_a_link_and_a_picture_without_a_maker_stay_too(tfx, tmp_path):
    here = tmp_path / "here"
    (tmp_path / "elsewhere.png").write_bytes(picture_of_plots([EMPTY], ".png"))
    (here / "squares.png").symlink_to(tmp_path / "elsewhere.png")
    (here / "squares-2.png").symlink_to(tmp_path / "nowhere.png")
    assert "plot saved: squares-3.png" in tfx("experiment", "squares").out
    assert not (tmp_path / "nowhere.png").exists()


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "scaling.png"),
        ({"scale": "1"}, "scaling-scale-1.png"),
        ({"d_k": "1,2,4", "mean": "-0.5"}, "scaling-d_k-1-2-4-mean-minus-0.5.png"),
        ({"penalty": "-inf", "gains": "-1,-2"}, "scaling-penalty-minus-inf-gains-minus-1-minus-2.png"),
        ({"seed": 3, "quick": True, "cuda": True}, "scaling-seed-3-quick-cuda.png"),
        ({"word": "../a b/c"}, "scaling-word-..-a-b-c.png"),
    ],
)
def test_what_differs_makes_the_name(changed, name):
    assert picture_name("scaling", changed) == name


def test_a_long_name_is_cut_and_still_told_apart():
    long = [picture_name("scaling", {"d_k": ",".join(map(str, range(1, n)))}) for n in (60, 61)]
    assert long[0] != long[1] and all(len(name) <= LONGEST + len(".png") for name in long)
    assert long[0] == picture_name("scaling", {"d_k": ",".join(map(str, range(1, 60)))})
    assert all(name.startswith("scaling-d_k-1-2-3-4-") for name in long)


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt", b"no picture"])
def test_what_is_no_whole_picture_names_no_maker(data):
    assert maker_of(data) is None


def test_a_picture_names_the_command_that_made_it():
    assert (
        maker_of(picture_of_plots([EMPTY], ".png", "tfx experiment squares --seed 3"))
        == "tfx experiment squares --seed 3"
    )
    assert maker_of(picture_of_plots([EMPTY], ".png")) is None


def test_other_numbers_of_the_same_command_replace_its_picture(tmp_path):
    """Times differ from run to run."""
    path = tmp_path / "a.png"
    for title in ("one time", "another time"):
        assert save_picture([Plot(title, "b", "c", ())], None, path, "tfx bench train") == path
    assert save_picture([EMPTY], None, path, "tfx bench decode") == tmp_path / "a-2.png"


def test_where_other_files_go_does_not_make_another_command(tfx, tmp_path):
    tfx("experiment", "squares", "--csv", "a.csv")
    assert maker_of((tmp_path / "here" / "squares.png").read_bytes()) == "tfx experiment squares"
    tfx("experiment", "squares", "--csv", "b.csv", "--details", "--no-predict")
    assert pictures(tmp_path / "here") == ["squares.png"]
