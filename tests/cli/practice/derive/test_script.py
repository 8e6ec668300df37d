"""Lines of --line and of stdin: judged from nothing, in three faces, and not kept."""

from __future__ import annotations

import io
import json
import sys

import pytest

from lessons.practice.derive.derivation import derivations
from tfx_cli.learner.state import open_to_read

RIGHT = "dS = P*(dP - sum(dP*P))"
CROSS = "dS = P*(1 - P)*dP"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typed(monkeypatch):
    """What stands on stdin."""

    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))

    put(b"")
    return put


def test_a_slip_is_named_with_its_reason_and_a_question(tfx):
    ran = tfx("practice", "derive", "softmax", "--line", CROSS)
    assert ran.code == 1
    assert ran.out == (
        f"> {CROSS}\n"
        "Not yet (wrong): dS is something else.\n"
        "  counted from 1, dS[1, 7] is -0.1779 on one drawing, and -0.287675 is right.\n"
        "This slip has a name: the cross terms are missing.\n"
        "  P (1 - P) is the derivative of the sigmoid, and the diagonal of the Jacobian.\n"
        "  Does a score move the other weights of its row?\n\n"
        "0 of 1 found; to find: dS\n"
    )


def test_lines_are_judged_in_their_order_and_all_targets_end_it_with_0(tfx):
    ran = tfx("practice", "derive", "softmax", "--line", "c = sum(dP*P)", "--line", "dS = P*(dP - c)")
    assert ran.code == 0
    assert ran.out == (
        "> c = sum(dP*P)\nc is a helper: (N, 1).\n"
        "> dS = P*(dP - c)\ndS holds: the gradient of the loss for S.\n\n"
        "All of it holds: dS = P*(dP - sum(dP*P)): the sum is one number for each row,\n"
        "and the Jacobian is never built.\n"
    )
    again = tfx("practice", "derive", "softmax", "--line", RIGHT, "--line", CROSS)
    assert again.code == 1, "the last line for dS is wrong"
    with open_to_read() as state:
        assert state.derived() == [] and state.practice() == [], "lines of a script are no tries of the reader"


def test_stdin_is_read_where_no_line_is_given(tfx, typed):
    typed(f"# the quotient rule\n\nc = sum(dP*P)\n  {RIGHT}  \n".encode())
    told = json.loads(tfx("practice", "derive", "softmax", "--json").out)
    assert told["passed"] is True and told["targets"] == {"dS": True} and told["derivation"] == "softmax"
    assert [(line["line"], line["verdict"]) for line in told["lines"]] == [
        ("c = sum(dP*P)", "defined"),
        (RIGHT, "holds"),
    ]


def test_json_of_a_line_has_the_fields_that_scripts_read(tfx):
    ran = tfx("practice", "derive", "attention", "--line", "dV = P @ dO", "--line", "dP = dO @", "--json")
    wrong, unread = json.loads(ran.out)["lines"]
    assert ran.code == 1
    assert (wrong["verdict"], wrong["name"], wrong["place"]) == ("shapes", "dV", 8)
    assert wrong["slip"]["id"] == "derive/attention/dv-transpose-missing" and wrong["slip"]["hint"].endswith("?")
    assert wrong["candidates"] == [] and wrong["evidence"]
    assert (unread["verdict"], unread["name"], unread["place"], unread["slip"]) == ("unreadable", "dP", 10, None)


def test_plain_is_one_record_a_line(tfx, typed):
    told = [
        line.split("\t") for line in tfx("practice", "derive", "softmax", "--line", CROSS, "--plain").out.splitlines()
    ]
    assert [line[0] for line in told] == ["line", "evidence", "slip", "hint", "to find"]
    assert told[0][1:] == ["wrong", CROSS, "dS is something else."]
    assert told[2][1:] == ["derive/softmax/cross-terms-missing", "the cross terms are missing"]
    nothing = tfx("practice", "derive", "softmax", "--plain").out.splitlines()
    assert [line.split("\t")[0] for line in nothing] == [
        "derivation", "about", "axis", "axis", "given", "given", "given", "target", "to find",
    ]  # fmt: skip


def test_without_a_line_it_says_what_is_given_and_is_not_passed(tfx, typed):
    ran = tfx("practice", "derive", "softmax")
    assert ran.code == 1 and ran.out.startswith("Backward through softmax (softmax)\n\nEach query has a row of scores")
    assert "  S   (N, M)  the scores\n  P   (N, M)  the weights; each row sums to 1: softmax(S)\n" in ran.out
    told = json.loads(tfx("practice", "derive", "softmax", "--json").out)
    assert told["lines"] == [] and told["passed"] is False and told["about"]["state"] == "new"
    assert told["about"]["given"][1] == {
        "name": "P", "axes": ["N", "M"], "says": "the weights; each row sums to 1", "formula": "softmax(S)",
    }  # fmt: skip


def test_the_list_has_every_derivation_and_stands_in_the_list_of_practice_too(tfx):
    alone = tfx("practice", "derive").out
    assert alone.startswith(f"Derivations, 0 of {len(derivations())} passed\n\n")
    assert alone.endswith(f"\n  next: tfx practice derive {next(iter(derivations()))}\n")
    both = tfx("practice", "list").out
    assert f"\nDerivations, 0 of {len(derivations())} passed\n" in both
    assert both.endswith("\n  begin one: tfx practice derive NAME\n")
    assert "derive/softmax\tBackward through softmax: new\n" in tfx("practice", "list", "--plain").out
    told = json.loads(tfx("practice", "list", "--json").out)["derivations"]
    assert told == json.loads(tfx("practice", "derive", "--json").out)["derivations"]
    assert {one["name"]: len(one["slips"]) for one in told} == {
        name: len(one.slips) for name, one in derivations().items()
    }


def test_dev_check_proves_derivations_beside_exercises(tfx):
    told = json.loads(tfx("practice", "dev", "check", "derive", "--json").out)
    assert told["proved"] is True and told["exercises"] == []
    assert sum(len(one["slips"]) for one in told["derivations"]) >= 60
    assert sum(one["equal_ways"] for one in told["derivations"]) >= 50
    assert [one["derivation"] for one in told["derivations"]] == list(derivations())
    one = tfx("practice", "dev", "check", "derive/softmax")
    assert one.out == (
        "derive/softmax   proved: 13 slips, 6 equal ways, 3 drawings\n1 derivation, 13 slips, 0 faults\n"
    )
    rows = tfx("practice", "dev", "check", "derive/rope", "--plain").out.splitlines()
    assert rows[0] == "derivation\trope\tproved" and len(rows) == 1 + len(derivations()["rope"].slips)


def test_a_fault_of_a_derivation_is_shown_and_ends_with_1(tfx, monkeypatch):
    derivation = derivations()["linear"]
    monkeypatch.setattr(derivation, "hints", ["one?"])
    monkeypatch.setattr(derivation, "equals", [("dx = dy",)])
    ran = tfx("practice", "dev", "check", "derive/linear")
    assert ran.code == 1 and "derive/linear   NOT PROVED: 10 slips, 1 equal ways, 3 drawings\n" in ran.out
    assert "  fault: there are fewer than two hints\n" in ran.out and ran.out.endswith("10 slips, 3 faults\n")
    (told,) = json.loads(tfx("practice", "dev", "check", "derive/linear", "--json").out)["derivations"]
    assert told["proved"] is False and len(told["faults"]) == 3


@pytest.mark.parametrize(
    ("words", "says", "hint"),
    [
        (("derive", "sofmax"), 'no derivation is called "sofmax". Did you mean "softmax"?', "tfx practice derive"),
        (("derive", "softmax", "dS = P"), '"dS = P" is too much after derive.', "tfx practice -h"),
        (("derive", "--line", RIGHT), "--line needs the name of a derivation.", "tfx practice derive"),
        (("list", "--line", RIGHT), "--line goes with derive, and with debug.", "tfx practice derive softmax --line"),
        (("derive", "softmax", "--pack", "."), "a pack has no derivations.", "tfx practice derive"),
        (("start", "derive/softmax"), "a derivation has no file.", "tfx practice derive softmax"),
        (("hint", "derive/sofmax"), 'no derivation is called "sofmax". Did you mean "softmax"?', ""),
        (
            ("solution", "derive/softmax"),
            "softmax is not derived yet, and a solution ends the puzzle.",
            "or: tfx practice solution derive/softmax --give-up",
        ),
        (("dev", "check", "derive/sofmax"), 'no derivation is called "sofmax". Did you mean "softmax"?', ""),
    ],
)
def test_what_does_not_go_is_said(tfx, words, says, hint):
    ran = tfx("practice", *words)
    assert ran.code == 2 and says in " ".join(ran.err.split()) and hint in " ".join(ran.err.split())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xfed", "stdin is not UTF-8 text."),
        (b"c = \xb2", "stdin is not UTF-8 text."),
        (b"c = P\n" * 20_000, "stdin holds more than 100,000 bytes, which no derivation needs."),
        (b"c = P\n" * 201, "these are 201 lines, and a derivation has at most 200."),
    ],
)
def test_a_stdin_that_is_none_is_refused(tfx, typed, data, says):
    typed(data)
    ran = tfx("practice", "derive", "softmax")
    assert ran.code == 2 and says in " ".join(ran.err.split())


@pytest.mark.parametrize(
    "data",
    [
        b"c = sum(dP*P)\r\ndS = P*(dP - c)\r\n",
        b"\xef\xbb\xbfc = sum(dP*P)\r\ndS = P*(dP - c)",
        "c = sum(dP*P)  # a row's number\r\ndS = P*(dP - c)\r\n".encode("utf-16"),
    ],
)
def test_a_file_of_windows_is_read(tfx, typed, data):
    typed(data)
    assert tfx("practice", "derive", "softmax").code == 0


def test_several_lines_may_stand_in_one_option(tfx):
    assert tfx("practice", "derive", "softmax", "--line", "c = sum(dP*P)\r\ndS = P*(dP - c)").code == 0


def test_control_characters_of_a_line_reach_no_terminal(tfx):
    ran = tfx("practice", "derive", "softmax", "--line", "dS = \x1b]0;x\x07 P\u202e")
    assert ran.code == 1 and "\x1b" not in ran.out and "\u202e" not in ran.out
    assert "  dS = ?]0;x? P?\n       ^\n" in ran.out


def test_a_tab_or_a_line_break_in_a_line_makes_no_other_record(tfx):
    for line in ("dS =\tP", "dS = P\ntarget"):
        told = tfx("practice", "derive", "softmax", "--line", line, "--plain").out.splitlines()
        assert told[0].startswith("line\t") and len(told[0].split("\t")) == 4
        assert not any(row.startswith("target") for row in told)
        shown = tfx("practice", "derive", "softmax", "--line", line).out
        assert shown.startswith("> dS = ") and "\ntarget" not in shown


def test_a_long_line_is_shown_around_its_caret(tfx, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    ran = tfx("practice", "derive", "softmax", "--line", "dS = P*(" + "dP + " * 20 + "dQ" + " + dP" * 20 + ")")
    shown, caret = ran.out.splitlines()[1:3]
    assert len(shown) <= 40 and shown[caret.index("^") :].startswith("dQ") and shown.startswith("  ...")


def test_hints_and_the_solution_can_be_had_without_a_terminal(tfx):
    hints = derivations()["softmax"].hints
    assert tfx("practice", "hint", "derive/softmax").out == f"hint 1 of 3   {hints[0]}\n"
    told = json.loads(tfx("practice", "hint", "derive/softmax", "--json").out)
    assert (told["derivation"], told["hint"], told["number"], told["of"]) == ("softmax", hints[1], 2, 3)
    shown = tfx("practice", "solution", "derive/softmax", "--give-up")
    assert shown.code == 0 and shown.out.startswith("  c = sum(dP*P)\n      every weight of a row falls")
    told = json.loads(tfx("practice", "solution", "derive/softmax", "--json").out)["solution"]
    assert [one["line"] for one in told] == ["c = sum(dP*P)", "dS = P*(dP - c)"]
    with open_to_read() as state:
        assert [line.act for line in state.derived()] == ["hint", "hint", "gave up"]
