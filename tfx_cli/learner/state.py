"""The reader's history: one SQLite file, safe with two terminals and with a kill at any moment.

    answers     append-only: every answer that was ever judged
    cards       when each item comes back; only a summary, rebuilt from `answers` when need be
    seen        append-only: every step of a lesson that came on a terminal (tfx_cli.learner.progress)
    tested      append-only: every test of a topic that was taken to its end
    practised   append-only: what was done with exercises
    called      append-only: cards that a mistake in an exercise called up (tfx_cli.learner.called_cards)
    derived     append-only: what was done with derivations
    explained   topics that an earlier tfx counted as shown; only read now

Every answer is one transaction on its own, so that what was shown as judged is on disk.  Reading never creates
anything.  A damaged file is set aside under another name and what can still be read moves to a new one (see
tfx_cli.learner.salvage); a file of a newer version is left alone.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from tfx.errors import EnvironmentProblem
from tfx_cli.learner.answers import FIELDS, Answer, as_answer, as_time, insert_answer
from tfx_cli.learner.called_cards import CALLED_FIELDS, Called, as_called, insert_called, unsolved, waiting
from tfx_cli.learner.connecting import connect
from tfx_cli.learner.derived import DERIVED_FIELDS, Derived, as_derived, insert_derived
from tfx_cli.learner.practised import PRACTISED_FIELDS, Practised, as_practised, insert_practised
from tfx_cli.learner.seen_steps import SEEN_FIELDS, SeenStep, as_seen, insert_seen
from tfx_cli.learner.state_file import (
    Damaged,
    create_tables,
    explained_errors,
    make_data_folder,
    repairing,
    stamp,
    state_path,
)
from tfx_cli.learner.tests_taken import TESTED_FIELDS, Tested, as_tested, insert_tested


class State:
    """An open state file.  `notice` is a sentence for stderr when something had to be mended."""

    def __init__(self, connection: sqlite3.Connection, path: Path, notice: str = "") -> None:
        self.connection = connection
        self.path = path
        self.notice = notice

    def __enter__(self) -> State:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def record_answer(self, answer: Answer) -> datetime:
        """Writes one answer and its card, durably, and returns when the item comes back."""
        from tfx_cli.learner.scheduling import UNREADABLE, review

        with self._writing():
            row = self.connection.execute("SELECT card FROM cards WHERE item = ?", (answer.item,)).fetchone()
            try:
                card, due = review(row[0] if row else None, answer.item, answer.rating, answer.at)
            except UNREADABLE:  # a card that this fsrs cannot read: the log still can
                card, due = review(self._card_from_log(answer.item), answer.item, answer.rating, answer.at)
            insert_answer(self.connection, answer, answer.at)
            self.connection.execute("INSERT OR REPLACE INTO cards VALUES (?, ?, ?)", (answer.item, card, stamp(due)))
        return due

    def record_step(self, topic: str, step: str, steps: Sequence[str]) -> None:
        """Notes that this step was seen, one of `steps`, the names of all that the reader was given."""
        with self._writing():
            insert_seen(self.connection, SeenStep(topic, step, tuple(steps), datetime.now(UTC)))

    def record_test(self, topic: str, asked: int, right: int, needed: int) -> Tested:
        """Notes how a test of this topic ended."""
        tested = Tested(topic, asked, right, needed, datetime.now(UTC))
        with self._writing():
            insert_tested(self.connection, tested)
        return tested

    def record_practice(self, exercise: str, act: str, verdict: str = "", mistake: str = "") -> None:
        """Notes what was done with an exercise: see `learner.practised`."""
        with self._writing():
            insert_practised(self.connection, Practised(exercise, act, verdict, mistake, datetime.now(UTC)))

    def record_derived(self, derivation: str, act: str, line: str = "", verdict: str = "", slip: str = "") -> None:
        """Notes what was done with a derivation: see `learner.derived`."""
        with self._writing():
            insert_derived(self.connection, Derived(derivation, act, line, verdict, slip, datetime.now(UTC)))

    def call_cards(self, exercise: str, mistake: str, says: str, topic: str, step: str, items: Sequence[str]) -> None:
        """Calls up the questions about a mistake, each once until the exercise passes: see `learner.called_cards`."""
        known = {(line.mistake, line.item) for line in unsolved(self.called(), self.practice())}
        fresh = [item for item in items or ("",) if (mistake, item) not in known]
        with self._writing():
            for item in fresh:
                line = Called(item, exercise, mistake, says, topic, step, datetime.now(UTC))
                insert_called(self.connection, line)

    def answers(self) -> list[Answer]:
        """The whole log, oldest first.  A line that cannot be read is left out, and `notice` says so."""
        with explained_errors(self.path):
            rows = self.connection.execute(f"SELECT {FIELDS} FROM answers ORDER BY id").fetchall()
        read = [as_answer(row) for row in rows]
        if unreadable := read.count(None):
            self.notice = f"{unreadable} of the {len(read)} answers in {self.path} cannot be read and are left out."
        return [answer for answer in read if answer is not None]

    def due(self, now: datetime | None = None) -> dict[str, datetime]:
        """When each item that was ever answered comes back, as seen from `now`.

        A card that cannot be read is left out, so that its item is asked like a new one.  One that a mistake in an
        exercise calls up is due from then on, also when it was never answered.
        """
        from tfx_cli.learner.scheduling import seen_from

        with explained_errors(self.path):
            rows = self.connection.execute("SELECT item, card, due FROM cards").fetchall()
        now = datetime.now(UTC) if now is None else now
        times = {item: (card, as_time(due)) for item, card, due in rows if isinstance(item, str)}
        found = {item: seen_from(now, card, due) for item, (card, due) in times.items() if due is not None}
        for line in self.calling():
            if line.item:
                found[line.item] = min(line.at, found.get(line.item, line.at))
        return found

    def cards(self) -> dict[str, tuple[str, str]]:
        """Item id -> (card as JSON, when it is due), as stored."""
        with explained_errors(self.path):
            rows = self.connection.execute("SELECT item, card, due FROM cards").fetchall()
        return {item: (card, due) for item, card, due in rows}

    def seen(self) -> list[SeenStep]:
        """Every step that came on a terminal, oldest first; none in a file that is older than this list."""
        return [step for row in self._younger("seen", SEEN_FIELDS) if (step := as_seen(row)) is not None]

    def tests(self) -> list[Tested]:
        """Every test of a topic that was taken to its end, oldest first; none in a file older than this list."""
        return [test for row in self._younger("tested", TESTED_FIELDS) if (test := as_tested(row)) is not None]

    def practice(self) -> list[Practised]:
        """What was done with exercises, oldest first; nothing in a file older than this list."""
        rows = self._younger("practised", PRACTISED_FIELDS)
        return [line for row in rows if (line := as_practised(row)) is not None]

    def derived(self) -> list[Derived]:
        """What was done with derivations, oldest first; nothing in a file older than this list."""
        return [line for row in self._younger("derived", DERIVED_FIELDS) if (line := as_derived(row)) is not None]

    def called(self) -> list[Called]:
        """Every card that was ever called up, oldest first; none in a file older than this list."""
        return [line for row in self._younger("called", CALLED_FIELDS) if (line := as_called(row)) is not None]

    def calling(self) -> list[Called]:
        """Those that are still called up, oldest first."""
        called = self.called()
        return waiting(called, self.practice(), self.answers()) if called else []

    def explained(self) -> set[str]:
        """Names of the topics that an earlier tfx counted as shown."""
        with explained_errors(self.path):
            return {row[0] for row in self.connection.execute("SELECT topic FROM explained")}

    def _younger(self, table: str, fields: str) -> list[tuple[object, ...]]:
        """The rows of a table that an older file does not have."""
        with explained_errors(self.path):
            known = self.connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
            return self.connection.execute(f"SELECT {fields} FROM {table} ORDER BY id").fetchall() if known else []

    def _card_from_log(self, item: str) -> str | None:
        from tfx_cli.learner.scheduling import rebuild

        log = ((answer.item, answer.rating, answer.at) for answer in self.answers() if answer.item == item)
        return rebuild(log).get(item, (None,))[0]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: all of it is on disk afterwards, or nothing."""
        with explained_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise


def open_to_write(patience: float = 10.0) -> State:
    """Opens the file, made new when there is none; a damaged one is set aside first.

    patience: seconds to wait for another terminal that is writing.  Raises EnvironmentProblem when the folder cannot
    be written, the disk is full, the clock is senseless, or the file belongs to a newer version or to another program.
    """
    path = state_path()
    if as_time(stamp(now := datetime.now(UTC))) is None:
        raise EnvironmentProblem(
            f"this computer's clock says the year {now.year}, and no answer can come back after that.",
            "Set the clock, then start again.",
        )
    with explained_errors(path):
        make_data_folder()
        with tempfile.TemporaryFile(dir=path.parent):  # SQLite needs the folder too, but only when it really writes
            pass
    notice = ""
    try:
        connection = connect(path, "rwc", patience)
    except Damaged:
        with explained_errors(path), repairing(path, patience):
            notice = _mend(path, patience)
        connection = connect(path, "rwc", patience)
    state = State(connection, path, notice)
    try:
        with state._writing():  # a folder that cannot be written shows here, before anything was asked
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                create_tables(connection)
            connection.execute("DELETE FROM cards WHERE 0")  # writes nothing, but is refused where writing would be
    except BaseException:
        connection.close()
        raise
    return state


def open_to_read() -> State:
    """Opens the file as it is and creates nothing: without one, the history is empty.

    Of a damaged file, what can be read is shown and the file stays as it is.
    """
    path = state_path()
    with explained_errors(path):
        there = path.exists()
    if there:
        try:
            connection = connect(path, "rw", patience=10.0)
        except Damaged:
            from tfx_cli.learner.salvage import read_what_is_left

            connection, kept = read_what_is_left(path)
            hint = "The next `tfx quiz` sets it aside and goes on with these."
            return State(connection, path, f"your history in {path} is damaged; {kept} can be read. {hint}")
        if connection.execute("PRAGMA user_version").fetchone()[0]:
            return State(connection, path)
        connection.close()  # a first run was stopped before it made the tables
    connection = sqlite3.connect(":memory:", isolation_level=None)
    create_tables(connection)
    return State(connection, path)


def _mend(path: Path, patience: float) -> str:
    """Sets a damaged file aside, unless another terminal has just done so."""
    from tfx_cli.learner.salvage import set_aside

    try:
        connect(path, "rwc", patience).close()
    except Damaged:
        return set_aside(path)
    return ""
