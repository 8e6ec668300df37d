"""positional-rope: rotations are found with complex numbers, and every check can fail."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

import lessons.position.rope.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, result, runs_of
from tests.lessons.steps import failed_in, records_of, sentences, tables
from tfx.errors import BadInput
from tfx.records import Matrix, Question

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def test_an_odd_width_is_refused():
    with pytest.raises(BadInput, match="width must be even, but is 5"):
        run_of("width=5")


def turned(wrong):
    """Run.turned as `wrong(by, places, right)` makes it."""

    def spoil(run, patch, by):
        right = KEPT["Run"].turned

        def turn(x, places, layout="pairs"):
            return wrong(by, np.atleast_1d(np.asarray(places, float)), right(run, x, places, layout))

        patch.setattr(run, "turned", turn)

    return spoil


def where(asked):
    """Larger at the places where `asked` holds."""
    return turned(lambda by, places, y: y * np.where(asked(places), by, 1.0)[:, None])


def never_refused(run, patch, by):
    patch.setattr(topic, "provoke", lambda tried, call: KEPT["provoke"](tried, lambda: None))


def same_everywhere(by, places, y):
    return by / by * 0 * y + 1


def only_linear(by, places, y):
    return y + (by - 1)


def fast(speeds, by):
    return by / by * np.maximum(speeds, 0.01)


class TestRope(TopicTests):
    lesson, steps = topic, 9
    changed = [["width=4", "m=0", "n=0", "base=2"], ["width=128", "m=100000", "n=3", "base=1e7"]]
    refused = ["width=2", "width=130", "m=-1", "n=100001", "base=1"]
    elsewhere = ("squeezed",)  # below
    by = 1.001
    spoilt = {
        "by-hand": Spoilt("turn_them", where(lambda p: p == 5)),
        "zero": Spoilt("turn_them", where(lambda p: p == 0)),
        "diagonals": Spoilt("only_offsets", where(lambda p: p == 4), also={"far"}, nan_also={"differ"}),
        "far": Spoilt("only_offsets", where(lambda p: p > 9000)),
        "law": Spoilt("only_offsets", where(lambda p: (p == 3) & (len(p) == 1))),
        "differ": Spoilt("only_offsets", turned(same_everywhere), also={"law"}, nan_also={"diagonals", "far"}),
        "lengths": Spoilt("unchanged", where(lambda p: p == 100)),
        "gradcheck": Spoilt("unchanged", result(topic, "rotary_backward")),
        "shift": Spoilt("both_rotate", result(topic, "sinusoidal_rotation")),
        "linear": Spoilt("both_rotate", turned(only_linear)),
        "reordered": Spoilt(
            "layouts", result(topic, "pairs_to_halves", lambda order, by: order[::-1]), no_nan="an order"
        ),
        "beyond": Spoilt("longer", result(topic, "angular_speeds", fast)),
        "fine": Spoilt("any_length", where(lambda p: p == 10_000_001)),
        "refused": Spoilt("against_a_table", never_refused, no_nan="a refusal"),
        "runs": Spoilt("against_a_table", where(lambda p: p == 513)),
        "closing": Spoilt("interview", where(lambda p: p > 9)),
    }


@pytest.mark.parametrize("wrong", [0.25, 5.0, math.nan])
def test_positions_that_are_divided_wrongly_are_seen(wrong, monkeypatch):
    run = run_of()
    right = run.turned

    def misplaced(x, places, layout="pairs"):
        return right(x, np.asarray(places) * (wrong if isinstance(places, np.ndarray) else 1), layout)

    monkeypatch.setattr(run, "turned", misplaced)
    assert "squeezed" in failed_in(topic.longer, run)


def complex_turn(x, place, width=8, base=1e4):
    pairs = [
        complex(a, b) * cmath.exp(1j * place / base ** (2 * i / width)) for i, (a, b) in enumerate(x.reshape(-1, 2))
    ]
    return np.array([part for z in pairs for part in (z.real, z.imag)])


def test_turning_is_multiplying_by_complex_numbers():
    run = run_of()
    for place in (0, 3, 1000):
        assert run.turned(run.q, place)[0] == pytest.approx(complex_turn(run.q, place))
    (shown,) = (r for r in records_of(topic.only_offsets, run) if isinstance(r, Matrix))
    by_offset = {o: complex_turn(run.q, o) @ run.k for o in range(-4, 5)}
    wanted = [[by_offset[m - n] for n in range(5)] for m in range(5)]
    assert np.asarray(shown.values) == pytest.approx(np.array(wanted))


def test_what_is_asked_and_told_is_found_another_way():
    run = run_of("m=4", "n=1")
    asked = {}
    for step in ("turn_them", "only_offsets"):
        asked[step] = next(r for r in records_of(getattr(topic, step), run) if isinstance(r, Question))
    score = complex_turn(run.q, 1004) @ complex_turn(run.k, 1001)
    assert asked["turn_them"].answer == 4 and asked["only_offsets"].answer == pytest.approx(score)
    y = complex_turn(run.q, 4)
    assert sentences(records_of(topic.turn_them, run))[1] == (
        f"By hand, pair 2 (i = 1) of the query at m = 4: a = 4 * 0.1 = 0.4000, and ({run.q[2]:.3f}, {run.q[3]:.3f}) "
        f"becomes ({y[2]:.3f}, {y[3]:.3f}). Keys turn alike; at 0 nothing happens."
    )
    assert sentences(records_of(topic.only_offsets, run))[0].startswith(f"It is {score:.4f}, as on the whole diagonal.")
    x = np.concatenate([run.q[:4, None], run.q[4:, None]], axis=1).ravel()  # number i beside number i + 4
    turned_halves = complex_turn(x, 4)
    off = max(abs(turned_halves[0::2] - y[:4]).max(), abs(turned_halves[1::2] - y[4:]).max())
    assert f"here numbers are off by up to {off:.2f}." in sentences(records_of(topic.layouts, run))[1]


def test_the_pairs_that_do_not_finish_a_turn_are_counted():
    unfinished = sum(2048 / 1e4 ** (i / 64) < math.tau for i in range(64))
    assert (
        f"2,048 tokens, {unfinished} of 64 pairs do not even finish one turn"
        in (sentences(records_of(topic.longer, run_of()))[0])
    )
    rows = tables(records_of(topic.longer, run_of()))[0].rows
    slowest = 1e4 ** (-63 / 64)
    assert [row["angle"] for row in rows] == pytest.approx(
        [2048 * slowest, 8192 * slowest, 2048 * slowest, 8192 * 5e5 ** (-63 / 64)]
    )
    assert [row["near"] for row in rows] == [1, 1, 0.25, 1]


def test_the_table_of_512_rows_is_as_large_as_is_told():
    (shown,) = tables(records_of(topic.against_a_table, run_of()))
    assert shown.rows[1]["table"] == f"N C: {512 * 64:,} for N = 512, C = 64" and shown.rows[3]["table"] == "refused"
