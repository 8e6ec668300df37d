"""Two tasks one after another: what is lost is measured, and each check notices what is taken from it."""

import numpy as np
import pytest

from tests.lab.breaking import Broken, Table, instead
from tfx.lab.training import forgetting
from tfx.lab.training.forgetting import ALL, HEAD, LORA, REHEARSED

PLACE = "tfx.lab.training.forgetting"


def changed(way, key, value):
    """As measured, but for one list of one way."""
    return lambda row: {**row, key: [value] * len(row[key])} if row["way"] == way else row


def not_kept(after_both):
    """Each model is trained anew, so that what is planted below it is used."""
    return after_both.__wrapped__


BREAKS = Table(
    forgetting.Settings(first=70, second=70, seeds=3),
    Broken("a first task that was never learnt", {"forgets"}, row=changed(ALL, "before_by_seed", 0.0)),
    Broken("a second task that is not learnt", {"learns"}, row=changed(ALL, "second_by_seed", 0.3)),
    Broken("a rehearsal of nothing", {"rehearsal-keeps"}, share=0.0),
    Broken("another model after the updates", {"taken-out"}, row=changed(LORA, "after_by_seed", 0.5)),
    Broken(
        "updates that are merged instead of taken out",
        {"taken-out", "frozen"},
        {f"{PLACE}.after_both": not_kept, "tfx.tuning.lora.Lora.remove": instead(lambda lora: lora.merge())},
    ),
)


def test_the_second_task_has_the_texts_of_the_first_and_the_next_names():
    one, two = (forgetting.task(number, 50, np.random.default_rng(0)) for number in (0, 1))
    assert np.array_equal(one.ids[:, 1:], two.ids[:, 1:]) and (one.ids[:, 0] == 0).all() and (two.ids[:, 0] == 1).all()
    assert np.array_equal((one.targets[:, 0] + 1) % 3, two.targets[:, 0])


def test_what_is_said_is_what_was_measured():
    found = BREAKS.run(forgetting)
    rows = {row["way"]: row for row in found.rows}
    mean = {
        way: {key: np.mean(row[f"{key}_by_seed"]) for key in ("before", "after", "second")} for way, row in rows.items()
    }
    assert found.notes[0].text == (
        f"Tuned on the second task, a model falls from {mean[ALL]['before']:.0%} to {mean[ALL]['after']:.0%} on the "
        f"first (chance is 33%). With rehearsal it keeps {mean[REHEARSED]['after']:.0%}, and is right at "
        f"{mean[REHEARSED]['second']:.0%} of the second."
    )
    assert f"Freezing all but the head leaves {mean[HEAD]['after']:.0%} of the first task" in found.notes[1].text
    assert f"{mean[LORA]['second']:.0%} of the second is right" in found.notes[2].text
    assert found.question.answer == pytest.approx(mean[ALL]["after"])
    assert rows[ALL]["forgotten"] == pytest.approx(mean[ALL]["before"] - mean[ALL]["after"])
    assert found.plots[0].title == (
        f"After the second task {mean[ALL]['after']:.0%} of the first is right, with rehearsal "
        f"{mean[REHEARSED]['after']:.0%}; before, {mean[ALL]['before']:.0%}"
    )
