"""The JSON face: exactly one document, ASCII, no NaN, stable keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tfx.records import SCHEMA_VERSION, to_plain_data


def document(fields: Mapping[str, Any]) -> str:
    """`fields` (records, arrays and plain data) under a schema version, as one line-broken JSON document."""
    return json.dumps({"schema_version": SCHEMA_VERSION, **to_plain_data(fields)}, allow_nan=False, indent=1) + "\n"
