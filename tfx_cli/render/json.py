"""The JSON face: exactly one document, ASCII, no NaN, stable keys."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tfx.records import SCHEMA_VERSION, Check, Code, Column, Question, Record, Result, Step, to_plain_data
from tfx_cli.render.source_code import place_of, source_of

if TYPE_CHECKING:
    from lessons.request import Request

#: the contract: scripts read these
CHECK_FIELDS = ("id", "statement", "expected", "measured", "tolerance", "holds")
QUESTION_FIELDS = ("prompt", "answer", "tolerance", "explanation", "unit")


def document(fields: Mapping[str, Any]) -> str:
    """`fields` (records, arrays and plain data) under a schema version, as one line-broken JSON document."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **to_plain_data(fields)}, allow_nan=False, indent=1) + "\n"


def check_fields(check: Check) -> dict[str, Any]:
    """A check as every command's JSON shows it: `{id, statement, expected, measured, tolerance, holds}`."""
    return {field: getattr(check, field) for field in CHECK_FIELDS}


def column_fields(column: Column) -> dict[str, str]:
    """A column of a table as every command's JSON shows it."""
    return {"key": column.key, "label": column.label, "unit": column.unit}


def question_fields(question: Question) -> dict[str, Any]:
    """A number to predict, with its answer."""
    return {field: getattr(question, field) for field in QUESTION_FIELDS}


def experiment_fields(result: Result) -> dict[str, Any]:
    """The contract of `tfx experiment --json`."""
    return {
        "name": result.name,
        "title": result.title,
        "claim": result.claim or None,
        "question": question_fields(result.question) if result.question else None,
        "seed": result.seed,
        "params": result.params,
        "columns": [column_fields(column) for column in result.columns],
        "rows": result.rows,
        "checks": [check_fields(check) for check in result.checks],
        "notes": [note.text for note in result.notes],
        "break_it": result.break_it,
        "elapsed_s": result.elapsed_s,
        **({"partial": True} if result.partial else {}),
    }


def walkthrough_fields(
    name: str, request: Request, steps: Sequence[tuple[int, Step]], elapsed: float, with_source: bool
) -> dict[str, Any]:
    """The contract of `tfx explain TOPIC --json`."""
    records = [record for _, step in steps for record in step.records]
    return {
        "name": name,
        "seed": request.seed,
        "params": dataclasses.asdict(request.settings),
        "text": request.text,
        "untrained": request.untrained,
        "steps": [
            {
                "number": number,
                "name": step.name,
                "title": step.title,
                "what_if": step.what_if,
                "to_write": step.to_write,
                "records": [record_fields(record, with_source) for record in step.records],
            }
            for number, step in steps
        ],
        "checks": [check_fields(record) for record in records if isinstance(record, Check)],
        "elapsed_s": elapsed,
    }


def record_fields(record: Record, with_source: bool) -> dict[str, Any]:
    """A record with its kind; code with its place and, when asked for, its source."""
    fields = to_plain_data(record)
    if isinstance(record, Code):
        fields["place"] = place_of(record.target)[0]
        if with_source:
            fields["source"] = source_of(record.target)
    return fields
