"""The texts to learn tokens or word vectors from: the reader's own, or what ships inside Python.

A file is cut into texts at empty lines.  Without one, the language reference that help() prints serves as the corpus
(`python_docs.py`): it is on every machine, needs no network, and differs a little from one Python to the next.
"""

from __future__ import annotations

import re
from pathlib import Path

from tfx.data.python_docs import paragraphs
from tfx.errors import BadInput, EnvironmentProblem


def read_corpus(path: str | Path | None = None) -> list[str]:
    """The texts of a file in UTF-8, a folder's `.txt` files in order, or for None the reference inside Python.

    Raises BadInput when there is no such file, when it is not text or holds none, EnvironmentProblem when it cannot be
    read.
    """
    if path is None:
        return paragraphs(held_out=False, docstrings=False)
    path = Path(path)
    files = sorted(path.glob("*.txt")) if path.is_dir() else [path]
    texts = [text for file in files for text in re.split(r"\n\s*\n", _content(file)) if text.strip()]
    if not texts:
        raise BadInput(f"{path} holds no text.", "Give a text file in UTF-8, or a folder of .txt files.")
    return texts


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"there is no file {file}.", "Check the path.") from None
    except UnicodeDecodeError as problem:
        raise BadInput(
            f"{file} is not text in UTF-8 (byte {problem.start} does not fit).", "Save it as UTF-8, then try again."
        ) from problem
    except OSError as problem:
        raise EnvironmentProblem(f"cannot read {file}: {problem.strerror or problem}.", "Check the path.") from problem
