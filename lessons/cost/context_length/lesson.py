"""Context length: what more tokens cost, what they bring, and why the middle of a long text is read worst."""

from collections.abc import Iterator
from dataclasses import dataclass

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.lab.cost.needle import needle_weight, read_by_place
from tfx.measure.decoder_costs import DecoderSizes, count, flops, stored, token_costs

#: Of Llama 3 8B.
MODEL = DecoderSizes(layers=32, width=4096, heads=32, key_heads=8, head_width=128, d_ff=14_336, vocab=128_256)
LENGTHS, BYTES = (8192, 32_768, 131_072), 2  # bytes of a bfloat16 number


@dataclass(frozen=True)
class Settings:
    ahead: float = setting(8.0, 1.0, 20.0, "how far the score of the wanted key lies above all others")


class Run:
    def __init__(self, request: Request) -> None:
        self.ahead = request.settings.ahead


lesson = Lesson(Run, Settings)


@lesson.step("What a longer context costs")
def costs(run: Run) -> Iterator[Shown]:
    rows = []
    for t in LENGTHS:
        products = token_costs(MODEL, t, logits=1)
        pairs = flops(products, "Q K^T", "P V")
        rows.append({"t": t, "work": flops(products) / 2e15, "share": 100 * pairs / flops(products), "cache": BYTES * count(stored(MODEL, t)) / 2**30})  # fmt: skip
    a_token = BYTES * count(stored(MODEL, 1))
    yield "Reading (prefill) sends each token through all maps and scores each pair. To write on, keys and values are kept; each new token reads them."
    yield formula("prefill: maps * T + pairs * T^2        kept: 2 * layers * key heads * D * T")
    yield question("32 layers, 8 key heads of width 128, 2 bytes each: bytes for a token?", a_token, "2 * 32 * 8 * 128 * 2.", 0)  # fmt: skip
    yield table("Llama 3 8B, one text, bfloat16; multiply-adds, all pairs counted", rows, t="T", work="work [10^15] :3", share="pairs [%] :3", cache="kept [GiB] :3")  # fmt: skip
    yield f"From {LENGTHS[0]:,} to {LENGTHS[2]:,} tokens, 16 times: the cache grows 16 times, the work {rows[2]['work'] / rows[0]['work']:.0f} times, since pairs grow 256 times."
    yield exactly("cache", "times the cache for 16 times the tokens", 16.0, rows[2]["cache"] / rows[0]["cache"])
    yield at_least("work", "times the work", 16.0, rows[2]["work"] / rows[0]["work"])
    yield Source("Grattafiori et al.", 2024, "The Llama 3 Herd of Models", "section 3.2")


@lesson.step("More to read is more to drown in")
def drown(run: Run) -> Iterator[Shown]:
    rows = [{"t": t, "weight": 100 * needle_weight(t, run.ahead)} for t in (100, 1000, 10_000, 100_000)]
    yield "A softmax shares out a sum of 1. Let one key have a score above all others, by the same lead in each text. The more others there are, the less it gets:"
    yield formula("weight = exp(lead) / (exp(lead) + T - 1)", "all others equal")
    yield question(
        "A lead of 8, 1,000 keys: which weight?", needle_weight(1000, 8.0), "exp(8) = 2,981, over 2,981 + 999."
    )
    yield table(f"the wanted key, a lead of {run.ahead:g}", rows, t="keys", weight="weight [%] :3")
    yield "To keep half of the weight the lead must grow with the logarithm of T. Training at that length can teach it."
    yield at_most("falls", "weight at 100,000 keys over that at 100", 1.0, rows[3]["weight"] / rows[0]["weight"])
    yield exactly(
        "half", "lead of log(T - 1), T = 1,001: weight", 0.5, round(needle_weight(1001, 6.907755278982137), 9)
    )
    yield needle_weight


@lesson.step("Why the middle is read worst")
def middle(run: Run) -> Iterator[Shown]:
    length = 64
    start, end = read_by_place(length, 0.0, 3), read_by_place(length, 0.1, 1)
    both = (start + end) / 2
    rows = [
        {"place": p + 1, "start": 100 * start[p], "end": 100 * end[p], "both": 100 * both[p]}
        for p in (0, 7, 31, 55, 63)
    ]
    lowest = int(both.argmin()) + 1
    yield "Two pulls that know nothing of content. Under a causal mask early tokens are read by all that follow, and through them again: even attention piles up at the start, layer by layer. Scores that fall with distance favour the end."
    yield table(f"percent of a place in output {length}; even: 3 layers, falling: one", rows, place="place", start="even :2", end="falling :2", both="mean :2")  # fmt: skip
    yield f"Together they leave a valley, here lowest at place {lowest}. Trained models were measured to use the first and last parts of a long prompt best. That the toy has such a curve does not prove why theirs do."
    yield at_most(
        "valley", "lowest place over the mean of both ends", 0.5, float(both.min() / ((both[0] + both[-1]) / 2))
    )
    yield at_least("inside", "place of the lowest", 3.0, float(lowest))
    yield read_by_place
    yield Source("Liu et al.", 2023, "Lost in the Middle")


@lesson.step("Longer than in training")
def longer(run: Run) -> Iterator[Shown]:
    yield Said("A longer context makes text more coherent and reasoning better, and costs more.", "true with conditions", "The cost is sure. The gain needs evidence that lies so far back, and a model trained at that length.", "C295")  # fmt: skip
    yield "A learned table of positions ends. Sinusoids and rotary angles exist beyond, but no trained map has met them. So rotary angles of a long text are squeezed into the trained range (position interpolation), fast pairs less than slow ones (YaRN), and the model is trained on a little."
    yield question("Trained on 8,192 places, stretched to 32,768 by interpolation: place 20,000 gets the angle of which place?", 20_000 / 4, "All places are divided by 4.", 0)  # fmt: skip
    yield "That a prompt fits does not say it is used. Often it is cheaper to look up the few passages that matter and read only these."
    yield Try("tfx experiment length-extrapolation")
    yield Source("Chen et al.", 2023, "Positional Interpolation")
    yield Source("Peng et al.", 2023, "YaRN")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A longer context window makes more evidence available. It costs prefill work that grows with T^2 in its pairs, and a cache of keys and values that grows with T; each new token reads all of it."
    yield "Use is not given: weights are shared among more keys, the middle of a long input is often used worse than its ends, and beyond the trained length positions fail unless they are rescaled and trained. So measure recall by place, and retrieve what matters where that is enough."
    yield Try("tfx quiz context-length")
