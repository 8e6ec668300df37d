"""Our operations behind the interface of the ONNX backend tests: {op_type: fn(inputs, attrs, ctx)}."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the runners may be started from any folder

from tests.peers.adapters import collect

OPS, OUT_OF_SCOPE = collect("onnx_")
