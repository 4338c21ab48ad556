"""How fast embedtune-metrics evaluates a large run, against pytrec_eval and ranx, one thread each.

    pip install pytrec_eval-terrier ranx
    cargo build --release -p embedtune-metrics --example speed
    python metrics.py [--speed target/release/examples/speed] [--queries 10000] [--documents 1000]

Each contestant is a process of its own, makes the same run (queries x documents, 20 judgements a
query), and evaluates map, ndcg_cut.10, recall.100 and recip_rank three times; the best counts.
Building a run and compiling are timed apart. The means must agree to 1e-9. Prints a table in
Markdown and, with --json, writes everything.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

CORPUS = 1_000_003
NAMES = {
    "pytrec_eval": ["map", "ndcg_cut_10", "recall_100", "recip_rank"],
    "ranx": ["map", "ndcg@10", "recall@100", "mrr"],
    "embedtune": ["map", "ndcg@10", "recall@100", "mrr"],
}


def document(query, n):
    return f"d{(query * 7919 + n * 104_729) % CORPUS}"


def make(queries, documents):
    """The run and the judgements of `examples/speed.rs`."""
    run = {
        f"q{query}": {
            document(query, n): ((query * 31 + n * 977) % 10_007) / 10_007 for n in range(documents)
        }
        for query in range(queries)
    }
    places = [n * documents // 10 if n < 10 else documents + n for n in range(20)]
    qrels = {
        f"q{query}": {document(query, place): n % 4 for n, place in enumerate(places)}
        for query in range(queries)
    }
    return qrels, run


def best_of_three(evaluate):
    times, values = [], None
    for _ in range(3):
        start = time.perf_counter()
        values = evaluate()
        times.append(time.perf_counter() - start)
    return min(times), values


def peak_mib():
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pytrec_eval(queries, documents):
    import pytrec_eval

    qrels, run = make(queries, documents)
    request = {"map", "ndcg_cut.10", "recall.100", "recip_rank"}
    start = time.perf_counter()
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, request)
    build = time.perf_counter() - start
    seconds, values = best_of_three(lambda: evaluator.evaluate(run))
    means = [sum(of[name] for of in values.values()) / queries for name in NAMES["pytrec_eval"]]
    return {"build": build, "evaluate": seconds, "means": means}


def ranx(queries, documents):
    from ranx import Qrels, Run, evaluate

    names = NAMES["ranx"]
    # Compiled on a small run first, which does not count.
    small = Qrels({"q": {"d": 1}}), Run({"q": {"d": 1.0}})
    evaluate(*small, names)
    qrels, run = make(queries, documents)
    start = time.perf_counter()
    qrels, run = Qrels(qrels), Run(run)
    build = time.perf_counter() - start
    seconds, values = best_of_three(lambda: evaluate(qrels, run, names, make_comparable=False))
    return {"build": build, "evaluate": seconds, "means": [float(values[name]) for name in names]}


def contestant(name, queries, documents):
    value = {"pytrec_eval": pytrec_eval, "ranx": ranx}[name](queries, documents)
    print(json.dumps({**value, "peak_mib": peak_mib()}))


def start_python(name, args):
    # One thread each: ranx is compiled to run on all cores.
    env = {**os.environ, "NUMBA_NUM_THREADS": "1"}
    command = [sys.executable, __file__, "--contestant", name, "--queries", str(args.queries),
               "--documents", str(args.documents)]
    output = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(output.stdout.splitlines()[-1])


def start_ours(mode, args):
    command = [args.speed, mode, str(args.queries), str(args.documents)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    value = json.loads(output.stdout)
    value["means"] = [value["means"][name] for name in NAMES["embedtune"]]
    return value


def main():
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", default=str(root / "target/release/examples/speed"))
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--contestant", choices=["pytrec_eval", "ranx"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.contestant:
        return contestant(args.contestant, args.queries, args.documents)
    results = {
        "embedtune, ids in memory": start_ours("rankings", args),
        "pytrec_eval, dicts in memory": start_python("pytrec_eval", args),
        "embedtune, built run": start_ours("run", args),
        "ranx, built run": start_python("ranx", args),
    }
    ours, *_ = results.values()
    for name, value in results.items():
        for mine, theirs in zip(ours["means"], value["means"]):
            assert abs(mine - theirs) < 1e-9, f"{name}: {theirs} is not {mine}"
    print("| | evaluate s | build s | peak MiB |\n|---|---|---|---|")
    for name, value in results.items():
        print(f"| {name} | {value['evaluate']:.3f} | {value['build']:.2f} | {value['peak_mib']:.0f} |")
    (memory, peer), (built, ranx_built) = list(results.values())[:2], list(results.values())[2:]
    print(f"\nids in memory: {peer['evaluate'] / memory['evaluate']:.1f} times pytrec_eval; "
          f"built run: {ranx_built['evaluate'] / built['evaluate']:.1f} times ranx")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
