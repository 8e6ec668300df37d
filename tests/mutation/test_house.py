"""The run over the rest of the house: the mistakes that are meant, the tests that are asked, and what a reader sees."""

from __future__ import annotations

import os
import textwrap
from contextlib import nullcontext

import pytest

from lessons.course import topics
from tests.mutation import house
from tests.mutation import mutants as mutants_module
from tests.mutation.anywhere import mutants_anywhere
from tests.mutation.copies import TOO_LONG, Found, asked, first_failing, warm_up, written
from tests.mutation.held import checks_in
from tests.mutation.house import run_rooms, sample_of
from tests.mutation.mutants import ROOT
from tests.mutation.reach import users_of
from tests.mutation.rooms import ROOMS, files_of, likeliest_tests
from tests.mutation.visible import BETWEEN, Seen, commands_for, outputs
from tfx.lab import experiments

SCALING = ROOT / "tfx" / "lab" / "attention" / "scaling.py"

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="each mutant runs in a forked process")


@pytest.fixture
def mutations(tmp_path, monkeypatch):
    """source -> [`before -> after`] of all its mutants."""
    monkeypatch.setattr(mutants_module, "ROOT", tmp_path)

    def of(source):
        path = tmp_path / "page.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return {mutant.mutation for mutant in mutants_anywhere(path)}

    return of


@pytest.mark.parametrize(
    ("line", "some"),
    [
        ("x = a + b", {"a + b -> a - b", "a + b -> a", "a + b -> b"}),
        ("x = a < b", {"a < b -> a <= b", "a < b -> a > b"}),
        ("x = not a", {"not a -> a"}),
        ("x = a and b", {"a and b -> a or b", "a and b -> a"}),
        ("x = a if c else b", {"a if c else b -> b if c else a"}),
        ("x = max(a, b)", {"max(a, b) -> min(a, b)"}),
        ("x = f(a, b)", {"f(a, b) -> f(b, a)"}),
        ("x = f(a, k=b)", {"f(a, k=b) -> f(a)"}),
        ("x = y.argmax()", {"y.argmax() -> y.argmin()"}),
        ("x = [a for a in b if c]", {"[a for a in b if c] -> [a for a in b]"}),
        ("x = True", {"True -> False"}),
        ("x = 7", {"7 -> 8", "7 -> 6"}),
        ("yield a", {"yield a -> pass"}),
        ("f(a)", {"f(a) -> pass"}),
        ("raise E", {"raise E -> pass"}),
        ('x = "it does not hold"', {"\"it does not hold\" -> 'it does hold'"}),
        ('x = f"{a} of {b}"', {"f\"{a} of {b}\" -> f'{b} of {a}'"}),
        ('x = f"{a:.2f} s"', {"f\"{a:.2f} s\" -> f'{a:.3f} s'"}),
        ('x = f"{a + b} s"', {"f\"{a + b} s\" -> f'{a - b} s'"}),
    ],
)
def test_each_kind_of_mistake_is_made(mutations, line, some):
    assert some <= mutations(f"def page(a, b, c):\n    {line}\n")


@pytest.mark.parametrize("line", ['"""Text with 1 + 1."""', "import a", "from a import b as c", "x: Annotated[int, 3]"])
def test_what_no_reader_sees_is_left_alone(mutations, line):
    assert not mutations(f"def page():\n    {line}\n")


@pytest.mark.slow
def test_every_room_has_files_whose_mutants_compile_and_tests_that_are_there():
    for room in ROOMS:
        files = list(files_of([room]))
        assert files, room
        _, path = files[len(files) // 2]
        for mutant in list(mutants_anywhere(path))[::10]:
            compile(mutant.source, mutant.file, "exec")
        found = likeliest_tests(room, path)
        tests = [*found.first, *found.rest]
        assert len(set(tests)) == len(tests) > 3
        assert any(test.startswith("tests/screens/test_screens.py") for test in found.first)
        files = [test.partition("::")[0] for test in (tests[: tests.index("-k")] if "-k" in tests else tests)]
        assert all((ROOT / file).is_file() for file in files)


@pytest.mark.slow
def test_the_likeliest_tests_are_asked_first():
    softmax = ROOT / "lessons" / "attention" / "softmax" / "lesson.py"
    *own, file = likeliest_tests("lessons", softmax).first[:6]
    assert [name.partition("[")[2] for name in own] == [
        "topic-softmax-attention]",
        "screens-softmax-attention]",
        "sheet-softmax-attention]",
        "verdicts-softmax-attention]",
        "settings-softmax-attention]",
    ]
    assert file == "tests/lessons/test_softmax.py"
    *own, file = likeliest_tests("lab", SCALING).first[:4]
    assert [name.partition("[")[2] for name in own] == [
        "experiment-scaling]", "first-look-scaling]", "settings-of-scaling]",
    ]  # fmt: skip
    assert file == "tests/lab/attention/test_scaling.py"
    assert commands_for("lessons", softmax)[0] == "explain softmax-attention --seed 0"
    unnamed = likeliest_tests("learner", ROOT / "tfx_cli" / "learner" / "soundness.py").first
    assert "tests/cli/learner/test_damage.py" in unnamed[: unnamed.index("tests/screens/test_screens.py")]
    named = likeliest_tests("render", ROOT / "tfx_cli" / "render" / "tex.py").first
    assert named == ["tests/cli/render/test_tex.py", "tests/screens/test_screens.py"]


@pytest.mark.slow
def test_of_a_file_that_few_use_only_their_screens_and_commands_are_looked_at():
    assert users_of("lab", SCALING) == ((), ("scaling",))
    shared = users_of("lab", ROOT / "tfx" / "lab" / "frame.py")
    assert len(shared.experiments) == len(experiments()) and "notation" not in shared.topics
    relation = users_of("lab", ROOT / "tfx" / "lab" / "attention" / "directed_relation.py")
    assert {"attention-qkv"} <= set(relation.topics) and {"qk-symmetry"} <= set(relation.experiments)
    assert not {"notation", "rms-norm", "scaling", "masking"} & set(relation.words)
    assert len(users_of("render", ROOT / "tfx_cli" / "render" / "tex.py").topics) == len(topics())
    assert commands_for("lab", SCALING) == [
        "experiment scaling --quick", "experiment scaling --quick --json", "experiment scaling --quick --set help",
        "experiment",
    ]  # fmt: skip
    found = likeliest_tests("lab", SCALING)
    assert found.rest[-2:] == ["-k", "scaling"]
    shown = {name.partition("[")[2][:-1] for name in found.first if "[" in name}
    assert {"scaling-broken", "experiment-40", "experiments", "home"} <= shown
    assert not {"experiment-masking", "softmax-40", "own-sentence-80", "topic-number"} & shown


def test_a_run_that_was_cut_short_goes_on_behind_what_it_tried(capsys):
    run_rooms(["learner"], 9, 1, 1, None, only_list=True, after=4)
    assert capsys.readouterr().out == "     5  learner\n"


def test_the_sample_depends_on_the_seed_alone():
    one, again, other = (sample_of(["learner"], 5, seed) for seed in (1, 1, 2))
    assert one == again != other and len(one) == 5


def test_a_time_out_is_a_proof_only_where_the_tests_are_quicker_without_the_mistake(monkeypatch, tmp_path):
    asked_with = []

    def answers(mutant: list[Found], clean: Found) -> str:
        asked_with.clear()
        waiting = iter(mutant)

        def answer(copy, tests, skipped=(), limit=house.LIMIT, share=None):
            asked_with.append(limit)
            return clean if copy != tmp_path else next(waiting)

        monkeypatch.setattr(house, "first_failing", answer)
        monkeypatch.setattr(house, "copied", lambda: nullcontext(tmp_path / "clean"))
        return house.Worker(tmp_path).noticed_by(["tests/test_x.py"])

    late, fine = Found(f"{TOO_LONG} 240 s of computing", 1.0, 240.0), Found("", 1.0, 10.0)
    assert answers([late], fine) == late.words and asked_with == [240, 9600]
    slow = Found("", 1.0, 300.0)
    assert answers([late, fine], slow) == "" and asked_with == [240, 9600, 600]
    assert answers([late, Found("tests/test_x.py::test_y", 1.0)], slow._replace(words="")) == "tests/test_x.py::test_y"
    assert answers([late, late], slow) == late.words


def test_a_line_that_differs_from_run_to_run_is_no_effect_and_another_is():
    once, again = "a\n12 ms\nend", "a\n13 ms\nend"
    seen = Seen(["x", "y"], BETWEEN.join((once, "same")), BETWEEN.join((again, "same")))
    assert seen.first_difference(BETWEEN.join(("a\n99 ms\nend", "same"))) == ""
    assert seen.first_difference(BETWEEN.join(("b\n12 ms\nend", "same"))) == "x"
    assert seen.first_difference(BETWEEN.join((once, "other"))) == "y"
    assert seen.first_difference(once) == "the process ended after 1 commands"


def test_a_command_is_run_with_what_is_typed_and_its_exit_code_is_told():
    listed, wrong = outputs(["experiment --plain", "explain sofmax"])
    assert listed.startswith("scaling\t") and listed.endswith("\n0")
    assert 'Did you mean "softmax' in wrong and wrong.endswith("\n2")


def test_checks_are_found_however_deep():
    check = {"id": "a", "statement": "b", "holds": True}
    assert list(checks_in({"steps": [{"records": [check, {"id": "no check"}]}], "checks": [{**check, "id": "c"}]})) == [
        "a",
        "c",
    ]


@needs_fork
@pytest.mark.parametrize("share", [None, "quick-runs"])
def test_quick_runs_are_shared_only_where_no_experiment_runs_through_the_mistake(share, tmp_path, monkeypatch):
    monkeypatch.setenv("TFX_TESTS_SHARE", "of another run")
    monkeypatch.setattr("tests.mutation.copies.run_tests", lambda *tests: os.environ.get("TFX_TESTS_SHARE", "none"))
    kept = tmp_path / "quick-runs"
    kept.mkdir()
    (kept / "scaling.pickle").touch()
    (kept / "topic-gpt.pickle").touch()
    found = first_failing(tmp_path, [], share=tmp_path / share if share else None)
    assert found.words == (str(tmp_path / share) if share else "none")
    assert {path.name for path in kept.iterdir()} == {"scaling.pickle", *(() if share else ("topic-gpt.pickle",))}


@needs_fork
def test_a_mutant_is_seen_in_the_copy_alone(tmp_path):
    """A checkout of one package, to which the forked process turns."""
    mutants = list(mutants_anywhere(ROOT / "tfx" / "lab" / "scale" / "kaplan.py"))
    mutant = mutants[0]
    (tmp_path / mutant.file).parent.mkdir(parents=True)
    for package in ("tfx", "tfx/lab", "tfx/lab/scale"):
        (tmp_path / package / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / mutant.file).write_text(mutant.path.read_text(encoding="utf-8"), encoding="utf-8")

    def source_of_the_module():
        import importlib

        return open(importlib.import_module("tfx.lab.scale.kaplan").__file__, encoding="utf-8").read()

    warm_up()
    with written(tmp_path, mutant):
        assert asked(tmp_path, source_of_the_module).words == mutant.source
    assert asked(tmp_path, source_of_the_module).words == mutant.path.read_text(encoding="utf-8") != mutant.source
