"""Files that mean harm, or do it by accident: a friendly verdict, never a pass, and nothing else is touched."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from lessons.practice import judging
from lessons.practice.bench import run_file
from lessons.practice.exercise import find_exercise
from lessons.practice.judging import judge_file
from tests.lessons.practice.test_child import RIGHT, body, judged

TAKEN = "tfx.ops.basics.softmax"
WRONG = "\ndef softmax(x, axis=-1):\n    return x * 1.0\n"
REFUSED = "which practice does not allow"

#: what a file does -> its source, and the kind of its verdict
HOSTILE = {
    "allocates 100 GB": (body("return np.ones(10**10 + 10**9 * 2)"), "raises"),
    "gives more numbers than there is memory for": (body("return np.broadcast_to(1.0, (10**12,))"), "type"),
    "gives a list that holds itself": (body("a = []; a.append(a); return a"), "raises"),
    "gives a whole number without end": (body("return 1 << 10**6"), "type"),
    "ends with a status": (body("os._exit(3)"), "exit"),
    "ends itself in the first line": ("import os\nos._exit(0)\n" + RIGHT, "exit"),
    "kills itself": (body("os.kill(os.getpid(), 9)"), "raises"),
    "breaks down by a signal": (body("os.abort()"), "exit"),
    "raises what is no Exception": (body("raise KeyboardInterrupt"), "raises"),
    "raises what cannot be printed": (
        "class Bad(Exception):\n    def __str__(self): raise ValueError\n" + body("raise Bad()"), "raises",
    ),
    "forks": ("import os\nos.fork()\n" + RIGHT, "import"),
    "forks by multiprocessing": (
        body("import multiprocessing; multiprocessing.get_context('fork').Process(target=print).start()"), "raises",
    ),
    "starts a process past the hook": (
        body("import multiprocessing; multiprocessing.get_context('spawn').Process(target=print).start()"), "raises",
    ),
    "raises a text without end": (body("raise ValueError('x' * 10**6)"), "raises"),
    "gives what has a name without end": (body("return type('T' * 10**5, (), {})()"), "type"),
    "reads the library": (
        body(f"open({str(Path(judging.__file__).parents[2] / 'tfx/ops/basics/softmax.py')!r}); return x"), "raises",
    ),
    "imports the answer": (f"from {TAKEN} import softmax_forward\n" + RIGHT, "import"),
    "imports the exercise": (body("import lessons.practice.exercise; return x"), "raises"),
    "reads the exercise": (
        body(f"open({str(Path(judging.__file__).parents[1])!r} + '/attention/softmax/exercises/softmax.py'); return x"),
        "raises",
    ),
    "rewrites itself": (body("open(__file__, 'w').write(''); return x"), "raises"),
    "opens itself to write, by os.open": (body("os.open(__file__, os.O_RDWR); return x"), "raises"),
    "makes a file in its folder": (body("open('left.json', 'w').write('{}'); return x"), "raises"),
    "writes a result of its own into the open file": (
        body("os.write(3, b'{\"dict\": {\"stage\": \"done\"}}'); os.write(4, b'x' * 99); return x"), "not finite",
    ),
    "leaves a result and ends": (
        body("""os.write(3, b'{"dict": {"stage": "done", "outcomes": {"tuple": []}}}'); os._exit(0)"""), "exit",
    ),
    "leaves numbers for outcomes and ends": (
        body("""os.write(3, b'{"dict": {"stage": "done", "outcomes": 7}}'); os._exit(0)"""), "exit",
    ),
    "has something done at the end": (
        "import atexit, os\natexit.register(lambda: os.write(3, b'{}'))\n" + WRONG, "not finite",
    ),
    "leaves a thread running": (
        "import threading, time\nthreading.Thread(target=lambda: time.sleep(60)).start()\n" + WRONG, "not finite",
    ),
    "closes its files": (body("os.closerange(0, 64); return x"), "exit"),
    "closes stdout": ("import sys\nsys.stdout.close()\n" + WRONG, "not finite"),
    "closes the file of stdout": ("import os\nos.close(1)\n" + WRONG + "print('a' * 100000)\n", "import"),
    "makes warnings errors": ("import warnings\nwarnings.simplefilter('error')\n" + WRONG, "not finite"),
    "bends numpy": (
        "import numpy as np\nfor name in ('allclose', 'asarray', 'abs', 'isfinite', 'shares_memory', 'savez'):\n"
        "    setattr(np, name, lambda *a, **k: True)\n" + WRONG, "not finite",
    ),
    "bends all of numpy": (
        "import numpy as np\nfor name in list(vars(np)):\n    setattr(np, name, lambda *a, **k: True)\n" + WRONG,
        "not finite",
    ),
    "bends the builtins": (
        "import builtins\nfor name in ('isinstance', 'all', 'any', 'type', 'zip', 'map', 'tuple'):\n"
        "    setattr(builtins, name, lambda *a, **k: True)\n" + WRONG, "exit",
    ),
    "follows each line that runs": (
        "import sys\ndef follow(frame, event, arg): raise ValueError('here')\nsys.settrace(follow)\n" + WRONG, "exit",
    ),
    "is asked at each event": ("import sys\ndef hook(*a): raise ValueError\nsys.addaudithook(hook)\n" + WRONG, "exit"),
    "bends the harness": (
        "import sys\nfor name in ('try_all', '_try', 'kept', '_same'):\n"
        "    setattr(sys.modules['trying'], name, lambda *a, **k: True)\n" + WRONG, "exit",
    ),
    "gives a subclass that says that it is equal": (
        "import numpy as np\nclass Sure(np.ndarray):\n"
        "    def __eq__(self, other): return np.ones(np.shape(other), bool)\n"
        "    def __array_ufunc__(self, *a, **k): return np.zeros(1)\n"
        "    def __array_function__(self, *a, **k): return True\n"
        "    def tobytes(self, *a): return b''\n"
        "def softmax(x, axis=-1):\n    return (x * 1.0).view(Sure)\n", "not finite",
    ),
    "gives an object whose array changes": (
        "import numpy as np\nclass Turns:\n    def __array__(self, *a, **k):\n"
        "        Turns.n = getattr(Turns, 'n', 0) + 1\n        return np.full((2, 5), 1.0 * Turns.n)\n"
        "def softmax(x, axis=-1):\n    return Turns()\n", "shape",
    ),
    "looks for the answer in the memory of its process": (
        "import gc, sys\nimport numpy as np\ndef softmax(x, axis=-1):\n"
        "    if x.shape != (2, 5): return np.full(x.shape, 1 / x.shape[axis])\n"
        "    seen, frame = [], sys._getframe()\n"
        "    while frame: seen += frame.f_locals.values(); frame = frame.f_back\n"
        "    seen += [one for some in gc.get_objects() for one in gc.get_referents(some)]\n"
        "    for one in seen:\n"
        "        if isinstance(one, np.ndarray) and one.shape == x.shape and one.dtype.kind == 'f':\n"
        "            if np.allclose(one.sum(axis), 1): return one.copy()\n"
        "    return x * 0.0\n", "values",
    ),
    "raises in a right file": ("raise RuntimeError('sentinel')\n" + RIGHT, "import"),
    "is a file of 0 bytes in the middle": ("x = 1\0\n" + RIGHT, "syntax"),
    "is nested deeper than can be read": ("x = " + "(" * 10_000 + ")" * 10_000 + RIGHT, "syntax"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_told_in_words_and_never_passes(name, tmp_path):
    source, kind = HOSTILE[name]
    verdict = judged(tmp_path, source)
    assert verdict.kind == kind, verdict
    assert not verdict.passed and verdict.mistake is None and verdict.says.endswith((".", "?"))
    assert not any("child.py" in line or "trying.py" in line for line in (*verdict.evidence, verdict.printed))
    assert max(map(len, (verdict.says, *verdict.evidence))) < 3_000
    assert (tmp_path / "softmax.py").read_text(encoding="utf-8") == source
    assert list(tmp_path.iterdir()) == [tmp_path / "softmax.py"]


#: the same things around a right function: they are no reason to fail it
HARMLESS = {
    "warnings are errors": "import warnings\nwarnings.simplefilter('error')\n",
    "NumPy raises": "import numpy as np\nnp.seterr(all='raise')\n",
    "a thread is left": "import threading, time\nthreading.Thread(target=lambda: time.sleep(60)).start()\n",
    "something is done at the end": "import atexit, os\natexit.register(lambda: os._exit(9))\n",
    "stdout is closed": "import sys\nsys.stdout.close()\n",
    "it prints what a verdict looks like": "import sys\nprint('Right: passed\\n' * 3)\nprint('{}', file=sys.stderr)\n",
    "stdout is nothing": "import sys\nsys.stdout = sys.__stdout__ = None\nsys.stderr = 3\n",
    "a mark of UTF-8 in front": "\ufeff",
    "a class is looked up": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nimport pickle\n"
        "@dataclass\nclass Two:\n    x: int = 2\npickle.dumps(Two())\n"
    ),
    "it prints 100 MB": "import sys\nfor _ in range(100): sys.stdout.write('x' * 10**6)\n",
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_stands_around_a_right_function_does_not_fail_it(name, tmp_path):
    verdict = judged(tmp_path, HARMLESS[name] + RIGHT)
    assert verdict.kind == "passed", verdict
    assert len(verdict.printed) <= 20_000


def test_nothing_that_is_printed_or_raised_writes_over_the_screen(tmp_path):
    verdict = judged(
        tmp_path, body("print('\\x1b[2JRight: yes\\r\\n50%\\rdone'); raise ValueError('\\x1b[1;1Hno\\nRight: yes')")
    )
    assert verdict.printed.startswith("?[2JRight: yes\n50%\ndone\n")
    assert verdict.says == "it raises ValueError: ?[1;1Hno Right: yes."
    assert not any("\x1b" in line for line in verdict.evidence)


def test_only_functions_of_the_file_are_offered(tmp_path):
    source = "from numpy import *\nfrom math import sqrt\nglobals()[1] = lambda: 0\ndef _own(): pass\n"
    assert judged(tmp_path, source).says == "the file has no function softmax; there is no function at all."
    assert judged(tmp_path, source + "def softmax_of(x): pass\ntwo = lambda: 2\n").says == (
        "the file has no function softmax; there are: softmax_of, two."
    )


def test_steps_that_break_down_take_no_verdict_back(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "first_wrong_step", lambda *_: 1 / 0)
    verdict = judged(tmp_path, WRONG)
    assert verdict.kind == "not finite"
    assert verdict.evidence[-1] == (
        "tfx broke down over the steps (ZeroDivisionError): report this, with what it prints: tfx doctor"
    )


def test_what_sleeps_is_ended_by_the_clock(tmp_path):
    began = time.monotonic()
    left = run_file(tmp_path / "f.py", "import time\ndef f(x): time.sleep(600)\n", "f", [{"x": 0}], 0.5)
    assert left.ended == "time" and time.monotonic() - began < 60


@pytest.mark.slow
def test_what_recurses_without_a_limit_is_ended(tmp_path):
    """By the time, by the memory or by a signal: as this Python has it."""
    verdict = judged(tmp_path, body("sys.setrecursionlimit(10**9); return softmax(x)"))
    assert verdict.kind in ("time", "exit", "raises") and not verdict.passed


def test_a_chain_of_exceptions_is_shown_without_the_frames_of_the_harness(tmp_path):
    source = "def f(x):\n    try:\n        return {}[x]\n    except KeyError:\n        raise ValueError('no such')\n"
    left = run_file(tmp_path / "f.py", source, "f", [{"x": 0}])
    shown = [
        line for line in left.traceback.splitlines(keepends=True) if set(line.strip()) - {"~", "^"} or line == "\n"
    ]
    assert "".join(shown) == (
        f'Traceback (most recent call last):\n  File "{tmp_path}/f.py", line 3, in f\n    return {{}}[x]\n'
        "KeyError: 0\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        f'Traceback (most recent call last):\n  File "{tmp_path}/f.py", line 5, in f\n'
        "    raise ValueError('no such')\nValueError: no such\n"
    )


def test_where_tfx_breaks_down_the_file_is_not_blamed(tmp_path, monkeypatch):
    monkeypatch.setattr(judging, "judge", lambda *_: 1 / 0)
    path = tmp_path / "softmax.py"
    verdict = judge_file(find_exercise("softmax"), path, "print('here')\n" + RIGHT)
    assert (verdict.kind, verdict.printed) == ("grader", "here\n") and not verdict.passed
    assert verdict.says == "tfx itself broke down while it judged; this says nothing about your file."
    assert "ZeroDivisionError" in verdict.evidence[0]
    assert verdict.evidence[-1] == "report this, with what it prints: tfx doctor"


def test_no_pass_without_numbers_that_were_compared(tmp_path, monkeypatch):
    """What the child says of itself is not asked: were every right answer 1 larger, nothing would pass."""
    exercise, found = find_exercise("softmax"), []
    monkeypatch.setattr(judging, "compared", lambda *a, kept=judging.compared: found.append(kept(*a)) or found[-1])
    assert judge_file(exercise, tmp_path / "softmax.py", RIGHT).passed
    assert [one.place for one in found] == list(range(len(exercise.cases)))
    right = judging.outcomes_of(exercise, exercise.right)
    moved = tuple(judging.replace(one, value=np.asarray(one.value) + 1) for one in right)
    monkeypatch.setattr(judging, "outcomes_of", lambda *_: moved)
    assert judge_file(exercise, tmp_path / "softmax.py", RIGHT).kind == "values"
