"""What the model makes of it: its answer, its loss, and whether the heat map is the reason."""

from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.head import Run, counted, probability
from lessons.writing import Said, Shown, Source, Try, agree, matrix, question, table
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.shipped.load import held_out_scores, load
from tfx.shipped.pronoun_scores import score_on_unseen_pairs
from tfx.trace import attention_case

PRONOUN_MODELS = ("pointing", "plain")


def meaning(run: Run) -> Iterator[Shown]:
    case, sentence, whole = run.case, run.case.sentence, run.whole
    right = whole.probabilities[np.arange(len(whole.asked)), whole.targets]
    onward = (
        ""
        if run.whole_road
        else "All heads' outputs go on through the model, to a share for each token that it knows. "
    )
    yield f"{onward}{case.task_about}"
    words, chances = zip(*case.answers, strict=True)
    yield matrix("its best answers", np.array(chances), "its, answer", ("probability",), words)
    if run.changed:
        yield f"Your {run.changed} ran with it: this is what the model answers with the one head changed."
    taken = sentence is not None and case.expected != sentence.answer
    right_one = f'"{case.expected}", which you set as the right answer, got' if taken else f'The right answer, "{case.expected}", got'  # fmt: skip
    asked = right_one if sentence is not None else f'After "{case.surfaces[-1]}" the text ends, and the end got'  # fmt: skip
    lost = -float(np.log(right[-1]))
    yield question(f"{asked} a probability of {probability(right[-1])}. What is the loss there, minus its natural logarithm?", lost, f"-ln({probability(right[-1])}) = {lost:.4g}.")  # fmt: skip
    second = ' (Training had a second loss, on where "it" looks.)' if case.model_name == "pointing" and not run.untrained else ""  # fmt: skip
    second = f" The way back starts from this number.{second}" if run.whole_road else ""
    yield f"Loss here: {case.loss:.4f}, the mean of -ln p[right answer] over {counted(len(whole.asked), 'places')}.{second}"
    yield agree("loss", "the loss is the mean of -ln p of the right answers", -np.log(right).mean(), case.loss, to=1e-9)  # fmt: skip
    yield cross_entropy_forward
    if sentence is not None:
        other = "wide" if sentence.answer == sentence.mover else "tired"
        yield Try.here(text=" ".join(other if word == sentence.adjective else word for word in sentence.words))


def two_heat_maps(run: Run) -> Iterator[Shown]:
    heads = range(run.case.n_heads)
    cases = [attention_case(" ".join(run.tokens), load(name), -1, head) for name in PRONOUN_MODELS for head in heads]
    names = [f"{name} {head + 1}" for name in PRONOUN_MODELS for head in heads]
    yield 'Two small models of one shape learned which noun "it" stands for. "pointing" was also told where to look, as pointer networks are; "plain" was not.'
    if run.changed:
        yield f"Both run here as they were trained, without your {run.changed}."
    yield matrix('row "it" of the last layer, head by head', np.stack([case.weights[case.row] for case in cases]), "head, key", names, run.tokens)  # fmt: skip
    answers: list[str] = []  # of the first head's run: the model is the same in all
    for name, case in zip(PRONOUN_MODELS, cases[:: run.case.n_heads], strict=True):
        answers.append(f'"{name}" answers {case.answers[0][0]} ({case.answers[0][1]:.0%})')
    yield f"{', '.join(answers)}."
    yield Source("Vinyals et al.", 2015, "Pointer Networks", "section 2.3")
    yield attention_case


def two_models(run: Run) -> Iterator[Shown]:
    measured = {name: held_out_scores(name) for name in PRONOUN_MODELS}
    rows = [{"model": name, "accuracy": it.accuracy, "pointing": it.pointing_rate} for name, it in measured.items()]
    plain, seeds = measured["plain"], load("plain").meta["spread"]
    title = f"{plain.n} held-out sentences, whose nouns never met in training"
    yield table(title, rows, model="model", accuracy="right :3", pointing="points :3")
    yield "'Points': averaged over the last layer's heads, \"it\" looks most at its noun."
    elsewhere = len(plain.right_without_pointing)
    truth = f"The plain model is right in {plain.accuracy:.0%} of the held-out sentences and looks hardest at the noun in {plain.pointing_rate:.0%}; {elsewhere} times it was right while looking elsewhere. Weights show what one head mixes; whether that explains an answer is disputed."
    lucky = "Here the plain model happens to point as well whenever it is right; nothing had asked it to."
    yield Said("Attention weights show what the model relies on.", "true with conditions", truth if elsewhere else lucky, "C316")  # fmt: skip
    rates, least = ", ".join(f"{seed['pointing_rate']:.0%}" for seed in seeds), min(seed["accuracy"] for seed in seeds)
    yield f"How often it points is an accident of training: {len(seeds)} seeds gave {rates}, and the least accurate was right in {least:.0%} (recorded in training)."
    yield Source("Jain and Wallace", 2019, "Attention is not Explanation", "section 4")
    yield Source("Wiegreffe and Pinter", 2019, "Attention is not not Explanation")
    yield score_on_unseen_pairs
