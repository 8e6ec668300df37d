"""The training text of the language model comes from the running Python and splits the same way every time."""

import pytest

from tfx.data import python_docs

#: With docstrings the whole standard library is parsed, which takes seconds.
WITH_DOCSTRINGS = [False, pytest.param(True, marks=pytest.mark.slow)]


@pytest.mark.parametrize("docstrings", WITH_DOCSTRINGS)
def test_the_text_is_english_prose_without_doctests(docstrings):
    training = python_docs.paragraphs(held_out=False, docstrings=docstrings)
    assert len(training) > (5000 if docstrings else 1000)
    assert not any(">>>" in text or "::=" in text for text in training)
    assert sum("the" in text.split() for text in training) > 0.3 * len(training)


@pytest.mark.parametrize("docstrings", WITH_DOCSTRINGS)
def test_no_held_out_paragraph_is_trained_on_and_the_split_is_one_in_twenty(docstrings):
    training, held_out = (python_docs.paragraphs(side, docstrings) for side in (False, True))
    assert not set(training) & set(held_out)
    assert 0.03 < len(held_out) / (len(held_out) + len(training)) < 0.07
    assert held_out == python_docs.paragraphs(True, docstrings)


def test_docstrings_are_collected_from_every_module_of_a_library_but_tests(tmp_path, monkeypatch):
    """A library of two files in the place of Python's own."""
    prose = "This is a paragraph about the reading of files, from which a model may learn."
    for name in ("good.py", "test/bad.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = f'"""{prose} It stands in {name}."""\n'
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(python_docs.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    python_docs._docstrings.cache_clear()
    try:
        assert [text for text in python_docs._docstrings() if "stands in" in text] == [f"{prose} It stands in good.py."]
    finally:
        python_docs._docstrings.cache_clear()
