"""A trained model on one's own sequence: what can be typed, what is out of range, and what it answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.running import one_sentence
from tfx.errors import BadInput
from tfx.train import TaskRun, TaskSettings
from tfx_cli.training.trying import Tried, example_of, read_symbols, remarks, try_symbols

RUN = TaskRun(TaskSettings("reverse", steps=400))


@pytest.mark.parametrize("text", ["3 1 4", "3,1,4", "3, 1, 4", "[3, 1, 4]", "(3 1 4)", "314", " 3;1;4 ", "[3 1 4]"])
def test_a_sequence_may_be_typed_in_many_ways(text):
    assert read_symbols(text, RUN) == [3, 1, 4]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--try is empty, so there is nothing to try."),
        (" [] ", "--try is empty, so there is nothing to try."),
        ("3 12 4", 'this model knows the symbols 0 to 9, and "12" is not among them.'),
        ("3 -1 x x", 'this model knows the symbols 0 to 9, and "-1" and "x" are not among them.'),
        ("hello", 'this model knows the symbols 0 to 9, and "hello" is not among them.'),
        ("1.5", 'this model knows the symbols 0 to 9, and "1.5" is not among them.'),
        ("1234567890123", "13 symbols are too many: this model has places for 12, as many as it was trained on."),
    ],
)
def test_what_is_out_of_range_is_named_with_an_example_that_works(text, message):
    with pytest.raises(BadInput) as caught:
        read_symbols(text, RUN)
    assert caught.value.message == message
    assert caught.value.hint == f"For example: tfx train reverse --try {example_of(RUN)}"
    assert len(read_symbols(example_of(RUN), RUN)) == 12


def test_the_answer_is_the_models_likeliest_symbol_at_each_place():
    symbols = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8]
    tried = try_symbols(RUN, symbols)
    assert tried.given == tuple(symbols) and tried.wanted == tuple(symbols[::-1])
    assert tried.written == tuple(RUN.write(np.array([symbols]))[0])
    logits, _ = RUN.model.forward(np.array([symbols]))
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum(axis=-1, keepdims=True)
    assert np.allclose(tried.probabilities, shares.max(axis=-1), rtol=1e-5)


def test_the_remarks_count_what_is_right_and_name_a_length_that_it_never_saw():
    assert remarks(Tried((1, 2), (2, 1), (2, 1), (0.9, 0.75), 2)) == [
        "All 2 places are right; it is least sure of place 2, with p = 0.750."
    ]
    assert remarks(Tried((1, 2, 3), (3, 2, 1), (3, 3, 3), (0.5, 0.75, 0.9), 12)) == [
        "1 of 3 places is right; it is least sure of place 1, with p = 0.500.",
        "It was trained on sequences of 12 symbols, and yours has 3: of such a length it has seen none.",
    ]
    assert remarks(Tried((1, 2, 3), (3, 2, 1), (3, 2, 3), (0.5, 0.75, 0.9), 3))[0].startswith(
        "2 of 3 places are right;"
    )
    assert [remarks(Tried((1,), (1,), (n,), (0.5,), 1))[0][:12] for n in (1, 2)] == ["It is right;", "It is wrong;"]


@pytest.fixture
def copied(tfx):
    """A reader who has trained copy to its end, and seen that."""
    ran = tfx("train", "copy")
    assert ran.code == 0
    return tfx


def test_a_model_that_was_trained_answers_the_readers_own_sequence(copied):
    own = "314159265358"
    ran = copied("train", "copy", "--try", own)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("  copy, from copy.npz: positions sinusoidal, seed 0, 150 steps.\n\n  Your sequence\n")
    spaced = " ".join(own)
    assert [line.strip() for line in ran.out.splitlines() if "3 1 4" in line] == [
        f"given    {spaced}", f"written  {spaced}", f"right    {spaced}"
    ]  # fmt: skip
    assert "\n  All 12 places are right; it is least sure of place " in ran.out
    told = json.loads(copied("train", "copy", "--try", own, "--json").out)
    assert told["right"] is True and told["written"] == told["wanted"] == [int(digit) for digit in own]
    assert len(told["probabilities"]) == 12 and all(0.5 < p <= 1 for p in told["probabilities"])
    assert f"row\twritten\t{spaced}" in copied("train", "copy", "--try", own, "--plain").out.splitlines()
    short = copied("train", "copy", "--try", "31").out
    assert "yours has 2: of such a length\n  it has seen none.\n" in short


def test_training_ends_with_a_curve_in_ten_lines_and_the_command_to_try(copied):
    ran = copied("train", "copy", "--seed", "1", "--steps", "30")
    *_, last = ran.out.splitlines()
    assert last.startswith("next   tfx train copy --seed 1 --steps 30 --try ")
    assert copied(*last.split()[2:]).code == 0, "the command works as it stands"
    lines = ran.out.splitlines()
    start = lines.index("  loss (nats per symbol), log scale")
    assert lines[start - 2].startswith("  picture: copy, positions sinusoidal: ")
    assert [line.lstrip()[:1] for line in lines[start + 8 : start + 9]] == ["+"]
    words = lines[start + 10 : start + 12]
    assert words[0].startswith("  o training loss: ") and words[0].endswith(" at step = 30")
    assert words[1] == "  ⠒ guessing: ln 10: 2.30 throughout"
    for face in ("--json", "--plain"):
        assert "|" not in copied("train", "copy", "--seed", "1", "--steps", "30", face).out
    assert max(map(len, lines[: start + 12])) <= 80


def test_a_run_that_is_not_finished_says_how_far_it_is(tfx):
    from tfx_cli.training.checkpoints import keep, model_folder

    run = TaskRun(TaskSettings("copy"))
    next(iter(run.train()))
    keep(run, model_folder() / "copy.npz")
    assert (
        "copy, from copy.npz: positions sinusoidal, seed 0, 1 of 150 steps." in tfx("train", "copy", "--try", "1").out
    )


def test_a_file_is_tried_with_its_own_settings(tfx):
    tfx("train", "copy", "--steps", "2", "--positions", "none", "--out", "mine.npz")
    ran = tfx("train", "copy", "--try", "12", "--out", "mine.npz")
    assert ran.code == 0 and "copy, from mine.npz: positions none, seed 0, 2 steps." in ran.out
    assert tfx("train", "sort", "--try", "12", "--out", "mine.npz").code == 2
    assert tfx("train", "copy", "--try", "12", "--out", "none.npz").code == 2


def test_without_a_model_the_command_that_trains_one_is_named(tfx):
    ran = tfx("train", "sort", "--try", "3 1 2")
    assert ran.code == 2 and one_sentence(ran) == (
        "tfx: no model of sort with these settings is trained.\n     Train it: tfx train sort\n"
    )


@pytest.mark.parametrize(
    ("option", "why"),
    [(["--resume"], "--resume goes on training"), (["--plot", "a.png"], "--plot draws a training")],
)
def test_trying_and_training_exclude_each_other(tfx, option, why):
    ran = tfx("train", "copy", "--try", "1", *option)
    assert ran.code == 2 and one_sentence(ran) == (
        f"tfx: --try asks a model that is trained already, and {why}.\n     Leave one of them out.\n"
    )
    assert not list(Path.cwd().iterdir())


def test_train_alone_lists_the_tasks_as_experiment_and_bench_do(tfx):
    ran = tfx("train")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "Tasks",
        "",
        "  copy      write each symbol where it stands",
        "  reverse   write the sequence from back to front",
        "  sort      write the symbols in increasing order",
        "",
        "  run one: tfx train copy",
    ]
    assert [task["name"] for task in json.loads(tfx("train", "--json").out)["tasks"]] == ["copy", "reverse", "sort"]
