"""Trains with Sentence Transformers on pairs in file order and times the steps.

    python train_st.py MODEL PAIRS.jsonl [--batch-size 32] [--max-seq-len 256] [--warmup-steps 1]
        [--max-steps N] [--precision f32|bf16] [--threads N]

Each line of PAIRS.jsonl is `{"anchor": "...", "positive": "..."}`; batch k holds lines
`k * batch_size` to `(k + 1) * batch_size - 1`. bf16 is the trainer's `bf16=True`: autocast over f32
weights. The rest is the plain recipe: multiple negatives ranking, AdamW without weight decay,
gradients clipped to norm 1, the model's own dropout.

Prints one JSON object. `seconds` runs from the end of the last warm-up step to the end of the last
step, and so holds what the trainer does between steps too: collating and tokenizing.
`tokens` are those of the attention masks of the same steps, so padding is not counted.
"""

import os
import time

STARTED = float(os.environ.get("COMPARE_STARTED", time.time()))

import argparse
import json
import tempfile

import sentence_transformers
import torch
import transformers
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer import losses
from torch.utils.data import BatchSampler, SequentialSampler
from transformers import PrinterCallback, TrainerCallback

IMPORTED = time.time()


class CountingLoss(losses.MultipleNegativesRankingLoss):
    """The loss itself; it notes the real tokens of each batch that it is given."""

    def __init__(self, model):
        super().__init__(model)
        self.tokens = []

    def forward(self, sentence_features, labels):
        features = list(sentence_features)
        self.tokens.append(sum(int(column["attention_mask"].sum()) for column in features))
        return super().forward(features, labels)


class Clock(TrainerCallback):
    """Notes when the first step begins and when each step ends."""

    def __init__(self):
        self.began = None
        self.ends = []

    def on_step_begin(self, *_, **__):
        if self.began is None:
            self.began = time.time()
            self.ends.append(time.perf_counter())

    def on_step_end(self, *_, **__):
        self.ends.append(time.perf_counter())


def in_order(dataset, batch_size, drop_last, **_):
    return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("pairs")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-seq-len", type=int, default=256)
    parser.add_argument("--warmup-steps", type=int, default=1, help="steps that are not timed")
    parser.add_argument("--max-steps", type=int, default=-1)
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, help="default: as PyTorch chooses")
    return parser.parse_args()


def read_pairs(path):
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return Dataset.from_dict({key: [row[key] for row in rows] for key in ("anchor", "positive")})


def training_arguments(args, scratch):
    return SentenceTransformerTrainingArguments(
        output_dir=scratch,
        num_train_epochs=1,
        max_steps=args.max_steps,
        per_device_train_batch_size=args.batch_size,
        learning_rate=2e-5,
        bf16=args.precision == "bf16",
        use_cpu=True,
        batch_sampler=in_order,
        save_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    dataset = read_pairs(args.pairs)
    before_load = time.time()
    model = SentenceTransformer(args.model, device="cpu")
    model.max_seq_length = args.max_seq_len
    loaded = time.time()
    loss, clock = CountingLoss(model), Clock()
    with tempfile.TemporaryDirectory() as scratch:
        trainer = SentenceTransformerTrainer(
            model=model,
            args=training_arguments(args, scratch),
            train_dataset=dataset,
            loss=loss,
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        mean_loss = trainer.train().training_loss
    report = {
        "steps": len(clock.ends) - 1,
        "tokens": sum(loss.tokens[args.warmup_steps :]),
        "seconds": clock.ends[-1] - clock.ends[args.warmup_steps],
        "mean_loss": mean_loss,
        "import_seconds": IMPORTED - STARTED,
        "load_seconds": loaded - before_load,
        "first_step_seconds": clock.began - STARTED,
        "threads": torch.get_num_threads(),
        "versions": {
            "sentence-transformers": sentence_transformers.__version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        },
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
