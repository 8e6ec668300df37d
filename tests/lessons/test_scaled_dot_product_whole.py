"""The flagship, the whole road: every number around the head by a second way, and something that breaks each check."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from lessons.attention.scaled_dot_product import answer, backward, beginning, bottom, forward, onward, top_down
from lessons.attention.scaled_dot_product.head import DEFAULT_TEXT, Run, Settings
from lessons.course import find_topic
from lessons.request import Request
from lessons.walk import walk
from tests.cli.running import TERMINAL_VARIABLES
from tests.lessons.steps import failed_in, records_of, sentences
from tfx.data import pronouns
from tfx.records import Formula, Matrix, Question, Text
from tfx.shipped.load import load
from tfx.trace import whole
from tfx_cli.explaining.walk import Manner, written_parts
from tfx_cli.options import Face

TROPHY = "The trophy did not fit in the suitcase because it was too big."


def run_of(text: str | None = None, untrained: bool = False, **settings) -> Run:
    return Run(Request(text, 0, Settings(**settings), untrained))


@pytest.fixture(scope="module")
def pronoun() -> Run:
    return run_of()


@pytest.fixture(scope="module")
def language() -> Run:
    return run_of(TROPHY, layer=2, head=1)


def said(write, run: Run) -> str:
    return "\n".join(sentences(records_of(write, run)))


def pictures(write, run: Run) -> list[Matrix]:
    return [record for record in records_of(write, run) if isinstance(record, Matrix)]


# ------------------------------------------------------------------ from characters to the head


def test_the_first_step_says_which_model_runs_and_why(pronoun):
    assert (
        'Model: a pronoun model whose attention was trained to point at what "it" stands for, 2 layers, because its '
        "grammar makes this sentence. Any other text goes to the language model."
    ) in said(beginning.tokens, pronoun)
    known = len(pronouns.VOCABULARY) - 1
    assert (
        "Model: a small language model, trained on the documentation inside Python, 2 layers, because "
        f'"trophy" and 4 more of its words are not among the {known} words of the pronoun models. The pronoun models '
        'know sentences such as "the dog did not enter the park because it was too crowded".'
    ) in said(beginning.tokens, run_of(TROPHY))
    chosen = said(beginning.tokens, run_of(model="plain"))
    assert "trained on the answer alone, 2 layers, because you chose it (model=plain)." in chosen


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("the cat sat", '"sat" is not among the 72 words of the pronoun models'),
        ("the dog did not enter the park", 'it has no "it was ...", which the pronoun models need'),
        (
            "it was the dog",
            "all of its words are among the 72 words of the pronoun models, but their grammar makes no sentence of "
            "this form",
        ),
        (
            "The cat didn't leave because it was busily crowded",
            '"busily" is not among the 72 words of the pronoun models',
        ),
    ],
)
def test_why_a_text_goes_to_the_language_model(text, why):
    assert len(pronouns.VOCABULARY) - 1 == 72
    assert beginning.unfit(text) == why


def test_every_token_has_its_id_and_every_cut_word_its_pieces(pronoun):
    vocabulary = pronouns.VOCABULARY
    ids = " | ".join(f"{word} {vocabulary.index(word)}" for word in DEFAULT_TEXT.split())
    assert f"A model reads numbers. So the text is cut to 12 tokens, and each has a number, its id: {ids}" in said(
        beginning.tokens, pronoun
    )
    told = said(beginning.tokens, run_of(TROPHY))
    model = load("language")
    for word, pieces in {"trophy": ("tr", "##op", "##h", "##y"), "suitcase": ("su", "##it", "##c", "##ase")}.items():
        assert all(piece in model.vocabulary for piece in pieces)
        assert f"{word} = {'|'.join(piece.removeprefix('##') for piece in pieces)}" in told
    assert "A hyphen marks below where a word goes on: tr- -op- -h- -y" in told and "##" not in told


@pytest.mark.parametrize("road", ["whole", "attention"])
def test_the_first_step_names_the_other_road(road):
    other = {"whole": "attention", "attention": "whole"}[road]
    assert f"--set road={other}" in said(beginning.tokens, run_of(road=road)).splitlines()[-1]


def test_the_rows_of_the_table(pronoun):
    it = pronouns.VOCABULARY.index("it")
    table = load("pointing").model.embedding.table.value
    told = said(beginning.embedding_rows, pronoun)
    assert f"C = 48 numbers for each of 73 tokens, learned. Id {it} gets row {it}, wherever it stands." in told
    assert f'"it", coordinate 1: {table[it, 0]:.3f} * {math.sqrt(48):.3f} = {table[it, 0] * math.sqrt(48):.3f}.' in told
    (shown,) = pictures(beginning.embedding_rows, pronoun)
    assert np.array_equal(shown.values, table[[pronouns.VOCABULARY.index(w) for w in DEFAULT_TEXT.split()]][:, :6])
    assert shown.focus == (0, 5, 8) and shown.note == '"the" stands here 2 times, with one row: nothing says yet where.'


def test_the_positions(pronoun):
    (shown,) = pictures(beginning.positions, pronoun)
    assert shown.values[1, :4] == pytest.approx(
        [math.sin(8), math.cos(8), math.sin(8 / 10000 ** (2 / 48)), math.cos(8 / 10000 ** (2 / 48))]
    )
    assert shown.values[2] == pytest.approx(shown.values[0] + shown.values[1])
    assert shown.note == (
        "Place p and pair i count from 0: here p = 8, and pair 0 is sin(8) = 0.989, cos(8) = -0.146. Later pairs are "
        "slower."
    )


def test_what_a_layer_adds_is_shown_and_where_it_looks(pronoun):
    (shown,) = pictures(beginning.layers_below, pronoun)
    assert shown.values[:3].sum(axis=0) == pytest.approx(shown.values[3])
    mean = pronoun.whole.blocks[0].heads.weights[:, 8].mean(axis=0)
    best = DEFAULT_TEXT.split()[int(mean.argmax())]
    assert f'averaged over its 4 heads, "it" looks at: {best} {mean.max():.2f}, ' in said(
        beginning.layers_below, pronoun
    )


def test_the_norm_by_hand(pronoun):
    (line,) = [text for text in said(beginning.head_input, pronoun).splitlines() if text.startswith("By hand")]
    gain, x, mean, std, offset, result = map(float, re.findall(r"-?\d+\.\d+", line))
    assert gain * (x - mean) / std + offset == pytest.approx(result, abs=2e-3)
    assert result == pytest.approx(pronoun.case.x[8, 0], abs=5e-4)


# ------------------------------------------------------------------ reading the picture


def test_which_rows_are_read(pronoun, language):
    same = int((pronoun.case.weights.argmax(axis=1) == 1).sum())
    assert said(forward.rows_read, pronoun).splitlines()[0] == (
        'Read row "it" of P and no other. This is the last layer, and the answer is made from its output at "it"; what '
        "the other 11 rows put out goes nowhere. A gradient arrives at 1 row of 12."
    )
    assert (
        said(forward.rows_read, pronoun).splitlines()[1]
        == f"The largest weight of a row lies at: animal ({same} rows)."
    )
    where = [language.tokens[key] for key in language.case.weights.argmax(axis=1)]
    (counts,) = [
        line for line in said(forward.rows_read, language).splitlines() if line.startswith("The largest weight")
    ]
    named, others = re.fullmatch(
        r"The largest weight of a row lies at: (.*), and at (\d+ other tokens? \(\d+ rows?\))\.", counts
    ).groups()
    for token, place, rows in re.findall(r"(?:^|, )([^ ]+)(?: at (\d+))? \((\d+) rows?\)", named):
        assert where.count(token) >= int(rows) > 0 and (place or language.tokens.count(token) == 1)
        assert not place or language.tokens[int(place) - 1] == token
    assert sum(map(int, re.findall(r"\((\d+) rows?\)", counts))) == 22
    chosen = {int(row.argmax()) for row in language.case.weights}
    assert named.count("(") == 5 and others.startswith(f"{len(chosen) - 5} other token")
    assert said(forward.rows_read, pronoun).splitlines()[2] == (
        f'{same} of 12 rows have their largest weight at "animal". No loss ever asked where the unread rows look, and '
        "all rows share W_Q and W_K; so that is no finding about them."
    )
    assert said(forward.rows_read, language).startswith(
        "Every row of P is read: this is the last layer, and each token predicts the next one from its own output."
    )
    below = said(forward.rows_read, run_of(layer=1))
    assert below.startswith("Every row of P is read: its output goes on to the next layer.") and "No loss" not in below
    assert "No loss" not in said(forward.rows_read, run_of(untrained=True))


def test_rows_that_look_elsewhere_are_not_said_to_look_at_one_word(pronoun):
    run = run_of()
    run.weights = np.eye(12)
    assert "have their largest weight" not in said(forward.rows_read, run)


def test_the_heat_map_joins_pieces_to_words():
    run = run_of(TROPHY)
    (shown,) = pictures(forward.heat_map, run)
    assert shown.rows == shown.cols == (*TROPHY.removesuffix(".").split(), ".")
    pieces = [1, 4, 2, 1, 2, 1, 1, 4, 1, 1, 1, 1, 1, 1]
    starts = np.cumsum([0, *pieces])
    p = run.case.weights
    for a in range(14):
        for b in range(14):
            block = p[starts[a] : starts[a + 1], starts[b] : starts[b + 1]]
            assert shown.values[a, b] == pytest.approx(block.sum() / pieces[a], abs=1e-12)
    assert "22 tokens are joined to 14 words: the weight that goes to a word is the sum over its pieces" in said(
        forward.heat_map, run
    )
    assert shown.focus == (9,) and shown.note.startswith('"it" looks at: ')


# ------------------------------------------------------------------ on to the answer


def test_the_other_heads(pronoun):
    weights = pronoun.whole.blocks[1].heads.weights[:, 8]
    (shown,) = pictures(onward.other_heads, pronoun)
    assert np.allclose(shown.values, weights) and shown.rows == ("head 1", "head 2", "head 3", "head 4")
    assert (
        f'In {int((weights.argmax(axis=1) == 1).sum())} of 4 heads the largest weight of "it" is on "animal".'
        in said(onward.other_heads, pronoun)
    )


def test_the_shares_of_the_heads_sum_to_what_attention_gives(pronoun):
    (shown,) = pictures(onward.joined, pronoun)
    assert shown.values[:-1].sum(axis=0) == pytest.approx(shown.values[-1])
    assert shown.values[-1] == pytest.approx(pronoun.block.mixed[8, :6])


def test_the_network_counts_what_is_above_zero(pronoun):
    block = load("pointing").model.last
    inner = pronoun.block.inner[8]
    alive = int((inner @ block.feed_forward.first.w.value + block.feed_forward.first.b.value > 0).sum())
    assert f'Of the 96 numbers in the middle {alive} are above 0 at "it".' in said(onward.feed_forward, pronoun)


def test_the_logits_by_hand(pronoun, language):
    for run, place in ((pronoun, 8), (language, 21)):
        logits = run.whole.hidden[place] @ run.whole.table.T
        (shown,) = pictures(onward.logits, run)
        assert shown.values[0] == pytest.approx(np.sort(logits)[::-1][:5])
        assert f"= {logits.max():.3f}, over all {run.whole.table.shape[1]} terms." in said(onward.logits, run)


def test_the_loss_is_said_to_be_the_mean_where_there_are_many_places(pronoun, language):
    for run, places in ((pronoun, "1 place"), (language, "22 places")):
        p = run.whole.probabilities[np.arange(len(run.whole.asked)), run.whole.targets]
        assert (
            f"Loss here: {-np.log(p).mean():.4f}, the mean of -ln p[right answer] over {places}. The way back starts "
            "from this number."
        ) in said(answer.meaning, run)


def test_no_rate_of_right_answers_is_said_to_be_more_than_itself(pronoun):
    assert "or more" not in said(answer.two_models, pronoun)


# ------------------------------------------------------------------ questions


def test_predictions_follow_from_what_stands_in_them(pronoun, language):
    """Each answer once more, from the numbers of the question alone."""
    for run in (pronoun, language):
        asked = {
            write.__name__: next(record for record in records_of(write, run) if isinstance(record, Question))
            for write in (
                forward.scaling, forward.softmax, forward.cost, onward.residual, answer.meaning,
                top_down.loss_gradient, backward.jacobian,
            )
        }  # fmt: skip
        numbers = {
            name: [float(x) for x in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", q.prompt)] for name, q in asked.items()
        }
        n, width = run.case.q.shape
        raw, _, root = numbers["scaling"]
        share, total = numbers["softmax"][-2:]
        p = numbers["meaning"][-1]
        slope = (numbers["loss_gradient"][0] - 1) / (numbers["loss_gradient"][1] if run is language else 1)
        first, second = numbers["jacobian"]
        again = {
            "scaling": raw / math.sqrt(root),
            "softmax": share / total,
            "cost": sum(1 for _ in range(n * n)) * width * 2,
            "residual": sum(numbers["residual"][1:3]),
            "meaning": -math.log(p),
            "loss_gradient": slope,
            "jacobian": -first * second,
        }
        for name, question in asked.items():
            near = pytest.approx(again[name], rel=max(question.tolerance, 1e-9), abs=1e-3 if name == "residual" else 0)
            assert question.answer == near, name
            assert question.answer * 1.5 != near, name


# ------------------------------------------------------------------ and back


def test_the_gradient_of_the_logits(pronoun):
    (shown,) = pictures(top_down.loss_gradient, pronoun)
    assert shown.cols[0] == "animal" and shown.values[1].tolist() == [1, 0, 0, 0]
    assert shown.values[2] == pytest.approx(shown.values[0] - shown.values[1])


def test_what_is_used_twice_gets_the_sum(pronoun):
    for write in (top_down.back_to_the_head,):
        (line,) = [r.shapes for r in records_of(write, pronoun) if isinstance(r, Formula) and r.text.startswith("dr")]
        a, b, c = map(float, re.findall(r"-?\d\.[\de-]+", line))
        assert a + b == pytest.approx(c, rel=0.03)
    (shown,) = pictures(bottom.residual_back, pronoun)
    assert shown.values[:2].sum(axis=0) == pytest.approx(shown.values[2])
    (shown,) = pictures(bottom.inputs_gradient, pronoun)
    assert shown.values[:3].sum(axis=0) == pytest.approx(shown.values[3])


def test_which_rows_of_the_table_get_a_gradient(pronoun, language):
    for run in (pronoun, language):
        n_rows, standing = len(run.whole.table), len(set(run.whole.ids.tolist()))
        assert (
            f"Looked up: {standing} rows of {n_rows:,} get a gradient, those of the tokens that stand here; "
            f"{n_rows - standing:,} get none. But the logits read the same table: there {n_rows} rows get one, right "
            "answers and wrong ones."
        ) in said(bottom.embedding_gradient, run)


def test_the_lines_by_hand_on_the_way_back(pronoun):
    grads, case, i = pronoun.grads, pronoun.case, 8
    dv = float(case.weights[:, 1] @ case.dout[:, 0])
    dk = float(grads.ds[:, 1] @ case.q[:, 0]) / math.sqrt(12)
    dq = float(grads.ds[i] @ case.k[:, 0]) / math.sqrt(12)
    (values,) = pictures(backward.values_gradient, pronoun)
    only = f"({case.weights[i, 1]:.3f})({case.dout[i, 0]:.2g})"  # the loss reads row "it" alone
    assert values.note == f'By hand, dV of "animal", coordinate 1, largest terms first: {only} = {dv:.2g}.'
    assert f"0.2887 * (({grads.ds[i, 1]:.2g})({case.q[i, 0]:.3f})) = {dk:.2g}." in said(backward.keys_gradient, pronoun)
    assert f"= {dq:.2g}." in said(backward.queries_and_keys, pronoun)
    mean = float((grads.dp[i] * case.weights[i]).sum())
    by_hand = case.weights[i, 1] * (grads.dp[i, 1] - mean)
    assert f"= {by_hand:.2g}." in said(backward.scores_gradient, pronoun)


def test_a_row_that_no_gradient_reaches_wants_nothing():
    told = said(backward.scores_gradient, run_of(word="street"))
    assert 'Row "street" is zero: no gradient arrives at it, or it sees one key alone' in told and "wants" not in told


def test_the_whole_model_is_checked_in_all_its_arrays(pronoun):
    told = said(bottom.whole_model, pronoun)
    parameters = load("pointing").model.parameters()
    assert (
        f"The model has {sum(p.value.size for p in parameters.values()):,} numbers in {len(parameters)} arrays" in told
    )
    assert len([line for line in told.splitlines() if re.fullmatch(r"[\w.]+: \d\.\de-\d\d", line)]) == 3


# ------------------------------------------------------------------ each check can fail


def spoilt(run: Run, what: str) -> Run:
    """The run with one array slightly wrong; `what` is `whole.name`, `block.name`, or `below.name`."""
    place, _, name = what.partition(".")
    if place == "whole":
        run.whole = run.whole._replace(**{name: getattr(run.whole, name) * (1 + 1e-6)})
    elif place == "below":
        first = run.whole.blocks[0]
        run.whole = run.whole._replace(
            blocks=(first._replace(**{name: getattr(first, name) * np.nan}), *run.whole.blocks[1:])
        )
    elif place == "block":
        run.block = run.block._replace(**{name: getattr(run.block, name) * (1 + 1e-6)})
    elif place == "case":
        run.case = run.case._replace(**{name: getattr(run.case, name) * (1 + 1e-6)})
    return run


BREAKERS = [
    (beginning.embedding_rows, "whole.embedded", {"embedded"}),
    (beginning.positions, "whole.embedded", {"placed"}),
    (beginning.positions, "whole.placed", {"placed"}),
    (beginning.layers_below, "below.fed", {"adds-1"}),
    (beginning.head_input, "case.x", {"norm"}),
    (onward.joined, "block.mixed", {"joined"}),
    (onward.residual, "block.middle", {"residual"}),
    (onward.feed_forward, "block.y", {"feed-forward"}),
    (onward.logits, "whole.logits", {"logits"}),
    (onward.logits, "whole.hidden", {"logits"}),
    (answer.meaning, "case.loss", {"loss"}),
    (top_down.loss_gradient, "whole.dlogits", {"dlogits"}),
    (top_down.back_through_the_top, "whole.dtop", {"last-norm"}),
    (top_down.back_through_the_top, "whole.dlogits", {"dh"}),
    (top_down.back_to_the_head, "block.dy", {"twice"}),
    (top_down.back_to_the_head, "case.dout", {"dO"}),
    (bottom.inputs_gradient, "block.dread", {"paths"}),
    (bottom.residual_back, "block.dx", {"dx"}),
    (bottom.embedding_gradient, "whole.dtable", {"dE"}),
]


@pytest.mark.parametrize(("write", "what", "ids"), BREAKERS)
def test_each_check_fails_when_its_numbers_are_wrong(write, what, ids):
    assert failed_in(write, run_of()) == set()
    assert failed_in(write, spoilt(run_of(), what)) == ids


def test_heads_that_do_not_sum_to_1_are_noticed():
    run = run_of()
    run.block.heads.weights = run.block.heads.weights * (1 + 1e-9)
    assert failed_in(onward.other_heads, run) == {"heads"}


def test_the_layer_above_is_checked_too():
    run = run_of(layer=1)
    last = run.whole.blocks[1]
    run.whole = run.whole._replace(blocks=(run.whole.blocks[0], last._replace(mixed=last.mixed * np.nan)))
    assert failed_in(onward.layers_above, run) == {"adds-2"}


def test_one_wrong_array_of_29_fails_the_check_of_the_whole_model(monkeypatch):
    real = whole.loss_and_backward

    def wrong(run):
        forward, backward, inputs = real(run)
        return forward, lambda d, c: backward(d, c) | {"norm__beta": 1.001 * backward(d, c)["norm__beta"]}, inputs

    monkeypatch.setattr(bottom, "loss_and_backward", wrong)
    assert failed_in(bottom.whole_model, run_of()) == {"whole-model"}


def test_every_check_of_the_topic_has_a_breaker():
    named = set().union(*(ids for _, _, ids in BREAKERS)) | {"heads", "adds-2", "whole-model", "row-sums", "word-rows"}
    named |= {"hull", "model", "jacobian", "blocked", "gradcheck"}  # in test_scaled_dot_product.py
    topic, found = find_topic("attention"), set()
    for text, settings in ((None, Settings()), (TROPHY, Settings(layer=1))):
        steps = walk(topic, Request(text, 0, settings))
        found |= {check.id for step in steps for check in step.checks}
    assert found == named


# ------------------------------------------------------------------ sentences that people type

EVERYDAY = [
    "It works.",
    "It's cold, isn't it?",
    "He said it's fine",
    "Dogs bark",
    "My dog ate my homework yesterday.",
    "The quick brown fox jumps over the lazy dog",
    "She told him that they would be late, but he didn't listen!",
    "Why is the sky blue?",
    "I can't believe it's not butter: it tastes exactly like butter, smells like butter and melts like butter.",
    "Please return the value of the last function call.",
    "On 3 May 2024 the price rose by 12.5 % and nobody knew why",
    "When my grandmother was a little girl she lived in a small house near the river with her parents, two brothers "
    "and a very old cat that slept all day on the kitchen table and never caught a single mouse in its life.",
    "Der Hund schl\u00e4ft, weil er m\u00fcde ist.",
    "\u041e\u043d\u0430 \u0447\u0438\u0442\u0430\u0435\u0442 \u043a\u043d\u0438\u0433\u0443.",
]


@pytest.mark.parametrize("text", EVERYDAY)
def test_everyday_sentences_are_told_in_words(text):
    run = run_of(text)
    for write in (forward.softmax, forward.heat_map):
        note = pictures(write, run)[0].note
        line = re.match(r'"(.+)"(?: \(piece .+\))? looks at: (.+?)(?:\.| Its|, its|$)(?: |$|\.)', note)
        assert line, note
        shares = [
            float(share) for share in re.findall(r" (\d\.\d\d)(?=,|\.|$)", note.split(". Its")[0].split(", its")[0])
        ]
        assert "each" in note or sum(shares) == pytest.approx(1.0, abs=1e-9), note
    followed = run.words[run.word_of[run.row]]
    assert any(character.isalnum() for character in followed)
    (shown,) = pictures(forward.heat_map, run)
    assert shown.rows == shown.cols == run.words and not any("##" in label for label in (*run.tokens, *run.words))
    assert np.asarray(shown.values).sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("text", [None, TROPHY, *EVERYDAY])
def test_every_row_and_column_of_the_heat_map_is_labelled_at_any_width(tfx_in_process, text, columns):
    """As numbers, every block of columns repeats the labels of the rows; as a picture, all names stand below."""
    run = run_of(text)
    shown = tfx_in_process(find_topic("attention"), text, "heat_map", columns)
    lines = [line.strip() for line in shown.splitlines()]
    start = next(i for i, line in enumerate(lines) if line.startswith("P, word by word"))
    assert any(line.startswith('"') and " looks at: " in line for line in lines)
    if len(run.words) > 32:
        names = " ".join(lines[start:])
        assert all(f"{i + 1} {word}" in names for i, word in enumerate(run.words))
        return
    n, labels = len(run.words), []
    body = lines[start + 1 : next(i for i, line in enumerate(lines) if line.startswith(f"{n} x {n} "))]
    assert len(body) % (n + 1) == 0
    for block in range(0, len(body), n + 1):
        labels += body[block].split()
        for word, line in zip(run.words, body[block + 1 :], strict=False):
            assert line.split()[0].lower().startswith(word[0].lower()), (word, line)
    assert len(labels) == n and all(label[0] == word[0] for label, word in zip(labels, run.words, strict=True)), labels


@pytest.fixture
def tfx_in_process(monkeypatch):
    """One step as a pipe gets it, at a width."""

    def show(topic, text, step, columns):
        for name in TERMINAL_VARIABLES:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("COLUMNS", str(columns))
        steps = walk(topic, Request(text, 0, Settings()))
        parts = written_parts("1/1", steps[steps.place(step)], Manner(Face.terminal), {})
        return "".join(part.text for part in parts)

    return show


@pytest.mark.parametrize("road", ["whole", "attention"])
@pytest.mark.parametrize("text", [EVERYDAY[4], *(pytest.param(EVERYDAY[n], marks=pytest.mark.slow) for n in (0, 11))])
def test_every_check_holds_on_everyday_sentences(text, road):
    topic = find_topic("attention")
    for step in walk(topic, Request(text, 0, Settings(road=road))):
        assert all(check.holds for check in step.checks), step.name
        for record in step.records:
            if isinstance(record, Text):
                assert "nan" not in record.text.lower().split() and "##" not in record.text


def test_a_word_of_pieces_looks_as_its_last_piece_and_as_the_mean_of_them():
    run = run_of(TROPHY, word="suitcase", head=3, layer=1)
    assert run.looks().startswith('"suitcase" (piece -ase) looks at: ')
    assert run.looks(by_words=True).startswith('"suitcase" looks at: ')
    mean = run.case.weights[12:16].mean(axis=0)
    first, share = re.search(r"looks at: (\w+) (\d\.\d\d)", run.looks(by_words=True)).groups()
    sums = {"The": mean[0], "trophy": mean[1:5].sum(), "did": mean[5:7].sum(), "not": mean[7], "fit": mean[8:10].sum()}
    sums |= {"in": mean[10], "the": mean[11], "suitcase": mean[12:16].sum()}
    assert first == max(sums, key=sums.get) and float(share) == pytest.approx(sums[first], abs=0.01)
