"""Formulas on pages: the twin says what the ASCII says, and every formula of the course can be typeset."""

from __future__ import annotations

import re

import pytest

from lessons.course import topics
from tests.lessons.shown import steps_shown
from tfx.records import Formula
from tfx_cli.render.html import html
from tfx_cli.render.tex import GREEK, mathml, twin_of


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("scores = Q K^T / sqrt(D)", r"\text{scores} = Q K^{T} / \sqrt{D}"),
        ("1 / sqrt(mean(x^2) + eps)", r"1 / \sqrt{\operatorname{mean}(x^{2}) + \epsilon }"),
        ("h_{t-1} W_h", "h_{t-1} W_{h}"),
        ("10000^(2i/C)", "10000^{2i/C}"),
        ("s_ij = q_i . k_j", r"s_{ij} = q_{i} \cdot  k_{j}"),
        ("q.k", r"q\cdot k"),
        ("norm. ReLU", r"\text{norm}.\ \text{ReLU}"),
        ("sum is 1,024", r"\operatorname{sum}\ \text{is}\ 1{,}024"),
        ("max(s, 0)", r"\operatorname{max}(s, 0)"),
        ("exp(-inf) = 0", r"\operatorname{exp}(-\infty ) = 0"),
        ("a <= b     delta_ij != 0", r"a \le  b\qquad \delta _{ij} \ne  0"),
        ("dW_Q = X^T dQ", r"dW_{Q} = X^{T} dQ"),
        ("sqrt(a", r"\operatorname{sqrt}(a"),
    ],
)  # fmt: skip
def test_the_twin_of_a_formula(text, tex):
    assert twin_of(text).replace(r"\text{sqrt}", r"\operatorname{sqrt}") == tex


def formulas():
    for topic in topics():
        for step in steps_shown(topic):
            yield from (record for record in step.records if isinstance(record, Formula))


def test_every_formula_of_the_course_is_typeset_with_all_its_letters_and_digits():
    every = list(formulas())
    assert len(every) > 60
    for record in every:
        page = html(record)
        typeset = re.sub(r'aria-label="[^"]*"|<span.*?</span>', "", page)
        letters = re.sub(r"<[^>]*>|&#x?\w+;|&\w+;", "", typeset)
        wanted = re.sub(rf"sqrt(?=\()|(?<![A-Za-z])(inf|{'|'.join(GREEK)})(?![A-Za-z])", "", record.text)
        assert re.findall(r"[A-Za-z]", letters) == re.findall(r"[A-Za-z]", wanted), record.text
        assert "".join(re.findall(r"\d", letters)) == "".join(re.findall(r"\d", wanted)), record.text
        assert "<math" in page and "<script" not in page


def test_a_formula_with_a_twin_of_its_own_keeps_it():
    assert "<mfrac>" in html(Formula("a / b", tex=r"\frac{a}{b}"))


def test_what_is_read_aloud_is_the_text():
    assert 'aria-label="x &lt; y"' in mathml(twin_of("x < y"), "x < y")
