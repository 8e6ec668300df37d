"""Numbers for the quiz on families: each function draws one case and computes its truth."""

from __future__ import annotations

import numpy as np

from lessons.quiz import NumberCase, Wrong
from lessons.telling_apart import told_apart
from tfx.data.masked_tokens import mask_tokens
from tfx.lab.scale.published_sizes import BOTH, Sizes, count
from tfx.lab.training.fill_the_gap import most
from tfx.measure.dependence import dependence
from tfx.models import DecoderOnly, EncoderDecoder


def _small(vocabulary: int) -> dict[str, int]:
    return {"vocab": vocabulary, "d_model": 4, "n_heads": 1, "d_ff": 4, "n_layers": 2, "max_len": vocabulary}


@told_apart
def triangle(rng: np.random.Generator) -> NumberCase:
    """Counted on a real stack: who moves when a token changes."""
    n = int(rng.integers(5, 10))
    model = DecoderOnly(**_small(n + 1), dtype="float64")
    answer = int(dependence(lambda ids: model.forward(ids)[0][0], np.arange(n)[None], n).sum())
    wrong = (
        Wrong(float(n * n), "no mask", "Without a mask every output depends on every token. A causal mask hides the later ones."),
        Wrong(float(n * (n - 1) // 2), "own token forgotten", "A token sees itself as well as those before it."),
        Wrong(float(2 * n - 1), "only the neighbour before", "It sees all tokens before it, not only the last of them."),
    )  # fmt: skip
    return NumberCase({"n": n}, float(answer), wrong, 0.0)


@told_apart
def joined(rng: np.random.Generator) -> NumberCase:
    """The same for a source and a target."""
    s, t = (int(size) for size in rng.integers(3, 7, size=2))
    model = EncoderDecoder(**_small(s + t + 1), dtype="float64")

    def outputs(ids: np.ndarray) -> list[np.ndarray]:
        memory, source = model.encode(ids[:, :s])
        return [*memory[0], *model.decode(ids[:, s:], memory, source)[0][0]]

    answer = int(dependence(outputs, np.arange(s + t)[None], s + t).sum())
    half = t * (t + 1) // 2
    wrong = (
        Wrong(float((s + t) ** 2), "no mask", "The source knows nothing of the target, and the target not its own future."),
        Wrong(float(s * s + half), "no cross-attention", "Each place of the target depends on every word of the source, too."),
        Wrong(float((s + t) * (s + t + 1) // 2), "causal everywhere", "The encoder has no causal mask: the source sees all of the source."),
        Wrong(float(s * s + s * t + t * t), "decoder without a mask", "Within the target a place sees itself and what is before it."),
    )  # fmt: skip
    return NumberCase({"s": s, "t": t}, float(answer), wrong, 0.0)


def attention_layers(rng: np.random.Generator) -> NumberCase:
    """From the parameters of a whole model: each attention layer has 4 C^2."""
    n = int(rng.choice([4, 6, 8, 12, 24]))
    sizes = Sizes(BOTH, n, 64, 256, 4, 1000, offsets=False)
    answer = count(sizes).attention / (4 * sizes.width**2)
    wrong = (
        Wrong(2.0 * n, "one attention per block", "A block of this decoder has two: self-attention and cross-attention."),
        Wrong(float(n), "one stack counted", "There are two stacks, and the decoder's blocks have two attention layers."),
        Wrong(4.0 * n, "cross-attention in both stacks", "Only the decoder reads the other stack."),
    )  # fmt: skip
    return NumberCase({"n": n}, answer, wrong, 0.0)


@told_apart
def gaps(rng: np.random.Generator) -> NumberCase:
    """The most that a causal reader can fill, in percent."""
    v = int(rng.choice([4, 5, 8, 10, 20]))
    wrong = (
        Wrong(100.0, "a mask hides nothing that matters", "Where the twin comes later, a causal mask hides it."),
        Wrong(50.0, "no luck in guessing", "Of the gaps that it cannot see through, it still guesses some rightly."),
        Wrong(100.0 / v, "guessing everywhere", "Half of the gaps have their twin before them, in sight."),
    )
    return NumberCase({"v": v}, 100 * most(v), wrong, 0.01, "percent")


@told_apart
def more_places(rng: np.random.Generator) -> NumberCase:
    """Places with an answer: all but the last, less those that were chosen."""
    n = int(rng.choice([100, 200, 300, 400, 500]))
    chosen = int(mask_tokens(np.zeros((1, n), dtype=np.int64), rng, 2, 1).chosen.sum())
    wrong = (
        Wrong(float(n - chosen), "an answer for the last token", "The last token has no next one in the text."),
        Wrong(float(n - 1 - round(0.8 * chosen)), "only what reads [MASK] counts", "All chosen places are asked, also those that were not replaced by [MASK]."),
        Wrong(float(chosen), "hidden places alone", "That is how many places BERT is asked; the question is how many more GPT is."),
    )  # fmt: skip
    return NumberCase({"n": n}, float(n - 1 - chosen), wrong, 0.0)
