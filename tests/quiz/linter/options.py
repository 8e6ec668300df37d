"""What is wrong with the texts of one item: options that give themselves away, fillers, twins, empty whys."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lessons.grading import ask, grade
from lessons.quiz import Item, Option
from tests.quiz.linter.finding import Finding
from tests.quiz.linter.words import CAREFUL, POLARITY, REASON, plain

LONGER, LONGER_BY = 1.2, 5  # a right option that sticks out: by a fifth, and by at least five letters
SHORTER, SHORTER_BY = 0.5, 8

#: What every option either has or has not; the right one must not be alone in it, on either side.
_MARKS: dict[str, Callable[[str], object]] = {
    "starting with yes, no, nothing or the like": lambda text: (found := POLARITY.match(text)) and found[0].lower(),
    "giving a reason": lambda text: bool(REASON.search(text)),
    "being careful (can, need not, almost, ...)": lambda text: bool(CAREFUL.search(text)),
    "holding a number": lambda text: bool(re.search(r"\d", text)),
    "holding a parenthesis": lambda text: " (" in text,
}
#: What is the same in all options of an item that is written in one hand.
_FORMS: dict[str, Callable[[str], object]] = {
    "starts with a capital": lambda text: None if _SYMBOL.match(text) else text[0].isupper(),
    "ends with a full stop": lambda text: text.endswith("."),
    'starts with "Because"': lambda text: text.startswith("Because"),
}
#: Options that nobody believes, and the words that make them a real misconception when the item speaks of them.
_FILLERS = (
    (r"\bnan\b|\binf\b|\boverflows?\b", r"exp|overflow|divi|0/0|inf\b|log|root|float16|float32"),
    (r"learning rate", r"learning rate|step size|optimi[sz]er|schedule|warm"),
    (r"^it depends\b|depends on the (seed|data|model|hardware)$", r"$^"),
    (r"^(all|none|both|any) of (the above|these|them)$|of the above\b", r"$^"),
    (r"^nothing (strange|special|happens|unusual)\b|\b(by|pure|good|bad) luck\b|\ba coincidence\b", r"$^"),
    (r"^(a|there is a|some) bug\b|^something is broken|^an error$", r"\braises?\b|\bbugs?\b|\bmistake"),
    (r"^random(ly)?$|^random (numbers|values)$|^it is random", r"random|draw|seed|sampl"),
)
#: What is no word: 0.2, d_k, v, tanh.
_SYMBOL = re.compile(r"[^a-z]*$|[^A-Za-z]|\w{1,2}\b|\w*[_\d]|(tanh|exp|log|sqrt|diag|softmax)\b")
_ORDINALS = re.compile(
    r"^(first|firstly|second|secondly|then|next|after that|finally|last|lastly|at last)\b", re.IGNORECASE
)


def faults_of_options(item: Item) -> Iterator[Finding]:
    """All findings about the texts of this item; nothing for kinds that have no options or steps."""
    if item.kind == "order":
        yield from _steps(item)
    if item.kind == "several" and not re.search(r"\bmark (all|each|every)\b", item.prompt, re.IGNORECASE):
        yield Finding("mark-all-said", 'does not say that several may be right; end the stem with "Mark all."', item)
    if item.kind == "choice":
        yield from _right_one_sticks_out(item)
        names = [option.misconception for option in item.options if option.misconception]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield Finding("same-mistake", f'two options are the mistake "{name}"; replace one by another mistake', item)
    if item.kind in ("choice", "several"):
        yield from _forms(item)
        yield from _fillers(item)
        yield from _twins(item)
        for option in item.options:
            if not option.correct:
                yield from _reason(item, option)


def _steps(item: Item) -> Iterator[Finding]:
    for step in item.steps:
        if _ORDINALS.match(step):
            yield Finding("ordinal", f'step "{step}" tells its place; leave out "{step.split()[0]}"', item)
    asked = ask(item, 0)
    for mistake in item.mistakes:
        steps = list(range(len(item.steps)))
        steps.insert(mistake.before - 1, steps.pop(mistake.puts - 1))
        told = grade(asked, " ".join(str(asked.order.index(step) + 1) for step in steps)).misconception
        if told != mistake.misconception:
            says = f'who puts step {mistake.puts} before step {mistake.before} is told "{told}" and not '
            yield Finding("other-mistake", f'{says}"{mistake.misconception}"; write it before the other', item)


def _right_one_sticks_out(item: Item) -> Iterator[Finding]:
    (right,) = (option.text for option in item.options if option.correct)
    wrong = [option.text for option in item.options if not option.correct]
    longest, shortest = max(map(len, wrong)), min(map(len, wrong))
    if len(right) > LONGER * longest and len(right) >= longest + LONGER_BY:
        says = f'the right option "{right}" has {len(right)} letters and no other more than {longest}; shorten it, '
        yield Finding("longest", says + "or say a wrong one as fully", item)
    if len(right) < SHORTER * shortest and len(right) <= shortest - SHORTER_BY:
        says = f'the right option "{right}" has {len(right)} letters and no other less than {shortest}; '
        yield Finding("shortest", says + "shorten a wrong one", item)
    for mark, of in _MARKS.items():
        others = {of(text) for text in wrong}
        if len(others) == 1 and of(right) not in others:
            alone = "is alone in" if of(right) else "is alone in not"
            says = f'the right option "{right}" {alone} {mark}; write a wrong one in the same way'
            yield Finding("odd-one-out", says, item)


def _forms(item: Item) -> Iterator[Finding]:
    for form, of in _FORMS.items():
        seen = {of(option.text) for option in item.options} - {None}
        if len(seen) > 1:
            yield Finding("not-parallel", f"one option {form} and another does not; write all in one form", item)


def _fillers(item: Item) -> Iterator[Finding]:
    spoken_of = " ".join([item.prompt, item.explain, *(option.why for option in item.options)])
    for option in item.options:
        for filler, unless in _FILLERS:
            if re.search(filler, option.text, re.IGNORECASE) and not re.search(unless, spoken_of, re.IGNORECASE):
                says = f'option "{option.text}" is a filler; put a mistake there that people make'
                yield Finding("filler", says, item)
                break


def _twins(item: Item) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for option in item.options:
        if (key := plain(option.text)) in seen:
            says = f'options "{seen[key]}" and "{option.text}" say the same; replace one'
            yield Finding("twins", says, item)
        seen[key] = option.text


def _reason(item: Item, option: Option) -> Iterator[Finding]:
    words = plain(option.why).removeprefix("no ").removeprefix("wrong ")
    if len(words.split()) < 4 or words == plain(option.text):
        says = f'the why of option "{option.text}" is "{option.why}"; say in a sentence what is true instead'
        yield Finding("empty-why", says, item)
    name = option.misconception
    if re.match(r"[A-Z][a-z]", name) or name.endswith((".", "?")) or len(name.split()) > 9:
        says = f'the misconception "{name}" of option "{option.text}" is no short phrase in lower case; rename it'
        yield Finding("misconception-name", says, item)
