"""Padding: sentences of different lengths in one array, and how nobody notices what they were filled up with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lessons.sentence import labels, read_words
from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.generate import greedy
from tfx.measure.verdicts import smallest
from tfx.models import Encoder
from tfx.ops.attention.masks import padding_mask
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.shipped.load import load
from tfx.tokenizers.word import END

DEFAULT_TEXT = "the cat sat on the mat"
OTHERS = (("we", "read"), ("a", "small", "dog", "slept", "here", "all", "day", "long"))
PAD, WRITTEN = 0, 6
PROMPTS = ("the function", "the list of names is")
SENTENCES, BATCH = 64, 8


@dataclass(frozen=True)
class Settings:
    longest: int = setting(40, 2, 512, "longest of the random sentences that are put into batches")


class Run:
    """sentences: three, the reader's first.  ids: (3, longest), filled with PAD; lengths: (3,).  model: an encoder."""

    def __init__(self, request: Request) -> None:
        self.longest, self.seed = request.settings.longest, request.seed
        self.sentences = (read_words(request.text, DEFAULT_TEXT), *OTHERS)
        number = {word: i + 1 for i, word in enumerate(dict.fromkeys(w for s in self.sentences for w in s))}
        self.lengths = np.array([len(sentence) for sentence in self.sentences])
        self.ids = np.full((len(self.sentences), int(self.lengths.max())), PAD)
        for row, sentence in zip(self.ids, self.sentences, strict=True):
            row[: len(sentence)] = [number[word] for word in sentence]
        sizes = {"d_model": 16, "n_heads": 2, "d_ff": 32, "n_layers": 2, "max_len": 64, "dtype": "float64"}
        self.model = Encoder(len(number) + 2, seed=request.seed, **sizes)  # one more: another filling

    def hidden(self, ids: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
        """(B, T) -> (B, T, C)."""
        return np.asarray(self.model.encode(ids, lengths)[0])


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


def wasted(lengths: Sequence[int] | np.ndarray, batch: int) -> float:
    """The share of places that are filling, when sentences go into batches in this order."""
    groups = [lengths[i : i + batch] for i in range(0, len(lengths), batch)]
    places = sum(len(group) * int(np.max(group)) for group in groups)
    return 1 - float(np.sum(lengths)) / places


@lesson.step("Sentences differ in length, an array does not")
def rectangle(run: Run) -> Iterator[Shown]:
    longest, share = run.ids.shape[1], wasted(run.lengths, 3)
    rows = [{"row": i + 1, "length": n, "words": " ".join([*labels(s[:7]), *["..."] * (n > 7), *["<pad>"] * min(longest - n, 3), *["..."] * (longest - n > 3)])} for i, (n, s) in enumerate(zip(run.lengths.tolist(), run.sentences, strict=True))]  # fmt: skip
    yield "Attention itself takes any number of tokens: no map has the length in its shape. But for speed many sentences go through a model at once, as one array, and an array has one width. So short ones are filled up with a token that means nothing, <pad>:"
    yield table("a batch of three, the first is yours", rows, row="row", length="length", words="words")
    yield question(f"Lengths {', '.join(map(str, run.lengths))}, filled up to {longest}: what share of the places is filling?", share, f"1 - {run.lengths.sum()} / (3 * {longest}).")  # fmt: skip
    yield "Filling must not be read by attention, must not count in the loss, and costs work. One after the other."
    yield exactly("filling", "places of filling", 3 * longest - int(run.lengths.sum()), int((run.ids == PAD).sum()))


@lesson.step("Alone, or filled up in a batch: the same, with the mask")
def alone_or_padded(run: Run) -> Iterator[Shown]:
    masked, unmasked = run.hidden(run.ids, run.lengths), run.hidden(run.ids)
    rows = []
    for i, n in enumerate(run.lengths.tolist()):
        alone = run.hidden(run.ids[i : i + 1, :n])[0]
        rows.append({"row": i + 1, "pads": run.ids.shape[1] - n, "mask": float(np.abs(masked[i, :n] - alone).max()), "none": float(np.abs(unmasked[i, :n] - alone).max())})  # fmt: skip
    filled = [row for row in rows if row["pads"]]
    yield "Each sentence alone, and in the batch: how far do the outputs of its real words differ, after two encoder blocks with random weights?"
    yield table("largest difference", rows, row="row", pads="filling", mask="with the mask :2", none="without it :2")
    yield "With a padding mask they are equal, but for rounding. Without it every sentence that was filled up gets another result, which depends on the sentences that it was batched with."
    yield agree("equal", "with the mask, less alone", [row["mask"] for row in rows], to=1e-10)
    yield at_least("differ", "without it, the least difference of a filled sentence", 1e-6, smallest(row["none"] for row in filled))  # fmt: skip


@lesson.step("The mask: one row for each sentence, stretched over heads and queries")
def mask_shape(run: Run) -> Iterator[Shown]:
    mask = padding_mask(run.lengths, run.ids.shape[1])
    b, s = run.ids.shape
    other = np.where(run.ids == PAD, run.model.config["vocab"] - 1, run.ids)
    before, after = (run.hidden(ids, run.lengths) for ids in (run.ids, other))
    real = np.arange(s) < run.lengths[:, None]
    moved, rows_of_pads = np.abs(after - before)[real], before[~real]
    yield formula("allowed[b, 1, 1, j] = j < length of b", "(B, 1, 1, S), stretched to (B, H, T, S)")
    yield f"Here {mask.shape}: {mask.size} yes or no for {b} * H * {s} * {s} scores. All queries and heads of a sentence hide the same keys. Their scores become -inf before the softmax, so the weights are exactly 0."
    yield question(f"How many keys are hidden from a query of row 2, of {run.lengths[1]} words?", s - int(run.lengths[1]), "The width of the batch less its length.", 0)  # fmt: skip
    yield f"Put another token in the place of <pad>: the real words move by {moved.max():g}. But filling asks as well: its {len(rows_of_pads)} rows come out as numbers, up to {np.abs(rows_of_pads).max():.1f}, that mean nothing. They are left out later, in the loss."
    yield agree("content", "with other filling: change of the real words", moved, to=0)
    yield exactly("shape", "the mask", str((b, 1, 1, s)), str(mask.shape))
    yield at_least("rows", "filling gives rows that are not zero: the least of their largest numbers", 1e-3, smallest(np.abs(rows_of_pads).max(axis=-1)))  # fmt: skip
    yield Said("Padding weights are set to zero before the softmax.", "false", "Scores are set to -inf before it. Zeroed afterwards, rows no longer sum to 1.", "C031")  # fmt: skip


@lesson.step("The loss: filling must not count")
def the_loss(run: Run) -> Iterator[Shown]:
    probabilities = np.array([0.5, 0.25, 0.9, 0.9])
    logits = np.log(np.stack([probabilities, 1 - probabilities], axis=-1))
    keep, targets = np.array([True, True, False, False]), np.zeros(4, int)
    kept, all_ = (float(cross_entropy_forward(logits, targets, keep=k)[0]) for k in (keep, None))
    yield "Two real words, whose right answers got the probabilities 0.5 and 0.25, and two places of filling, where the model says <pad> with 0.9. The loss of a place: minus the natural logarithm of that."
    yield table("losses", [{"place": i + 1, "kind": "word" if k else "filling", "p": p, "loss": -np.log(p)} for i, (p, k) in enumerate(zip(probabilities, keep, strict=True))], place="place", kind="kind", p="probability", loss="loss [nats] :3")  # fmt: skip
    yield question("What is the mean loss over the real words, in nats?", kept, "(0.693 + 1.386) / 2.", 0.03)
    yield f"Over all four places it would be {all_:.2f}: filling is easy, and makes a model look better the more of it there is. So the sum goes over real words and is divided by their number in the whole batch."
    yield agree("kept", "the loss over real words", kept, -np.log(0.5 * 0.25) / 2)
    yield at_least("flattered", "with filling it is lower, by", 0.1, kept - all_)
    yield cross_entropy_forward


@lesson.step("Wasted work, and how sorting by length helps")
def waste(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    lengths = rng.integers(1, run.longest + 1, size=SENTENCES)
    mixed, bucketed = wasted(lengths, BATCH), wasted(np.sort(lengths), BATCH)
    yield "By hand: lengths 2, 9, 3, 10 in batches of two, as they come: 9 + 9 + 10 + 10 = 38 places for 24 words. Sorted first, 2, 3, 9, 10: 3 + 3 + 10 + 10 = 26 places."
    yield question("What share is filling in the sorted batches?", wasted([2, 3, 9, 10], 2), "2 of 26.", 0.03)
    rows = [{"way": "as they come", "share": 100 * mixed}, {"way": "sorted by length", "share": 100 * bucketed}]
    yield table(f"filling, {SENTENCES} random sentences of 1 to {run.longest} words, batches of {BATCH}", rows, way="order", share="share [%] :3")  # fmt: skip
    yield "Batches of similar length (buckets) waste less. The batches themselves are shuffled, or training would see all short sentences first."
    yield "Since 2017: packing puts several sentences into one row and hides them from each other; kernels for unequal lengths need no filling at all (FlashAttention's variable-length form)."
    yield Source("Krell et al.", 2021, "Efficient Sequence Packing without Cross-contamination")
    yield at_least("sorted", "sorting saves, or costs nothing", 0.0, mixed - bucketed)
    yield exactly("hand", "places by hand", "38, 26", f"{24 / (1 - wasted([2, 9, 3, 10], 2)):.0f}, {24 / (1 - wasted([2, 3, 9, 10], 2)):.0f}")  # fmt: skip


@lesson.step("Writing: from token to token, until an end token")
def writing(run: Run) -> Iterator[Shown]:
    shipped = load("language")
    prompts = [shipped.read(prompt).ids for prompt in PROMPTS]
    end = shipped.vocabulary.index(END)
    together = greedy(shipped.model, prompts, WRITTEN, stop=end)
    alone = [greedy(shipped.model, prompt, WRITTEN, stop=end) for prompt in prompts]
    said = [shipped.tokenizer.decode(row.tolist()) for row in together]
    yield "When a model writes, lengths are not known before. It goes token by token: each new token is chosen (the most likely one, a drawn one, or by a beam that keeps several texts) and appended, until the end token comes or a limit is reached."
    rows = [{"prompt": p, "length": len(ids), "text": text} for p, ids, text in zip(PROMPTS, prompts, said, strict=True)]  # fmt: skip
    yield table(f"two prompts in one batch, {WRITTEN} tokens each, the most likely", rows, prompt="prompt", length="tokens", text="goes on")  # fmt: skip
    yield "Here filling stands in front, so that all rows end together and the next token is the last column for each. It is masked like any filling, and not counted as a place. A row that has said <end> waits for the others."
    written = [row[: len(one)] for row, one in zip(together, alone, strict=True)]
    after = [row[len(one) :] for row, one in zip(together, alone, strict=True)]
    yield agree("together", "written together, less written alone", np.concatenate(written), np.concatenate(alone), to=0)  # fmt: skip
    yield exactly("waits", "places after <end> with another token", 0, int((np.concatenate(after) != end).sum()))
    yield Try("tfx generate --prompt 'the list is'")


@lesson.step("What is often said too strongly")
def too_strong(run: Run) -> Iterator[Shown]:
    masked = run.hidden(run.ids, run.lengths)
    means = [np.abs(masked[i].mean(axis=0) - masked[i, : run.lengths[i]].mean(axis=0)).max() for i in range(len(masked))]  # fmt: skip
    yield Said("With a padding mask, filling has no effect on real tokens.", "true", "In attention, and in what acts on each token alone. What averages over places must leave filling out itself.", "C037")  # fmt: skip
    yield f"One vector for a sentence, the mean of its words: if the rows of filling are averaged in, it moves by up to {max(means):.2f} in this batch, mask or no mask. The same goes for the loss, and for a norm that takes its statistics over the batch (BatchNorm)."
    yield Said("Transformers handle any length.", "true with conditions", "The operations do. Learned positions end where their table ends, other positions are unsure beyond the lengths of training, and work grows with the square.")  # fmt: skip
    yield at_least("mean", "largest change of a mean that counts filling", 1e-3, float(max(means)))


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Attention is defined for any length. In a batch short sentences are filled up, and a padding mask of shape (B, 1, 1, S) sets the scores of filled keys to -inf before the softmax, so that a sentence gives the same alone and in a batch."
    yield "Rows of filling still come out and are ignored: the loss is a mean over real tokens. Sorting by length wastes less. When writing, the model goes token by token until the end token, greedy, sampled or with a beam."
    yield Try("tfx quiz masking-padding")
