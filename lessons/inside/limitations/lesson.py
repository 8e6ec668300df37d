"""What limits Transformers: bytes and operations of published models, what is not known of a world, remedies and prices."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lessons.estimates.published import CARDS, GPT3, LLAMA_2_7B, LLAMA_2_70B, LLAMA_3_8B, MISTRAL, MIXTRAL
from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, formula, near, question, setting, table, within,
)  # fmt: skip
from tfx.lab.scale.memory_bytes import held
from tfx.lab.scale.rare_facts import error_of_learner, seen_once
from tfx.measure.counting import first_n_where
from tfx.measure.decoder_costs import count, flops, parameters, stored, token_costs
from tfx.measure.estimates import mean_with_error

MODELS = {model.name: model for model in (GPT3, LLAMA_2_7B, LLAMA_2_70B, LLAMA_3_8B, MISTRAL)}
CARD = CARDS[1]
PAIRS = ("Q K^T", "P V")
#: A world of facts whose frequencies fall like rank^-(1 + A), and learners that have heard of it.
FACTS, A, HEARD, LEARNERS = 20_000, 0.5, 2000, 60


@dataclass(frozen=True)
class Settings:
    model: str = setting(GPT3.name, words=tuple(MODELS), about="the model that is counted")
    tokens: int = setting(2048, 16, 1_000_000, "tokens of a text")
    bits: int = setting(16, 1, 64, "bits of a number")


class Run:
    """weights: numbers of the model.  cache: numbers of keys and values of one token.  each: bytes of a number."""

    def __init__(self, request: Request) -> None:
        self.seed, self.tokens, self.each = request.seed, request.settings.tokens, request.settings.bits / 8
        self.bits, self.model = request.settings.bits, MODELS[request.settings.model]
        self.whole = replace(self.model.sizes, window=None)

    @cached_property
    def weights(self) -> int:
        return count(parameters(self.model.sizes))

    @cached_property
    def cache(self) -> int:
        return count(stored(self.model.sizes, 1))

    def scores(self, tokens: int) -> int:
        """A number for each pair of tokens, in each head of each layer."""
        return self.model.sizes.layers * self.model.sizes.heads * tokens * tokens

    def share(self, tokens: int) -> float:
        """Of the work of reading a text: what its pairs of tokens take."""
        costs = token_costs(self.whole, tokens)
        return flops(costs, *PAIRS) / flops(costs)


lesson = Lesson(Run, Settings)


@lesson.step("A calculator: what has to be held")
def weights(run: Run) -> Iterator[Shown]:
    gpt3 = count(parameters(GPT3.sizes))
    yield "What keeps one from using a large Transformer on a small machine, or on a long book? A model holds its weights, a number for each parameter; and, while it writes, keys and values."
    yield formula("cache = 2 x layers x key heads x head width x tokens x bytes of a number")  # fmt: skip
    rows = [{"name": name, "weights": count(parameters(model.sizes)) * run.each / 1e9, "token": count(stored(model.sizes, 1)) * run.each / 1e6, "text": count(stored(model.sizes, run.tokens)) * run.each / 1e9} for name, model in MODELS.items()]  # fmt: skip
    yield table(f"{run.bits} bits a number; the cache of a token, and of {run.tokens:,}", rows, name="model", weights="weights [GB] :4", token="a token [MB] :3", text="a text [GB] :3")  # fmt: skip
    yield question(f"GPT-3 has {gpt3 / 1e9:.1f} billion parameters. GB in 32 bits a number?", gpt3 * 4 / 1e9, "Four bytes each.")  # fmt: skip
    yield within("gpt-3", "GB of GPT-3 in 16 bits: its 175 billion, two bytes each", 350.0, gpt3 * 2 / 1e9, 1.0)
    yield agree("built", "bytes of weights and cache of a small model, against the formulas", held(2, "float32")[:2], held(2, "float32")[2:], to=0.0)  # fmt: skip
    yield Source("Brown et al.", 2020, "Language Models are Few-Shot Learners")


@lesson.step("Length costs its square, and not more")
def square(run: Run) -> Iterator[Shown]:
    lengths = [512 * 4**i for i in range(1, 5)]
    rows = [{"n": n, "scores": run.scores(n) * run.each / 1e9, "share": 100 * run.share(n)} for n in lengths]
    half = first_n_where(lambda n: flops(token_costs(run.whole, n), *PAIRS), lambda n: flops(token_costs(run.whole, n)) - flops(token_costs(run.whole, n), *PAIRS))  # fmt: skip
    four = run.scores(4096) / run.scores(1024)
    yield f"Each token looks at each: n tokens make n^2 scores in every head of every layer. For {run.model.name}, were all of them kept, and all seen:"
    yield table(
        "reading a text at once", rows, n="tokens", scores="its scores [GB] :3", share="pairs, of all work [%] :3"
    )
    yield question("A text four times as long: how many times the scores?", four, "4 x 4.")
    yield f'The square stands beside much that grows with n alone: maps and networks. Here pairs take half of the work from {half:,} tokens on. So "beyond 4,096 tokens it costs too much" depends on the width.'
    yield exactly(
        "square", "scores of a text of 2,048 tokens over one of 1,024", 4.0, run.scores(2048) / run.scores(1024)
    )
    yield at_least("half", f"pairs, of all work, at {half:,} tokens", 0.5, run.share(half))
    yield at_most("not-before", "... at one token less", 0.5, run.share(half - 1))
    yield See("complexity")


@lesson.step("What grows while it writes")
def state(run: Run) -> Iterator[Shown]:
    sizes = run.model.sizes
    recurrent = sizes.layers * sizes.width
    rows = [{"n": n, "rnn": recurrent * run.each / 1e6, "cache": count(stored(sizes, n)) * run.each / 1e6} for n in (1, 10, 100, 1000)]  # fmt: skip
    even = run.weights / run.cache
    yield f"A recurrent network goes on with one state, however long the text. A decoder keeps keys and values. MB, for as many layers of the same width as {run.model.name}:"
    yield table("kept after so many tokens", rows, n="tokens", rnn="recurrent [MB] :3", cache="Transformer [MB] :4")
    yield question("After 1,000 tokens: the cache is how many times the state of the recurrent network?", count(stored(sizes, 1000)) / recurrent, "The last row.")  # fmt: skip
    yield f"Linear, not quadratic; yet at {even:,.0f} tokens, all kept, the cache would weigh as much as the weights. A state of one size forgets. And the context is bounded: a table of positions ends, others get worse beyond trained lengths."
    yield agree("linear", "cache of 1,000 tokens over 1,000 times the cache of one", count(stored(sizes, 1000)), 1000 * run.cache)  # fmt: skip


@lesson.step("One token after the other")
def latency(run: Run) -> Iterator[Shown]:
    read, reckon = run.weights * 2 / CARD.bandwidth * 1e3, flops(token_costs(run.model.sizes, 1)) / CARD.peak * 1e3
    yield f"A reader waits for token after token, since each needs the one before it. For one text every weight is read from memory for each token. {CARD.name} reads {CARD.bandwidth / 1e12:.2f} TB/s and does {CARD.peak / 1e12:.0f} TFLOP/s in 16 bits ({CARD.source}). {run.model.name} in 16 bits, if one card could hold it:"
    yield table("one token, milliseconds at least", [{"what": "read the weights", "ms": read}, {"what": "reckon", "ms": reckon}], what="to", ms="ms :3")  # fmt: skip
    yield question(
        "How many times as long does reading take as reckoning?", read / reckon, "The quotient of the two rows."
    )
    yield "So it waits for memory. Many texts at once share one reading; each still waits for its own tokens. Energy goes the same way: bytes moved and operations, times the tokens written."
    yield token_costs
    yield at_least("memory", "reading over reckoning", 50.0, read / reckon)


@lesson.step("What it does not know, it makes up")
def made_up(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    new, once = float(error_of_learner(np.array([HEARD]), FACTS, A)[0]), seen_once(HEARD, FACTS, A, LEARNERS, rng)
    more = float(error_of_learner(np.array([10 * HEARD]), FACTS, A)[0])
    mean, error = mean_with_error(once)
    yield "Training asks for a likely next token, and a false name can be as likely as the true one. That is hallucination: fluent, and wrong. How much of it is there with the best data? A small world: a few facts are told often, most of them rarely."
    yield formula("chance of a fact never told = about (facts told exactly once) / (all tellings)", "Good and Turing's estimate")  # fmt: skip
    yield question(f"In {HEARD:,} tellings {mean * HEARD:.0f} facts stood exactly once. What is the chance that the next is about a new one?", mean, "Their quotient.")  # fmt: skip
    yield f'The true chance is {new:.1%}. Ten times the data leave {more:.1%}: data are needed in multiples. Who has to answer all questions can only guess there. It is proved that a calibrated model makes up facts that follow from nothing else at about that rate or more; who may say "I do not know", or look it up, need not guess.'
    yield near("once", "chance of a new fact, from the facts told once", new, mean, error)
    yield at_most("more-data", "new facts after ten times the data, over those before", 0.7, more / new)
    yield Source("Kalai and Vempala", 2024, "Calibrated Language Models Must Hallucinate")


@lesson.step("Each limit, its remedy, and the price")
def remedies(run: Run) -> Iterator[Shown]:
    n, mistral, shared = 32_768, MISTRAL.sizes, LLAMA_2_70B.sizes
    window = flops(token_costs(replace(mistral, window=None), 1, n - 1), *PAIRS) / flops(token_costs(mistral, 1, n - 1), *PAIRS)  # fmt: skip
    keys = count(stored(replace(shared, key_heads=shared.heads), 1)) / count(stored(shared, 1))
    experts = flops(token_costs(replace(MIXTRAL.sizes, chosen=8), 1)) / flops(token_costs(MIXTRAL.sizes, 1))
    rows = [{"limit": "pairs, of a late token", "remedy": "window of 4,096, of 32,768", "saves": window, "price": "no direct sight of far ones"},
            {"limit": "cache", "remedy": "8 key heads for 64", "saves": keys, "price": "heads share their keys"},
            {"limit": "weights", "remedy": "4 bits for 16", "saves": 16 / 4, "price": "rounding; outliers suffer"},
            {"limit": "work of a token", "remedy": "2 experts of 8", "saves": experts, "price": "memory holds all 8"}]  # fmt: skip
    yield "Name a limit with its remedy, and with what the remedy gives up:"
    yield table("times as little, counted", rows, limit="limit", remedy="remedy", saves="saves :3", price="price")
    yield question("Llama 2 70B has 64 heads of queries and 8 of keys: how many times smaller is its cache?", keys, "64 / 8.", 0)  # fmt: skip
    yield "Others have no factor. Made-up facts: retrieval, if the store is right. Lengths not met: training on some long texts. Little data: a pre-trained model."
    yield exactly("keys", "cache with 64 heads of keys over 8", 8.0, keys)
    yield exactly("window", "pairs of a late token, all over a window's", 32_768 / 4096, window)
    yield at_most("experts", "work of a token, 8 experts over 2: less than 4, as attention stays", 4.0, experts)


@lesson.step("Often said of its cost")
def often_said(run: Run) -> Iterator[Shown]:
    gpt3 = count(parameters(GPT3.sizes))
    yield "Four sentences that one hears:"
    yield Said("GPT-3 needs more than 350 GB to run.", "true with conditions", f"Its weights: {gpt3 * 2 / 1e9:.0f} GB in 16 bits (175 billion times two: 350), {gpt3 / 2e9:.0f} in 4. A cache comes on top.", "C135")  # fmt: skip
    yield Said("Longer sequences cost exponentially more.", "false", f"Twice the length, {run.scores(2048) / run.scores(1024):g} times the scores. Exponential: each further token multiplies the cost.", "C147")  # fmt: skip
    yield Said("FlashAttention removes the quadratic complexity of attention.", "false", "The n^2 products stay. It does not keep the n^2 scores in slow memory.", "C194")  # fmt: skip
    yield Said("Models of attention alone, like GPT, lack local features and a state.", "false", "GPT has networks too, learns local patterns, and its cache is a state that grows.", "C315")  # fmt: skip
    yield within("quarter", "GB of GPT-3 in 4 bits: 350 over 4", 350 / 4, gpt3 / 2e9, 0.5)


@lesson.step("Data, bias, prompts")
def data(run: Run) -> Iterator[Shown]:
    each = LLAMA_3_8B.trained_on / count(parameters(LLAMA_3_8B.sizes))
    yield f"Hungry for data: little is built in, not even that neighbours belong together. Llama 3.1 8B met {LLAMA_3_8B.trained_on / 1e12:.0f} trillion tokens."
    yield question("How many is that for each of its 8.03 billion parameters?", each, "15,000 / 8.03.")
    yield "Training is touchy: rate, warm-up, place of the norms. Answers change with the wording of a prompt. Why a model answers as it does is known in parts."
    yield Said("A model takes over the bias of its training data, and amplifies it.", "true with conditions", "It takes it over. Whether it amplifies depends on the threshold and on regularisation.", "C320")  # fmt: skip
    yield Said("Attention handles sequences of any length.", "true with conditions", "The operation does. Learned tables end, and weights trained on short texts may do badly on long ones.", "C022")  # fmt: skip
    yield within("tokens", "tokens of training for each parameter: 15,000 over 8.03", 15_000 / 8.03, each, 1.0)
    yield Source("Dubey et al.", 2024, "The Llama 3 Herd of Models")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Attention takes time quadratic in length, and memory too where the scores are kept: not exponential. Weights of 175 billion parameters take 350 GB in 16 bits, the cache grows with each token, the context is bounded, and writing one token after the other waits for memory."
    yield "Beyond cost: hunger for data, touchy training, weak beyond trained lengths, made-up facts, bias, prompts that matter, limited insight. Each has a remedy with a price: windows lose far tokens, shared keys some freedom, fewer bits precision, retrieval needs a good store."
    yield Try("tfx quiz limitations")
