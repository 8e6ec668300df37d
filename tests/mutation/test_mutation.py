"""The mutation run itself: its mistakes are the ones meant, they are planted everywhere, and noticing works."""

from __future__ import annotations

import math
import os
import sys
import textwrap

import numpy as np
import pytest

from tests.mutation import mutants as mutants_module
from tests.mutation.__main__ import ENOUGH, chosen, main
from tests.mutation.anywhere import mutants_anywhere
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
    with pytest.raises(ValueError, match=r"there is no sofmax.py in tfx/ops or tfx/efficient"):
        files(["sofmax"])
    with pytest.raises(ValueError, match=r"there is no softmax.py in tfx/efficient"):
        files(["softmax"], "efficient")


def test_files_are_found_in_every_room_by_a_name_that_no_other_has():
    in_ops, in_efficient = files(room="ops"), files(room="efficient")
    assert files() == [*in_ops, *in_efficient]
    assert {path.parent.parent.name for path in in_ops} == {"ops"} and len(in_ops) > 50
    assert {path.parent.name for path in in_efficient} == {"efficient"} and len(in_efficient) > 15
    assert [path.parent.name for path in files(["longformer", "softmax"])] == ["efficient", "basics"]
    assert {mutant.path for mutant in chosen(None, 40, 1, "efficient")} <= set(in_efficient)


@needs_fork
def test_what_matters_for_a_file_of_efficient_is_tried_on_it():
    from tests.mutation import noticing

    module = "tfx.efficient.longformer"
    assert {case.op for case in noticing.cases_of(frozenset({module}))} == {"longformer_attention"}
    assert noticing.users(module) == {"tfx.efficient.sparse_transformer"}
    assert noticing.own_tests(module) == [noticing.TESTS / "efficient" / "test_longformer.py"]
    others = {path.relative_to(noticing.TESTS).as_posix() for path in noticing.other_tests(module)}
    assert {"nn/test_longformer.py", "efficient/test_sparse_transformer.py"} <= others
    assert "efficient/test_longformer.py" not in others


def planter_of(file):
    return mutants_of if file.startswith(("tfx/ops/", "tfx/efficient/")) else mutants_anywhere


def test_equivalent_mutants_are_still_there_and_have_reasons():
    """An entry whose line was rewritten is of no use any more."""
    there = {
        (mutant.file, mutant.line, mutant.mutation)
        for name in {entry.file for entry in equivalents()}
        for mutant in planter_of(name)(mutants_module.ROOT / name)
    }
    assert [entry for entry in equivalents() if (entry.file, entry.line, entry.mutation) not in there] == []
    assert all(len(entry.reason.split()) >= 5 for entry in equivalents())
    assert len({entry[:3] for entry in equivalents()}) == len(equivalents())


def in_a_child(question) -> bool:
    child = os.fork()
    if child == 0:
        os._exit(0 if question() else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def mutant_of(name: str, mutation: str, line: str = "") -> Mutant:
    found = mutants_of(files([name])[0])
    return next(mutant for mutant in found if mutant.mutation == mutation and line in mutant.line)


@needs_fork
def test_a_planted_mutant_is_seen_by_those_who_imported_the_function_before():
    from tfx.efficient.feature_maps import elu_plus_one_backward, elu_plus_one_forward

    mutant = mutant_of("feature_maps", "dy * cache.slope -> dy")
    dy = np.random.default_rng(0).standard_normal((2, 3))
    y, cache = elu_plus_one_forward(-np.ones((2, 3)))

    def differs():
        plant(mutant)
        return np.array_equal(elu_plus_one_backward(dy, cache), dy)

    assert in_a_child(differs)
    assert np.array_equal(elu_plus_one_backward(dy, cache), dy * y)


@needs_fork
@pytest.mark.parametrize(
    ("name", "function", "mutation", "line"),
    [
        ("tiles", "spans", "start + block -> start", ""),
        ("key_mask", "blocked_to_zero", "0 -> 1", "xp_of(x).where"),
        ("causal_product", "causal_product_forward", "y + q_rows @ state -> y - q_rows @ state", ""),
        ("gathered_heads", "gathered_heads_backward", "dq, dk, dv -> dk, dq, dv", ""),
        ("gathered_attention", "gathered_attention_backward", "dq, dk, dv -> dk, dq, dv", ""),
    ],
)
def test_what_efficient_methods_share_is_planted_in_each_that_holds_it(name, function, mutation, line):
    from tests.mutation.noticing import cases_of
    from tests.ops.test_every_op import problem_of, run

    mutant = mutant_of(name, mutation, line)
    own = f"tfx.efficient.{name}"
    holders = [other for other, module in sys.modules.items() if other.startswith("tfx.efficient.") and other != own]
    holders = [other for other in holders if hasattr(sys.modules[other], function)]
    if function == "blocked_to_zero":  # these read no blocked key afterwards, and any finite number does
        holders = [holder for holder in holders if not holder.endswith(("nystrom_attention", "lsh_attention"))]
    each = [[problem_of(case) for case in cases_of(frozenset({holder}))] for holder in holders]

    def results(given):
        try:
            y, _, grads = run(*given)
        except Exception:
            return []
        return [y, *grads]

    def seen_by_each():
        want = [[results(given) for given in cases] for cases in each]
        plant(mutant)
        have = [[results(given) for given in cases] for cases in each]
        return all(any(map(differ, *pair)) for pair in zip(want, have, strict=True))

    def differ(want, have):
        return len(want) != len(have) or not all(map(np.array_equal, want, have))

    assert holders and all(each)
    assert in_a_child(seen_by_each)


@needs_fork
def test_tables_that_were_kept_are_made_again_with_the_mutant():
    from tfx.efficient.longformer import longformer_table
    from tfx.efficient.sparse_transformer import sparse_transformer_table

    mutant = mutant_of("longformer", "abs(ahead) <= w * dilation -> abs(ahead) < w * dilation")
    before = sparse_transformer_table(9, 9, 2, "strided", "local").mask(9)

    def differs():
        plant(mutant)
        after = sparse_transformer_table(9, 9, 2, "strided", "local").mask(9)
        return not np.array_equal(before, after) and not np.array_equal(before, longformer_table(9, 9, 2).mask(9))

    assert in_a_child(differs)


@needs_fork
def test_constants_of_a_module_are_planted_too():
    import tfx.ops.basics.softmax as softmax

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

    warm_up(["tfx.efficient.feature_maps"])
    assert try_out(mutant_of("feature_maps", "dy * cache.slope -> dy")) == "gradient checks"
    path = files(["feature_maps"])[0]
    harmless = path.read_text(encoding="utf-8").replace("dy * cache.slope", "cache.slope * dy")
    assert not try_out(Mutant(path, 1, "", "dy * cache.slope", "cache.slope * dy", harmless))


@needs_fork
def test_what_computes_without_end_is_stopped_and_an_error_is_told():
    from tests.mutation.noticing import _in_a_child

    def for_ever():
        while True:
            math.sqrt(2)

    def broken():
        raise RuntimeError("no such axis")

    assert _in_a_child(for_ever, 1) == "took more than 1 s"
    assert _in_a_child(broken, 1) == "RuntimeError: no such axis"
    assert _in_a_child(lambda: "seen", 1) == "seen"


@pytest.mark.slow
@needs_fork
def test_a_sample_of_mistakes_is_caught(capsys):
    assert main(["--sample", "150", "--seed", "0"]) == 0, capsys.readouterr().out
    assert ENOUGH == 0.95
