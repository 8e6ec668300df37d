"""The reader's own texts, or those inside Python."""

import pytest

from tfx.data.corpus import read_corpus
from tfx.errors import BadInput
from tfx.tokenizers import BPE


def test_without_a_file_the_reference_inside_python_is_the_corpus():
    texts = read_corpus()
    assert sum(map(len, texts)) > 100_000 and texts == read_corpus()
    tokenizer = BPE.train(texts[:200], 400)
    assert tokenizer.decode(tokenizer.encode(texts[0])) == texts[0]


def test_a_file_is_cut_at_empty_lines(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("\n\none\ntwo\n \n\nthr\u00e9e\n", encoding="utf-8")
    assert read_corpus(file) == ["one\ntwo", "thr\u00e9e\n"]


def test_a_folder_is_its_text_files_in_order(tmp_path):
    for name, text in (("b.txt", "second"), ("a.txt", "first"), ("c.md", "not read")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_corpus(tmp_path) == ["first", "second"]


def test_what_is_no_text_is_refused(tmp_path):
    with pytest.raises(BadInput, match="there is no file"):
        read_corpus(tmp_path / "none.txt")
    with pytest.raises(BadInput, match="holds no text"):
        read_corpus(tmp_path)
    (tmp_path / "binary.txt").write_bytes(b"ab\xff\xfe")
    with pytest.raises(BadInput, match=r"not text in UTF-8 \(byte 2 does not fit\)"):
        read_corpus(tmp_path / "binary.txt")
    (tmp_path / "blank.txt").write_text(" \n\n", encoding="utf-8")
    with pytest.raises(BadInput, match="holds no text"):
        read_corpus(tmp_path / "blank.txt")
