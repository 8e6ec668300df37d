"""The mutation run itself: its mistakes are the ones meant, they are planted everywhere, and noticing works."""

from __future__ import annotations

import os
import textwrap

import numpy as np
import pytest

from tests.mutation import mutants as mutants_module
from tests.mutation.__main__ import ENOUGH, chosen, main
from tests.mutation.equivalent import equivalents
from tests.mutation.mutants import Mutant, files, mutants_of
from tests.mutation.planting import plant

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="each mutant runs in a forked process")


@pytest.fixture
def mutations(tmp_path, monkeypatch):
    """source -> {`before -> after`} of all its mutants."""
    monkeypatch.setattr(mutants_module, "ROOT", tmp_path)

    def of(source):
        path = tmp_path / "op.py"
        path.write_text(textwrap.dedent(source), encoding="utf-8")
        return {mutant.mutation for mutant in mutants_of(path)}

    return of


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("return a + b", {"a + b -> a - b", "a + b -> a", "a + b -> b"}),
        ("return a - b", {"a - b -> a + b", "a - b -> a", "a - b -> -b"}),
        ("return a * b", {"a * b -> a / b", "a * b -> a", "a * b -> b"}),
        ("return a / b", {"a / b -> a * b", "a / b -> a"}),
        ("return a @ b.T", {"a @ b.T -> b.T @ a", "b.T -> b"}),
        ("return a.swapaxes(p, q)", {"a.swapaxes(p, q) -> a"}),
        ("return a.sum(axis=-1)", {"-1 -> -2"}),
        ("return a.sum(axis=0)", {"0 -> 1"}),
        ("return a.reshape(-1, n)", set()),
        ("return 0.5", {"0.5 -> 1.0"}),
        ("return 3.5", {"3.5 -> 7.0"}),
        ("return -a", {"-a -> a"}),
        ("return a < b", {"a < b -> a <= b"}),
        ("return a == b", {"a == b -> a != b"}),
        ("a[p] = b", {"a[p] = b -> pass"}),
        ("a += b", {"a += b -> pass", "a += b -> a -= b"}),
        ("xp.add.at(a, p, b)", {"xp.add.at(a, p, b) -> pass"}),
        ("return da, db", {"da, db -> db, da"}),
        ("return XGrads(da, db)", {"XGrads(da, db) -> XGrads(db, da)"}),
        ("return XGrads(da=p, db=q)", {"XGrads(da=p, db=q) -> XGrads(da=q, db=p)"}),
        ('raise ValueError(f"{a - b}")', set()),
        ('"""Text with 1 + 1."""', set()),
    ],
)
def test_each_kind_of_mistake_is_made(mutations, line, expected):
    assert mutations(f"def op_backward(a, b):\n    {line}\n") == expected


def test_a_mutant_changes_one_place_and_keeps_the_rest(tmp_path, monkeypatch):
    monkeypatch.setattr(mutants_module, "ROOT", tmp_path)
    source = "# two points: ..\ndef f(a, b):\n    # a comment\n    return (a\n            + b)  # kept\n"
    (tmp_path / "op.py").write_text(source, encoding="utf-8")
    first = next(mutants_of(tmp_path / "op.py"))
    assert first.source == source.replace("a\n            + b", "(a - b)")
    assert "-    return (a\n" in first.diff() and first.number == 4


def test_every_file_of_the_operations_gives_mutants_that_compile():
    found = [mutant for path in files() for mutant in mutants_of(path)]
    assert len(found) > 1000
    for mutant in found[::20]:
        compile(mutant.source, mutant.file, "exec")


def test_the_sample_depends_on_the_seed_alone():
    one, again, other = (chosen(["softmax", "rnn"], 5, seed) for seed in (1, 1, 2))
    assert one == again != other and len(one) == 5


def test_an_unknown_file_is_an_error():
    with pytest.raises(ValueError, match="there is no tfx/ops/sofmax"):
        files(["sofmax"])


def test_equivalent_mutants_are_still_there_and_have_reasons():
    """An entry whose line was rewritten is of no use any more."""
    there = {
        (mutant.file, mutant.line, mutant.mutation)
        for name in {entry.file for entry in equivalents()}
        for mutant in mutants_of(mutants_module.ROOT / name)
    }
    assert [entry for entry in equivalents() if (entry.file, entry.line, entry.mutation) not in there] == []
    assert all(len(entry.reason.split()) >= 5 for entry in equivalents())
    assert len({entry[:3] for entry in equivalents()}) == len(equivalents())


def in_a_child(question) -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0 if question() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def mutant_of(name: str, mutation: str) -> Mutant:
    return next(mutant for mutant in mutants_of(files([name])[0]) if mutant.mutation == mutation)


@needs_fork
def test_a_planted_mutant_is_seen_by_those_who_imported_the_function_before():
    from tfx.ops.softmax import softmax_backward, softmax_forward

    mutant = mutant_of("softmax", "dy - inner -> dy + inner")
    x = np.random.default_rng(0).standard_normal((2, 3))
    y, cache = softmax_forward(x)

    def differs():
        plant(mutant)
        return not np.allclose(softmax_backward(x, cache), y * (x - (x * y).sum(axis=-1, keepdims=True)))

    assert in_a_child(differs)
    assert np.allclose(softmax_backward(x, cache), y * (x - (x * y).sum(axis=-1, keepdims=True)))


@needs_fork
def test_constants_of_a_module_are_planted_too():
    import tfx.ops.softmax as softmax

    path = files(["softmax"])[0]
    source = path.read_text(encoding="utf-8") + "\nANSWER = 41\n"

    def seen():
        softmax.ANSWER = 42
        plant(Mutant(path, 1, "", "42", "41", source))
        return softmax.ANSWER == 41

    assert in_a_child(seen)


@pytest.mark.slow
@needs_fork
def test_a_mistake_is_noticed_and_a_harmless_change_is_not():
    from tests.mutation.noticing import try_out, warm_up

    warm_up(["tfx.ops.softmax"])
    assert try_out(mutant_of("softmax", "dy - inner -> dy + inner")) == "gradient checks"
    path = files(["softmax"])[0]
    harmless = path.read_text(encoding="utf-8").replace("return y * (dy - inner)", "return (dy - inner) * y")
    assert not try_out(Mutant(path, 1, "", "y * (dy - inner)", "(dy - inner) * y", harmless))


@pytest.mark.slow
@needs_fork
def test_a_sample_of_mistakes_is_caught(capsys):
    assert main(["--sample", "150", "--seed", "0"]) == 0, capsys.readouterr().out
    assert ENOUGH == 0.95
