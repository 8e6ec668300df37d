"""Students of labels and of a teacher."""

from __future__ import annotations

from tfx.lab.training.taught_points import taught


def test_a_teacher_helps_most_where_points_are_few():
    few, many = (taught(points, 0.3, 2.0, 120, 3) for points in (200, 4000))
    assert few.teacher_taught > few.labels + 0.05 and few.teacher == many.teacher > 0.85
    assert many.teacher_taught - many.labels < few.teacher_taught - few.labels - 0.03
    assert taught(200, 0.3, 2.0, 120, 3) == few


def test_without_noise_labels_do_nearly_as_well():
    clean = taught(400, 0.0, 2.0, 120, 3)
    assert clean.labels > 0.8 and clean.teacher_taught - clean.labels < 0.08
