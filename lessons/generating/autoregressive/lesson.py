"""Writing token by token: a model gives chances, the chain rule makes a text of them, and each token waits for the last."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.generate import Stopping, WholePass, greedy, sample
from tfx.generate.account import TokenAccount, account
from tfx.generate.beam import log_probability
from tfx.generate.shaping import probabilities_of
from tfx.measure.verdicts import largest
from tfx.shipped.load import load

DEFAULT_TEXT, LONGEST, DRAWN = "a new object is", 64, 2
#: The smallest number above 0 that float32 has.
SMALLEST = float(np.finfo("float32").smallest_subnormal)


@dataclass(frozen=True)
class Settings:
    tokens: int = setting(6, 4, 10, "tokens that are written")


class Run:
    """prompt: (T,) ids of the reader's text.  n: tokens to write."""

    def __init__(self, request: Request) -> None:
        self.shipped, self.n, self.seed = load("language"), request.settings.tokens, request.seed
        self.model, self.words = self.shipped.model, self.shipped.vocabulary
        self.text = DEFAULT_TEXT if request.text is None else request.text
        self.prompt = self.shipped.read(self.text).ids
        if len(self.prompt) > LONGEST:
            raise BadInput(f"the text has {len(self.prompt)} tokens; this topic goes on from {LONGEST} at most.", f"--text '{DEFAULT_TEXT}'")  # fmt: skip

    def after(self, *ids: int) -> np.ndarray:
        """(V,): the chance of each token behind the text and these ids."""
        logits, _ = self.model.forward(np.array([[*self.prompt, *ids]]))
        return np.asarray(probabilities_of(logits[:, -1])[0])

    @cached_property
    def written(self) -> np.ndarray:
        return greedy(self.model, self.prompt, self.n)

    @cached_property
    def traced(self) -> list[TokenAccount]:
        return account(self.model, self.prompt, self.written)

    @property
    def mean(self) -> float:
        """Of log p of a token."""
        return sum(math.log(one.probability) for one in self.traced) / self.n


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("A model gives chances, a text needs choices")
def chances(run: Run) -> Iterator[Shown]:
    p = run.after()
    best = np.argsort(-p, kind="stable")[:5]
    yield f'A language model reads a beginning and gives a chance, a probability, to each token that it knows. The one in tfx, two blocks trained on the documentation of Python, reads "{run.text}":'
    yield table(f"the likeliest of {p.size:,} tokens", [{"token": run.words[i], "p": p[i]} for i in best], token="token", p="p :3")  # fmt: skip
    yield question("What is the chance of all other tokens together?", 1 - p[best].sum(), "All chances sum to 1.")
    yield "That is not yet a text. Choose one token, put it behind, let the model read again. So it reads what it wrote: it is autoregressive."
    yield agree("sum", "all chances sum to 1", p.sum(), 1.0)
    yield probabilities_of


@lesson.step("The chain rule: a text is a product of chances")
def chain_rule(run: Run) -> Iterator[Shown]:
    p = run.after()
    first, other = (int(i) for i in np.argsort(-p, kind="stable")[:2])
    second = int(run.written[1])
    told, changed = run.after(first)[second], run.after(other)[second]
    one, two = run.words[first], run.words[second]
    yield "Why token by token? Because the chance of a text is a product, whatever the text:"
    yield formula("p(text) = p(first) * p(second | first) * p(third | first, second) * ...")
    yield "Behind the bar stands what is given, the tokens before; the beginning is given in each factor. This chain rule assumes nothing. A decoder adds one network that gives each factor, and reads from left to right."
    yield question(f'"{one}" has {p[first]:.3f}, and after it "{two}" has {told:.3f}. The chance of both?', p[first] * told, "The product.")  # fmt: skip
    yield f'The second factor hangs on the first choice. Behind "{run.words[other]}" the same "{two}" has {changed:.2g}. That is why the next token waits until this one is chosen.'
    yield agree("both", "log p of both, from one pass", log_probability(run.model, run.prompt, [first, second]), math.log(p[first] * told))  # fmt: skip
    yield at_least("hangs", "change of the second chance, in nats", 1e-6, abs(math.log(told / changed)))
    yield Source("Bengio et al.", 2003, "A Neural Probabilistic Language Model")


@lesson.step("One text, token by token")
def trace(run: Run) -> Iterator[Shown]:
    rows, total, before = [], 0.0, run.words[run.prompt[-1]]
    for t, one in enumerate(run.traced, start=1):
        total += math.log(one.probability)
        rows.append({"t": t, "behind": f"... {before}", "token": run.words[one.id], "p": one.probability, "log": math.log(one.probability), "sum": total})  # fmt: skip
        before = run.words[one.id]
    yield f'"{run.text}", and the likeliest token each time (greedy):'
    yield table("log: natural, in nats", rows, t="t", behind="behind", token="writes", p="p :3", log="log p :3", sum="log p so far :4")  # fmt: skip
    yield question(f"What is the mean log p of these {run.n} tokens?", run.mean, "The last sum over their number.")
    yield f"The text has chance e^{total:.2f} = {math.exp(total):.2g}, though no token in its place was likelier."
    yield agree("one-pass", "log p of the text, from one pass over it", log_probability(run.model, run.prompt, run.written.tolist()), total)  # fmt: skip
    yield exactly("ranks", "tokens that were the likeliest in their place", run.n, sum(one.rank == 1 for one in run.traced))  # fmt: skip
    yield greedy
    yield Try.here(tokens=10)


@lesson.step("Why logarithms are added")
def logarithms(run: Run) -> Iterator[Shown]:
    limit, unsure = math.log(SMALLEST) / run.mean, math.exp(-run.mean)
    rows = [{"n": n, "product": float(np.prod(np.full(n, math.exp(run.mean), "float32"))), "sum": n * run.mean} for n in (run.n, math.floor(0.9 * limit), math.ceil(1.1 * limit))]  # fmt: skip
    yield f"Multiply chances, and soon the computer has 0. The smallest number above 0 in float32 is {SMALLEST:.1e}, which is e^{math.log(SMALLEST):.1f}."
    yield question(f"At {run.mean:.3f} a token: with how many tokens is a product that small?", limit, f"{-math.log(SMALLEST):.1f} / {-run.mean:.3f}.")  # fmt: skip
    yield table("tokens of that mean log p", rows, n="tokens", product="product, float32 :3", sum="sum of log p :5")
    yield formula("log p(text) = sum over tokens of log p(token | tokens before)")
    yield f"So logarithms are added; training adds the same terms, with a minus: the loss. exp of minus the mean is the perplexity: {unsure:.2f} here, as unsure as among so many equal tokens."
    yield exactly("lost", "the last product in float32", 0.0, rows[-1]["product"])
    yield at_least("kept", "the one before", SMALLEST, rows[-2]["product"])


@lesson.step("Scoring takes one pass, writing as many as tokens")
def passes(run: Run) -> Iterator[Shown]:
    def counted() -> tuple[WholePass, list[int]]:
        read: list[int] = []

        def logits_of(ids: np.ndarray, _: np.ndarray | None) -> np.ndarray:
            read.append(ids.shape[1])
            return np.asarray(run.model.forward(ids)[0])

        return WholePass(logits_of), read

    (writer, writing), (scorer, scoring) = counted(), counted()
    same = greedy(writer, run.prompt, run.n)
    log_probability(scorer, run.prompt, same.tolist())
    start = len(run.prompt)
    yield "A text that is there is scored in one pass: with a causal mask each place gives the chance of its next token. So is training. A text to be written cannot be read before it is there."
    yield question(f"{run.n} tokens are written. How many passes of the model, one after another?", len(writing), "One for each token.", 0)  # fmt: skip
    yield f"Counted: {len(writing)} passes over {start} to {writing[-1]} tokens to write, {len(scoring)} to score. More processors do not shorten that chain. It makes writing slow; what it buys is that each token knows all before it."
    yield Said("Writing is sequential.", "true", "One pass a token. In speculative decoding a small model writes ahead, and the large one checks several tokens in a pass.", "C277")  # fmt: skip
    yield exactly("written", "passes for the tokens written", run.n, len(writing))
    yield exactly("scored", "passes to score them", 1, len(scoring))
    yield Source("Leviathan et al.", 2023, "Fast Inference from Transformers via Speculative Decoding")


@lesson.step("Which token, and when is it enough?")
def which_token(run: Run) -> Iterator[Shown]:
    end = run.shipped.tokenizer.id_of["<end>"]
    texts = {"likeliest": run.written} | {f"drawn, {i + 1}": text for i, text in enumerate(sample(run.model, [run.prompt] * DRAWN, run.n, run.seed, stopping=Stopping(end)).ids)}  # fmt: skip
    p = run.after()
    rows = [{"how": how, "text": run.shipped.tokenizer.decode(ids.tolist())[:44], "log": log_probability(run.model, run.prompt, ids.tolist()) / len(ids)} for how, ids in texts.items()]  # fmt: skip
    yield "The choice is ours: take the likeliest, or draw by the chances. Beam search keeps several beginnings."
    yield table(f'behind "{run.text[:40]}"', rows, how="token", text="writes", log="mean log p :3")
    yield question("p = 0.05: how often does the token come in 200 draws, on average?", 0.05 * 200, "0.05 * 200.", 0)  # fmt: skip
    yield "A text ends at an end token, here <end>, that the model has learned to write, or at a limit."
    yield Said("The decoder outputs the token with the largest chance.", "too strong", "One rule of several; its text need not be the likeliest text.", "C275")  # fmt: skip
    yield at_most("likeliest", "chance of a first token that was drawn, over that of the likeliest", 1.0, largest(p[ids[0]] for ids in texts.values()) / p[run.written[0]])  # fmt: skip


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "By the chain rule the probability of a text is the product of p(next token | all before). A decoder models these factors, so it writes one token, appends it, and reads again until an end token or a limit. Each token is conditioned on those really chosen."
    yield "It is accurate, and sequential: n tokens take n passes, while scoring or training on a known text takes one. Log-probabilities are added, as the product underflows. Which token is taken, likeliest, drawn or by beam, is the decoding rule and not part of the model."
    yield Try("tfx quiz decoding-autoregressive")
