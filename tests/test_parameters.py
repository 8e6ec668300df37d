"""No argument lists: nothing public takes more than ten parameters, but the settings, which are there to list them."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil

import tfx

MOST = 10

#: Functions that take one more or two, and why.
EXCEPTIONS = {
    "tfx.ops.recurrence.lstm.lstm_forward": "nine of them are the arrays that the formulas name",
    "tfx.efficient.lsh_attention.lsh_attention_forward": "five are those of every attention, the rest is the paper's",
    "tfx.efficient.big_bird.big_bird_attention_forward": "five are those of every attention, the rest is the paper's",
    "tfx.gradcheck.check.check_gradients": "how exactly is checked, each with a default that the cases rarely change",
}


def functions_of(module):
    """Every public function, constructor and method of a module, by its name.  Records and settings are left out."""
    for name, thing in vars(module).items():
        if name.startswith("_") or getattr(thing, "__module__", None) != module.__name__:
            continue
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing) and not dataclasses.is_dataclass(thing) and not issubclass(thing, tuple):
            for method, own in vars(thing).items():
                own = getattr(own, "__func__", own)
                if inspect.isfunction(own):
                    yield f"{name}.{method}", own


def longest_lists():
    found = {}
    for info in pkgutil.walk_packages(tfx.__path__, "tfx."):
        if info.name.endswith("__main__"):
            continue
        for name, function in functions_of(importlib.import_module(info.name)):
            n = len([parameter for parameter in inspect.signature(function).parameters if parameter != "self"])
            if n > MOST:
                found[f"{info.name}.{name}"] = n
    return found


def test_nothing_public_takes_more_than_ten_parameters():
    found = longest_lists()
    assert found.keys() == EXCEPTIONS.keys(), {name: n for name, n in found.items() if name not in EXCEPTIONS}
    assert not any(name.endswith("__init__") for name in EXCEPTIONS), "a constructor has settings"


def test_a_long_list_is_seen():
    module = importlib.import_module("tfx.ops.basics.linear")
    names = ", ".join(f"a{i}" for i in range(MOST + 1))
    scope = {"__name__": module.__name__}
    exec(f"class Long:\n    def __init__(self, {names}): ...\n", scope)
    module.Long = scope["Long"]
    try:
        assert longest_lists().get("tfx.ops.basics.linear.Long.__init__") == MOST + 1
    finally:
        del module.Long
