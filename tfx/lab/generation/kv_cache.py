"""What stored keys and values save: the next token reads one row, and not the whole text again.

With L layers of width C, feed-forward width F = 4 C and V tokens, the token at place n takes so many multiply-adds:

    with a cache       L (4 C^2 + 2 C F + 2 n C) + C V           one row through every matrix, and a look at n rows
    without one        n times as many                           n rows through every matrix, and n looks at n rows
    stored             2 L C n numbers                           keys and values of every token in every layer

So attention falls from n^2 to n a token, and a whole text from n^3 to n^2; the matrices fall from n to 1 a token as
well.  What is stored grows with the text.  The new token needs its own key and value too: it attends to itself.
Source: Pope et al. 2022, "Efficiently Scaling Transformer Inference", section 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfx.generate import WholePass, greedy
from tfx.generate.stored_keys import StoredDecoder, logits_of
from tfx.lab.frame import Measured, Run
from tfx.measure import counting
from tfx.measure.counting_array import counting_in
from tfx.measure.stopwatch import stopwatch
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, largest_difference
from tfx.models import GPT
from tfx.models.gpt import gpt_parameter_count
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import require_divisor, setting, up_to

QUESTION = "How much work and memory does the next token take, with stored keys and values and without?"
TITLE = "The next token of a text, with keys and values stored and without"
CLAIM = (
    "A cache of keys and values lowers the attention of one more token from n^2 to n, and the rest from n to 1. It "
    "changes no output, and its memory grows with the text."
)
BREAK_IT = ("--set own=no",)
HOST_ONLY = "Counting arrays are NumPy arrays; `tfx bench decode --device cuda` times a card."

ITEMSIZE = 8
#: Logits of the two ways differ by less: float64, sums in another order.
ROUNDING = 1e-10
#: Without its own key and value the output of a token is off by at least so much, where values have size 1.
OFF = 0.01
#: Tokens that both ways write.
WRITTEN = 12


@dataclass(frozen=True)
class Settings:
    contexts: tuple[int, ...] = setting(
        (16, 32, 64, 128, 256, 512), 2, 4096, "tokens that the next one attends to, with itself", at_least=3
    )
    d_model: int = setting(64, 4, 1024, "width of the GPT")
    heads: int = setting(4, 1, 64, "of the GPT; they divide d_model")
    layers: int = setting(2, 1, 24, "of the GPT")
    vocab: int = setting(128, 2, 10_000, "different tokens")
    turns: int = setting(5, 3, 100, "how often each way is timed, at most")
    own: bool = setting(True, about="no forgets the token's own key and value, to see which checks notice")

    def quick(self) -> Settings:
        """Without the contexts over 128."""
        return replace(self, contexts=up_to(self.contexts, 128, at_least=3), turns=3)

    def full(self) -> Settings:
        """Longer texts."""
        return replace(self, contexts=(*self.contexts, 1024, 2048), turns=20)

    def check(self) -> None:
        require_divisor("heads", self.heads, "d_model", self.d_model)

    def bytes_needed(self) -> float:
        """Weights and gradients, what is stored, and one whole pass with its scores."""
        longest = max(self.contexts)
        weights = 2 * gpt_parameter_count(self.vocab, self.d_model, self.layers, longest + WRITTEN)
        block = 3 * self.heads * longest**2 + 30 * longest * self.d_model
        return float(ITEMSIZE * (weights + self.layers * block + 3 * longest * self.vocab))


COLUMNS = (
    Column("context", "token number"),
    Column("stored_mflop", "with a cache", "million multiply-adds", digits=4),
    Column("whole_mflop", "without", "million multiply-adds", digits=4),
    Column("kept_kib", "stored", "KiB", digits=4),
    Column("time_ratio", "time without, over with", digits=2),
    Column("text_ratio", "whole text, without over with", digits=4, detail=True),
    Column("difference", "largest difference of logits", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Each context by itself.  The counts are the same every time, the seconds are not."""
    run.facts |= {"clock": "of the thread, with one BLAS thread"}
    for n in run.over(sorted(set(run.settings.contexts)), "token {}"):
        yield measure_row(run, n)


def measure_row(run: Run[Settings], n: int) -> dict[str, Any]:
    settings = run.settings
    rng = run.generator(n)
    ids = rng.integers(settings.vocab, size=(1, n))
    model = gpt(settings, n + WRITTEN, int(rng.integers(2**31)))
    stored, whole = StoredDecoder(model), WholePass(logits_of(model))
    counted, logits = {}, {}
    for way, reader in (("stored", stored), ("whole", whole)):
        reader.begin(1)
        reader.read(ids[:, :-1], 1)
        with counting_in(model) as count:
            logits[way] = np.asarray(reader.read(ids[:, -1:], 1))[0, -1]
            counted[way] = count.multiply_adds
    kept = sum(each.k.nbytes + each.v.nbytes for each in stored.stored)
    texts = [
        greedy(reader, ids[0, : n // 2], WRITTEN) for reader in (StoredDecoder(model), WholePass(logits_of(model)))
    ]
    return {
        "context": n,
        **{f"{way}_count": count for way, count in counted.items()},
        **{f"{way}_mflop": count / 1e6 for way, count in counted.items()},
        "by_formula": counting.total_matmul_flops(step_costs(n, settings)) // 2,
        "kept_bytes": kept,
        "kept_kib": kept / 2**10,
        "text_ratio": text_work(n, settings, whole=True) / text_work(n, settings, whole=False),
        "difference": largest_difference(logits["stored"], logits["whole"]),
        "same_text": bool((texts[0] == texts[1]).all()),
        **own_key(rng, n, settings),
        "time_ratio": time_ratio(run, model, ids),
    }


def gpt(settings: Settings, length: int, seed: int) -> GPT:
    sizes = {"n_layers": settings.layers, "max_len": length, "seed": seed, "dtype": "float64"}
    return GPT(settings.vocab, settings.d_model, settings.heads, **sizes)


def step_costs(n: int, settings: Settings) -> tuple[counting.Cost, ...]:
    d_model = settings.d_model
    return counting.decoding_step(n, d_model, settings.heads, 4 * d_model, settings.layers, settings.vocab)


def text_work(n: int, settings: Settings, whole: bool) -> int:
    """Multiply-adds of all tokens of a text of n, each with the whole text before it anew, or not."""
    steps = (counting.total_matmul_flops(step_costs(t, settings)) // 2 * (t if whole else 1) for t in range(1, n + 1))
    return sum(steps)


def own_key(rng: np.random.Generator, n: int, settings: Settings) -> dict[str, float]:
    """One layer of attention, last of n tokens: off by how much with its own key and value appended, and without."""
    q, k, v = (rng.standard_normal((n, settings.d_model)) for _ in range(3))
    whole = attention_forward(q, k, v, causal_mask(n, n))[0][-1:]
    kept = n if settings.own else n - 1
    appended = attention_forward(q[-1:], k[:kept], v[:kept])[0]
    forgotten = attention_forward(q[-1:], k[: n - 1], v[: n - 1])[0]
    return {"appended_off": largest_difference(appended, whole), "forgotten_off": largest_difference(forgotten, whole)}


def time_ratio(run: Run[Settings], model: GPT, ids: np.ndarray) -> float:
    """Seconds of the last token without a cache over those with one, in turns."""
    n = ids.shape[1]
    stored, whole = StoredDecoder(model), WholePass(logits_of(model))
    for reader in (stored, whole):
        reader.begin(1)
        reader.read(ids[:, :-1], 1)

    def one_token(reader: Any) -> None:
        reader.read(ids[:, -1:], 1)
        reader.back_to(n - 1)

    with stopwatch() as watch:
        calls = {"stored": lambda: one_token(stored), "whole": lambda: one_token(whole)}
        timings = watch.in_turns(calls, run.settings.turns, 1.0)
    return timings["whole"].median / timings["stored"].median


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows, settings = run.rows, run.settings
    numbers = [2 * settings.layers * settings.d_model * row["context"] for row in rows]
    return (
        at_most(
            "same-logits", "logits with a cache and without: largest difference", ROUNDING, worst(run, "difference")
        ),
        exactly(
            "same-text", "greedy texts that both ways write alike", len(rows), sum(row["same_text"] for row in rows)
        ),
        agree(
            "with",
            "multiply-adds with a cache are L (4 C^2 + 2 C F + 2 n C) + C V: largest difference",
            [row["stored_count"] for row in rows],
            [row["by_formula"] for row in rows],
            to=0,
        ),
        agree(
            "without",
            "... and n times as many without: largest difference",
            [row["whole_count"] for row in rows],
            [row["context"] * row["by_formula"] for row in rows],
            to=0,
        ),
        agree(
            "stored",
            "2 L C n numbers of 8 bytes are stored: largest difference, bytes",
            [row["kept_bytes"] for row in rows],
            [ITEMSIZE * number for number in numbers],
            to=0,
        ),
        at_most(
            "own-appended",
            "the query against stored keys, its own appended: off by",
            ROUNDING,
            worst(run, "appended_off"),
        ),
        at_least(
            "own-needed",
            "... and without its own key and value: off by, at the shortest context",
            OFF,
            rows[0]["forgotten_off"],
        ),
    )


def worst(run: Run[Settings], key: str) -> float:
    return largest(row[key] for row in run.rows)


# Saying


def prompt(run: Run[Settings]) -> str:
    n = max(run.settings.contexts)
    return f"Token number {n:,} is written. How many times as many multiply-adds does it take without a cache?"


def question(run: Run[Settings]) -> Question:
    last = run.rows[-1]
    explanation = f"All {last['context']:,} tokens go through every matrix again, and each looks at as many keys."
    return Question(prompt(run), last["whole_count"] / last["stored_count"], 0.05, explanation)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    return (0, len(run.rows) - 1)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    settings, last = run.settings, run.rows[-1]
    grown = 2 * settings.layers * settings.d_model * last["context"] / last["stored_count"]
    return (
        Text(
            f"Token {last['context']:,} takes {last['stored_mflop']:.3g} million multiply-adds with a cache and "
            f"{last['whole_mflop']:.3g} million without. What is stored for it is {last['kept_kib']:.4g} KiB."
        ),
        Text(
            f"Attention looks at n stored rows instead of n^2 pairs; it makes {100 * grown:.2g}% of the work at the "
            "last context, and more in a longer text. The matrices see one row instead of n. So a whole text falls "
            "from n^3 to n^2 in attention, and from n^2 to n in the matrices."
        ),
        Text(
            f"All tokens up to {last['context']:,} together: {last['text_ratio']:.3g} times the work without a cache. "
            "The price is memory, 2 L C numbers a token, read again for every token: what a long text waits for is "
            "its memory (Pope et al. 2022, section 2.1). Fewer key and value heads shrink it."
        ),
        Text(
            "Not only the query of the new token is computed: its key and value are, too, and are stored. Left out, "
            f"the output is off by {run.rows[0]['forgotten_off']:.2g} at context {run.rows[0]['context']}."
        ),
        Text(
            f"In this run that token took {last['time_ratio']:.2g} times as long without a cache. Small models wait "
            "for Python as much as for products; `tfx bench decode` times it with care."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    rows, last = run.rows, run.rows[-1]
    n = [row["context"] for row in rows]

    def points(label: str, key: str) -> Series:
        return Series(label, n, [row[key] for row in rows])

    return (
        Plot(
            f"Token {last['context']:,} takes {last['whole_count'] / last['stored_count']:.4g} times the multiply-adds "
            "without stored keys and values",
            "number of the token (n)",
            "multiply-adds of one token (millions)",
            (points("with a cache", "stored_mflop"), points("without", "whole_mflop")),
            log_x=True,
            log_y=True,
        ),
    )
