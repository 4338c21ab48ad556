"""From runs to medians, ratios and a table."""

import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys

from .contestants import HERE
from .flops import utilisation


def machine():
    """Processor, cores and memory, as the system tells them."""
    facts = {"cores": os.cpu_count(), "system": platform.platform()}
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            fields = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines())
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        numbers = f"family {fields['cpu family']}, model {fields['model']}"
        facts["processor"] = f"{fields['model name']} ({numbers})"
        with open("/proc/meminfo", encoding="utf-8") as file:
            facts["memory_gib"] = round(int(file.readline().split()[1]) / 2**20)
    except (OSError, KeyError, ValueError):
        facts["processor"] = platform.processor() or platform.machine()
    return facts


def commit():
    """The commit of the sources beside this script, and whether they differ from it."""

    def git(*arguments):
        command = ["git", "-C", HERE, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def header(args, versions):
    version = subprocess.check_output([args.embedtune, "--version"], text=True).strip()
    return {
        "machine": machine(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
        "commit": commit(),
        "command": shlex.join(["python", *map(portable, sys.argv)]),
        "versions": {"embedtune": version} | versions,
    }


def portable(argument):
    """An argument without the folders of this machine."""
    return os.path.basename(argument.rstrip("/")) if "/" in argument else argument


def ratio_of(ratio, rounds):
    """The ratio in each round."""

    def value(measurement):
        return measurement.speed if measurement.tokens else 1 / measurement.seconds

    ratios = [value(done[ratio.of.name]) / value(done[ratio.over.name]) for done in rounds]
    return [1 / value for value in ratios] if ratio.as_time else ratios


def median_of(rounds, name, attribute):
    return statistics.median(getattr(done[name], attribute) for done in rounds)


def describe(contestant, task, rounds, model, ceiling):
    """Medians of one contestant."""
    seconds = median_of(rounds, contestant.name, "seconds")
    tokens = rounds[0][contestant.name].tokens
    share = utilisation(model, task.work, seconds, ceiling, contestant.precision)
    return {
        "name": contestant.name,
        "seconds": seconds,
        "tokens": tokens,
        "tokens_per_second": tokens / seconds,
        "peak_mb": median_of(rounds, contestant.name, "peak_mb"),
        "utilisation": share,
        "runs": [
            {"seconds": m.seconds, "tokens": m.tokens, "peak_mb": m.peak_mb, **m.facts}
            for m in (done[contestant.name] for done in rounds)
        ],
    }


def complaints(task, rounds):
    """Where someone computed something else than was counted."""
    if task.work is None:
        return []
    wrong = {
        f"{name}: {measurement.tokens} tokens, not {task.work.tokens}: NOT COMPARABLE"
        for done in rounds
        for name, measurement in done.items()
        if measurement.tokens != task.work.tokens
    }
    return sorted(wrong)


def disturbance(rounds):
    """A remark if others were at work too."""
    shares = [m.facts.get("others") or 0.0 for done in rounds for m in done.values()]
    if max(shares, default=0.0) < 0.05:
        return []
    worst = 100 * max(shares)
    return [f"NOT QUIET: other processes took up to {worst:.0f} % of the processor during a run"]


def result(task, rounds, model, ceiling):
    """All figures of a task, as JSON."""
    contestants = [describe(c, task, rounds, model, ceiling) for c in task.contestants]
    by_name = {contestant["name"]: contestant for contestant in contestants}
    ratios = []
    for ratio in task.ratios:
        values = ratio_of(ratio, rounds)
        median = statistics.median(values)
        of, over = by_name[ratio.of.name], by_name[ratio.over.name]
        ratios.append({
            "of": ratio.of.name,
            "over": ratio.over.name,
            "kind": "time" if ratio.as_time else "speed",
            "median": median,
            "min": min(values),
            "max": max(values),
            "pairs": values,
            "memory": of["peak_mb"] / over["peak_mb"],
            "target": ratio.target and ratio.target[0],
            "met": ratio.target and ratio.target[1](median),
        })
    return {
        "task": task.name,
        "precision": task.precision,
        "work": task.work and vars(task.work),
        "contestants": contestants,
        "ratios": ratios,
        "notes": task.notes + complaints(task, rounds) + disturbance(rounds),
    }


def speed(contestant):
    if contestant["tokens"] == 0:
        return f"{contestant['seconds']:.2f} s"
    return f"{contestant['tokens_per_second']:,.0f}"


def share(contestant):
    value = contestant["utilisation"]
    return "–" if value is None else f"{100 * value:.0f} %"


COLUMNS = [
    "task", "compared", "ratio (min to max)", "target", "real tokens/s", "peak memory, MB",
    "of the GEMM ceiling",
]


def rows(results):
    for done in results:
        by_name = {contestant["name"]: contestant for contestant in done["contestants"]}
        for ratio in done["ratios"]:
            of, over = by_name[ratio["of"]], by_name[ratio["over"]]
            kind = " in time" if ratio["kind"] == "time" else ""
            met = {None: "", True: ", met", False: ", missed"}[ratio["met"]]
            yield [
                done["task"],
                f"{of['name']} / {over['name']}",
                f"**{ratio['median']:.2f}×**{kind} ({ratio['min']:.2f} to {ratio['max']:.2f})",
                (ratio["target"] or "–") + met,
                f"{speed(of)} / {speed(over)}",
                f"{of['peak_mb']:,.0f} / {over['peak_mb']:,.0f} ({ratio['memory']:.2f}×)",
                f"{share(of)} / {share(over)}",
            ]


def ceiling_line(ceiling):
    formats = [
        f"{name} {rates['best']:.0f} (encode {rates['encode']:.0f}"
        + (f", train {rates['train']:.0f})" if "train" in rates else ")")
        for name, rates in ceiling.items()
        if isinstance(rates, dict) and "best" in rates
    ]
    if not formats:
        return "**Ceiling**: not measured."
    line = f"**Ceiling**: GEMM in GFLOP/s: {', '.join(formats)}"
    if "triad" in ceiling:
        triad = ceiling["triad"]
        line += f"; memory {triad['all']:.0f} GB/s (one thread {triad['one']:.0f})"
    return line + "."


def markdown(about, ceiling, results):
    """The table, ready for a document."""
    machine = about["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    versions = versions.replace("embedtune embedtune", "embedtune")
    memory = f", {machine['memory_gib']} GiB" if "memory_gib" in machine else ""
    pairs = {len(ratio["pairs"]) for done in results for ratio in done["ratios"]}
    lines = [
        f"**Machine**: {machine['cores']} cores of {machine['processor']}{memory}. "
        f"**Date**: {about['date']}. **Commit**: {about['commit']}.",
        f"**Versions**: {versions}.",
        ceiling_line(ceiling),
        f"Medians over {' or '.join(map(str, sorted(pairs)))} rounds in alternating order.",
        "",
        "```sh",
        about["command"],
        "```",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    lines += ["| " + " | ".join(row) + " |" for row in rows(results)]
    notes = [f"- {done['task']}: {note}" for done in results for note in done["notes"]]
    return "\n".join(lines + ([""] + notes if notes else [])) + "\n"


def write_json(path, about, ceiling, results):
    """Whole or not at all, so that what a killed comparison has seen is kept."""
    staged = path.with_name(path.name + ".part")
    report = about | {"ceiling": ceiling, "tasks": results}
    staged.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    os.replace(staged, path)
