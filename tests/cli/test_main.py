"""The entry point: version, the start-up guard, and how every way of ending becomes an exit code."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest
import typer

from tests.cli.running import ROOT, environment, one_sentence, run
from tfx.errors import BadInput, EnvironmentProblem, TfxError
from tfx_cli.errors import exit_code_of


def test_version_is_answered_without_typer(tmp_path):
    code = "import sys; from tfx_cli.__main__ import main; main(['--version']); sys.exit('typer' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.startswith("tfx ")


@pytest.mark.parametrize("module", ["tfx", "tfx_cli"])
def test_the_packages_run_as_modules(module, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", module, "-h"], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True
    )
    assert done.returncode == 0 and "usage: tfx" in done.stdout


@pytest.mark.parametrize("source", ["__version__ = '1.21.0'\n", "raise ImportError('no tensorflow')\n"])
def test_another_distribution_named_tfx_is_recognised_in_one_sentence(source, tmp_path):
    (tmp_path / "tfx").mkdir()
    (tmp_path / "tfx" / "__init__.py").write_text(source, encoding="utf-8")
    (tmp_path / "tfx_cli").symlink_to(ROOT / "tfx_cli")
    ran = run("--version", home=tmp_path / "home", PYTHONPATH=str(tmp_path))
    assert ran.code == 3 and ran.out == ""
    assert "TensorFlow Extended" in ran.err and "Traceback" not in ran.err


def ending(error: BaseException):
    def fail() -> int:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (TfxError("Our fault.", "Do this."), 3, "Our fault.\n     Do this."),
        (BadInput("Wrong word."), 2, "tfx: Wrong word.\n"),
        (EnvironmentProblem("No room."), 3, "No room."),
        (KeyboardInterrupt(), 130, "stopped"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
        (OSError(errno.ENOSPC, "No space left on device"), 3, "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "there"), 3, "there"),
        (MemoryError(), 3, "memory"),
        (ZeroDivisionError("division by zero"), 3, "ZeroDivisionError: division by zero"),
        (typer.BadParameter("not a number"), 2, "not a number"),
        (typer.Abort(), 2, "input ended"),
        (SystemExit(0), 0, ""),
        (SystemExit(None), 0, ""),
    ],
)
def test_every_ending_has_its_code_and_at_most_one_sentence(error, code, words, capsys):
    assert exit_code_of(ending(error)) == code
    told = capsys.readouterr().err
    assert words in told and "Traceback" not in told and len(told.splitlines()) <= 2


def test_debug_shows_an_unexpected_error_whole():
    with pytest.raises(ZeroDivisionError):
        exit_code_of(ending(ZeroDivisionError()), debug=True)


def test_a_crash_in_a_command_is_one_sentence_unless_debug_is_asked_for(tfx, monkeypatch):
    def crash(face):
        raise RuntimeError("tangled [/wires]")

    monkeypatch.setattr("tfx_cli.commands.dashboard.show_dashboard", crash)
    ran = tfx()
    assert ran.code == 3 and "RuntimeError: tangled [/wires]" in ran.err and "--debug" in ran.err
    with pytest.raises(RuntimeError):
        tfx("--debug")
    monkeypatch.setenv("TFX_DEBUG", "1")
    with pytest.raises(RuntimeError):
        tfx()


def test_python_without_docstrings_is_refused_because_tfx_shows_them(tmp_path):
    for words in ([], ["gradcheck", "softmax"], ["doctor"], ["bench", "-h"]):
        ran = run(*words, home=tmp_path, PYTHONOPTIMIZE="2")
        assert (ran.code, ran.out) == (3, "")
        assert one_sentence(ran) == (
            "tfx: this Python leaves out docstrings (-OO or PYTHONOPTIMIZE=2), and tfx shows and reads them.\n"
            "     Run it without: unset PYTHONOPTIMIZE\n"
        )
    assert run("--version", home=tmp_path, PYTHONOPTIMIZE="2").code == 0
    assert run("experiment", "masking", "--quick", "--json", home=tmp_path, PYTHONOPTIMIZE="1").code == 0
