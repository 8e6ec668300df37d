"""LoRA and adapters: a change of few numbers beside frozen weights, what it can learn, and what it costs in use."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, by_hand, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.lab.training import lora_rank
from tfx.models import DecoderOnly
from tfx.ops.low_rank.low_rank_update import low_rank_update_forward
from tfx.tuning import add_adapters, add_lora, add_prefixes, add_prompt

SIZES: dict[str, Any] = {"d_model": 32, "n_heads": 4, "d_ff": 64, "n_layers": 2, "max_len": 16, "dtype": "float64"}
VOCAB, RANKS, ROWS, COLUMNS, LARGE = 20, (1, 2, 4), 24, 16, 4096


@dataclass(frozen=True)
class Settings:
    rank: int = setting(4, 1, 16, "rank of the update")
    decay: float = setting(0.7, 0.3, 0.95, "each singular value of the change is so many times the one before")


class Run:
    """ids: (2, 6).  learned: by rank, what is left of a change of a matrix; the whole rank last."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        self.ids = np.random.default_rng(request.seed).integers(VOCAB, size=(2, 6))

    def model(self) -> DecoderOnly:
        return DecoderOnly(VOCAB, seed=self.seed, **SIZES)

    @cached_property
    def learned(self) -> list[dict[str, Any]]:
        settings = lora_rank.Settings(rows=ROWS, columns=COLUMNS, decay=self.settings.decay, steps=300)
        with blas_threads(1):
            return [lora_rank.measure_row(settings, self.seed, rank) for rank in RANKS]


lesson = Lesson(Run, Settings)


@lesson.step("One model, many tasks: store the difference")
def the_difference(run: Run) -> Iterator[Shown]:
    count, rank, few = LARGE * LARGE, run.settings.rank, run.settings.rank * 2 * LARGE
    yield "Full fine-tuning makes a copy of the model for each task, and AdamW keeps two averages for each number while it trains. So freeze the model, and learn a small module beside it: parameter-efficient fine-tuning, PEFT."
    yield "LoRA writes the change of a matrix as a product of two thin ones:"
    yield formula("new W = W + scale * down up", "(rows, rank) x (rank, columns) -> (rows, columns)")
    yield question(f"A matrix of {LARGE} x {LARGE} has {count:,} numbers. An update of rank {rank} learns how many?", few, f"{rank} * ({LARGE} + {LARGE}): down and up.", 0)  # fmt: skip
    yield f"That is {few / count:.2%} of the matrix. scale is alpha / rank, with alpha chosen once, so that another rank needs no other learning rate (about)."
    yield exactly("share", "numbers of the update, of all: 2 rank / width", 2 * rank / LARGE, few / count)
    yield Source("Hu et al.", 2022, "LoRA", "section 4.1")


@lesson.step("By hand: rank 1")
def rank_one(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    w, down, up = (rng.choice([-3.0, -2, -1, 1, 2, 3], size=shape) for shape in ((3, 4), (3, 1), (1, 4)))
    new, _ = low_rank_update_forward(w, down, up)
    yield f"down is a column, ({', '.join(f'{x:g}' for x in down[:, 0])}), up a row, ({', '.join(f'{x:g}' for x in up[0])}), scale 1. Each entry of the change is a product of two numbers:"
    yield matrix("W", w, "in, out")
    yield question("Entry in row 2, column 3 of the new matrix?", new[1, 2], f"{w[1, 2]:g} + {by_hand(down[1], up[:, 2], written='{:g}'.format)}.")  # fmt: skip
    yield f"Row 2 becomes ({', '.join(f'{x:g}' for x in new[1])}). {w.size} entries change by {down.size + up.size} numbers: each row of the change is a multiple of up. Its rank is {np.linalg.matrix_rank(new - w)}."
    yield agree("entries", "new W, entry by entry", new, [[w[i, j] + down[i, 0] * up[0, j] for j in range(4)] for i in range(3)])  # fmt: skip
    yield at_most("rank", "rank of the change", 1, int(np.linalg.matrix_rank(new - w)))


@lesson.step("It starts as what it was, and can be merged away")
def starts_and_merges(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    model = run.model()
    before = model.forward(run.ids)[0].copy()
    lora = add_lora(model, run.settings.rank, rng)
    at_first = float(np.abs(model.forward(run.ids)[0] - before).max())
    for up in (parameter for name, parameter in lora.parameters().items() if name.endswith(".b")):
        up.value[...] = 0.1 * rng.standard_normal(up.shape)
    tuned = model.forward(run.ids)[0].copy()
    lora.merge()
    merged = float(np.abs(model.forward(run.ids)[0] - tuned).max())
    lora.remove()
    removed, moved = (float(np.abs(x - before).max()) for x in (model.forward(run.ids)[0], tuned))
    rows = [{"when": "at first, up = 0", "moved": at_first, "against": "frozen"}, {"when": "up as if trained", "moved": moved, "against": "frozen"}, {"when": "merged: W + scale down up", "moved": merged, "against": "as trained"}, {"when": "taken out again", "moved": removed, "against": "frozen"}]  # fmt: skip
    yield "down starts random, up at zero. So at first nothing changes, to the bit; and yet up has a gradient. (Were both zero, neither would ever get one.) Here queries and values of a small decoder, as in the paper:"
    yield table("largest difference of the scores", rows, when="update", moved="off by :2", against="from the model")
    yield "Merged, it is one matrix again, and costs nothing in use. Unmerged, one base serves many tasks, each with its own thin pair."
    yield exactly("at-first", "change before the first update", 0.0, at_first)
    yield at_least("tuned", "change by the update", 1e-3, moved)
    yield agree("merged", "merged against unmerged", merged, 0.0)
    yield exactly("removed", "what is left after it is taken out", 0.0, removed)
    yield add_lora


@lesson.step("How much of a change can it learn?")
def how_much(run: Run) -> Iterator[Shown]:
    rows, decay = run.learned, run.settings.decay
    yield f"A task asks for a change of a {ROWS} x {COLUMNS} matrix, whose singular values (the sizes of its parts of rank 1) fall by {decay:g}. No matrix of rank R comes nearer than those of its R largest parts. Trained by Adam:"
    yield question(f"By theory, what share of its length does rank 2 leave, about {decay:g}^2?", rows[1]["law"], "The root of the squares of what is left, over all.")  # fmt: skip
    yield table("learned by LoRA", rows, rank="rank", numbers="numbers", share="of the matrix :3", left="left :3", law="by theory :3")  # fmt: skip
    yield f"Rank {RANKS[-1]} learns {1 - rows[-1]['left']:.0%}. Training finds the best there is; whether that is much is up to the change. For singular values that do not fall, a low rank learns little."
    yield at_most("best", "left, above what is possible, at most", 0.03, max(row["left"] - row["law"] for row in rows))  # fmt: skip
    yield at_most("never-better", "left, below what is possible, at most", 1e-9, max(row["law"] - row["left"] for row in rows))  # fmt: skip
    yield Try("tfx experiment lora-rank --set decay=1")


@lesson.step("Adapters: small networks behind the sub-layers")
def adapters(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    model, width, narrow = run.model(), SIZES["d_model"], run.settings.rank
    before = model.forward(run.ids)[0].copy()
    found = add_adapters(model, narrow, rng)
    places, one = 2 * SIZES["n_layers"], 2 * narrow * width + narrow + width
    yield "An adapter sits behind each attention and each feed-forward network: down to a few numbers, a bend, up again, and added to what came in:"
    yield formula("y = x + bend(x down + bias) up + bias", "(T, C) -> (T, narrow) -> (T, C)")
    yield question(f"Width {width}, {narrow} in the middle, with biases: how many numbers has one?", one, f"2 * {narrow} * {width} + {narrow} + {width}.", 0)  # fmt: skip
    yield f"Here {places} of them, {found.n_parameters:,} numbers. up starts at zero again. An adapter bends, so it cannot be merged: two thin products more in each sub-layer, for good. In small batches their latency shows."
    yield exactly("count", "numbers of all adapters", places * one, found.n_parameters)
    yield exactly("starts", "change before the first update", 0.0, float(np.abs(model.forward(run.ids)[0] - before).max()))  # fmt: skip
    yield Source("Houlsby et al.", 2019, "Parameter-Efficient Transfer Learning for NLP", "section 2.1")


@lesson.step("Four ways side by side")
def side_by_side(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    model, few = run.model(), run.settings.rank
    parts = {"LoRA, all maps": lambda m: add_lora(m, few, rng, chosen=lambda name: "blocks" in name), "LoRA, queries, values": lambda m: add_lora(m, few, rng), "adapters": lambda m: add_adapters(m, few, rng), "prefix": lambda m: add_prefixes(m, few, rng), "prompt": lambda m: add_prompt(m, few, rng, causal=True)}  # fmt: skip
    use = {"LoRA, all maps": "nothing, merged", "LoRA, queries, values": "nothing, merged", "adapters": "thin products", "prefix": "keys to attend to", "prompt": "places to read"}  # fmt: skip
    counts = {name: add(run.model()).n_parameters for name, add in parts.items()}
    yield f"On one small decoder of {model.n_parameters:,} numbers, with {few} as rank, middle or length:"
    yield table("what is trained, and what it costs in use", [{"way": way, "n": n, "share": 100 * n / model.n_parameters, "use": use[way]} for way, n in counts.items()], way="way", n="numbers", share="of the model [%] :2", use="more in use")  # fmt: skip
    yield "Prefix and prompt tuning learn vectors in place of weights; they have a topic of their own. Memory: gradients and optimiser states are kept for these numbers alone. But activations are kept as ever, and backward still runs through the whole model."
    yield exactly("lora", "LoRA on queries and values: layers * 2 * rank * (C + C)", SIZES["n_layers"] * 2 * few * 2 * SIZES["d_model"], counts["LoRA, queries, values"])  # fmt: skip


@lesson.step("What is often said, and what came after")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("LoRA learns an update of low rank.", "true", "And comes as near as any matrix of that rank can.", "C285")  # fmt: skip
    yield Said("LoRA is as good as full fine-tuning.", "true with conditions", "On code and mathematics it learned less, at usual ranks, and forgot less; full tuning changed matrices by a rank 10 to 100 times as high.")  # fmt: skip
    yield Said("LoRA makes a forward pass in training cheaper.", "false", "It adds to it. It saves the gradients of frozen matrices, and optimiser states.")  # fmt: skip
    yield "QLoRA keeps the frozen base in 4 bits a number and trains LoRA on top; so a model of 65 billion could be tuned on one card of 48 GB."
    yield Source("Biderman et al.", 2024, "LoRA Learns Less and Forgets Less")
    yield Source("Dettmers et al.", 2023, "QLoRA")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "PEFT freezes the base and trains few numbers. LoRA writes the change of a matrix as a product of rank r, r * (d_in + d_out) numbers; one factor starts at zero, so nothing changes at first; merged after training it costs nothing. Adapters are small bottleneck networks inserted behind sub-layers, and stay as extra work."
    yield "Prefix and prompt tuning learn vectors in place of weight changes. A low rank suffices where the change has one; far domains may need more. QLoRA adds a base in 4 bits."
    yield Try("tfx quiz peft-lora")
