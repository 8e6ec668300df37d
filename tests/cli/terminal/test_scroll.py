"""A text taller than the screen: its screenfuls, where they end, and the column heads that they keep."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tfx_cli.terminal.captured import Captured, Part, under_heads
from tfx_cli.terminal.console import rows
from tfx_cli.terminal.scroll import FOOT, Scroll

#: 60 lines in paragraphs of five
TALL = "".join("\n" if i % 6 == 0 else f"line {i} of it\n" for i in range(1, 60))


@pytest.fixture
def shown(monkeypatch):
    """What was written since the list was emptied."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    written: list[str] = []
    monkeypatch.setattr("tfx_cli.terminal.scroll.write", written.append)
    return written


def screenful(scroll: Scroll, shown: list[str]) -> list[str]:
    shown.clear()
    scroll.show()
    return "".join(shown).removesuffix("\n").split("\n")


def all_of(scroll: Scroll, shown: list[str]) -> list[list[str]]:
    pages = [screenful(scroll, shown)]
    while scroll.more:
        scroll.forward()
        pages.append(screenful(scroll, shown))
    return pages


def test_every_line_comes_once_and_a_screenful_ends_where_a_paragraph_does(shown):
    pages = all_of(Scroll(iter([Part(TALL)])), shown)
    assert [page[-1] for page in pages[:-1]] == ["line 17 of it", "line 35 of it", "line 53 of it"]
    assert [page[0] for page in pages] == ["line 1 of it", "line 19 of it", "line 37 of it", "line 55 of it"]
    assert all(len(page) <= 24 - FOOT for page in pages)
    assert [line for page in pages for line in page if line] == [line for line in TALL.split("\n") if line]


def test_back_shows_the_screenful_before(shown):
    scroll = Scroll(iter([Part(TALL)]))
    first = screenful(scroll, shown)
    scroll.forward()
    screenful(scroll, shown)
    scroll.back()
    assert scroll.at_top and screenful(scroll, shown) == first


def test_the_height_is_read_every_time(shown, monkeypatch):
    scroll = Scroll(iter([Part(TALL)]))
    screenful(scroll, shown)
    scroll.forward()
    monkeypatch.setenv("LINES", "12")
    assert 5 <= len(screenful(scroll, shown)) <= 12 - FOOT
    scroll.forward()
    monkeypatch.setenv("LINES", "100")
    assert len(screenful(scroll, shown)) > 24


def test_a_long_line_counts_as_the_rows_that_it_takes(shown):
    pages = all_of(Scroll(iter([Part(TALL.replace("of it", "of it " + 70 * "x"))])), shown)
    assert all(sum(rows(line, 80) for line in page) <= 24 - FOOT for page in pages)


def test_a_part_is_asked_for_when_all_before_it_is_on_the_screen(shown):
    asked = []

    def parts() -> Iterator[Part]:
        for name in ("first", "second"):
            asked.append(name)
            yield Part(TALL if name == "first" else "the end\n")

    scroll = Scroll(parts())
    screenful(scroll, shown)
    assert asked == ["first"] and scroll.more
    all_of(scroll, shown)
    assert asked == ["first", "second"] and scroll.finished and not scroll.more


def test_what_was_typed_is_not_written_again_but_stands_there_when_one_comes_back(shown):
    scroll = Scroll(iter([Part("question\n"), Part("  > 4\nNot quite\n", seen=1)]))
    assert screenful(scroll, shown) == ["question", "Not quite"]
    assert screenful(scroll, shown) == ["question", "  > 4", "Not quite"]


def test_the_last_part_is_gone_to_where_the_whole_does_not_fit(shown):
    scroll = Scroll(iter([Part(TALL), Part("the code\n")]))
    scroll.to_last_part()
    assert screenful(scroll, shown) == ["the code"]
    scroll = Scroll(iter([Part("short\n"), Part("the code\n")]))
    scroll.to_last_part()
    assert screenful(scroll, shown) == ["short", "the code"]


def block(count: int, before: int = 0, heads: int = 1) -> Part:
    text = Captured()
    with text.writing():
        print("before\n" * before, end="")
        with under_heads(heads):
            print("head\n" * heads + "\n".join(f"row {i}" for i in range(count)))
        print("after")
    return text.part()


def test_a_block_that_is_cut_has_its_heads_on_every_screenful(shown):
    pages = all_of(Scroll(iter([Part("a part before\n"), block(50, heads=2)])), shown)
    assert [page[:3] for page in pages[1:]] == [["head", "head", f"row {i}"] for i in (19, 39)]
    assert all(len(page) <= 24 - FOOT for page in pages)
    assert [line for page in pages for line in page if line.startswith("row")] == [f"row {i}" for i in range(50)]
    assert pages[-1][-1] == "after"


def test_heads_do_not_stand_alone_at_the_end_of_a_screenful(shown):
    pages = all_of(Scroll(iter([block(3, before=21)])), shown)
    assert pages == [["before"] * 21, ["head", "row 0", "row 1", "row 2", "after"]]


def test_what_follows_a_block_has_no_heads(shown):
    pages = all_of(Scroll(iter([block(21)])), shown)
    assert pages == [["head", *(f"row {i}" for i in range(21))], ["after"]]


def test_outside_a_pager_heads_are_lines_like_others(capsys):
    with under_heads():
        print("head\nrow")
    assert capsys.readouterr().out == "head\nrow\n"
