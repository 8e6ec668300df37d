"""Whatever a learner's file does: a friendly verdict, never a pass, and nothing is broken outside of its process."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from lessons.practice.bench import run_file
from lessons.practice.exercise import find_exercise
from lessons.practice.judging import judge_file

RIGHT = """
import numpy as np

def softmax(x, axis=-1):
    top = x.max(axis=axis, keepdims=True)
    e = np.exp(x - np.where(np.isneginf(top), 0, top))
    total = e.sum(axis=axis, keepdims=True)
    return e / np.where(total == 0, 1, total)
"""


REFUSED = "it raises NotHere: it {}, which practice does not allow."


def judged(tmp_path: Path, source: str):
    path = tmp_path / "softmax.py"
    path.write_text(source, encoding="utf-8")
    return judge_file(find_exercise("softmax"), path, source)


def body(lines: str) -> str:
    return "import os, sys\nimport numpy as np\n\ndef softmax(x, axis=-1):\n" + "".join(
        f"    {n}\n" for n in lines.split("; ")
    )


def test_a_right_file_passes_and_what_it_prints_is_kept_apart(tmp_path):
    verdict = judged(tmp_path, "print('passed')\n" + RIGHT)
    assert verdict.kind == "passed" and verdict.printed == "passed\n"


def test_a_package_that_is_not_there_is_not_needed(tmp_path):
    verdict = judged(tmp_path, "import nnumpy as np\n" + RIGHT)
    assert (
        verdict.kind == "import"
        and verdict.evidence[1] == "No exercise needs another package than the one its file begins with."
    )
    assert verdict.evidence[0].endswith("ModuleNotFoundError: No module named 'nnumpy'")


def test_what_is_printed_on_the_input_that_is_shown_is_shown_and_once(tmp_path):
    lines = "print(x.shape, axis); print('to', 'stderr', file=sys.stderr); "
    source = body(
        lines
        + "x = np.where(np.ndim(x) == 1, np.zeros_like(x), x); "
        + RIGHT.partition("axis=-1):\n")[2].strip().replace("\n    ", "; ")
    )
    verdict = judged(tmp_path, "print('first')\n" + source)
    x = find_exercise("softmax").cases[verdict.shown].arguments["x"]
    assert verdict.kind == "values" and x.ndim == 1 and verdict.shown > 0
    assert verdict.printed == f"first\n{x.shape} -1\nto stderr\n"
    ended = judged(tmp_path, "print('first')\n" + body("print(x.shape); os._exit(0)"))
    assert (ended.kind, ended.printed) == ("exit", "first\n(2, 5)\n")
    passed = judged(tmp_path, RIGHT.replace("    total", "    print('here')\n    total"))
    assert passed.kind == "passed" and passed.printed == "here\n" * len(find_exercise("softmax").cases)


@pytest.mark.parametrize(
    ("source", "kind", "says"),
    [
        ("raise RuntimeError('sentinel')", "import", "the file stops before its functions can be called."),
        ("def softmax(x:\n", "syntax", "Python cannot read the file."),
        ("def soft_max(x): return x", "missing", "the file has no function softmax; there are: soft_max."),
        ("softmax = 3", "missing", "the file has no function softmax; there is no function at all."),
        ("import sys\nsys.exit(0)", "exit", "the program was ended (exit) before it returned anything."),
        (body("os._exit(0)"), "exit", "the program was ended (exit) before it returned anything."),
        (body("sys.exit()"), "exit", "the program was ended (exit) before it returned anything."),
        (body("raise NotImplementedError"), "stub", "softmax is still empty: nothing is returned."),
        (body("return np.ones(10**11)"), "raises", "it raises MemoryError: more memory than an exercise may take."),
        (body("os.fork(); return x"), "raises", REFUSED.format("starts another process")),
        (body("os.system('true'); return x"), "raises", REFUSED.format("starts another program")),
        (body("open('/tmp/tfx-written', 'w'); return x"), "raises", REFUSED.format("writes a file")),
        (body("return softmax(x)"), "raises", "it raises RecursionError: maximum recursion depth exceeded."),
        (body("return 'weights'"), "type", "p is str, where an array or a number is asked for."),
        (body("return x, x"), "type", "1 results are asked for (p), and 2 came."),
        (body("return x.sum(axis)"), "shape", "p has the shape (2,), and (2, 5) is asked for, the shape of x."),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_told_in_a_sentence(source, kind, says, tmp_path):
    verdict = judged(tmp_path, source)
    assert (verdict.kind, verdict.says) == (kind, says)
    assert verdict.mistake is None and not verdict.passed


def test_the_traceback_begins_in_the_learners_file(tmp_path):
    verdict = judged(tmp_path, "def softmax(x, axis=-1):\n    return x.softmx()\n")
    (trace,) = [line for line in verdict.evidence if line.startswith("Traceback")]
    assert trace.count("File ") == 1 and 'softmax.py", line 2, in softmax' in trace
    assert trace.endswith("AttributeError: 'numpy.ndarray' object has no attribute 'softmx'")


def test_an_endless_loop_is_ended_and_the_input_is_named(tmp_path):
    left = run_file(
        tmp_path / "loop.py", "def f(x):\n    while x > 1: pass\n    return x\n", "f", [{"x": 0}, {"x": 2}], 1.0
    )
    assert (left.ended, left.at, left.outcomes) == ("time", 1, [])


def test_a_file_that_deletes_itself_is_still_there_and_judged(tmp_path):
    verdict = judged(tmp_path, "import os\nos.remove(__file__)\n" + RIGHT)
    assert verdict.kind == "import" and "it deletes a file" in verdict.evidence[0]
    assert (tmp_path / "softmax.py").exists()


def test_a_numpy_that_is_bent_bends_no_verdict(tmp_path):
    bent = "import numpy as np\nnp.allclose = lambda *a, **k: True\nnp.asarray = np.savez = np.errstate = None\n"
    assert judged(tmp_path, bent + body("return x")).kind in ("values", "not finite")
    assert judged(tmp_path, bent + RIGHT).kind == "passed"


def test_nothing_of_the_readers_environment_goes_in(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "x")
    left = run_file(
        tmp_path / "f.py",
        "import os\ndef f(): return (os.environ.get('SECRET_TOKEN', 'none'), os.environ['HOME'])\n",
        "f",
        [{}],
    )
    secret, home = left.outcomes[0].value
    assert secret == "none" and home != os.environ.get("HOME")


def test_values_come_back_as_they_were(tmp_path):
    values = "x, 1.5, [1, 2.5], np.float32(3), float('nan'), {'a': (None, True)}, object(), 2**70"
    source = f"import numpy as np\ndef f(x): return {values}\n"
    (outcome,) = run_file(tmp_path / "f.py", source, "f", [{"x": np.arange(3, dtype=np.float32)}]).outcomes
    x, one, numbers, single, nan, tree, strange, large = outcome.value
    assert x.dtype == np.float32 and x.tolist() == [0, 1, 2] and one == 1.5 and numbers.tolist() == [1, 2.5]
    assert single == 3 and nan != nan and tree == {"a": (None, True)} and strange.type == "object" and large == 2**70
    assert outcome.shared == ("x",) and outcome.changed == ()


def test_a_verdict_with_its_steps_takes_less_than_a_second_of_computing(tmp_path):
    """By the clock of processes, so that a busy machine does not count."""
    judged(tmp_path, RIGHT)  # what our own functions give is kept from here on
    source = RIGHT.replace("return e /", "return 2 * e /")
    began = time.process_time() + sum(os.times()[2:4])
    verdict = judged(tmp_path, source)
    took = time.process_time() + sum(os.times()[2:4]) - began
    assert verdict.kind == "values" and any(line.startswith("steps: ") for line in verdict.evidence)
    assert took < 1.0
