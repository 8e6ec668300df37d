"""Why attention at all: what a recurrent network does with a sentence, its two troubles, and the other way to read."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Check, Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.lab.attention.hand_set_pronoun import find_referent
from tfx.lab.sequences.sequence_layers import Recurrent, gradient_by_distance
from tfx.lab.sequences.state_memory import read_back
from tfx.ops.attention.attend import attend_forward
from tfx.ops.recurrence.rnn import rnn_forward

DEFAULT_TEXT = "the animal did not cross the street because it was too tired"
WORDS, LENGTH, SENTENCES, BACK = 10, 24, 4000, (0, 1, 4, 16)


@dataclass(frozen=True)
class Settings:
    width: int = setting(16, 4, 128, "numbers in a word's vector, and in the RNN's state")
    radius: float = setting(0.9, 0.1, 1.5, "size of the largest eigenvalue of W_h")


class Run:
    """x: (T, C), a random vector for each different word of the sentence, and a random recurrent layer for them."""

    def __init__(self, request: Request) -> None:
        self.words = read_words(request.text, DEFAULT_TEXT)
        self.names, self.width, self.radius = labels(self.words), request.settings.width, request.settings.radius
        rng = np.random.default_rng(request.seed)
        self.rnn = Recurrent.random(rng, self.width, self.radius)
        vectors = {word: rng.standard_normal(self.width) for word in dict.fromkeys(self.words)}
        self.x = np.stack([vectors[word] for word in self.words])


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("A sentence becomes a row of vectors")
def a_row_of_vectors(run: Run) -> Iterator[Shown]:
    tokens, width = run.x.shape
    twice = next((word for word in run.words if run.words.count(word) > 1), run.words[0])
    same = [i for i, word in enumerate(run.words) if word == twice]
    repeated = f'"{twice}" stands here {len(same)} times, with the same vector each time.' if len(same) > 1 else "A word that came twice would have the same vector both times."  # fmt: skip
    yield "A network computes with numbers, so every word becomes a vector, a row of numbers. Here they are random; training brings words of similar use together."
    yield matrix("X, the first numbers of each word", run.x[:, :6], "word, number", run.names, focus=sorted({*range(min(tokens, 3)), *same[1:2]}))  # fmt: skip
    yield f"T = {tokens} words, C = {width} numbers each: X is a T x C matrix. A word is one token here; many models cut words into pieces, and then each piece is a token. {repeated} A vector says which word it is, not where it stands or what is around it. To read is to change that: each vector must take in something of the others."
    if len(same) > 1:
        yield agree("same-word", "the same word has the same vector", np.ptp(run.x[same], axis=0), to=0)


@lesson.step("A recurrent network reads one word after the other")
def one_after_the_other(run: Run) -> Iterator[Shown]:
    h, cache = run.rnn.forward(run.x[None])
    from_word, from_state = float(run.x[1] @ run.rnn.w_x[:, 0]), float(h[0, 0] @ run.rnn.w_h[:, 0])
    yield "A recurrent network (RNN) keeps what it has read in one vector, the state h. Matrices W_x and W_h mix in each word; tanh keeps numbers between -1 and 1."
    yield formula("h_t = tanh(x_t W_x + h_{t-1} W_h)", "x_t: word t, h_0 = 0, matrices random")
    yield matrix("the state h after each word, its first numbers", h[0, :, :6], "after, number", run.names, focus=range(min(len(h[0]), 2)))  # fmt: skip
    yield f'By hand, number 1 after "{run.words[1]}": tanh({from_word:.3f} from the word + {from_state:.3f} from the state before) = {math.tanh(from_word + from_state):.3f}. So every state waits for the one before it: {len(run.words)} words, {len(cache.time.steps)} steps in a row, however many cores there are. That is the first trouble.'
    yield agree("by-hand", "the second state, by hand", math.tanh(from_word + from_state), float(h[0, 1, 0]))
    yield exactly("steps", "steps that wait for each other", len(run.words), len(cache.time.steps))
    yield Source("Elman", 1990, "Finding Structure in Time")
    yield rnn_forward


@lesson.step("The second trouble: one vector for everything")
def one_vector(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    named = read_back(run.rnn, rng.standard_normal((WORDS, run.width)), LENGTH, rng, SENTENCES)
    yield f"The state has {run.width} numbers after 3 words and after 3,000. Are the words still in them? A test: from the last state of random sentences ({LENGTH} words, {WORDS} different) a matrix, fitted on half of {SENTENCES:,}, names the word k before the last."
    yield table("words named right, on the other half", [{"k": k, "right": 100 * named[k]} for k in BACK], k="k", right="right [%] :2")  # fmt: skip
    yield f"Guessing gives {1 / WORDS:.0%}: the early words are gone. This RNN is random; a trained one keeps what its task needs, but in {run.width} numbers."
    yield Said("An RNN only remembers the last word.", "too strong", f"The one before is named right in {named[1]:.0%}; older ones fade.")  # fmt: skip
    yield at_least("near", "the last word is named more often than by guessing", 2 / WORDS, float(named[0]))
    yield at_most("far", f"a word {BACK[-1]} back is named hardly more often", 2 / WORDS, float(named[BACK[-1]]))
    yield read_back
    yield Try.here(width=min(128, 4 * run.width))


@lesson.step("Learning goes back the same way: it fades or explodes")
def fading(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    x, directions, radii = 1e-8 * rng.standard_normal((1, 41, run.width)), int(rng.integers(2**32)), (0.7, 1.0, 1.3)
    sizes = [gradient_by_distance(run.rnn.stretched(radius), x, np.random.default_rng(directions)) for radius in radii]
    fades, keeps, grows = (size[40] / size[0] for size in sizes)
    rows = [{"k": k} | {f"r{i}": size[k] / size[0] for i, size in enumerate(sizes)} for k in (1, 10, 40)]
    yield "Move an early word a little: how far does the last state move? Learning lives on that gradient. Each word in between multiplies it by W_h, and powers of a matrix grow or shrink, in the long run, like those of one number: its radius, the size of its largest eigenvalue."
    yield question(f"Multiply 1 by {run.radius:g} at each of 20 steps: what is left?", run.radius**20, f"{run.radius:g} to the power 20.")  # fmt: skip
    yield table("gradient k words back, relative to the last, for three radii of W_h", rows, k="k", r0="radius 0.7 :2", r1="radius 1 :2", r2="radius 1.3 :2")  # fmt: skip
    yield "Below 1 it fades, above 1 it explodes. (Inputs are near 0 here, where tanh is straight; elsewhere it can only shrink it.)"
    holds = bool(fades < 1e-3 < keeps < 1e3 < grows)
    yield Check("powers", "40 words back: radius 0.7 fades, 1.3 explodes", "below 1e-3, above 1e3", f"{fades:.1e}, {grows:.1e}", "and radius 1 between them", holds)  # fmt: skip


@lesson.step("The other way: every word looks at all words at once")
def all_at_once(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    it = find_referent(run.words, 5.0, rng)
    weights, asker, mixed = it.second, run.names[it.asker], it.second @ run.x
    top, shown = int(weights.argmax()), np.sort(np.argsort(-weights, kind="stable")[:12])
    rest = "" if len(shown) == len(weights) else f"The {len(shown)} largest of {len(weights)} weights."
    found = "come from rules set by hand" if it.quality else "are random: no other word names a quality that this lesson knows"  # fmt: skip
    yield "Attention keeps a vector for every word. Each word takes home a weighted average of all the vectors (no weight is negative, their sum is 1): much of the words that matter to it, little of the others. No word waits for another."
    yield matrix(f'the weights of "{asker}"', weights[shown], "asks, word", (asker,), [run.names[i] for i in shown], rest)  # fmt: skip
    yield f'By hand, number 1 of what "{asker}" takes home: {weights[top]:.3f} * {run.x[top, 0]:.3f} from "{run.names[top]}" + {mixed[0] - weights[top] * run.x[top, 0]:.3f} from all others = {mixed[0]:.3f}. The weights {found}; how a network computes them is the next topic.'
    yield "It has a price, measured later: work and memory grow with the square of the length, many words must share the weight, and the order of the words must be added."
    yield agree("sum", "the weights sum to 1", float(weights.sum()), 1.0)
    yield agree("average", "the library takes the same average", attend_forward(it.scores[None], run.x)[0][0], mixed)
    yield See("attention-intuition")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "An RNN reads one word after the other into one vector of fixed size. So its steps cannot run side by side, what it read first is overwritten, and on the way back the gradient is multiplied once for every word: it fades or explodes."
    yield "Attention lets every word read every other directly, all at once. The price is work and memory that grow with the square of the length."
    yield Try("tfx quiz why-not-rnn")
