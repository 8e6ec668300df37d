"""Training: the loop, losses for each kind of model, and the small tasks from start to end."""

from tfx.train.accumulation import accumulated, split_rows
from tfx.train.auxiliary import deep_supervision_loss, focal_labelling_loss, r_drop_loss
from tfx.train.classification import ImageBatch, classification_loss
from tfx.train.curriculum import curriculum_rows, growing_length, linear_competence, root_competence
from tfx.train.distillation import distilled_labelling_loss, taught_sequences
from tfx.train.loop import Loss, LossValue, StepRecord, TrainingDiverged, train
from tfx.train.losses import LabelledBatch, PairBatch, labelling_loss, next_token_loss, translation_loss
from tfx.train.mixed_precision import scaled_loss
from tfx.train.pretraining import PretrainingBatch, pretraining_loss
from tfx.train.rehearsal import rehearsed
from tfx.train.scheduled_sampling import inverse_sigmoid_decay, mixed_inputs, scheduled_sampling_loss
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
    "curriculum_rows",
    "deep_supervision_loss",
    "distilled_labelling_loss",
    "focal_labelling_loss",
    "growing_length",
    "inverse_sigmoid_decay",
    "labelling_loss",
    "linear_competence",
    "mixed_inputs",
    "next_token_loss",
    "pretraining_loss",
    "r_drop_loss",
    "rehearsed",
    "root_competence",
    "scaled_loss",
    "scheduled_sampling_loss",
    "split_rows",
    "taught_sequences",
    "train",
    "train_task",
    "translation_loss",
]
