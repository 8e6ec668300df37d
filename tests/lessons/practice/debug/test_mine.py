"""What is planted in a learner's own file: each change is what its name says, and changes nothing else."""

from __future__ import annotations

import ast
import difflib

import pytest

from lessons.practice.debug.mine import WRONG, Planted, drawn, from_history, plant, solution_file
from lessons.practice.debug.program import FAMILIES
from lessons.practice.debug.rewrites import NAMES, rewrites
from lessons.practice.exercise import exercises, find_exercise
from lessons.practice.judging import judge_file


@pytest.mark.parametrize(
    ("right", "name", "wrong"),
    [
        ("x.sum(axis=-1)", "other-axis", "x.sum(axis=-2)"),
        ("q @ k.T", "not-turned", "q @ k"),
        ("q @ k.swapaxes(1, 2)", "not-turned", "q @ k"),
        ("np.swapaxes(k, 1, 2) / 3", "not-turned", "k / 3"),
        ("q @ k / np.sqrt(d)", "divisor-dropped", "q @ k"),
        ("2 * (a + b) / n", "divisor-dropped", "2 * (a + b)"),
        ("(a + b) / n * c", "divisor-dropped", "(a + b) * c"),
        ("s / np.sqrt(d)", "root-dropped", "s / d"),
        ("s / d**0.5", "root-dropped", "s / d"),
        ("np.mean(x)", "mean-for-sum", "np.sum(x)"),
        ("i < j", "edge-moved", "i <= j"),
        ("np.tril(m)", "diagonal-moved", "np.tril(m, k=1)"),
        ("np.triu(m, 1)", "diagonal-moved", "np.triu(m, k=0)"),
        ("np.where(m, s, -np.inf)", "blocked-by-nought", "np.where(m, s, 0.0)"),
        ("s * ~m", "mask-turned", "s * m"),
        ("a & b", "or-for-and", "a | b"),
        ("np.exp(x - top)", "not-subtracted", "np.exp(x)"),
        ("np.exp(x - top)", "sign", "np.exp(x + top)"),
        ("2 * (x - top)", "sign", "2 * (x + top)"),
        ("v + 1e-5", "epsilon", "v + 0.01"),
        ("t[:, 1:]", "other-end", "t[:, :-1]"),
        ("x[..., 0::2]", "other-end", "x[..., 1::2]"),
        ("np.arange(n)", "counted-from-one", "np.arange(1, n + 1)"),
        ("(x - m) ** 2", "two-for-one", "x - m"),
        ("k + 1", "one-short", "k"),
        ("s**-0.5", "power-turned", "s ** 0.5"),
        ("min(a, b)", "min-for-max", "max(a, b)"),
        ("np.maximum(a, 0)", "min-for-max", "np.minimum(a, 0)"),
        ("beta1 * m", "other-of-two", "beta2 * m"),
        ("np.concatenate([old, new], axis=1)", "new-in-front", "np.concatenate([new, old], axis=1)"),
        ("np.argsort(-p)", "other-order", "np.argsort(p)"),
        ("sorted(p, reverse=True)", "other-order", "sorted(p, reverse=False)"),
    ],
)
def test_a_rewrite_does_what_its_name_says(right, name, wrong):
    made = [one.source for one in rewrites(f"y = 1\nz = {right}  # said\n") if one.name == name]
    assert f"y = 1\nz = {wrong}  # said\n" in made, made


def test_every_rewrite_is_tried_and_has_a_family():
    (tried,) = [mark.args[1] for mark in test_a_rewrite_does_what_its_name_says.pytestmark]
    assert {name for _, name, _ in tried} == NAMES.keys()
    assert {family for family, _ in NAMES.values()} == FAMILIES.keys()


def test_what_python_cannot_read_has_no_rewrite():
    assert rewrites("def f(:\n") == [] and rewrites("x\0") == []


def test_every_rewrite_of_a_file_changes_one_line_and_the_same_seed_draws_the_same():
    exercise = find_exercise("adam")
    source = solution_file(exercise)
    found = rewrites(source)
    for one in found:
        ast.parse(one.source)
        changed = [line for line in difflib.ndiff(source.splitlines(), one.source.splitlines()) if line[0] == "-"]
        assert changed == [f"- {source.splitlines()[one.line - 1]}"], one
    assert drawn(exercise, source, 7) == drawn(exercise, source, 7) != drawn(exercise, source, 8)
    assert sorted(drawn(exercise, source, 7)) == sorted(found)
    assert {one.family for one in drawn(exercise, source, 7, "optimiser")} == {"optimiser"}


def test_what_the_history_keeps_of_it_is_read_again():
    planted = Planted("root-dropped", 12, "softmax", "", True)
    assert planted.kept == "scale/root-dropped@12@softmax"
    assert from_history(planted.kept) == ("scale", "root-dropped", 12, "softmax")
    assert from_history("softmax/not-divided") is None and from_history("") is None


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(exercises()))
def test_a_bug_is_planted_in_every_exercise_and_is_gone_with_its_line(name, tmp_path):
    exercise, path = find_exercise(name), tmp_path / "own.py"
    source = solution_file(exercise)
    assert judge_file(exercise, path, source).passed
    planted = plant(exercise, path, source, 5)
    assert planted is not None and planted.own
    verdict = judge_file(exercise, path, planted.source)
    assert verdict.kind in WRONG
    lines = planted.source.splitlines()
    assert lines[planted.line - 2] != source.splitlines()[planted.line - 2]
    lines[planted.line - 2] = source.splitlines()[planted.line - 2]
    assert "\n".join(lines) == source.rstrip("\n")
