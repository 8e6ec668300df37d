"""Claims about positions beyond the training length, and about schemes that see distances."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfx.blas_threads import blas_threads
from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.claims.heads import MOST_OF_ONE, named, texts, trained
from tfx.claims.position_codes import table
from tfx.data.toys.toy import ContinueToy, Places, Rng
from tfx.lab.attention.two_sources import FIRST, OFFSETS
from tfx.lab.position.length_extrapolation import (
    FAILS,
    HOLDS,
    LEARNED,
    MORE,
    Settings,
    beyond_the_table,
    lost_by_half_length,
)
from tfx.measure.verdicts import agree, at_least, at_most, exactly, largest, within
from tfx.models import DecoderOnly
from tfx.nn.position_scheme import Alibi
from tfx.nn.relative_bias import AlibiBias, RelativeBias
from tfx.ops.positions.alibi import alibi_slopes
from tfx.ops.positions.positions import sinusoidal_rotation
from tfx.ops.positions.rotary import rotary_forward, rotary_tables
from tfx.train.toys import ToyRun, examine

SECTION = "Positions"

VASWANI = "Vaswani et al. 2017, section 3.5"
PRESS = "Press et al. 2022, Train Short, Test Long"
SU = "Su et al. 2021, RoFormer, section 3.2"


def lost(trial: Trial) -> dict[str, dict[str, Any]]:
    """kind of positions -> what is lost inside the training length and beyond it, of a local task."""
    return {row["positions"]: row for row in trial.rows("length-extrapolation")}


@claim(
    "C083", "Sinusoids let a model handle sequences longer than those of training.", verdict="does not hold",
    where="D0:668 D0:703 D0:877 D0:3758 D0:3759 D2:78 D3:113", experiment="length-extrapolation",
    paper=PRESS + ", section 2",
    why="the codes are defined there, and the maps behind them have not met them: from just beyond the training length "
    "on the model does worse than a guess.",
)  # fmt: skip
def longer_by_sinusoids(trial: Trial) -> Evidence:
    row = lost(trial)["sinusoidal"]
    yield contradicts(
        at_least("rise", "share of what can be known that is lost beyond, more than inside", FAILS, row["rise"])
    )
    yield at_most("inside", "share lost inside the training length", LEARNED, row["inside"])


@claim(
    "C084", "Sinusoids go beyond the training length better than learned tables.", verdict="does not hold",
    where="D0:3861", experiment="length-extrapolation", paper=PRESS + ", section 2",
    why="both fail at once: 2 to 4 training lengths out each does as badly as a guess, or worse.",
)  # fmt: skip
def better_than_a_table(trial: Trial) -> Evidence:
    rows = lost(trial)
    yield contradicts(
        at_least("sinusoidal", "lost with sinusoids 2 to 4 lengths out (1: a guess)", 0.9, rows["sinusoidal"]["far"])
    )
    yield at_least("learned", "... with rows of a table that were never trained", 0.9, rows["learned"]["far"])


@claim(
    "C085", "Learned positions end at the training length.", verdict="holds", experiment="length-extrapolation",
    where="D0:674 D0:741 D0:878 D0:3775 D0:3891 D3:120",
    why="there is no row beyond the table, and rows that were there and never trained are noise.",
)  # fmt: skip
def table_ends(trial: Trial) -> Evidence:
    yield supports(exactly("refused", "a text one token longer than the table", "refused", beyond_the_table(16)))
    rise = lost(trial)["learned"]["rise"]
    yield supports(at_least("untrained", "what is lost more at rows that were never trained", FAILS, rise))


@claim(
    "C086", "Inside the training length learned tables do as well as sinusoids.", verdict="holds",
    where="D0:675 D0:3866", experiment="length-extrapolation", paper="Vaswani et al. 2017, section 6.2, table 3 (E)",
    why="what both lose of a local task differs by less than a tenth of what can be known.",
)  # fmt: skip
def inside_alike(trial: Trial) -> Evidence:
    rows = lost(trial)
    apart = rows["learned"]["inside"] - rows["sinusoidal"]["inside"]
    yield supports(within("inside", "lost with a learned table less lost with sinusoids", 0.0, apart, MORE))
    yield at_most("both", "lost with sinusoids", LEARNED, rows["sinusoidal"]["inside"])


def turned(x: np.ndarray, start: int) -> np.ndarray:
    """x: (T, D) at positions start, start + 1 ..."""
    return np.asarray(rotary_forward(x, *rotary_tables(np.arange(start, start + len(x)), x.shape[-1]))[0])


@claim(
    "C087", "RoPE turns queries and keys so that their score depends on their distance.", verdict="holds",
    where="D0:790 D1:617 D3:122 D3:123 D0:3786", paper=SU,
    why="exactly, and lengths stay as they are. Values are not turned.",
)  # fmt: skip
def by_distance(trial: Trial) -> Evidence:
    q, k = trial.generator(1).standard_normal((2, 9, 16))
    here, far = (turned(q, start) @ turned(k, start).T for start in (0, 10_000))
    yield supports(agree("moved", "scores less those 10,000 positions on", here, far, to=1e-9))
    other = turned(q, 5) @ turned(k, 0).T
    yield at_least("distance", "... less those at other distances", 0.1, float(abs(here - other).max()))
    yield agree(
        "lengths", "lengths of turned queries less those before", (turned(q, 7) ** 2).sum(-1), (q**2).sum(-1), to=1e-9
    )


@claim(
    "C089", "Rotary positions keep things linear, and fixed encodings do not.", verdict="does not hold",
    where="D1:617", experiment="sinusoids", paper=SU,
    why="a shift is a rotation of sinusoidal codes just as well. What differs is where it acts: on queries and keys in "
    "every layer, or on the input once.",
)  # fmt: skip
def both_rotate(trial: Trial) -> Evidence:
    moved, shift = table(16, 300, start=40), sinusoidal_rotation(40, 16)
    yield contradicts(
        agree(
            "fixed", "codes 40 positions on less one matrix times the codes", moved, table(16, 300) @ shift.T, to=1e-9
        )
    )
    x = trial.generator(2).standard_normal((9, 16))
    yield agree(
        "rotary",
        "what RoPE makes of a sum less the sum of what it makes",
        turned(2 * x + x[::-1], 3),
        2 * turned(x, 3) + turned(x[::-1], 3),
        to=1e-9,
    )


@claim(
    "C090", "ALiBi adds a bias to scores that is linear in the distance, and works beyond the training length.",
    verdict="holds when", where="D1:646 D0:791 D0:884 D0:3874", experiment="length-extrapolation",
    paper=PRESS + ", section 3",
    why="the task is local. The bias prefers the nearest keys whatever is asked for: to copy the token three back it "
    "does not learn in the time in which rotary positions do.",
)  # fmt: skip
def alibi(trial: Trial) -> Evidence:
    bias, _ = AlibiBias(4).forward(6, 6, 0, np.zeros(1))
    distance = abs(np.arange(6)[:, None] - np.arange(6))
    by_hand = -np.array(alibi_slopes(4))[:, None, None] * distance
    yield supports(agree("linear", "the bias less slope times distance", bias, by_hand))
    yield supports(
        at_most(
            "local", "share lost 2 to 4 lengths out more than inside, local task", HOLDS, lost(trial)["alibi"]["rise"]
        )
    )
    yield contradicts(
        at_most("offset", "share right, two heads, token three back", 0.6, copied(trial.seed, Alibi(causal=True)))
    )
    yield at_least("rotary", "... with rotary positions", 0.9, copied(trial.seed, "rotary"))


@dataclass(frozen=True)
class ThreeBack(ContinueToy):
    """Random texts; every place from the fourth on is asked for the token three back."""

    n_symbols: int = 6
    length: int = 12

    @property
    def n_tokens(self) -> int:
        return self.n_symbols

    def draw(self, n: int, rng: Rng, held_out: bool = False) -> Places:
        """ids: (n, length)."""
        ids = rng.integers(self.n_symbols, size=(n, self.length))
        return Places(ids, np.roll(ids, 3, axis=1), np.broadcast_to(np.arange(self.length) >= 3, ids.shape))


@functools.lru_cache(maxsize=8)
def copied(seed: int, positions: Any) -> float:
    """The share of places at which a trained decoder with two heads names the token three back."""
    toy = ThreeBack()
    model = DecoderOnly(
        toy.n_tokens, d_model=32, n_heads=2, d_ff=32, n_layers=1, max_len=toy.length, positions=positions, tied=False,
        seed=seed, dtype="float64",
    )  # fmt: skip
    with blas_threads(1):
        for _ in ToyRun(toy, model, 120, seed, learning_rate=0.015, batch=32).train():
            pass
    return examine(model, toy.draw(200, np.random.default_rng((seed, 0)))).accuracy


@claim(
    "C094", "A head can learn to attend at a fixed distance back.", verdict="holds", where="D0:3754",
    experiment="rank-bottleneck",
    why="inside the training length: of two heads one looks one back and the other three back.",
)  # fmt: skip
def fixed_number_back(trial: Trial) -> Evidence:
    what = "share of places at which both tokens are named, above what one head can"
    yield supports(at_least("named", what, MOST_OF_ONE, named(trial, 2)))
    weights = trained(trial.seed, 2).forward(texts(trial))[1].attention.attention.weights.mean(axis=0)
    for back in OFFSETS:
        most = largest(float(np.diagonal(head, -back)[FIRST - back :].mean()) for head in weights)
        yield supports(at_least(f"back-{back}", f"mean weight of a head on the token {back} back", 0.5, most))


@claim(
    "C101", "Relative schemes change scores by distances.", verdict="holds", where="D0:680 D0:885 D0:3779 D1:638",
    paper="Raffel et al. 2020, section 2.1; " + PRESS + ", section 3",
    why="the bias of a pair is the same wherever the pair stands, and with keys before it. Sinusoids are added to the "
    "tokens instead, and their scores know places.",
)  # fmt: skip
def by_distances(trial: Trial) -> Evidence:
    for name, layer in (("t5", RelativeBias(2, trial.generator(3), dtype="float64")), ("alibi", AlibiBias(2))):
        bias, _ = layer.forward(8, 8, 0, np.zeros(1))
        yield supports(
            agree(
                name, f"bias of a pair less that of the pair one place on, {name}", bias[:, 1:, 1:], bias[:, :-1, :-1]
            )
        )
    x, maps = trial.generator(4).standard_normal((8, 16)), trial.generator(5).standard_normal((2, 16, 16)) / 4
    here, on = ((x + table(16, 8, start)) @ maps[0] @ maps[1].T @ (x + table(16, 8, start)).T for start in (0, 5))
    yield at_least(
        "added", "scores with sinusoids less those of the same tokens five places on", 0.1, float(abs(here - on).max())
    )


@claim(
    "C102", "On long sequences relative positions do better.", verdict="holds when",
    where="D0:681 D0:852 D0:3781", experiment="length-extrapolation", paper=PRESS + ", section 2",
    why="it is ALiBi and a local task, or just beyond the training length. Farther out rotary positions lose as well, "
    "though less than sinusoids.",
)  # fmt: skip
def relative_better(trial: Trial) -> Evidence:
    rows = lost(trial)
    gain = rows["sinusoidal"]["far"] - rows["alibi"]["far"]
    yield supports(at_least("alibi", "lost 2 to 4 lengths out with sinusoids, more than with ALiBi", FAILS, gain))
    yield contradicts(
        at_least("rotary", "lost there with rotary positions, more than inside", MORE, rows["rotary"]["rise"])
    )
    near_gain = rows["sinusoidal"]["near"] - rows["rotary"]["near"]
    yield at_least("near", "lost just beyond with sinusoids, more than with rotary positions", MORE, near_gain)


@claim(
    "C104", "Positional encodings should let a model take unseen lengths, and do.", verdict="does not hold",
    where="D0:775 D0:837", experiment="length-extrapolation", paper=PRESS + ", section 2",
    why="they should, and of four kinds one does on a local task.",
)  # fmt: skip
def unseen_lengths(trial: Trial) -> Evidence:
    rows = lost(trial)
    for name in ("sinusoidal", "learned"):
        yield contradicts(
            at_least(name, f"lost 2 to 4 lengths out more than inside: {name}", FAILS, rows[name]["rise"])
        )
    yield at_most("alibi", "... ALiBi", HOLDS, rows["alibi"]["rise"])


@functools.lru_cache(maxsize=8)
def rise(seed: int, positions: str) -> float:
    """What a model with such positions loses of the local task 2 to 4 training lengths out, more than inside."""
    with blas_threads(1):
        halves = lost_by_half_length(Settings().quick(), positions, seed)
    return float(halves[4:].mean() - halves[:2].mean())


@claim(
    "C105", "Positions that are a learned function of the distance generalise better to new lengths.",
    verdict="holds when", where="D1:703", experiment="length-extrapolation",
    paper="Liu et al. 2022, Swin Transformer V2, section 3.3",
    why="the function is a small network and the task local, as measured here in one block: it loses nothing at four "
    "times the length. A learned number for each bucket of distances, as in T5, loses. Nothing follows for images at "
    "scale.",
)  # fmt: skip
def learned_functions(trial: Trial) -> Evidence:
    yield supports(
        at_most(
            "network",
            "lost 2 to 4 lengths out more than inside: a network of the distance",
            HOLDS,
            rise(trial.seed, "dynamic"),
        )
    )
    yield supports(at_least("sinusoidal", "... sinusoids", FAILS, rise(trial.seed, "sinusoidal")))
    yield contradicts(at_least("buckets", "... a number for each bucket", HOLDS, rise(trial.seed, "relative")))
