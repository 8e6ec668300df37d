"""Claims about how a text is written: temperature, beams, top-k, all at once, one after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfx.claims.claim import Evidence, Trial, claim, contradicts, supports
from tfx.generate import WholePass, beam_search, greedy, speculative_sample
from tfx.lab.generation.greedy_vs_beam import HAND_MADE, log_p_of_beam
from tfx.lab.generation.random_trees import START, Tree, reader_of_tree
from tfx.measure.exposure_bias import exposure
from tfx.measure.verdicts import at_least, at_most, exactly, smallest, within

SECTION = "Decoding"

#: Two beginnings with B push out the one with A that greedy decoding keeps, and then lead nowhere.
PUSHED_OUT = Tree(
    3,
    tuple(
        np.log(np.array(rows))
        for rows in (
            [[0.4, 0.35, 0.25]],
            [[0.34, 0.33, 0.33], [0.499, 0.499, 0.002], [1 / 3, 1 / 3, 1 / 3]],
            [[0.98, 0.01, 0.01], *[[1 / 3, 1 / 3, 1 / 3]] * 8],
        )
    ),
)


#: Of an entropy in float64: a rise that is larger is one.
ROUNDING = 1e-9


class Counting(WholePass):
    """A reader of random scores that counts how often it is asked."""

    passes = 0

    def read(self, ids: np.ndarray, n_last: int | None = None) -> np.ndarray:
        self.passes += 1
        return super().read(ids, n_last)


def counting(trial: Trial, words: int = 8) -> Counting:
    table = trial.generator(words).standard_normal((words, words))
    return Counting(lambda ids, padding: table[ids], window=1)


def shaped(trial: Trial) -> list[dict[str, Any]]:
    return trial.rows("sampling-entropy", draws=40)


@claim(
    "C270", "A higher temperature makes a text more diverse, a lower one more predictable.", where="D1:672",
    verdict="holds", experiment="sampling-entropy",
    paper="Ackley et al. 1985, A Learning Algorithm for Boltzmann Machines",
    why="the entropy of the next token rises with the temperature, for any scores; the likeliest token stays the same.",
)  # fmt: skip
def temperature_and_entropy(trial: Trial) -> Evidence:
    warm = [row for row in shaped(trial) if row["kind"] == "temperature"]
    entropy = [row["entropy_sharp"] for row in warm]
    words = f"smallest rise of entropy from one temperature to the next, {warm[0]['value']:g} to {warm[-1]['value']:g}"
    yield supports(at_least("rises", words + ", nats", ROUNDING, smallest(np.diff(entropy))))
    yield exactly(
        "same-first", "distributions whose likeliest token changes", 0, sum(row["moved_sharp"] for row in warm)
    )


@claim(
    "C271", "Beam search finds better texts than greedy decoding.", where="D1:675", verdict="holds when",
    experiment="greedy-vs-beam", paper="Graves 2012, Sequence Transduction, section 2.4",
    why="more probable on average is meant. In single models a beam finds a less probable text, and more probable is "
    "not better: with an end token the widest beams write the shortest texts.",
)  # fmt: skip
def beams(trial: Trial) -> Evidence:
    one, wide = trial.rows("greedy-vs-beam", models=160, widths=(1, 8))
    gained = wide["ahead"] - 3 * wide["ahead_se"]
    yield supports(
        at_least("more", "best text found, beam of 8 less greedy: percent of models, less 3 s.e.", 5.0, gained)
    )
    ratio = np.exp(log_p_of_beam(PUSHED_OUT, 2) - log_p_of_beam(PUSHED_OUT, 1))
    words = "probability of the text of a beam of 2 over greedy's, in a model made by hand"
    yield contradicts(at_most("worse", words, 0.5, float(ratio)))
    yield at_most("shorter", "words of a beam of 8 over greedy's, with an end", 0.9, wide["words"] / one["words"])


@claim(
    "C272", "Top-k sampling limits the risk that comes from the tail.", where="D1:711", verdict="holds when",
    experiment="sampling-entropy", paper="Holtzman et al. 2020, section 3.1",
    why="the distribution is sharp. Of a nearly flat one the same k cuts off most of the probability, good tokens with "
    "it: k is a number of tokens and not a share.",
)  # fmt: skip
def tail(trial: Trial) -> Evidence:
    row = next(row for row in shaped(trial) if row["kind"] == "top-k")
    cut = {kind: 1 - row[f"kept_{kind}"] / 100 for kind in ("flat", "sharp")}
    words = "share of a sharp distribution that the top 40 of 1,000 leave out"
    yield supports(at_most("sharp", words, 0.3, cut["sharp"]))
    yield contradicts(at_least("flat", "... of a nearly flat one", 0.7, cut["flat"]))


@claim(
    "C274", "Models that write all tokens at once are faster but less fluent.", where="D4:89 D4:91",
    verdict="holds when", experiment="non-autoregressive",
    paper="Gu et al. 2018, Non-Autoregressive Neural Machine Translation",
    why="several answers are right: independent tokens mix them, 2^(1 - n) of the texts are whole. With one right "
    "answer nothing is lost.",
)  # fmt: skip
def all_at_once(trial: Trial) -> Evidence:
    last = trial.rows("non-autoregressive", lengths=(2, 4), steps=30)[-1]
    yield supports(within("mixed", "valid texts of 4 tokens, two right answers, percent", 12.5, last["at_once"], 2.0))
    yield contradicts(at_least("one-answer", "... one right answer", 90.0, last["one_answer"]))
    yield at_least("one-by-one", "... two right answers, one token after another", 90.0, last["in_turn"])


@claim(
    "C275", "A text is written by taking the most probable token, or a drawn one.", where="D0:1538 D0:4282",
    verdict="holds when", experiment="greedy-vs-beam",
    why="it says how each token is chosen. The text of the most probable tokens is not the most probable text.",
)  # fmt: skip
def arg_max(trial: Trial) -> Evidence:
    reader = counting(trial)
    written = greedy(reader, [0], 12)
    reader.begin(1)
    likeliest = reader.read(np.array([[0, *written[:-1]]]))[0].argmax(axis=-1)
    yield supports(
        exactly(
            "each",
            "of 12 tokens that greedy decoding writes, the likeliest ones",
            12,
            int((written == likeliest).sum()),
        )
    )
    taken = tuple(greedy(reader_of_tree(HAND_MADE), [START], 2))
    best = beam_search(reader_of_tree(HAND_MADE), [START], 2, 3)[0]
    words = "probability of its text over the best one's, in a model made by hand"
    ratio = np.exp(log_p_of_beam(HAND_MADE, 1) - best.log_probability)
    yield contradicts(at_most("text", words, 0.9, float(ratio)))
    yield exactly("other", "first tokens that the two texts share", 0, int(taken[0] == best.ids[0]))


@claim(
    "C276", "Early mistakes compound in a text that is written token by token.", where="D0:2958 D0:2960",
    verdict="holds", experiment="exposure-bias", paper="Bengio et al. 2015, Scheduled Sampling, section 2",
    why="where each token rests on the one before, (1 - e)^t of the texts are still right after t tokens with an error "
    "of e, and no mistake heals but by chance.",
)  # fmt: skip
def mistakes(trial: Trial, words: int = 300, wrong: int = 15, length: int = 21) -> Evidence:
    texts = (np.arange(words)[:, None] + np.arange(length)) % words
    free, forced = np.mean([right_at_the_end(trial.generator(table), texts, wrong) for table in range(4)], axis=0)
    law = (1 - wrong / words) ** (length - 1)
    yield supports(within("free", f"right after {length - 1} tokens of its own", law, float(free), 0.15))
    yield within("forced", "... and with the truth before it", 1 - wrong / words, float(forced), 1e-9)


def right_at_the_end(rng: np.random.Generator, texts: np.ndarray, wrong: int) -> tuple[float, float]:
    """A model that counts on by one, but for some words: the share of texts whose last word is right, when it reads
    what it wrote and when it reads the truth."""
    words = len(texts)
    follows = (np.arange(words) + 1) % words
    where = rng.permutation(words)[:wrong]
    follows[where] = (where + words // 2) % words
    reader = WholePass(lambda ids, padding: np.eye(words, dtype="float32")[follows[ids]], window=1)
    found = exposure(reader, texts, 1)
    return float(found.free_running[-1]), float(found.teacher_forced[-1])


@claim(
    "C277", "Writing is sequential.", where="D0:1552 D2:402", verdict="holds", experiment="speculative",
    paper="Leviathan et al. 2023, Fast Inference from Transformers via Speculative Decoding",
    why="each token waits for the one before it: one pass a token. A draft that is verified saves passes of the large "
    "model, and waits for itself as often.",
)  # fmt: skip
def sequential(trial: Trial, n: int = 40) -> Evidence:
    alone, target, draft = (counting(trial) for _ in range(3))
    greedy(alone, [0], n)
    yield supports(exactly("passes", f"passes for {n} tokens", n, alone.passes))
    speculative_sample(target, draft, [0], n, int(trial.generator(2).integers(2**31)), 3)
    yield at_most("verified", "passes of the target when a draft that is its equal writes ahead", n / 2, target.passes)
    yield at_least("drafted", "... of the draft", 0.7 * n, draft.passes)
