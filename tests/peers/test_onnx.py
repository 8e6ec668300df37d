"""Every recorded ONNX case of an operation that we have agrees with ONNX's own expected values.

TFX_ONNX_CASES names other files (joined by os.pathsep) that `run_onnx_suite.py --freeze` wrote.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from tests.peers import run_onnx_suite as runner
from tests.peers.onnx_ops import OPS, OUT_OF_SCOPE
from tests.peers.recorded import FIXTURES, meta, need, recorded

ROOT = Path(__file__).resolve().parents[2]
OWN = ("onnx-1.22.0-node.npz", "onnx-pytorch-converted.npz")
FILES = recorded("TFX_ONNX_CASES", *OWN)
RECORDED = sorted({entry["op"] for path in FILES for entry in meta(path)})

#: ONNX lets outputs be wrong by 1e-3.  We do the same sums in another order, no more, except in half precision.
TIGHT = 1e-5


@pytest.fixture(scope="module")
def cases() -> dict[str, list[runner.Case]]:
    need(FILES)
    by_op: dict[str, list[runner.Case]] = defaultdict(list)
    for path in FILES:
        for case in runner.from_frozen(path):
            by_op[case.op].append(case)
    return by_op


def is_half(case: runner.Case) -> bool:
    return any(array is not None and array.dtype.itemsize == 2 for array in [*case.inputs, *case.outputs])


@pytest.mark.parametrize("op", RECORDED)
def test_every_case_agrees(op, cases):
    if op not in OPS:
        pytest.skip(OUT_OF_SCOPE.get(op) or "an operation that this library does not have")
    wrong, passed = [], 0
    for case in cases[op]:
        try:
            worst = runner.check(case, OPS[op])
            assert is_half(case) or worst < TIGHT, f"off by {worst:.1e}, which only half precision may be"
            passed += 1
        except Exception as error:  # every case that fails is named, not only the first
            if type(error).__name__ != "Skip":
                wrong.append(f"{case.name}: {type(error).__name__} {' '.join(str(error).split())[:300]}")
            elif not str(error):
                wrong.append(f"{case.name}: skipped without a reason")
    assert not wrong, "\n".join(wrong)
    assert passed, "every case was skipped: give the operation a reason in OUT_OF_SCOPE instead"


def test_every_operation_of_the_suite_is_here_or_has_a_reason():
    files = [path for name in OWN if (path := FIXTURES / name).is_file()]
    need(files)
    suite = {entry["op"] for path in files for entry in meta(path)}
    assert sorted(suite - OPS.keys() - OUT_OF_SCOPE.keys()) == []
    assert not OPS.keys() & OUT_OF_SCOPE.keys()
    assert all(len(reason.split()) >= 3 for reason in OUT_OF_SCOPE.values())


# ---- the harness itself

X = np.array([[1.0, -2.0, 3.0]], dtype=np.float32)
CASE = runner.Case("doubled", "Double", "", 1, {}, [X, None], [2 * X, None], 1e-3, 1e-7)


def double(inputs, attrs, ctx):
    return 2 * inputs[0], None


def test_a_right_answer_passes():
    assert runner.check(CASE, double) == 0.0


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda inputs, attrs, ctx: 2.01 * inputs[0], "Not equal"),
        (lambda inputs, attrs, ctx: 2 * inputs[0].T, "shape"),
        (lambda inputs, attrs, ctx: 2 * inputs[0].astype(np.float64), "dtype"),
        (lambda inputs, attrs, ctx: np.full_like(inputs[0], np.nan), "nan"),
        (lambda inputs, attrs, ctx: (None,), "missing"),
        (lambda inputs, attrs, ctx: (), "missing"),
    ],
    ids=["a little off", "transposed", "another dtype", "NaN", "None", "nothing"],
)
def test_a_wrong_answer_fails(wrong, words):
    with pytest.raises(AssertionError, match=words):
        runner.check(CASE, wrong)


def test_integers_must_be_equal():
    case = CASE._replace(outputs=[np.array([[2, -4, 6]])])
    runner.check(case, lambda inputs, attrs, ctx: np.array([[2, -4, 6]]))
    with pytest.raises(AssertionError):
        runner.check(case, lambda inputs, attrs, ctx: np.array([[2, -4, 7]]))


def test_an_adapter_may_write_into_what_it_gets():
    before = X.copy()
    runner.check(CASE, lambda inputs, attrs, ctx: np.multiply(inputs[0], 2, out=inputs[0]))
    assert np.array_equal(X, before)


def test_a_wrong_adapter_fails_real_cases(cases):
    softmax = cases["Softmax"]
    wrong = runner.run(softmax, {"Softmax": lambda inputs, attrs, ctx: np.tanh(inputs[0])}, True, False)
    right = runner.run(softmax, OPS, True, False)
    assert wrong["Softmax"].failed == len(softmax) == right["Softmax"].passed
    assert wrong["Softmax"].passed == right["Softmax"].failed == 0


def test_a_skip_counts_as_neither(capsys):
    def out_of_scope(inputs, attrs, ctx):
        raise runner.Skip("no such thing here")

    tally = runner.run([CASE], {"Double": out_of_scope}, True, True)["Double"]
    assert (tally.passed, tally.failed, tally.skipped) == (0, 0, 1)
    assert "no such thing here" in capsys.readouterr().out


def test_frozen_cases_come_back_as_they_were(tmp_path):
    with_settings = CASE._replace(name="second", attrs={"axis": -1, "mode": "a"}, opset=23, rtol=1e-5)
    graph = CASE._replace(attrs={"body": np.zeros(1)})
    assert runner.freeze([CASE, graph, with_settings], tmp_path / "cases.npz") == 2
    one, two = runner.from_frozen(tmp_path / "cases.npz")
    assert (one.name, two.name) == ("doubled", "second")
    assert (two.attrs, two.opset, two.rtol) == ({"axis": -1, "mode": "a"}, 23, 1e-5)
    assert np.array_equal(two.inputs[0], X) and two.inputs[1] is None and two.outputs[1] is None


@pytest.mark.parametrize(("factor", "code"), [(2, 0), (3, 1)])
def test_the_command_line_says_what_passed_and_exits_1_on_a_failure(tmp_path, factor, code):
    runner.freeze([CASE], tmp_path / "cases.npz")
    source = f"OPS = {{'Double': lambda inputs, attrs, ctx: {factor} * inputs[0]}}\n"
    (tmp_path / "adapters_here.py").write_text(source, encoding="utf-8")
    command = [sys.executable, ROOT / "tests/peers/run_onnx_suite.py", "--frozen", "cases.npz"]
    told = subprocess.run(
        [*command, "--impl", "adapters_here:OPS"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert told.returncode == code, told.stderr
    assert told.stdout.endswith("0 passed, 1 failed, 0 skipped\n" if code else "1 passed, 0 failed, 0 skipped\n")
