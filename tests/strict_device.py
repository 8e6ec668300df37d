"""An array device that forgives nothing: NumPy behind the manners of a graphics card.

Code written for NumPy breaks on a card in a few typical ways, and each of them is an error here:

* a device array is never turned into a host array in silence: np.asarray(x), math.sqrt(x) and np.testing on x raise;
* host and device arrays do not mix in arithmetic, indexing or function calls; plain numbers may pass;
* a reduction gives a 0-d device array, not a NumPy number;
* functions and keywords that CuPy does not have are missing: `where=` and `initial=`, ufunc.at but for a few ufuncs;
* an assignment to places of which one occurs twice is an error: on a card it is undefined who wins;
* `out=` of a matrix product is no array that is read.

float(x), int(x), bool(x), iterating and x.get() make a card wait for the result, and so does whatever gives an array
whose size depends on the values: a boolean index, nonzero, unique, bincount.  They are counted in `synced.count`, so
that a test can ask for none.
"""

from __future__ import annotations

import types
import weakref
from typing import Any

import numpy as np

from tfx.backend import register_device

#: In NumPy 2.4, but not in CuPy 14.2 (read off its wheel): code that runs on both cannot use them.  Random numbers are
#: drawn on the host, so that every device gets the same.
ABSENT = frozenset(
    {"asmatrix", "block", "bmat", "char", "complex256", "ctypeslib", "einsum_path", "emath", "errstate", "float128"}
    | {"frompyfunc", "fromregex", "geomspace", "geterr", "histogram_bin_edges", "insert", "isnat", "longdouble", "ma"}
    | {"matrix", "matvec", "memmap", "nanpercentile", "nanquantile", "ndenumerate", "nditer", "nested_iters", "object_"}
    | {"polyder", "polydiv", "polyint", "random", "rec", "recarray", "seterr", "spacing", "str_", "strings"}
    | {"typecodes", "unstack", "vecdot", "vecmat", "void"}
)

#: Keywords that functions and methods of NumPy have and those of CuPy have not; copyto alone has where=.
ABSENT_KEYWORDS = frozenset(
    {"correction", "device", "initial", "like", "mean", "signature", "stable", "subok", "where"}
)

#: What CuPy's ufuncs can do beside being called.  Its ufuncs take no other keywords than these.
UFUNC_METHODS: dict[str, frozenset[str]] = {
    "at": frozenset({"add", "maximum", "minimum", "bitwise_and", "bitwise_or", "bitwise_xor"}),
    "reduce": frozenset({"add", "multiply"}),
    "accumulate": frozenset({"add", "multiply"}),
    "reduceat": frozenset({"add"}),
}
UFUNC_KEYWORDS = frozenset({"axis", "casting", "dtype", "keepdims", "out"})

#: The size of the result depends on the values, so the host has to look at them first.
WAITING = frozenset({"argwhere", "bincount", "compress", "extract", "flatnonzero", "nonzero", "union1d", "unique"})


class Synced:
    """How often the host had to wait; and how often it sent something, which costs time but makes nobody wait."""

    count = 0
    uploads = 0


synced = Synced()


#: id of a host array -> the device array around it.
_owners: weakref.WeakValueDictionary[int, StrictArray] = weakref.WeakValueDictionary()


class StrictArray:
    """A device array.  `.get()` is the only way home."""

    __slots__ = ("__weakref__", "_host")
    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None  # host + device: NumPy steps aside and the operator below raises

    def __init__(self, host: Any) -> None:
        self._host = np.asarray(host)
        _owners.setdefault(id(self._host), self)

    @property
    def base(self) -> StrictArray | None:
        """The array that owns the memory, the same object each time as long as somebody holds it."""
        owner = self._host.base
        if owner is None:
            return None
        known = _owners.get(id(owner))
        return known if known is not None and known._host is owner else StrictArray(owner)

    def get(self) -> np.ndarray:
        synced.count += 1
        return self._host.copy()

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("a device array does not become a host array by itself; ask with .get()")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        attribute = getattr(self._host, name)
        return _on_device(attribute) if callable(attribute) else to_device(attribute)

    def __getitem__(self, index: Any) -> Any:
        synced.count += has_boolean_array(index)
        return to_device(self._host[to_inner(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        inner = to_inner(index)
        if isinstance(value, StrictArray) and has_integer_array(index):
            places = np.arange(self._host.size).reshape(self._host.shape)[inner]
            if np.unique(places).size < places.size:
                raise IndexError("a place occurs twice: on a card it is undefined which value it gets")
        self._host[inner] = to_inner(value)

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        synced.count += 1
        return (to_device(item) for item in self._host)

    def __float__(self) -> float:
        synced.count += 1
        return float(self._host)

    def __int__(self) -> int:
        synced.count += 1
        return int(self._host)

    def __bool__(self) -> bool:
        synced.count += 1
        return bool(self._host)

    def __repr__(self) -> str:
        return f"StrictArray({self._host!r})"


def to_inner(value: Any) -> Any:
    """Takes device arrays out of arguments; a host array among them is the mistake this file is for."""
    if isinstance(value, StrictArray):
        return value._host
    if isinstance(value, np.ndarray):
        raise TypeError("a host array met a device array")
    if isinstance(value, tuple | list):
        return type(value)(to_inner(item) for item in value)
    return value


def has_boolean_array(index: Any) -> bool:
    return any(kind == "b" for kind in _kinds(index))


def has_integer_array(index: Any) -> bool:
    return any(kind in "iu" for kind in _kinds(index))


def _kinds(index: Any) -> list[str]:
    several = index if isinstance(index, tuple) else (index,)
    return [item._host.dtype.kind for item in several if isinstance(item, StrictArray)]


def to_device(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return StrictArray(value)
    if isinstance(value, tuple) and any(isinstance(item, np.ndarray) for item in value):
        return tuple(to_device(item) for item in value)
    return value


def _on_device(function: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        name = getattr(function, "__name__", "")
        if name in ("tolist", "item"):
            synced.count += 1
            return function(*args, **kwargs)
        if name == "repeat" and any(isinstance(value, StrictArray) for value in [*args[1:], *kwargs.values()]):
            raise TypeError("the device repeats by plain numbers, not by an array")
        refused = sorted((ABSENT_KEYWORDS & kwargs.keys()) - ({"where"} if name == "copyto" else set()))
        if refused:
            raise TypeError(f"the device's {name} has no keyword {refused[0]}")
        if name in ("sort", "argsort") and kwargs.get("kind") not in (None, "stable"):
            raise ValueError(f"the device sorts stably only, not by {kwargs['kind']}")
        if name == "matmul" and any(
            np.shares_memory(kwargs["out"]._host, one._host) for one in args if "out" in kwargs
        ):
            raise ValueError("out= of a matrix product is read while it is written")
        synced.count += name in WAITING
        return to_device(function(*to_inner(args), **{name: to_inner(value) for name, value in kwargs.items()}))

    return call


def _operator(name: str) -> Any:
    def apply(self: StrictArray, *others: Any) -> Any:
        return to_device(getattr(self._host, name)(*to_inner(others)))

    return apply


def _in_place(name: str) -> Any:
    def apply(self: StrictArray, other: Any) -> StrictArray:
        getattr(self._host, name)(to_inner(other))
        return self

    return apply


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor"):
    setattr(StrictArray, f"__{_name}__", _operator(f"__{_name}__"))
    setattr(StrictArray, f"__r{_name}__", _operator(f"__r{_name}__"))
    if _name != "matmul":
        setattr(StrictArray, f"__i{_name}__", _in_place(f"__i{_name}__"))
for _name in ("lt", "le", "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert"):
    setattr(StrictArray, f"__{_name}__", _operator(f"__{_name}__"))


class _Ufunc:
    """xp.add, and xp.add.at."""

    def __init__(self, function: np.ufunc) -> None:
        self._function = function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        refused = sorted(kwargs.keys() - UFUNC_KEYWORDS)
        if refused:
            raise TypeError(f"the device's {self._function.__name__} has no keyword {refused[0]}")
        return _on_device(self._function)(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if self._function.__name__ not in UFUNC_METHODS.get(name, ()):
            raise NotImplementedError(f"the device has no {self._function.__name__}.{name}")
        return _on_device(getattr(self._function, name))


class _StrictModule(types.ModuleType):
    """Stands where `numpy` or `cupy` stands: xp.exp, xp.zeros, xp.asarray."""

    def __getattr__(self, name: str) -> Any:
        if name in ABSENT or name.startswith("__"):
            raise AttributeError(f"the device has no {name}")
        attribute = getattr(np, name)
        if isinstance(attribute, types.ModuleType):  # xp.fft, xp.linalg
            return types.SimpleNamespace(**{part: _on_device(getattr(attribute, part)) for part in attribute.__all__})
        if isinstance(attribute, np.ufunc):
            return _Ufunc(attribute)
        return _on_device(attribute) if callable(attribute) and not isinstance(attribute, type) else attribute

    def asarray(self, value: Any, *args: Any, **kwargs: Any) -> StrictArray:
        """The one door in: host data is uploaded because it was asked for."""
        synced.uploads += not isinstance(value, StrictArray)
        return StrictArray(np.asarray(value._host if isinstance(value, StrictArray) else value, *args, **kwargs))


xp = _StrictModule("strict_device")
register_device("strict", StrictArray, xp)


def upload(value: Any) -> Any:
    """Arrays to the device; anything else stays as it is."""
    return xp.asarray(value) if isinstance(value, np.ndarray) else value


def download(value: Any) -> Any:
    return value.get() if isinstance(value, StrictArray) else value
