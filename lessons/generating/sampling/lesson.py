"""Drawing tokens: temperature, top-k and top-p, on a sharp and on a flat distribution of the same model."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, exactly, formula, question, setting, table,
    within,
)  # fmt: skip
from tfx.errors import BadInput
from tfx.generate import Shaping, sample
from tfx.generate.draws import Draws
from tfx.generate.shaping import probabilities_of, temperature, top_k, top_p
from tfx.measure.verdicts import smallest
from tfx.ops.basics.entropy import entropy
from tfx.shipped.load import load

DEFAULT_TEXT, LONGEST = "a new object is", 64
#: Beginnings of which the model is sure how to go on, and is not.
SHARP, FLAT = "return the number", "the"
TEMPERATURES = (0.2, 0.7, 1.0, 2.0, 100.0)
DRAWS, WRITTEN = 2000, 8
#: A distribution to compute with by hand, and logits.
FIVE, LOGITS = np.array([[0.5, 0.2, 0.15, 0.1, 0.05]]), np.array([[2.0, 1.0, 0.0]])


@dataclass(frozen=True)
class Settings:
    k: int = setting(5, 1, 500, "tokens that top-k keeps")
    p: float = setting(0.9, 0.1, 0.99, "probability that top-p keeps")


class Run:
    """logits: (1, V) behind the reader's text."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed, self.shipped = request.settings, request.seed, load("language")
        self.text, self.words = DEFAULT_TEXT if request.text is None else request.text, self.shipped.vocabulary
        self.prompt = self.shipped.read(self.text).ids
        if len(self.prompt) > LONGEST:
            raise BadInput(f"the text has {len(self.prompt)} tokens; this topic goes on from {LONGEST} at most.", f"--text '{DEFAULT_TEXT}'")  # fmt: skip
        self.logits = self.behind(self.prompt)

    def behind(self, ids: np.ndarray) -> np.ndarray:
        return np.asarray(self.shipped.model.forward(ids[None])[0][:, -1])

    @cached_property
    def both(self) -> dict[str, np.ndarray]:
        """The beginnings that are sharp and flat -> (1, V) logits."""
        return {text: self.behind(self.shipped.read(text).ids) for text in (SHARP, FLAT)}


lesson = Lesson(Run, Settings, text=DEFAULT_TEXT)


@lesson.step("To draw a token")
def drawing(run: Run) -> Iterator[Shown]:
    p = probabilities_of(run.logits)[0]
    best = np.argsort(-p, kind="stable")[:4]
    chance = Draws(run.seed)
    count = np.bincount([chance.token(p) for _ in range(DRAWS)], minlength=p.size)
    rows = [{"token": run.words[i], "p": p[i], "times": int(count[i]), "share": count[i] / DRAWS} for i in best]
    top = int(best[0])
    yield f'"{run.text[:44]}" can go on in many ways; the likeliest token each time gives one text. To get others, draw: each token comes as often as its chance says.'
    yield question(f'"{run.words[top]}" has p = {p[top]:.3f}. How often does it come in {DRAWS:,} draws, on average?', DRAWS * p[top], "p times the number of draws.")  # fmt: skip
    yield table(f"{DRAWS:,} draws", rows, token="token", p="p :3", times="times drawn", share="share :3")
    rare = float(p[p < 0.001].sum())
    yield f"The tail counts too: the {int((p < 0.001).sum()):,} tokens below 0.001 have {rare:.2f} of the chance together. Many of them make no sense here. So the distribution is shaped before drawing."
    yield within("share", "share of the likeliest token", float(p[top]), float(count[top] / DRAWS), 5 * math.sqrt(p[top] * (1 - p[top]) / DRAWS))  # fmt: skip
    yield sample


@lesson.step("Temperature, by hand")
def by_hand(run: Run) -> Iterator[Shown]:
    temperatures = (0.5, 1.0, 2.0)
    p = {t: probabilities_of(temperature(LOGITS, t))[0] for t in temperatures}
    rows = [{"t": t, "over": ", ".join(f"{x / t:g}" for x in LOGITS[0]), **{f"p{i}": p[t][i] for i in range(3)}} for t in temperatures]  # fmt: skip
    yield "Divide the logits, the scores before softmax, by a temperature:"
    yield formula("p = softmax(logits / temperature)")
    yield table("logits 2, 1, 0", rows, t="temperature :2", over="logits / temperature", p0="p1 :3", p1="p2 :3", p2="p3 :3")  # fmt: skip
    yield "The ratio of two chances is exp(difference / temperature): below 1 the gaps grow and p is sharper, above 1 they shrink and it is flatter."
    yield question("Logits 2 and 1: how many times as likely is the first at temperature 0.5?", float(p[0.5][0] / p[0.5][1]), "exp(1 / 0.5) = e^2.")  # fmt: skip
    yield agree("ratio", "ratio of the first two, at each temperature", [p[t][0] / p[t][1] for t in temperatures], [math.exp(1 / t) for t in temperatures])  # fmt: skip
    yield temperature


@lesson.step("Temperature, on the model")
def on_the_model(run: Run) -> Iterator[Shown]:
    p = {t: probabilities_of(temperature(run.logits, t))[0] for t in TEMPERATURES}
    h = {t: float(entropy(p[t])) for t in TEMPERATURES}
    texts = {t: run.shipped.tokenizer.decode(sample(run.shipped.model, run.prompt, WRITTEN, run.seed, Shaping(temperature=t)).ids[0].tolist()) for t in TEMPERATURES}  # fmt: skip
    rows = [{"t": t, "top": p[t].max(), "h": h[t], "text": texts[t][:40]} for t in TEMPERATURES]
    even = math.log(p[1.0].size)
    yield f'Behind "{run.text[:40]}". Entropy says how spread out p is; 0 is no doubt.'
    yield question(f"To which entropy does it rise as the temperature grows? {p[1.0].size:,} tokens.", even, "All equal: ln of their number.")  # fmt: skip
    yield table("drawn with one seed", rows, t="temperature :3", top="largest p :3", h="entropy [nats] :3", text="writes")  # fmt: skip
    yield "Towards 0 it becomes greedy, towards infinity uniform. Entropy rises with the temperature, the order of the tokens stays: only how sharply chance is concentrated changes."
    yield at_least("rises", "smallest rise of entropy from one temperature to the next", 0.0, smallest(np.diff([h[t] for t in TEMPERATURES])))  # fmt: skip
    yield exactly("order", "tokens whose rank changes with the temperature", 0, int(sum((np.argsort(-p[t], kind="stable")[:20] != np.argsort(-p[1.0], kind="stable")[:20]).sum() for t in TEMPERATURES)))  # fmt: skip
    yield within("even", "entropy at the largest temperature", even, h[TEMPERATURES[-1]], 0.01)


@lesson.step("Top-k: a number of tokens")
def top_k_step(run: Run) -> Iterator[Shown]:
    two = probabilities_of(top_k(np.log(FIVE), 2))[0]
    kept = {text: float(np.sort(probabilities_of(logits)[0])[-run.settings.k :].sum()) for text, logits in run.both.items()}  # fmt: skip
    first = {text: run.words[int(logits.argmax())] for text, logits in run.both.items()}
    rows = [{"text": text, "first": first[text], "p": float(probabilities_of(run.both[text]).max()), "kept": kept[text]} for text in run.both]  # fmt: skip
    yield "The tail is cut off. Top-k keeps the k likeliest tokens, sets the others to 0, and divides what is left by its sum. Five tokens: 0.5, 0.2, 0.15, 0.1, 0.05."
    yield question(
        "k = 2: what is the chance of the first token now?", two[0], "0.5 / (0.5 + 0.2): the others shared out."
    )
    yield "k does not look at the distribution. The same model behind two beginnings:"
    yield table(f"chance that top-{run.settings.k} keeps", rows, text="behind", first="likeliest", p="its p :3", kept="kept :3")  # fmt: skip
    yield "Where it is sure, k tokens are more than enough, and bad ones stay in. Where it is not, most of the chance goes, good tokens with it."
    yield agree("two", "top-2 of the five", two, [0.5 / 0.7, 0.2 / 0.7, 0, 0, 0])
    yield at_least("sharp", "kept of the sharp one, less of the flat one", 0.0, kept[SHARP] - kept[FLAT])
    yield top_k
    yield Source("Fan, Lewis and Dauphin", 2018, "Hierarchical Neural Story Generation", "section 5.4")


@lesson.step("Top-p, the nucleus: a share of the chance")
def top_p_step(run: Run) -> Iterator[Shown]:
    by_p = {p: int((probabilities_of(top_p(np.log(FIVE), p)) > 0).sum()) for p in (0.6, 0.8)}
    n = {text: int((probabilities_of(top_p(logits, run.settings.p)) > 0).sum()) for text, logits in run.both.items()}
    h = {text: float(entropy(probabilities_of(logits)[0])) for text, logits in run.both.items()}
    share = {text: float((probabilities_of(logits) * (top_p(logits, run.settings.p) > -np.inf)).sum()) for text, logits in run.both.items()}  # fmt: skip
    rows = [{"text": text, "h": h[text], "n": n[text], "share": share[text]} for text in run.both]
    yield "Nucleus sampling, or top-p, fixes the chance and lets the number vary: it keeps the smallest set of likeliest tokens whose chances sum to p at least, and divides by their sum."
    yield question("0.5, 0.2, 0.15, 0.1, 0.05 and p = 0.8: how many tokens are kept?", by_p[0.8], "0.5 + 0.2 is 0.7, too little; with 0.15 it is 0.85.", 0)  # fmt: skip
    yield table(f"p = {run.settings.p:g}", rows, text="behind", h="entropy [nats] :3", n="tokens kept", share="their chance :3")  # fmt: skip
    yield "So it adapts: few tokens where the model is sure, many where it is not. Min-p, younger, keeps tokens with at least a share of the largest chance."
    yield exactly("counts", "of five: tokens kept at p = 0.6 and 0.8", "2, 3", f"{by_p[0.6]}, {by_p[0.8]}")
    yield at_least("enough", f"least chance kept, p = {run.settings.p:g}", run.settings.p, smallest(share.values()))
    yield at_least("adapts", "tokens kept of the flat one, less of the sharp one", 1, n[FLAT] - n[SHARP])
    yield top_p
    yield Source("Holtzman et al.", 2020, "The Curious Case of Neural Text Degeneration", "section 3.1")


@lesson.step("Together, and what is said")
def together(run: Run) -> Iterator[Shown]:
    shaped = probabilities_of(Shaping(temperature=0.7, top_k=40, top_p=0.9)(run.logits, [[]]))
    yield "They are combined: logits, temperature, top-k, top-p, softmax, draw. The order matters: a temperature changes the chances that top-p adds up."
    yield Said("A higher temperature makes a text more diverse.", "true", "Entropy rises with it, unless all logits are equal. The likeliest token stays the likeliest.", "C270")  # fmt: skip
    yield Said("Top-k limits the risk that comes from the tail.", "true with conditions", "Where the distribution is sharp. Of a flat one it cuts off most of the chance, good tokens with it.", "C272")  # fmt: skip
    yield Said("Temperature 0 divides by zero.", "false", "It is a name for the limit: the likeliest token, greedy decoding.")  # fmt: skip
    yield at_most("kept", "tokens kept by 0.7, top-40 and top-p 0.9 together", 40, int((shaped > 0).sum()))
    yield agree("one", "they share the whole chance", shaped.sum(), 1.0)
    yield Try("tfx experiment sampling-entropy")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Temperature divides the logits: below 1 sharper, above 1 flatter; towards 0 greedy, towards infinity uniform. It never changes the ranking, only how sharply probability is concentrated."
    yield "Top-k keeps the k most likely tokens, renormalises and samples. Its fixed k ignores how peaked the distribution is. Nucleus sampling keeps the smallest set whose probability reaches p, so it keeps few tokens where the model is sure and many where it is not."
    yield Try("tfx quiz decoding-sampling")
