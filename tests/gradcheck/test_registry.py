"""The registry is complete, every case passes, and every known mistake is caught."""

import math
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import tfx.ops.basics.softmax as softmax
import tfx.ops.norms.layer_norm as layer_norm
from tfx.errors import BadInput
from tfx.gradcheck import (
    CASES,
    CONTROLS,
    TOLERANCE,
    backward_functions,
    broken,
    check_gradients,
    layer_classes,
    not_registered,
    op_names,
    run_all,
    run_case,
    run_control,
    run_controls,
)


def test_every_backward_and_every_layer_is_registered():
    assert not_registered() == []


def test_the_search_finds_backwards_in_every_room():
    assert "tfx.ops.basics.softmax.softmax_backward" in backward_functions()
    assert "tfx.nn.encoder_block.EncoderBlock" in layer_classes()
    assert "tfx.models.seq2seq.EncoderDecoder" in layer_classes()
    assert all(callable(function) for function in backward_functions().values())


def test_a_backward_without_a_case_is_missed():
    without_softmax = tuple(case for case in CASES if case.op != "softmax")
    assert not_registered(without_softmax) == ["tfx.ops.basics.softmax.softmax_backward"]


def test_a_new_backward_is_found_without_being_told(monkeypatch):
    def triple_backward(dy, cache):
        return 3 * dy

    triple_backward.__module__ = softmax.__name__
    triple_backward.__qualname__ = "triple_backward"
    monkeypatch.setattr(softmax, "triple_backward", triple_backward, raising=False)
    assert not_registered() == ["tfx.ops.basics.softmax.triple_backward"]


OPS = [case for case in CASES if "." not in case.op]
name_of = "{0.op}: {0.variant}".format


@pytest.mark.parametrize("case", OPS, ids=name_of)
def test_an_operation_passes_by_every_method(case):
    found = run_case(case, elements=4)
    assert found.passes, found.worst_report.summary()
    assert found.report.tolerance == 1e-9
    assert found.by_complex_step is None or found.by_complex_step.tolerance == 1e-12
    assert found.by_adjoint is None or found.by_adjoint.tolerance == 1e-14


@pytest.mark.parametrize("case", [case for case in CASES if "." in case.op], ids=name_of)
def test_a_layer_or_model_passes_by_the_sharpest_method(case):
    problem = case.build(np.random.default_rng(0))
    method = "complex" if case.complex_safe else "richardson"
    forward = partial(problem.forward, **problem.fixed)
    report = check_gradients(forward, problem.backward, problem.inputs, directions=problem.directions, method=method)
    assert report.passes, report.summary()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_case_passes_by_every_method_in_every_element(case, seed):
    found = run_case(case, seed, elements=None)
    assert found.passes, found.worst_report.summary()
    assert found.report.tolerance == (1e-10 if case.op.startswith("models.") else 1e-9)


def test_a_case_that_the_complex_step_does_not_fit_says_why():
    assert all(case.complex_safe or len(case.reason.split()) >= 3 for case in CASES)


def test_the_complex_step_fits_nearly_everything():
    assert sum(case.complex_safe for case in CASES) > 0.9 * len(CASES)


def test_every_weight_of_a_linear_map_goes_through_the_adjoint_test():
    found = run_case(next(case for case in CASES if case.op == "linear"))
    assert found.by_adjoint is not None and set(found.by_adjoint.inputs) == {"x", "w", "b"}
    softmax_case = run_case(next(case for case in CASES if case.op == "softmax"))
    assert softmax_case.by_adjoint is None


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{control.op}: {control.says}")
def test_a_known_mistake_is_caught_by_a_wide_margin(control):
    report = run_control(control).report
    assert report.worst > 1000 * TOLERANCE, report.summary()


def test_every_op_has_a_control():
    ops = {case.op for case in CASES if "." not in case.op}
    assert ops == {control.op for control in CONTROLS}


def test_cases_are_told_apart_by_their_names():
    names = [(case.op, case.variant) for case in CASES]
    assert len(set(names)) == len(names)


def test_rows_name_op_case_input_and_errors():
    reports = list(run_all(["layer_norm"]))
    rows = [row for report in reports for row in report.rows()]
    assert {row.op for row in rows} == {"layer_norm"}
    assert [row.input for row in reports[0].rows()] == ["x", "gamma", "beta"]
    assert all(row.passes and 0 <= row.error < 1e-9 and "analytic" in row.element for row in rows)
    assert all(row.complex_error < 1e-12 for row in rows)
    by_adjoint = {row.input: row.adjoint_error for row in reports[0].rows()}
    assert by_adjoint["x"] is None and by_adjoint["gamma"] < 1e-14 and by_adjoint["beta"] < 1e-14


def wrong_case(change):
    """The case of the linear map with something wrong in its backward."""
    case = next(case for case in CASES if case.op == "linear")

    def build(rng):
        problem = case.build(rng)
        return problem._replace(backward=lambda dy, cache: change(problem.backward(dy, cache)))

    return case._replace(build=build)


def test_a_case_fails_by_every_method():
    found = run_case(wrong_case(lambda grads: (grads[0], grads[1] * (1 + 1e-7), grads[2])))
    assert not found.passes
    assert [report.passes for report in found.reports] == [False, False, False]
    assert {report.worst_input.name for report in found.reports} == {"w"}
    assert [row.passes for row in found.rows()] == [True, False, True]


def test_what_is_below_the_noise_of_one_method_is_caught_by_a_sharper_one():
    found = run_case(wrong_case(lambda grads: (grads[0], grads[1] * (1 + 3e-11), grads[2])))
    assert found.report.passes and not found.by_complex_step.passes and not found.by_adjoint.passes
    assert not found.passes and found.worst_report is not found.report


def test_a_case_that_says_linear_is_held_to_it():
    case = next(case for case in CASES if case.op == "softmax")._replace(linear=True)
    found = run_case(case)
    assert not found.passes and "not linear in x" in found.worst_report.summary()


def test_progress_counts_up():
    seen = []
    list(run_all(["linear"], progress=lambda done, total, name: seen.append((done, total, name))))
    assert [done for done, _, _ in seen] == [0, 1, 2]
    assert {total for _, total, _ in seen} == {3}
    assert seen[0][2] == "linear: batch of sequences"


def test_reports_come_one_by_one():
    reports = run_all()
    assert next(iter(reports)).case == CASES[0]


@pytest.mark.parametrize("name", ["layer-norm", "LAYER_NORM", "nn.layernorm"])
def test_names_forgive_case_and_hyphens(name):
    assert next(run_all([name])).passes


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(BadInput, match='Did you mean "softmax"'):
        next(run_all(["sofmax"]))


def test_controls_can_be_chosen_by_op():
    reports = list(run_controls(["softmax"]))
    assert {report.control.op for report in reports} == {"softmax"}
    assert all(report.caught for report in reports)


def test_broken_gives_a_wrong_backward():
    y, cache = softmax.softmax_forward(np.random.default_rng(0).standard_normal((3, 4)))
    assert not np.allclose(broken("softmax")(y, cache), softmax.softmax_backward(y, cache))
    with pytest.raises(KeyError, match="no broken backward"):
        broken("nothing")


def test_op_names_are_those_of_the_cases():
    rooms = [name.split(".")[0] if "." in name else "ops" for name in op_names()]
    assert rooms == sorted(rooms, key=["ops", "nn", "tuning", "models"].index), "operations, layers, tuning, models"
    assert set(op_names()) == {case.op for case in CASES}


def mutated(module, old, new):
    """The module's source with one piece replaced, run as a module of its own."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    assert source.count(old) == 1, f"{old!r} is no longer in {module.__name__}"
    namespace = {"__name__": module.__name__}
    exec(compile(source.replace(old, new), module.__file__, "exec"), namespace)
    return namespace


@pytest.mark.parametrize(
    ("module", "backward", "old", "new"),
    [
        (softmax, "softmax_backward", "    dx *= y\n", ""),
        (softmax, "softmax_backward", "inner = _sums(dx, axis)", "inner = _sums(dy, axis)"),
        (layer_norm, "layer_norm_backward", "dx -= row_means(g)", "dx -= 0"),
        (layer_norm, "layer_norm_backward", "multiply(xhat, -row_means(dx), out=dx)", "multiply(xhat, 0, out=dx)"),
        (layer_norm, "layer_norm_backward", "dx *= gamma", "pass"),
        (layer_norm, "layer_norm_backward", "column_sums(dx)", "column_sums(dy)"),
    ],
)
def test_a_mutation_of_the_real_source_is_caught(module, backward, old, new):
    op = backward.removesuffix("_backward")
    wrong = mutated(module, old, new)[backward]
    # a gain that is missing cannot be misplaced
    cases = [case for case in CASES if case.op == op and not case.variant.startswith("no ")]
    assert cases and all(run_case(case).passes for case in cases)
    caught = 0
    for case in cases:
        problem = case.build(np.random.default_rng(0))
        forward = partial(problem.forward, **problem.fixed)
        caught += not check_gradients(forward, wrong, problem.inputs).passes
    assert caught == len(cases)


def test_a_mutation_deep_inside_shows_in_everything_built_on_it(monkeypatch):
    """Layer norm's backward is replaced where the layer uses it: the layer, the blocks and the models must all fail."""
    nn_layer_norm = sys.modules["tfx.nn.layer_norm"]
    right = nn_layer_norm.layer_norm_backward
    monkeypatch.setattr(
        nn_layer_norm, "layer_norm_backward", lambda dy, cache: (2 * right(dy, cache)[0], *right(dy, cache)[1:])
    )
    for op in ("nn.LayerNorm", "nn.EncoderBlock", "models.DecoderOnly"):
        report = next(run_all([op])).report
        assert not report.passes, op
        assert math.isfinite(report.worst)
