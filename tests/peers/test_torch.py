"""Every recorded PyTorch case of an operation that we have: outputs and gradients agree to 1e-10 in float64.

TFX_TORCH_CASES names other files (joined by os.pathsep), recorded from other seeds or versions.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from tests.peers import run_torch_fixtures as runner
from tests.peers.recorded import FIXTURES, meta, need, recorded
from tests.peers.torch_ops import OPS, OUT_OF_SCOPE

ROOT = Path(__file__).resolve().parents[2]
OWN = ("torch-2.13.0-seed0.npz",)
FILES = recorded("TFX_TORCH_CASES", *OWN)
RECORDED = sorted({(entry["kind"], entry["name"]) for path in FILES for entry in meta(path)["cases"]})


@pytest.fixture(scope="module")
def cases():
    need(FILES)
    by_op = defaultdict(list)
    for path in FILES:
        for case in runner.load(path):
            by_op[case["kind"], case["name"]].append(case)
    return by_op


def recorded_numbers(case) -> set[str]:
    """What an adapter has to give: every output and every gradient that PyTorch gave."""
    wanted = {f"out[{i}]" for i, output in enumerate(case["out"]) if output is not None}
    wanted |= {f"grad_in[{i}]" for i, gradient in enumerate(case["grad_in"]) if gradient is not None}
    return wanted | {f"grad {name}" for name, gradient in case["grad_params"].items() if gradient is not None}


@pytest.mark.parametrize("op", RECORDED, ids=" ".join)
def test_every_output_and_every_gradient_agrees(op, cases):
    if op not in OPS:
        pytest.skip(OUT_OF_SCOPE.get(op) or "an operation that this library does not have")
    wrong, passed = [], 0
    for case in cases[op]:
        try:
            given = {what for what, _ in runner.check(case, OPS[op])}
            left_out = sorted(recorded_numbers(case) - given)
            assert not left_out, f"the adapter does not give {', '.join(left_out)}"
            passed += 1
        except Exception as error:  # every case that fails is named, not only the first
            if type(error).__name__ != "Skip":
                wrong.append(f"case {case['n']}: {type(error).__name__} {' '.join(str(error).split())[:300]}")
            elif not str(error):
                wrong.append(f"case {case['n']}: skipped without a reason")
    assert not wrong, "\n".join(wrong)
    assert passed, "every case was skipped: give the operation a reason in OUT_OF_SCOPE instead"


def test_every_operation_that_was_recorded_is_here_or_has_a_reason():
    files = [path for name in OWN if (path := FIXTURES / name).is_file()]
    need(files)
    suite = {(entry["kind"], entry["name"]) for path in files for entry in meta(path)["cases"]}
    assert sorted(suite - OPS.keys() - OUT_OF_SCOPE.keys()) == []
    assert not OPS.keys() & OUT_OF_SCOPE.keys()
    assert all(len(reason.split()) >= 3 for reason in OUT_OF_SCOPE.values())


# ---- the harness itself

X, W, DY = np.array([1.0, -2.0, 3.0]), np.array(2.0), np.array([0.5, 1.0, -1.0])
CASE = {
    "kind": "module",
    "name": "Scale",
    "n": 0,
    "args": [X],
    "kwargs": {},
    "config": None,
    "params": {"w": W},
    "out": [W * X],
    "cot": [DY],
    "grad_in": [W * DY],
    "grad_params": {"w": (X * DY).sum()},
}


def scale(args, kwargs, params, config, cot):
    (x,), w, (dy,) = args, params["w"], cot
    return {"out": [w * x], "grad_in": [w * dy], "grad_params": {"w": (x * dy).sum()}}


def test_a_right_answer_is_compared_in_full():
    assert runner.check(CASE, scale) == [("out[0]", 0.0), ("grad_in[0]", 0.0), ("grad w", 0.0)]
    assert {what for what, _ in runner.check(CASE, scale)} == recorded_numbers(CASE)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("out", [2 * X * (1 + 1e-9)], r"out\[0\]: off by"),
        ("out", [X[None]], r"out\[0\]: shape"),
        ("out", [(2 * X).astype(np.float32)], "dtype"),
        ("out", [np.array([2.0, np.nan, 6.0])], "NaN"),
        ("out", [np.array([2.0, np.inf, 6.0])], "inf"),
        ("grad_in", [-2 * DY], r"grad_in\[0\]: off by"),
        ("grad_params", {"w": np.array(0.0)}, "grad w: off by"),
    ],
)
def test_a_wrong_answer_fails(field, value, words):
    def wrong(*everything):
        return scale(*everything) | {field: value}

    with pytest.raises(AssertionError, match=words):
        runner.check(CASE, wrong)


def test_a_gradient_that_is_left_out_is_noticed():
    given = {what for what, _ in runner.check(CASE, lambda *everything: {"out": scale(*everything)["out"]})}
    assert recorded_numbers(CASE) - given == {"grad_in[0]", "grad w"}


def test_a_wrong_adapter_fails_real_cases(cases):
    softmax = cases["op", "softmax"]

    def without_the_sum(*everything):
        told = OPS["op", "softmax"](*everything)
        return told | {"grad_in": [y * dy for y, dy in zip(told["out"], everything[-1], strict=True)]}

    wrong = runner.run(softmax, {("op", "softmax"): without_the_sum}, False)["op", "softmax"]
    right = runner.run(softmax, OPS, False)["op", "softmax"]
    assert right.failed == 0 and right.gradients == right.passed == len(softmax)
    assert wrong.failed > len(softmax) // 2, "a 0-d or an empty case has no sum to forget"


def test_a_skip_counts_as_neither(capsys):
    def out_of_scope(*everything):
        raise runner.Skip("no such thing here")

    tally = runner.run([CASE], {("module", "Scale"): out_of_scope}, True)["module", "Scale"]
    assert (tally.passed, tally.failed, tally.skipped) == (0, 0, 1)
    assert "no such thing here" in capsys.readouterr().out


def test_the_command_line_exits_1_on_a_failure(tmp_path):
    stored = {"x": X, "y": np.tanh(X)}
    case = {"kind": "op", "name": "tanh", "n": 7, "args": {"l": [{"t": "x"}]}, "kwargs": {"d": {}}, "params": {}}
    case |= {"out": {"l": [{"t": "y"}]}, "cot": {"l": [{"t": "x"}]}, "grad_in": [None], "grad_params": {}}
    stored["meta"] = np.frombuffer(json.dumps({"cases": [case]}).encode(), np.uint8)
    np.savez(tmp_path / "cases.npz", **stored)
    source = "OPS = {('op', 'tanh'): lambda args, *rest: {'out': [args[0]]}}\n"
    (tmp_path / "adapters_here.py").write_text(source, encoding="utf-8")
    command = [sys.executable, ROOT / "tests/peers/run_torch_fixtures.py", "cases.npz", "adapters_here:OPS"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert told.returncode == 1, told.stderr
    assert "FAIL op tanh 7 AssertionError out[0]: off by" in told.stdout
    assert told.stdout.endswith("0 gradients compared\n0 passed, 1 failed, 0 skipped\n")
