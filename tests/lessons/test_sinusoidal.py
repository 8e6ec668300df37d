"""positional-sinusoidal: every number is found another way, and every check can fail."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import lessons.position.sinusoidal.lesson as topic
from tests.lessons.spoiling import Spoilt, TopicTests, instead, of_run, result, runs_of
from tests.lessons.steps import records_of, sentences, tables
from tfx.errors import BadInput
from tfx.records import Matrix, Question, Said

KEPT = dict(vars(topic))
run_of = runs_of(topic)


def test_an_odd_width_is_refused():
    with pytest.raises(BadInput, match="width must be even, but is 7"):
        run_of("width=7")


def larger(run, patch, by):
    run.table = by * run.table + (0 if by == by else run.table)


def one_row(run, patch, by):
    run.table = run.table[[0, 0, 1, 2, 3, 4]] * (by / by)


def steep(speeds, by):
    return np.where(np.arange(len(speeds)) == 7, speeds[6], speeds) * (by / by)


def in_turn(width, wrong):
    """The rotation is wrong for one width only."""

    def spoil(run, patch, by):
        def rotation(k, c, *rest):
            right = KEPT["sinusoidal_rotation"](k, c, *rest)
            return wrong(by, right) if c == width else right

        patch.setattr(topic, "sinusoidal_rotation", rotation)

    return spoil


def bent(run, patch, by):
    """A rotation that stretches what is not in the second pair."""
    stretch = np.where(np.isin(np.arange(8), (2, 3)), 1.0, by)
    patch.setattr(topic, "sinusoidal_rotation", lambda *a: KEPT["sinusoidal_rotation"](*a) * stretch[:, None])


def table_where(asked, wrong):
    """The table is wrong where `asked(n, width, start)`."""

    def spoil(run, patch, by):
        def positions(n, width, start=0):
            right = KEPT["sinusoidal_positions"](n, width, start=start)
            return wrong(by, right) if asked(n, width, start) else right

        patch.setattr(topic, "sinusoidal_positions", positions)

    return spoil


def fitted_rows(n, width, start):
    return (width, start) == (64, 7)


def thousand(n, width, start):
    return n == 1000


def one_longer(place):
    return lambda by, table: table * np.where(np.arange(1000) == place, by, 1)[:, None]


class TestSinusoidal(TopicTests):
    lesson, steps = topic, 9
    changed = [["width=4", "pos=0", "shift=1"], ["width=512", "pos=10000", "shift=10000"]]
    changed_seeds = (0,)
    refused = ["width=2", "width=514", "pos=-1", "pos=10001", "shift=0"]
    known = {"lost": lambda seed: (0.3, 1.3)}
    by = 1.001
    spoilt = {
        "bounded": Spoilt("clock_hands", larger, nan_also={"apart"}),
        "apart": Spoilt("clock_hands", one_row, nan_also={"bounded"}),
        "by-hand": Spoilt("the_formula", larger),
        "falling": Spoilt("wavelengths", result(topic, "angular_speeds", steep)),
        "rotation": Spoilt("the_shift", result(topic, "sinusoidal_rotation"), also={"lengths"}),
        "pair": Spoilt("the_shift", of_run("speeds")),
        "lengths": Spoilt("the_shift", bent, also={"rotation"}),
        "narrow": Spoilt("fitted", in_turn(8, lambda by, m: by * m), raises=np.linalg.LinAlgError),
        "fits": Spoilt(
            "fitted",
            table_where(fitted_rows, lambda by, t: t + (by - 1) * np.eye(400, 64)),
            nan_also={"wide"},
            raises=np.linalg.LinAlgError,
        ),
        "wide": Spoilt(
            "fitted",
            table_where(lambda n, c, start: start > 3999, lambda by, t: 0 * by * t),
            raises=np.linalg.LinAlgError,
        ),
        "distance": Spoilt("likeness", table_where(thousand, one_longer(350)), also={"length"}),
        "length": Spoilt("likeness", table_where(thousand, one_longer(999))),
        "fails": Spoilt("beyond", instead(topic, "lost", lambda by: lambda seed: (0.3, by / by * 0.4))),
        "power": Spoilt("in_code", of_run("speeds")),
        "odd": Spoilt("in_code", table_where(lambda n, c, start: c == 7, lambda by, t: by * t)),
        "last": Spoilt("interview", result(topic, "angular_speeds", lambda s, by: by * by * by * by * s)),
    }


def pe(pos: int, column: int, width: int) -> float:
    wave = math.sin if column % 2 == 0 else math.cos
    return wave(pos / 10000 ** (2 * (column // 2) / width))


def test_the_table_is_the_formula_written_out():
    (shown,) = (r for r in records_of(topic.clock_hands, run_of("width=6")) if isinstance(r, Matrix))
    assert np.asarray(shown.values) == pytest.approx(np.array([[pe(p, c, 6) for c in range(6)] for p in range(4)]))


def test_what_is_asked_is_found_another_way():
    asked = {}
    for step in ("the_formula", "wavelengths", "likeness"):
        records = records_of(getattr(topic, step), run_of())
        asked[step] = next(r for r in records if isinstance(r, Question)).answer
    assert asked["the_formula"] == pytest.approx(pe(3, 2, 8))
    assert asked["likeness"] == pytest.approx(math.hypot(*(pe(9, c, 512) for c in range(512)))) == pytest.approx(16)
    signs = sum(math.sin(p) < 0 <= math.sin(p + 1) for p in range(100_000))  # turns that begin in so many positions
    assert asked["wavelengths"] == pytest.approx(100_000 / signs, rel=1e-3)


def test_the_table_of_speeds_is_recomputed():
    (shown,) = tables(records_of(topic.wavelengths, run_of()))
    for row, pair in zip(shown.rows, (1, 128, 256), strict=True):
        speed = 1e4 ** (-(pair - 1) / 256)
        sines = [math.sin(p * speed) for p in range(1, 513)]
        assert row["pair"] == pair and row["speed"] == pytest.approx(speed)
        assert row["turn"] == pytest.approx(math.tau / speed)
        assert row["signs"] == sum(a * b < 0 for a, b in pairwise(sines))
    (said,) = (r for r in records_of(topic.wavelengths, run_of()) if isinstance(r, Said))
    assert said.truth == "The other way round: wavelengths form a geometric series from 6.28 to 60,611."


def test_the_pair_moved_by_hand_is_the_pair_at_its_new_place():
    told = sentences(records_of(topic.the_shift, run_of("pos=30", "shift=5")))[1]
    here, there = ((pe(p, 2, 8), pe(p, 3, 8)) for p in (30, 35))
    assert told == (
        "So PE[pos + k] = M_k PE[pos] with one matrix M_k: it turns each pair and depends on k only. By hand, pair 2 "
        f"from position 30 to 35, b = 5 * 0.1000 = 0.5000: ({here[0]:.3f}, {here[1]:.3f}) becomes ({there[0]:.3f}, "
        f"{there[1]:.3f})."
    )


def test_likeness_is_a_sum_of_cosines_of_the_distance():
    records = records_of(topic.likeness, run_of())
    (shown,) = (r for r in records if isinstance(r, Matrix))
    by_cosines = [sum(math.cos(d / 1e4 ** (i / 256)) for i in range(256)) / 256 for d in range(200)]
    assert np.asarray(shown.values)[0, :5] == pytest.approx([by_cosines[d] for d in (1, 2, 5, 20, 100)])
    rises = sum(b > a for a, b in pairwise(by_cosines))
    said = [r for r in records if isinstance(r, Said)]
    codes = np.array([[pe(p, c, 512) for c in range(512)] for p in range(0, 1000, 1)])
    nearest = min(np.linalg.norm(codes[p + d] - codes[p]) for p in (0, 500) for d in (-1, 1, 2, 44) if p + d >= 0) / 16
    assert said[0].truth == (
        f"Nearby, yes. Farther off it rises again, {rises} times within 200. But the closest two of 1,000 are "
        f"{nearest:.2f} of a length apart."
    )
    assert said[1].truth == (
        f"Lengths count: 16, against {(512 * 0.02**2) ** 0.5:.2f} for embeddings of deviation 0.02. The paper "
        f"multiplies its embeddings by {512**0.5:.1f} (section 3.4)."
    )


def test_what_is_lost_is_that_of_the_trained_model():
    (shown,) = tables(records_of(topic.beyond, run_of()))
    assert [row["where"] for row in shown.rows] == ["tokens 1 to 8, as trained", "tokens 17 to 32"]
    assert shown.rows[0]["lost"] < 0.75 < 0.9 < shown.rows[1]["lost"]
