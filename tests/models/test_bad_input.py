"""A model names the setting, or the ids, that do not fit: it does not fail inside an initialisation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from tfx import models
from tfx.models import (
    MODELS,
    DecoderOnly,
    DeepSupervision,
    Encoder,
    GloVe,
    PyramidVisionTransformer,
    RecurrentSeq2Seq,
    RetrievalReader,
    SkipGram,
    SwinTransformer,
    TransformerXL,
    VisionTransformer,
)
from tfx.models.word_vectors import nearest

RNG = np.random.default_rng(0)
IDS = np.zeros((2, 5), dtype=int)
IMAGES = ("VisionTransformer", "SwinTransformer", "PyramidVisionTransformer")
NEEDS = {name: {"vocab": 7} for name in MODELS} | {
    name: {"image_size": (8, 8), "patch": 2, "n_classes": 3} for name in IMAGES
}
SMALL = {"d_model": 8, "n_heads": 2, "d_ff": 16, "n_layers": 1}


def settings_of(name):
    return {field.name: field for field in dataclasses.fields(getattr(models, name).settings_type)}


def least(name, size):
    return settings_of(name)[size].metadata["least"]


SIZES = [(name, size) for name in MODELS for size, field in settings_of(name).items() if "least" in field.metadata]


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_a_size_that_is_too_small_or_not_whole_is_named_with_the_model_s_own_word(name, size):
    severally = size == "image_size" or isinstance(settings_of(name)[size].default, tuple)
    for value, error in ((least(name, size) - 1, ValueError), (2.5, TypeError), ("two", TypeError)):
        given = (value, value) if severally else value
        with pytest.raises(error, match=f"{size} must be"):
            getattr(models, name)(**{**NEEDS[name], size: given})


@pytest.mark.parametrize("name", MODELS)
def test_a_setting_that_no_model_has_is_answered_with_the_nearest(name):
    with pytest.raises(TypeError, match=r"has no setting 'sead'; did you mean seed\?"):
        getattr(models, name)(**NEEDS[name], sead=1)
    with pytest.raises(TypeError, match="has no setting 'zzz'; there are "):
        getattr(models, name)(**NEEDS[name], zzz=1)


@pytest.mark.parametrize("name", [name for name in MODELS if "eps" in settings_of(name)])
@pytest.mark.parametrize("eps", [-1.0, math.nan])
def test_an_eps_under_a_root_is_not_negative(name, eps):
    with pytest.raises(ValueError, match="eps must be at least 0"):
        getattr(models, name)(**NEEDS[name], eps=eps)


@pytest.mark.parametrize("name", ["DecoderOnly", "Encoder", "Bert", "TransformerXL", "RecurrentLanguageModel"])
@pytest.mark.parametrize(
    ("ids", "error", "message"),
    [
        (np.full((2, 5), 7), ValueError, "id 7 is outside a vocabulary of 7"),
        (np.full((2, 5), -1), ValueError, "id -1 is outside a vocabulary of 7"),
        (np.zeros((2, 5)), TypeError, "ids must be integers, not float64"),
        (np.zeros(5, dtype=int), ValueError, r"ids must be \(batch, length\), not \(5,\)"),
        (np.zeros((2, 5, 1), dtype=int), ValueError, r"ids must be \(batch, length\), not \(2, 5, 1\)"),
        ([[1, 2]], TypeError, r"ids must be an array \(batch, length\), not a list"),
    ],
)
def test_ids_that_do_not_fit_are_named_by_every_model_of_text(name, ids, error, message):
    with pytest.raises(error, match=message):
        getattr(models, name)(vocab=7, d_model=8).forward(ids)


@pytest.mark.parametrize("model", [DecoderOnly, Encoder])
@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([6, 1], ValueError, "a row of length 6 does not fit 5 keys"),
        ([-1, 1], ValueError, "a row of length -1 does not fit 5 keys"),
        ([1], ValueError, r"lengths must be one number for each row, \(2,\), not \(1,\)"),
        ([1, 2, 3], ValueError, r"lengths must be one number for each row, \(2,\), not \(3,\)"),
        ([[1], [2]], ValueError, r"lengths must be one number for each row, \(2,\), not \(2, 1\)"),
        ([1.5, 2.0], TypeError, "lengths must be integers, not float64"),
    ],
)
def test_lengths_that_do_not_fit_are_named(model, lengths, error, message):
    with pytest.raises(error, match=message):
        model(7, **SMALL).forward(IDS, lengths=np.array(lengths))


def test_left_padding_is_one_integer_for_each_row():
    with pytest.raises(ValueError, match=r"left padding must be one number for each row, \(2,\), not \(1,\)"):
        DecoderOnly(7, **SMALL).forward(IDS, left_padding=np.array([1]))
    with pytest.raises(TypeError, match="left padding must be integers"):
        DecoderOnly(7, **SMALL).forward(IDS, left_padding=np.array([1.5, 0.0]))


def test_a_mask_that_does_not_fit_the_causal_one_is_named():
    with pytest.raises(ValueError, match=r"a mask \(4, 4\) does not fit one of \(5, 5\)"):
        DecoderOnly(7, **SMALL).forward(IDS, mask=np.ones((4, 4), dtype=bool))


@pytest.mark.parametrize("setting", ["norm", "positions", "activation"])
def test_an_unknown_name_is_answered_with_the_names_there_are(setting):
    with pytest.raises(ValueError, match=r"must be one of .*, not .none of these"):
        DecoderOnly(7, **SMALL, **{setting: "none of these"})


def test_the_settings_of_attention_and_experts_are_given_by_name():
    with pytest.raises(TypeError, match=r'attention must be settings by name, such as {"kernel": "tiled"}, not \'til'):
        Encoder(7, **SMALL, attention="tiled")
    with pytest.raises(TypeError, match=r"experts must be settings by name, such as .*, not 'switch'"):
        Encoder(7, **SMALL, experts="switch")
    with pytest.raises(ValueError, match=r"kernel must be one of big_bird, .*, not 'tild'"):
        Encoder(7, **SMALL, attention={"kernel": "tild"})


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("size", [8, (8,), (8, 8, 1)])
def test_an_image_has_a_height_and_a_width(name, size):
    with pytest.raises(ValueError, match=r"image_size must be \(height, width\)"):
        getattr(models, name)(image_size=size, patch=2, n_classes=3)


def test_sizes_of_stages_are_one_for_each_stage():
    with pytest.raises(ValueError, match="n_layers must be one number for each stage, not 2"):
        SwinTransformer((8, 8), 1, 3, n_layers=2)
    with pytest.raises(ValueError, match=r"widths must be one number for each stage, not \(\)"):
        PyramidVisionTransformer((8, 8), 2, 3, widths=())


def test_a_layer_that_is_not_there_has_no_attention_to_show():
    model = VisionTransformer((8, 8), 4, 3, **SMALL)
    _, cache = model.forward(np.zeros((1, 8, 8, 1), dtype=np.float32))
    with pytest.raises(ValueError, match="there is no layer 5 of 1"):
        model.class_attention(cache, 5)


def test_sources_and_targets_are_equally_many():
    model = RecurrentSeq2Seq(7, d_model=8)
    with pytest.raises(ValueError, match="3 targets do not fit 2 sources"):
        model.forward(IDS, np.zeros((3, 5), dtype=int))
    logits, _ = model.forward(IDS[:0], IDS[:0])
    assert logits.shape == (0, 5, 7)


def test_what_a_retrieval_reader_cannot_compare_is_named():
    model = RetrievalReader(7, **SMALL, d_retrieval=4, n_retrieved=2)
    documents = np.zeros((4, 3), dtype=int)
    with pytest.raises(ValueError, match="questions without tokens"):
        model.forward(IDS[:, :0], documents)
    with pytest.raises(ValueError, match="documents without tokens"):
        model.forward(IDS, documents[:, :0])
    for chosen in (4, -1):
        with pytest.raises(ValueError, match=f"document {chosen} is outside"):
            model.forward(IDS, documents, chosen=np.full((2, 2), chosen))
    assert model.forward(IDS[:0], documents)[0].logits.shape == (0, 2, 7)


def test_a_memory_of_another_width_or_batch_is_named():
    model = TransformerXL(7, **SMALL, n_memory=4)
    for memory in (np.zeros((2, 4, 7), np.float32), np.zeros((3, 4, 8), np.float32)):
        with pytest.raises(ValueError, match="does not fit x"):
            model.forward(IDS, [memory])


def test_word_vectors_name_what_does_not_fit():
    vectors = SkipGram(5, 4, RNG).vectors
    for word in (5, -1):
        with pytest.raises(ValueError, match=f"word {word} is outside a vocabulary of 5"):
            nearest(vectors, word, 2)
    with pytest.raises(ValueError, match="n must be at least 0"):
        nearest(vectors, 0, -1)
    words = np.zeros(3, dtype=int)
    with pytest.raises(ValueError, match="ceiling must be above 0"):
        GloVe(5, 4, RNG).forward(words, words, np.ones(3), ceiling=0)


def test_only_an_encoder_is_supervised_at_every_depth():
    with pytest.raises(TypeError, match="deep supervision is for an Encoder, not a DecoderOnly"):
        DeepSupervision(DecoderOnly(7, **SMALL), RNG)
