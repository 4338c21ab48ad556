"""Encodes documents with Sentence Transformers and times it.

    python encode_st.py MODEL DOCUMENTS.jsonl [--batch-size 32] [--max-seq-len 256]
        [--precision f32|bf16|autocast] [--warmup-texts 64] [--threads N]

A document is its title and text, joined by a space. `bf16` loads the weights in bfloat16, so that
every operation runs in it; `autocast` keeps them in f32 and lets PyTorch choose operation by
operation.

Prints one JSON object. `seconds` is the time of `model.encode` over all documents, tokenizing
included, after one call on a few that is not timed. `tokens` are those of the attention masks that
the model's own tokenizing gives, so padding is not counted; they are counted after the timing.
"""

import os
import time

STARTED = float(os.environ.get("COMPARE_STARTED", time.time()))

import argparse
import contextlib
import json

import numpy
import sentence_transformers
import torch
import transformers
from sentence_transformers import SentenceTransformer

IMPORTED = time.time()


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("documents")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-seq-len", type=int, default=256)
    parser.add_argument("--precision", choices=["f32", "bf16", "autocast"], default="f32")
    parser.add_argument("--warmup-texts", type=int, default=64)
    parser.add_argument("--threads", type=int, help="default: as PyTorch chooses")
    return parser.parse_args()


def read_texts(path):
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return [f"{row.get('title') or ''} {row['text']}".strip() for row in rows]


def count_tokens(model, texts, batch_size):
    count = 0
    for start in range(0, len(texts), batch_size):
        features = model.preprocess(texts[start : start + batch_size])
        count += int(features["attention_mask"].sum())
    return count


def main():
    args = arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    texts = read_texts(args.documents)
    before_load = time.time()
    dtype = torch.bfloat16 if args.precision == "bf16" else torch.float32
    model = SentenceTransformer(args.model, device="cpu", model_kwargs={"dtype": dtype})
    model.max_seq_length = args.max_seq_len
    loaded = time.time()
    if args.precision == "autocast":
        context = torch.autocast("cpu", dtype=torch.bfloat16)
    else:
        context = contextlib.nullcontext()
    with context:
        model.encode(texts[: args.warmup_texts], batch_size=args.batch_size)
        start = time.perf_counter()
        vectors = model.encode(texts, batch_size=args.batch_size, show_progress_bar=False)
        seconds = time.perf_counter() - start
    if vectors.shape[0] != len(texts) or not numpy.isfinite(vectors).all():
        raise SystemExit("vectors are missing or not finite")
    report = {
        "texts": len(texts),
        "tokens": count_tokens(model, texts, args.batch_size),
        "seconds": seconds,
        "dtype": str(model.dtype),
        "import_seconds": IMPORTED - STARTED,
        "load_seconds": loaded - before_load,
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
