"""How an interview and its report look: on a terminal, as plain lines, as JSON, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from tfx_cli.interviewing.interview import InterviewWish, Slot
from tfx_cli.interviewing.report import Report, Task
from tfx_cli.quizzing.round import Asking, as_document
from tfx_cli.render.plain import line
from tfx_cli.render.wrapping import wrapped


def lead(slot: Slot, spent: float, minutes: int) -> tuple[str, str, str]:
    """What stands above a question: its part, why it is asked, and the clock."""
    why = f"because {slot.after} builds on {slot.topic}" if slot.after else ""
    return slot.part, why, f"{int(spent)} of {minutes} min"


def hand_over(slot: Slot) -> str:
    """Where what a question asks for can be written and checked, code or a derivation, the command for it; else
    nothing."""
    if slot.part == "code":
        from lessons.course import find_topic
        from lessons.exercise_names import exercise_names

        return next((f"tfx practice start {name}" for name in exercise_names(find_topic(slot.topic))), "")
    if slot.part == "derivation":
        from lessons.practice.derive.derivation import derivations

        asked = (name for name, one in derivations().items() if one.asked == slot.asked.item.id)
        return next((f"tfx practice derive {name}" for name in asked), "")
    return ""


def as_json(seed: int, wish: InterviewWish, done: Sequence[tuple[Slot, Asking]], told: Report) -> dict[str, Any]:
    """The document: questions as in a round, each with its part and what it follows; score, report and plan."""
    items = [
        as_document(asking)
        | {
            "part": slot.part,
            "minutes": slot.minutes,
            "follows": slot.after or None,
            "practice": hand_over(slot) or None,
        }
        for slot, asking in done
    ]
    score = {"asked": told.asked, "answered": told.answered, "right": told.right}
    report = told.document()
    return {
        "seed": seed,
        "minutes": wish.minutes,
        "level": wish.level,
        "topics": list(wish.topics) or None,
        "items": items,
        "score": score,
        "report": {"minutes": report["minutes"], "topics": report["rows"], "weak": report["weak"]},
        "plan": report["plan"],
        "later": report["later"],
    }


def plain_lines(told: Report) -> Iterator[str]:
    """One record a line."""
    yield line("interview", told.asked, told.answered, told.right, f"{told.minutes:.1f}", told.of_minutes)
    for row in told.rows:
        yield line("topic", row.topic, row.asked, row.right, f"{row.share:.2f}", row.followed)
    for weak in told.weak:
        yield line("weak", weak.topic, f"{weak.share:.2f}", weak.answers, weak.command, weak.why)
    for task in told.plan:
        yield line("plan", task.day, task.topic or "rehearsal", "; ".join(task.commands), task.minutes, task.why)
    for name in told.later:
        yield line("later", name)


def terminal_lines(told: Report, width: int) -> Iterator[str]:
    """Words first, then the rows, then what to do."""
    yield "Report"
    yield ""
    yield from _put(
        f"{told.right} of {told.answered} answered well, {told.minutes:.0f} of {told.of_minutes} minutes.", width
    )
    yield ""
    if told.rows:
        column = max(len(row.topic) for row in told.rows)
        yield f"  {'topic'.ljust(column)}  asked  said" if column + 15 <= width else "  topic, asked, said"
        for row in told.rows:
            beside = f"  {row.topic.ljust(column)}  {row.asked:>5}  {row.share:>4.0%}"
            yield beside if len(beside) <= width else f"  {row.topic}  {row.asked}  {row.share:.0%}"
        yield ""
    if told.weak:
        yield from _put("What to repeat, what it builds on first:", width)
        for number, weak in enumerate(told.weak, start=1):
            yield from _put(f"{number}  {weak.topic}   {weak.why}", width, "   ")
        yield ""
    days = max((task.day for task in told.plan), default=1)
    yield from _put(f"Plan for {days} day{'' if days == 1 else 's'}", width)
    for task in told.plan:
        yield from _put(f"day {task.day}  {_named(task)}, {task.minutes} min: {task.why}", width, "       ")
        for command in task.commands:
            yield f"         {command}"
    if told.later:
        yield from _put(f"Not in these days: {', '.join(told.later)}. More days: --days N", width)


def markdown(told: Report, done: Sequence[tuple[Slot, Asking]], today: date) -> str:
    """The report as a page, with what was asked and missed."""
    lines = [f"# Mock interview, {today.isoformat()}", ""]
    lines += [f"{told.right} of {told.answered} answered well, {told.minutes:.0f} of {told.of_minutes} minutes.", ""]
    lines += ["## By topic", "", "| topic | asked | right | said |", "|---|---|---|---|"]
    lines += [f"| {row.topic} | {row.asked} | {row.right} | {row.share:.0%} |" for row in told.rows]
    if told.weak:
        lines += ["", "## What to repeat, what it builds on first", ""]
        lines += [f"{n}. **{weak.topic}**: {weak.why}. `{weak.command}`" for n, weak in enumerate(told.weak, start=1)]
    lines += ["", "## Plan", ""]
    for task in told.plan:
        typed = ", ".join(f"`{command}`" for command in task.commands)
        lines.append(f"- Day {task.day}: {_named(task)}, {task.minutes} min: {task.why}. {typed}")
    if told.later:
        lines += ["", f"Not in these days: {', '.join(told.later)}."]
    lines += ["", "## Questions", ""]
    for slot, asking in done:
        verdict = asking.verdict
        follows = f", after {slot.after}" if slot.after else ""
        lines += [f"### {slot.topic} ({slot.part}{follows})", "", " ".join(slot.asked.prompt.split()), ""]
        if slot.asked.choices:
            lines += [*(f"{n}. {choice}" for n, choice in enumerate(slot.asked.choices, start=1)), ""]
        if verdict is None:
            lines += ["Not answered.", ""]
            continue
        word = "right" if verdict.correct else "not yet"
        name = f" Misconception: {verdict.misconception}." if verdict.misconception else ""
        given = " ".join(verdict.given.split())
        lines += [
            f"- answered: `{given.replace('`', ' ')}`, {word} ({verdict.score:.0%}).{name} {verdict.why}".rstrip()
        ]
        lines += [*([f"- the answer: {verdict.answer}"] if slot.asked.item.kind != "open" else []), ""]
    return "\n".join(lines).rstrip() + "\n"


def _named(task: Task) -> str:
    return task.topic or "rehearsal"


def _put(text: str, width: int, hanging: str = "") -> Iterator[str]:
    for one in wrapped(text, width - 2, hanging):
        yield f"  {one}"
