"""Do the published numbers of parameters follow from layers, width, heads and vocabulary?

The count of tfx/lab/scale/published_sizes.py is compared with models of the library that are built, small but of the
same kinds, and then with what the papers print.  Most figures come out; where one does not, the note says what is known
about it.  Sources: the papers named there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tfx.lab.frame import Measured, Run
from tfx.lab.scale.published_sizes import BOTH, DECODER, ENCODER, PUBLISHED, UNITS, Sizes, as_number, count, rounds_to
from tfx.measure.verdicts import at_most, exactly, largest
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "Do the published numbers of parameters follow from layers, width, heads and vocabulary?"
ORDER = 1
TITLE = "Parameters of published models, counted from their sizes"
CLAIM = "The number of parameters of a Transformer follows from a handful of sizes."
HOST_ONLY = "counting has nothing to do on a card."
BREAK_IT = ("--set leave_out=embedding", "--set leave_out=feed_forward")

#: Figures that are known not to be this count, and why.
KNOWN = {
    "Transformer, base": "its vocabulary is given as about 37,000",
    "Transformer, big": "its vocabulary is given as about 37,000",
    "GPT-2 small": "its table was wrong, and the released model has 124,439,808",
    "GPT-2 XL": "the same table",
    "T5-large": "the released model has the counted number",
    "LLaMA-65B": "the figure is cut off rather than rounded",
}
PARTS = ("attention", "feed_forward", "embedding", "rest")


@dataclass(frozen=True)
class Settings:
    leave_out: str = setting("nothing", words=("nothing", *PARTS), about="a part that is not counted")

    def bytes_needed(self) -> float:
        """Whole numbers and small models."""
        return 1e6


COLUMNS = (
    Column("model", "model"),
    Column("counted", "counted"),
    Column("published", "published"),
    Column("difference", "difference", "%", digits=2),
    Column("feed_forward", "feed-forward", "%", digits=2),
    Column("parameters", "parameters", "million", digits=6, detail=True),
    Column("rounds", "rounds to it", detail=True),
    Column("active", "a token meets", "million", digits=5, detail=True),
    Column("paper", "paper", detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    for model in run.over(PUBLISHED, "{0.name}"):
        found = count(model.sizes)
        total = found.total - (0 if run.settings.leave_out == "nothing" else getattr(found, run.settings.leave_out))
        yield {
            "model": model.name,
            "counted": in_words(total),
            "parameters": total / 1e6,
            "published": model.figure,
            "difference": 100 * (total / as_number(model.figure) - 1),
            "feed_forward": 100 * found.feed_forward / found.total,
            "rounds": rounds_to(total, model.figure),
            "active": found.active / 1e6,
            "paper": model.paper,
        }


def in_words(n: float) -> str:
    """63.1M, 6.74B, 1571B."""
    unit = "B" if n >= 1e9 else "M"
    value = n / UNITS[unit]
    return f"{value:.0f}{unit}" if value >= 1000 else f"{value:.3g}{unit}"


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    far = [row["model"] for row in run.rows if not row["rounds"]]
    unexplained = [name for name in far if name not in KNOWN]
    worst = largest(abs(row["difference"]) for row in run.rows)
    return (
        exactly("library", "parameters by which the count differs from models that are built", 0, built_otherwise()),
        exactly("rounding", "counts that do not round to the figure, without a known reason", 0, len(unexplained)),
        at_most("close", "largest difference from a figure, %", 10.0, worst),
    )


def built_otherwise() -> int:
    """By how many parameters the count differs from small models of the library, all of them together."""
    from tfx.models import build

    common = {"n_layers": 2, "d_model": 12, "n_heads": 3, "d_ff": 20, "vocab": 30}
    plain = Sizes(DECODER, 2, 12, 20, 3, 30)
    modern = {"norm": "rms_norm", "bias": False, "activation": "swiglu", "tied": False, "positions": "rotary"}
    few_keys = {"attention": {"n_kv_heads": 1, "d_head": 2}}
    experts = {"experts": {"n": 4, "k": 1}, "expert_every": 2, "norm": "rms_norm", "bias": False, "activation": "relu"}
    pairs: tuple[tuple[dict[str, Any], Sizes], ...] = (
        ({"model": "GPT", "max_len": 9}, plain._replace(positions=9)),
        (
            {"model": "DecoderOnly", **modern, **few_keys},
            plain._replace(
                d_head=2, kv_heads=1, tied=False, offsets=False, gated=True, more=30
            ),  # offsets of the output
        ),
        ({"model": "DecoderOnly", **experts}, plain._replace(offsets=False, experts=4, expert_every=2)),
        ({"model": "T5", "d_head": 5}, plain._replace(kind=BOTH, d_head=5, offsets=False, buckets=32)),
        ({"model": "EncoderDecoder", "norm_place": "post"}, plain._replace(kind=BOTH, final_norm=False)),
        ({"model": "Encoder"}, plain._replace(kind=ENCODER)),
    )
    return sum(abs(build({**common, **config}).n_parameters - count(sizes).total) for config, sizes in pairs)


def prompt(run: Run[Settings]) -> str:
    return "GPT-3 has 96 layers of width 12,288 and an inner width of 49,152. How many billion parameters are that?"


def question(run: Run[Settings]) -> Question:
    found = next(row["parameters"] for row in run.rows if row["model"] == "GPT-3")
    words = "A block has 12 times its width squared; the embedding adds less than one in a hundred."
    return Question(prompt(run), found / 1e3, 0.03, words)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    wanted = ("Transformer, base", "BERT-base", "GPT-2 small", "GPT-3", "Switch-C", "LLaMA-7B")
    return tuple(index for index, row in enumerate(run.rows) if row["model"] in wanted)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    good = sum(row["rounds"] for row in run.rows)
    far = [f"{row['model']}: {KNOWN[row['model']]}" for row in run.rows if not row["rounds"] and row["model"] in KNOWN]
    share = {row["model"]: row["feed_forward"] for row in run.rows}
    return (
        Text(f"{good} of {len(run.rows)} counts round to the printed figure (the others: --details)."),
        *([Text(f"Not rounding to the figure. {'; '.join(far)}.")] if far else []),
        Text(
            f"The feed-forward networks hold {share['GPT-3']:.0f}% of GPT-3 and {share['Transformer, base']:.0f}% of "
            "the base Transformer, whose embedding and second attention weigh more (Brown et al. 2020, table 2.1; "
            "Vaswani et al. 2017, table 3)."
        ),
        Text(
            "With experts almost every parameter is in a feed-forward network, and a token meets few of them "
            "(Fedus et al. 2022, table 9)."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    counted = [row["parameters"] for row in run.rows]
    differences = [row["difference"] for row in run.rows]
    worst = max(run.rows, key=lambda row: abs(row["difference"]))
    return (
        Plot(
            f"Counts and printed figures differ by {abs(worst['difference']):.1f}% at most, for {worst['model']}",
            "counted [million parameters]",
            "counted, compared with published [%]",
            (
                Series("models", counted, differences, names=[row["model"] for row in run.rows]),
                Series("equal", [min(counted), max(counted)], [0.0, 0.0], kind="line"),
            ),
            log_x=True,
        ),
    )
