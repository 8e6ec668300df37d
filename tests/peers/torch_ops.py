"""Our operations behind the interface of the recorded PyTorch cases: {(kind, name): fn}."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the runners may be started from any folder

from tests.peers.adapters import collect

OPS, OUT_OF_SCOPE = collect("torch_")
