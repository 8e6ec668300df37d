"""The deck of estimates: a closed form agrees with what the library counts, and every slip is told apart and named."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from lessons.answers import Unreadable
from lessons.course import topics
from lessons.decks import ESTIMATES, find_deck_or_topic
from lessons.estimate_answers import read_estimate
from lessons.estimates import published
from lessons.estimates.memory import MIXED, SINGLE
from lessons.estimates.published import CARDS, Published
from lessons.grading import Asked, ask, grade
from lessons.quiz import EstimateCase, topic_items
from tfx.measure.decoder_costs import count, parameters
from tfx.models import DecoderOnly
from tfx.optim import AdamW
from tfx_cli.quizzing.page import paragraphs

ITEMS = {item.id.removeprefix("estimates/"): item for item in topic_items(ESTIMATES)}
SEEDS = range(200)
MODELS = {
    one.name: one.sizes
    for thing in vars(published).values()
    for one in (thing if isinstance(thing, tuple) else (thing,))
    if isinstance(one, Published)
}
CARD = {card.name: card for card in CARDS}
every = pytest.mark.parametrize("name", ITEMS)


@cache
def drawn(name: str) -> list[Asked]:
    return [ask(ITEMS[name], seed) for seed in SEEDS]


def different(name: str) -> list[Asked]:
    """One of each question that 200 seeds draw."""
    return list({asked.prompt: asked for asked in drawn(name)}.values())


def case_of(asked: Asked) -> EstimateCase:
    assert isinstance(asked.case, EstimateCase)
    return asked.case


# Closed forms, in the letters of the questions and without the library's counters


def weights_of(v: dict[str, Any], table: bool = True) -> float:
    """All numbers of a published decoder, or those of its maps and its output alone."""
    s = MODELS[v["model"]]
    a, g = s.heads * s.head_width, s.key_heads * s.head_width
    maps = s.layers * (2 * s.width * a + 2 * s.width * g + (3 if s.gated else 2) * s.experts * s.width * s.d_ff)
    maps += s.layers * s.width * s.experts if s.experts > 1 else 0
    if not table:
        return maps + s.width * s.vocab
    offsets = s.layers * (a + 2 * g + s.width + s.d_ff + s.width + 2 * s.width) + s.width if s.bias else 0
    gains = (2 * s.layers + 1) * s.width
    return maps + gains + offsets + (1 if s.tied else 2) * s.vocab * s.width + s.max_len * s.width


def attention_of(v: dict[str, Any], queries: float, keys: float) -> float:
    s = MODELS[v["model"]]
    return 4 * s.layers * s.heads * s.head_width * queries * keys


def mixtral(v: dict[str, Any], experts: int) -> float:
    layer = 2 * v["width"] * v["d"] * (v["heads"] + v["key_heads"]) + 3 * experts * v["width"] * v["d_ff"]
    router_and_gains = v["width"] * (v["experts"] + 2)
    return v["layers"] * (layer + router_and_gains) + v["width"] + 2 * v["vocab"] * v["width"]


def bert(v: dict[str, Any]) -> float:
    c, f = v["width"], v["d_ff"]
    block = 4 * (c * c + c) + 2 * c * f + f + c + 4 * c
    return v["layers"] * block + (v["vocab"] + v["places"] + 2 + 2) * c + c * c + c


def t5(v: dict[str, Any]) -> float:
    c, a, f = v["width"], v["heads"] * v["d"], v["d_ff"]
    return v["layers"] * (12 * c * a + 4 * c * f + 5 * c) + v["vocab"] * c + 2 * c + 2 * 32 * v["heads"]


FORMULAS: dict[str, Callable[[dict[str, Any]], float]] = {
    "kv-sequence": lambda v: 4 * v["layers"] * v["key_heads"] * v["d"] * v["n"],
    "kv-token": lambda v: 4 * v["layers"] * v["width"],
    "kv-batch": lambda v: 4 * v["layers"] * v["key_heads"] * v["d"] * v["n"] * v["b"],
    "kv-window": lambda v: 4 * v["layers"] * v["key_heads"] * v["d"] * min(v["n"], v["window"]) * v["b"],
    "kv-eight-bits": lambda v: 2 * v["layers"] * v["width"] * v["n"],
    "kv-saved": lambda v: 4 * v["layers"] * (v["heads"] - v["key_heads"]) * v["d"] * v["n"],
    "kv-cross": lambda v: 4 * v["layers"] * v["heads"] * v["d"] * v["n"],
    "decode": lambda v: 2 * weights_of(v, table=False) + attention_of(v, 1, v["n"] + 1),
    "prefill": lambda v: 2 * weights_of(v, table=False) * v["n"] + attention_of(v, v["n"], v["n"]),
    "attention": lambda v: 4 * v["layers"] * v["width"] * v["n"] ** 2,
    "network": lambda v: 6 * v["layers"] * v["width"] * v["d_ff"] * v["n"],
    "logits-flops": lambda v: 2 * v["n"] * v["width"] * v["vocab"],
    "training": lambda v: 6 * weights_of(v, table=False) * v["read"] * 1e9,
    "training-days": lambda v: (
        6 * weights_of(v, table=False) * v["read"] * 1e9 / (v["cards"] * v["peak"] * 1e12 * v["percent"] / 100) / 86400
    ),
    "crossing": lambda v: 6 * v["width"],
    "parameters-llama": weights_of,
    "parameters-gpt": weights_of,
    "parameters-bert": bert,
    "parameters-t5": t5,
    "parameters-experts": lambda v: mixtral(v, v["experts"]),
    "parameters-active": lambda v: mixtral(v, v["chosen"]),
    "parameters-attention": lambda v: 2 * v["layers"] * v["width"] * v["d"] * (v["heads"] + v["key_heads"]),
    "parameters-tables": lambda v: 2 * v["vocab"] * v["width"],
    "parameters-low-rank": lambda v: 4 * v["layers"] * v["width"] * v["rank"],
    "weights": lambda v: weights_of(v) * v["bits"] / 8,
    "adamw-mixed": lambda v: 16 * weights_of(v),
    "adamw-single": lambda v: 16 * weights_of(v),
    "shared-out": lambda v: (4 + 12 / v["cards"]) * weights_of(v),
    "attention-weights": lambda v: 2 * v["b"] * v["layers"] * v["heads"] * v["n"] ** 2,
    "logits-bytes": lambda v: 4 * v["b"] * v["n"] * v["vocab"],
    "picture-scores": lambda v: v["layers"] * v["heads"] * ((v["side"] / v["square"]) ** 2 + 1) ** 2,
    "decoding-rate": lambda v: v["bandwidth"] * 1e9 * 8 / (v["bits"] * weights_of(v)),
    "balanced-batch": lambda v: math.ceil(v["peak"] * 1e12 * v["bits"] / (16 * v["bandwidth"] * 1e9)),
    "prefill-time": lambda v: FORMULAS["prefill"](v) / (v["peak"] * 1e12 * v["percent"] / 100),
    "cache-outgrows": lambda v: math.ceil(weights_of(v) / (2 * v["layers"] * v["key_heads"] * v["d"] * v["n"])),
    "batch-fits": lambda v: math.floor(
        (v["cards"] * 80e9 - 2 * weights_of(v)) / (4 * v["layers"] * v["key_heads"] * v["d"] * v["n"])
    ),
    "tokens-fit": lambda v: math.floor(
        (v["memory"] * 1e9 - weights_of(v) * v["bits"] / 8) / (4 * v["layers"] * v["key_heads"] * v["d"])
    ),
    "tokens-of-a-text": lambda v: v["all_words"] * v["tokens"] / v["words"],
}
#: the sample gives a rate, which is not quite that of the whole
ROUGH = {"tokens-of-a-text": 0.05}


@every
def test_the_closed_form_agrees_with_the_count(name):
    for asked in different(name):
        case = case_of(asked)
        formula = FORMULAS[name](dict(case.values))
        assert case.answer == pytest.approx(formula, rel=ROUGH.get(name, 1e-9)), (asked.prompt, formula)


@every
def test_a_closed_form_that_is_wrong_by_a_third_is_noticed(name):
    case = case_of(drawn(name)[0])
    assert abs(FORMULAS[name](dict(case.values)) * 4 / 3 / case.answer - 1) > 0.2


def test_there_are_25_templates_and_40_named_slips():
    slips = {(name, wrong.misconception) for name in ITEMS for asked in drawn(name) for wrong in case_of(asked).wrong}
    assert len(ITEMS) >= 25 and len(slips) >= 40
    assert ITEMS.keys() == FORMULAS.keys()
    assert len({misconception for _, misconception in slips}) >= 40


@every
def test_no_slip_lies_within_a_tenth_of_the_truth_and_each_is_named(name):
    for asked in different(name):
        case = case_of(asked)
        for wrong in case.wrong:
            assert isinstance(wrong.value, float | int)
            assert abs(wrong.value / case.answer - 1) > 0.1, (asked.prompt, wrong)
            for factor in (0.955, 1.0, 1.045):
                verdict = grade(asked, repr(float(wrong.value) * factor))
                assert not verdict.correct and verdict.misconception == wrong.misconception, (
                    asked.prompt,
                    wrong,
                    factor,
                )
            assert verdict.why == wrong.why and re.fullmatch(r"[A-Z][ -~]{15,120}\.", wrong.why), wrong.why


@every
def test_what_is_within_a_tenth_is_right_and_nothing_else(name):
    for asked in different(name)[:20]:
        for factor, right in ((0.905, True), (1.0, True), (1.095, True), (0.89, False), (1.11, False)):
            assert grade(asked, repr(case_of(asked).answer * factor)).correct == right, (asked.prompt, factor)
        assert grade(asked, asked.answer).correct, asked.answer


@every
def test_the_lines_build_the_number_and_fit_a_narrow_screen(name):
    for asked in different(name):
        case = case_of(asked)
        assert asked.explain.endswith("\n\n" + "\n".join(case.lines))
        assert 3 <= len(case.lines) <= 10 and max(map(len, case.lines)) <= 38, case.lines
        total = next(line for line in case.lines if line.startswith("  =")).split()[1]
        assert float(total) == pytest.approx(case.answer, rel=0.09), (asked.prompt, case.lines)
        verdict = grade(asked, repr(float(case.wrong[0].value) if not isinstance(case.wrong[0].value, tuple) else 0.0))
        shown = [*paragraphs(verdict.why, 78), *paragraphs(verdict.explain, 78)]
        assert len(shown) + 4 <= 22, "judgement, answer, where to see it and when it comes back stand around it"


@every
def test_a_question_says_every_number_that_it_draws(name):
    for asked in different(name)[:30]:
        told = " ".join(asked.prompt.split())
        for key, value in case_of(asked).values.items():
            assert str(value) in told, (key, told)


def test_every_estimate_names_a_topic_that_explains_it():
    assert {item.about for item in ITEMS.values()} <= {topic.name for topic in topics()}
    assert find_deck_or_topic("estimates") is find_deck_or_topic("Estimate") is ESTIMATES
    assert ESTIMATES.name not in {name for topic in topics() for name in (topic.name, *topic.aliases)}


# What is written down about published models


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("GPT-2 small", 124439808),
        ("GPT-2 XL", 1557611200),
        ("Llama 2 7B", 6738415616),
        ("Llama 2 13B", 13015864320),
        ("Llama 2 70B", 68976648192),
        ("Llama 3.1 8B", 8030261248),
        ("Llama 3.1 70B", 70553706496),
        ("Llama 3.1 405B", 405853388800),
        ("Mistral 7B", 7241732096),
        ("Mixtral 8x7B", 46702792704),
        ("SmolLM2-135M", 134515008),
    ],
)
def test_the_configurations_give_the_published_counts(name, numbers):
    """The counts are those of the released files."""
    assert count(parameters(MODELS[name])) == numbers


def test_training_with_adamw_keeps_what_the_library_keeps():
    model = DecoderOnly(11, 8, 2, 16, 1, max_len=4)
    optimizer = AdamW(model)
    kept = [getattr(optimizer, name) for name in optimizer.averages]
    assert {average.size for average in kept} == {model.n_parameters}
    assert len(kept) == sum("moments" in name for name in SINGLE) == sum("moments" in name for name in MIXED)


# Units

NO_COMMA = "Please write a decimal point, not a comma: 0.5; and thousands without a separator: 1000."
ASKED, BYTES = "The answer is asked for in", "14e9, 14 GB or 14 GiB."


@pytest.mark.parametrize(
    ("typed", "unit", "value"),
    [
        ("14e9", "bytes", 14e9),
        ("14 GB", "bytes", 14e9),
        ("14GiB", "bytes", 14 * 2**30),
        ("about 14 gigabytes", "bytes", 14e9),
        ("112 Gbit", "bytes", 14e9),
        ("1.5 TB", "bytes", 1.5e12),
        ("14 billion bytes", "bytes", 14e9),
        ("1.2e12 FLOPs", "FLOPs", 1.2e12),
        ("1.2 TFLOPs", "FLOPs", 1.2e12),
        ("3 petaflops", "FLOPs", 3e15),
        ("2*7e9", "FLOPs", 14e9),
        ("7 billion", "parameters", 7e9),
        ("7B", "parameters", 7e9),
        ("7 bn parameters", "parameters", 7e9),
        ("350M", "parameters", 350e6),
        ("12k", "tokens", 12000),
        ("120 tok/s", "tokens/s", 120),
        ("2 days", "seconds", 172800),
        ("36 hours", "days", 1.5),
        ("200 ms", "seconds", 0.2),
        ("n = 40 texts", "sequences", 40),
        ("2^30", "bytes", 2**30),
    ],
)
def test_numbers_are_read_as_people_write_them(typed, unit, value):
    assert read_estimate(typed, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("typed", "unit", "says"),
    [
        ("14 GB", "parameters", f"{ASKED} parameters, not in GB; write it such as 7e9 or 7 billion."),
        ("14 FLOP/s", "FLOPs", f"{ASKED} FLOPs, not in FLOP/s; write it such as 1.2e12 or 1.2 TFLOPs."),
        ("3 days", "bytes", f"{ASKED} bytes, not in days; write it such as {BYTES}"),
        ("14 elephants", "bytes", f'{ASKED} bytes, and "elephants" is no unit of that; write it such as {BYTES}'),
        ("many", "bytes", f"Please answer with a number in bytes, such as {BYTES}"),
        ("14,5 GB", "bytes", NO_COMMA),
        ("1+/2", "tokens", "Please answer with a number, such as 12000 or 12 thousand tokens."),
    ],
)  # fmt: skip
def test_what_measures_something_else_is_refused_with_the_unit(typed, unit, says):
    with pytest.raises(Unreadable) as caught:
        read_estimate(typed, unit)
    assert str(caught.value) == says
