"""What `tfx generate` shows: the text, an account of its tokens, the beams, and the check of stored keys and values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tfx.records import Check, Column, Record, Table, Text
from tfx_cli.render.json import check_fields, column_fields

if TYPE_CHECKING:
    from tfx.generate import Hypothesis, Shaping
    from tfx.generate.account import TokenAccount
    from tfx.shipped.load import Shipped

#: How far apart two sums of logarithms may be that were computed in another order.
TOLERANCE = 1e-9

REASONS = {"end": "the model ended its paragraph", "length": "as many tokens as were asked for"}


@dataclass(frozen=True)
class Generation:
    """A run.  new: the written ids.  log_probability: of the text, from one pass without stored keys."""

    model: Shipped
    prompt: str
    prompt_ids: list[int]
    new: list[int]
    reason: str
    account: list[TokenAccount]
    log_probability: float
    hypotheses: list[Hypothesis]
    max_new: int
    shaping: Shaping
    beams: int | None
    seed: int

    def text_of(self, ids: Sequence[int]) -> str:
        """Words joined by blanks."""
        return self.model.tokenizer.decode(ids)


TOKEN_COLUMNS = (
    Column("step", "step"),
    Column("token", "token"),
    Column("probability", "p of the model", digits=3),
    Column("drawn_with", "p it was drawn with", digits=3),
    Column("rank", "rank"),
    Column("kept", "choices"),
    Column("likeliest", "most likely"),
)

BEAM_COLUMNS = (
    Column("rank", "rank"),
    Column("score", "score"),
    Column("log_probability", "log p", "nats"),
    Column("tokens", "tokens"),
    Column("text", "text"),
)


def token_rows(done: Generation) -> tuple[dict[str, Any], ...]:
    """One row for each new token; a search draws nothing."""
    words = done.model.vocabulary
    return tuple(
        {
            "step": step,
            "token": words[token.id],
            "probability": token.probability,
            "drawn_with": None if done.beams else token.shaped,
            "rank": token.rank,
            "kept": None if done.beams else token.kept,
            "likeliest": words[token.likeliest],
        }
        for step, token in enumerate(done.account, start=1)
    )


def beam_rows(done: Generation) -> tuple[dict[str, Any], ...]:
    """The texts that the search found, best first."""
    return tuple(
        {
            "rank": rank,
            "score": found.score,
            "log_probability": found.log_probability,
            "tokens": len(found.ids),
            "text": done.text_of(found.ids),
        }
        for rank, found in enumerate(done.hypotheses, start=1)
    )


def check_of(done: Generation) -> Check:
    """The account was read token by token with stored keys; the other number comes from one pass without."""
    stored = sum(math.log(token.probability) for token in done.account)
    statement = "log p of the text, with stored keys and values = in one whole pass"
    holds = abs(stored - done.log_probability) <= TOLERANCE * max(1.0, abs(stored))
    return Check("stored_equals_whole", statement, done.log_probability, stored, TOLERANCE, holds)


def records_of(done: Generation) -> list[Record]:
    """The page, from the text to the check.  The prompt as typed, and as the model reads it where that differs."""
    typed, read = " ".join(done.prompt.split()), done.text_of(done.prompt_ids)
    shown: list[Record] = [
        Text(f"prompt   {typed}"),
        *([] if read == typed else [Text(f"read as  {read}")]),
        Text(f"written  {done.text_of(done.new)}"),
        Text(f"{how(done)}  Ended: {REASONS[done.reason]}."),
    ]
    unknown = unknown_in(done)
    if unknown:
        shown.insert(2, Text(f"Unknown to this model, which reads <unk> in place of each: {' '.join(unknown)}"))
    if done.beams:
        shown.append(Table("Beams: score = log p / ((5 + tokens) / 6)^0.6", BEAM_COLUMNS, beam_rows(done)))
    columns = tuple(column for column in TOKEN_COLUMNS if not (done.beams and column.key in ("drawn_with", "kept")))
    return [*shown, Table("What the model expected", columns, token_rows(done)), check_of(done)]


def unknown_in(done: Generation) -> list[str]:
    """What the prompt holds that the model has no token for, each once, as it was typed."""
    tokenizer = done.model.tokenizer
    pieces = [piece for piece in tokenizer.pieces(done.prompt) if tokenizer.tokens[piece.id] == tokenizer.unknown]
    return list(dict.fromkeys(done.prompt[piece.start : piece.end] for piece in pieces))


def is_drawn(done: Generation) -> bool:
    """Whether another seed may say something else."""
    return not done.beams and done.shaping.temperature > 0 and done.shaping.top_k != 1


def how(done: Generation) -> str:
    """`Drawn at temperature 0.8 from the 40 most likely tokens.`"""
    if done.beams:
        return f"Searched with {done.beams} beam{'s' * (done.beams > 1)}."
    if done.shaping.temperature == 0:
        return "Always the most likely token (temperature 0)."
    limits = [] if done.shaping.top_k is None else [f"the {done.shaping.top_k} most likely tokens"]
    limits += [] if done.shaping.top_p == 1 else [f"the most likely tokens that sum to {done.shaping.top_p:g}"]
    return f"Drawn at temperature {done.shaping.temperature:g}{' from ' * bool(limits)}{' and '.join(limits)}."


def document_of(done: Generation, elapsed: float) -> dict[str, Any]:
    """The JSON document; equal seeds differ in `elapsed_s` only."""
    return {
        "name": "generate",
        "model": done.model.name,
        "prompt": done.prompt,
        "prompt_tokens": [done.model.vocabulary[token] for token in done.prompt_ids],
        "seed": done.seed,
        "params": {
            "max_new": done.max_new,
            "temperature": done.shaping.temperature,
            "top_k": done.shaping.top_k,
            "top_p": done.shaping.top_p,
            "beams": done.beams,
        },
        "text": done.text_of(done.new),
        "reason": done.reason,
        "log_probability": done.log_probability,
        "columns": [column_fields(column) for column in TOKEN_COLUMNS],
        "rows": token_rows(done),
        "beams": beam_rows(done),
        "checks": [check_fields(check_of(done))],
        "elapsed_s": elapsed,
    }
