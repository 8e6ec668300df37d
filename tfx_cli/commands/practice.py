"""`tfx practice`: write it yourself, and be told which mistake you made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tfx.errors import BadInput, nearest, unknown_name
from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.practice.debug.options import Asked, Way
from tfx_cli.practice.framework import Framework
from tfx_cli.practice.grading import Format

ACTIONS = ("list", "start", "check", "hint", "solution", "reset", "grade", "derive", "debug", "dev")

OF_DEBUG = "Of debug:"

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_word(incomplete: str) -> list[str]:
    """Actions and names for TAB."""
    from tfx_cli.find_lessons import ensure_lessons

    ensure_lessons()
    from lessons.exercise_names import listed, names_to_derive

    known = dict.fromkeys((*ACTIONS, *listed(), *names_to_derive()))
    return [word for word in known if word.startswith(incomplete)]


@app.command()
def practice(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ACTION] [NAME]", autocompletion=complete_word, help="Without it: what to do next."),
    ] = None,
    exercise: Annotated[str, typer.Option("--exercise", metavar="NAME", help="Which one a file of yours is for.")] = "",
    give_up: Annotated[
        bool, typer.Option("--give-up", help="See the solution before it is solved; that is kept.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="Of grade: how the verdicts are written.")] = Format.text,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, max=999_999_999, metavar="N", help=f"{OF_DEBUG} which bug is drawn.")
    ] = None,
    family: Annotated[str, typer.Option("--family", metavar="NAME", help=f"{OF_DEBUG} which kind of bug.")] = "",
    way: Annotated[
        Way | None, typer.Option("--way", help=f"{OF_DEBUG} read it, ask it, or have a bug put into a file of yours.")
    ] = None,
    bugs: Annotated[int, typer.Option("--bugs", min=1, max=4, metavar="N", help=f"{OF_DEBUG} how many.")] = 1,
    hidden: Annotated[
        bool, typer.Option("--hidden", help=f"{OF_DEBUG} the bugs that nobody would see, as measured.")
    ] = False,
    framework: Annotated[
        Framework, typer.Option("--framework", help="What the answer is written in; torch has to be installed.")
    ] = Framework.numpy,
    pack: Annotated[
        list[Path] | None,
        typer.Option("--pack", metavar="FOLDER", help="Exercises of this folder in the place of ours; also TFX_PACKS."),
    ] = None,
    line: Annotated[
        list[str] | None,
        typer.Option(
            "--line",
            metavar="TEXT",
            help="Of derive: a line; of debug: the number of one with a bug. May be given again.",
        ),
    ] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Of list: only those that are not passed.")] = False,
    passed: Annotated[bool, typer.Option("--passed", help="Of list: only those that are.")] = False,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Write it yourself, and be told which mistake you made.

    Without a word, on a terminal, each save of the current exercise gets its verdict; with a name, each save of that
    one.  An exercise is a function in a file of your own, tfx-practice/NAME.py in this folder.  It is run in another
    process, on inputs that tell mistakes apart, and the mistake that gives just what it gives is named.  Exit code 1
    when a function is not right yet; of grade, when one of the files is not; of derive, unless every line that is
    looked for is found.

    A derivation is typed line by line, and each line is worked out on random arrays and compared with the true
    derivative.  Lines of --line or of stdin are judged by themselves, and are not kept.

    \b
    examples
      tfx practice
      tfx practice softmax
      tfx practice list norm --pending
      tfx practice start softmax
      tfx practice check softmax
      tfx practice check all
      tfx practice hint softmax
      tfx practice solution softmax
      tfx practice check my.py --exercise softmax --json
      tfx practice grade class/*/softmax.py --format junit > report.xml
      tfx practice start softmax --framework torch
      tfx practice derive
      tfx practice derive softmax
      tfx practice hint derive/softmax
      tfx practice derive softmax --line "dS = P*(dP - sum(dP*P))"
      tfx practice debug
      tfx practice debug start decoder --seed 7
      tfx practice debug ask loss
      tfx practice debug check
      tfx practice dev new row-sums --pack my-pack
      tfx practice dev check row-sums --pack my-pack
    """
    face = options.face(json, plain)
    from tfx_cli.find_lessons import ensure_lessons

    ensure_lessons()
    from tfx_cli.practice import packing

    action, *names = words or [""]
    asked = Asked(seed, family, way, bugs, line or [], hidden, give_up)
    if asked.given and action != "debug":
        raise BadInput(f"{asked.given} goes with debug.", "For example: tfx practice debug start decoder --seed 7")
    if give_up and action != "solution" and [action, *names[:1]] != ["debug", "solution"]:
        raise BadInput("--give-up goes with solution.", "For example: tfx practice solution softmax --give-up")
    if exercise and action not in ("check", "grade"):
        raise BadInput("--exercise goes with check.", "For example: tfx practice check my.py --exercise softmax")
    if form is not Format.text and action != "grade":
        raise BadInput("--format goes with grade.", "For example: tfx practice grade softmax.py --format junit")
    if line and action not in ("derive", "debug"):
        raise BadInput(
            "--line goes with derive, and with debug.", 'For example: tfx practice derive softmax --line "dS = P*dP"'
        )
    if framework is Framework.torch:
        if action in ("list", "solution", "derive", "debug", "dev"):
            raise BadInput(
                f"--framework does not go with {action}.", "For example: tfx practice check softmax --framework torch"
            )
        from lessons.practice.in_torch import need_torch

        need_torch()
    if action == "derive":
        derive(names, line or [], pack, face)
        return
    if (pending or passed) and (action != "list" or pending == passed):
        raise BadInput("list takes one of --pending and --passed.", "For example: tfx practice list --pending")
    if action == "dev":
        develop(names, pack, face)
        return
    with packing.packs_in_use(pack, face):
        if action == "list":
            from tfx_cli.practice.listing import show_all

            show_all(" ".join(names), "pending" if pending else "passed" if passed else "", face)
        elif action == "debug":
            from tfx_cli.practice.debug import actions

            actions.act(names, asked, face)
        else:
            act(action, names, exercise, give_up, form, framework, face)


def act(
    action: str, names: list[str], exercise: str, give_up: bool, form: Format, framework: Framework, face: Face
) -> None:
    """Everything but `dev`, `list`, `derive` and `debug`."""
    from tfx_cli.practice import actions

    if action not in ACTIONS:
        name = taken_up(action) if action else ""
        refuse_more(names, 0, action)
        if not name and face is not Face.terminal:
            from tfx_cli.practice.listing import show_all

            show_all("", "", face)
        else:
            from tfx_cli.practice.going_on import go_on

            go_on(name, framework, face)
    elif action == "grade":
        actions.grade_all(names, exercise, framework, Format.json if face is Face.json else form)
    elif action == "check":
        from tfx_cli.practice import checking

        refuse_more(names, 1, action)
        checking.check(names[0] if names else "", exercise, framework, face)
    else:
        refuse_more(names, 1, action)
        from lessons.practice.exercise import find_exercise
        from tfx_cli.practice.derive.progress import PREFIX

        if not names and action != "hint":
            raise BadInput(f"{action} needs the name of an exercise.", f"For example: tfx practice {action} softmax")
        if names and names[0].startswith(PREFIX):
            act_on_derivation(action, names[0].removeprefix(PREFIX), give_up, face)
            return
        found = framework.require(find_exercise(names[0] if names else actions.current_or(action)))
        if action == "solution":
            actions.solution(found, give_up, face)
        else:
            {"start": actions.start, "hint": actions.hint, "reset": actions.reset}[action](found, framework, face)


def act_on_derivation(action: str, name: str, give_up: bool, face: Face) -> None:
    """hint and solution; what else there is to do with a derivation is done where it is typed."""
    from lessons.practice.derive.derivation import find_derivation
    from tfx_cli.practice.derive import script

    found = find_derivation(name)
    if action == "hint":
        script.hint(found, face)
    elif action == "solution":
        script.solution(found, give_up, face)
    else:
        raise BadInput("a derivation has no file.", f"Type it: tfx practice derive {found.name}")


def derive(names: list[str], lines: list[str], pack: list[Path] | None, face: Face) -> None:
    """The list of derivations, or one of them: on a terminal line by line, else all lines at once."""
    from tfx_cli.practice.derive import script, session
    from tfx_cli.terminal.console import interactive

    refuse_more(names, 1, "derive")
    if pack:
        raise BadInput("a pack has no derivations.", "Leave --pack out: tfx practice derive")
    if not names:
        if lines:
            raise BadInput("--line needs the name of a derivation.", "See them: tfx practice derive")
        script.show_derivations(face)
        return
    from lessons.practice.derive.derivation import find_derivation

    found = find_derivation(names[0])
    if interactive() and not lines and face is not Face.json:
        session.converse(found, plain=face is Face.plain)
    else:
        script.judge_lines(found, lines, face)


def taken_up(word: str) -> str:
    """The exercise that is named in the place of an action.  Raises BadInput for what is neither."""
    from lessons.exercise_names import listed, names_to_derive

    key, known = word.strip().lower().replace("_", "-"), listed()
    if key in known:
        return key
    if key in names_to_derive():
        raise BadInput(f'"{key}" is a derivation.', f"Type: tfx practice derive {key}")
    if nearest(word, ACTIONS) or not nearest(word, known):
        raise unknown_name("action of practice", word, ACTIONS, "tfx practice -h")
    raise unknown_name("exercise", word, known, "tfx practice list")


def develop(names: list[str], pack: list[Path] | None, face: Face) -> None:
    """What authors of exercises do: begin one, and prove that it can be judged."""
    from lessons.practice.packs import using
    from tfx_cli.practice import packing

    what, *names = names or [""]
    if what == "new":
        packing.new(names, pack, face)
    elif what == "check":
        with using(packing.folders(pack), whole=False):
            packing.prove(names, face)
    else:
        raise BadInput("dev has two actions, new and check.", "Type: tfx practice dev check")


def refuse_more(names: list[str], most: int, action: str) -> None:
    if len(names) > most:
        raise BadInput(f'"{names[most]}" is too much after {action or "practice"}.', "See: tfx practice -h")
