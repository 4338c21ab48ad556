"""Whether a number format is as good as f32: nDCG@10 of each query, by seeds, and an equivalence test.

    python precision.py MODEL DATA… [--format bf16] [--seeds 42,1,2] [--embedtune PATH] [--work DIR]
    python precision.py MODEL DATA… --format int8 --base

DATA are directories in the BEIR layout. Without --base, a model is tuned for each seed in f32 and in
the other format (`train --recipe plain`) and its texts are embedded in the same format. With --base
the model is embedded as it is, in f32 and in the other format. The difference of a query is its mean
over the seeds. Two formats are equivalent at the 5 % level when the 90 % t interval of the mean
difference lies within the margin (two one-sided tests). Needs numpy and scipy.

Runs are kept under --work and not repeated.
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from scipy import stats

DEPTH = 10


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def judgements(path):
    grades = {}
    with open(path, encoding="utf-8") as file:
        next(file)
        for line in file:
            query, document, grade = line.rstrip("\n").split("\t")
            grades.setdefault(query, {})[document] = int(grade)
    return {query: found for query, found in grades.items() if max(found.values()) > 0}


def run(arguments, command):
    subprocess.run([arguments.embedtune, *map(str, command)], check=True, stdout=subprocess.DEVNULL)


def train(arguments, data, seed, precision):
    """Directory of the tuned model."""
    tuned = Path(arguments.work) / f"{data.name}-{seed}-{precision}"
    if not tuned.exists():
        run(arguments, ["train", "--quiet", "--model", arguments.model, "--data", data, "--output", tuned,
                        "--recipe", "plain", "--batch-size", 32, "--learning-rate", 2e-5, "--epochs", 1,
                        "--max-seq-len", 256, "--warmup", 0.1, "--seed", seed, "--precision", precision])
    return tuned


def embed(arguments, model, source, precision, target, *more):
    if not target.exists():
        run(arguments, ["embed", "--quiet", "--model", model, "--input", source, "--output", target,
                        "--precision", precision, *more])
    ids = Path(f"{target}.ids").read_text(encoding="utf-8").splitlines()
    return ids, np.load(target)


def ndcg(arguments, model, data, precision, name):
    """nDCG@10 of each judged query of the test split."""
    work = Path(arguments.work)
    grades = judgements(data / "qrels/test.tsv")
    questions = work / f"{data.name}-queries.jsonl"
    if not questions.exists():
        chosen = [row for row in lines(data / "queries.jsonl") if row["_id"] in grades]
        questions.write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
    queries, left = embed(arguments, model, questions, precision, work / f"{name}-q.npy", "--queries")
    documents, right = embed(arguments, model, data / "corpus.jsonl", precision, work / f"{name}-d.npy")
    places = np.array(documents)
    values = {}
    for start in range(0, len(queries), 256):
        scores = left[start:start + 256] @ right.T
        best = np.argpartition(-scores, DEPTH, axis=1)[:, :DEPTH]
        for row, query in enumerate(queries[start:start + 256]):
            order = best[row][np.argsort(-scores[row, best[row]], kind="stable")]
            gains = [grades[query].get(document, 0) for document in places[order]]
            ideal = sorted(grades[query].values(), reverse=True)[:DEPTH]
            discount = 1 / np.log2(np.arange(2, DEPTH + 2))
            values[query] = float(np.dot(gains, discount[:len(gains)]) / np.dot(ideal, discount[:len(ideal)]))
    return values


def compare(arguments, data):
    differences, means = {}, []
    for seed in [None] if arguments.base else arguments.seeds.split(","):
        pair = []
        for precision in ["f32", arguments.format]:
            model = arguments.model if arguments.base else train(arguments, data, seed, precision)
            name = f"{data.name}-base-{precision}" if arguments.base else f"{data.name}-{seed}-{precision}"
            pair.append(ndcg(arguments, model, data, precision, name))
        means.append([float(np.mean(list(values.values()))) for values in pair])
        for query in pair[0]:
            differences.setdefault(query, []).append(pair[1][query] - pair[0][query])
    values = np.array([np.mean(of_query) for of_query in differences.values()])
    error = values.std(ddof=1) / np.sqrt(len(values))
    reach = stats.t.ppf(0.95, len(values) - 1) * error
    low, high = values.mean() - reach, values.mean() + reach
    for number, (exact, other) in enumerate(means):
        print(f"{data.name} run {number}: f32 {exact:.4f}, {arguments.format} {other:.4f}")
    verdict = "equivalent" if max(-low, high) < arguments.margin else "not shown to be equivalent"
    print(f"{data.name}: {values.mean():+.5f}, 90 % interval {low:+.5f} to {high:+.5f} over "
          f"{len(values)} queries: {verdict} within {arguments.margin}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--format", default="bf16")
    parser.add_argument("--base", action="store_true")
    parser.add_argument("--seeds", default="42,1,2")
    parser.add_argument("--margin", type=float, default=0.005)
    parser.add_argument("--embedtune", default="embedtune")
    parser.add_argument("--work", default="precision-runs")
    arguments = parser.parse_args()
    Path(arguments.work).mkdir(parents=True, exist_ok=True)
    for data in arguments.data:
        compare(arguments, data)


main()
