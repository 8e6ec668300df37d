"""Does any test notice?  The tests that matter for the file it is in, the quickest first."""

from __future__ import annotations

import ast
import functools
import importlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.mutation.mutants import ROOT, Mutant
from tests.mutation.planting import module_of, plant
from tests.peers import onnx_ops, run_onnx_suite, run_torch_fixtures, torch_ops
from tests.peers.recorded import FIXTURES
from tfx.gradcheck import CASES, run_case
from tfx.gradcheck.case import Case

TESTS = ROOT / "tests"
EVERY_OP = [TESTS / "ops" / f"test_{name}.py" for name in ("every_op", "strict_device")]
#: Tests that try every method of tfx/efficient, and import it by the name of its kernel.
BY_NAME = [TESTS / "efficient" / "test_bad_input.py", TESTS / "nn" / "test_efficient_attention.py"]
LIMIT = 60  # seconds of computing, however busy the machine is; a mutant that takes longer does not end: noticed


@functools.cache
def imports(path: Path) -> frozenset[str]:
    """The modules of tfx that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tfx."):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("tfx.")}
    return frozenset(found)


@functools.cache
def users(module: str) -> frozenset[str]:
    """The operations that import the module."""
    paths = [*(ROOT / "tfx" / "ops").rglob("*.py"), *(ROOT / "tfx" / "efficient").rglob("*.py")]
    found = (path for path in paths if module in imports(path))
    return frozenset(".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found)


def cases_of(modules: frozenset[str]) -> list[Case]:
    return [case for case in CASES if case.target.__module__ in modules]


def own_tests(module: str) -> list[Path]:
    _, *rooms, name = module.split(".")
    path = TESTS.joinpath(*rooms, f"test_{name}.py")
    return [path] if path.is_file() else []


def other_tests(module: str) -> list[Path]:
    """The other test files that import the module, or a layer that does, and those of its users."""
    layers = {f"tfx.nn.{path.stem}" for path in (ROOT / "tfx" / "nn").glob("*.py") if module in imports(path)}
    found = (path for folder in ("ops", "efficient", "nn") for path in sorted((TESTS / folder).rglob("test_*.py")))
    wanted = [path for path in found if imports(path) & {module, *layers}]
    wanted += [path for user in sorted(users(module)) for path in own_tests(user)]
    wanted += BY_NAME if module.startswith("tfx.efficient.") else []
    return [path for path in dict.fromkeys(wanted) if path not in own_tests(module)]


@functools.cache
def peers_cases() -> dict[Any, list[Any]]:
    """Every recorded case, by the key of its adapter; none where the files are left out."""
    found: dict[Any, list[Any]] = {}
    for path in sorted(FIXTURES.glob("onnx-*.npz")):
        for case in run_onnx_suite.from_frozen(path):
            found.setdefault(case.op, []).append(case)
    for path in sorted(FIXTURES.glob("torch-[0-9]*.npz")):
        for case in run_torch_fixtures.load(path):
            found.setdefault((case["kind"], case["name"]), []).append(case)
    return found


def adapters_of(module: str) -> Iterator[tuple[Any, Callable[..., Any]]]:
    for ops in (onnx_ops.OPS, torch_ops.OPS):
        for key, adapter in ops.items():
            source = sys.modules[adapter.__module__].__file__ if hasattr(adapter, "__module__") else None
            if source and imports(Path(source)) & {module, *users(module)}:
                yield key, adapter


def warm_up(modules: list[str]) -> None:
    """Imports everything, so that a forked child only has to run.

    Hypothesis keeps no examples: one on which an earlier mutant failed would help with the next, here and nowhere else.
    Nor does it look for the simplest one: that a test fails is all there is to know.
    """
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutation", database=None, phases=phases)
    hypothesis.settings.load_profile("mutation")
    peers_cases()
    wanted = [path for module in modules for path in (*own_tests(module), *other_tests(module))]
    for path in dict.fromkeys([*wanted, *EVERY_OP]):
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _own_gradients(module: str) -> bool:
    return any(map(_case_fails, cases_of(frozenset({module}))))


def _own_tests(module: str) -> bool:
    return _pytest_fails(own_tests(module))


def _every_op(module: str) -> bool:
    """The strict device too.  A module without a case of its own is tried through those of its users."""
    ops = sorted({case.op for case in cases_of(frozenset({module})) or cases_of(users(module))})
    return bool(ops) and _pytest_fails(EVERY_OP, "-k", " or ".join(ops))


def _gradients_of_users(module: str) -> bool:
    return any(map(_case_fails, cases_of(users(module))))


def _peers(module: str) -> bool:
    pairs = ((case, adapter) for key, adapter in adapters_of(module) for case in peers_cases().get(key, []))
    return any(_peer_differs(case, adapter) for case, adapter in pairs)


def _other_tests(module: str) -> bool:
    return _pytest_fails(other_tests(module))


#: What notices -> does it?  The quickest first.
STAGES: dict[str, Callable[[str], bool]] = {
    "gradient checks": _own_gradients,
    "its own tests": _own_tests,
    "what holds for every operation": _every_op,
    "gradient checks of its users": _gradients_of_users,
    "peers' cases": _peers,
    "other tests that import it": _other_tests,
}


def _case_fails(case: Case) -> bool:
    try:
        return not run_case(case, elements=1).passes
    except Exception:
        return True


def _pytest_fails(paths: list[Path], *more: str) -> bool:
    if not paths:
        return False
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0", f"--rootdir={ROOT}"]
    quiet += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # the warm process imported the plugins before
    ended = pytest.main([*quiet, *map(str, paths), *more])
    return ended not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


def _peer_differs(case: Any, adapter: Callable[..., Any]) -> bool:
    try:
        runner = run_torch_fixtures if isinstance(case, dict) else run_onnx_suite
        runner.check(case, adapter)  # type: ignore[attr-defined]
    except Exception as error:
        return type(error).__name__ != "Skip"
    return False


def try_out(mutant: Mutant, limit: int = LIMIT) -> str:
    """What notices the mutant, or "" when it survives.

    A stage that fails without any mutant (somebody's test is broken just now) proves nothing and is passed over.
    """
    module = module_of(mutant)
    passed_over: list[str] = []
    while True:
        stages = [name for name in STAGES if name not in passed_over]
        words = _in_a_child(functools.partial(_first_to_fail, module, stages, mutant), limit)
        if words not in STAGES or not fails_by_itself(module, words):
            return words
        passed_over.append(words)


@functools.cache
def fails_by_itself(module: str, stage: str) -> bool:
    """True when this stage fails with nothing planted."""
    return bool(_in_a_child(functools.partial(_first_to_fail, module, [stage], None), 10 * LIMIT))


def _first_to_fail(module: str, stages: list[str], mutant: Mutant | None) -> str:
    if mutant is not None:
        plant(mutant)
    return next((name for name in stages if STAGES[name](module)), "")


def _in_a_child(answer: Callable[[], str], limit: int) -> str:
    """answer(), computed in a forked process; an error, a crash or too long a time is an answer too."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _silence()
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        try:
            words = answer()
        except BaseException as error:  # the mutant broke the import, or left through sys.exit
            words = f"{type(error).__name__}: {error}"
        os.write(writing, words.encode()[:500])
        os._exit(0)
    os.close(writing)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with os.fdopen(reading, "rb") as pipe:
        words = pipe.read().decode(errors="replace")
    if ended in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"took more than {limit} s"
    return words if ended == 0 else f"ended with status {ended}"


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
