"""A mixture of experts: how many parameters are stored, how many of them does a token meet, and how much work is it?

    stored     E experts of 2 C F numbers each, and C E of the router
    met        k of the experts, and the router
    work       a multiply-add for each number that is met, and k C to mix what the experts say

Layers are built and counted by what they hold; their work is counted while they run, by arrays that count
(tfx/measure/counting_array.py).  Published models follow from their sizes (tfx/lab/scale/published_sizes.py).
Sources: Fedus et al. 2022, "Switch Transformers", section 2; Jiang et al. 2024, "Mixtral of Experts", abstract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tfx.errors import BadInput
from tfx.lab.frame import Measured, Run
from tfx.lab.scale.published_sizes import PUBLISHED, Sizes, count, rounds_to
from tfx.measure.counting_array import counting_in
from tfx.measure.verdicts import agree, exactly
from tfx.nn.mixture_of_experts import MixtureOfExperts
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting

QUESTION = "How many of its parameters does a token meet in a mixture of experts?"
TITLE = "Mixtures of experts: what is stored, and what a token meets"
CLAIM = (
    "A mixture of experts stores many parameters and uses few of them for a token: stored numbers grow with the "
    "experts, work with those that are chosen, if the router is left out."
)
HOST_ONLY = "counting has nothing to do on a card."
BREAK_IT = ("--set capacity=0.5",)

#: What the papers say that a token meets; Switch models are made to match the work of a dense one.
MIXTRAL_MEETS = "13B"
DENSE_TWIN = {"Switch-Base": "T5-base"}


@dataclass(frozen=True)
class Settings:
    experts: tuple[int, ...] = setting((1, 2, 4, 8, 16, 32, 64), 1, 512, "experts of the layers", at_least=3)
    chosen: int = setting(1, 1, 8, "experts that a token is sent to, or all where there are fewer")
    width: int = setting(64, 4, 512, "width of a layer")
    inner: int = setting(256, 4, 2048, "inner width of an expert")
    tokens: int = setting(40, 1, 1000, "tokens that run through a layer")
    capacity: float = setting(0.0, 0.0, 8.0, "places of an expert, in units of an even share; 0 for no limit")

    def quick(self) -> Settings:
        """As it is: counting takes no time."""
        return self

    def check(self) -> None:
        """Raises BadInput for layers that no comparison can be made with."""
        if max(self.experts) < 2 * self.chosen:
            raise BadInput(
                f"of {max(self.experts)} experts at most, {self.chosen} are chosen: that is no sparse layer.",
                f"Try: --set experts=1,2,{4 * self.chosen}",
            )

    def bytes_needed(self) -> float:
        """The largest layer with its gradients, and what the tokens leave in it."""
        return 4.0 * (5 * max(self.experts) * self.width * self.inner + 20 * self.tokens * self.chosen * self.inner)


COLUMNS = (
    Column("what", "what"),
    Column("stored", "stored", "million", digits=4),
    Column("met", "token meets", "million", digits=4),
    Column("share", "share met", "%", digits=3),
    Column("work", "multiply-adds", "million", digits=4),
    Column("k", "experts chosen", detail=True),
    Column("router", "work of the router", "%", digits=2, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    """Layers by their number of experts, then published models."""
    keys: list[int | str] = [*sorted(set(run.settings.experts))]
    keys += [model.name for model in PUBLISHED if model.sizes.experts]
    for key in run.over(keys, "{}"):
        yield published_row(key) if isinstance(key, str) else layer_row(run, key)


def layer_row(run: Run[Settings], n: int) -> dict[str, Any]:
    """A layer of n experts, and what it does with the tokens."""
    settings = run.settings
    rng, k = run.generator(n), min(settings.chosen, n)
    layer = MixtureOfExperts(
        settings.width, settings.inner, rng, bias=False, n=n, k=k, capacity_factor=settings.capacity or None
    )
    x = rng.standard_normal((settings.tokens, settings.width)).astype("float32")
    with counting_in(layer) as counted:
        layer.forward(x)
        work = counted.multiply_adds / settings.tokens
    router = n * settings.width
    return {
        "what": f"{n} expert{'s' if n > 1 else ''}",
        "experts": n,
        "k": k,
        "numbers": layer.n_parameters,
        "met_numbers": layer.n_active_parameters,
        "work_numbers": work,
        **in_millions(layer.n_parameters, layer.n_active_parameters, work, router),
    }


def published_row(name: str) -> dict[str, Any]:
    """From its sizes; a matrix does a multiply-add for each of its numbers, and an embedding none that counts."""
    sizes = sizes_of(name)
    found = count(sizes)
    stacks = 2 if sizes.kind == "encoder and decoder" else 1
    routers = stacks * (sizes.layers // sizes.expert_every) * sizes.experts * sizes.width
    work = found.attention + found.feed_forward - found.idle
    return {
        "what": name,
        "experts": sizes.experts,
        "k": sizes.active,
        "numbers": found.total,
        "met_numbers": found.active,
        "work_numbers": float(work),
        "beside_routers": found.active - routers,
        **in_millions(found.total, found.active, work, routers),
    }


def in_millions(stored: int, met: int, work: float, router: int) -> dict[str, float]:
    return {
        "stored": stored / 1e6,
        "met": met / 1e6,
        "share": 100 * met / stored,
        "work": work / 1e6,
        "router": 100 * router / work,
    }


def sizes_of(name: str) -> Sizes:
    return next(model.sizes for model in PUBLISHED if model.name == name)


# Judging


def layers(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["what"] not in {model.name for model in PUBLISHED}]


def of(rows: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(row for row in rows if row["what"] == name)


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    built, settings = layers(run.rows), run.settings
    expert = 2 * settings.width * settings.inner
    mixtral = of(run.rows, "Mixtral 8x7B")
    twins = [
        of(run.rows, sparse)["beside_routers"] - count(sizes_of(dense)).total for sparse, dense in DENSE_TWIN.items()
    ]
    return (
        agree("stored", "numbers stored, less those of the router, in units of an expert: the experts",
              [(row["numbers"] - row["experts"] * settings.width) / expert for row in built],
              [row["experts"] for row in built], to=1e-12),
        agree("met", "numbers that a token meets, less the router's, in units of an expert: those chosen",
              [(row["met_numbers"] - row["experts"] * settings.width) / expert for row in built],
              [row["k"] for row in built], to=1e-12),
        agree("work", "multiply-adds counted while a token runs, over the numbers it meets and those of mixing",
              [row["work_numbers"] / (row["met_numbers"] + row["k"] * settings.width) for row in built], 1.0,
              to=1e-12),
        exactly("mixtral", f"what a token meets in Mixtral rounds to the printed {MIXTRAL_MEETS}", "yes",
                "yes" if rounds_to(1e6 * mixtral["met"], MIXTRAL_MEETS) else f"no, {mixtral['met'] / 1e3:.4g}B"),
        agree("dense-twin", "a token of Switch-Base meets T5-base and routers: other numbers", twins, 0.0, to=0.0),
    )  # fmt: skip


# Saying


def prompt(run: Run[Settings]) -> str:
    return "Mixtral stores 47 billion parameters and sends a token to 2 of 8 experts. How many billion does it meet?"


def question(run: Run[Settings]) -> Question:
    mixtral = of(run.rows, "Mixtral 8x7B")
    words = "More than a quarter, as attention and embeddings are no experts: every token meets them."
    return Question(prompt(run), mixtral["met"] / 1e3, 0.05, words)


def decisive(run: Run[Settings]) -> tuple[int, ...]:
    """The smallest and the largest layers, and the published models."""
    n_layers = len(layers(run.rows))
    return (0, n_layers - 1, *range(n_layers, len(run.rows)))


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    first, last = layers(run.rows)[0], layers(run.rows)[-1]
    mixtral, base, largest = (of(run.rows, name) for name in ("Mixtral 8x7B", "Switch-Base", "Switch-C"))
    dense = count(sizes_of("Mixtral 8x7B")._replace(experts=0)).total
    return (
        Text(
            f"{last['experts']} experts store {last['stored'] / first['stored']:.3g} times what a layer of "
            f"{first['experts']} does, and a token costs {last['work'] / first['work']:.2f} times the work. Of Mixtral "
            f"a token meets {mixtral['share']:.0f}%, of Switch-C {largest['share']:.1f}%."
        ),
        Text(
            f"The name 8x7B says too much: eight models of {dense / 1e9:.1f} billion would have {8 * dense / 1e9:.0f}, "
            f"but only the feed-forward networks are there eight times, which gives {mixtral['stored'] / 1e3:.1f} "
            "(Jiang et al. 2024, abstract: 47 and 13)."
        ),
        Text(
            f"A token of Switch-Base meets the {count(sizes_of('T5-base')).total / 1e6:.0f} million of T5-base and a "
            f"few routers, of {base['stored'] / 1e3:.2g} billion that are stored (Fedus et al. 2022). All of it has "
            "to be in memory, since the next token may ask for any expert."
        ),
        Text(
            f"The router is not free: it takes {last['router']:.1f}% of the work in the layer of {last['experts']}. "
            "Parameters and work say nothing of quality, and whether the experts are used evenly is another question: "
            "see the experiment router-balance."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    built = layers(run.rows)
    experts = [row["experts"] for row in built]
    return (
        Plot(
            f"From {experts[0]} to {experts[-1]} experts: stored times {built[-1]['stored'] / built[0]['stored']:.3g}, "
            f"work times {built[-1]['work'] / built[0]['work']:.2f}",
            "experts",
            "numbers of a layer [million]",
            (
                Series("stored", experts, [row["stored"] for row in built]),
                Series("a token meets", experts, [row["met"] for row in built]),
                Series("multiply-adds for a token", experts, [row["work"] for row in built], kind="line"),
            ),
            log_x=True,
            log_y=True,
        ),
    )
