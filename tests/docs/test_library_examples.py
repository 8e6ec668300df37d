"""The Python examples of the README are run, line by line."""

from __future__ import annotations

import doctest
import re

from tests.docs.test_readme import PAGE


def test_the_python_examples_print_what_the_page_shows():
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    example = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "README.md", "README.md", 0)
    printed: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False).run(example, out=printed.append)
    assert not printed, "".join(printed)
