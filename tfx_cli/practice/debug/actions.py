"""What `tfx practice debug ACTION` does: start, ask, check, hint, solution, reset, or the list."""

from __future__ import annotations

from tfx.errors import BadInput, unknown_name
from tfx_cli.options import Face
from tfx_cli.practice.debug.options import Asked

ACTIONS = ("start", "ask", "check", "hint", "solution", "reset")


def act(words: list[str], asked: Asked, face: Face) -> None:
    """words: the action and what follows it."""
    from tfx_cli.practice.debug import judging, lists, start

    action, *names = words or [""]
    if action not in ("", *ACTIONS):
        raise unknown_name("action of debug", action, ACTIONS, "tfx practice -h")
    if len(names) > (2 if action == "ask" else 1 if action else 0):
        raise BadInput(f'"{names[-1]}" is too much after debug {action}.', "See: tfx practice -h")
    if asked.hidden and action:
        raise BadInput("--hidden goes with debug alone.", "Type: tfx practice debug --hidden")
    if asked.lines and action != "check":
        raise BadInput("--line goes with check.", "For example: tfx practice debug check attention-7 --line 12")
    if action != "start" and (asked.seed is not None or asked.family or asked.way or asked.bugs != 1):
        raise BadInput(f"{asked.given} goes with start.", f"For example: tfx practice debug start {asked.given} ...")
    name = names[-1] if names else ""
    if not action:
        lists.show_hidden(face) if asked.hidden else lists.show_all(face)
    elif action == "start":
        start.start(name, asked, face)
    elif action == "ask":
        judging.ask(names[0] if names else "", names[1] if len(names) > 1 else "", face)
    elif action == "check":
        judging.check(name, asked.lines, face)
    elif action == "hint":
        judging.hint(name, face)
    elif action == "reset":
        judging.reset(name, face)
    else:
        judging.solution(name, asked.give_up, face)
