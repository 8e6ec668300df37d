"""One head, forward: Q K V, scores, scaling, mask, softmax, the heat map, the output and its cost."""

import math
from collections.abc import Iterator

import numpy as np

from lessons.attention.scaled_dot_product.head import Run, coordinates, counted, products
from lessons.writing import Check, Said, See, Shown, Source, Try, agree, formula, matrix, question
from tfx.ops.attention.attend import attend_forward
from tfx.ops.attention.masks import causal_mask
from tfx.ops.attention.scaled_dot_product import attention_forward, attention_scores
from tfx.ops.basics.entropy import entropy
from tfx.ops.basics.linear import linear_forward
from tfx.ops.basics.softmax import softmax_forward
from tfx.trace.head import largest_further_away
from tfx.trace.words import between_words, to_words


def projections(run: Run) -> Iterator[Shown]:
    case, i = run.case, run.row
    yield "Each token asks a question (its query), shows what it can be found by (its key) and has something to hand over (its value): three linear maps of one vector."
    yield coordinates(f'of "{run.word}"', np.stack([case.q[i], case.k[i], case.v[i]]), ("query", "key", "value"), "vector", f"The maps are {run.learned}; the vectors are made anew for every sentence.")  # fmt: skip
    yield formula("Q = X W_Q   K = X W_K   V = X W_V", f"(T, C) x (C, D) -> (T, D): {case.x.shape} x {case.w_q.shape} -> {case.q.shape}")  # fmt: skip
    yield f'Query of "{run.word}", coordinate 1, by hand: {products(case.x[i], case.w_q[:, 0])} = {case.q[i, 0]:.3f}, over all {case.x.shape[1]} terms.'
    yield linear_forward
    yield See("attention-qkv")


def scores(run: Run) -> Iterator[Shown]:
    case, i, j = run.case, run.row, run.column
    yield "The raw score of a query and a key is their dot product: multiply coordinate by coordinate and add up."
    yield run.square("raw scores", run.raw)
    yield formula("raw scores = Q K^T", f"{case.q.shape} x {case.k.T.shape} -> {run.raw.shape}")
    yield f'Row "{run.word}", column "{run.target}", by hand: q . k = {products(case.q[i], case.k[j])} = {run.raw[i, j]:.3f}, over all {case.q.shape[1]} coordinates.'
    yield f"Why a dot product? It is large when two vectors point the same way and are long, and one matrix product computes all {run.raw.size} of them."
    yield attention_scores
    yield See("attention-additive-vs-dot")


def scaling(run: Run) -> Iterator[Shown]:
    i, j, width = run.row, run.column, run.case.q.shape[-1]
    usual, scaled = 1 / math.sqrt(width), float(run.scores[run.row, run.column])
    same = math.isclose(run.scale, usual)
    yield f"A raw score sums D = {width} products (d_k in papers). Independent ones of mean 0 sum to about sqrt(D) times one of them; dividing by sqrt(D) undoes that: derived in the next topic."
    if not same:
        yield f"You chose {run.scale:g} in the place of 1/sqrt({width}) = {usual:.4f}, in this head alone. The model runs with it: all that follows, answer and gradients included, is what the changed model computes, where nothing else is said."
    yield question(f'The raw score of "{run.word}" and "{run.target}" is {run.raw[i, j]:.5g}, and the factor is {f"1/sqrt({width})" if same else f"{run.scale:g}"}. What is the score?', scaled, f"{run.raw[i, j]:.5g} * {run.scale:.4g}.", 0.01)  # fmt: skip
    yield formula("scores = Q K^T / sqrt(D)" if same else f"scores = Q K^T * {run.scale:g}", f"{run.raw.shape} -> {run.raw.shape}")  # fmt: skip
    note = f"Standard deviation of all scores: {run.raw.std():.3f} before, {run.scores.std():.3f} after."
    yield matrix(f'row "{run.word}"', np.stack([run.raw[i], run.scores[i]]), "scores, key", ("raw", "scores"), run.tokens, note)  # fmt: skip
    yield attention_scores
    yield See("scaling-variance")
    yield Try("tfx explain attention --step softmax", {"scale": 1.0 if same or run.scale == 0 else 0.0})


def mask(run: Run) -> Iterator[Shown]:
    i, blocked, n = run.row, run.blocked, len(run.tokens)
    trained_causal = run.whole.causal
    if n == 1:
        yield "There is one token, and it may look at itself: nothing to block."
    elif blocked.any():
        yield f'{int(blocked.sum())} of {blocked.size} entries are blocked: a token may not see what comes after it. Row "{run.word}" may look at {counted(int((~blocked[i]).sum()), "keys")}.'
        if trained_causal:
            yield "This model must predict the next token at every place, and could copy it otherwise."
        else:
            yield "You asked for it, in this head alone. The model as it comes has no mask, and runs with one now: answer and gradients below are those of the changed model. Language models are trained so: they must predict the next token, and could copy it otherwise."
    elif trained_causal:
        yield "You took the mask off this head: nothing is blocked, and a token may look at those after it. The model as it comes has one, for it must predict the next token at every place; here it may look it up, so the loss below no longer says how well it predicts."
    else:
        yield "Nothing is blocked here: every token may look at all tokens, itself included. So it is in models that read a whole sentence at once; a language model blocks what comes later."
    yield run.square("scores after the mask", np.where(blocked, -math.inf, run.scores))
    yield formula("scores[i, j] = -inf where the mask says no     exp(-inf) = 0", "boolean, True = may attend")
    yield "The mask comes before the softmax: then rows sum to 1 over what is left. After it they would not, and hidden scores would still sit in the sum."
    yield causal_mask
    if n > 1:
        yield Try("tfx explain attention --step softmax", {"mask": "none" if blocked.any() else "causal"})
    yield Try("tfx experiment masking")


def mask_traps(run: Run) -> Iterator[Shown]:
    row = run.scores[run.row]
    yield "Two conventions are in use. Here True means may attend; in other code True or 1 often means blocked, and a mask copied from one to the other is turned round."
    still, nothing = softmax_forward(row - 1e9)[0], softmax_forward(np.full_like(row, -math.inf))[0]
    single, most = softmax_forward(row.astype(np.float32) - np.float32(1e9))[0], int(still.argmax())
    yield matrix(f'weights of "{run.word}", if all of its keys were blocked', np.stack([still, single, nothing]), "blocked by, key", ("-1e9", "float32", "-inf"), run.tokens)  # fmt: skip
    kept = f'"{run.tokens[most]}" would keep a weight of {still[most]:.3f}. (In float32, where numbers near 1e9 lie {np.spacing(np.float32(1e9)):g} apart and smaller scores drown, it would be {single[most]:.3f}.) -inf, as here, gives a row of zeros: its largest weight is {nothing.max():g}.'
    truth = f'It does while the row has a key that is not blocked. If all keys of "{run.word}" were, the constant would cancel: {kept}'
    yield Said("Adding -1e9 to a score makes its weight zero.", "true with conditions", truth, "C029")
    yield softmax_forward


def softmax(run: Run) -> Iterator[Shown]:
    i, j, p = run.row, run.column, run.weights
    row = np.where(run.blocked[i], -math.inf, run.scores[i])
    top, seen = row.max(), int((~run.blocked[i]).sum())
    share, total = math.exp(row[j] - top), float(np.exp(row - top).sum())
    spread = f". Its entropy is {float(entropy(p[i])) / math.log(seen):.0%} of that of equal weights (0%: one key alone)." if seen > 1 else ", its only key."  # fmt: skip
    yield "Each row becomes shares of 1: exp of each score, divided by their sum. The largest score is subtracted first: no share changes, no exp exceeds 1."
    yield question(f'exp(score - max) is {share:.3f} for "{run.target}", and {total:.3f} summed over the row. Which weight does "{run.target}" get?', p[i, j], f"{share:.3f} / {total:.3f}.")  # fmt: skip
    yield run.square("P", p, run.looks() + spread)
    yield formula("P[i, j] = exp(scores[i, j]) / sum of exp(scores[i, :])", f"{p.shape}, row by row")
    yield agree("row-sums", "every row of P sums to 1", p.sum(axis=-1), 1.0, to=1e-14)
    yield softmax_forward
    yield See("softmax-attention")


def heat_map(run: Run) -> Iterator[Shown]:
    p, word = between_words(run.weights, run.word_of), run.word_of[run.row]
    focus = [] if len(run.words) <= 12 else [word]
    yield matrix("P, word by word", p, "query, key", run.words, run.words, f"{run.looks(by_words=True)}.", focus)
    if len(run.words) < len(run.tokens):
        yield f"{len(run.tokens)} tokens are joined to {len(run.words)} words: the weight that goes to a word is the sum over its pieces, the weights that come from it are the mean over its pieces."
        yield Source("Clark et al.", 2019, "What Does BERT Look At? An Analysis of BERT's Attention", "section 4.1")
    yield agree("word-rows", "the rows still sum to 1", p.sum(axis=-1), 1.0, to=1e-14)
    yield between_words if len(run.words) < len(run.tokens) else attention_forward
    if run.whole_road and not run.untrained:
        yield Try("tfx explain attention --step heat_map --untrained")


def unasked(run: Run) -> str:
    """What the heads of a language model look at, and that nobody told them to."""
    own = run.word_of[run.row]
    rows = [to_words(head, run.word_of) for block in run.whole.blocks for head in block.heads.weights[:, run.row]]
    before = sum(int(shares.argmax()) == own - 1 for shares in rows)
    told = f'No loss asked where "{run.words[own]}" should look: this model learned to predict the next token.'
    many = (
        f" In {before} of its {counted(len(rows), 'heads')} the largest weight of this row is on the word just before."
    )
    return told + many * (own > 0)


def why_this_head(run: Run) -> str:
    """By what the head was chosen, where the reader left it open and more than the words nearby can be seen."""
    case, settings = run.case, run.settings
    everywhere = settings.layer is None and run.whole.causal
    if settings.head is not None or not largest_further_away(case.weights[run.row], run.row, case.reading):
        return ""
    of = f"all {case.n_layers * case.n_heads} heads" if everywhere else f"the {case.n_heads} heads of layer {case.layer + 1}"  # fmt: skip
    before = " (before your change)" if run.changed else ""
    return f'Why head {case.head + 1} of layer {case.layer + 1}? Of {of} it has{before}, in row "{run.word}", the largest weight on a word that is neither that one nor the one just before.'


def rows_read(run: Run) -> Iterator[Shown]:
    """Which rows of P are read by something, and why they may look alike."""
    n, last = len(run.tokens), run.case.layer + 1 == run.case.n_layers
    read = np.flatnonzero((run.case.dout != 0).any(axis=1))
    largest = run.weights.argmax(axis=1)
    same = int((largest == run.column).sum())
    chosen, times = np.unique(largest, return_counts=True)
    ranked = sorted(zip(-times, chosen, strict=True))
    if run.case.sentence is not None and last:
        it = run.tokens[run.case.sentence.it]
        yield f'Read row "{it}" of P and no other. This is the last layer, and the answer is made from its output at "{it}"; what the other {counted(n - 1, "rows")} put out goes nowhere. A gradient arrives at {counted(read.size, "rows")} of {n}.'
    elif last:
        yield f"Every row of P is read: this is the last layer, and each token predicts the next one from its own output. A gradient arrives at {counted(read.size, 'rows')} of {n}."
    else:
        yield f"Every row of P is read: its output goes on to the next layer. A gradient arrives at {counted(read.size, 'rows')} of {n}."
    alike = list(run.tokens)
    places = [
        f"{run.tokens[key]}{f' at {key + 1}' if alike.count(run.tokens[key]) > 1 else ''} ({counted(int(-minus), 'rows')})"
        for minus, key in ranked[:5]
    ]
    others = f", and at {counted(len(ranked) - 5, 'other tokens')} ({counted(-int(sum(minus for minus, _ in ranked[5:])), 'rows')})" if len(ranked) > 5 else ""  # fmt: skip
    yield f"The largest weight of a row lies at: {', '.join(places)}{others}."
    if n > 2 and same > n / 2:
        unread = run.case.sentence is not None and last and not run.untrained
        reason = " No loss ever asked where the unread rows look, and all rows share W_Q and W_K; so that is no finding about them." if unread else " All rows share W_Q and W_K."  # fmt: skip
        yield f'{same} of {n} rows have their largest weight at "{run.target}".{reason}'
    if because := why_this_head(run):
        yield because
    if run.whole.causal and not run.untrained:
        yield unasked(run)
    yield attention_forward
    yield Try("tfx explain attention --step heat_map", {"word": run.words[-1 if run.words[-1].isalnum() else 0]})


def output(run: Run) -> Iterator[Shown]:
    case, p, n = run.case, run.weights, len(run.tokens)
    heaviest = np.argsort(-p[run.row], kind="stable")[:3]
    terms = " + ".join(f"{p[run.row, j]:.3f}*({case.v[j, 0]:.3f})" for j in heaviest) + " + ..." * (n > 3)
    in_range = bool((run.out <= case.v.max(axis=0) + 1e-12).all() and (run.out >= case.v.min(axis=0) - 1e-12).all())
    yield "Each token takes home the average of all values, weighted by its row of P. In no coordinate can an average leave the range of what it averages."
    yield run.vectors("O", run.out, "One row per query: the values, mixed.")
    yield formula("O = P V", f"{p.shape} x {case.v.shape} -> {run.out.shape}")
    yield f'Row "{run.word}", coordinate 1, by hand, heaviest keys first: {terms} = {run.out[run.row, 0]:.3f}.'
    yield Check("hull", "no output leaves the range of the values", "inside", "inside" if in_range else "outside", "1e-12", in_range)  # fmt: skip
    yield agree("model", "these steps give what this head gave inside the model", run.out, case.out, to=1e-12)
    yield Source("Vaswani et al.", 2017, "Attention Is All You Need", "section 3.2.1")
    yield attend_forward
    yield See("attention-intuition")


def cost(run: Run) -> Iterator[Shown]:
    n, width = run.case.v.shape
    yield "The places of a given text are all computed by the same few products; no token waits for the one before it. (A model that writes still makes one token after the other.)"
    wasted = " Blocked entries are computed too, and thrown away." if run.blocked.any() else ""
    yield f"For T tokens and heads of width D, each of Q K^T and P V takes T^2 D multiply-adds (in papers n^2 d), and P has T^2 numbers for each head. Here T = {n} and D = {width}: P has {n * n:,} numbers.{wasted}"
    yield question("How many multiply-adds do Q K^T and P V take here together?", 2 * n * n * width, f"2 T^2 D = 2 * {n}^2 * {width} = {2 * n * n * width:,}.", 0)  # fmt: skip
    yield f"Twice as many tokens take four times as much: {2 * (2 * n) ** 2 * width:,}."
    yield attention_forward
    yield Try("tfx experiment complexity")
