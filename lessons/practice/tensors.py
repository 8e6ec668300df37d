"""A function that is written in PyTorch, called with arrays: they go in as tensors, and tensors come back as arrays.

The child process loads this file by its path; PyTorch is imported when a function is called, and only there.  Memory
is shared on the way in and on the way out, so that an argument that is written to is seen, and a result in the memory
of an argument too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

#: taken before a learner's file is read, which may put others in their place
_deepcopy, _asarray, _ndarray = copy.deepcopy, np.asarray, np.ndarray

#: what a result is called that is an array after all: the name of this class is what is told
NumPyArray = type("a NumPy array", (), {})


class Pulled(NamedTuple):
    """gradients: of arguments by their paths, None where nothing arrived.  carried: by the path of a result: "" where
    it is a tensor with a graph behind it, "cut" where there is none, "number" where it is no tensor."""

    gradients: dict[str, Any]
    carried: dict[str, str]


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything in a tree of dicts, lists and tuples with its path, such as `weights.q` or `[0]`."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for number, part in enumerate(value):
            yield from leaves(part, f"{path}[{number}]")
    else:
        yield path, value


def mapped(change: Callable[[str, Any], Any], value: Any, path: str = "") -> Any:
    """The same tree with every leaf changed."""
    if isinstance(value, dict):
        return {key: mapped(change, part, f"{path}.{key}" if path else str(key)) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [mapped(change, part, f"{path}[{number}]") for number, part in enumerate(value)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return change(path, value)


def in_tensors(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function for arrays: what it gives as tensors comes back as arrays, and an array is told as one."""

    def called(**arguments: Any) -> Any:
        with _as_at_home(arguments):
            return mapped(_to_array, function(**as_tensors(arguments)))

    return called


def pull(function: Callable[..., Any], arguments: dict[str, Any], upstream: Mapping[str, Any]) -> Pulled:
    """The gradients of sum over results of (upstream * result) for every array of float64 that goes in.

    upstream: path of a result -> array of its shape.
    """
    import torch

    asked: dict[str, Any] = {}

    def leaf(path: str, value: Any) -> Any:
        tensor = _to_tensor(path, value)
        if isinstance(value, _ndarray) and value.dtype == np.float64:
            asked[path] = tensor.requires_grad_()
        return tensor

    with _as_at_home(arguments):
        given = dict(leaves(function(**mapped(leaf, _deepcopy(arguments)))))
        carried = {path: _carried(given.get(path)) for path in upstream}
        ends = [path for path in upstream if not carried[path]]
        weights = [torch.from_numpy(_asarray(upstream[path]).copy()).to(given[path].dtype) for path in ends]
        found = torch.autograd.grad(
            [given[path] for path in ends],
            list(asked.values()),
            [w.reshape(given[path].shape) for w, path in zip(weights, ends, strict=True)],
            allow_unused=True,
        ) if ends and asked else [None] * len(asked)  # fmt: skip
    return Pulled(
        {path: None if one is None else one.detach().numpy().copy() for path, one in zip(asked, found, strict=True)},
        carried,
    )


def bytes_of(function: Callable[..., Any], arguments: dict[str, Any]) -> int:
    """The most bytes that tensors held at once in a call, beside the arguments."""
    from torch import profiler

    given = as_tensors(_deepcopy(arguments))
    with (
        _as_at_home(arguments),
        profiler.profile(activities=[profiler.ProfilerActivity.CPU], profile_memory=True) as seen,
    ):
        function(**given)
    events = seen.profiler.kineto_results.events()
    held = [0]
    for _, more in sorted((one.start_ns(), one.nbytes()) for one in events if one.name() == "[memory]"):
        held.append(held[-1] + more)
    return max(held)


def as_tensors(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arrays as tensors in the same memory."""
    found: dict[str, Any] = mapped(_to_tensor, arguments)
    return found


def as_array(value: Any) -> Any:
    """A tensor as an array; anything else stays."""
    return _to_array("", value) if type(value).__module__.startswith("torch") else value


def _carried(result: Any) -> str:
    import torch

    if not isinstance(result, torch.Tensor):
        return "number"
    return "" if result.requires_grad else "cut"


def _to_tensor(path: str, value: Any) -> Any:
    """A tensor in the same memory.  Functions among the arguments get arrays and give tensors.  A mask has two axes at
    least, as PyTorch's own attention wants it: it broadcasts to the same."""
    import torch

    if isinstance(value, _ndarray) and value.dtype.kind in "biufc":
        return torch.from_numpy(value[None] if path == "mask" and value.ndim == 1 else value)
    if callable(value) and not isinstance(value, type):
        return lambda *given, **named: mapped(_to_tensor, value(*mapped(_array_of, given), **mapped(_array_of, named)))
    return value


def _array_of(path: str, value: Any) -> Any:
    import torch

    return value.detach().numpy() if isinstance(value, torch.Tensor) else value


def _to_array(path: str, value: Any) -> Any:
    import torch

    if isinstance(value, _ndarray):
        return NumPyArray()
    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach().to_dense() if value.is_sparse else value.detach()
    return (value.float() if value.dtype is torch.bfloat16 else value).resolve_conj().resolve_neg().numpy()


def _as_at_home(arguments: dict[str, Any]) -> Any:
    """Where inputs are float64, everything is: torch.zeros gives float64, and .float() rounds nothing.

    At home a learner works in float32 throughout; here inputs are finer, so that small mistakes can be seen.  What is
    made new, or taken up to float32 to be safe, is to fit in both places.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    types = {str(one.dtype) for _, one in leaves(arguments) if isinstance(one, _ndarray) and one.dtype.kind == "f"}
    single = bool(types) and "float64" not in types
    torch.set_default_dtype(torch.float32 if single else torch.float64)

    class AtHome(TorchFunctionMode):
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if single:
                return function(*args, **(kwargs or {}))
            if function is torch.Tensor.float:
                return args[0].double()
            finer = {torch.float32: torch.float64}
            args = [finer.get(one, one) if isinstance(one, torch.dtype) else one for one in args]
            kwargs = {k: finer.get(v, v) if isinstance(v, torch.dtype) else v for k, v in (kwargs or {}).items()}
            return function(*args, **kwargs)

    return AtHome()


def _no_file(*_: Any, **__: Any) -> Any:
    raise PermissionError("it writes a file, which practice does not allow")


def _not_compiled(model: Any = None, **options: Any) -> Any:
    """In the place of torch.compile, which would start a compiler; what comes out is the same."""
    return (lambda function: function) if model is None else model


def taken(counting: bool = False) -> int:
    """Imports PyTorch with one thread, and says how many bytes of address space the process has then.

    counting: what `bytes_of` needs is imported too.  The folder for passing files is looked up, which would be refused
    later.
    """
    import tempfile

    import torch

    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch._C.PyTorchFileWriter = _no_file  # it writes past every event that is looked at
    tempfile.gettempdir()
    torch.compile = _not_compiled
    if counting:
        bytes_of(dict, {})
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[0])
    except OSError:  # pragma: no cover - not on Linux
        return 16 * 2**30
    import resource

    return pages * resource.getpagesize()
