"""`tfx bench`: the list, the parts of a ladder, one document, and what to type when a name is wrong."""

from __future__ import annotations

import json

import pytest

from tfx.bench import benchmarks

TINY = ("--set", "d_model=12", "--set", "heads=3", "--set", "length=64", "--set", "compare=2")


def test_without_a_name_the_benchmarks_are_listed(tfx):
    ran = tfx("bench")
    assert ran.code == 0 and all(name in ran.out for name in benchmarks())
    assert [entry["name"] for entry in json.loads(tfx("bench", "--json").out)["benchmarks"]] == list(benchmarks())
    assert tfx("bench", "--plain").out.splitlines()[0].split("\t") == ["train", benchmarks()["train"]]


def test_without_a_part_the_ladders_are_listed(tfx):
    ran = tfx("bench", "ladder")
    assert ran.code == 0 and "softmax" in ran.out and "run one: tfx bench ladder " in ran.out
    assert {"name", "about"} == json.loads(tfx("bench", "ladder", "--json").out)["parts"][0].keys()


@pytest.mark.parametrize(
    ("words", "said", "next_command"),
    [
        (("bench", "trian"), 'no benchmark is called "trian". Did you mean "train"?', "tfx bench"),
        (("bench", "ladder", "sofmax"), 'no ladder is called "sofmax". Did you mean "softmax"?', "tfx bench ladder"),
        (("bench", "train", "softmax"), '"tfx bench train" takes no further word', "tfx bench train"),
        (("bench", "train", "--set", "bacth=2"), 'no setting is called "bacth". Did you mean "batch"?', "--set help"),
    ],
)
def test_a_wrong_word_is_answered_with_the_nearest(tfx, words, said, next_command):
    ran = tfx(*words)
    assert ran.code == 2 and ran.out == "" and said in ran.err and next_command in ran.err


def test_settings_are_listed(tfx):
    ran = tfx("bench", "train", "--set", "help")
    assert ran.code == 0 and "compare_batch" in ran.out and "change one: tfx bench train --set " in ran.out


def test_a_benchmark_gives_one_document(tfx):
    ran = tfx("bench", "train", "--quick", "--json", *TINY)
    document = json.loads(ran.out)
    assert ran.code == 0 and document["name"] == "train"
    assert {"d_model", "threads", "tfx_s", "torch_s", "ratio"} <= document["rows"][0].keys()
    assert {"python", "numpy", "torch", "processor", "cores", "threads"} <= document["params"].keys()


def test_a_ladder_shows_its_rungs_and_saves_its_picture(tfx, tmp_path):
    ran = tfx("bench", "ladder", "softmax", "--quick")
    assert ran.code == 0 and "checks hold" in ran.out and "not shown" not in ran.out
    assert len(list((tmp_path / "here").glob("*.png"))) == 1
