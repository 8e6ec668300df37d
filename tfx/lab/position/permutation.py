"""What attention knows of order: without positions nothing, unless a causal mask gives it away.

Reordering the tokens of a text by P reorders the outputs of bidirectional attention without positions in the same way:

    f(P X) = P f(X)          equivariant; invariant, f(P X) = f(X), it is not

so whatever pools the outputs evenly gets the same for every order, and equal tokens get equal outputs.  A causal mask
is no function of the set: the first token sees one key and the last sees all, from which a place can be read.

The control.  A model is trained to say at each of T places which place it is; the first holds a mark.  Without
positions, both ways, it can tell the mark.  Of the others each token may be anywhere among T - 1 places, so whatever it
says is right 1 time in T - 1: of T places 1 + (T - 1) / (T - 1) = 2 are right.
Sources: Vaswani et al. 2017, section 3.5; equivariance: Lee et al. 2019, "Set Transformer", section 3.1; places from
the mask: Haviv et al. 2022, "Transformer Language Models without Positional Encodings Still Learn Positional
Information".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from tfx.backend import to_numpy
from tfx.blas_threads import blas_threads
from tfx.data.toys.toy import Kind, Places, PlacesToy, Rng
from tfx.lab.frame import Measured, Run
from tfx.measure.estimates import mean_with_error
from tfx.measure.verdicts import at_least, at_most, near
from tfx.models import DecoderOnly, Encoder
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.settings import setting
from tfx.train.toys import ToyRun, examine

QUESTION = "Does attention know the order of its tokens without positions?"
ORDER = 1
TITLE = "Outputs for tokens in another order, and places that a model learns to name"
CLAIM = (
    "Self-attention is called permutation invariant. It is equivariant: without positions outputs move with their "
    "tokens; and a causal mask breaks even that."
)
BREAK_IT = ("--set scheme=none", "--set mask=no")
HOST_ONLY = "Small models, trained in a second: nothing for a card."

#: Two outputs that differ by less, relative to their size, are the same but for rounding; by more than the second, not.
SAME, OTHER = 1e-10, 0.01
#: A model knows its place when it names at least this share of all places.
NAMED = 0.6
#: Rows of which the places are asked.
ASKED_ROWS = 200

BOTH_WAYS, CAUSAL = "both ways", "causal"


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(12, 5, 64, "tokens in a text")
    words: int = setting(6, 2, 64, "different words")
    width: int = setting(32, 4, 128, "numbers in a token, in 4 heads")
    layers: int = setting(2, 1, 4, "blocks")
    steps: int = setting(250, 1, 5000, "steps of training to name places")
    models: int = setting(3, 2, 20, "models for each row")
    scheme: str = setting(
        "sinusoidal", words=("sinusoidal", "learned", "rotary", "none"), about="the positions, where there are any"
    )
    mask: bool = setting(True, about="no leaves the causal mask out everywhere, to see which checks notice")

    def quick(self) -> Settings:
        """Fewer, smaller models and a third of the steps."""
        return replace(self, tokens=max(5, self.tokens * 2 // 3), layers=1, steps=max(1, self.steps * 2 // 5), models=2)

    def full(self) -> Settings:
        """Ten models, trained four times as long."""
        return replace(self, steps=4 * self.steps, models=10)

    def check(self) -> None:
        """Raises BadInput for a width that four heads cannot share in pairs."""
        from tfx.settings import require_divisor

        require_divisor("8 (pairs in 4 heads)", 8, "width", self.width)

    def bytes_needed(self) -> float:
        """One model with its optimiser, and the activations of a batch."""
        return 8.0 * (
            60 * self.layers * self.width**2 + 40 * self.layers * ASKED_ROWS * self.tokens * (self.width + self.tokens)
        )


COLUMNS = (
    Column("attention", "attention"),
    Column("positions", "positions"),
    Column("reordered", "off from reordered", digits=1),
    Column("pooled", "mean output moves by", digits=1),
    Column("named", "places named", digits=3),
    Column("kept", "off from unmoved", digits=2, detail=True),
    Column("named_se", "standard error", digits=1, detail=True),
)


@dataclass(frozen=True)
class WhichPlace(PlacesToy):
    """Every place is asked for its own number.  The first holds a mark, token 0; the others hold random words."""

    kind: ClassVar[Kind] = "label"
    tokens: int
    words: int

    @property
    def n_tokens(self) -> int:
        return max(1 + self.words, self.tokens)  # a decoder names places by tokens

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, T)."""
        ids = 1 + rng.integers(self.words, size=(n, self.tokens))
        ids[:, 0] = 0
        places = np.broadcast_to(np.arange(self.tokens), ids.shape)
        return Places(ids, places, np.ones(ids.shape, dtype=bool))


def rows(run: Run[Settings]) -> Measured:
    """Both kinds of attention, without positions and with them."""
    ways = [(attention, scheme) for scheme in ("none", "given") for attention in (BOTH_WAYS, CAUSAL)]
    for attention, positions in run.over(ways, "{0[0]}, positions {0[1]}"):
        scheme = run.settings.scheme if positions == "given" else "none"
        with blas_threads(1):  # small products: a second thread is only waited for
            yield {"attention": attention, "positions": scheme, **measure_way(run, attention, scheme)}


def measure_way(run: Run[Settings], attention: str, scheme: str) -> dict[str, Any]:
    """One way: random models on reordered texts; and trained ones that name places."""
    settings, named, moves = run.settings, [], []
    toy = WhichPlace(settings.tokens, settings.words)
    for number in range(settings.models):
        run.saying(f"{attention}, positions {scheme}: model {number + 1} of {settings.models}")(number, settings.models)
        seed = int(run.generator(number).integers(2**31))
        rng = run.generator(number, 1)
        moves.append(reorder(make(settings, attention, scheme, seed), toy, rng))
        named.append(trained_to_name(settings, attention, scheme, seed))
    right, mean = np.concatenate(named), np.array(moves).mean(axis=0).tolist()
    share, error = mean_with_error(right.mean(axis=1))
    return {
        **dict(zip(("reordered", "kept", "pooled"), mean, strict=True)),
        "named": share,
        "named_se": error,
        "by_place": right.mean(axis=0).tolist(),
    }


def trained_to_name(settings: Settings, attention: str, scheme: str, seed: int) -> np.ndarray:
    """-> (ASKED_ROWS, T) booleans: the places that a trained model names right, in each of so many new texts."""
    toy, model = WhichPlace(settings.tokens, settings.words), make(settings, attention, scheme, seed)
    for _ in ToyRun(toy, model, settings.steps, seed, batch=32).train():
        pass
    drawn = toy.draw(ASKED_ROWS, np.random.default_rng((seed, 0)))
    right: np.ndarray = examine(model, drawn).logits.argmax(axis=-1) == drawn.targets
    return right


def make(settings: Settings, attention: str, scheme: str, seed: int) -> Any:
    """A fresh Encoder, which sees all, or DecoderOnly, which sees what came before."""
    kind = DecoderOnly if attention == CAUSAL and settings.mask else Encoder
    return kind(
        WhichPlace(settings.tokens, settings.words).n_tokens,
        d_model=settings.width,
        n_heads=4,
        d_ff=2 * settings.width,
        n_layers=settings.layers,
        max_len=settings.tokens,
        positions=scheme,
        activation="relu",
        tied=False,
        seed=seed,
        dtype="float64",  # so that another machine trains the same model
    )


def reorder(model: Any, toy: WhichPlace, rng: np.random.Generator) -> tuple[float, float, float]:
    """-> |f(PX) - P f(X)|, |f(PX) - f(X)| and how far the mean output moves, relative to the size of what is there."""
    ids, order = toy.draw(4, rng).ids, rng.permutation(toy.tokens)
    before, after = (to_numpy(model.encode(each)[0]) for each in (ids, ids[:, order]))
    mean = before.mean(axis=1)

    def share(difference: np.ndarray, whole: np.ndarray) -> float:
        return float(np.linalg.norm(difference) / np.linalg.norm(whole))

    return (
        share(after - before[:, order], before),
        share(after - before, before),
        share(after.mean(axis=1) - mean, mean),
    )


# Judging


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    plain, causal, placed, _ = run.rows
    chance = 2 / run.settings.tokens
    return (
        at_most(
            "equivariant", "both ways, no positions: outputs are reordered as the tokens are", SAME, plain["reordered"]
        ),
        at_least("not-invariant", "... and differ from what they were, place by place", OTHER, plain["kept"]),
        at_most("pooled", "... so that their mean is the same for both orders", SAME, plain["pooled"]),
        at_least("mask", "a causal mask alone tells orders apart: the mean moves by", OTHER, causal["pooled"]),
        at_least("positions", "positions alone tell orders apart: the mean moves by", OTHER, placed["pooled"]),
        near(
            "chance",
            "trained, both ways, no positions: 2 places of a text are named right",
            chance,
            plain["named"],
            plain["named_se"],
        ),
        at_least("place-from-mask", "trained, causal, no positions: share of places named", NAMED, causal["named"]),
        at_least("place-given", "trained, both ways, with positions: share of places named", NAMED, placed["named"]),
    )


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"Each of {run.settings.tokens} tokens says its place, the first is marked. Of how many is a model without "
        "positions or mask right?"
    )


def question(run: Run[Settings]) -> Question:
    tokens, plain, causal = run.settings.tokens, run.rows[0], run.rows[1]
    explanation = (
        f"It knows the mark and guesses 1 of the others right. With a causal mask it is {tokens * causal['named']:.1f}."
    )
    return Question(prompt(run), tokens * plain["named"], 0.15, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    plain, causal = run.rows[:2]
    tells = "still tells orders apart" if run.settings.mask else "was left out"
    return (
        Text(
            f"Not invariant, equivariant: outputs move with their tokens (off by {plain['reordered']:.0e}), the mean "
            f"stays. A causal mask {tells}: trained without positions, {causal['named']:.0%} of places are named, both "
            f"ways {plain['named']:.0%}."
        ),
        Text(
            "Invariance needs a pooled read-out on top (Lee et al. 2019, section 3.2). Place by place the outputs "
            f"differ by {plain['kept']:.0%} of their size, because another token stands there."
        ),
        Text(
            "Under a causal mask the first token sees one key and the last all of them, and the share that falls on "
            "the mark tells how many (Haviv et al. 2022). So encoders need positions, and decoders can do without; "
            "whether they do as well is another question."
        ),
    )


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    plain, causal, placed, _ = run.rows
    places = list(range(1, run.settings.tokens + 1))
    guess = 1 / (run.settings.tokens - 1)
    return (
        Plot(
            f"Without positions {causal['named']:.0%} of places are named under a causal mask, {plain['named']:.0%} "
            "without a mask",
            "place in the text",
            "share of texts in which it is named",
            (
                Series("no positions, both ways", places, plain["by_place"]),
                Series("no positions, causal", places, causal["by_place"]),
                Series(f"{placed['positions']}, both ways", places, placed["by_place"]),
                Series("no order: the mark, and a guess", places, [1.0] + [guess] * (len(places) - 1), kind="line"),
            ),
        ),
    )
