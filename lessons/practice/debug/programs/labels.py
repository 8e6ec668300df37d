"""Labels and the loss of a language model; a table learns from them."""

import numpy as np

PAD, START = 0, 1


def shifted(text):
    """text: (B, T), PAD behind the end -> inputs and labels, (B, T).

    Each label is the next letter of its text; the first input is START.
    """
    starts = np.full((len(text), 1), START)
    inputs = np.concatenate([starts, text[:, :-1]], axis=1)
    return inputs, text


def log_softmax(logits):
    """logits: (..., V) -> log probabilities of that shape."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def goals(labels, letters, smoothing):
    """(B, T) -> (B, T, V): 1 at the label, `smoothing` of it spread."""
    ones = np.eye(letters)[labels]
    return ones * (1 - smoothing) + smoothing / letters


def loss_and_gradient(logits, labels, smoothing=0.0):
    """The mean over all labels but PAD -> loss, dlogits: (B, T, V)."""
    logp = log_softmax(logits)
    goal = goals(labels, logits.shape[-1], smoothing)
    counts = labels != PAD
    total = max(counts.sum(), 1)
    losses = -(goal * logp).sum(axis=-1)
    loss = (losses * counts).sum() / total
    dlogits = (np.exp(logp) - goal) * counts[..., None] / total
    return loss, dlogits


def measures(logits, labels):
    """-> perplexity, and the share of labels with the largest logit."""
    counts = labels != PAD
    loss, _ = loss_and_gradient(logits, labels)
    hits = (logits.argmax(axis=-1) == labels) & counts
    return np.exp(loss), hits.sum() / counts.sum()


def train(text, letters, steps, rate, smoothing=0.0):
    """A table of logits by input letter, (V, V), and its losses."""
    table, losses = np.zeros((letters, letters)), []
    inputs, labels = shifted(text)
    for _ in range(steps):
        logits = table[inputs]
        loss, dlogits = loss_and_gradient(logits, labels, smoothing)
        losses.append(loss)
        dtable = np.zeros_like(table)
        np.add.at(dtable, inputs, dlogits)
        table = table - rate * dtable
    return table, losses
