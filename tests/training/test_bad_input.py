"""Optimisers, schedules, losses and the loop name what does not fit, and let no NaN into the parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tfx import schedule
from tfx.compression.pruning import apply_masks, prune_linears, sparsity
from tfx.compression.quantise_model import quantise_linears
from tfx.compression.removal import remove_units
from tfx.data.toys.tasks import training_sequences
from tfx.models import DecoderOnly, Encoder
from tfx.nn.feed_forward import FeedForward
from tfx.nn.linear import Linear
from tfx.optim import (
    SGD,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    LossScale,
    MixedPrecision,
    clip_by_norm,
    clip_by_value,
    gradual_unfreezing,
)
from tfx.parallel.all_reduce import AllReduce
from tfx.parallel.data import data_parallel
from tfx.parallel.pipeline import pipeline_schedule
from tfx.parallel.tensor import gathered, tensor_parallel
from tfx.train.accumulation import accumulated, split_rows
from tfx.train.auxiliary import r_drop_loss
from tfx.train.curriculum import curriculum_rows, linear_competence
from tfx.train.distillation import distilled_labelling_loss
from tfx.train.loop import train
from tfx.train.losses import LabelledBatch, next_token_loss
from tfx.train.scheduled_sampling import inverse_sigmoid_decay, mixed_inputs, scheduled_sampling_loss
from tfx.tuning.adapter import add_adapters
from tfx.tuning.features import OnFeatures
from tfx.tuning.lora import add_lora
from tfx.tuning.prefix import add_prefixes
from tfx.tuning.prompt import add_prompt

RNG = np.random.default_rng(0)
IDS = np.arange(10).reshape(2, 5) % 7


def model():
    return DecoderOnly(7, 8, 2, 16, 1)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (SGD, {"momentum": -0.1}),
        (SGD, {"momentum": math.nan}),
        (SGD, {"grad_weight": math.inf}),
        (SGD, {"l2": -1.0}),
        (Adam, {"beta1": 1.0}),
        (Adam, {"beta2": 1.0}),
        (Adam, {"beta2": -0.1}),
        (Adam, {"eps": -1e-9}),
        (AdamW, {"weight_decay": -0.1}),
        (AdamW, {"weight_decay": math.nan}),
        (AdamW, {"beta1": 2.0}),
        (Adagrad, {"eps": -1.0}),
        (Adagrad, {"start": -1.0}),
        (Adagrad, {"rate_decay": -1.0}),
        (Lion, {"beta1": -0.1}),
        (Lion, {"beta2": 1.1}),
        (Lion, {"weight_decay": -1.0}),
        (Adafactor, {"clip": 0.0}),
        (Adafactor, {"clip": math.nan}),
        (Adafactor, {"eps1": 0.0}),
        (Adafactor, {"decay_exponent": -1.0}),
        (Adafactor, {"momentum": 1.0}),
    ],
)
def test_an_optimiser_names_the_setting_that_cannot_be(kind, settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be"):
        kind(Linear(3, 3, RNG), **settings)


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW, Adagrad, Lion, Adafactor])
def test_an_optimiser_moves_a_model(kind):
    with pytest.raises(TypeError, match="an optimiser moves a model or its FlatParameters, not NoneType"):
        kind(None)


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan])
def test_a_limit_of_clipping_is_above_0(limit):
    for clip in (clip_by_norm, clip_by_value):
        with pytest.raises(ValueError, match="limit must be above 0"):
            clip(np.ones(3), limit)


@pytest.mark.parametrize(
    "settings",
    [{"value": 0}, {"value": math.nan}, {"value": math.inf}, {"factor": 1}, {"interval": 0}, {"smallest": 0}],
)
def test_a_loss_scale_that_cannot_go_up_and_down_is_refused(settings):
    with pytest.raises(ValueError, match=r"makes no sense|interval must be at least 1"):
        LossScale(**settings)


def test_mixed_precision_is_for_float16():
    with pytest.raises(ValueError, match="mixed precision needs float16 parameters, not float32"):
        MixedPrecision(model(), Adam)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: schedule.constant(1, x),
        lambda x: schedule.noam(1, x, 4),
        lambda x: schedule.noam(x, 8, 4),
        lambda x: schedule.noam(1, 8, x),
        lambda x: schedule.inverse_square_root(x, 4),
        lambda x: schedule.inverse_square_root(1, x),
        lambda x: schedule.warmup_inverse_square_root(1, x, 4),
        lambda x: schedule.warmup_linear(1, x, 4, 10),
        lambda x: schedule.warmup_linear(1, 0.1, x, 10),
        lambda x: schedule.warmup_linear(1, 0.1, 4, x),
        lambda x: schedule.warmup_cosine(1, 0.1, 4, 10, x),
        lambda x: schedule.cosine_restarts(1, x, 4),
        lambda x: schedule.cosine_restarts(1, 0.1, x),
        lambda x: schedule.cosine_restarts(1, 0.1, 4, shrink=x),
        lambda x: schedule.rate_for_batch(x, 4, 4),
        lambda x: schedule.rate_for_batch(0.1, x, 4),
    ],
)
@pytest.mark.parametrize("value", [math.nan, math.inf, -1])
def test_a_schedule_of_numbers_that_are_none_is_refused_and_gives_no_nan(call, value):
    with pytest.raises(ValueError, match=r"must be|count from 1|at least one|smaller than"):
        call(value)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"steps": -1}, ValueError, "steps must be at least 0"),
        ({"steps": 1.5}, TypeError, "steps must be a whole number"),
        ({"start": -1}, ValueError, "start must be at least 0"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"clip": 0.0}, ValueError, "clip must be above 0"),
        ({"clip": math.nan}, ValueError, "clip must be above 0"),
        ({"schedule": lambda step: math.nan}, ValueError, "the learning rate of step 1 must be at least 0, not nan"),
        ({"schedule": lambda step: -1.0}, ValueError, "the learning rate of step 1 must be at least 0, not -1.0"),
        ({"batches": [IDS]}, TypeError, "train needs an Optimizer, and batches, loss and schedule to call"),
        ({"optimizer": None}, TypeError, "train needs an Optimizer"),
    ],
)
def test_the_loop_refuses_what_makes_no_run_before_it_moves_a_parameter(settings, error, message):
    trained = model()
    before = {name: value.copy() for name, value in trained.state().items()}
    run = {
        "batches": lambda rng: IDS,
        "loss": next_token_loss(),
        "optimizer": Adam(trained),
        "schedule": lambda step: 0.01,
        "steps": 2,
    }
    with pytest.raises(error, match=message):
        list(train(trained, **{**run, **settings}))
    assert all(np.array_equal(value, before[name]) for name, value in trained.state().items())


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: list(split_rows(IDS, 0)), ValueError, "a part needs at least one row, not 0"),
        (lambda: list(split_rows(IDS, 1.5)), TypeError, "the rows of a part must be a whole number"),
        (lambda: accumulated(next_token_loss(), 1.5), TypeError, "split must be a whole number"),
        (lambda: accumulated(next_token_loss(), 0), ValueError, "split must be at least 1"),
        (lambda: data_parallel(next_token_loss(), 0), ValueError, "at least one worker, not 0"),
        (lambda: data_parallel(next_token_loss(), 1.5), TypeError, "n_workers must be a whole number"),
        (lambda: tensor_parallel(model(), 3, AllReduce()), ValueError, "cannot be shared out evenly among 3 workers"),
        (lambda: tensor_parallel(model(), 0, AllReduce()), ValueError, "cannot be shared out evenly among 0 workers"),
        (lambda: gathered(model(), "values"), ValueError, 'what is gathered is "grad" or "value"'),
        (lambda: pipeline_schedule(0, 2), ValueError, "a pipeline needs stages and micro-batches"),
        (lambda: pipeline_schedule(2, 1.5), TypeError, "n_micro_batches must be a whole number"),
        (lambda: pipeline_schedule(2, 2, "gpipe", -1), ValueError, "the time of a forward must be at least 0"),
        (lambda: pipeline_schedule(2, 2, "gpipe", 0, 0), ValueError, "take no time"),
        (lambda: r_drop_loss(-1), ValueError, "alpha must be at least 0"),
        (lambda: linear_competence(math.nan, 10), ValueError, "steps count from 1"),
        (lambda: curriculum_rows(np.arange(4.0), 0, lambda s: 1, lambda: 0), ValueError, "batch must be at least 1"),
        (lambda: curriculum_rows(np.array([math.nan]), 1, lambda s: 1, lambda: 0), ValueError, "none of them NaN"),
        (lambda: curriculum_rows(np.arange(4.0), 1, lambda s: 2, lambda: 0)(RNG), ValueError, "the competence must be"),
        (lambda: inverse_sigmoid_decay(1, math.nan), ValueError, "k must be finite"),
        (lambda: inverse_sigmoid_decay(-1, 2), ValueError, "step must be at least 0"),
        (lambda: mixed_inputs(IDS, np.zeros((2, 5, 7)), RNG, 1.1), ValueError, "truth must be"),
        (lambda: scheduled_sampling_loss(math.nan)(model(), IDS, RNG), ValueError, "truth must be"),
        (lambda: gradual_unfreezing(1.5, 3), TypeError, "every must be a whole number"),
        (lambda: prune_linears(model(), lambda w: np.ones((3, 3), bool)), ValueError, r"is \(3, 3\) but the weights"),
        (lambda: prune_linears(model(), np.ones_like), TypeError, "must be boolean"),
        (lambda: apply_masks(model(), {"no": np.ones(3, bool)}), ValueError, "no parameter called 'no'"),
        (lambda: sparsity(model(), {"no": np.ones(3, bool)}), ValueError, "no parameter called 'no'"),
        (lambda: next_token_loss()(model(), IDS[0], RNG), ValueError, r"ids must be \(batch, length\), not \(5,\)"),
        (lambda: training_sequences(RNG, 0, 4, 4), ValueError, "batch must be at least 1, not 0"),
        (lambda: training_sequences(RNG, 1, -1, 4), ValueError, "length must be at least 1, not -1"),
        (lambda: remove_units(FeedForward(8, 16, RNG), np.zeros(16, bool)), ValueError, "none of 16 units would be"),
        (lambda: quantise_linears(model(), 1), ValueError, "codes have 2 to 8 bits, not 1"),
        (lambda: quantise_linears(model(), 9), ValueError, "codes have 2 to 8 bits, not 9"),
        (lambda: quantise_linears(model(), 4.0), TypeError, "bits must be a whole number"),
        (lambda: quantise_linears(model(), 4, per="group", group=3), ValueError, "cannot be cut into groups of 3"),
    ],
)
def test_what_a_part_of_training_cannot_do_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_of_distillation_is_finite_and_above_0(temperature):
    student, teacher = Encoder(7, 8, 2, 16, 1), Encoder(7, 8, 2, 16, 1, seed=1)
    with pytest.raises(ValueError, match="temperature must be above 0"):
        distilled_labelling_loss(teacher, temperature)(student, LabelledBatch(IDS, IDS), None)


@pytest.mark.parametrize(
    ("add", "message"),
    [
        (lambda n: add_lora(model(), n, RNG), "rank"),
        (lambda n: add_adapters(model(), n, RNG), "width|d_ff"),
        (lambda n: add_prefixes(model(), n, RNG), "prefix"),
        (lambda n: add_prompt(model(), n, RNG, causal=True), "n_prompt"),
    ],
)
def test_a_tuning_method_needs_a_size_of_at_least_one(add, message):
    for size in (0, -1):
        with pytest.raises(ValueError, match=message):
            add(size)
    with pytest.raises(TypeError, match=r"must be a whole number, not 1\.5"):
        add(1.5)


def test_a_rank_above_the_width_is_refused_and_the_width_is_not():
    with pytest.raises(ValueError, match=r"a matrix \(8, 8\) cannot have rank 9"):
        add_lora(model(), 9, RNG)
    assert add_lora(model(), 8, RNG).n_parameters > 0
    with pytest.raises(ValueError, match="alpha must be finite"):
        add_lora(model(), 2, RNG, alpha=math.nan)


def test_features_come_from_a_model_that_encodes():
    with pytest.raises(TypeError, match="features come from a model with encode, and Linear has none"):
        OnFeatures(Linear(3, 3, RNG), 3, 2, RNG)
