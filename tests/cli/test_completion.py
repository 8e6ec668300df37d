"""Completion for the shell that was asked for, one line a candidate at any width, and start-up files left whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import LAUNCH, Ran, environment, one_sentence, run

MARK = {
    "bash": "complete -o default",
    "zsh": "#compdef tfx",
    "fish": "complete --command tfx",
    "powershell": "Register-ArgumentCompleter",
}


@pytest.mark.parametrize("shell", MARK)
@pytest.mark.parametrize("together", [False, True])
def test_the_script_is_that_of_the_shell(shell, together, tmp_path):
    words = [f"--show-completion={shell}"] if together else ["--show-completion", shell]
    ran = run(*words, home=tmp_path, SHELL="/bin/bash")
    assert ran.code == 0 and ran.err == ""
    assert [name for name, mark in MARK.items() if mark in ran.out] == [shell]


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_an_unknown_shell_is_refused(option, tmp_path):
    ran = run(option, "nosuch", home=tmp_path, HOME=str(tmp_path))
    assert ran.code == 2 and ran.out == ""
    assert one_sentence(ran) == (
        'tfx: no completion is known for "nosuch".\n'
        "     Known: bash, zsh, fish, powershell. For example: tfx --show-completion bash\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_fish_is_installed_for_fish_alone(tmp_path):
    (tmp_path / ".bashrc").write_bytes(b"alias ll='ls -l'\n")
    ran = run("--install-completion", "fish", home=tmp_path, HOME=str(tmp_path), SHELL="/bin/bash")
    place = tmp_path / ".config/fish/completions/tfx.fish"
    assert ran.out.splitlines()[0] == f"fish completion installed in {place}"
    assert MARK["fish"] in place.read_text(encoding="utf-8")
    assert (tmp_path / ".bashrc").read_bytes() == b"alias ll='ls -l'\n"


def test_a_start_up_file_gets_one_line_and_keeps_the_others(tmp_path):
    before = b"export PS1='\xff> '"
    (tmp_path / ".bashrc").write_bytes(before)
    for _ in range(2):
        assert run("--install-completion", "bash", home=tmp_path, HOME=str(tmp_path)).code == 0
    line = f"source '{tmp_path}/.bash_completions/tfx.sh'"
    assert (tmp_path / ".bashrc").read_bytes() == before + b"\n" + line.encode() + b"\n"


def asked(shell: str, typed: str, width: str, tmp_path: Path, **more: str) -> Ran:
    words = {"COMP_WORDS": typed, "COMP_CWORD": "2", "_TYPER_COMPLETE_ARGS": typed, **more}
    env = environment(tmp_path, _TFX_COMPLETE=f"complete_{shell}", **words)
    env["COLUMNS"] = width
    done = subprocess.run([sys.executable, "-c", LAUNCH], cwd=tmp_path, env=env, capture_output=True, text=True)
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("width", ["20", "40", "80", "200"])
def test_a_candidate_is_one_line_at_any_width(width, tmp_path):
    from tfx.lab import experiments

    for shell, between in (("fish", "\t"), ("powershell", ":::"), ("zsh", '":"')):
        ran = asked(shell, "tfx experiment ", width, tmp_path, _TYPER_COMPLETE_FISH_ACTION="get-args")
        lines = ran.out.strip().splitlines()
        assert len(lines) == len(experiments()) and all(between in line for line in lines), (shell, ran)


def test_a_request_that_is_none_is_one_sentence(tmp_path):
    ran = asked("bash", "tfx ex", "80", tmp_path, COMP_CWORD="x")
    assert ran.code == 2 and ran.out == ""
    assert one_sentence(ran).startswith(
        "tfx: _TFX_COMPLETE is set, but what stands beside it is no request of a shell."
    )
