"""Training: the loop, losses for each kind of model, and the small tasks from start to end."""

from tfx.train.loop import Loss, LossValue, StepRecord, TrainingDiverged, train
from tfx.train.losses import LabelledBatch, PairBatch, labelling_loss, next_token_loss, translation_loss
from tfx.train.task import Example, TaskResult, TaskRun, TaskSettings, train_task

__all__ = [
    "Example",
    "LabelledBatch",
    "Loss",
    "LossValue",
    "PairBatch",
    "StepRecord",
    "TaskResult",
    "TaskRun",
    "TaskSettings",
    "TrainingDiverged",
    "labelling_loss",
    "next_token_loss",
    "train",
    "train_task",
    "translation_loss",
]
