"""What is wrong with a computed item, seen from 200 of its drawings."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import re
import string
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from lessons.grading import CASES, Asked, ask, grade, is_close, show_number, show_shape
from lessons.quiz import Item, NumberCase, ShapeCase, Wrong
from tests.quiz.linter.finding import Finding

SEEDS = 200
#: An item in which the answer is one number whatever is drawn, and why that is the point of asking.
ONE_ANSWER = {
    "attention-qkv/tied-loss": "that the loss of a tied head is log 2 on every circle is what the item teaches",
}

Value = float | tuple[int, ...]


def faults_of_drawings(item: Item, drawings: int = SEEDS) -> Iterator[Finding]:
    """All findings about a computed item, in its first `drawings`; nothing for the other kinds."""
    if item.kind not in CASES:
        return
    asked = [ask(item, seed) for seed in range(drawings)]
    yield from _mistakes(item, asked)
    yield from _never_named(item, asked)
    yield from _hidden_values(item, asked)
    yield from _one_answer(item, asked)
    yield from _said_twice(item, asked)


def _mistakes(item: Item, asked: Sequence[Asked]) -> Iterator[Finding]:
    """At most one finding for each pair of mistakes, with the number of drawings in which it holds."""
    near: Counter[str] = Counter()
    twins: Counter[tuple[str, str]] = Counter()
    example: dict[object, str] = {}
    for one in asked:
        case = _case(one)
        for wrong in case.wrong:
            if _alike(wrong.value, case.answer, case) or grade(one, _typed(wrong)).correct:
                near[wrong.misconception] += 1
                example.setdefault(wrong.misconception, one.prompt)
        for first, second in itertools.combinations(case.wrong, 2):
            if _alike(first.value, second.value, case):
                pair = (first.misconception, second.misconception)
                twins[pair] += 1
                example.setdefault(pair, one.prompt)
    redraw = "draw other numbers there (lessons/telling_apart.py does)"
    for name, times in near.items():
        says = f'the mistake "{name}" gives the right answer in {times} of {len(asked)} drawings, as in '
        yield Finding("mistake-is-right", f'{says}"{_short(example[name])}"; {redraw}', item)
    for pair, times in twins.items():
        says = (
            f'the mistakes "{pair[0]}" and "{pair[1]}" give the same number in {times} of {len(asked)} drawings, as in '
        )
        yield Finding("same-value", f'{says}"{_short(example[pair])}"; {redraw}', item)


def _never_named(item: Item, asked: Sequence[Asked]) -> Iterator[Finding]:
    """Mistakes that numbers.py names, and no reader ever hears of."""
    named = set()
    for one in asked:
        for wrong in _case(one).wrong:
            if grade(one, _typed(wrong)).misconception == wrong.misconception:
                named.add(wrong.misconception)
    for name in sorted(_written(item) - named):
        says = (
            f'the mistake "{name}" is named in none of {len(asked)} drawings; give it a value of its own or delete it'
        )
        yield Finding("never-named", says, item)


def _written(item: Item) -> set[str]:
    """The misconceptions that stand in calls of Wrong in the source of the item's function, and those drawn."""
    compute = getattr(importlib.import_module(item.package + ".numbers"), item.compute)
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(compute))))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Wrong"]
    names = [call.args[1] for call in calls if len(call.args) > 1]
    names += [word.value for call in calls for word in call.keywords if word.arg == "misconception"]
    return {name.value for name in names if isinstance(name, ast.Constant) and isinstance(name.value, str)}


def _hidden_values(item: Item, asked: Sequence[Asked]) -> Iterator[Finding]:
    answers: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        answers[one.prompt].append(one)
    for prompt, ones in answers.items():
        case = _case(ones[0])
        if not all(_alike(_case(one).answer, case.answer, case) for one in ones):
            says = f'the question "{_short(prompt)}" has another answer in another drawing, so that it hides a number; '
            yield Finding("hidden-value", says + "show every number that the answer needs", item)
            break
    parts = string.Formatter().parse
    shown = {field for text in (item.prompt, item.explain) for _, field, _, _ in parts(text) if field}
    for name in sorted({name for one in asked for name in _case(one).values} - shown):
        says = f'the value "{name}" of {item.compute} is in neither prompt nor explain; show it or do not draw it'
        yield Finding("unused-value", says, item)


def _one_answer(item: Item, asked: Sequence[Asked]) -> Iterator[Finding]:
    """The answer that most drawings share: whoever knows it need not compute."""
    most, shared = max(
        ((sum(_alike(_case(one).answer, _case(other).answer, _case(one)) for other in asked), one) for one in asked),
        key=lambda pair: pair[0],
    )
    chance = 0.0 if len(asked) >= SEEDS else len(asked) ** 0.5  # two deviations of a half, in fewer drawings
    if len({one.prompt for one in asked}) == 1:
        yield Finding("one-question", "asks the same question in every drawing; draw its numbers", item)
    elif 2 * most > len(asked) + 2 * chance and item.id not in ONE_ANSWER:
        says = f"the answer is {shared.answer} in {most} of {len(asked)} drawings; draw numbers that make it vary, "
        yield Finding("one-answer", says + "or give the reason in ONE_ANSWER of tests/quiz/linter/drawings.py", item)
    elif 2 * most <= len(asked) - 2 * chance and item.id in ONE_ANSWER:
        yield Finding("one-answer", "its answer varies now; take it out of ONE_ANSWER", item)


def _said_twice(item: Item, asked: Sequence[Asked]) -> Iterator[Finding]:
    """A unit behind {answer}, which brings its own, and other words that stand there twice."""
    for text in (asked[0].prompt, asked[0].explain):
        for twice in re.finditer(r"\b([A-Za-z]{3,}) \1\b", text):
            yield Finding("said-twice", f'"{twice.group()}" stands there; {{answer}} brings its unit', item)


def _case(asked: Asked) -> NumberCase | ShapeCase:
    assert asked.case is not None
    return asked.case


def _alike(one: Value, other: Value, case: NumberCase | ShapeCase) -> bool:
    """Whether a reader who types the one is judged to have typed the other."""
    if isinstance(one, tuple) or isinstance(other, tuple):
        return one == other
    assert isinstance(case, NumberCase)
    return is_close(one, other, case.tolerance) or is_close(other, one, case.tolerance)


def _typed(wrong: Wrong) -> str:
    return show_shape(wrong.value) if isinstance(wrong.value, tuple) else show_number(wrong.value)


def _short(prompt: str) -> str:
    return textwrap.shorten(" ".join(prompt.split()), 100, placeholder=" ...")
