"""The recipe of the shipped weights runs from end to end, and gives the same bytes again."""

import pytest

from tfx.io.model_file import load_model
from tfx.shipped.make_weights import NAMES, QUICK, make


@pytest.fixture(scope="module")
def rehearsals(tmp_path_factory):
    folders = [tmp_path_factory.mktemp("weights") / "new" for _ in range(2)]
    for folder in folders:
        make(NAMES, folder, QUICK)
    return folders


def test_a_quick_run_writes_all_three_models(rehearsals):
    for name in NAMES:
        model, meta = load_model(rehearsals[0] / f"{name}.npz")
        assert model.n_parameters > 0 and meta["name"] == name and meta["seed"] == 0
        assert meta["held_out"]["n"] > 0 and meta["steps"] < 10


def test_the_same_recipe_gives_the_same_bytes(rehearsals):
    for name in NAMES:
        first, second = (folder / f"{name}.npz" for folder in rehearsals)
        assert first.read_bytes() == second.read_bytes()
