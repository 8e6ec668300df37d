import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead, nan_where, times
from tfx.errors import BadInput
from tfx.lab import frame
from tfx.lab.attention import scaling
from tfx.records import to_plain_data

QUICK = scaling.Settings()


def run(settings, seed, **asked):
    return frame.run(scaling, settings, seed, **asked)


def verdicts(result):
    return {check.id: check.holds for check in result.checks}


@pytest.fixture(scope="module")
def quick_result():
    return run(QUICK, 0, quick=True)


@pytest.mark.parametrize("seed", [1, 2])
def test_all_checks_hold_for_ideal_vectors(quick_result, seed):
    result = run(QUICK, seed, quick=True)
    assert all(verdicts(result).values()), result.checks
    assert all(verdicts(quick_result).values()), quick_result.checks
    assert [row["d_k"] for row in result.rows] == [2**i for i in range(13)]


def test_every_row_lies_within_four_standard_errors_of_its_law(quick_result):
    for row in quick_result.rows:
        assert abs(row["variance"] - row["d_k"]) <= 4 * row["variance_se"]
        assert abs(row["scaled_variance"] - 1) <= 4 * row["scaled_variance_se"]


SMALL = replace(QUICK, d_k=(4, 16, 64), pairs=20_000, softmax_rows=50)

PLACE = "tfx.lab.attention.scaling.attention_forward"

BREAKS = Table(
    SMALL,
    Broken("a mean", {"raw-variance", "scaled-variance"}, mean=0.5),
    Broken("correlated coordinates", {"raw-variance", "scaled-variance"}, correlation=0.5),
    Broken("coordinates that repeat", {"raw-variance", "scaled-variance", "scaled-stays"}, rank=4),
    Broken("no scale", {"scaled-variance", "scaled-stays"}, scale=1.0),
    Broken("another distribution and its law", {"raw-variance"}, row=times(1.5, "variance", "law")),
    Broken(
        "a law without its factor",
        {"law"},
        planted={"tfx.lab.attention.vectors.Flaws.variance_of_dot": instead(lambda *_: 1.0)},
    ),
    Broken("raw scores that are scaled", {"raw-sharpens"}, row=lambda row: {**row, "top_raw": row["top_scaled"]}),
    Broken(
        "scaled scores that are raw", {"scaled-stays"}, row=lambda row: {**row, "entropy_scaled": row["entropy_raw"]}
    ),
    Broken(
        "attention divides by d_k",
        {"attention"},
        planted={PLACE: lambda o: lambda q, k, v: o(q, k, v, scale=1 / q.shape[-1])},
    ),
    Broken("NaN in the second width", {"attention"}, planted={PLACE: nan_where(lambda q: q.shape[-1] == 16)}),
)


@pytest.mark.parametrize("change", [{"distribution": "uniform"}, {"distribution": "sign"}, {"d_k": (3, 48)}])
def test_another_distribution_with_the_same_variance_changes_no_verdict(change):
    result = run(replace(SMALL, **change), 3)
    assert all(verdicts(result).values()), result.checks


def test_a_note_names_the_law_that_holds_instead():
    result = run(replace(SMALL, mean=0.5), 3)
    assert "1.5 d_k" in result.notes[0].text and "holds" in result.notes[0].text
    assert "not ideal" not in run(SMALL, 3).notes[0].text


def test_the_same_seed_gives_the_same_result_and_another_seed_does_not():
    assert run(SMALL, 5) == run(SMALL, 5)
    assert run(SMALL, 5).rows != run(SMALL, 6).rows


def test_a_row_does_not_depend_on_the_other_rows():
    alone = run(replace(SMALL, d_k=(64,)), 5).rows[0]
    assert alone == run(SMALL, 5).rows[-1]


def test_the_number_of_blas_threads_changes_no_byte():
    program = (
        "from dataclasses import replace; from tfx.lab import frame; "
        "from tfx.lab.attention import scaling; from tfx.records import to_plain_data; "
        "s = replace(scaling.Settings(), d_k=(1, 64, 4096), pairs=500, softmax_rows=20); "
        "r = to_plain_data(frame.run(scaling, s, 0)); r.pop('elapsed_s'); print(r)"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert printed[0] == printed[1] and b"variance" in printed[0]


def test_the_raw_jacobian_first_grows_and_then_shrinks(quick_result):
    rows = quick_result.rows
    norms = [row["jacobian_raw"] for row in rows]
    assert norms[0] < max(norms) and norms[-1] < 0.3 * max(norms)
    assert min(row["jacobian_scaled"] for row in rows) > 0.25


def test_entropy_is_a_share_of_log_s_and_the_top_weight_is_the_largest():
    shape = scaling.softmax_shape(np.array([[0.0, 0.0, 0.0, 0.0], [1000.0, 0.0, 0.0, 0.0]]))
    np.testing.assert_allclose(shape["entropy"], [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(shape["top"], [0.25, 1.0])
    np.testing.assert_allclose(shape["jacobian"], [math.sqrt(3) / 4, 0.0], atol=1e-12)


def test_one_d_k_alone_is_allowed():
    result = run(replace(SMALL, d_k=(64,)), 0)
    assert "raw-sharpens" not in verdicts(result) and len(result.checks) >= 3


def test_constant_products_do_not_divide_by_zero():
    """q = k with entries of 1 and -1: q.k is d_k every time, and its law says variance 0."""
    result = run(replace(SMALL, distribution="sign", correlation=1.0), 0)
    assert verdicts(result)["law"] and not verdicts(result)["raw-variance"]
    assert not verdicts(result)["raw-sharpens"]


@pytest.mark.parametrize(
    "change",
    [
        {"d_k": ()},
        {"d_k": (0,)},
        {"pairs": 5},
        {"correlation": 1.5},
        {"mean": float("nan")},
        {"rank": 0},
        {"keys": 1},
        {"distribution": "cauchy"},
        {"scale": float("inf")},
    ],
)
def test_a_setting_out_of_range_is_refused_with_a_next_step(change):
    with pytest.raises(BadInput) as refused:
        run(replace(QUICK, **change), 0)
    assert next(iter(change)) in refused.value.message and "--set" in refused.value.hint


def test_a_negative_seed_is_refused():
    with pytest.raises(BadInput, match="seed"):
        run(SMALL, -1)


def test_progress_reaches_its_total():
    seen = []
    run(SMALL, 0, progress=lambda done, total, what: seen.append((done, total)))
    assert seen[0] == (0, 3) and seen[-1] == (3, 3)


def test_the_result_is_plain_data_in_ascii():
    plain = str(to_plain_data(run(replace(SMALL, rank=4), 0)))
    assert plain.isascii() and "nan" not in plain


def test_titles_say_what_the_rows_say():
    result = run(SMALL, 0)
    small, _, large = result.rows
    slope = np.polyfit(np.log([4, 16, 64]), np.log([row["variance"] for row in result.rows]), 1)[0]
    scaled = sorted(row["scaled_variance"] for row in result.rows)
    assert [plot.title for plot in result.plots] == [
        f"Var(q.k) grows like d_k^{slope:.2f}; that of q.k times 1/sqrt(d_k) lies in {scaled[0]:.3g} .. "
        f"{scaled[-1]:.3g}",
        f"Top weight of 16 keys: raw {small['top_raw']:.2f} to {large['top_raw']:.2f}, scaled "
        f"{small['top_scaled']:.2f} to {large['top_scaled']:.2f}",
        f"The raw softmax Jacobian is largest at d_k = 4 and then shrinks: {small['jacobian_raw']:.2g} to "
        f"{large['jacobian_raw']:.2g}",
    ]


def test_one_width_alone_is_said_in_words_of_its_own():
    alone = run(replace(SMALL, d_k=(64,), scale=1.0), 0)
    (row,) = alone.rows
    assert [plot.title for plot in alone.plots] == [
        f"At d_k = 64 Var(q.k) is {row['variance']:.3g}; that of q.k times 1 is {row['variance']:.3g}",
        f"Top weight of 16 keys: raw {row['top_raw']:.2f}, scaled {row['top_raw']:.2f}",
        f"The raw softmax Jacobian is largest at d_k = 64: norm {row['jacobian_raw']:.2g}",
    ]
    assert alone.notes[0].text == (
        "The scale is 1 for every d_k, in the place of 1/sqrt(d_k). At d_k = 64 the softmax of 16 unscaled scores "
        f"gives {row['top_raw']:.0%} of its weight to one key, of scaled ones {row['top_raw']:.0%}."
    )


def test_the_note_on_flawed_vectors_gives_law_verdict_and_distance():
    result = run(replace(SMALL, mean=0.5), 3)
    last = result.rows[-1]
    law = next(check for check in result.checks if check.id == "law")
    assert result.notes[0].text.startswith(
        "These queries and keys are not ideal: the law here is Var(q.k) = 1.5 d_k, and it holds, with the worst row "
        f"{law.measured:.1f} standard errors away. At d_k = 64 the softmax of 16 unscaled scores gives "
        f"{last['top_raw']:.0%} of its weight to one key, of scaled ones {last['top_scaled']:.0%}."
    )
    tenfold = {"tfx.lab.attention.vectors.Flaws.variance_of_dot": lambda o: lambda flaws, d_k: 10 * o(flaws, d_k)}
    wrong = BREAKS.run(scaling, Broken("another law", {"law"}, tenfold, mean=0.5))
    assert "Var(q.k) = 15 d_k, and it fails, with the worst row" in wrong.notes[0].text


@pytest.mark.parametrize(
    ("change", "also"),
    [
        ({}, ""),
        ({"mean": 0.5, "rank": 4}, " and mean 0.5 and rank 4"),
        ({"correlation": -1.0, "distribution": "sign"}, " and correlation -1 and sign coordinates"),
    ],
)
def test_what_is_asked_names_the_flaws_that_move_the_answer(change, also):
    result = run(replace(QUICK, d_k=(16, 64), **change), 0, quick=True)
    assert result.question.prompt == f"At d_k = 64{also}, what is the standard deviation of q.k?"


def test_the_picture_speaks_of_the_variance_of_the_scaled_product(quick_result):
    """Not of the variance times 1/sqrt(d_k), which would not be 1."""
    scaled = [row["scaled_variance"] for row in quick_result.rows]
    assert quick_result.plots[0].title.endswith(
        f"; that of q.k times 1/sqrt(d_k) lies in {min(scaled):.3g} .. {max(scaled):.3g}"
    )
