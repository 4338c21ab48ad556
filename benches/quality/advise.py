"""Is the advice right? Predicts the gain of a full run, makes the run, and compares.

    python advise.py EMBEDTUNE MODEL OUT DATA [DATA ...] [--minutes 20] [--seed 42] [--run-seeds 42]

EMBEDTUNE is the program, OUT a folder for what was found out, each DATA a folder in the BEIR layout
with train and test judgements. For each data set, in three steps whose results are kept in OUT:

1. `embedtune advise` predicts the gain in nDCG@10 on the test split, with its interval;
2. `embedtune train` trains on all pairs, once for each of --run-seeds;
3. `embedtune eval` scores the base model and each tuned one.

What is there already is not done again, so the script can be stopped at any time and started anew
(an interrupted training goes on from its last checkpoint). Prints a table, and one JSON object to
OUT/summary.json: a gain is confirmed if it lies in the interval, and the interval is to be no wider
than 0.08. Needs nothing but Python 3.9.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

MEASURE = "ndcg@10"
WIDEST = 0.08


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("embedtune")
    parser.add_argument("model")
    parser.add_argument("out", type=Path)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--run-seeds", type=int, nargs="+", default=[42])
    return parser.parse_args()


def kept(path, make):
    """The JSON in `path`, made first if it is not there. A file appears whole or not at all."""
    if not path.exists():
        started = time.time()
        result = make()
        result["wall_seconds"] = round(time.time() - started, 1)
        staged = path.with_suffix(".part")
        staged.write_text(json.dumps(result, indent=1) + "\n")
        staged.rename(path)
        print(f"{path.name}: {result['wall_seconds']} s", file=sys.stderr)
    return json.loads(path.read_text())


def embedtune(args, *flags):
    command = [args.embedtune, *map(str, flags), "--json"]
    print(" ".join(command), file=sys.stderr)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def train(args, data, seed, output):
    if output.exists():
        return json.loads((output / "training.json").read_text())
    resume = ["--resume"] if output.with_name(output.name + ".run").exists() else []
    # One epoch is evaluated on dev once, at its end: the last weights are kept, as in short runs.
    return embedtune(
        args, "train", "--model", args.model, "--data", data, "--output", output, "--seed", seed,
        "--checkpoint-every", "100", *resume,
    )


def judge(args, data):
    out = args.out / data.name
    out.mkdir(parents=True, exist_ok=True)
    advice = kept(out / "advice.json", lambda: embedtune(
        args, "advise", "--model", args.model, "--data", data, "--minutes", args.minutes,
        "--seed", args.seed,
    ))
    score = lambda model: embedtune(args, "eval", "--model", model, "--data", data)
    base = kept(out / "base.json", lambda: score(args.model))["metrics"][MEASURE]
    gains = []
    for seed in args.run_seeds:
        tuned = out / f"tuned-{seed}"
        kept(out / f"train-{seed}.json", lambda: train(args, data, seed, tuned))
        scores = kept(out / f"tuned-{seed}-eval.json", lambda: score(tuned))
        gains.append(scores["metrics"][MEASURE] - base)
    prediction = advice["advice"].get("prediction")
    if prediction is None:
        return {"data": data.name, "prediction": None, "gains": gains, "notes": advice["notes"]}
    low, high = prediction["interval"]
    return {
        "data": data.name,
        "verdict": advice["advice"]["summary"],
        "base": base,
        "predicted": prediction["gain"],
        "interval": [low, high],
        "errors": prediction["errors"],
        "gains": gains,
        "confirmed": [low <= gain <= high for gain in gains],
        "narrow": high - low <= WIDEST,
        "notes": advice["notes"],
    }


def main():
    args = arguments()
    rows = [judge(args, data) for data in args.data]
    print(f"{'data':<20}{'predicted':>10}  {'interval':>16}{'width':>7}  gains of full runs")
    for row in rows:
        gains = " ".join(f"{gain:+.4f}" for gain in row["gains"])
        if row.get("interval") is None:
            print(f"{row['data']:<20}{'-':>10}  {'-':>16}{'-':>7}  {gains}")
            continue
        low, high = row["interval"]
        marks = " ".join("in" if it else "OUT" for it in row["confirmed"])
        print(
            f"{row['data']:<20}{row['predicted']:>+10.4f}  {low:>+7.4f}..{high:>+7.4f}"
            f"{high - low:>7.3f}  {gains}  {marks}"
        )
    confirmed = sum(all(row.get("confirmed", [False])) for row in rows)
    narrow = sum(row.get("narrow", False) for row in rows)
    print(f"confirmed: {confirmed} of {len(rows)}; no wider than {WIDEST}: {narrow} of {len(rows)}")
    summary = {"confirmed": confirmed, "narrow": narrow, "rows": rows}
    (args.out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")


if __name__ == "__main__":
    main()
