"""Floating-point operations of a transformer encoder, and the machine's ceiling."""

import json
from dataclasses import dataclass


@dataclass
class Work:
    """What has to be computed, whoever computes it: real tokens and the sum of the squared lengths
    of the texts."""

    tokens: int
    squares: int
    trained: bool


class Model:
    """Sizes of a model from its config.json."""

    def __init__(self, folder):
        with open(folder / "config.json", encoding="utf-8") as file:
            config = json.load(file)
        self.layers = config["num_hidden_layers"]
        self.hidden = config["hidden_size"]
        self.inner = config["intermediate_size"]

    def flops(self, work):
        """A linear layer takes 2 operations for each of its weights and each token: 4·H² weights
        in the attention of a block and 2·H·I in its feed-forward part. Scores and their use take
        2·L·H each for a token in a text of L tokens. Backward, each product is two. Norms,
        activations and embeddings do not count: nothing of them is a product."""
        weights = 4 * self.hidden**2 + 2 * self.hidden * self.inner
        forward = self.layers * (2 * weights * work.tokens + 4 * self.hidden * work.squares)
        return forward * (3 if work.trained else 1)


def best_rate(ceiling, precision):
    """The fastest matrix product of a format in GFLOP/s, whoever's it is; None if none was
    measured. Kernels are named by their format and their maker."""
    rates = [
        rates["best"]
        for name, rates in ceiling.items()
        if isinstance(rates, dict) and "best" in rates and name.split()[0] == precision
    ]
    return max(rates, default=None)


def utilisation(model, work, seconds, ceiling, precision):
    """Share of the fastest matrix product of the format that the operations in `seconds` are; None
    if there is nothing to compare."""
    best = best_rate(ceiling, precision)
    if work is None or best is None:
        return None
    return model.flops(work) / seconds / 1e9 / best
