"""Permutation test of 1,000 queries with 100,000 resamples: embedtune against ranx.

    cargo build --release -p embedtune-metrics --example permutation_speed
    pip install ranx
    python permutation.py ../../target/release/examples/permutation_speed

ranx's `fisher_randomization_test` is compiled before it is timed and uses all threads; embedtune is
timed with one thread and with all. Rounds alternate; the table has medians, and the ratio is the
median over the rounds with the smallest and the largest.
"""

import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
from ranx.statistical_tests.fisher_randomization_test import fisher_randomization_test


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def ours(args, path, threads):
    command = [args.binary, path, args.resamples, 5, threads]
    p, median, _ = map(float, subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True).stdout.split())
    return median, p


def theirs(args, base, tuned):
    start = time.perf_counter()
    p, _ = fisher_randomization_test(base, tuned, args.resamples, 0.05, 42)
    return time.perf_counter() - start, p


def main():
    args = parse()
    rng = np.random.default_rng(7)
    base = rng.uniform(0, 1, args.queries)
    tuned = np.clip(base + rng.normal(0.01, 0.2, args.queries), 0, 1)
    fisher_randomization_test(base[:10], tuned[:10], 10, 0.05, 42)  # compiles
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "differences.txt"
        path.write_text("\n".join(repr(float(d)) for d in tuned - base))
        for _ in range(args.rounds):
            rows.append((theirs(args, base, tuned), ours(args, path, 1), ours(args, path, 0)))
    print("| | seconds | p | ranx / this |")
    print("|---|---|---|---|")
    for column, name in enumerate(("ranx, all threads", "embedtune, 1 thread", "embedtune, all")):
        seconds = statistics.median(row[column][0] for row in rows)
        ratios = sorted(row[0][0] / row[column][0] for row in rows)
        print(f"| {name} | {seconds:.4f} | {rows[0][column][1]:.5f} "
              f"| {statistics.median(ratios):.0f} ({ratios[0]:.0f}-{ratios[-1]:.0f}) |")


if __name__ == "__main__":
    main()
