"""The forward half: tokens, Q K V, scores, scaling, mask, softmax, output, and what the model makes of it."""

import math
from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.head import Run, coordinates, products
from lessons.writing import Check, Said, See, Shown, Source, Try, agree, formula, matrix, question, table
from tfx.tokenizers.word import UNKNOWN
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_scores
from tfx.ops.basics.entropy import entropy
from tfx.ops.basics.linear import linear_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.ops.losses.cross_entropy import cross_entropy_forward
from tfx.shipped.load import held_out_scores, load
from tfx.shipped.pronoun_scores import score_on_unseen_pairs
from tfx.trace import attention_case

PRONOUN_MODELS = ("pointing", "plain")


def tokens(run: Run) -> Iterator[Shown]:
    case, unknown = run.case, run.case.tokens.count(UNKNOWN)
    yield "Self-attention turns a row of token vectors into a row of vectors that know about each other. Here is one head of a trained model at work on your sentence: one real run, forward and all the way back."
    random = " Its weights are random (--untrained): nothing below means anything yet, but all of it is exact."
    yield f"Model: {case.model_about}.{random * run.untrained}"
    one_token = (f"  To the model {unknown} of them {'is' if unknown == 1 else 'are'} one and the same unknown token." if unknown else "")  # fmt: skip
    yield f"{len(run.tokens)} tokens: {' | '.join(run.tokens)}{'.' * bool(unknown)}{one_token}"
    yield coordinates("X", case.x, run.tokens, note="One row per token; positions are already mixed in.")
    yield formula(f"X = what layer {case.layer + 1} of {case.n_layers} reads; head {case.head + 1} of {case.n_heads}", f"T tokens, C numbers each: (T, C) = {case.x.shape}")  # fmt: skip
    yield attention_case
    yield Try.here(text="your own sentence")
    yield Try("tfx explain attention --step softmax" + " --untrained" * (not run.untrained))


def projections(run: Run) -> Iterator[Shown]:
    case, i = run.case, run.row
    offset = "" if case.b_q is None else f" + ({case.b_q[0]:.3f})"
    yield "Every token asks a question (its query), shows what it can be found by (its key) and has something to hand over (its value). All three are linear maps of the same vector."
    yield coordinates(f'what "{run.word}" asks, shows and holds', np.stack([case.q[i], case.k[i], case.v[i]]), ("query", "key", "value"), "vector")  # fmt: skip
    yield formula("Q = X W_Q   K = X W_K   V = X W_V", f"(T, C) x (C, D) -> (T, D): {case.x.shape} x {case.w_q.shape} -> {case.q.shape}")  # fmt: skip
    yield f'Query of "{run.word}", coordinate 1, by hand: {products(case.x[i], case.w_q[:, 0])}{offset} = {case.q[i, 0]:.3f}, over all {case.x.shape[1]} terms.'
    yield coordinates("Q", case.q, run.tokens)
    yield "The three maps are learned; the vectors are made anew for every sentence."
    yield linear_forward
    yield See("attention-qkv")


def scores(run: Run) -> Iterator[Shown]:
    case, i, j = run.case, run.row, run.column
    yield "How well does each question match each label? The score of a query and a key is their dot product: multiply coordinate by coordinate and add up."
    yield run.square("S", run.raw, f'The highest score of "{run.word}" is with "{run.tokens[int(run.raw[i].argmax())]}".')  # fmt: skip
    yield formula("S = Q K^T", f"{case.q.shape} x {case.k.T.shape} -> {run.raw.shape}")
    yield f'Row "{run.word}", column "{run.target}", by hand: q . k = {products(case.q[i], case.k[j])} = {run.raw[i, j]:.3f}, over all {case.q.shape[1]} coordinates.'
    yield f"Why a dot product? It is large when two vectors point the same way and are long, and one matrix product computes all {run.raw.size} of them."
    yield attention_scores
    yield See("attention-additive-vs-dot")


def scaling(run: Run) -> Iterator[Shown]:
    i, j, width = run.row, run.column, run.case.q.shape[-1]
    usual, scaled = 1 / math.sqrt(width), float(run.scaled[run.row, run.column])
    same = math.isclose(run.scale, usual)
    factor = f"1/sqrt({width}) = {usual:.4f}" if same else f"{run.scale:g} instead of 1/sqrt({width}) = {usual:.4f}"
    yield f"A score adds up {width} products, and longer sums wander further from zero. Dividing by the root of their number undoes that."
    yield question(f"The raw score is {run.raw[i, j]:.3f} and the scale {run.scale:.4f}. What is the scaled score?", scaled, "One multiplication.", 0.01)  # fmt: skip
    yield formula("S = Q K^T / sqrt(D)" if same else f"S = Q K^T * {run.scale:g}", f"D = {width}, the width of a query, or d_k; from here on S is scaled")  # fmt: skip
    yield f'The factor is {factor}; row "{run.word}", column "{run.target}" becomes {scaled:.3f}.'
    yield matrix(f'row "{run.word}"', np.stack([run.raw[i], run.scaled[i]]), "scores, key", ("raw", "scaled"), run.tokens)  # fmt: skip
    yield f"Standard deviation of all scores: {run.raw.std():.3f} before, {run.scaled.std():.3f} after. Training may grow them again; the scale only sets where it starts."
    yield attention_scores
    yield See("scaling-variance")
    yield Try("tfx explain attention --step softmax", {"scale": 1.0})


def mask(run: Run) -> Iterator[Shown]:
    i, blocked = run.row, run.blocked
    if blocked.any():
        yield f'{int(blocked.sum())} of {blocked.size} entries are blocked: a token may not see what comes after it. A language model, which must predict the next word, could copy it otherwise. Row "{run.word}" may look at {int((~blocked[i]).sum())} keys.'
    else:
        yield "Nothing is blocked here: every token may look at all tokens, itself included. So it is in models that read a whole sentence at once; a language model blocks the future."
    yield run.square("scaled scores after the mask", np.where(blocked, -math.inf, run.scaled))
    yield formula("S[i, j] = -inf where the mask says no        exp(-inf) = 0", "boolean, True = may attend")
    yield "The mask comes before the softmax, so that the rows still sum to one over what is left. After it they would not, and the hidden scores would still sit in the sum."
    yield "Two conventions are about. Here True means may attend; in other code True or 1 often means blocked, and a mask copied from one to the other is turned round."
    still, nothing = softmax_forward(run.scaled[i] - 1e9)[0], softmax_forward(np.full_like(run.scaled[i], -math.inf))[0]
    kept = f'"{run.tokens[int(still.argmax())]}" would keep a weight of {still.max():.3f}. -inf, as here, gives a row of zeros: its largest weight is {nothing.max():g}.'
    truth = f'It does while the row has a key that is not blocked. If all keys of "{run.word}" were, the constant would cancel: {kept}'
    yield Said("Adding -1e9 to a score makes its weight zero.", "true with conditions", truth, "C029")
    yield causal_mask
    yield Try("tfx explain attention --step softmax", {"mask": "causal"})
    yield Try("tfx experiment masking")


def softmax(run: Run) -> Iterator[Shown]:
    i, j, p = run.row, run.column, run.weights
    row = np.where(run.blocked[i], -math.inf, run.scaled[i])
    top, seen = row.max(), int((~run.blocked[i]).sum())
    share, total = math.exp(row[j] - top), float(np.exp(row - top).sum())
    spread = (f"its entropy is {float(entropy(p[i])) / math.log(seen):.0%} of that of equal weights (0% would be one key alone)" if seen > 1 else "one key only")  # fmt: skip
    yield "Each row of scores becomes shares of 1: raise e to the power of each score, and divide by the sum of the row. Subtracting the row's maximum first changes no share and keeps every power at most 1."
    yield question(f'exp(score - max) is {share:.3f} for "{run.target}" and the row sums to {total:.3f}. Which weight does "{run.target}" get?', p[i, j], "Its share of the sum.")  # fmt: skip
    yield run.square("P", p, f'"{run.word}" gives its largest weight, {p[i, j]:.3f}, to "{run.target}".')
    yield formula("P[i, j] = exp(S[i, j]) / sum_k exp(S[i, k])", f"{p.shape} -> {p.shape}, row by row")
    yield f'By hand, row "{run.word}": {share:.3f} / {total:.3f} = {p[i, j]:.3f}; {spread}.'
    yield agree("row-sums", "every row of P sums to 1", p.sum(axis=-1), 1.0, to=1e-14)
    yield softmax_forward
    yield See("softmax-attention")


def output(run: Run) -> Iterator[Shown]:
    case, p, (n, width) = run.case, run.weights, run.case.v.shape
    heaviest = np.argsort(-p[run.row])[:3]
    terms = " + ".join(f"{p[run.row, j]:.3f}*({case.v[j, 0]:.3f})" for j in heaviest) + " + ..." * (n > 3)
    in_range = bool((run.out <= case.v.max(axis=0) + 1e-12).all() and (run.out >= case.v.min(axis=0) - 1e-12).all())
    yield "Each token takes home the average of all values, weighted by its row of P. In no coordinate can an average leave the range of what it averages."
    yield coordinates("O", run.out, run.tokens, note="One row per query: the values, mixed.")
    yield formula("O = P V", f"{p.shape} x {case.v.shape} -> {run.out.shape}")
    yield f'Row "{run.word}", coordinate 1, by hand: {terms} = {run.out[run.row, 0]:.3f}.'
    yield f"All positions are computed by the same few products; no token waits for the one before it. For n tokens and heads of width d, Q K^T and P V take 2 n^2 d multiply-adds, here {2 * n * n * width:,}, and P has n^2 = {n * n:,} numbers for each head."
    yield Check("hull", "no output leaves the range of the values", "inside", "inside" if in_range else "outside", "1e-12", in_range)  # fmt: skip
    if run.changed:
        yield "Scale or mask were changed, so this is no longer what the model computed."
    else:
        yield agree("model", "these steps give the model's own output", run.out, case.out, to=1e-12)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield attend_forward
    yield See("attention-intuition")


def meaning(run: Run) -> Iterator[Shown]:
    case, sentence = run.case, run.case.sentence
    yield "The outputs of all heads are joined, and pass through the rest of the model. At its end stands an answer."
    yield case.task_about
    words, chances = zip(*case.answers, strict=True)
    yield matrix("its best answers", np.array(chances), ", answer", ("probability",), words)
    yield (
        f"Loss here: {case.loss:.4f}, minus the logarithm of what the right answer got. The way back starts from this number."
        + " Your scale or mask is not in it: the model ran as it was trained." * run.changed
    )
    yield cross_entropy_forward
    if sentence is None:
        yield Try.here(text="the dog did not enter the park because it was too crowded")
    else:
        other = "wide" if sentence.answer == sentence.mover else "tired"
        yield Try.here(text=" ".join(other if word == sentence.adjective else word for word in sentence.words))
        yield Try.here(model="plain" if case.model_name == "pointing" else "pointing")


def two_models(run: Run) -> Iterator[Shown]:
    shipped = {name: load(name) for name in PRONOUN_MODELS}
    heads = range(run.case.n_heads)
    cases = {name: [attention_case(" ".join(run.tokens), model, -1, head) for head in heads] for name, model in shipped.items()}  # fmt: skip
    measured = {name: held_out_scores(name) for name in PRONOUN_MODELS}
    rows = [{"model": name, "answer": cases[name][0].answers[0][0], "accuracy": it.accuracy, "pointing": it.pointing_rate, "heads": " ".join(f"{rate:.2f}" for rate in it.by_head[-1])} for name, it in measured.items()]  # fmt: skip
    plain, seeds = measured["plain"], shipped["plain"].meta["spread"]
    yield 'Two small models of the same shape learned to say which noun "it" stands for. One was also told where to look, so its weights are an answer. The other only had to be right.'
    row_it = np.stack([case.weights[case.row] for name in PRONOUN_MODELS for case in cases[name]])
    yield matrix('row "it" of the last layer, head by head', row_it, "head, key", [f"{name} {head + 1}" for name in PRONOUN_MODELS for head in heads], run.tokens)  # fmt: skip
    title = f"{plain.n} held-out sentences, whose nouns never met in training"
    yield table(title, rows, model="model", answer="answer here", accuracy="right :3", pointing="points :3", heads="points, head by head")  # fmt: skip
    yield "'Points' is the share of sentences in which the largest weight, averaged over the heads, lies on the noun."
    elsewhere = len(plain.right_without_pointing)
    truth = f"The plain model is right in {plain.accuracy:.0%} of the held-out sentences and looks hardest at the noun in {plain.pointing_rate:.0%}; {elsewhere} times it was right while looking elsewhere. Weights show what one head mixes; whether that explains an answer is disputed."
    lucky = "Here the plain model happens to point as well whenever it is right; nothing had asked it to."
    yield Said("Attention weights show what the model relies on.", "true with conditions", truth if elsewhere else lucky, "C316")  # fmt: skip
    rates, least = ", ".join(f"{seed['pointing_rate']:.0%}" for seed in seeds), min(seed["accuracy"] for seed in seeds)
    yield f"How often it points is an accident of training: {len(seeds)} seeds gave {rates}; the least accurate of them was right in {least:.0%}. These rates alone were recorded, when the weights were made."
    yield Source("Vinyals et al.", 2015, "Pointer Networks", "section 2")
    yield Source("Jain and Wallace", 2019, "Attention is not Explanation", "section 4")
    yield Source("Wiegreffe and Pinter", 2019, "Attention is not not Explanation")
    yield score_on_unseen_pairs
    yield Try.here(model="plain")
