"""The keys of a walk: those that are known, how they are named under a screen, and one screen that explains them."""

from __future__ import annotations

from tfx_cli.explaining.prompt import answer_lines
from tfx_cli.terminal.console import clear_screen, output
from tfx_cli.terminal.lines import show_line
from tfx_cli.terminal.pager import BACK, LEAVE, MORE, NEXT, SHORT_MORE, ask_key

KEYS = NEXT | BACK | LEAVE | set("cdgsh?")
#: those that may be typed in the place of an answer
IN_ANSWERS = frozenset("bcdgsqh?")

MEANINGS = {
    "Enter": "the next screen, or the answer to a question",
    "b": "back",
    "g": "go to a step, by its number or name",
    "s": "change a setting, the text or the seed, and see this step again",
    "d": "details: every row and every check; again: without",
    "c": "the code in a few lines; again: the library's; again: without",
    "q": "leave, with the command that comes back here",
    "?": "this page",
}


def key_words(more: bool, last: bool, can_go_back: bool) -> list[list[str]]:
    """The keys under a screenful, in many words, in fewer, and in as few as a narrow terminal takes."""
    onward = "Enter ends" if last else "Enter next"
    back, letters = (["b back"], "b ") if can_go_back else ([], "")
    long, short = (MORE, SHORT_MORE) if more else (onward, onward)
    return [
        [long, *back, "g go to", "s change", "c code", "d details", "? keys", "q leave"],
        [long, *back, "g go", "s set", "c code", "d all", "? keys", "q leave"],
        [short, f"{letters}g s c d", "? keys", "q leave"],
    ]


def show_keys() -> None:
    """One screen that says what each key does; any of them goes back."""
    from tfx_cli.render.terminal_records import print_title, put
    from tfx_cli.render.wrapping import labelled
    from tfx_cli.terminal.console import prose_width

    clear_screen()
    print_title("Keys", "", output())
    show_line()
    for key, meaning in MEANINGS.items():
        put(output(), labelled(key, meaning, prose_width(), column=7))
    show_line()
    for line in answer_lines("Where a number is asked for, type the letter and Enter."):
        show_line(line)
    ask_key([["Enter goes back to the step"]], KEYS)
