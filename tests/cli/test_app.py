"""The root command: its table, its help, shared options, typing mistakes and completion."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.running import LAUNCH, ROOT, environment
from tfx_cli.app import load_all
from tfx_cli.command_table import COMMANDS


def test_the_table_says_what_each_command_says_of_itself():
    for name, command in load_all().items():
        assert command.help.split("\n")[0] == COMMANDS[name].help, name
        assert command.name == name


def test_every_command_takes_json_plain_color_debug_and_short_help():
    for name, command in load_all().items():
        options = {option for parameter in command.params for option in parameter.opts}
        assert {"--json", "--plain", "--color", "--debug"} <= options, name
        assert command.context_settings["help_option_names"] == ["-h", "--help"]


def test_every_command_that_draws_random_numbers_takes_a_seed():
    for name in ("explain", "experiment", "quiz", "train", "generate", "gradcheck"):
        options = {option for parameter in load_all()[name].params for option in parameter.opts}
        assert "--seed" in options, name


def test_both_help_flags_show_every_command(tfx):
    ran = tfx("-h")
    assert ran == tfx("--help") and ran.code == 0
    assert all(f"  {name}" in ran.out and entry.help in ran.out for name, entry in COMMANDS.items())
    assert max(map(len, ran.out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_examples(tfx, name):
    ran = tfx(name, "-h")
    assert ran.code == 0 and f"\n\n  examples\n    tfx {name}" in ran.out
    assert ran.out == tfx(name, "--help").out


def test_a_typing_mistake_gets_a_suggestion_and_loads_no_command(tmp_path):
    code = (
        "import sys; from tfx_cli.__main__ import main; code = main(['experimnt'])\n"
        "loaded = [name for name in sys.modules if name.startswith(('tfx_cli.commands.', 'rich'))]\n"
        "sys.exit(str(loaded) if loaded else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    assert 'Did you mean "experiment"?' in done.stderr and "tfx -h" in done.stderr


def test_a_face_before_the_command_is_told_where_it_belongs(tfx):
    ran = tfx("--json", "experiment")
    assert ran.code == 2 and "after the command" in ran.err


def test_colour_can_be_chosen_before_and_after_the_command(tfx):
    assert "\x1b[" in tfx("experiment", "--color", "always").out
    assert "\x1b[" in tfx("--color", "always", "experiment").out
    assert "\x1b" not in tfx("experiment", "--color", "never").out
    assert tfx("experiment", "--color", "pink").code == 2


def complete(shell: str, typed: str, home, program: str = "_TFX_COMPLETE") -> str:
    words = typed.split(" ")
    variables = {"bash": {"COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}}.get(
        shell, {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    )
    env = environment(home, **variables, **{program: f"complete_{shell}"})
    done = subprocess.run([sys.executable, "-c", LAUNCH], cwd=home, env=env, capture_output=True, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_command_names_complete(shell, tmp_path):
    out = complete(shell, "tfx ex", tmp_path)
    assert "explain" in out and "experiment" in out and "quiz" not in out


@pytest.mark.parametrize(
    ("typed", "wanted", "unwanted"),
    [
        ("tfx experiment sca", "scaling", "masking"),
        ("tfx explain attention-s", "attention-scaled-dot-product", "softmax-jacobian"),
        ("tfx explain --pre", "--predict", "--plain"),
    ],
)
def test_topics_experiments_and_options_complete(typed, wanted, unwanted, tmp_path):
    out = complete("bash", typed, tmp_path)
    assert wanted in out.split() and unwanted not in out.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_shown(shell, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, "--show-completion", shell],
        cwd=tmp_path,
        env=environment(tmp_path, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "_TFX_COMPLETE" in done.stdout, done.stderr


def test_completion_imports_no_numpy(tmp_path):
    code = (
        "import json, sys; sys.argv[0] = 'tfx'\n"
        "from tfx_cli.__main__ import main; main()\n"
        "sys.stderr.write(json.dumps([name for name in ('numpy', 'rich', 'matplotlib') if name in sys.modules]))"
    )
    env = environment(tmp_path, _TFX_COMPLETE="complete_bash", COMP_WORDS="tfx explain att", COMP_CWORD="2")
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert json.loads(done.stderr) == [] and "attention" in done.stdout
