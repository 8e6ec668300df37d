"""Training: the loop, losses for each kind of model, and the small tasks from start to end."""

from tfx.train.accumulation import accumulated, split_rows
from tfx.train.auxiliary import deep_supervision_loss, focal_labelling_loss, r_drop_loss
from tfx.train.classification import ImageBatch, classification_loss
from tfx.train.loop import Loss, LossValue, StepRecord, TrainingDiverged, train
from tfx.train.losses import LabelledBatch, PairBatch, labelling_loss, next_token_loss, translation_loss
from tfx.train.mixed_precision import scaled_loss
from tfx.train.pretraining import PretrainingBatch, pretraining_loss
from tfx.train.task import Example, TaskResult, TaskRun, TaskSettings, train_task

__all__ = [
    "Example",
    "ImageBatch",
    "LabelledBatch",
    "Loss",
    "LossValue",
    "PairBatch",
    "PretrainingBatch",
    "StepRecord",
    "TaskResult",
    "TaskRun",
    "TaskSettings",
    "TrainingDiverged",
    "accumulated",
    "classification_loss",
    "deep_supervision_loss",
    "focal_labelling_loss",
    "labelling_loss",
    "next_token_loss",
    "pretraining_loss",
    "r_drop_loss",
    "scaled_loss",
    "split_rows",
    "train",
    "train_task",
    "translation_loss",
]
