"""What all kinds of tokenizers have in common."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tokenizers.corpora import AWKWARD, made_up_language
from tfx.errors import BadInput, EnvironmentProblem
from tfx.tokenizers import BPE, KINDS, ByteTokenizer, CharacterTokenizer, WordPiece, load

CORPUS = [*made_up_language(n_words=600), "the cat sat on the mat, the cats sit."]
SPECIAL = ("<pad>", "<end>")
TRAINED = {name: kind.train(CORPUS, 330, special=SPECIAL) for name, kind in KINDS.items()}
LEARNING = [name for name in KINDS if name != "byte"]


@pytest.fixture(params=KINDS)
def tokenizer(request):
    return TRAINED[request.param]


def test_reserved_tokens_come_first_and_ids_count_the_tokens(tokenizer):
    assert tokenizer.tokens[: len(tokenizer.reserved)] == tokenizer.reserved
    assert tokenizer.reserved[-2:] == SPECIAL
    assert len(tokenizer) == len(set(tokenizer.tokens)) <= 330
    assert [tokenizer.id_of[token] for token in tokenizer.tokens] == list(range(len(tokenizer)))


def test_text_of_the_corpus_comes_back(tokenizer):
    for text in CORPUS[:20]:
        back = tokenizer.decode(tokenizer.encode(text))
        if tokenizer.kind == "wordpiece":
            assert back.replace(" ", "") == text.replace(" ", "")
        else:
            assert back == text


def test_the_empty_text_has_no_tokens(tokenizer):
    assert tokenizer.encode("") == []
    assert tokenizer.decode([]) == ""


@given(st.text(max_size=40))
def test_any_text_has_ids_in_range_and_pieces_in_order(text):
    for tokenizer in TRAINED.values():
        if any("\ud800" <= character <= "\udfff" for character in text):
            continue
        pieces = tokenizer.pieces(text)
        assert [piece.id for piece in pieces] == tokenizer.encode(text)
        assert all(0 <= piece.id < len(tokenizer) and 0 <= piece.start <= piece.end <= len(text) for piece in pieces)
        assert all(a.start <= b.start and a.end <= b.end for a, b in pairwise(pieces))
        covered = {i for piece in pieces for i in range(piece.start, piece.end)}
        assert all(i in covered for i, character in enumerate(text) if not character.isspace())


def test_the_stretch_of_a_piece_is_what_the_token_says(tokenizer):
    text = "the cats sit. the mat"
    said = [tokenizer.decode([piece.id]).removeprefix("##").strip(" ") for piece in tokenizer.pieces(text)]
    assert said == [text[piece.start : piece.end].strip(" ") for piece in tokenizer.pieces(text)]


def test_special_tokens_in_a_text_are_text_unless_it_is_trusted(tokenizer):
    pad, end = (tokenizer.id_of[token] for token in SPECIAL)
    text = "the cat<end>sat<pad>"
    assert not {pad, end} & set(tokenizer.encode(text))
    ids = tokenizer.encode(text, allow_special=True)
    assert ids == [*tokenizer.encode("the cat"), end, *tokenizer.encode("sat"), pad]
    apart = isinstance(tokenizer, (BPE, WordPiece))  # white space is lost, so a special token stands as a word
    assert tokenizer.decode(ids) == ("the cat <end> sat <pad>" if apart else text)
    assert tokenizer.decode(ids, skip_special=True) == ("the cat sat" if apart else "the catsat")
    spans = [text[piece.start : piece.end] for piece in tokenizer.pieces(text, allow_special=True)]
    assert "".join(spans).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("tokenizer", [TRAINED[name] for name in (BPE.kind, WordPiece.kind)], ids=lambda t: t.kind)
@given(words=st.lists(st.sampled_from(["the", "cats", "tam", "<end>", "<pad>"]), max_size=7), spaces=st.data())
def test_words_and_special_tokens_come_back_with_one_space_between_them(tokenizer, words, spaces):
    text = "".join(spaces.draw(st.sampled_from([" ", "  ", "\n "])) + word for word in words)
    ids = tokenizer.encode(text, allow_special=True)
    assert tokenizer.decode(ids) == " ".join(text.split())
    plain = [word for word in words if word not in SPECIAL]
    assert tokenizer.decode(ids, skip_special=True).split() == plain
    assert tokenizer.encode(tokenizer.decode(ids), allow_special=True) == ids


def test_of_two_special_tokens_that_both_fit_the_longer_one_is_meant():
    tokenizer = CharacterTokenizer("ab", special=["<a>", "<a><b>"])
    assert tokenizer.encode("<a><b><a>", allow_special=True) == [2, 1]


def test_saved_and_loaded_is_the_same_and_saved_twice_gives_the_same_bytes(tokenizer, tmp_path):
    path, again = tmp_path / "a.json", tmp_path / "b.json"
    tokenizer.save(path)
    loaded = load(path)
    assert type(loaded) is type(tokenizer) and loaded.tokens == tokenizer.tokens
    assert loaded.reserved == tokenizer.reserved
    for text in AWKWARD + CORPUS[:5]:
        assert loaded.encode(text) == tokenizer.encode(text)
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()
    assert path.read_bytes().isascii()


def test_training_twice_gives_the_same_tokenizer(tokenizer):
    again = KINDS[tokenizer.kind].train(iter(CORPUS), 330, special=SPECIAL)
    assert again.state() == tokenizer.state()


def test_a_corpus_that_is_one_str_is_one_text(tokenizer):
    kind = KINDS[tokenizer.kind]
    assert kind.train(CORPUS[0], 300).state() == kind.train([CORPUS[0]], 300).state()


def test_ids_may_be_an_array_of_integers(tokenizer):
    ids = tokenizer.encode("the cat")
    assert tokenizer.decode(np.array(ids)) == tokenizer.decode(ids)


@pytest.mark.parametrize("wrong", [-1, 10**6])
def test_an_id_out_of_range_is_refused(tokenizer, wrong):
    with pytest.raises(ValueError, match=f"id {wrong} is outside the vocabulary of {len(tokenizer)} tokens"):
        tokenizer.decode([0, wrong])


def test_what_is_no_text_and_what_is_no_id_is_refused(tokenizer):
    with pytest.raises(TypeError, match="text is a str, not bytes"):
        tokenizer.encode(b"the cat")
    with pytest.raises(TypeError):
        tokenizer.decode([1.5])


@pytest.mark.parametrize("name", LEARNING)
@pytest.mark.parametrize("corpus", ["", [], ["", ""]])
def test_an_empty_corpus_is_refused(name, corpus):
    with pytest.raises(ValueError, match="the corpus holds no text"):
        KINDS[name].train(corpus, 300)


@pytest.mark.parametrize("name", KINDS)
def test_a_vocabulary_smaller_than_the_alphabet_is_refused(name):
    with pytest.raises(ValueError, match="vocab_size 2 is smaller than the"):
        KINDS[name].train("the cat sat", 2, special=SPECIAL)


@pytest.mark.parametrize("name", LEARNING)
def test_training_stops_where_there_is_nothing_left_to_learn(name):
    tokenizer = KINDS[name].train("ab ab", 10_000)
    assert len(tokenizer) < 300
    assert tokenizer.decode(tokenizer.encode("ab ab")) == "ab ab"


@pytest.mark.parametrize("name", KINDS)
def test_a_learned_token_never_spells_a_special_one(name):
    tokenizer = KINDS[name].train("end end end end the end", 300, special=["end"])
    assert tokenizer.id_of["end"] == len(tokenizer.reserved) - 1
    assert tokenizer.id_of["end"] not in tokenizer.encode("end the end")
    assert tokenizer.decode(tokenizer.encode("end the end")) == "end the end"


def test_a_special_token_that_is_a_character_of_the_corpus_is_refused():
    for kind in (CharacterTokenizer, BPE, ByteTokenizer):
        with pytest.raises(ValueError, match="'a' is there twice"):
            kind.train("a cat", 300, special=["a"])
    with pytest.raises(ValueError, match="must not be empty"):
        CharacterTokenizer("ab", special=[""])


def test_a_tokenizer_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    TRAINED["bpe"].save(path)
    with pytest.raises(BadInput, match="holds a 'bpe' tokenizer, not 'byte'"):
        ByteTokenizer.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(kind="new"),
        lambda document: document.update(version=99),
        lambda document: document.update(format="other"),
        lambda document: document.pop("state"),
        lambda document: document["state"].pop("merges"),
        lambda document: document["state"].update(merges=[["a", "nothing"]]),
        lambda document: document["state"].update(merges=7),
        lambda document: document["state"].update(extra=1),
        lambda document: document["state"].update(alphabet=[1, 2], merges=[]),
        lambda document: document.update(state=["no", "names"]),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path, change):
    path = tmp_path / "tokenizer.json"
    TRAINED["bpe"].save(path)
    document = json.loads(path.read_text(encoding="ascii"))
    change(document)
    path.write_text(json.dumps(document), encoding="ascii")
    with pytest.raises(BadInput, match=r"tokenizer\.json"):
        load(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="is not a tokenizer"):
        load(path)


def test_a_missing_file_and_a_missing_folder_are_told_apart(tmp_path):
    with pytest.raises(BadInput, match="there is no file"):
        load(tmp_path / "none.json")
    with pytest.raises(EnvironmentProblem, match="cannot write"):
        TRAINED["byte"].save(tmp_path / "none" / "tokenizer.json")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentProblem, match="cannot write"):
        TRAINED["byte"].save(tmp_path / "file" / "tokenizer.json")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    TRAINED["byte"].save(path)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EnvironmentProblem, match="No space left"):
        TRAINED["bpe"].save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_saved_file_can_be_read_by_whoever_may_read_the_folder(tmp_path):
    path, ordinary = tmp_path / "tokenizer.json", tmp_path / "ordinary.json"
    TRAINED["byte"].save(path)
    ordinary.write_text("{}", encoding="ascii")
    assert path.stat().st_mode == ordinary.stat().st_mode
