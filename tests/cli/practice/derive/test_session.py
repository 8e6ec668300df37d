"""What is said to a line that is typed, what the words do, and what a later session knows."""

from __future__ import annotations

import sqlite3

import pytest

from lessons.practice.derive.derivation import derivations, find_derivation
from lessons.quiz import all_items
from tfx_cli.learner.salvage import set_aside
from tfx_cli.learner.state import open_to_read
from tfx_cli.practice.derive.progress import all_kept, history, kept_of
from tfx_cli.practice.derive.session import Session

LINES = (
    "dV = P.T @ dO", "dP = dO @ V.T", "dS = P*(dP - sum(dP*P))", "dQ = dS @ K / sqrt(D)", "dK = dS.T @ Q / sqrt(D)",
)  # fmt: skip


@pytest.fixture(autouse=True)
def home(tfx):
    """An empty history."""


@pytest.fixture
def type_in(capsys):
    """Types lines into a session of a derivation -> what is said to the last of them."""

    def put(name: str, *texts: str) -> str:
        session = Session(find_derivation(name))
        for text in texts:
            capsys.readouterr()
            assert session.answer(text) is (text != "quit")
        return capsys.readouterr().out

    return put


def begun(name: str, capsys) -> str:
    session = Session(find_derivation(name))
    capsys.readouterr()
    session.begin()
    return capsys.readouterr().out


def rows() -> list[tuple[str, str, str, str]]:
    return [(line.act, line.line, line.verdict, line.slip) for line in history()]


def test_a_line_that_holds_says_what_is_still_to_be_found(type_in):
    assert type_in("attention", LINES[0]) == (
        "dV holds: the gradient for the values.\n1 of 5 found; to find: dP, dS, dQ, dK\n"
    )
    assert type_in("attention", "c = sum(dO*O)") == "c is a helper: (N, 1).\n"


def test_a_later_session_goes_on_with_what_was_fine(type_in, capsys):
    assert "kept from before" not in begun("attention", capsys)
    type_in("attention", LINES[0], "dP = dO", "c = sum(dO*O)", "quit")
    told = begun("attention", capsys)
    assert "\nkept from before\n  dV = P.T @ dO\n  c = sum(dO*O)\n1 of 5 found; to find: dP, dS, dQ, dK\n" in told
    assert type_in("attention", LINES[1], "dS = P*(dP - c)").startswith("dS holds")
    assert all_kept()["attention"].word == "3 of 5 hold" and all_kept()["softmax"].word == "new"
    assert type_in("softmax", "c = P*P") and all_kept()["softmax"].word == "begun"


def test_a_pass_says_what_was_learned_and_stays(type_in, capsys):
    told = type_in("attention", *LINES)
    assert told == (
        "dK holds: the gradient for the keys.\n"
        "All of it holds: two gradients at each product, the rows' own number at softmax,\n"
        "and 1/sqrt(D) once in dQ and once in dK.\nshow has one way to write it, quit leaves.\n"
    )
    assert all_kept()["attention"].word == "passed"
    assert type_in("attention", "again") == "Begun again: your lines are put away.\n"
    assert "kept from before" not in begun("attention", capsys) and all_kept()["attention"].word == "passed"
    assert type_in("attention", "dS = P").startswith("Not yet (wrong)")
    assert type_in("attention", "show").startswith("  dV = P.T @ dO\n      O = P @ V: ")


def test_what_was_found_is_shown_only_after_a_pass_or_when_the_reader_gives_up(type_in):
    refused = type_in("softmax", "show")
    assert " ".join(refused.split()) == (
        "It is not found yet, and seeing it ends the puzzle. A hint: hint. To see it all the same: give up"
    )
    assert rows() == []
    shown = type_in("softmax", "give up")
    assert "  dS = P*(dP - c)\n" in shown and shown.endswith("never built.\n")
    assert rows() == [("gave up", "", "", "")] and type_in("softmax", "show") == shown == type_in("softmax", "GIVE  up")
    assert rows() == [("gave up", "", "", "")], "once is enough"
    assert not all_kept()["softmax"].passed


def test_hints_come_one_after_another_and_go_on_in_a_later_session(type_in):
    first, second, third = find_derivation("softmax").hints
    told = [" ".join(type_in("softmax", "hint").split()) for _ in range(4)]
    assert told == [f"hint {number} of 3: {hint}" for number, hint in ((1, first), (2, second), (3, third), (3, third))]


def test_a_slip_calls_up_questions_and_a_pass_sends_them_back(type_in):
    told = type_in("softmax", "dS = P*(1 - P)*dP")
    assert "\n  look at: tfx explain softmax-jacobian --step three_roads\n" in told
    with open_to_read() as state:
        calling = state.calling()
    assert calling and {(line.exercise, line.mistake) for line in calling} == {
        ("derivation softmax", "derive/softmax/cross-terms-missing")
    }
    assert {line.item for line in calling} <= {item.id for item in all_items()}
    assert f"  {len(calling)} quiz question{'s' * (len(calling) > 1)} about it" in told
    type_in("softmax", "dS = P*(dP - sum(dP*P))")
    with open_to_read() as state:
        assert state.calling() == [] and state.called() == calling


def test_every_line_is_on_record_with_its_verdict_and_slip(type_in):
    type_in("softmax", "dS = P*(1 - P)*dP", "nonsense", "2 + 3", "dS = \ud800", "c = P", "dS = P*(dP - sum(dP*P))")
    assert rows() == [
        ("line", "dS = P*(1 - P)*dP", "wrong", "derive/softmax/cross-terms-missing"),
        ("line", "2 + 3", "unreadable", ""),
        ("line", "dS = ?", "unreadable", ""),
        ("line", "c = P", "defined", ""),
        ("line", "dS = P*(dP - sum(dP*P))", "holds", ""),
    ]


def test_a_line_that_no_longer_holds_is_not_kept(type_in, monkeypatch):
    type_in("softmax", "dS = P*(dP - sum(dP*P))")
    derivation, lines = find_derivation("linear"), history()
    moved = [line.__class__("linear", line.act, line.line, line.verdict, line.slip, line.at) for line in lines]
    assert kept_of(derivation, moved).word == "begun" and kept_of(derivation, moved).attempt.held == {}


def test_words_explain_and_an_empty_line_too(type_in, capsys):
    told = " ".join(type_in("attention", "help me").split())
    assert told.startswith('"help me" is no line, which has a sign = in it, and no word: hint, given, again,')
    signs = type_in("attention", "?")
    assert signs == type_in("attention", "") == type_in("attention", "help")
    assert "  sum(x, 0)   along another axis, by its number or by its name; sum(x, all)\n" in signs
    assert "dk is D" in " ".join(signs.split()) and rows() == []
    assert type_in("attention", "given").startswith("Backward through attention (attention)\n\nQueries are compared")


def test_the_next_one_is_the_first_that_was_never_found(type_in):
    names = list(derivations())
    place = names.index("softmax")
    assert Session(find_derivation("softmax")).following() == "softmax"
    type_in("softmax", "dS = P*(dP - sum(dP*P))")
    assert Session(find_derivation("softmax")).following() == names[place + 1]


def test_lines_outlive_a_damaged_file(type_in):
    type_in("softmax", "c = P*P", "hint")
    before = rows()
    with open_to_read() as state:
        path = state.path
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = bytearray(path.read_bytes())
    data[:16] = b"not a data base!"
    path.write_bytes(bytes(data))
    set_aside(path)
    assert rows() == before != []


def test_a_plain_session_has_records(capsys):
    session = Session(find_derivation("softmax"), plain=True)
    session.begin()
    assert capsys.readouterr().out.startswith("derivation\tsoftmax\tBackward through softmax\nabout\t")
    session.answer("dS = P*(1 - P)*dP")
    assert capsys.readouterr().out.startswith("line\twrong\tdS = P*(1 - P)*dP\tdS is something else.\nevidence\t")
