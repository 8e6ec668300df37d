"""Whoever types the right word at the wrong place is sent to the right one; no NumPy is imported for that."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.running import ROOT, environment, one_sentence, run
from tfx_cli.command_table import COMMANDS
from tfx_cli.words import all_words, operation_names, other_places, task_names, words_called

PLACES = {
    "scaling": "Try: tfx explain scaling   or: tfx experiment scaling",
    "attention": "Try: tfx explain attention   or: tfx bench attention   or: tfx gradcheck attention",
    "softmax": "Try: tfx explain softmax   or: tfx gradcheck softmax   or: tfx systems softmax",
    "help": "Try: tfx -h",
    "version": "Try: tfx --version",
    "copy": "Try: tfx train copy",
    "roofline": "Try: tfx bench roofline",
    "rope": "Try: tfx explain rope   or: tfx systems rope",
    "scalling": "Try: tfx explain scaling",
    "explain masking": "Try: tfx experiment masking",
    "explain MASKING": "Try: tfx experiment masking",
    "explain gqa": "Try: tfx systems gqa",
    "explain mamba": "Try: tfx systems mamba",
    "gpt-2": "Try: tfx explain gpt-2   or: tfx systems gpt-2",
    "t5": "Try: tfx systems t5",
    "explain train": "Try: tfx train   or: tfx bench train",
    "experiment softmax": "Try: tfx explain softmax   or: tfx gradcheck softmax   or: tfx systems softmax",
    "experiment qkv": "Try: tfx explain qkv",
    "bench masking": "Try: tfx experiment masking",
    "quiz masking": "Try: tfx experiment masking",
    "gradcheck masking": "Try: tfx experiment masking",
    "gradcheck scaling": "Try: tfx explain scaling   or: tfx experiment scaling",
    "train scaling": "Try: tfx explain scaling   or: tfx experiment scaling",
    "explain rms norm": "Try: tfx explain rms-norm",
    "explain attention --text the cat sat": 'Try: tfx explain attention --text "the cat sat"',
    "explain attention --text the cat --step 2": 'Try: tfx explain attention --text "the cat" --step 2',
    "explain --text the cat": 'Try: tfx explain attention --text "the cat"',
    "generate --prompt the list is --seed 3": 'Try: tfx generate --prompt "the list is" --seed 3',
    "doctor extra": "Help: tfx doctor -h",
    "explain --text foo atention": "See all: tfx explain",
    "zzzzzz": "See all: tfx -h",
}


@pytest.mark.parametrize("typed", PLACES)
def test_a_word_at_the_wrong_place_gets_the_right_one(tfx, typed):
    ran = tfx(*typed.split())
    assert ran.code == 2 and ran.out == ""
    assert one_sentence(ran).splitlines()[1].strip() == PLACES[typed]


def test_the_sentence_names_the_kinds(tfx):
    assert tfx("scaling").err.startswith('tfx: no command is called "scaling", but a topic and an experiment are.\n')
    assert tfx("explain", "masking").err.startswith('tfx: no topic is called "masking", but an experiment is.\n')
    assert 'Did you mean the topic "scaling"?' in tfx("scalling").err
    assert 'Did you mean "experiment"?' in tfx("experimnt").err, "a command that is near comes before other kinds"


@pytest.mark.parametrize(
    "typed", ["scaling", "explain masking", "experiment softmax", "train revers", "gradcheck masking", "train", "help"]
)
def test_no_numpy_is_imported_to_say_so(tmp_path, typed):
    code = "import sys; from tfx_cli.__main__ import main; main(); sys.exit('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, *typed.split()], cwd=ROOT, env=environment(tmp_path), capture_output=True
    )
    assert done.returncode == 0, done.stderr.decode()


def test_every_word_leads_to_a_command_that_knows_it(tfx):
    kinds = {word.kind for word in all_words()}
    assert kinds == {"command", "topic", "experiment", "benchmark", "task", "operation", "system"}
    for word in all_words():
        assert word.command.split()[0] == "tfx" and word.command.split()[1] in COMMANDS
        assert word in words_called(word.name) or words_called(word.name)[0].name != word.name or word.kind == "system"


def test_operations_and_tasks_are_those_of_the_library():
    from tfx.data.toys.tasks import TASKS
    from tfx.gradcheck import op_names

    assert set(operation_names()) == {name for name in op_names() if "." not in name}
    assert task_names() == {name: task.question for name, task in TASKS.items()}


def test_the_command_in_the_hint_runs(tmp_path):
    assert run("systems", "softmax", home=tmp_path).code == 0
    assert run("train", "--json", home=tmp_path).out.count('"name"') == len(task_names())


def test_an_error_of_a_kind_that_is_no_word_stays_as_it_is():
    from tfx.errors import unknown_name

    problem = unknown_name("setting", "scaling", ["mean"], "--set help")
    assert other_places(problem) == (problem.message, problem.hint)
