"""Runs embedtune and its peers in turn on the same rows, and prints the ratios.

    python compare.py --model MODEL --data DATA [--task NAME]... [--precision FORMAT]...
        [--pairs 5] [--scale 1] [--json FILE] [--embedtune PATH] [--python PATH]

MODEL is a directory; DATA holds the BEIR folders scifact, financial_qa_10k, nl2bash and medquad.
`--python` is one with sentence-transformers; this script itself needs only the standard library.

Each round runs every contestant of a task once, each as a process of its own, and every second
round in reverse order. Prints a table in Markdown: the median ratio with the smallest and the
largest, real tokens a second (padding does not count), the largest resident memory, and the share
of the machine's best matrix product that the model's operations are. What is timed, and how it is
counted, is in README.md. Exit status 1 if a task failed or contestants computed different things.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sidebyside import report
from sidebyside.contestants import HERE, Setting
from sidebyside.flops import Model
from sidebyside.process import Failed, run
from sidebyside.tasks import TASKS, Bench

FORMATS = ("f32", "bf16", "int8")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    built = HERE.parent.parent / "target" / "release"
    parser.add_argument("--model", type=Path, required=True, help="directory of the model")
    parser.add_argument("--data", type=Path, required=True, help="folder of BEIR folders")
    parser.add_argument(
        "--task", action="append", metavar="NAME",
        help=f"a task or the beginning of its name, repeatable: {', '.join(TASKS)} (default: all)",
    )
    parser.add_argument(
        "--precision", action="append", choices=FORMATS, help="repeatable (default: all)"
    )
    parser.add_argument("--pairs", type=int, default=5, help="rounds of each task (default: 5)")
    parser.add_argument("--scale", type=float, default=1, help="of steps and texts (default: 1)")
    parser.add_argument("--max-seq-len", type=int, default=256)
    parser.add_argument("--peer-batch-size", type=int, default=32, help="texts a batch of encoding")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="on both sides")
    parser.add_argument("--python", default="python3", help="one that has sentence-transformers")
    parser.add_argument("--embedtune", type=Path, default=built / "embedtune")
    parser.add_argument("--ceiling", type=Path, default=built / "ceiling")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, run by run")
    args = parser.parse_args()
    args.task = [n for n in TASKS if any(n.startswith(t) for t in args.task or [""])]
    if not args.task:
        parser.error(f"no such task; there are {', '.join(TASKS)}")
    args.precision = [f for f in FORMATS if f in (args.precision or FORMATS)]
    return args


def say(text):
    print(text, file=sys.stderr, flush=True)


def measure_ceiling(args, known):
    """The ceiling by our kernels and by PyTorch's; with what was measured before, the higher rate
    of the two."""
    found = {}
    torch = [args.python, HERE / "gemm_torch.py", "--threads", args.threads]
    for command in ([args.ceiling], torch):
        try:
            found |= run(command, args.threads).report
        except (Failed, OSError) as error:
            say(f"ceiling not measured: {error}")
    for name, rates in found.items():
        if isinstance(rates, dict) and name in known:
            numbers = {k: v for k, v in rates.items() if isinstance(v, float)}
            rates |= {k: max(v, known[name][k]) for k, v in numbers.items()}
    return found


def play(task, pairs):
    """The rounds of a task: measurements by contestant."""
    rounds = []
    for number in range(pairs):
        order = task.contestants if number % 2 == 0 else task.contestants[::-1]
        done = {}
        for contestant in order:
            measurement = contestant.run()
            done[contestant.name] = measurement
            rate = f", {measurement.speed:,.0f} tokens/s" if measurement.tokens else ""
            say(
                f"  {number + 1}/{pairs} {contestant.name}: {measurement.seconds:.2f} s{rate}, "
                f"{measurement.peak_mb:,.0f} MB"
            )
        rounds.append(done)
    return rounds


def peer_versions(python):
    """Versions of what the peers run on, by package name."""
    code = (
        "import json, importlib.metadata as m, platform\n"
        "found = {'Python': platform.python_version()}\n"
        "for name in ('sentence-transformers', 'transformers', 'torch', 'onnxruntime'):\n"
        "    try: found[name] = m.version(name)\n"
        "    except m.PackageNotFoundError: pass\n"
        "print(json.dumps(found))"
    )
    return run([python, "-c", code], 1).report


class Comparison:
    """Tasks that were played, and the file that keeps them."""

    def __init__(self, args, scratch):
        self.args = args
        self.model = Model(args.model)
        model = args.model.resolve()
        self.bench = Bench(
            Setting(args.embedtune, args.python, model, scratch, args.threads, args.max_seq_len),
            args,
        )
        self.about = report.header(args, peer_versions(args.python))
        self.ceiling = measure_ceiling(args, {})
        self.played = []
        self.failed = False

    def results(self):
        return [report.result(*played, self.model, self.ceiling) for played in self.played]

    def keep(self):
        if self.args.json:
            report.write_json(self.args.json, self.about, self.ceiling, self.results())

    def play(self, task):
        say(f"{task.name} {task.precision}")
        for note in task.notes:
            say(f"  {note}")
        begun = time.perf_counter()
        rounds = play(task, self.args.pairs) if task.contestants else []
        say(f"  {time.perf_counter() - begun:.0f} s")
        self.played.append((task, rounds))
        self.keep()

    def play_all(self):
        for name in self.args.task:
            make, formats = TASKS[name]
            try:
                for task in make(self.bench, [f for f in self.args.precision if f in formats]):
                    self.play(task)
            except (Failed, subprocess.CalledProcessError) as failure:
                say(f"{name} failed, and the rest of it is left out: {failure}")
                self.failed = True
        self.ceiling = measure_ceiling(self.args, self.ceiling)
        self.keep()
        print(report.markdown(self.about, self.ceiling, self.results()), end="")
        return self.failed or any(report.complaints(*played) for played in self.played)


def main():
    args = arguments()
    load = os.getloadavg()[0]
    if load > 0.5:
        say(f"warning: the machine is busy (load {load:.1f}); ratios and speeds will be off")
    with tempfile.TemporaryDirectory() as scratch:
        sys.exit(1 if Comparison(args, Path(scratch)).play_all() else 0)


if __name__ == "__main__":
    main()
