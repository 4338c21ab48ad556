"""How fast PyTorch multiplies the matrices of a MiniLM encoder: the other half of the ceiling.

    python gemm_torch.py [--threads N]

Prints one JSON object as `ceiling` does: for f32 and bf16 the best rate of all products in GFLOP/s,
and what a block would run at, forward and in a training step, if it were nothing but its products
over 8192 tokens.
"""

import argparse
import json
import time

import torch

TOKENS, HIDDEN, INNER = 8192, 384, 1536
#: Sizes of a weight and the layers of a block that have them.
LAYERS = [(HIDDEN, HIDDEN, 4), (INNER, HIDDEN, 1), (HIDDEN, INNER, 1)]
BUDGET_SECONDS = 0.3


def best_time(call):
    call()
    best, calls, start = float("inf"), 0, time.perf_counter()
    while calls < 3 or time.perf_counter() - start < BUDGET_SECONDS:
        call_start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - call_start)
        calls += 1
    return best


def products(out, inputs, dtype):
    """The three products of a linear layer: forward, gradient of the input, of the weight."""
    x, d = torch.rand(TOKENS, inputs, dtype=dtype), torch.rand(TOKENS, out, dtype=dtype)
    weight = torch.rand(out, inputs, dtype=dtype)
    y, d_x = torch.empty_like(d), torch.empty_like(x)
    d_weight = torch.empty_like(weight)
    return (
        lambda: torch.mm(x, weight.T, out=y),
        lambda: torch.mm(d, weight, out=d_x),
        lambda: torch.mm(d.T, x, out=d_weight),
    )


def rates(dtype):
    best, work, times = 0.0, 0.0, {"encode": 0.0, "train": 0.0}
    for out, inputs, layers in LAYERS:
        flops = 2 * TOKENS * out * inputs
        seconds = [best_time(product) for product in products(out, inputs, dtype)]
        best = max(best, flops / min(seconds) / 1e9)
        work += layers * flops
        times["encode"] += layers * seconds[0]
        times["train"] += layers * sum(seconds)
    encode, train = work / times["encode"] / 1e9, 3 * work / times["train"] / 1e9
    return {"best": best, "encode": encode, "train": train}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    formats = {"f32 torch": torch.float32, "bf16 torch": torch.bfloat16}
    print(json.dumps({name: rates(dtype) for name, dtype in formats.items()}))


if __name__ == "__main__":
    main()
