"""Steps that every topic about one operation shares: what they say comes from the operation itself.

rms = Operation("rms_norm", rms_norm_forward, rms_norm_backward, lambda run: {"x": run.x, "gamma": run.gamma})

lesson.step("One number for a token: its root mean square", rms.idea)
lesson.step("Shapes", rms.shapes)
lesson.step("The way back", rms.derivation)
lesson.step("Is it true?", rms.proof)

idea        the first part of the module's docstring, formulas included, and the forward
shapes      the arrays that go in and come out, and their gradients, of one real call
derivation  the docstring's "Derivation", so that no lesson can say another one than the code, and the backward
proof       the checker's cases for this operation, and the known mistakes that it has to catch
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lessons.writing import Shown, at_most, exactly, formula, table
from tfx.measure.verdicts import largest


@dataclass(frozen=True)
class Operation:
    """name: as in `tfx gradcheck NAME`.  inputs: from what a topic's steps share to the operation's own inputs."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    inputs: Callable[[Any], Mapping[str, Any]]

    def idea(self, run: Any) -> Iterator[Shown]:
        parts = parts_of(self.forward)
        yield from shown(parts["idea"])
        yield from shown(parts["source"])
        yield self.forward

    def derivation(self, run: Any) -> Iterator[Shown]:
        yield from derivation(self.backward)

    def shapes(self, run: Any, rng: np.random.Generator) -> Iterator[Shown]:
        inputs = self.inputs(run)
        y, cache = self.forward(**inputs)
        grads = self.backward(rng.standard_normal(np.shape(y)), cache)
        grads = grads if isinstance(grads, tuple) else (grads,)
        rows = [
            {"array": name, "shape": show(x), "gradient": "none" if grad is None else show(grad)}
            for (name, x), grad in zip(inputs.items(), grads, strict=True)
        ]
        rows.append({"array": "the output", "shape": show(y), "gradient": "comes from above"})
        yield "One real call. Every input gets a gradient of its own shape."
        yield table("what goes in and comes out", rows, array="array", shape="shape", gradient="its gradient")
        same = sum(row["shape"] == row["gradient"] for row in rows)
        yield exactly("shapes", "inputs whose gradient has their shape", len(inputs), same)

    def proof(self, run: Any) -> Iterator[Shown]:
        from tfx.gradcheck import TOLERANCE, run_all, run_controls

        cases, controls = list(run_all([self.name])), list(run_controls([self.name]))
        yield (
            f"The checker compares the gradient of every input with differences of the forward, in {len(cases)} "
            f"case{'s' * (len(cases) != 1)} of uneven sizes with a random gradient from above. Then it is handed "
            "backwards with mistakes that people make, and has to refuse each of them."
        )
        caught = [
            {"mistake": ran.control.says, "why": ran.control.why, "caught": "caught" if ran.caught else "missed"}
            for ran in controls
        ]
        yield table("mistakes made on purpose", caught, mistake="mistake", why="why people make it", caught="it is")
        worst = largest(ran.report.worst for ran in cases)
        yield at_most("gradients", f"{self.name}: worst relative error of all cases", TOLERANCE, worst)
        yield exactly("caught", "mistakes that were caught", len(controls) or 1, sum(ran.caught for ran in controls))


def derivation(backward: Callable[..., Any]) -> Iterator[Shown]:
    """The derivation that stands above a backward, then the backward itself."""
    yield from shown(parts_of(backward)["derivation"])
    yield backward


def parts_of(function: Callable[..., Any]) -> dict[str, list[str]]:
    """The docstring of the function's module in three parts: the lines of "idea", "derivation" and "source"."""
    parts: dict[str, list[str]] = {"idea": [], "derivation": [], "source": []}
    part = "idea"
    for line in (inspect.getdoc(inspect.getmodule(function)) or "").splitlines():
        for start, name in (("Derivation.", "derivation"), ("Source", "source")):
            if line.startswith(start):
                part, line = name, line.removeprefix("Derivation.").strip()
        parts[part].append(line)
    return parts


def shown(lines: list[str]) -> Iterator[Shown]:
    """Lines that stand together are a paragraph, indented ones are formulas, with the shapes behind a wide gap."""
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if paragraph and (not line.strip() or line.startswith("    ")):
            yield " ".join(" ".join(paragraph).split())
            paragraph = []
        if line.startswith("    "):
            text, _, shapes = line.strip().partition("   ")
            beside = re.fullmatch(r"\s*(\(.*\))\s*", shapes)
            yield formula(text, beside[1]) if beside else formula(line.strip())
        elif line.strip():
            paragraph.append(line)


def show(array: Any) -> str:
    """`(2, 3)`, and `a number` for a scalar."""
    shape = np.shape(array)
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})" if shape else "a number"
