"""Instruction tuning and worked steps: many tasks as instructions, a loss on answers alone, and what writing steps buys."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_most, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.lab.sequences.exclusive_or import SOLUTION
from tfx.lab.sequences.parity_by_steps import at_once, by_steps, every_text, zigzag
from tfx.measure.emergence import expected_exact_match
from tfx.ops.feed_forward.sigmoid import sigmoid_forward
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

EXAMPLES = (("Translate to French : cat", "chat"), ("Is this kind ? you are great", "yes"), ("Sort : 3 1 2", "1 2 3"))
VOCAB, LAYERS, SLIP = 30, 12, 0.01


@dataclass(frozen=True)
class Settings:
    made_for: int = setting(4, 2, 8, "bits that the network which answers at once is made for")
    bits: int = setting(8, 4, 10, "bits of a text whose parity is asked for")


class Run:
    """bits: one text, drawn by the seed.  reward: of a good answer and of a bad one."""

    def __init__(self, request: Request) -> None:
        self.settings = request.settings
        rng = np.random.default_rng(request.seed)
        self.bits = rng.integers(2, size=(1, request.settings.bits))
        self.reward = np.round(rng.uniform([0.5, -1.0], [2.0, 0.4]), 1)


lesson = Lesson(Run, Settings)


@lesson.step("From going on with a text to doing what it says")
def doing(run: Run) -> Iterator[Shown]:
    rows = [{"text": text, "answer": answer} for text, answer in EXAMPLES]
    yield 'A pre-trained model goes on as its data would: after "Translate to French: cat" with more exercises, perhaps. Instruction tuning is supervised fine-tuning on many tasks, each put as an instruction with its answer:'
    yield table("three of many tasks", rows, text="instruction", answer="answer")
    yield "The loss is the usual one, on the answers. What many tasks in many wordings have in common is that the answer does what the text says. So it carries over to instructions that training did not have."
    yield "FLAN (over 60 data sets, 137 billion parameters) was asked about kinds of tasks that had been left out. On 20 of 25 data sets it passed the larger GPT-3, both without examples. T0 (Sanh et al., 2022) did so with a smaller model."
    yield Source("Wei et al.", 2022, "Finetuned Language Models Are Zero-Shot Learners")


@lesson.step("The loss is on the answer alone")
def answer_alone(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    text, answer = (part.split() for part in EXAMPLES[2])
    n, m = len(text), len(answer)
    logits, targets = rng.standard_normal((1, n + m - 1, VOCAB)), rng.integers(VOCAB, size=(1, n + m - 1))
    keep = np.arange(1, n + m)[None] >= n
    _, cache = cross_entropy_forward(logits, targets, keep=keep)
    gradient = np.abs(cross_entropy_backward(1.0, cache)).sum(axis=-1)[0]
    tokens = [*text, *answer]
    rows = [{"read": tokens[i], "asked": tokens[i + 1], "counts": "yes" if keep[0, i] else "no", "gradient": gradient[i]} for i in range(n + m - 1)]  # fmt: skip
    yield "Instruction and answer are one row, read under a causal mask. Nobody wants the model to write instructions, so these places are left out:"
    yield question(f"{n} tokens of instruction, {m} of answer: at how many places does the loss count?", m, "The place before each token of the answer: the first is the last of the instruction.", 0)  # fmt: skip
    yield table("untrained scores: size of the gradient", rows, read="reads", asked="next", counts="counts", gradient="gradient :3")  # fmt: skip
    yield exactly("counts", "places that count", m, int((gradient > 0).sum()))
    yield exactly("others", "gradient at the others", 0.0, float(gradient[: n - 1].max()))
    yield cross_entropy_forward


@lesson.step("The step after it: which of two answers is better?")
def preferences(run: Run) -> Iterator[Shown]:
    good, bad = run.reward
    chance = float(sigmoid_forward(np.array(good - bad))[0])
    yield "Written answers show one good way each. What people like is easier to say of two answers. A reward model gives each answer a number, and the chance that the first is preferred is"
    yield formula("p(first preferred) = 1 / (1 + exp(second reward - first reward))")
    yield question(f"Rewards {good:g} and {bad:g}: the chance that the first is preferred?", chance, f"1 / (1 + exp({bad - good:.1f})).")  # fmt: skip
    yield f"It is trained on what people chose: the loss of this pair is -ln of that, {-math.log(chance):.3f}. Then the model is tuned for high reward, and kept near the tuned model it started from (InstructGPT, with PPO). DPO does both at once, with the model's own log-probabilities as rewards, and no reward model. This is preference training, and no part of instruction tuning."
    yield agree("chance", "both chances sum to 1", chance + float(sigmoid_forward(np.array(bad - good))[0]), 1.0)
    yield Source("Ouyang et al.", 2022, "InstructGPT")
    yield Source("Rafailov et al.", 2023, "Direct Preference Optimization")


@lesson.step("Worked steps: parity at once")
def parity_at_once(run: Run) -> Iterator[Shown]:
    n = run.settings.bits
    w2 = zigzag(4)[2][:, 0]
    terms = " ".join(f"{'-' if w < 0 else '+'} {abs(w):g} ReLU(s - {i})" for i, w in enumerate(w2))
    text = every_text(n)
    yield "Is the number of ones even or odd? Attention can count them in one layer, as s. But then the answer has to rise and fall with s:"
    yield formula(f"y = {terms.removeprefix('+ 1 ')} ...")
    yield question(
        f"How many hidden units has this network for {n} bits?", n, "One bend for each bit: up, down, up, ...", 0
    )
    yield f"So the network grows with the text. Checked on all {len(text)} texts of {n} bits: right for each. A model of fixed size has a last bend somewhere."
    yield exactly("right", f"texts of {n} bits that a network made for {n} gets right", len(text), int((at_once(text, n) == text.sum(axis=1) % 2).sum()))  # fmt: skip
    yield exactly("units", "hidden units", n, zigzag(n)[0].shape[1])
    yield at_once


@lesson.step("The same with steps written down")
def written(run: Run) -> Iterator[Shown]:
    made, n, parities = run.settings.made_for, run.settings.bits, by_steps(run.bits)[0]
    rows = []
    for length in (4, 8, 10):
        text = every_text(length)
        true = text.sum(axis=1) % 2
        rows.append({"length": length, "once": 100 * float(((at_once(text, made) > 0.5) == true).mean()), "steps": 100 * float(((by_steps(text)[:, -1] > 0.5) == true).mean())})  # fmt: skip
    yield "Now write the parity after each bit, and read it again. A step is an exclusive or of two bits, done by 2 hidden units, whatever the length:"
    yield formula(f"bits      {' '.join(map(str, run.bits[0]))}")
    yield formula(f"written   {' '.join(f'{p:.0f}' for p in parities)}")
    yield table(f"texts of a length that are right; at once: made for {made} bits", rows, length="bits", once="at once [%] :3", steps="by steps [%] :3")  # fmt: skip
    yield question(f"{LAYERS} layers, {n} steps written: how many layers in a row has the last step behind it?", n * LAYERS, "What is written is read again: each token is one more pass.", 0)  # fmt: skip
    yield "So a chain of thought can help: serial computing grows with the tokens written."
    yield agree("steps", "parities written, against counting", parities, np.cumsum(run.bits[0]) % 2)
    yield exactly("all", "by steps: the worst length, percent right", 100.0, min(row["steps"] for row in rows))
    yield at_most("once", "at once: the longest, percent right", 99.9, rows[-1]["once"])
    yield exactly("small", "hidden units of a step", 2, SOLUTION[0].shape[1])


@lesson.step("Steps cost, and slips add up")
def slips(run: Run) -> Iterator[Shown]:
    rows = [{"steps": n, "right": 100 * float(expected_exact_match(1 - SLIP, n))} for n in (1, 5, 20, 100)]
    yield f"Each step is a token to write, and can go wrong. If one in {1 / SLIP:.0f} does, independently, and none is corrected:"
    yield question("20 steps: in how many percent is none wrong?", rows[2]["right"], f"0.99^20 (0.99 = 1 - {SLIP}).")
    yield table("no slip", rows, steps="steps", right="all right [%] :3")
    yield "Remedies: take the most frequent of several answers (self-consistency), or check steps. Models trained by reinforcement on answers that can be checked learn to write long chains, and to go back."
    yield at_most("add-up", "right after 100 steps, percent", 40, rows[-1]["right"])
    yield See("transfer-learning", "too_strong")


@lesson.step("What is often said")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("A Transformer cannot compute parity at once.", "too strong", "One with enough width for the length can. What fixed depth limits is length, and what training finds.")  # fmt: skip
    yield Said("Chains of thought help.", "true with conditions", "Most on problems of several steps, and in large models. Small ones in the paper wrote fluent steps that were wrong, and did worse.")  # fmt: skip
    yield Said("The written steps are how the model came to its answer.", "too strong", "They are text that the answer can depend on. It need not.")  # fmt: skip
    yield Said("Instruction tuning teaches new knowledge.", "too strong", "It teaches mostly what to do with what pre-training left: the data are few.")  # fmt: skip
    yield Source("Wei et al.", 2022, "Chain-of-Thought Prompting")
    yield Source("Li et al.", 2024, "Chain of Thought Empowers Transformers to Solve Inherently Serial Problems")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Instruction tuning is supervised fine-tuning on many tasks phrased as instructions with answers, with the loss on the answers. It improves zero-shot following of instructions that were not seen (FLAN, T0). Preference training, as in InstructGPT or DPO, is a further step."
    yield "Writing intermediate steps helps because each token written is another pass through the network: serial computation grows with the steps, and each step is easier. It helps most on multi-step problems and with larger models; slips add up."
    yield Try("tfx quiz instruction-reasoning")
