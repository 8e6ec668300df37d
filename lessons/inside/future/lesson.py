"""Directions of research: a map with papers, what each goes on from, and the numbers behind them that can be counted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from lessons.estimates.published import LLAMA_3_8B, MIXTRAL
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, at_least, at_most, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.measure.decoder_costs import count, flops, parameters, stored, token_costs
from tfx.ops.small_numbers.int8_matmul import int8_matmul
from tfx.ops.small_numbers.nibbles import pack_nibbles, unpack_nibbles
from tfx.ops.small_numbers.normal_float import dequantise_normal, quantise_normal
from tfx.ops.small_numbers.quantisation import dequantise, quantise


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(1_000_000, 10_000, 10_000_000, "tokens of a long text")


class Run:
    """w: (256, 64) weights drawn from a normal distribution.  x: (32, 256) activations."""

    def __init__(self, request: Request) -> None:
        self.tokens = request.settings.tokens
        rng = np.random.default_rng(request.seed)
        self.w, self.x = rng.standard_normal((256, 64)), rng.standard_normal((32, 256))

    @cached_property
    def cache(self) -> float:
        """GB of keys and values of the long text, two bytes a number."""
        return count(stored(LLAMA_3_8B.sizes, self.tokens)) * 2 / 1e9

    def off(self, near: np.ndarray) -> float:
        """How far weights are off, as a share of their size."""
        return float(np.linalg.norm(near - self.w) / np.linalg.norm(self.w))


lesson = Lesson(Run, Settings)


@lesson.step("A map of directions, and where the course has led to them")
def the_map(run: Run) -> Iterator[Shown]:
    rows = [{"way": "longer texts for less", "paper": "Gu and Dao 2023, Mamba", "topic": "efficient-linear"},
            {"way": "fewer bits", "paper": "Dettmers et al. 2023, QLoRA", "topic": "mixed-precision"},
            {"way": "a part of the model", "paper": "Jiang et al. 2024, Mixtral", "topic": "moe"},
            {"way": "retrieval, memory", "paper": "Lewis et al. 2020, RAG", "topic": "rag"},
            {"way": "several kinds of data", "paper": "Alayrac et al. 2022, Flamingo", "topic": "vit"},
            {"way": "reasoning", "paper": "Wei et al. 2022, chain of thought", "topic": "instruction-reasoning"},
            {"way": "insight", "paper": "Bricken et al. 2023, monosemanticity", "topic": "representations-probing"}]  # fmt: skip
    yield "Nobody can measure the future. What can be said: on what people work, in which paper it stands, and which topic it goes on from."
    yield table("directions", rows, way="direction", paper="a paper", topic="goes on from")
    yield "Besides: robustness to odd inputs, alignment with what people want, models small enough for a phone. Below, three of these as numbers."
    yield See("limitations", "remedies")


@lesson.step("Fewer bits")
def fewer_bits(run: Run) -> Iterator[Shown]:
    normal, even = quantise_normal(run.w), quantise(run.w, bits=4, per="group")
    packed = pack_nibbles(normal.codes)
    product = run.x @ run.w
    rough = int8_matmul(run.x, quantise(run.w, bits=8, per="channel"))
    eight = float(np.linalg.norm(rough - product) / np.linalg.norm(product))
    rows: list[dict[str, Any]] = [{"way": "4 bits, even steps", "off": 100 * run.off(dequantise(even))}, {"way": "4 bits, steps for a normal", "off": 100 * run.off(dequantise_normal(normal))}, {"way": "8 bits, a whole product", "off": 100 * eight}]  # fmt: skip
    yield f"Two codes of 4 bits share a byte: {run.w.size:,} weights are {packed.nbytes:,} bytes, and a few for the scales. Weights look normal, so levels that lie denser around zero lose less (QLoRA). Products can be done in 8 bits as well, weights and inputs."
    yield table("off, percent of the size", rows, way="numbers of", off="off :3")
    yield question("70 billion weights of 4 bits: how many GB, scales left out?", 70 * 4 / 8, "Half a byte each.")
    yield "It makes models fit on a phone or one card. What is open: how few bits a model that was trained in more can bear."
    yield exactly("packed", "bytes of codes that share a byte, for each weight", 0.5, packed.nbytes / run.w.size)
    yield exactly("unpacked", "codes that come back changed", 0, int((unpack_nibbles(packed, normal.codes.shape, False) != normal.codes).sum()))  # fmt: skip
    yield at_most("normal", "off with levels for a normal distribution, over even ones", 0.98, rows[1]["off"] / rows[0]["off"])  # fmt: skip
    yield at_most("eight", "percent that a product in 8 bits is off", 2.0, rows[2]["off"])
    yield Source("Dettmers et al.", 2023, "QLoRA: Efficient Finetuning of Quantized LLMs")


@lesson.step("Longer texts, a part of the model")
def longer(run: Run) -> Iterator[Shown]:
    sizes, mixtral = LLAMA_3_8B.sizes, MIXTRAL.sizes
    everything, active = count(parameters(mixtral)), count(parameters(replace(mixtral, experts=mixtral.chosen)))
    weights = count(parameters(sizes)) * 2 / 1e9
    yield f"Llama 3.1 8B weighs {weights:.1f} GB in 16 bits. A text of {run.tokens:,} tokens would leave {run.cache:.1f} GB of keys and values. So: windows, shared keys, states of one size (Mamba, linear attention), and mixtures of both kinds of layer."
    yield question(f"How many GB for a text half as long as {run.tokens:,} tokens?", run.cache / 2, "A cache is linear in the length.")  # fmt: skip
    yield f"Conditional computation: of Mixtral's {everything / 1e9:.1f} billion parameters a token passes {active / 1e9:.1f} billion. All of them have to be held."
    yield formula("bytes kept = tokens x (bytes a token)", "with attention; a constant with a state of one size")
    yield within("cache", "GB of a million tokens: 2 x 32 x 8 x 128 numbers of 2 bytes", 131.072, run.cache / run.tokens * 1e6, 1e-6)  # fmt: skip
    yield at_most("active", "parameters that a token passes, over all", 0.3, active / everything)
    yield Source("Gu and Dao", 2023, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces")


@lesson.step("Reasoning: tokens that are spent before the answer")
def reasoning(run: Run) -> Iterator[Shown]:
    short, long = (sum(flops(token_costs(LLAMA_3_8B.sizes, 1, 500 + 500 * i)) * 500 for i in range(n)) for n in (1, 10))
    yield "Steps that are written out help where one pass is not enough; models are trained for it by reward. It moves the cost from training to use. Llama 3.1 8B writes 500 tokens to a question of 500, or 5,000, counted at every 500th:"
    yield table("work of writing", [{"n": 500, "flops": short / 1e12}, {"n": 5000, "flops": long / 1e12}], n="tokens", flops="TFLOP :4")  # fmt: skip
    yield question("How many times the work are ten times the tokens?", long / short, "The quotient: a little over 10, since late tokens look at more.")  # fmt: skip
    yield "That more steps are always better is not shown. Nor does a written step have to be what decided the answer: insight and reasoning meet there."
    yield at_least("more", "work of 5,000 tokens over 500", 10.0, long / short)
    yield token_costs


@lesson.step("What is speculation")
def speculation(run: Run) -> Iterator[Shown]:
    yield 'Forecasts with a date ("by 2030 models will ...") are guesses, and should be called so. A direction is a fact when papers work on it; its success is not.'
    yield Said("Quantum computers will make attention fast.", "too strong", "No advantage for attention at useful sizes has been shown. It is speculation.")  # fmt: skip
    yield Said("Something linear will replace attention.", "too strong", "Open. A state of one size has to forget; today's answer is often a mixture of both kinds of layer.")  # fmt: skip
    yield question(f"A cache of {run.cache:.0f} GB in 16 bits: GB with 4 bits a number?", run.cache / 4, "A quarter of the bits.")  # fmt: skip
    yield exactly("linear", "cache of twice the text over the cache", 2.0, count(stored(LLAMA_3_8B.sizes, 2 * run.tokens)) / count(stored(LLAMA_3_8B.sizes, run.tokens)))  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Cheaper attention and longer texts, fewer bits and pruning, conditional computation: these attack cost. Retrieval and memory, several kinds of data, better reasoning: these widen what can be asked. Insight, robustness, alignment: these make it fit for use; and small models go to phones."
    yield "Each I can tie to a limit that it attacks and to what it gives up. Dates and quantum claims are speculation, and I say so."
    yield Try("tfx quiz future-directions")
