"""What people write in the place of the input of the first layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from lessons.sequences.embeddings.exercises.input_embedding import exercise


def tokens(ids: Any, table: Any, scaled: bool, factor: float | None = None) -> Any:
    """The rows of the table, times sqrt(C) or another factor."""
    factor = table.shape[-1] ** 0.5 if factor is None else factor
    return table[ids] * (factor if scaled else 1.0)


def places(ids: Any, positions: Any, start: int) -> Any:
    return positions[start : start + ids.shape[-1]]


@exercise.mistake
def not_scaled(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Rows of the table are never multiplied by sqrt(C).

    Why: Much code that is passed around has no factor.
    Hint: What do the rules say where scaled is not told?
    """
    return table[ids] + places(ids, positions, start)


@exercise.mistake
def always_scaled(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Rows are multiplied by sqrt(C), whatever is asked for.

    Why: scaled is not looked at.
    Hint: Call it with scaled=False.
    """
    return tokens(ids, table, True) + places(ids, positions, start)


@exercise.mistake
def scaled_the_other_way_round(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Rows are multiplied where scaled is False, and not where it is True.

    Why: scaled is read as: is scaled already.
    Hint: What do the rules say where scaled is not told?
    """
    return tokens(ids, table, not scaled) + places(ids, positions, start)


@exercise.mistake
def times_the_width(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """The factor is C, not its root.

    Why: The root is forgotten.
    Hint: Numbers of deviation 1 / sqrt(C) should have deviation 1 behind it. Which factor does that?
    """
    return tokens(ids, table, scaled, table.shape[-1]) + places(ids, positions, start)


@exercise.mistake
def divided_by_the_root(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Rows are divided by sqrt(C).

    Why: Scores of attention are.
    Hint: Should tokens be longer behind it or shorter?
    """
    return tokens(ids, table, scaled, table.shape[-1] ** -0.5) + places(ids, positions, start)


@exercise.mistake
def root_of_the_vocabulary(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """The root is of V, the number of rows, not of C.

    Why: table.shape has two sizes, and the other one was taken.
    Hint: Which size is the width of a token?
    """
    return tokens(ids, table, scaled, table.shape[0] ** 0.5) + places(ids, positions, start)


@exercise.mistake
def root_of_the_length(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """The root is of T, the number of tokens, not of C.

    Why: One axis further to the left.
    Hint: Should a token's row depend on how long its text is?
    """
    return tokens(ids, table, scaled, ids.shape[-1] ** 0.5) + places(ids, positions, start)


@exercise.mistake
def places_scaled_too(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """The sum is multiplied by sqrt(C), places and all.

    Why: The bracket closes one sign too late.
    Hint: Are tokens longer than places behind it, or is their ratio as before?
    """
    return (table[ids] + places(ids, positions, start)) * (table.shape[-1] ** 0.5 if scaled else 1.0)


@exercise.mistake
def places_scaled_alone(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Places are multiplied by sqrt(C), and tokens are not.

    Why: The factor is remembered, and what it belongs to is not.
    Hint: Which of the two would drown beside the other?
    """
    return table[ids] + places(ids, positions, start) * (table.shape[-1] ** 0.5 if scaled else 1.0)


@exercise.mistake
def places_left_out(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Positions are not used.

    Why: The table alone gives the right shape.
    Hint: Exchange two tokens. Does anything but their order change?
    """
    return tokens(ids, table, scaled)


@exercise.mistake
def start_left_out(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """start is not used.

    Why: The first tests begin at 0.
    Hint: Call it with start=3.
    """
    return tokens(ids, table, scaled) + places(ids, positions, 0)


@exercise.mistake
def start_as_the_end(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """positions[start : T]: the end is T, not start + T.

    Why: A slice is read as first place and number.
    Hint: How many rows has positions[3:4]?
    """
    return tokens(ids, table, scaled) + positions[start : ids.shape[-1]]


@exercise.mistake
def counted_from_one(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Places are counted from 1, and the last of the table stands in where there is none.

    Why: The first place is place 1.
    Hint: Which row belongs to the first token?
    """
    at = np.minimum(start + 1 + np.arange(ids.shape[-1]), len(positions) - 1)
    return tokens(ids, table, scaled) + positions[at]


@exercise.mistake
def last_rows(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """The last T rows of positions are taken.

    Why: A negative slice is shorter.
    Hint: Make positions longer at its end. Does your output move?
    """
    return tokens(ids, table, scaled) + positions[-ids.shape[-1] :]


@exercise.mistake
def same_place_for_all(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Every token gets the row of the place start.

    Why: positions[start] is a row, and is spread over all tokens without a complaint.
    Hint: Which shape has positions[start]?
    """
    return tokens(ids, table, scaled) + positions[start]


@exercise.mistake
def place_of_the_text(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """The place is the number of the text, where there is an axis of texts that is short enough.

    Why: The first axis is taken for the tokens.
    Hint: Do two tokens of one text get different places?
    """
    if ids.ndim < 2 or start + len(ids) > len(positions):
        return tokens(ids, table, scaled) + places(ids, positions, start)
    rows = positions[start : start + len(ids)]
    return tokens(ids, table, scaled) + rows.reshape(len(ids), *(1,) * (ids.ndim - 1), -1)


@exercise.mistake
def place_by_id(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """positions[ids]: the id looks its place up, as far as there are places.

    Why: The line of the table is copied.
    Hint: The same token stands twice. Does it get two places?
    """
    return tokens(ids, table, scaled) + positions[np.minimum(ids + start, len(positions) - 1)]


@exercise.mistake
def places_run_on(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Places run on from text to text, as far as there are places.

    Why: ids are flattened, and counted.
    Hint: At which place does the second text begin?
    """
    at = np.minimum(start + np.arange(ids.size), len(positions) - 1).reshape(ids.shape)
    return tokens(ids, table, scaled) + positions[at]


@exercise.mistake
def side_by_side(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Token and place are put side by side, not added.

    Why: Nothing gets lost that way.
    Hint: Which width has your output?
    """
    rows = tokens(ids, table, scaled)
    return np.concatenate([rows, np.broadcast_to(places(ids, positions, start), rows.shape)], axis=-1)


@exercise.mistake
def multiplied(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Token and place are multiplied, not added.

    Why: Both have the right shape, and signs are short.
    Hint: What is left of a token where its place is 0?
    """
    return tokens(ids, table, scaled) * places(ids, positions, start)


@exercise.mistake
def rows_of_length_one(ids: Any, table: Any, positions: Any, start: int = 0, scaled: bool = True) -> Any:
    """Rows of the table are brought to length 1 before the factor.

    Why: That is what the factor makes up for, so it seems.
    Hint: Make a row of the table twice as long. Does your output follow?
    """
    table = table / np.sqrt((table**2).sum(axis=-1, keepdims=True))
    return tokens(ids, table, scaled) + places(ids, positions, start)
