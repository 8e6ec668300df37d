"""All tokens at once: fast, and unable to agree with itself; what mends that, and what stays exact."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, question, setting, table, within,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.generate import WholePass, greedy
from tfx.generate.draws import Chance, exact_distribution
from tfx.generate.speculative import acceptance_rate, expected_tokens, judge, residual
from tfx.lab.generation.non_autoregressive import all_at_once
from tfx.ops.basics.entropy import entropy

STEPS, DRAFTED, LONG = 40, 4, 30
#: Two right answers of two words, equally good.
VALID, WORDS = {"AB": 0.5, "BA": 0.5}, "AB"
#: Chances of three tokens: by the large model, and by the small one that drafts.
LARGE, SMALL = np.array([0.6, 0.3, 0.1]), np.array([0.4, 0.2, 0.4])


@dataclass(frozen=True)
class Settings:
    answers: int = setting(2, 2, 4, "right answers, each one word over and over")
    tokens: int = setting(4, 2, 6, "tokens of an answer")


class Run:
    def __init__(self, request: Request) -> None:
        self.m, self.n, self.seed = request.settings.answers, request.settings.tokens, request.seed

    @property
    def law(self) -> float:
        """The share of whole answers when each place draws by itself: all agree with the first."""
        return float(self.m) ** (1 - self.n)

    @cached_property
    def trained(self) -> dict[str, tuple[float, float]]:
        """What the data hold -> chance of a whole answer, and loss in nats a token, of models that write all at once."""
        answers = np.repeat(np.arange(self.m)[:, None], self.n, axis=1)
        with blas_threads(1):
            return {"all answers": all_at_once(answers, STEPS, self.seed), "one answer": all_at_once(answers[:1], STEPS, self.seed)}  # fmt: skip


lesson = Lesson(Run, Settings)


@lesson.step("All at once: one pass")
def one_pass(run: Run) -> Iterator[Shown]:
    rows = [
        {"what": "a place knows", "turn": "source, all tokens before", "once": "source alone"},
        {"what": "passes for n tokens", "turn": "n", "once": "1"},
        {"what": "length", "turn": "until an end token", "once": "has to be guessed first"},
    ]
    passes: list[int] = []

    def logits_of(ids: np.ndarray, _: np.ndarray | None) -> np.ndarray:
        passes.append(ids.shape[1])
        return np.eye(3)[ids]

    greedy(WholePass(logits_of), [0], LONG)
    yield "Token by token each token waits for the last. A non-autoregressive model drops the wait: it reads the source and fills all places of the target in one pass."
    yield table("two ways to write", rows, what="", turn="one after another", once="all at once")
    yield formula("one by one:   p(text) = p(first) * p(second | first) * p(third | first, second) * ...")
    yield formula("all at once:  p(text) = p(first) * p(second) * p(third) * ...")
    yield "In the second line the bars are gone: given the source, tokens are taken to be independent. That is an assumption, and mostly a wrong one."
    yield question(f"{LONG} tokens: how many decoder passes does one by one take?", len(passes), "One for each token.", 0)  # fmt: skip
    yield exactly("passes", f"passes for {LONG} tokens, one by one, counted", LONG, len(passes))


@lesson.step("Two right answers, by hand")
def by_hand(run: Run) -> Iterator[Shown]:
    valid = VALID
    first = {word: sum(p for text, p in valid.items() if text[0] == word) for word in WORDS}
    second = {word: sum(p for text, p in valid.items() if text[1] == word) for word in WORDS}
    drawn = {a + b: first[a] * second[b] for a, b in itertools.product(WORDS, WORDS)}
    rows = [{"text": text, "right": valid.get(text, 0.0), "once": p} for text, p in drawn.items()]
    wrong = sum(p for text, p in drawn.items() if text not in valid)
    yield "A source has two right answers, equally good: A B and B A (two orders, as with some adverbs). Each place by itself sees A in half of the data and B in the other half."
    yield question("How often does it write A A or B B?", wrong, "0.25 + 0.25: the places do not know of each other.")
    yield table("chances", rows, text="text", right="of the data :3", once="all at once :3")
    yield "It mixes two answers into none. One by one the first word is a free choice, and the second follows from it. Gu et al. call this the multimodality problem."
    yield agree("half", "share of mixed texts", wrong, 0.5)
    yield agree("margins", "each place alone is right: chance of A first and of A second", [first["A"], second["A"]], 0.5)  # fmt: skip
    yield Source("Gu et al.", 2018, "Non-Autoregressive Neural Machine Translation")


@lesson.step("Longer texts, more answers")
def longer(run: Run) -> Iterator[Shown]:
    m, n, law = run.m, run.n, run.law
    every = [np.prod([1 / m] * n) for text in itertools.product(range(m), repeat=n) if len(set(text)) == 1]
    rows = [{"n": k, "share": 100 * float(m) ** (1 - k)} for k in (2, n, 10, 20)]
    yield f"Now {m} right answers, each one word said n times. Each place draws one of {m} words evenly; the text is whole if all agree with the first."
    yield formula("share of whole texts = answers^(1 - n)")
    yield question(f"{m} answers, {n} tokens: which share of the texts is whole?", law, f"{m}^(1 - {n}).")
    yield table(f"{m} answers", rows, n="tokens", share="whole texts [%] :3")
    yield f"Counted: of {m**n:,} texts {m} are whole, together {sum(every):.4g} of the chance. One by one all are."
    yield agree("law", "whole texts, counted over all", float(sum(every)), law)


@lesson.step("It is not badly trained")
def trained(run: Run) -> Iterator[Shown]:
    (share, loss), (alone, low) = run.trained["all answers"], run.trained["one answer"]
    floor = float(entropy(np.full(run.m, 1 / run.m)))
    rows = [{"data": "all answers", "share": 100 * share, "loss": loss, "least": floor}, {"data": "one answer", "share": 100 * alone, "loss": low, "least": 0.0}]  # fmt: skip
    yield f"Models of one block that write all at once, {STEPS} updates on these {run.m} answers, or on one:"
    yield question(f"The least loss of independent places with {run.m} even answers, in nats a token?", floor, f"ln {run.m}: each place is in doubt.")  # fmt: skip
    yield table(f"{run.n} tokens", rows, data="trained on", share="whole texts [%] :3", loss="loss a token [nats] :3", least="least possible :3")  # fmt: skip
    yield f"It reaches the least loss that independent places can have, and still mixes. One by one the doubt is paid once a text, {floor / run.n:.3f} nats a token. With one answer in the data nothing is left to agree on."
    yield within("shares", "whole texts, over answers^(1 - n)", 1.0, share / run.law, 0.1)
    yield within("loss", "loss a token, ln answers", floor, loss, 0.02)
    yield at_least("one-answer", "whole texts with one answer in the data", 0.95, alone)
    yield all_at_once
    yield Try("tfx experiment non-autoregressive")


@lesson.step("What mends it: a teacher, and second looks")
def mended(run: Run) -> Iterator[Shown]:
    m, n = run.m, run.n
    answers = np.repeat(np.arange(m)[:, None], n, axis=1)
    given = [answers[answers[:, 0] == word] for word in range(m)]  # what is right once the first token stands
    again = float(np.mean([np.prod([(rows[:, i] == word).mean() for i in range(n)]) for word, rows in enumerate(given)]))  # fmt: skip
    rows = [{"passes": 1, "kept": "none", "share": 100 * run.law}, {"passes": 2, "kept": "one token", "share": 100 * again}]  # fmt: skip
    yield "Distillation: an autoregressive teacher writes the targets for training. It answers alike each time: much of the choice is settled."
    yield "Iterative refinement (Mask-Predict): fill all places, mask those that the model is least sure of, fill them again given the others, a few rounds. What stays tells the rest which answer it is. Ideally:"
    yield table(f"{m} answers, {n} tokens", rows, passes="passes", kept="kept before", share="whole [%] :3")
    yield question("40 tokens in 10 rounds. One by one: how many times the passes?", 40 / 10, "40 / 10.", 0)  # fmt: skip
    yield "Real texts need several rounds. Diffusion language models as LLaDA do so, too."
    yield agree("again", "whole texts when one token stays and the others are filled again", again, 1.0)
    yield Source("Ghazvininejad et al.", 2019, "Mask-Predict: Parallel Decoding of Conditional Masked Language Models")


@lesson.step("Speculative decoding: faster, and exact")
def speculative(run: Run) -> Iterator[Shown]:
    def one_round(chance: Chance) -> int:
        drafted = chance.token(SMALL)
        kept, token = judge(np.array([LARGE, LARGE]), SMALL[None], [drafted], chance)
        return drafted if kept else token

    found = exact_distribution(one_round)
    rate, more = acceptance_rate(LARGE, SMALL), residual(LARGE, SMALL)
    rows = [{"token": "abc"[i], "large": LARGE[i], "small": SMALL[i], "kept": min(1.0, LARGE[i] / SMALL[i]), "rest": more[i], "out": found[i]} for i in range(3)]  # fmt: skip
    yield "A small model drafts tokens one by one; the large one reads them in one pass. From the left each is kept with chance min(1, large / small). Where one is not, one is drawn from what the large one has more; if all stay, one more is free."
    yield table("one place, all cases counted", rows, token="token", large="large :2", small="small :2", kept="kept with :2", rest="else drawn :2", out="written :2")  # fmt: skip
    yield question("How often is a drafted token kept here?", rate, "0.4 + 0.2 + 0.1: the sum of the smaller of the two chances.")  # fmt: skip
    yield f"What is written has the large model's chances. With {rate:g} kept at each place and {DRAFTED} drafted, its pass gives {expected_tokens(rate, DRAFTED):.2f} tokens. The draft decides the speed alone."
    yield agree("exact", "chances of what is written, and of the large model", [found[i] for i in range(3)], LARGE)
    yield Source("Leviathan et al.", 2023, "Fast Inference from Transformers via Speculative Decoding")


@lesson.step("What is often said")
def often_said(run: Run) -> Iterator[Shown]:
    share, _ = run.trained["one answer"]
    yield Said("Models that write all at once are faster but less fluent.", "true with conditions", f"Where several answers are right, they mix. With one in the data {share:.1%} of the texts here are whole.", "C274")  # fmt: skip
    yield Said("Speculative decoding trades quality for speed.", "false", "Its output has exactly the large model's distribution. The trade is more arithmetic for fewer passes.")  # fmt: skip
    yield Said("Written all at once, places do not attend to each other.", "false", "They do, freely. But none knows which word another one draws.")  # fmt: skip
    yield "So the task decides: speech leaves little doubt about its words, and all at once does well. Open text is full of free choices."
    yield question("Accepted with 0.8 at each of 2 drafted places: tokens a pass, on average?", expected_tokens(0.8, 2), "1 + 0.8 + 0.8^2.")  # fmt: skip
    yield agree("tokens", "1 + a + a^2 for a = 0.8", expected_tokens(0.8, 2), math.fsum(0.8**i for i in range(3)))


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Non-autoregressive models output all tokens at once, taking them as independent given the source. That is one pass, so fast; but where several outputs are right it mixes modes: AB or BA gives AA or BB half of the time. The length has to be predicted first."
    yield "Remedies: distillation from an autoregressive teacher, which leaves one answer; iterative refinement such as Mask-Predict, a few passes that re-predict the least sure tokens. Speculative decoding is the other road: a small model drafts, the large one verifies several tokens in a pass, and the output distribution stays exact."
    yield Try("tfx quiz decoding-non-autoregressive")
