"""Fine-tunes and evaluates with Sentence Transformers: the other side of a side-by-side run.

    python finetune.py MODEL DATA [--output DIR] [--batch-size 32] [--epochs 1] [--max-steps N]
        [--learning-rate 2e-5] [--max-seq-len 256] [--seed 42] [--bf16] [--cached] [--threads N]
        [--no-eval]

DATA is a folder in the BEIR layout: corpus.jsonl, queries.jsonl, qrels/train.tsv, qrels/test.tsv.
A document is its title and text, joined by a space. Every (query, relevant document) of the train
judgements is a pair; pairs are shuffled with the seed, and no batch holds a text twice.

Prints one JSON object: retrieval metrics on the test split before and after, and the speed of
training without the evaluations (`pairs_per_second`; `tokens_per_second` counts real tokens,
without padding).
"""

import argparse
import json
import math
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import BatchSamplers
from sentence_transformers.sentence_transformer import losses
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from transformers import PrinterCallback


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("data", type=Path)
    parser.add_argument("--output", help="directory for the trained model")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--epochs", type=float, default=1)
    parser.add_argument("--max-steps", type=int, default=-1)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--max-seq-len", type=int, default=256)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--bf16", action="store_true", help="autocast with float32 weights")
    parser.add_argument("--cached", action="store_true", help="gradient caching in chunks of 32")
    parser.add_argument("--threads", type=int, help="default: as PyTorch chooses")
    parser.add_argument("--no-eval", action="store_true")
    return parser.parse_args()


def json_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


class Beir:
    """A dataset folder: texts by id, and the relevant documents of each judged query."""

    def __init__(self, folder):
        self.folder = folder
        documents = json_lines(folder / "corpus.jsonl")
        self.corpus = {d["_id"]: f"{d.get('title') or ''} {d['text']}".strip() for d in documents}
        self.queries = {q["_id"]: q["text"] for q in json_lines(folder / "queries.jsonl")}

    def relevant(self, split):
        out = {}
        with open(self.folder / "qrels" / f"{split}.tsv", encoding="utf-8") as lines:
            next(lines)
            for line in lines:
                query, document, grade = line.split()
                if float(grade) > 0:
                    out.setdefault(query, set()).add(document)
        return out

    def pairs(self, seed):
        # In file order first: the order of a set of strings changes from run to run.
        relevant = self.relevant("train")
        pairs = [
            (self.queries[q], self.corpus[d]) for q in relevant for d in sorted(relevant[q])
        ]
        random.Random(seed).shuffle(pairs)
        return pairs

    def evaluator(self):
        relevant = self.relevant("test")
        return InformationRetrievalEvaluator(
            {q: self.queries[q] for q in relevant},
            self.corpus,
            relevant,
            batch_size=64,
            precision_recall_at_k=[10],
            accuracy_at_k=[10],
            mrr_at_k=[10],
            ndcg_at_k=[10],
            map_at_k=[100],
        )


def metrics(evaluator, model):
    return {name.split("_", 1)[-1]: round(value, 5) for name, value in evaluator(model).items()}


def train(model, pairs, args):
    batches = math.ceil(len(pairs) / args.batch_size)
    steps = args.max_steps if args.max_steps > 0 else math.ceil(batches * args.epochs)
    if args.cached:
        loss = losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=32)
    else:
        loss = losses.MultipleNegativesRankingLoss(model)
    columns = {"anchor": [a for a, _ in pairs], "positive": [p for _, p in pairs]}
    with tempfile.TemporaryDirectory() as scratch:
        trainer = SentenceTransformerTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=scratch,
                num_train_epochs=args.epochs,
                max_steps=args.max_steps,
                per_device_train_batch_size=args.batch_size,
                learning_rate=args.learning_rate,
                warmup_steps=math.ceil(steps * 0.1),
                bf16=args.bf16,
                use_cpu=not torch.cuda.is_available(),
                batch_sampler=BatchSamplers.NO_DUPLICATES,
                save_strategy="no",
                logging_steps=20,
                report_to=[],
                disable_tqdm=True,
                seed=args.seed,
            ),
            train_dataset=Dataset.from_dict(columns),
            loss=loss,
        )
        trainer.remove_callback(PrinterCallback)
        start = time.perf_counter()
        final_loss = trainer.train().training_loss
        seconds = time.perf_counter() - start
    seen = steps * args.batch_size if args.max_steps > 0 else round(len(pairs) * args.epochs)
    tokens = tokens_per_pair(model, pairs, args.max_seq_len)
    return {
        "steps": steps,
        "train_seconds": seconds,
        "pairs_per_second": seen / seconds,
        "tokens_per_pair": tokens,
        "tokens_per_second": seen * tokens / seconds,
        "mean_loss": final_loss,
    }


def tokens_per_pair(model, pairs, max_seq_len):
    sample = pairs[:2000]
    texts = [text for pair in sample for text in pair]
    ids = model.tokenizer(texts, truncation=True, max_length=max_seq_len)["input_ids"]
    return sum(map(len, ids)) / len(sample)


def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    data = Beir(args.data)
    model = SentenceTransformer(args.model)
    model.max_seq_length = args.max_seq_len
    evaluator = None if args.no_eval else data.evaluator()
    pairs = data.pairs(args.seed)
    report = {"data": args.data.name, "pairs": len(pairs), "seed": args.seed}
    if evaluator:
        report["before"] = metrics(evaluator, model)
    report |= train(model, pairs, args)
    if evaluator:
        report["after"] = metrics(evaluator, model)
    if args.output:
        model.save(args.output)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report["peak_rss_mb"] = peak / (2**20 if sys.platform == "darwin" else 2**10)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
