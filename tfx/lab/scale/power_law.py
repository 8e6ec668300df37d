"""Does the loss of models that are really trained fall like a power of their size, and how sure is the exponent?

    loss = floor + a N^-alpha          N parameters; the floor is what no model can get below

Small decoders of growing width learn texts whose entropy is known (tfx/lab/scale/markov_texts.py), so the floor needs
no fit, and what is above it is measured exactly: how far the model's next token is from the true chances at each place.
A straight line in the logarithms then gives the exponent and its interval, over all models of all seeds.
Sources: Kaplan et al. 2020, "Scaling Laws for Neural Language Models", equation 1.1; Hoffmann et al. 2022, equation 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from tfx.lab.frame import Measured, Run
from tfx.lab.scale.kaplan import KAPLAN_N, kaplan_loss
from tfx.lab.scale.markov_texts import MarkovTexts
from tfx.measure.estimates import mean_with_error
from tfx.measure.power_laws import PowerLaw, fit_power_law
from tfx.measure.seeds import generator
from tfx.measure.verdicts import at_least, at_most, near, within
from tfx.models import DecoderOnly
from tfx.ops.basics.softmax import softmax_forward
from tfx.optim import AdamW
from tfx.records import Check, Column, Plot, Question, Series, Text
from tfx.schedule import warmup_cosine
from tfx.settings import setting
from tfx.train import train
from tfx.train.losses import next_token_loss

QUESTION = "Does the loss of trained models fall like a power of their size?"
TITLE = "Models of growing width learn texts whose entropy is known"
CLAIM = (
    "The loss of a language model falls like a power of its number of parameters, down to a floor, where neither data "
    "nor training is short."
)
HOST_ONLY = "These models have a few thousand numbers: a card would wait for the host."
BREAK_IT = ("--set strength=0.01",)

LENGTH, PEAK = 17, 0.01
#: Texts that judge a model, and texts whose mean surprise is compared with the entropy.
JUDGED, COUNTED = 64, 400
#: An exponent counts from here on.
SMALLEST = 0.01
#: What `tfx experiment power-law --quick` measures from seed 0: parameters, and nats above the floor.  The models take
#: ten seconds; a lesson reads them here.
RECORDED = ((378, 0.858), (756, 0.626), (1704, 0.373), (4368, 0.204))
RECORDED_FLOOR = 3.208


@dataclass(frozen=True)
class Settings:
    widths: tuple[int, ...] = setting((2, 3, 4, 6, 8, 12, 16), 1, 128, "widths of the models", at_least=3)
    vocab: int = setting(64, 4, 512, "different tokens")
    strength: float = setting(1.5, 0.01, 5.0, "how much the next token depends on the last")
    decay: float = setting(0.5, 0.0, 3.0, "how fast the parts of that dependence get less")
    steps: int = setting(400, 10, 50_000, "training steps")
    batch: int = setting(32, 1, 512, "texts in a batch, 16 tokens to predict in each")
    seeds: int = setting(3, 2, 50, "models of each width")

    def quick(self) -> Settings:
        """Half of the widths, fewer steps and models."""
        widths = tuple(sorted(set(self.widths)))
        return replace(self, widths=widths[::2], steps=min(self.steps, 200), seeds=min(self.seeds, 2))

    def full(self) -> Settings:
        return replace(self, widths=(2, 3, 4, 6, 8, 12, 16, 24, 32), steps=3000, seeds=5)

    def bytes_needed(self) -> float:
        """The tables of the texts, and what a batch leaves in the widest model."""
        places = max(self.batch, COUNTED) * LENGTH
        return 8.0 * (6 * self.vocab**2 + places * (6 * self.vocab + 40 * max(self.widths)))


COLUMNS = (
    Column("width", "width"),
    Column("parameters", "parameters"),
    Column("excess", "above the floor", "nats", digits=3),
    Column("excess_se", "standard error", digits=2),
    Column("loss", "loss", "nats", digits=4),
    Column("floor", "floor: the entropy", "nats", digits=4, detail=True),
    Column("surprise", "surprise of the true chances", "nats", digits=4, detail=True),
)


def rows(run: Run[Settings]) -> Measured:
    for width in run.over(sorted(set(run.settings.widths)), "width {}"):
        yield measure_row(run, width)


def measure_row(run: Run[Settings], width: int) -> dict[str, Any]:
    """All models of a width.  Model number i of every width reads the texts of language number i."""
    settings, found = run.settings, []
    for number in range(settings.seeds):
        run.saying(f"width {width}: model {number + 1} of {settings.seeds}")(number, settings.seeds)
        language = (settings.vocab, settings.strength, settings.decay, run.seed * settings.seeds + number)
        found.append(taught(width, language, settings.steps, settings.batch))
    excess, entropy, parameters = (list(column) for column in zip(*found, strict=True))
    mean, error = mean_with_error(np.array(excess))
    floor = float(np.mean(entropy))
    first = language_of(settings.vocab, settings.strength, settings.decay, run.seed * settings.seeds)
    surprise, surprise_se = true_surprise(first, run.generator(width))
    return {
        "width": width,
        "parameters": int(parameters[0]),
        "excess": mean,
        "excess_se": error,
        "loss": floor + mean,
        "floor": floor,
        "surprise": surprise,
        "surprise_se": surprise_se,
        "entropy": first.entropy,
        "each": excess,
        "each_loss": [a + b for a, b in zip(entropy, excess, strict=True)],
    }


def language_of(vocab: int, strength: float, decay: float, seed: int) -> MarkovTexts:
    return MarkovTexts(vocab, generator(seed, 0), strength, decay)


@lru_cache(maxsize=256)
def taught(width: int, language: tuple[int, float, float, int], steps: int, batch: int) -> tuple[float, float, int]:
    """-> what a trained model loses above the floor, the floor, and its number of parameters."""
    texts, seed = language_of(*language), language[-1]
    model = DecoderOnly(language[0], width, 1, 2 * width, 1, seed=seed, positions="none", tied=False)
    rate = partial(warmup_cosine, peak=PEAK, warmup=max(steps // 10, 1), total=steps)
    for _ in train(
        model, lambda rng: texts.draw(batch, LENGTH, rng), next_token_loss(), AdamW(model), rate, steps, seed=seed
    ):
        pass
    return divergence(model, texts, generator(seed, 1)), texts.entropy, model.n_parameters


def divergence(model: DecoderOnly, texts: MarkovTexts, rng: np.random.Generator) -> float:
    """sum_j P(j) log(P(j) / Q(j)) of the true next token and the model's, over all places of new texts."""
    ids = texts.draw(JUDGED, LENGTH, rng)[:, :-1]
    q, _ = softmax_forward(model.forward(ids)[0].astype("float64"))
    p = texts.table[ids]
    return float((p * np.log(p / q)).sum(axis=-1).mean())


def true_surprise(texts: MarkovTexts, rng: np.random.Generator) -> tuple[float, float]:
    """The mean of -log P(next) over new texts, and its standard error; texts do not depend on each other."""
    ids = texts.draw(COUNTED, LENGTH, rng)
    surprise = -np.log(texts.table[ids[:, :-1], ids[:, 1:]])
    return mean_with_error(surprise.mean(axis=1))


# Judging


def fitted(rows: Sequence[Any], key: str) -> PowerLaw:
    """To every model by itself."""
    n = [float(row["parameters"]) for row in rows for _ in row[key]]
    return fit_power_law(n, [float(value) for row in rows for value in row[key]])


def checks(run: Run[Settings]) -> tuple[Check, ...]:
    rows = run.rows
    above, whole, worst = fitted(rows, "each"), fitted(rows, "each_loss"), unlike(rows)
    sizes = np.geomspace(1e6, 1e10, 5)
    known = fit_power_law(list(sizes), [kaplan_loss(n, 1e40) for n in sizes])
    return (
        at_most("falls", "exponent of the loss above the floor, upper end of its 95% interval", -SMALLEST, above.high),
        near("floor", "mean surprise of the true chances in new texts: the entropy (worst row)", worst["entropy"],
             worst["surprise"], worst["surprise_se"]),
        at_least("hidden-by-floor", "with the floor left in, the exponent is closer to 0: their intervals are apart by",
                 0.0, whole.low - above.high),
        within("fit", "the same fit to points of the law of Kaplan et al.", -KAPLAN_N[1], known.exponent, 1e-6),
    )  # fmt: skip


def unlike(rows: Sequence[Any]) -> Any:
    """The row whose surprise is the most standard errors from the entropy, or one that is not a number."""
    apart = [abs(row["surprise"] - row["entropy"]) / row["surprise_se"] for row in rows]
    return rows[int(np.argmax(apart))]  # the first NaN, where there is one


# Saying


def prompt(run: Run[Settings]) -> str:
    return (
        f"Widths {min(run.settings.widths)} to {max(run.settings.widths)} learn texts of {run.settings.vocab} tokens. "
        "The loss above its floor falls like a power of the parameters: which one?"
    )


def question(run: Run[Settings]) -> Question:
    law = fitted(run.rows, "each")
    explanation = f"The 95% interval is {-law.high:.2f} to {-law.low:.2f}; it belongs to these texts and this training."
    return Question(prompt(run), -law.exponent, 0.25, explanation)


def notes(run: Run[Settings]) -> tuple[Text, ...]:
    above, whole = fitted(run.rows, "each"), fitted(run.rows, "each_loss")
    small, large = local_exponents(run.rows)
    return (
        Text(
            f"Above the floor the loss falls like N^{above.exponent:.2f} (95%: {above.low:.2f} to {above.high:.2f}). "
            f"With the floor left in, the same models show N^{whole.exponent:.2f}."
        ),
        Text(
            f"The interval covers scatter around a straight line, and not that the line may bend: between the two "
            f"smallest sizes the exponent is {small:.2f}, between the two largest {large:.2f}."
        ),
        Text(
            "The exponent belongs to the texts, the sizes and the training. Kaplan et al. 2020, equation 1.1, found "
            f"{KAPLAN_N[1]} for language, without a floor and without the parameters of the embedding, over many more "
            f"sizes; here it is a factor of {run.rows[-1]['parameters'] / run.rows[0]['parameters']:.0f}, with them."
        ),
        Text(
            "No model is trained to the end, and the rate is the same for all. A law of size alone needs both; "
            "--set steps says what more training changes."
        ),
    )


def local_exponents(rows: Sequence[Any]) -> tuple[float, float]:
    """Between the two smallest and the two largest models."""
    found = []
    for first, second in (rows[:2], rows[-2:]):
        found.append(
            float(np.log(second["excess"] / first["excess"]) / np.log(second["parameters"] / first["parameters"]))
        )
    return found[0], found[1]


def plots(run: Run[Settings]) -> tuple[Plot, ...]:
    above = fitted(run.rows, "each")
    n = [row["parameters"] for row in run.rows]
    return (
        Plot(
            f"Above the floor the loss falls like N^{above.exponent:.2f} (95%: {above.low:.2f} to {above.high:.2f})",
            "parameters (N)",
            "loss [nats]",
            (
                Series(
                    "above the floor",
                    n,
                    [row["excess"] for row in run.rows],
                    [row["excess_se"] for row in run.rows],
                ),
                Series("fitted power", n, [above.coefficient * x**above.exponent for x in n], kind="line"),
                Series("loss, with the floor", n, [row["loss"] for row in run.rows]),
            ),
            log_x=True,
            log_y=True,
        ),
    )
