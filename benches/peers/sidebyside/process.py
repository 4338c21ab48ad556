"""Child processes: their output, their time, their memory."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass


class Failed(Exception):
    """A child process that did not end well."""

    def __init__(self, command, status, message):
        self.status = status
        self.message = message
        super().__init__(f"exit status {status}: {' '.join(map(str, command))}\n{message}")


@dataclass
class Finished:
    """A child process that ended well."""

    report: dict
    #: What `time.time()` said when it was started.
    started: float
    #: Seconds from its start to its end.
    wall: float
    #: Largest resident memory in MB (10^6 bytes), of it and of what it started and waited for.
    peak_mb: float
    #: Share of the processor that everything else took meanwhile; None where nothing tells.
    others: float | None


def busy_seconds():
    """Processor time that was spent so far, by anyone."""
    try:
        with open("/proc/stat", encoding="utf-8") as file:
            counts = map(int, file.readline().split()[1:])
        user, nice, system, _, _, irq, softirq, steal, *_ = counts
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def run(command, threads):
    """Runs a command that prints one JSON object. It finds the time of its start in
    COMPARE_STARTED, and may use `threads` threads."""
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "RAYON_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        started = time.time()
        environment["COMPARE_STARTED"] = repr(started)
        busy, begun = busy_seconds(), time.perf_counter()
        child = subprocess.Popen(
            list(map(str, command)), stdout=out, stderr=errors, env=environment
        )
        # The one call that tells the memory of this child alone.
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        others = None
        if busy is not None:
            own = usage.ru_utime + usage.ru_stime
            others = max(busy_seconds() - busy - own, 0.0) / (wall * os.cpu_count())
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        output, message = out.read().decode(), errors.read().decode(errors="replace")
    if child.returncode != 0:
        raise Failed(command, child.returncode, message[-2000:])
    unit = 1 if sys.platform == "darwin" else 1024
    try:
        report = json.loads(output)
    except ValueError as error:
        raise Failed(command, 0, f"no JSON: {error}: {output[:200]}") from error
    return Finished(report, started, wall, usage.ru_maxrss * unit / 1e6, others)
