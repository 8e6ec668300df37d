"""`tfx claims`: the ledger, one claim measured, all of them, bets, and claims of the reader's own."""

from __future__ import annotations

import io
import json

import pytest

from tfx.claims import claims
from tfx.claims.claim import REGISTERED
from tfx_cli.learner import own_claims
from tfx_cli.learner.bets import kept

A_CLAIM = "C202"


@pytest.fixture(autouse=True)
def own_claims_go(monkeypatch):
    """What a test registers is not there in the next."""
    claims()
    before = dict(REGISTERED)
    monkeypatch.setattr(own_claims, "LOADED", [])
    yield
    REGISTERED.clear()
    REGISTERED.update(before)


def test_without_a_word_the_sections_are_shown_and_json_has_a_row_for_each_claim(tfx):
    page = tfx("claims").out
    assert "Mixture of experts" in page and page.endswith("all:        tfx claims --all --quick\n")
    rows = json.loads(tfx("claims", "--json").out)["rows"]
    assert [row["id"] for row in rows] == list(claims())
    assert all({"id", "verdict", "experiment", "paper"} <= row.keys() for row in rows)
    assert len(tfx("claims", "--plain").out.splitlines()) >= len(rows)


def test_words_find_claims_by_text_section_and_verdict(tfx):
    found = json.loads(tfx("claims", "slowly", "memory", "--json").out)["rows"]
    assert A_CLAIM in [row["id"] for row in found]
    section = json.loads(tfx("claims", "mixture", "of", "experts", "--json").out)["rows"]
    assert len(section) == sum(one.section == "Mixture of experts" for one in claims().values())
    false = json.loads(tfx("claims", "does not hold", "--json").out)["rows"]
    assert {row["verdict"] for row in false} == {"does not hold"}


def test_a_claim_is_measured_and_its_verdict_follows(tfx):
    ran = tfx("claims", A_CLAIM.lower())
    assert ran.code == 0 and "speaks against it:" in ran.out
    assert "PASS  parameters of 64 experts in units of 8  measured 8, as expected" in ran.out
    assert "Verdict: does not hold: every expert is stored" in ran.out
    document = json.loads(tfx("claims", A_CLAIM, "--json", "--seed", "4").out)
    assert document["found"] == document["verdict"] == "does not hold" and not document["changed"]
    assert document["checks"][0]["speaks"] == "against" and document["seed"] == 4


def test_a_verdict_that_has_changed_is_told_with_exit_code_1(tfx, monkeypatch):
    monkeypatch.setattr("tfx.claims.mixture_of_experts.mixture", lambda *a, original=None: Single())
    ran = tfx("claims", A_CLAIM)
    assert ran.code == 1 and 'Changed: nothing is decided now, on record is "does not hold".' in " ".join(
        ran.out.split()
    )


class Single:
    n_parameters = 5


def test_a_bet_is_kept_and_scored(tfx, monkeypatch):
    def bet(typed):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return tfx("claims", A_CLAIM, "--predict").out

    page = bet("7\n3\n")
    assert "Type 1, 2 or 3." in page and "Right.  Right so far: 1 of 1 bet." in page
    page = bet("1\n")
    assert "You said: holds.  Right so far: 1 of 2 bets." in page
    assert [bet["bet"] for bet in kept()] == ["does not hold", "holds"]
    bet("\n")
    assert len(list(kept())) == 2


def test_all_claims_are_rows_of_one_run(tfx, monkeypatch):
    few = {id: claims()[id] for id in (A_CLAIM, "C209", "C212")}
    monkeypatch.setattr("tfx.claims.every.claims", lambda: few)
    ran = tfx("claims", "--all", "--quick")
    assert ran.code == 0 and "3 claims:" in ran.out and "It holds: 1 check." in ran.out
    monkeypatch.setattr("tfx.claims.mixture_of_experts.mixture", lambda *a: Single())
    ran = tfx("claims", "--all", "--quick")
    assert ran.code == 1 and A_CLAIM in ran.out and "undecided" in ran.out


def test_the_template_can_be_added_and_is_then_there(tfx, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text(tfx("claims", "--template").out, encoding="utf-8")
    ran = tfx("claims", "--add", str(mine))
    assert ran.code == 0 and "MY1: A softmax gives some weight to every score.  Verdict: holds when." in ran.out
    assert "MY1" in [row["id"] for row in json.loads(tfx("claims", "--json").out)["rows"]]
    assert tfx("claims", "MY1").code == 0
    again = tfx("claims", "--add", str(mine))
    assert again.code == 2 and "is there already" in again.err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("1e-6", "0.9"), 'MY1 says "holds when", but the verdict is "does not hold"'),
        (("from tfx.claims", "from tfx.clams"), "cannot be used: ModuleNotFoundError"),
        (('"MY1"', '"C202"'), "C202 is there already"),
        (("@claim(", "@claim["), "cannot be used: SyntaxError"),
        (("scores = ", "raise ValueError('no scores')\n    scores = "), "the measurement of MY1 fails: ValueError"),
        (("scores = ", "exit()\n    scores = "), "the measurement of MY1 fails: SystemExit"),
        (("    yield supports(", "    yield 5  # ("), "the measurement of MY1 fails: TypeError: it yields 5, not"),
        (("SECTION =", "exit()\nSECTION ="), "cannot be used: SystemExit"),
        (('"My claims"', "5"), "cannot be used: TypeError: section must be a text, not 5."),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_not_kept(tfx, tmp_path, change, told):
    mine = tmp_path / "mine.py"
    mine.write_text(own_claims.TEMPLATE.replace(*change), encoding="utf-8")
    ran = tfx("claims", "--add", str(mine))
    assert ran.code == 2 and told in " ".join(ran.err.split())
    assert not own_claims.folder().exists()
    assert "MY1" not in json.dumps(json.loads(tfx("claims", "--json").out))


def test_a_kept_file_that_breaks_later_is_passed_over(tfx):
    own_claims.folder().mkdir(parents=True)
    (own_claims.folder() / "old.py").write_text("import nothing_like_that\n", encoding="utf-8")
    ran = tfx("claims", A_CLAIM)
    assert ran.code == 0 and "old.py is passed over" in ran.err


@pytest.mark.parametrize("words", [["MY1"], ["MY1", "--predict"], ["--all", "--quick"]])
def test_a_kept_measurement_that_breaks_later_is_one_sentence(tfx, words, monkeypatch):
    own_claims.folder().mkdir(parents=True)
    broken = own_claims.TEMPLATE.replace("from tfx.ops.basics.softmax import softmax_forward\n", "")
    (own_claims.folder() / "mine.py").write_text(broken, encoding="utf-8")
    monkeypatch.setattr("tfx.claims.every.claims", lambda: {"MY1": claims()["MY1"]})
    monkeypatch.setattr("sys.stdin", io.StringIO("1\n"))
    ran = tfx("claims", *words)
    said = "the measurement of MY1 fails: NameError: name 'softmax_forward' is not defined."
    assert ran.code == 2 and ran.err == f"tfx: {said}\n     Mend it, and add the file again.\n"


def test_workers_measure_the_claims_that_come_with_tfx(tfx, monkeypatch, tmp_path):
    for id in set(REGISTERED) - {A_CLAIM, "C209"}:
        del REGISTERED[id]
    mine = tmp_path / "mine.py"
    mine.write_text(own_claims.TEMPLATE, encoding="utf-8")
    tfx("claims", "--add", str(mine))
    ran = tfx("claims", "--all", "--quick", "--workers", "2", "--json")
    rows = json.loads(ran.out)["rows"]
    assert [row["id"] for row in rows] == [A_CLAIM, "C209"] and not any(row["changed"] for row in rows)
    assert "your own claims are left out" in ran.err


def test_what_excludes_each_other_is_told(tfx):
    for words in (("C202", "--all"), ("--predict",), ("--resume",), ("--workers", "2"), ("experts", "--predict")):
        assert tfx("claims", *words).code == 2
    assert 'no claim is called "C2022".' in tfx("claims", "C2022").err
    assert 'no claim speaks of "xyzzy".' in tfx("claims", "xyzzy").err


def test_a_page_is_saved(tfx, tmp_path):
    ran = tfx("claims", A_CLAIM, "--html", "claim.html")
    assert ran.code == 0 and ran.out.endswith("file saved: claim.html\n")
    page = (tmp_path / "here" / "claim.html").read_text("utf-8")
    assert "<h1>C202: The memory of a mixture" in page and "as expected" in page
