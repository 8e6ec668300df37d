"""What people write in the place of beam search: one search with a switch for each mistake."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lessons.generating.beam.exercises.beam_search import exercise

Text = tuple[tuple[int, ...], float]


class Slips(NamedTuple):
    """What is done otherwise, each off at first."""

    first_step_again: bool = False
    turned: bool = False
    higher_id_first: bool = False
    end_goes_on: bool = False
    end_takes_a_place: bool = False
    every_end_counts: bool = False
    first_finished_wins: bool = False
    open_ones_lost: bool = False
    last_token_alone: bool = False
    divides_at_once: bool = False


AS_IT_SHOULD_BE = Slips()


def search(log_p: Any, start: int, end: int, width: int, alpha: float, slips: Slips = AS_IT_SHOULD_BE) -> list[Text]:
    """-> finished texts with their sums, in order."""
    beams: list[Text] = [((), 0.0)]
    finished: list[Text] = []
    for t in range(len(log_p)):
        step = log_p[0 if slips.first_step_again else t]
        step = step.T if slips.turned else step
        before = np.array([0.0 if slips.last_token_alone else total for _, total in beams])
        sums = before[:, None] + step[[text[-1] if text else start for text, _ in beams]]
        if slips.divides_at_once:
            sums = sums / ((6 + t) / 6) ** alpha
        order = np.argsort(-(sums[:, ::-1] if slips.higher_id_first else sums), axis=None, kind="stable")
        longer: list[Text] = []
        for rank, place in enumerate(order):
            row, token = divmod(int(place), sums.shape[1])
            token = sums.shape[1] - 1 - token if slips.higher_id_first else token
            if sums[row, token] == -np.inf or (slips.end_takes_a_place and rank >= width):
                break
            text = ((*beams[row][0], token), float(sums[row, token]))
            if token != end or slips.end_goes_on:
                longer.append(text)
            elif rank < width or slips.every_end_counts:
                finished.append(text)
        beams = longer[:width]
        if not beams or (slips.first_finished_wins and finished):
            break
    return finished if finished and (slips.open_ones_lost or slips.first_finished_wins) else finished + beams


def best_of(found: list[Text], alpha: float) -> tuple[list[int], float]:
    scores = [total / ((5 + len(text)) / 6) ** alpha for text, total in found]
    best = int(np.argmax(scores))
    return list(found[best][0]), scores[best]


@exercise.mistake
def width_not_used(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """One text stays open: that is greedy decoding.

    Why: Or `width` copies of the empty text are begun with, all alike, and they stay alike for ever.
    Hint: Print the open texts after the first step. Are they different?
    """
    return best_of(search(log_p, start, end, 1, alpha), alpha)


@exercise.mistake
def each_text_for_itself(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """After the first step each open text keeps its own best continuation: texts do not compete.

    Why: The argmax is taken along the last axis, row by row.
    Hint: May two of the open texts come from the same one?
    """
    finished = [one for one in search(log_p[:1], start, end, width, alpha) if one[0][-1] == end]
    beams = [one for one in search(log_p[:1], start, end, width, alpha) if one[0][-1] != end]
    for step in log_p[1:]:
        best = [(text, total, int(step[text[-1]].argmax())) for text, total in beams]
        longer = [((*text, token), total + float(step[text[-1], token])) for text, total, token in best]
        finished += [one for one in longer if one[0][-1] == end]
        beams = [one for one in longer if one[0][-1] != end]
    return best_of(finished + beams, alpha)


@exercise.mistake
def last_token_alone(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """Continuations are put in order of the last log-probability, without the sum so far.

    Why: The sum is kept beside the texts and not added before the sort.
    Hint: What is the log-probability of a whole text?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(last_token_alone=True)), alpha)


@exercise.mistake
def probabilities_summed(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """Probabilities are added up, not their logarithms.

    Why: log is taken away first, as it seems to be a detail of the model.
    Hint: Of two tokens in a row: is p the sum or the product?
    """
    return best_of(search(np.exp(log_p), start, end, width, alpha), alpha)


@exercise.mistake
def end_goes_on(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """Texts go on after end.

    Why: end is a token as any other one for the table.
    Hint: Can anything follow end?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(end_goes_on=True)), alpha)


@exercise.mistake
def end_takes_a_place(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """A finished text takes a place among the `width`: the beam gets narrower.

    Why: The best `width` continuations are taken, and then those with end are picked out.
    Hint: Read the rule again: how many stay open?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(end_takes_a_place=True)), alpha)


@exercise.mistake
def every_end_counts(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """Each open text is finished by end in each step, however far behind that stands in the order.

    Why: Every text could end here, so it is kept as a candidate.
    Hint: Among which places of the order does end have to stand?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(every_end_counts=True)), alpha)


@exercise.mistake
def stops_at_the_first_end(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The search stops in the step in which a text is finished.

    Why: Greedy decoding stops there.
    Hint: Can a text that is still open end with a better score?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(first_finished_wins=True)), alpha)


@exercise.mistake
def open_ones_lost(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """Texts that are open after the last step do not count, if any other was finished.

    Why: Only a text with end seems to be one.
    Hint: What does the rule say of texts that are open after step N?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(open_ones_lost=True)), alpha)


@exercise.mistake
def alpha_left_out(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The sum itself is the score.

    Why: alpha is 0 in the first tests.
    Hint: Call it with alpha=2.
    """
    return best_of(search(log_p, start, end, width, alpha), 0.0)


@exercise.mistake
def length_itself(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The sum is divided by L**alpha.

    Why: That is the other usual divisor.
    Hint: What is the divisor of a text of one token by the rule?
    """
    found = search(log_p, start, end, width, alpha)
    scores = [total / len(text) ** alpha for text, total in found]
    best = int(np.argmax(scores))
    return list(found[best][0]), scores[best]


@exercise.mistake
def end_not_counted(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The length is counted without end.

    Why: end is not a word.
    Hint: Does the sum hold the log-probability of end?
    """
    found = search(log_p, start, end, width, alpha)
    scores = [total / ((5 + len(text) - (text[-1] == end)) / 6) ** alpha for text, total in found]
    best = int(np.argmax(scores))
    return list(found[best][0]), scores[best]


@exercise.mistake
def start_counted(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The length is counted with start.

    Why: start stands in the list of tokens.
    Hint: How long is a text of which only end was written?
    """
    found = search(log_p, start, end, width, alpha)
    scores = [total / ((6 + len(text)) / 6) ** alpha for text, total in found]
    best = int(np.argmax(scores))
    return list(found[best][0]), scores[best]


@exercise.mistake
def divides_at_once(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The sum is divided in each step and goes on being summed, so that it is divided again and again.

    Why: The score is written into the place of the sum.
    Hint: What is added to what in the next step?
    """
    found = search(log_p, start, end, width, alpha, Slips(divides_at_once=True))
    best = int(np.argmax([total for _, total in found]))
    return list(found[best][0]), found[best][1]


@exercise.mistake
def sum_for_score(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The text is chosen by its score, and its sum comes back.

    Why: The log-probability is what one wants to know.
    Hint: Which number does the rule ask for?
    """
    tokens, score = best_of(search(log_p, start, end, width, alpha), alpha)
    return tokens, score * ((5 + len(tokens)) / 6) ** alpha


@exercise.mistake
def first_step_again(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The table of the first step is used in each.

    Why: A table of pairs is thought of, which knows no place.
    Hint: What does the first axis of log_p stand for?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(first_step_again=True)), alpha)


@exercise.mistake
def turned(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """The two tokens are mixed up: log_p[t, j, i].

    Why: Both axes have the length V.
    Hint: Along which axis do the probabilities sum to 1?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(turned=True)), alpha)


@exercise.mistake
def start_among_the_tokens(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """start is given back as the first token.

    Why: The lists begin with it.
    Hint: Which tokens are new?
    """
    tokens, score = best_of(search(log_p, start, end, width, alpha), alpha)
    return [start, *tokens], score


@exercise.mistake
def end_cut_off(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """end is not given back.

    Why: It is not a word of the text.
    Hint: How does the rule want a finished text?
    """
    tokens, score = best_of(search(log_p, start, end, width, alpha), alpha)
    return tokens[:-1] if tokens[-1] == end else tokens, score


@exercise.mistake
def higher_id_first(log_p: Any, start: int, end: int, width: int, alpha: float = 0.0) -> Any:
    """Of equal sums from one text the higher id comes first.

    Why: argsort sorts upwards, and the list is read from its end.
    Hint: Which of two equal continuations does a stable sort of -sum put in front?
    """
    return best_of(search(log_p, start, end, width, alpha, Slips(higher_id_first=True)), alpha)
