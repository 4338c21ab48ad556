"""Who takes part: embedtune and its peers, each as a command that is run anew every time."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from .process import Failed, run

HERE = Path(__file__).resolve().parent.parent


@dataclass
class Setting:
    """What all contestants of a comparison share."""

    embedtune: Path
    python: str
    model: Path
    scratch: Path
    threads: int
    max_seq_len: int


@dataclass
class Measurement:
    """One run."""

    #: Real tokens in the timed part; 0 where time alone is compared.
    tokens: int
    #: Time of the timed part.
    seconds: float
    #: Largest resident memory of the whole process, MB.
    peak_mb: float
    #: Whatever else was seen.
    facts: dict = field(default_factory=dict)

    @property
    def speed(self):
        return self.tokens / self.seconds


class Skip(Exception):
    """Why a contestant cannot take part."""


def seen(done):
    """What is worth keeping of a process besides its measurement."""
    return {"wall": done.wall, "others": done.others}


class Own:
    """embedtune."""

    def __init__(self, setting, precision, threads=None, label="embedtune"):
        self.setting = setting
        self.precision = precision
        self.threads = threads or setting.threads
        self.name = f"{label} {precision}"

    def command(self, verb, *arguments):
        setting = self.setting
        common = ["--model", setting.model, "--max-seq-len", setting.max_seq_len]
        common += ["--precision", self.precision, "--json", "--quiet"]
        return [setting.embedtune, verb, *common, *arguments]

    def call(self, verb, *arguments):
        done = run(self.command(verb, *arguments), self.threads)
        said = done.report.get("precision", self.precision)
        if said != self.precision:
            raise Skip(f"it computed in {said}")
        return done

    def output(self):
        """A place that does not exist yet; what an earlier run left there is removed."""
        path = self.setting.scratch / "own-output"
        shutil.rmtree(path, ignore_errors=True)
        for file in self.setting.scratch.glob("own-output*"):
            shutil.rmtree(file) if file.is_dir() else file.unlink()
        return path

    def check(self):
        """Refuses a format that this build does not have, before time is spent."""
        try:
            self.probe()
        except Failed as failure:
            if "precision" not in failure.message:
                raise
            line = next(line for line in failure.message.splitlines() if "precision" in line)
            raise Skip(line.strip()) from failure


class OwnTraining(Own):
    """`embedtune train` on pairs in file order."""

    def __init__(self, setting, pairs, precision, batch_size, warmup_steps, extra=(), **how):
        super().__init__(setting, precision, **how)
        self.pairs = pairs
        self.batch_size = batch_size
        self.warmup_steps = warmup_steps
        self.extra = list(extra)

    def train(self, pairs, batch_size):
        output = self.output()
        arguments = ["--data", pairs, "--output", output, "--batch-size", batch_size]
        arguments += ["--recipe", "plain", "--sampler", "sequential", *self.extra]
        done = self.call("train", *arguments)
        with open(output / "metrics.jsonl", encoding="utf-8") as lines:
            return done, [json.loads(line) for line in lines]

    def probe(self):
        few = self.setting.scratch / "few.jsonl"
        with open(self.pairs, encoding="utf-8") as lines:
            few.write_text("".join(line for line, _ in zip(lines, range(2))), encoding="utf-8")
        self.train(few, 2)

    def run(self):
        done, steps = self.train(self.pairs, self.batch_size)
        timed = steps[self.warmup_steps :]
        # Everything is tokenized before the first step, and counted in the total but in no step:
        # the timed steps bear their share of it.
        total = done.report["train_seconds"]
        before = max(total - sum(step["seconds"] for step in steps), 0.0)
        seconds = sum(step["seconds"] for step in timed) + before * len(timed) / len(steps)
        tokens = sum(step["tokens"] for step in timed)
        facts = seen(done) | {"tokenizing": before, "mean_loss": done.report["mean_loss"]}
        return Measurement(tokens, seconds, done.peak_mb, facts)


class OwnStart(Own):
    """From the command to the first training step, on a whole BEIR folder."""

    def __init__(self, setting, folder, precision):
        super().__init__(setting, precision)
        self.folder = folder
        #: Seconds of the first run, which may have checks to make that later ones need not.
        self.first = None

    def probe(self):
        self.first = self.run().seconds

    def run(self):
        output = self.output()
        arguments = ["--data", self.folder, "--output", output, "--recipe", "plain"]
        done = self.call("train", *arguments, "--max-steps", 1)
        log = output / "metrics.jsonl"
        # The line of the first step is written as it ends, and says how long it took.
        step = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
        seconds = log.stat().st_mtime - step["seconds"] - done.started
        return Measurement(0, seconds, done.peak_mb, seen(done))


class OwnEncoding(Own):
    """`embedtune embed`."""

    def __init__(self, setting, documents, precision, **how):
        super().__init__(setting, precision, **how)
        self.documents = documents

    def embed(self, documents):
        output = self.output().with_suffix(".npy")
        return self.call("embed", "--input", documents, "--output", output)

    def probe(self):
        few = self.setting.scratch / "few.jsonl"
        with open(self.documents, encoding="utf-8") as lines:
            few.write_text("".join(line for line, _ in zip(lines, range(2))), encoding="utf-8")
        self.embed(few)

    def run(self):
        done = self.embed(self.documents)
        report = done.report
        facts = seen(done)
        return Measurement(report["tokens"], report["seconds"], done.peak_mb, facts)


class Peer:
    """A script of this folder that prints `tokens` and `seconds`."""

    def __init__(self, setting, name, precision, script, *arguments):
        self.setting = setting
        self.name = name
        self.precision = precision
        common = ["--max-seq-len", setting.max_seq_len, "--threads", setting.threads]
        self.command = [setting.python, HERE / script, *arguments, *common]

    def check(self):
        """Peers are looked at when the comparison begins."""

    def run(self):
        done = run(self.command, self.setting.threads)
        report = done.report
        facts = seen(done) | report
        return Measurement(report["tokens"], report["seconds"], done.peak_mb, facts)


class PeerStart(Peer):
    """From the command to the peer's first training step."""

    def run(self):
        measurement = super().run()
        seconds = measurement.facts["first_step_seconds"]
        return Measurement(0, seconds, measurement.peak_mb, measurement.facts)
