"""The wheel, built through the sdist, does in a clean environment and another folder what a checkout does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="compares the wheel with what git tracks"),
]


def tracked(*folders: str) -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--", *folders], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return sorted(name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy that holds tracked files and one stray that must not be shipped."""
    source = tmp_path_factory.mktemp("source") / "tfx"
    for name in tracked():
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    (source / "lessons" / "__pycache__").mkdir()
    (source / "lessons" / "__pycache__" / "stray.pyc").write_bytes(b"not ours")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", str(source)], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = (source / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel in it; NumPy and the other libraries are borrowed from this one."""
    home = tmp_path_factory.mktemp("clean") / "env"
    venv.create(home, with_pip=True)
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True, capture_output=True
    )
    ask = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    purelib = Path(subprocess.run([python, "-c", ask], check=True, capture_output=True, text=True).stdout.strip())
    borrowed = subprocess.run([sys.executable, "-c", ask], check=True, capture_output=True, text=True).stdout.strip()
    (purelib / "borrowed_dependencies.pth").write_text(borrowed + "\n", encoding="utf-8")
    return python.parent


def run(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        [installed / words[0], *words[1:]],
        cwd=folder,
        env={**environment, "TFX_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_lessons_in_the_wheel_are_the_lessons_that_git_tracks(wheel):
    inside = sorted(name.removeprefix("tfx/_lessons/") for name in names_in(wheel) if name.startswith("tfx/_lessons/"))
    assert inside == [name.removeprefix("lessons/") for name in tracked("lessons")]


def test_the_packages_in_the_wheel_are_the_packages_that_git_tracks(wheel):
    inside = sorted(
        name
        for name in names_in(wheel)
        if name.startswith(("tfx/", "tfx_cli/")) and not name.startswith("tfx/_lessons/")
    )
    assert inside == tracked("tfx", "tfx_cli")


def test_the_weights_in_the_wheel_stay_below_a_megabyte_and_a_half(wheel):
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.compress_size for info in archive.infolist() if info.filename.endswith(".npz")}
    assert sizes, "the trained models are missing"
    assert sum(sizes.values()) <= 1_500_000, sizes


def test_the_source_distribution_has_the_tests_but_not_their_recorded_cases(wheel):
    (sdist,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/peers/test_onnx.py", "tests/peers/fixtures/README.md", "tests/peers/fixtures/LICENSE.onnx"} <= inside
    assert not [name for name in inside if name.startswith("tests/") and name.endswith(".npz")]


def test_the_installed_package_is_the_one_that_runs(installed, tmp_path):
    told = run(installed, tmp_path, "python", "-c", "import tfx, tfx_cli; print(tfx.__file__); print(tfx_cli.__file__)")
    assert told.returncode == 0, told.stderr
    assert all(line.startswith(str(installed.parent)) for line in told.stdout.split()), told.stdout


@pytest.mark.parametrize("command", ["tfx", "tfx-learn"])
def test_both_commands_know_their_version(installed, tmp_path, command):
    told = run(installed, tmp_path, command, "--version")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("tfx")


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "attention", "--json"),
        ("experiment", "scaling", "--quick", "--json"),
        ("quiz", "--stats", "--json"),
        ("gradcheck", "softmax", "--json"),
        ("doctor", "--json"),
    ],
    ids=lambda words: words[0],
)
def test_a_command_runs_from_another_folder(installed, tmp_path, words):
    told = run(installed, tmp_path, "tfx", *words)
    assert told.returncode == 0, told.stderr + told.stdout
    assert json.loads(told.stdout)["schema_version"] == 1
    assert {path.name for path in tmp_path.iterdir()} <= {"home"}, "a --json run leaves nothing in the reader's folder"


CELLS = """
import json
with open("softmax-jacobian.ipynb", encoding="utf-8") as file:
    cells = [cell for cell in json.load(file)["cells"] if cell["cell_type"] == "code"]
names = {}
for cell in cells:
    exec("".join(cell["source"]), names)
"""


def test_the_cells_of_a_notebook_run_with_the_installed_package_alone(installed, tmp_path):
    made = run(installed, tmp_path, "tfx", "export", "notebook", "softmax-jacobian")
    assert made.returncode == 0, made.stderr
    cells = json.loads((tmp_path / "softmax-jacobian.ipynb").read_text(encoding="utf-8"))["cells"]
    kept = ["".join(output["text"]) for cell in cells for output in cell.get("outputs", ())]
    told = run(installed, tmp_path, "python", "-c", CELLS)
    assert told.returncode == 0, told.stderr
    assert told.stdout == "".join(kept) and "jacobian equals tfx.ops.basics.softmax.softmax_jacobian" in told.stdout
