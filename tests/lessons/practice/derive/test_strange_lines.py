"""Lines that nobody wrote: right ones changed at random.  What is said of them is so on drawings that the judge has
never seen, of other sizes."""

from __future__ import annotations

from functools import cache

import numpy as np

from lessons.practice.derive.derivation import Derivation, Drawing, derivations
from lessons.practice.derive.formula import read_line
from lessons.practice.derive.judging import Attempt, alike
from lessons.practice.derive.tokens import CannotRead, tokens_of
from lessons.practice.derive.tree import Binary, Call, Name, Negative, Number, Transposed, Tree
from lessons.practice.derive.working_out import Misfit, Scope, work_out

SIZES = ((6, 10, 14, 15, 17), (10, 6, 15, 17, 14))
SIGNS = ("+", "-", "*", "/", "@", "^")
NUMBERS = ("0", "1", "2", "0.5", "1/2", "-1")
CALLS = ("sum", "mean", "sqrt", "exp", "log", "tanh", "sigmoid", "softmax", "max", "abs")


@cache
def unseen(derivation: Derivation) -> tuple[Drawing, ...]:
    return tuple(derivation._drawing(90 + number, sizes) for number, sizes in enumerate(SIZES))


def worth(derivation: Derivation, line: str) -> list[np.ndarray | None]:
    """What a line gives on drawings that were never judged; None where it does not fit."""
    found: list[np.ndarray | None] = []
    for drawing in unseen(derivation):
        scope = Scope(drawing.sizes, {**drawing.given, **drawing.truth}, derivation.words, derivation.also)
        try:
            found.append(work_out(read_line(line).formula, scope))
        except (Misfit, CannotRead):
            found.append(None)
    return found


def right_lines(derivation: Derivation) -> list[str]:
    """Lines that hold by themselves, with all true derivatives at hand."""
    lines = [shown.line for shown in derivation.shown] + [lines[0] for lines in derivation.equals if len(lines) == 1]
    return [line for line in lines if Attempt.knowing(derivation).judge(line).kind == "holds"]


def changed(rng: np.random.Generator, line: str, names: list[str]) -> str:
    """One or two of its names, numbers and signs are others, missing, or there twice."""
    name, _, formula = line.partition(" = ")
    parts = [token.text for token in tokens_of(formula)]
    for _ in range(rng.integers(1, 3)):
        at = int(rng.integers(len(parts)))
        kind = parts[at]
        pool = SIGNS if kind in SIGNS else CALLS if kind in CALLS else (*names, *NUMBERS)
        what = rng.integers(10)
        if what < 6:
            parts[at] = str(rng.choice(pool))
        elif what < 7:
            parts[at : at + 1] = []
        elif what < 8:
            parts[at : at + 1] = [kind, str(rng.choice(SIGNS)), str(rng.choice((*names, *NUMBERS)))]
        elif what < 9:
            parts[at : at + 1] = ["(", str(rng.choice((*names, *NUMBERS))), str(rng.choice(SIGNS)), kind, ")"]
        else:
            parts.insert(at, "-")
        parts = parts or ["1"]
    return f"{name} = {' '.join(parts)}".replace(" . T", ".T")


def test_what_is_said_of_a_strange_line_is_so_on_drawings_that_were_never_judged():
    rng = np.random.default_rng(5)
    counts = dict.fromkeys(("holds", "wrong", "named", "shapes", "unreadable", "not finite"), 0)
    for derivation in derivations().values():
        names = [*(one.name for one in derivation.given), *(one.name for one in derivation.targets), *derivation.axes]
        lines = right_lines(derivation)
        assert lines
        for _ in range(40):
            line = changed(rng, str(rng.choice(lines)), names)
            target = line.partition(" = ")[0]
            verdict = Attempt.knowing(derivation, but=target).judge(line)
            if verdict.name == target and f" {target} " in f" {line.partition(' = ')[2]} ":
                assert verdict.kind in ("unreadable", "shapes"), line
                continue
            counts["named" if verdict.slip else verdict.kind] += 1
            truths = [drawing.truth[verdict.name] for drawing in unseen(derivation)]
            values = worth(derivation, line)
            same = all(v is not None and alike(v, t, t) for v, t in zip(values, truths, strict=True))
            assert same == (verdict.kind == "holds"), line
            if verdict.slip and verdict.kind == "wrong":
                slips = worth(derivation, verdict.slip.line)
                pairs = zip(values, slips, truths, strict=True)
                assert all(v is not None and s is not None and alike(v, s, t) for v, s, t in pairs), line
    assert counts["wrong"] > 100 and min(counts.values()) > 0, counts


def text_of(tree: Tree) -> str:
    """A formula with all its brackets."""
    match tree:
        case Number():
            return repr(tree.value)
        case Name():
            return tree.name
        case Negative():
            return f"(-{text_of(tree.of)})"
        case Transposed():
            return f"({text_of(tree.of)}).T"
        case Binary():
            return f"({text_of(tree.left)} {tree.sign} {text_of(tree.right)})"
        case Call():
            axes = "".join(f", {axis}" for axis in tree.axes)
            return f"{tree.function}({', '.join(map(text_of, tree.arguments))}{axes})"


def otherwise(rng: np.random.Generator, tree: Tree) -> str:
    """The same value, written in another way: at each place one of a few identities, or none."""
    match tree:
        case Binary():
            a, b = otherwise(rng, tree.left), otherwise(rng, tree.right)
            ways = {
                "+": (f"({b} + {a})", f"({a} - (-{b}))", f"(-(-{a} - {b}))", f"(2*{a} + {b} - {a})"),
                "-": (f"({a} + -{b})", f"(-({b} - {a}))", f"({a} - 3*{b} + 2*{b})"),
                "*": (f"({b}*{a})", f"(-({a}*-{b}))", f"(({a} + {a})*{b}/2)"),
                "/": (f"({a}*{b}^-1)", f"({a}*(1/{b}))", f"((1/{b})*{a})", f"(-{a}/-{b})"),
                "@": (f"({a} @ ({b}*3)/3)", f"(-{a} @ -{b})", f"(2*({a} @ ({b}/2)))"),
                "^": (f"({a}**{b})", f"(({a}*2)^{b}/2^{b})"),
            }[tree.sign]  # fmt: skip
            return str(rng.choice([f"({a} {tree.sign} {b})", *ways]))
        case Negative():
            a = otherwise(rng, tree.of)
            return str(rng.choice([f"(-{a})", f"(0 - {a})", f"({a}*-1)"]))
        case Transposed():
            a = otherwise(rng, tree.of)
            return str(rng.choice([f"({a}).T", f"({a})^T", f"(-(-{a}).T)"]))
        case Call() if tree.function in ("sum", "mean") and not tree.axes:
            a = otherwise(rng, tree.arguments[0])
            ways = (f"{tree.function}({a}, axis=-1)", f"({a}).{tree.function}(-1, keepdims=True)")
            return str(rng.choice([f"{tree.function}({a})", *ways, f"(-{tree.function}(-{a}))"]))
        case _:
            return text_of(tree)


def short(line: str) -> bool:
    """Within the limits of the grammar."""
    try:
        read_line(line)
    except CannotRead as problem:
        if "at most" in problem.message:
            return False
        raise
    return True


def test_a_right_line_that_is_written_in_another_way_holds():
    rng, count = np.random.default_rng(8), 0
    for derivation in derivations().values():
        for line in right_lines(derivation):
            read = read_line(line)
            for _ in range(4):
                other = f"{read.name} = {otherwise(rng, read.formula)}"
                if not short(other):
                    continue
                verdict = Attempt.knowing(derivation).judge(other)
                assert verdict.kind == "holds", (other, verdict)
                count += verdict.kind == "holds"
    assert count > 300, count


def test_a_slip_that_is_written_in_another_way_is_that_slip():
    rng, count = np.random.default_rng(9), 0
    for derivation in derivations().values():
        for slip in derivation.slips:
            other = f"{slip.target} = {otherwise(rng, slip.read.formula)}"
            if not short(other):
                continue
            verdict = Attempt.knowing(derivation, but=slip.target).judge(other)
            if verdict.kind == "shapes" and not verdict.slip:  # it stops at another operation, or on other arrays
                continue
            assert verdict.slip is slip, (other, verdict)
            count += verdict.slip is slip
    assert count > 250, count
