"""The training text of the language model comes from the running Python and splits the same way every time."""

from tfx.data import python_docs


def test_the_text_is_english_prose_without_doctests():
    training = python_docs.paragraphs(held_out=False)
    assert len(training) > 5000
    assert not any(">>>" in text or "::=" in text for text in training)
    assert sum("the" in text.split() for text in training) > 0.3 * len(training)


def test_no_held_out_paragraph_is_trained_on_and_the_split_is_one_in_twenty():
    training, held_out = python_docs.paragraphs(held_out=False), python_docs.paragraphs(held_out=True)
    assert not set(training) & set(held_out)
    assert 0.03 < len(held_out) / (len(held_out) + len(training)) < 0.07
    assert held_out == python_docs.paragraphs(held_out=True)
