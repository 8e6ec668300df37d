"""Answers in PyTorch: right ones pass however they are written, wrong ones get a verdict and only a name that fits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lessons.practice.exercise import exercises, find_exercise
from lessons.practice.frameworks import judge_answer
from lessons.practice.judging import Verdict
from lessons.practice.tensors import in_tensors
from tests.lessons.practice.torch_answers import ATTENTION, LAYER_NORM, RIGHT, SOFTMAX, WRONG, changed
from tests.lessons.practice.torch_here import FOLDER, exercise_of, here, solutions
from tests.lessons.practice.torch_unusual import UNUSUAL

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _as_it_was():
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)


def apart(tmp_path: Path, name: str, source: str) -> Verdict:
    """The same in a process of its own."""
    path = tmp_path / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    return judge_answer(find_exercise(name), path, source, "torch")


@pytest.mark.parametrize("label", RIGHT)
def test_right_answers_pass(label):
    verdict = here(*RIGHT[label])
    assert verdict.kind == "passed", (verdict.says, verdict.evidence)


@pytest.mark.parametrize("path", solutions().values(), ids=solutions())
def test_every_exercise_can_be_answered_in_tensors(path):
    verdict = here(exercise_of(path).name, path.read_text(encoding="utf-8"))
    assert verdict.kind == "passed", (verdict.says, verdict.evidence)


def test_every_exercise_but_those_about_texts_has_an_answer_in_tensors():
    answered = {exercise_of(path).name for path in solutions().values()}
    assert answered == {name for name, one in exercises().items() if one.has_torch}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("label", [label for label in UNUSUAL if "compiled" not in label])
def test_right_answers_that_nobody_would_write_pass(label):
    verdict = here(*UNUSUAL[label])
    assert verdict.kind == "passed", (verdict.says, verdict.evidence)


@pytest.mark.filterwarnings("ignore:Implicit dimension choice", "ignore:var")
@pytest.mark.parametrize("label", WRONG)
def test_wrong_answers_get_their_verdict_and_only_a_name_that_fits(label):
    name, kind, mistake, source = WRONG[label]
    verdict = here(name, source)
    assert (verdict.kind, verdict.mistake.id if verdict.mistake else "") == (kind, mistake), verdict


@pytest.mark.parametrize(
    "label",
    ["softmax", "layer norm as a module", "rope in complex numbers", "softmax, compiled", "adam in inference mode"],
)
def test_right_files_pass_in_a_process_of_their_own(label, tmp_path):
    name, source = (RIGHT | UNUSUAL)[label]
    verdict = apart(tmp_path, name, "print('here')\n" + source)
    assert (verdict.kind, verdict.framework, verdict.printed) == ("passed", "torch", "here\n"), verdict


@pytest.mark.parametrize("label", ["no scale", "keys cut off", "softmax as an array", "q is divided in place"])
def test_wrong_files_get_the_same_verdict_in_a_process_of_their_own(label, tmp_path):
    name, kind, mistake, source = WRONG[label]
    verdict = apart(tmp_path, name, source)
    assert (verdict.kind, verdict.mistake.id if verdict.mistake else "") == (kind, mistake), verdict


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("attention", WRONG["keys cut off"][3],
         "no gradient arrives at k: detach, .data, torch.no_grad, a new tensor or NumPy cuts it off."),
        ("attention", WRONG["no_grad"][3],
         "no graph hangs on out and weights: detach, .data, torch.no_grad, a new tensor or NumPy cuts it off."),
        ("attention", WRONG["weights returned are cut off"][3],
         "no graph hangs on weights: detach, .data, torch.no_grad, a new tensor or NumPy cuts it off."),
        ("cross-entropy", WRONG["a loss that is a number"][3],
         "loss is no tensor: no gradient can go back through it (.item(), float, tolist)."),
        ("attention", WRONG["NaN that is replaced afterwards"][3],
         "the gradient for q is not finite: a NaN or an infinity that is replaced behind a step "
         "still goes through the gradient of that step."),
        ("layer-norm", WRONG["statistics cut off"][3],
         "the gradient for x is wrong: is a part of the way cut off (detach, .data, torch.no_grad)?"),
    ],
)  # fmt: skip
def test_where_a_gradient_is_lost_is_told(name, source, says):
    assert here(name, source).says == f"the numbers are right, and {says}"


def test_a_gradient_that_is_wrong_everywhere_by_a_factor_is_told_with_a_number_and_the_factor():
    verdict = here("attention", WRONG["a gradient of the sign"][3])
    about, cell, factor, right = verdict.evidence
    assert about == "input: no axes in front, all sizes different" and right == "right: the gradient for k and v."
    first, second = (float(part.rpartition(" ")[2]) for part in cell.removesuffix(" is right.").split(", and "))
    assert cell.startswith("the gradient for q at q[") and first == -second != 0
    assert factor == "the gradient for q has the wrong sign, everywhere: it is -1 times what is right."


def test_what_is_raised_only_where_gradients_are_asked_for_is_told():
    verdict = here("softmax", SOFTMAX.replace("e = torch.exp(x - top)", "x.numpy()\n    e = torch.exp(x - top)"))
    assert verdict.kind == "gradient"
    assert verdict.says.startswith(
        "the numbers are right, and with inputs that ask for gradients it raises RuntimeError: Can't call numpy()"
    )


def test_inputs_of_float32_give_float32_and_a_step_up_to_float32_rounds_nothing():
    seen = []

    def function(x):
        seen.append((x.dtype, torch.zeros(2).dtype, x.float().dtype, torch.ones(1, dtype=torch.float32).dtype))
        return x

    for dtype in (np.float32, np.float64):
        in_tensors(function)(x=np.ones(2, dtype))
    assert seen == [(torch.float32,) * 4, (torch.float64,) * 4]


def test_trees_functions_and_numbers_go_in_and_come_back():
    def function(weights, step, n, names):
        assert isinstance(weights["w"][0], torch.Tensor) and n == 3 and names == ["a"]
        return step(weights["w"][0]) + n, weights["b"]

    weights = {"w": [np.arange(3.0)], "b": np.array([True, False])}
    out, b = in_tensors(function)(weights=weights, step=lambda x: np.cumsum(x), n=3, names=["a"])
    assert out.tolist() == [3, 4, 6] and b.tolist() == [True, False]


def test_memory_that_a_rule_allows_is_measured_in_tensors_too(tmp_path):
    source = (FOLDER / "online_softmax.py").read_text(encoding="utf-8")
    assert apart(tmp_path, "online-softmax", source).kind == "passed"
    verdict = apart(
        tmp_path, "online-softmax", source.replace("for at in range(0, s, block):", "block = s\n    for at in [0]:")
    )
    assert verdict.kind == "too much memory" and verdict.evidence[0] == "input: 16 queries, 512 keys in blocks of 16"


def test_the_first_wrong_step_is_found_among_tensors(tmp_path):
    verdict = apart(tmp_path, "attention", WRONG["no scale"][3])
    assert any(line.startswith("steps: ") and "is the first that is wrong." in line for line in verdict.evidence)


def test_an_endless_loop_ends_soon_though_pytorch_takes_long_to_load(tmp_path):
    source = "def softmax(x, axis=-1):\n    while True:\n        pass\n"
    verdict = apart(tmp_path, "softmax", source)
    assert (verdict.kind, verdict.evidence) == ("time", ("input: a matrix, along the last axis",))


def test_more_memory_than_an_exercise_may_take_is_told(tmp_path):
    verdict = apart(tmp_path, "softmax", "import torch\ndef softmax(x, axis=-1):\n    return torch.ones(10**11)\n")
    assert verdict.kind == "raises" and "it raises RuntimeError: " in verdict.says and not verdict.passed


def test_a_library_that_is_bent_bends_no_verdict(tmp_path):
    bent = "import torch\ntorch.autograd.grad = lambda *a, **k: [torch.zeros(1)]\ntorch.allclose = lambda *a: True\n"
    assert not apart(tmp_path, "layer-norm", bent + LAYER_NORM).passed
    assert not apart(tmp_path, "attention", bent + changed(ATTENTION, " / math.sqrt(q.size(-1))", "")).passed


def test_the_file_that_is_judged_is_the_learners_own(tmp_path):
    verdict = apart(tmp_path, "softmax", "raise RuntimeError('sentinel')\n" + SOFTMAX)
    assert verdict.kind == "import" and "sentinel" in verdict.evidence[0]


def test_pytorch_writes_no_file_either(tmp_path):
    path = tmp_path / "softmax.py"
    source = "import torch\n\n\ndef softmax(x, axis=-1):\n    torch.save(x, __file__)\n    return x\n"
    path.write_text(source, encoding="utf-8")
    verdict = judge_answer(find_exercise("softmax"), path, source, "torch")
    assert verdict.says == "it raises PermissionError: it writes a file, which practice does not allow."
    assert path.read_text(encoding="utf-8") == source
