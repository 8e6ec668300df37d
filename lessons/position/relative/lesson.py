"""Relative positions: scores that see how far apart two tokens are, and not where they stand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, matrix, question, setting, table,
)  # fmt: skip
from tfx.ops.attention.relative_keys_values import relative_keys_values_attention_forward
from tfx.ops.attention.scaled_dot_product import AttentionCache, attention_forward
from tfx.ops.attention.transformer_xl import transformer_xl_attention_forward
from tfx.ops.positions.positions import sinusoidal_positions
from tfx.ops.positions.relative_buckets import bucket_bias_forward, bucket_of, relative_buckets
from tfx.ops.positions.relative_offsets import every_offset, key_offsets
from tfx.ops.positions.sinusoids import angular_speeds, sinusoids_forward

SHOWN = 5


@dataclass(frozen=True)
class Settings:
    width: int = setting(8, 2, 128, "D, the width of a query")
    c: int = setting(2, 1, 16, "the offset from which on all count as equal")
    shift: int = setting(5, 1, 200, "how many places on the same tokens are read once more")


class Run:
    """q, k, v: (shift + 5, D): random tokens that repeat after `shift` places, so that the last five are the first."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.width, self.c, self.shift = settings.width, settings.c, settings.shift
        self.width += self.width % 2
        rng = np.random.default_rng(request.seed)
        again = np.arange(self.shift + SHOWN) % self.shift
        self.q, self.k, self.v = rng.standard_normal((3, self.shift, self.width))[:, again]
        self.a_k, self.a_v = rng.standard_normal((2, 2 * self.c + 1, self.width))
        self.buckets = rng.standard_normal((32, 1))
        self.u, self.w, self.maps = rng.standard_normal(self.width), rng.standard_normal(self.width), rng.standard_normal((self.width, self.width))  # fmt: skip


lesson = Lesson(Run, Settings)


def scores_of(cache: AttentionCache) -> np.ndarray:
    """Scores before softmax, biases included: (T, T)."""
    scores = cache.q @ cache.k.swapaxes(-1, -2) * cache.scale
    return np.asarray(scores if cache.bias is None else scores + cache.bias)


def with_sinusoids(run: Run) -> np.ndarray:
    pe = sinusoidal_positions(len(run.q), run.width)
    return scores_of(attention_forward(run.q + pe, run.k + pe, run.v)[1])


def with_shaw(run: Run) -> np.ndarray:
    return scores_of(relative_keys_values_attention_forward(run.q, run.k, run.v, run.a_k, run.a_v)[1].attention)


def with_buckets(run: Run) -> np.ndarray:
    bias, _ = bucket_bias_forward(run.buckets, relative_buckets(len(run.q)))
    return scores_of(attention_forward(run.q, run.k, run.v, bias=bias[0])[1])


def with_xl(run: Run) -> np.ndarray:
    offsets = every_offset(len(run.q))
    r = sinusoids_forward(-offsets.astype(float), angular_speeds(run.width))[0] @ run.maps
    q, k, v = (x[None] for x in (run.q, run.k, run.v))
    return scores_of(transformer_xl_attention_forward(q, k, v, r[None], run.u[None], run.w[None])[1].attention)[0]


def off(scores: np.ndarray, shift: int) -> float:
    """How much the scores of the first five tokens differ from those of the same five, `shift` places on."""
    return float(np.abs(scores[:SHOWN, :SHOWN] - scores[shift:, shift:]).max())


@lesson.step("Two words back is two words back, anywhere")
def anywhere(run: Run) -> Iterator[Shown]:
    scores, shift = with_sinusoids(run), run.shift
    yield f'"The word before a noun" is a rule about an offset, not about a place. Positions that are added to tokens know places. Here five tokens stand at the start of a text, and the same five again {shift} places on. Sinusoids are added to their queries and keys.'
    yield table("score of the first of the five with the third", [{"where": "at places 1 and 3", "score": scores[0, 2]}, {"where": f"at places {1 + shift} and {3 + shift}", "score": scores[shift, shift + 2]}], where="where", score="score")  # fmt: skip
    yield f"Same tokens, same offset, another score: the scores among the five differ by up to {off(scores, shift):.2f}. A model has to learn that both mean the same."
    yield "A relative scheme gives attention the offset itself, and forgets the place. The offset of key j from query i is written o:"
    yield formula("o = j - i        below 0: the key stands before the query")
    yield at_least("moves", "with added sinusoids scores of the same tokens differ by", 1e-3, off(scores, shift))
    yield key_offsets


@lesson.step("A vector for each offset (Shaw)")
def a_vector_each(run: Run) -> Iterator[Shown]:
    c = run.c
    cut = np.clip(key_offsets(SHOWN), -c, c)
    yield "The first way: learn a vector a_o for each offset and add it to the key. So a query may prefer what it reads, and where it stands."
    yield formula("score_ij = q_i . (k_j + a_o) / sqrt(D)        o = j - i, cut off at -c and c")
    yield matrix(f"offsets of five tokens, cut off at c = {c}", cut, "query, key")
    yield question(f"How many different vectors does that need at c = {c}, however long the text?", 2 * c + 1, "The offsets -c to c.", 0)  # fmt: skip
    yield exactly("different", "different offsets that are told apart", 2 * min(c, SHOWN - 1) + 1, len(np.unique(cut)))


@lesson.step("... and one score by hand")
def shaw_by_hand(run: Run) -> Iterator[Shown]:
    c, root, scores = run.c, run.width**0.5, with_shaw(run)
    content, place = float(run.q[0] @ run.k[1]), float(run.q[0] @ run.a_k[c + 1])
    yield "The query meets the key, and it meets the vector of the offset: two dot products."
    yield relative_keys_values_attention_forward
    yield f"By hand, query 1 with key 2, offset 1: ({content:.3f} + {place:.3f}) / sqrt({run.width}) = {(content + place) / root:.3f}. Farther than c it knows before and after, and no more. The paper adds a second such table to the values. All heads may share both."
    yield agree("by-hand", "the score by hand", scores[0, 1], (content + place) / root)
    yield Source("Shaw, Uszkoreit and Vaswani", 2018, "Self-Attention with Relative Position Representations", "section 3")  # fmt: skip


@lesson.step("A number for each bucket of offsets (T5)")
def a_number_each(run: Run) -> Iterator[Shown]:
    distances = np.array([1, 7, 8, 16, 64, 128, 1000])
    buckets = bucket_of(-distances)
    sizes = np.bincount(bucket_of(-np.arange(128)))
    yield "The second way is cheaper: a learned number for each offset, added to the score. In its encoder T5 sorts offsets into 32 buckets, 16 for each direction (its decoder looks back only, and has all 32 for that): near ones have a bucket each, farther ones share wider and wider buckets, and from 128 on all share the last."
    yield formula("score_ij = q_i . k_j / sqrt(D) + table[bucket(j - i)]")
    yield table("key before the query, at distance d", [{"d": int(d), "bucket": int(b)} for d, b in zip(distances, buckets, strict=True)][:6], d="d", bucket="bucket, from 0")  # fmt: skip
    yield f"The widest bucket of distances below 128 holds {int(sizes.max())} of them."
    yield exactly("last", "bucket of distance 1,000 less that of 128", 0, int(buckets[-1] - buckets[-2]))
    yield exactly("exact", "distances below 8 with a bucket of their own", 8, int((sizes[:8] == 1).sum()))
    yield bucket_of


@lesson.step("... for each head, shared by all layers")
def by_head(run: Run) -> Iterator[Shown]:
    scores, plain = with_buckets(run), run.q @ run.k.T / run.width**0.5
    bias = run.buckets[relative_buckets(len(run.q)), 0]
    yield "A head has its number for each bucket. All layers share the same table."
    yield matrix("what the bias adds to the scores of five tokens, random here", bias[:SHOWN, :SHOWN], "query, key")
    yield question("How many learned numbers do 8 heads need, with 32 buckets?", 32 * 8, "32 buckets times 8 heads.", 0)  # fmt: skip
    yield "T5 leaves out the division by sqrt(D), with smaller maps instead."
    yield agree("biased", "scores less those without bias: the number of the bucket", scores - plain, bias)
    yield Source("Raffel et al.", 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", "section 2.1")  # fmt: skip


@lesson.step("Four terms, none with a place (Transformer-XL)")
def four_terms(run: Run) -> Iterator[Shown]:
    scores, root = with_xl(run), run.width**0.5
    r = np.asarray(sinusoids_forward(np.array([-1.0]), angular_speeds(run.width))[0] @ run.maps)[0]
    q, k = run.q[0], run.k[1]
    parts = [float(q @ k), float(q @ r), float(run.u @ k), float(run.w @ r)]
    yield "Where positions are added, a score has four terms: word with word, word with place, place with word, place with place. Transformer-XL keeps the four and takes the places out. r_o is a mapped sinusoid of the offset; u and w are learned, one of each for a head (the paper calls them u and v, but v is a value here)."
    yield formula("score_ij = (q_i . k_j + q_i . r_o + u . k_j + w . r_o) / sqrt(D)")
    yield table("query 1, key 2", [{"a": parts[0], "b": parts[1], "c": parts[2], "d": parts[3], "sum": sum(parts) / root}], a="q . k :3", b="q . r :3", c="u . k :3", d="w . r :3", sum="the score :3")  # fmt: skip
    yield "In words: content meets content; a query asks for distances; some content is always of interest; some distances are too. As no place occurs, the states of an earlier stretch of text can be read again as they are."
    yield agree("terms", "the four terms by hand", scores[0, 1], sum(parts) / root)
    yield Source("Dai et al.", 2019, "Transformer-XL", "section 3.3")


@lesson.step("Shift both tokens, and the score stays")
def invariant(run: Run) -> Iterator[Shown]:
    ways = {"added sinusoids": with_sinusoids, "Shaw's vectors": with_shaw, "T5's buckets": with_buckets, "Transformer-XL": with_xl}  # fmt: skip
    rows: list[dict[str, Any]] = []
    for name, way in ways.items():
        scores = way(run)
        rows.append({"name": name, "here": scores[0, 2], "there": scores[run.shift, run.shift + 2], "off": off(scores, run.shift)})  # fmt: skip
    yield f"The five tokens and the same five, {run.shift} places on, under each scheme. All tables are random: it holds before any training."
    yield table("score of the first of the five with the third", rows, name="scheme", here="here", there=f"{run.shift} on", off="largest difference :3")  # fmt: skip
    yield Said("Relative schemes change scores by distances.", "true", "A bias by offset is the same wherever the pair stands. What is after a query and what is before it may differ.", "C101")  # fmt: skip
    yield "The outputs can still depend on the place: at the start of a text there are fewer keys to read."
    for id, row in zip(("shaw", "buckets", "xl"), rows[1:], strict=True):
        yield agree(id, f"{row['name']}: scores {run.shift} places on", row["off"], to=1e-9)
    yield at_least("sinusoids", "added sinusoids: scores differ by", 1e-3, rows[0]["off"])


@lesson.step("What is promised of it, and what came after")
def promised(run: Run) -> Iterator[Shown]:
    own = [{"name": "Shaw", "numbers": f"(2c + 1) D, twice: {run.a_k.size + run.a_v.size}"}, {"name": "T5", "numbers": f"32 a head: {run.buckets.size}"}, {"name": "Transformer-XL", "numbers": f"a D x D map a layer, u and w: {run.maps.size + run.u.size + run.w.size}"}]  # fmt: skip
    yield table(f"learned numbers of one head at D = {run.width}, c = {run.c}", own, name="scheme", numbers="learned numbers")  # fmt: skip
    yield Said("On long texts relative positions do better.", "true with conditions", "It holds of ALiBi on a local task, and just beyond the training length. Farther out others lose: far offsets fall into buckets, or come to angles, that training never met.", "C102")  # fmt: skip
    yield "Bounded tables can be read at any length, as all far offsets share a row. What that row says was learned from what was far in training, if anything was."
    yield "Since 2021 two schemes that learn nothing have spread: RoPE turns queries and keys, ALiBi subtracts the distance. Both see offsets only."
    yield exactly("owned", "learned numbers of T5's bias for one head", 32, run.buckets.size)
    yield Try("tfx experiment length-extrapolation")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Relative positions let scores depend on the offset j - i: learned vectors added to keys (Shaw), a learned number for each bucket of offsets and head (T5), or content and position terms (Transformer-XL)."
    yield "The tables are shared by all places, and far offsets are cut off or put in buckets. Shift both tokens, and the score stays."
    yield agree("closing", "T5's buckets: scores of the same tokens elsewhere", off(with_buckets(run), run.shift), to=1e-9)  # fmt: skip
    yield Try("tfx quiz positional-relative")
