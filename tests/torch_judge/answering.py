"""What an answer to a problem of torch-judge is, and what shows that it is right or wrong.

A wrong answer is the right one with one thing changed, mostly a mistake of our banks.  It is shown to be wrong by one
general input with all sizes different, which the grader could have tried as well: the numbers differ from those of the
right answer, or the gradients do, or an argument is written to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: what can be wrong, in the order in which it is told
KINDS = ("values", "gradients", "arguments written to")


@dataclass(frozen=True)
class Wrong:
    """says: what is wrong, in a few words.  ours: the id of the mistake in our banks, or nothing."""

    says: str
    source: str
    ours: str = ""


@dataclass(frozen=True)
class Problem:
    """name: in the package.  seen: calls an answer with the general input, see `Seen`."""

    name: str
    right: str
    wrong: tuple[Wrong, ...]
    seen: Callable[[Any, Any], Seen]
    also_right: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """What an answer did with the general input."""

    values: list[Any]
    gradients: list[Any] = field(default_factory=list)
    changed: bool = False


def changed(source: str, *pairs: tuple[str, str]) -> str:
    """The source with each text replaced, which has to stand there once."""
    for old, new in pairs:
        if source.count(old) != 1:
            raise ValueError(f"{old!r} stands there {source.count(old)} times")
        source = source.replace(old, new)
    return source


def randoms(*shapes: tuple[int, ...], by: float = 1.0) -> Callable[[], tuple[Any, ...]]:
    """Draws tensors of these shapes; their size is about `by`."""

    def arguments() -> tuple[Any, ...]:
        import torch

        return tuple(by * torch.randn(shape) for shape in shapes)

    return arguments


def made(source: str, name: str) -> Any:
    """The function or class of that name in the source."""
    space: dict[str, Any] = {}
    exec(compile(source, f"<answer for {name}>", "exec"), space)
    return space[name]


def of_function(arguments: Callable[[], tuple[Any, ...]], **options: Any) -> Callable[[Any, Any], Seen]:
    """For functions of tensors."""

    def seen(function: Any, right: Any) -> Seen:
        import torch

        torch.manual_seed(5)
        given = [one.requires_grad_() if one.is_floating_point() else one for one in arguments()]
        asked = [one for one in given if one.requires_grad]
        with torch.no_grad():
            plain = [one.detach().clone() for one in given]
            function(*plain, **options)
        results = function(*given, **options)
        results = list(results) if isinstance(results, tuple | list) else [results]
        written = any(not torch.equal(a, b) for a, b in zip(plain, given, strict=True))
        return Seen([one.detach() for one in results], _pulled(results, asked), written)

    return seen


def of_module(
    build: Callable[[Any], Any], arguments: Callable[[], tuple[Any, ...]], call: Callable[..., Any] | None = None
) -> Callable[[Any, Any], Seen]:
    """For classes: all are given the parameters of the right one.  call: of the module and the arguments."""

    def seen(kind: Any, right: Any) -> Seen:
        import torch

        torch.manual_seed(5)
        state = build(right).state_dict()
        module = build(kind)
        module.load_state_dict(state)
        given = [one.requires_grad_() for one in arguments()]
        use = call or (lambda module, *inputs: module.forward(*inputs))
        with torch.no_grad():
            plain = [one.detach().clone() for one in given]
            use(module, *plain)
        result = use(module, *given)
        results = list(result) if isinstance(result, tuple | list) else [result]
        asked = [*given, *(one for _, one in sorted(module.named_parameters()) if one.requires_grad)]
        written = any(not torch.equal(a, b) for a, b in zip(plain, given, strict=True))
        return Seen([one.detach() for one in results], _pulled(results, asked), written)

    return seen


def _pulled(results: list[Any], asked: list[Any]) -> list[Any]:
    """The gradients of the results, each weighted at random; zeros where nothing arrives."""
    import torch

    torch.manual_seed(6)
    total = sum((one * torch.randn(one.shape)).sum() for one in results)
    if not asked or not isinstance(total, torch.Tensor) or not total.requires_grad:
        return [torch.zeros_like(one) for one in asked]
    found = torch.autograd.grad(total, asked, allow_unused=True)
    return [torch.zeros_like(a) if one is None else one for one, a in zip(found, asked, strict=True)]


def difference(problem: Problem, source: str, name: str) -> str:
    """What of KINDS differs from the right answer first; "" where nothing does."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        right = made(problem.right, name)
        want = problem.seen(right, right)
        try:
            have = problem.seen(made(source, name), right)
        except Exception:
            return "values"
    finally:
        torch.set_default_dtype(before)
    if not _alike(have.values, want.values):
        return "values"
    if not _alike(have.gradients, want.gradients):
        return "gradients"
    return "arguments written to" if have.changed else ""


def _alike(some: list[Any], others: list[Any]) -> bool:
    import torch

    return len(some) == len(others) and all(
        a.shape == b.shape and torch.allclose(a.double(), b.double(), rtol=1e-7, atol=1e-9)
        for a, b in zip(some, others, strict=True)
    )
