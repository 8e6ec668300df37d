"""The KV cache: what would be computed again for each token, why it may be kept, what that saves, and what it costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, between, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.generate import WholePass
from tfx.generate.stored_keys import StoredDecoder, logits_of
from tfx.lab.generation import kv_cache as lab
from tfx.lab.scale.memory_bytes import SERVED, numbers_a_token
from tfx.lab.scale.published_sizes import Published, count
from tfx.measure.counting import attention_core, matmul, projections, total_matmul_flops
from tfx.measure.counting_array import counting_in
from tfx.models import GPT
from tfx.ops.attention.masks import causal_mask

#: The text whose attention is added up: tokens and width; one whose cache is sized; and a short one.
LONG, WIDE, WINDOW, FEW = 1000, 512, 1024, 8
MODELS = ("GPT-2 small", "GPT-3", "LLaMA-2 70B")
BYTES, GB = 2, 1e9  # of a number in 16 bits


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(64, 8, 200, "tokens of the text, the newest among them")
    layers: int = setting(2, 1, 4, "blocks of the small GPT")


class Run:
    """ids: (1, T).  gpt: small, with random weights in float64."""

    def __init__(self, request: Request) -> None:
        self.n, self.layers, self.seed = request.settings.tokens, request.settings.layers, request.seed
        self.sizes = lab.Settings(d_model=32, heads=4, layers=self.layers, vocab=50)
        self.ids = np.random.default_rng(request.seed).integers(self.sizes.vocab, size=(1, self.n))

    @cached_property
    def gpt(self) -> GPT:
        return lab.gpt(self.sizes, self.n, self.seed)

    @cached_property
    def one_token(self) -> dict[str, tuple[np.ndarray, int]]:
        """with, without a cache -> logits behind the newest token, (V,), and the multiply-adds that they took."""
        found = {}
        for way, reader in (("with", StoredDecoder(self.gpt)), ("without", WholePass(logits_of(self.gpt)))):
            reader.begin(1)
            reader.read(self.ids[:, :-1], 1)
            with counting_in(self.gpt) as counted:
                found[way] = np.asarray(reader.read(self.ids[:, -1:], 1))[0, -1], counted.multiply_adds
        return found


lesson = Lesson(Run, Settings)


@lesson.step("The same keys and values, again and again")
def again(run: Run) -> Iterator[Shown]:
    n, t = run.n, 3
    rows = [{"token": i, "reads": f"tokens 1 to {i}", "new": f"of token {i}", "old": i - 1} for i in range(1, t + 1)]
    before, after = (run.gpt.forward(run.ids[:, :size])[1].stack.present for size in (n - 1, n))
    moved = max(float(np.abs(b.k[:, :, : n - 1] - a.k[:, :, : n - 1]).max()) for a, b in zip(before, after, strict=True))  # fmt: skip
    yield "A decoder writes token by token. Without more care each pass reads the whole text so far, and makes keys and values for all of it:"
    yield table("without a cache", rows, token="pass", reads="reads", new="new keys, values", old="made before")
    yield question(f"Passes over 1, 2, ... {n} tokens: how many token rows in all?", n * (n + 1) // 2, f"{n} * {n + 1} / 2.", 0)  # fmt: skip
    yield "But the old ones are the same as before. So keep them: the KV cache stores keys and values of each token in each layer, and only the new token goes through the model."
    yield agree("kept", f"keys of tokens 1 to {n - 1}, with token {n} and without it", moved, to=1e-12)
    yield StoredDecoder


@lesson.step("Why they stay the same: the causal mask")
def why_valid(run: Run) -> Iterator[Shown]:
    n, gpt = run.n, run.gpt
    x, _ = gpt.input.forward(run.ids)
    short = slice(0, n - 1)
    moved = {}
    for name in ("causal mask", "no mask"):
        masks = [causal_mask(size) if name == "causal mask" else None for size in (n, n - 1)]
        long, less = gpt.stack.forward(x, mask=masks[0])[0], gpt.stack.forward(x[:, short], mask=masks[1])[0]
        moved[name] = float(np.abs(long[:, short] - less).max())
    yield "Keys of a deeper layer are made of the layer below. They stay the same only if nothing there changes when a token is added: no row may look at later ones."
    yield question("With a causal mask: how far do the earlier rows move?", 0.0, "They do not see the new token.", 1e-9)
    yield table(f"a token is added behind {n - 1}", [{"mask": name, "moved": much} for name, much in moved.items()], mask="attention", moved="rows before it move by :2")  # fmt: skip
    yield "An encoder reads both ways, so with one more token all its vectors change, and there is nothing to keep. (In cross-attention it is different: the source stays as it is, so its keys and values are made once.)"
    yield agree("causal", "earlier rows under a causal mask move by", moved["causal mask"], to=1e-12)
    yield at_least("open", "... without a mask", 1e-6, moved["no mask"])


@lesson.step("One step with a cache")
def one_step(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    off = lab.own_key(rng, FEW, run.sizes)
    yield "The newest token gives one query, one key, one value in each head. Key and value are appended; then it attends:"
    yield formula("K = [K; k]     V = [V; v]", "(n, D)")
    yield formula("o = softmax(q K^T / sqrt(D)) V", "(1, D) x (D, n) -> (1, n), x (n, D) -> (1, D)")
    yield "This is the last row of the attention that training computes: the cache supplies what the other rows' tokens gave."
    yield question(f"Text of {run.n} tokens with the newest: how many scores in a head now?", run.n, "One query, as many keys as tokens, its own among them.", 0)  # fmt: skip
    yield Said("With a cache only the query of the current token is computed.", "false", f"Its key and value too: the token attends to itself. Without them a layer is off by {off['forgotten_off']:.2f} in a text of {FEW}.", "C262")  # fmt: skip
    yield agree("appended", "output of the newest token, its key and value appended: off by", off["appended_off"], to=1e-10)  # fmt: skip
    yield at_least("forgotten", "... and without them", 0.001, off["forgotten_off"])


@lesson.step("Same logits, counted work")
def counted(run: Run) -> Iterator[Shown]:
    n, (kept, work), (anew, all_of) = run.n, run.one_token["with"], run.one_token["without"]
    by_formula = total_matmul_flops(lab.step_costs(n, run.sizes)) // 2
    rows = [{"way": "with a cache", "work": work}, {"way": "without", "work": all_of}]
    c, f = run.sizes.d_model, 4 * run.sizes.d_model
    yield f"A small GPT of {run.layers} blocks, C = {c}, networks of F = {f}, {run.sizes.vocab} words. It reads token {n}; its multiply-adds are counted as they happen:"
    yield question("How many times the work without a cache?", all_of / work, f"All {n} tokens go through every matrix again, and each is a query.")  # fmt: skip
    yield table(f"token {n}", rows, way="", work="multiply-adds :7")
    yield formula("with: layers * (4 C^2 + 2 C F + 2 n C) + C * words")
    yield "Four maps, two of the network, scores and weighted sum over n keys; then the logits. In a layer attention falls from n^2 C to n C a token, the maps from n C^2 to C^2."
    yield agree("logits", "logits with a cache and without", kept, anew, to=1e-10)
    yield exactly("formula", "multiply-adds with a cache, by the formula and counted", by_formula, work)
    yield exactly("times", "without it, n times as many", n * work, all_of)


@lesson.step("A whole text: n^3 becomes n^2")
def whole_text(run: Run) -> Iterator[Shown]:
    def work(n: int) -> int:
        """Multiply-adds of the attention sub-layer over n tokens."""
        return total_matmul_flops((*projections(n, WIDE), *attention_core(n, WIDE, 1))) // 2

    newest = (*projections(1, WIDE), matmul("q K^T", 1, 1, WIDE, 1), matmul("p V", 1, 1, 1, WIDE))
    fixed, each = total_matmul_flops(newest[:4]) // 2, total_matmul_flops(newest[4:]) // 2
    rows = [{"n": n, "with": sum(fixed + each * i for i in range(1, n + 1)) / 1e9, "without": sum(work(i) for i in range(1, n + 1)) / 1e9} for n in (100, LONG)]  # fmt: skip
    short, long = (row["without"] / row["with"] for row in rows)
    yield f"All tokens of a text, the attention of one layer with its maps, C = {WIDE}:"
    yield table("billions of multiply-adds", rows, n="n", **{"with": "with a cache :4", "without": "without :4"})
    yield question(f"{LONG:,} tokens: how many times the work without a cache?", long, f"{rows[1]['without']:.1f} / {rows[1]['with']:.4f}.")  # fmt: skip
    yield f"100 tokens: {short:.0f} times. Scores and sums of the whole text fall from about 2/3 n^3 C to n^2 C: 1 + 4 + 9 + ... against 1 + 2 + 3 + ...; maps from about n^2 / 2 rows to n."
    yield Said("Stored keys and values lower the work of one more token from n^2 to n.", "true", "Of its attention; of the maps from n rows to one.", "C261")  # fmt: skip
    yield between("longer", f"times the work for {LONG:,} tokens", 554, 556, long)
    yield Try("tfx experiment kv-cache")


def per_token(model: Published) -> int:
    return BYTES * numbers_a_token(model.sizes)


@lesson.step("The price: memory")
def memory(run: Run) -> Iterator[Shown]:
    models = {model.name: model for model in SERVED if model.name in MODELS}
    rows = [{"model": name, "layers": m.sizes.layers, "heads": m.sizes.kv_heads or m.sizes.heads, "one": per_token(m) / 1e3, "text": per_token(m) * WINDOW / GB} for name, m in models.items()]  # fmt: skip
    large = models["LLaMA-2 70B"]
    alone = large._replace(sizes=large.sizes._replace(kv_heads=large.sizes.heads))
    yield formula("numbers = 2 * layers * key heads * D * n")
    yield table(f"16 bits a number, one text, n = {WINDOW:,}", rows, model="model", layers="layers", heads="key heads", one="kB a token :4", text="GB a text :3")  # fmt: skip
    yield question("LLaMA-2 70B: 80 layers, 8 key heads, D = 128. Numbers for a token?", numbers_a_token(large.sizes), "2 * 80 * 8 * 128.", 0)  # fmt: skip
    yield f"Its {large.sizes.heads} query heads share keys and values in groups of {large.sizes.heads // large.sizes.kv_heads} (GQA); without that the text would take {per_token(alone) * WINDOW / GB:.2f} GB. One key head for all is MQA; MLA stores one narrow vector instead."
    yield "The cache grows with text and batch, and often limits both. Servers keep it in blocks, like pages of memory (PagedAttention)."
    yield exactly("shared", "a cache without sharing, over one with", large.sizes.heads // large.sizes.kv_heads, per_token(alone) // per_token(large))  # fmt: skip
    yield Source("Ainslie et al.", 2023, "GQA")


@lesson.step("Prefill, then decode: what each waits for")
def two_phases(run: Run) -> Iterator[Shown]:
    model = next(model for model in SERVED if model.name == "GPT-3")
    weights = count(model.sizes).total
    yield "A prompt is known, so all its tokens go through in one pass and fill the cache: prefill. Each weight that is read is used once for each of them. Then decode: one row a step and text, so a weight is used once."
    yield question(f"GPT-3 has {weights / 1e9:.1f} billion weights of 2 bytes. How many GB are read for one token?", 2 * weights / GB, "All of them, once.")  # fmt: skip
    yield "A chip does many multiply-adds in the time of reading one weight. With one row it waits for memory: decode is bound by bandwidth, prefill of a long prompt by arithmetic. A batch shares weights; each text reads its own cache."
    yield Said("The speed of serving is often set by memory traffic, not by arithmetic.", "true", "One token reads every weight for one multiply-add. Batches, shared key heads and fewer bits lower the traffic.", "C165")  # fmt: skip
    yield at_least("read", "GB of weights for one token of GPT-3", 349.0, 2 * weights / GB)
    yield Source("Pope et al.", 2022, "Efficiently Scaling Transformer Inference", "section 2.1")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Under a causal mask old tokens never change, so their keys and values are kept. Each step computes query, key and value of the new token alone, appends key and value, and attends: exactly the last row of the full attention, with identical outputs. A step's attention goes from n^2 d to n d, its projections from n d^2 to d^2; a whole text from n^3 d to n^2 d."
    yield "The price is memory, 2 * layers * key heads * head width * n numbers a text; MQA and GQA shrink it. Prefill reads the prompt in parallel and is bound by arithmetic; decode reads all weights for one row and is bound by memory bandwidth. It is valid for causal attention, not for an encoder."
    yield Try("tfx quiz kv-cache")
