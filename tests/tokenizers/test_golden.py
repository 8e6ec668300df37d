"""The same merges and ids as the package `tokenizers`: against frozen answers, and live where it is installed."""

import hashlib
import importlib.util
import json
from pathlib import Path

import pytest

from tests.tokenizers.corpora import AWKWARD, CORPORA, texts_to_encode
from tfx.tokenizers import BPE, ByteLevelBPE, Unigram, WordPiece

FOLDER = Path(__file__).parent / "golden"
NAMES = list(CORPORA)
live = pytest.mark.skipif(importlib.util.find_spec("tokenizers") is None, reason="needs the group `peers`: tokenizers")


@pytest.fixture(scope="module", params=NAMES)
def frozen(request):
    """The golden file and its corpus.  The topics of Python differ from version to version: then there is none."""
    golden = json.loads((FOLDER / f"{request.param}.json").read_text(encoding="ascii"))
    corpus = CORPORA[request.param][0]()
    same = hashlib.sha256("\0".join(corpus).encode()).hexdigest() == golden["corpus"]
    if not same and request.param == "python_topics":
        pytest.skip(f"made with the topics of Python {golden['made_with']['python']}")
    assert same, "the corpus is no longer the one that the peer saw: run make_golden"
    return golden, corpus


def spells_a_reserved_token(text):
    """The peer takes `<unk>` in a text for the token, we take it for text."""
    return "<unk>" in text


def test_bpe_learns_the_peers_merges_and_gives_its_ids(frozen):
    golden, corpus = frozen
    ours = BPE.train(corpus, golden["vocab_size"])
    assert [list(merge) for merge in ours.merges] == golden["bpe"]["merges"]
    assert list(ours.tokens[: len(golden["bpe"]["alphabet"])]) == golden["bpe"]["alphabet"]
    for text, ids in zip(texts_to_encode(corpus), golden["bpe"]["ids"], strict=True):
        if not spells_a_reserved_token(text):
            assert ours.encode(text) == ids, text


def test_byte_level_bpe_learns_the_peers_merges_and_gives_its_ids(frozen):
    golden, corpus = frozen
    ours = ByteLevelBPE.train(corpus, golden["vocab_size"])
    assert [list(merge) for merge in ours.merges] == golden["byte_level_bpe"]["merges"]
    assert list(ours.tokens[:256]) == golden["byte_level_bpe"]["alphabet"]
    for text, ids in zip(texts_to_encode(corpus), golden["byte_level_bpe"]["ids"], strict=True):
        assert ours.encode(text) == ids, text


def test_wordpiece_gives_the_peers_ids(frozen):
    golden, corpus = frozen
    ours = WordPiece(golden["wordpiece"]["tokens"][1:])
    for text, ids in zip(texts_to_encode(corpus), golden["wordpiece"]["ids"], strict=True):
        assert ours.encode(text) == ids, text


def test_unigram_gives_the_peers_ids(frozen):
    golden, corpus = frozen
    ours = Unigram(golden["unigram"]["scores"])
    compared = 0
    for text, ids in zip(texts_to_encode(corpus), golden["unigram"]["ids"], strict=True):
        if unigram_agrees_by_design(text, ids):
            assert ours.encode(text) == ids, text
            compared += 1
    assert compared >= 3


def unigram_agrees_by_design(text, ids):
    """We put a space in front of every text, the peer spares it before a space; the peer writes one <unk> for a whole
    run of unknown characters, we write one for each."""
    return not text.startswith(" ") and 0 not in ids and not spells_a_reserved_token(text)


@live
@pytest.mark.parametrize("name", NAMES)
def test_live_the_peer_learns_the_same_merges_and_gives_the_same_ids(name):
    from tests.tokenizers import peer

    make, size = CORPORA[name]
    corpus = make()
    for kind, trained, seen in (
        (BPE, peer.bpe(corpus, size), peer.with_ends),
        (ByteLevelBPE, peer.byte_level_bpe(corpus, size), str),
    ):
        ours = kind.train(corpus, size)
        learned = peer.learned(trained)
        assert list(ours.merges) == learned["merges"] and list(ours.tokens) == learned["tokens"]
        for text in AWKWARD + corpus:
            if not spells_a_reserved_token(text):
                assert ours.encode(text) == trained.encode(seen(text)).ids, text


@live
def test_live_every_character_is_of_the_same_class_for_the_peers_pattern():
    import unicodedata

    from tests.tokenizers import peer
    from tfx.tokenizers.splitting import chunks

    cutter = peer.pre_tokenizers.ByteLevel(add_prefix_space=False)
    different = []
    for code in range(0x110000):
        character = chr(code)
        if unicodedata.category(character) in ("Cs", "Cn"):  # surrogates; what this Python's Unicode does not know
            continue
        text = f"a{character}a 1{character}1 {character}{character} '{character}\n"
        if list(chunks(text)) != [span for _, span in cutter.pre_tokenize_str(text)]:
            different.append(hex(code))
    assert not different
