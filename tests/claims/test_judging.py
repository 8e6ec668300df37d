"""The verdict follows from the checks alone."""

import pytest

from tfx.claims import claims
from tfx.claims.claim import Claim, Trial, Verdict, contradicts, register, supports
from tfx.claims.judging import judge
from tfx.measure.verdicts import at_most, exactly

YES, NO = exactly("yes", "yes", 1, 1), exactly("no", "no", 1, 2)


def claim_of(*found, verdict="holds"):
    return Claim("X1", "This is so.", (), Verdict(verdict), "because", "A section", measure=lambda trial: iter(found))


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((supports(YES),), "holds"),
        ((supports(YES), supports(NO)), ""),
        ((supports(YES), contradicts(YES)), "holds when"),
        ((supports(YES), contradicts(NO)), "holds"),
        ((contradicts(YES),), "does not hold"),
        ((contradicts(NO),), ""),
        ((supports(NO), contradicts(YES)), "does not hold"),
        ((supports(YES), supports(NO), contradicts(YES)), ""),
        ((YES,), ""),
        ((), ""),
    ],
)
def test_the_rule(found, verdict):
    assert judge(claim_of(*found), Trial()).found == verdict


def test_a_claim_is_changed_by_another_verdict_or_by_what_is_said_beside_it():
    assert not judge(claim_of(supports(YES), YES), Trial()).changed
    assert judge(claim_of(supports(YES), NO), Trial()).changed
    assert judge(claim_of(supports(YES), verdict="does not hold"), Trial()).changed
    assert not judge(claim_of(supports(YES), contradicts(NO)), Trial()).changed


def test_nan_decides_nothing():
    lost = at_most("lost", "lost", 1.0, float("nan"))
    assert judge(claim_of(supports(lost), contradicts(lost)), Trial()).found == ""


def test_the_first_number_settles_it():
    assert judge(claim_of(supports(exactly("a", "a", 1, 2 / 3)), supports(YES)), Trial()).number == "0.6667"


def test_an_id_is_given_once():
    assert "C199" in claims()
    with pytest.raises(ValueError, match="C199 is there already"):
        register(Claim("C199", "This is so.", (), Verdict.holds, "because", "A section"))
