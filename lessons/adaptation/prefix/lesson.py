"""Prefix and prompt tuning: learned vectors in front of a frozen model, what they can change, and what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training.task_switch import FIRST, LAST, LENGTH, SYMBOLS, switched
from tfx.models import DecoderOnly
from tfx.models.gpt import GPT2_SMALL
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward
from tfx.tuning import add_prefixes, add_prompt

TOKENS, WIDTH, STEPS, TUNING, ASKED, BOTH = 5, 8, 150, 50, 400, (FIRST, LAST)


@dataclass(frozen=True)
class Settings:
    length: int = setting(4, 3, 8, "learned pairs of keys and values in front, in each attention")


class Run:
    """q, k, v: (TOKENS, WIDTH) of one head; prefix_k, prefix_v: (length, WIDTH).  weights: with the prefix in front."""

    def __init__(self, request: Request) -> None:
        self.length, self.seed = request.settings.length, request.seed
        rng = np.random.default_rng(request.seed)
        self.q, self.k, self.v = rng.standard_normal((3, TOKENS, WIDTH))
        self.prefix_k, self.prefix_v = rng.standard_normal((2, self.length, WIDTH))
        self.mask = causal_mask(TOKENS)
        self.plain, cache = attention_forward(self.q, self.k, self.v, self.mask)
        self.plain_weights = cache.weights
        wide = np.concatenate((np.ones((TOKENS, self.length), bool), self.mask), axis=1)
        self.out, cache = attention_forward(self.q, np.concatenate((self.prefix_k, self.k)), np.concatenate((self.prefix_v, self.v)), wide)  # fmt: skip
        self.weights = cache.weights

    def switched(self, wanted: int, signs: tuple[int, ...], steps: int) -> tuple[float, float]:
        with blas_threads(1):
            return switched(wanted, self.length, signs, steps, TUNING, ASKED, self.seed)

    @cached_property
    def told(self) -> dict[int, tuple[float, float]]:
        return {wanted: self.switched(wanted, BOTH, STEPS) for wanted in BOTH}

    @cached_property
    def control(self) -> tuple[float, float]:
        return self.switched(LAST, (FIRST,), STEPS // 2)


lesson = Lesson(Run, Settings)


@lesson.step("A prompt need not be made of words")
def not_words(run: Run) -> Iterator[Shown]:
    layers, width = GPT2_SMALL["n_layers"], GPT2_SMALL["d_model"]
    numbers = 2 * layers * run.length * width
    yield 'Text in front of a question steers a frozen model: "translate this: ...". What the tokens behind read of it are its keys and values. So why look for words? Let gradient descent find the keys and values.'
    yield formula("K becomes [prefix keys, K]        V becomes [prefix values, V]", "(S, D) -> (longer, D)")
    yield f"Prefix tuning does so in each attention of each layer, and changes nothing else. GPT-2 small has {layers} layers, C = {width}."
    yield question(f"A prefix of {run.length} pairs: how many numbers are learned, over all heads?", numbers, f"2 * {layers} * {run.length} * {width}: a key and a value, in each layer.", 0)  # fmt: skip
    model = DecoderOnly(9, 16, 2, 32, 3, max_len=8, seed=run.seed)
    yield exactly("count", "numbers of the prefixes of a small model with 3 layers, C = 16", 2 * 3 * run.length * 16, add_prefixes(model, run.length, np.random.default_rng(0)).n_parameters)  # fmt: skip
    yield Source("Li and Liang", 2021, "Prefix-Tuning", "section 4")


@lesson.step("In front, not behind")
def in_front(run: Run) -> Iterator[Shown]:
    behind_mask = np.concatenate((run.mask, np.zeros((TOKENS, run.length), bool)), axis=1)
    behind, _ = attention_forward(run.q, np.concatenate((run.k, run.prefix_k)), np.concatenate((run.v, run.prefix_v)), behind_mask)  # fmt: skip
    moved = {"in front": float(np.abs(run.out - run.plain).max()), "behind": float(np.abs(behind - run.plain).max())}
    row = ", ".join(f"{w:.2f}" for w in run.weights[1])
    yield f"One head, {TOKENS} tokens, a causal mask, and {run.length} random pairs. Token 2 may look at all of them and at tokens 1 and 2:"
    yield formula(f"weights of token 2: {row}")
    yield table("largest change of an output", [{"where": where, "moved": by} for where, by in moved.items()], where="pairs stand", moved="change :3")  # fmt: skip
    yield "Behind all tokens they would lie in the future, where the mask hides them. (Without a mask the order of keys does not matter.)"
    yield question(f"How many keys may the last of the {TOKENS} tokens look at, with the prefix?", run.length + TOKENS, "The prefix, and all tokens up to itself.", 0)  # fmt: skip
    yield agree("behind", "change by pairs behind, under the mask", moved["behind"], 0.0)
    yield at_least("front", "change by pairs in front", 0.01, moved["in front"])
    yield exactly("keys", "keys with weight, for the last token", run.length + TOKENS, int((run.weights[-1] > 0).sum()))


@lesson.step("What it can change inside a head")
def inside_a_head(run: Run) -> Iterator[Shown]:
    share, t = run.weights[:, : run.length].sum(axis=1), TOKENS - 1
    own = run.weights[:, : run.length] @ run.prefix_v / share[:, None]
    ratio, before = (w[t, 0] / w[t, 1] for w in (run.weights[:, run.length :], run.plain_weights))
    yield "The prefix takes a share of each token's attention; the rest is split among the tokens just as before. So what comes out is a mixture:"
    yield formula("o = (1 - share) * o without prefix + share * mean of prefix values")
    yield f"The last token: share {share[t]:.3f}. Coordinate 1 is {run.plain[t, 0]:.3f} without, and the prefix's mean {own[t, 0]:.3f}."
    yield question("Coordinate 1 with the prefix?", run.out[t, 0], f"{1 - share[t]:.3f} * ({run.plain[t, 0]:.3f}) + {share[t]:.3f} * ({own[t, 0]:.3f}).")  # fmt: skip
    yield f"Its weight on token 1 over that on token 2 is {ratio:.3f}, and was {before:.3f}. Within a head a prefix adds; it does not change which token is preferred to which. But what is added changes the queries and keys of later layers, and there it can."
    yield agree("mixture", "the output is that mixture", run.out, (1 - share)[:, None] * run.plain + share[:, None] * own)  # fmt: skip
    yield agree("ratio", "ratio of two tokens' weights, with and without", ratio, before)
    yield Source("He et al.", 2022, "Towards a Unified View of Parameter-Efficient Transfer Learning")
    yield attention_forward


@lesson.step("A prefix switches the task of a frozen model")
def switches(run: Run) -> Iterator[Shown]:
    names = {FIRST: "the first", LAST: "the last"}
    rows = [{"knows": "both tasks", "wanted": names[wanted], "before": 100 * before, "after": 100 * after} for wanted, (before, after) in run.told.items()]  # fmt: skip
    rows.append({"knows": "the first alone", "wanted": names[LAST], "before": 100 * run.control[0], "after": 100 * run.control[1]})  # fmt: skip
    yield f"A small encoder reads a sign and {LENGTH} of {SYMBOLS} symbols. One sign asks for the first symbol, one for the last. Then it is frozen, the sign is hidden, and prefixes of {run.length} pairs are learned in {TUNING} updates, one for each task:"
    yield question("A guess of the task: which share of the answers is right?", 0.5 + 0.5 / SYMBOLS, f"Half, and one in {SYMBOLS} of the rest, where both symbols are the same.")  # fmt: skip
    yield table("answers of the wanted task", rows, knows="the model knows", wanted="wanted", before="without [%] :3", after="with prefix [%] :3")  # fmt: skip
    yield "The prefix says what the sign said. The control has learned one task only, and here no prefix of this length gave it the other: a prefix steers what the weights can do."
    for wanted, name in ((FIRST, "first"), (LAST, "last")):
        yield at_least(name, f"{names[wanted]}: share right with its prefix", 0.75, run.told[wanted][1])
    yield at_most("control", "the control", 0.45, run.control[1])


@lesson.step("Prompt tuning: in front of the input alone")
def prompt_tuning(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    def fresh() -> DecoderOnly:
        return DecoderOnly(9, 16, 2, 32, 3, max_len=8, seed=run.seed)

    model, frozen = fresh(), fresh().n_parameters
    found = {"prefix": add_prefixes(fresh(), run.length, rng).n_parameters, "prompt": add_prompt(model, run.length, rng, causal=True).n_parameters}  # fmt: skip
    yield "Prompt tuning learns vectors in front of the embedded tokens, below the first block. The frozen blocks make keys and values of them."
    yield question(f"{run.length} vectors of C = 16: how many numbers?", run.length * 16, "No layers, and no key and value apart.", 0)  # fmt: skip
    yield table(f"a decoder with 3 layers, C = 16, {frozen:,} numbers", [{"way": way, "n": n, "share": 100 * n / frozen} for way, n in found.items()], way="learned", n="numbers", share="of the model [%] :2")  # fmt: skip
    yield "Lester et al. find it far behind full tuning in small models, and on a par in the largest, of 11 billion numbers."
    yield f"Both cost places: {run.length} more keys for each query in each layer. One model in memory serves rows with different prefixes."
    yield exactly("prompt", "prefix over prompt: 2 * layers", 6, found["prefix"] / found["prompt"])
    yield Source("Lester et al.", 2021, "The Power of Scale for Parameter-Efficient Prompt Tuning")


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("Prefix tuning appends learned tokens to the keys.", "false", "It puts them in front.", "C286")
    yield Said("A prefix is a text found by training.", "false", "Its vectors need not be near those of any token.")
    yield Said("A prefix can make a model do anything.", "too strong", "In theory long prefixes of models that are built for it can. Of a given model, short ones call up what it knows.")  # fmt: skip
    yield Said("A prefix is free, since it is not a token.", "false", "It takes places among the keys, and memory for them.")  # fmt: skip
    yield "Direct training was unstable for Li and Liang, so they make the prefix by a small network from a smaller table, and keep its outputs in the end. Today LoRA is used more; what lives on is the stored prefix of a written prompt: its keys and values are computed once and shared by many requests."
    yield Source("Petrov et al.", 2024, "Prompting a Pretrained Transformer Can Be a Universal Approximator")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Prefix tuning prepends learned key and value vectors in every layer of a frozen model: 2 L p d numbers for L layers, p places and width d. All tokens attend to them, as if a text had been read. They must stand in front, since a causal mask would hide what stands behind."
    yield "It costs context places. In a head it mixes its values into the output and keeps the ratios of the other weights; through the layers it steers the task. Prompt tuning learns p d numbers below the first block, and needs large models."
    yield Try("tfx quiz peft-prefix")
