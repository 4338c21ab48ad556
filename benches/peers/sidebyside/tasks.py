"""What is compared. A task is a list of contestants that run in turn on the same rows, and the
ratios that are wanted of them."""

import json
import subprocess
from dataclasses import dataclass, field

from . import data
from .contestants import HERE, OwnEncoding, OwnStart, OwnTraining, Peer, PeerStart, Skip
from .flops import Work
from .process import Failed, run

ST = "Sentence Transformers"
TRAIN = ("f32", "bf16")

#: Rows at `--scale 1`.
LONG_STEPS, SHORT_STEPS, THREAD_STEPS, CACHED_PAIRS = 8, 20, 3, 1024
LONG_DOCUMENTS, SHORT_DOCUMENTS, THREAD_DOCUMENTS = 1000, 4000, 500


@dataclass
class Ratio:
    """`of` against `over`, by speed: tokens a second, or one over the time."""

    of: object
    over: object
    #: What is asked of the median, in words and as a check of it; None where nothing is.
    target: tuple | None
    #: The other way about: time against time.
    as_time: bool = False


def at_least(bound):
    return f"≥ {bound:g}", lambda value: value >= bound


def at_most(bound):
    return f"≤ {bound:g}", lambda value: value <= bound


@dataclass
class Task:
    name: str
    precision: str
    contestants: list
    ratios: list
    #: What the timed part of every contestant has to compute.
    work: Work | None
    notes: list = field(default_factory=list)

    def leave_out_unable(self):
        """Drops contestants that cannot take part, and the ratios that need them."""
        able = checked(self.contestants, self.notes)
        self.ratios = [r for r in self.ratios if r.of in able and r.over in able]
        needed = [contestant for ratio in self.ratios for contestant in (ratio.of, ratio.over)]
        self.contestants = [contestant for contestant in able if contestant in needed]
        return self


class Bench:
    """What tasks are made from."""

    def __init__(self, setting, args):
        self.setting = setting
        self.args = args

    def folder(self, name):
        return self.args.data / name

    def file(self, name):
        return self.setting.scratch / f"{name}.jsonl"

    def scaled(self, count):
        return max(1, round(count * self.args.scale))

    def work(self, path, trained, skip=0):
        script = HERE / "count_tokens.py"
        command = [self.setting.python, script, self.setting.model, path, "--skip", skip]
        command += ["--max-seq-len", self.setting.max_seq_len]
        counts = json.loads(subprocess.check_output(list(map(str, command))))
        return Work(counts["tokens"], counts["squares"], trained)


def checked(contestants, notes):
    """Those that can take part."""
    able = []
    for contestant in contestants:
        try:
            contestant.check()
            able.append(contestant)
        except Skip as skip:
            note = f"{contestant.precision} is left out: {skip}"
            if note not in notes:
                notes.append(note)
    return able


def training(bench, name, folder, steps, warmup, targets, precisions):
    batch = 32
    steps = bench.scaled(steps)
    pairs = data.batches(data.train_pairs(bench.folder(folder)), batch, steps + warmup)
    path = data.write_pairs(bench.file(name), pairs)
    work = bench.work(path, True, skip=warmup * batch)
    for precision in precisions:
        own = OwnTraining(bench.setting, path, precision, batch, warmup)
        options = ["--batch-size", batch, "--warmup-steps", warmup, "--precision", precision]
        label = f"{ST} {precision}" + (" autocast" if precision == "bf16" else "")
        script = "train_st.py"
        peer = Peer(bench.setting, label, precision, script, bench.setting.model, path, *options)
        ratios = [Ratio(own, peer, at_least(targets[precision]))]
        yield Task(f"{name}, {folder}", precision, [own, peer], ratios, work).leave_out_unable()


def train_long(bench, precisions):
    targets = {"f32": 3.3, "bf16": 3.1}
    return training(bench, "train-long", "scifact", LONG_STEPS, 1, targets, precisions)


def train_short(bench, precisions):
    targets = {"f32": 5, "bf16": 5}
    return training(
        bench, "train-short", "financial_qa_10k", SHORT_STEPS, 2, targets, precisions
    )


def encoding_peer(bench, path, mode, label):
    options = ["--batch-size", bench.args.peer_batch_size, "--precision", mode]
    precision = "f32" if mode == "f32" else "bf16"
    script = "encode_st.py"
    return Peer(bench.setting, label, precision, script, bench.setting.model, path, *options)


def faster_bf16(bench, path, notes):
    """The peer's bf16, by whichever of the two ways is faster on these texts."""
    ways = {
        "bf16": encoding_peer(bench, path, "bf16", f"{ST} bf16 weights"),
        "autocast": encoding_peer(bench, path, "autocast", f"{ST} bf16 autocast"),
    }
    speeds = {mode: peer.run().speed for mode, peer in ways.items()}
    best = max(speeds, key=speeds.get)
    tried = ", ".join(f"{ways[mode].name} {speed:,.0f}" for mode, speed in speeds.items())
    notes.append(f"tokens/s of the peer's two kinds of bf16: {tried}; the faster is compared")
    return ways[best]


def onnx_peer(bench, path, notes):
    """ONNX Runtime in int8, if its packages are there."""
    folder = bench.setting.scratch / "onnx"
    script = HERE / "encode_ort.py"
    if not folder.exists():
        try:
            command = [bench.setting.python, script, "export", bench.setting.model, folder]
            run(command, bench.setting.threads)
        except Failed as failure:
            lines = failure.message.strip().splitlines() or ["no message"]
            notes.append(f"ONNX Runtime int8 is left out: {lines[-1]}")
            return []
    options = ["--onnx", folder, "--batch-size", bench.args.peer_batch_size]
    model = bench.setting.model
    name = "ONNX Runtime int8"
    return [Peer(bench.setting, name, "int8", "encode_ort.py", "encode", model, path, *options)]


def encoding(bench, name, folder, documents, targets, precisions):
    path = data.write_documents(bench.file(name), bench.folder(folder), bench.scaled(documents))
    work = bench.work(path, False)
    title = f"{name}, {folder}"
    if "f32" in precisions:
        own = OwnEncoding(bench.setting, path, "f32")
        peer = encoding_peer(bench, path, "f32", f"{ST} f32")
        ratios = [Ratio(own, peer, at_least(targets["f32"]))]
        yield Task(title, "f32", [own, peer], ratios, work).leave_out_unable()
    # bf16 and int8 are held against the same runs of the peer.
    small = [precision for precision in ("bf16", "int8") if precision in precisions]
    task = Task(title, " and ".join(small), [], [], work)
    own = checked([OwnEncoding(bench.setting, path, p) for p in small], task.notes)
    if own:
        peer = faster_bf16(bench, path, task.notes)
        task.contestants = [*own, peer]
        for contestant in own:
            target = at_least(targets[contestant.precision])
            task.ratios.append(Ratio(contestant, peer, target))
            if contestant.precision == "int8":
                for onnx in onnx_peer(bench, path, task.notes):
                    task.contestants.append(onnx)
                    task.ratios.append(Ratio(contestant, onnx, None))
    if small:
        yield task


def encode_long(bench, precisions):
    targets = {"f32": 2.1, "bf16": 1.6, "int8": 2}
    return encoding(bench, "encode-long", "scifact", LONG_DOCUMENTS, targets, precisions)


def encode_short(bench, precisions):
    targets = {"f32": 2.2, "bf16": 1.8, "int8": 2}
    return encoding(bench, "encode-short", "nl2bash", SHORT_DOCUMENTS, targets, precisions)


def caching(bench, precisions):
    """One step over 1024 pairs with gradient caching against 32 plain steps over the same pairs:
    tokens are the same, so the ratio of the times is that per pair. The first step counts on both
    sides, since the cached run has no other."""
    large, small = bench.scaled(CACHED_PAIRS), 32
    large -= large % small
    if large < small:
        raise SystemExit("--scale leaves no batch for gradient caching")
    pairs = data.batches(data.train_pairs(bench.folder("medquad")), large, 1)
    path = data.write_pairs(bench.file("caching"), pairs)
    work = bench.work(path, True)
    for precision in precisions:
        label = f"batch {large} with --gradient-caching,"
        # What a plain batch of 32 long texts holds.
        extra = ["--gradient-caching", "--micro-tokens", 8192]
        cached = OwnTraining(
            bench.setting, path, precision, large, 0, extra=extra, label=label
        )
        plain = OwnTraining(bench.setting, path, precision, small, 0, label="batch 32 plain,")
        ratios = [Ratio(cached, plain, at_most(1.45), as_time=True)]
        task = Task("caching, medquad", precision, [cached, plain], ratios, work)
        yield task.leave_out_unable()


def threads(bench, precisions):
    """All threads against one. Nothing else may run, or the second core is not there."""
    setting, batch = bench.setting, 32
    steps = bench.scaled(THREAD_STEPS)
    pairs = data.batches(data.train_pairs(bench.folder("scifact")), batch, steps + 1)
    pairs = data.write_pairs(bench.file("threads-train"), pairs)
    count = bench.scaled(THREAD_DOCUMENTS)
    documents = bench.file("threads-encode")
    data.write_documents(documents, bench.folder("scifact"), count)
    work = bench.work(pairs, True, skip=batch), bench.work(documents, False)
    for precision in precisions:
        labels = [(n, f"{n} thread{'s' * (n > 1)},") for n in (setting.threads, 1)]
        train = [
            OwnTraining(setting, pairs, precision, batch, 1, threads=n, label=label)
            for n, label in labels
        ]
        encode = [
            OwnEncoding(setting, documents, precision, threads=n, label=label)
            for n, label in labels
        ]
        for name, both, work_done in zip(("train", "encode"), (train, encode), work):
            # What is asked is asked of two threads.
            target = at_least(1.85) if setting.threads == 2 else None
            title, ratios = f"threads, {name} scifact", [Ratio(*both, target)]
            yield Task(title, precision, both, ratios, work_done).leave_out_unable()


def startup(bench, precisions):
    """The peer reads the pairs from a file that is ready; embedtune reads and checks the folder."""
    folder = bench.folder("scifact")
    path = data.write_pairs(bench.file("startup"), data.train_pairs(folder))
    options = ["--max-steps", 1, "--warmup-steps", 0, "--batch-size", 32]
    for precision in precisions[:1]:
        own = OwnStart(bench.setting, folder, precision)
        peer = PeerStart(
            bench.setting, ST, precision, "train_st.py", bench.setting.model, path, *options
        )
        task = Task("startup, scifact", precision, [own, peer], [Ratio(own, peer, None)], None)
        task.leave_out_unable()
        if own.first is not None:
            task.notes.append(
                "seconds from the command to the first training step, of which embedtune should "
                f"need less than 1; {own.first:.2f} when it saw the data first in this comparison"
            )
        yield task


#: By name: what makes the tasks of it, and the formats that it knows.
TASKS = {
    "train-long": (train_long, TRAIN),
    "train-short": (train_short, TRAIN),
    "encode-long": (encode_long, ("f32", "bf16", "int8")),
    "encode-short": (encode_short, ("f32", "bf16", "int8")),
    "caching": (caching, TRAIN),
    "threads": (threads, TRAIN),
    "startup": (startup, TRAIN),
}
