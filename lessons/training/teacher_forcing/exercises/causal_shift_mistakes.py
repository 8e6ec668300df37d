"""What people write in the place of the shift."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.training.teacher_forcing.exercises.causal_shift import exercise, solution

Pad = int | None


def ignoring(labels: Any, which: Any, ignored: int) -> Any:
    return np.where(which, ignored, labels).astype(labels.dtype)


def given(tokens: Any, prompt: Any, more: int = 0) -> Any:
    """Which labels are tokens of the prompt, if it had so many more."""
    if prompt is None:
        return np.zeros((*tokens.shape[:-1], tokens.shape[-1] - 1), bool)
    return np.arange(1, tokens.shape[-1]) < prompt[..., None] + more


def filled(labels: Any, pad: Pad) -> Any:
    return np.zeros(labels.shape, bool) if pad is None else labels == pad


@exercise.mistake
def not_shifted(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """Labels are the inputs themselves: nothing is shifted.

    Why: The model is thought to shift by itself.
    Hint: Can a model that copies its input get a loss of 0?
    """
    inputs = tokens[..., :-1].copy()
    return inputs, ignoring(inputs, filled(inputs, pad) | given(tokens, prompt), ignored)


@exercise.mistake
def shifted_the_other_way(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The label of an input is the token before it.

    Why: The two slices are exchanged.
    Hint: Which word does a reader of a text not know yet?
    """
    inputs, labels = tokens[..., 1:].copy(), tokens[..., :-1].copy()
    return inputs, ignoring(labels, filled(labels, pad) | given(tokens, prompt), ignored)


@exercise.mistake
def shifted_twice(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The label of an input is the token after the next one; the last label is ignored.

    Why: The data are shifted, and the loss shifts them once more.
    Hint: How many places lie between an input and its label?
    """
    inputs, labels = solution(tokens, pad, prompt, ignored)
    return inputs, np.concatenate([labels[..., 1:], np.full_like(labels[..., :1], ignored)], axis=-1)


@exercise.mistake
def first_token_after_the_last(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """All T tokens go in, and the last one is asked for the first of its text.

    Why: np.roll turns round.
    Hint: What is known to stand behind the last token?
    """
    _, labels = solution(tokens, pad, prompt, ignored)
    return tokens.copy(), np.concatenate([labels, tokens[..., :1]], axis=-1)


@exercise.mistake
def last_token_goes_in(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """All T tokens go in, and the label of the last one is ignored.

    Why: So both keep the length of the text.
    Hint: How many places does the rule ask for?
    """
    _, labels = solution(tokens, pad, prompt, ignored)
    return tokens.copy(), np.concatenate([labels, np.full_like(tokens[..., :1], ignored)], axis=-1)


@exercise.mistake
def texts_for_tokens(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The texts are shifted, not the tokens, where there is a batch.

    Why: tokens[1:] cuts the first axis.
    Hint: Which axis of (B, T) holds the words of one text?
    """
    if tokens.ndim == 1:
        return solution(tokens, pad, prompt, ignored)
    inputs, labels = tokens[:-1].copy(), tokens[1:].copy()
    return inputs, ignoring(labels, filled(labels, pad), ignored)


@exercise.mistake
def filling_asked_for(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """Filling is asked for as any other token.

    Why: pad is not used.
    Hint: Should a model learn to say filling?
    """
    return solution(tokens, None, prompt, ignored)


@exercise.mistake
def filling_of_the_inputs(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """A label is ignored where its input is filling.

    Why: The mask of the inputs is at hand.
    Hint: The last word of a text, and filling behind it: what is its label?
    """
    inputs, labels = solution(tokens, None, prompt, ignored)
    return inputs, ignoring(labels, filled(inputs, pad), ignored)


@exercise.mistake
def first_filling_asked_for(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The filling right behind a word is asked for, as if it were an end mark.

    Why: Some models have one number for both.
    Hint: What does the rule say of a label that is filling?
    """
    inputs, labels = solution(tokens, None, prompt, ignored)
    return inputs, ignoring(labels, filled(inputs, pad) & filled(labels, pad), ignored)


@exercise.mistake
def ignored_in_the_inputs(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """Filling becomes `ignored` in the inputs as well.

    Why: It is replaced in the tokens, before they are cut.
    Hint: Which row of the embedding is row -100?
    """
    inputs, labels = solution(tokens, pad, prompt, ignored)
    return ignoring(inputs, filled(inputs, pad), ignored), labels


@exercise.mistake
def everything_behind_filling(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """All labels behind the first filling are ignored.

    Why: Filling is thought to stand at the end.
    Hint: What is left of a text with its filling in front?
    """
    inputs, labels = solution(tokens, None, prompt, ignored)
    found = filled(tokens, pad)
    return inputs, ignoring(labels, np.logical_or.accumulate(found, axis=-1)[..., 1:], ignored)


@exercise.mistake
def filling_zero_is_none(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """pad=0 is taken for no filling.

    Why: `if pad:` asks whether it is 0.
    Hint: Is 0 the same as None?
    """
    return solution(tokens, pad or None, prompt, ignored)


@exercise.mistake
def zeros_always_ignored(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """Without pad the number 0 is ignored.

    Why: In many vocabularies 0 is filling.
    Hint: What does pad=None mean by the rule?
    """
    return solution(tokens, 0 if pad is None else pad, prompt, ignored)


@exercise.mistake
def always_minus_hundred(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """Ignored labels are -100, whatever is asked for.

    Why: The number is typed into the code.
    Hint: Call it with ignored=-1.
    """
    return solution(tokens, pad, prompt, -100)


@exercise.mistake
def prompt_asked_for(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The tokens of the prompt are asked for.

    Why: prompt is not used.
    Hint: Who writes the prompt?
    """
    return solution(tokens, pad, None, ignored)


@exercise.mistake
def first_answer_token_ignored(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The first token of the answer is ignored as well.

    Why: labels[:prompt] is written, and labels begin with the second token.
    Hint: At which place of labels does the first token of the answer stand?
    """
    inputs, labels = solution(tokens, pad, None, ignored)
    return inputs, ignoring(labels, given(tokens, prompt, 1), ignored)


@exercise.mistake
def last_prompt_token_asked_for(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The last token of the prompt is asked for.

    Why: The shift is taken off twice.
    Hint: A prompt of two tokens: how many of its tokens are labels of something?
    """
    inputs, labels = solution(tokens, pad, None, ignored)
    return inputs, ignoring(labels, given(tokens, prompt, -1), ignored)


@exercise.mistake
def answer_ignored(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """The answer is ignored, and the prompt is asked for.

    Why: The comparison is turned round.
    Hint: Which of the two is the model to write?
    """
    inputs, labels = solution(tokens, pad, None, ignored)
    return inputs, labels if prompt is None else ignoring(labels, ~given(tokens, prompt), ignored)


@exercise.mistake
def one_prompt_for_all(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """Every text gets the prompt length of the first one.

    Why: A single number was enough for a batch of one.
    Hint: Two prompts of two lengths: do they ignore the same labels?
    """
    first = None if prompt is None else np.full_like(prompt, prompt.flat[0])
    return solution(tokens, pad, first, ignored)


@exercise.mistake
def filling_or_prompt(tokens: Any, pad: Pad = None, prompt: Any = None, ignored: int = -100) -> Any:
    """With a prompt, filling is asked for again.

    Why: `elif` stands where `if` is meant.
    Hint: A text with a prompt in front and filling behind: which labels count?
    """
    return solution(tokens, None if prompt is not None else pad, prompt, ignored)
