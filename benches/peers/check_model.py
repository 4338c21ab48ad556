"""Checks that Sentence Transformers loads a saved model and computes the same embeddings.

    python check_model.py MODEL_DIR TEXTS EMBEDDINGS.npy [--tolerance 1e-5]

TEXTS is a .jsonl file with `text` and, if there is one, `title` (joined by a space, as in a BEIR
corpus), or a file with one text per line. Row i of EMBEDDINGS.npy, `(texts, dim)`, belongs to text
i. Prints one JSON object with the largest absolute difference and what the model says of itself;
the exit status is 1 if the difference is above the tolerance or the shapes differ.
"""

import argparse
import json
import sys

import numpy
from sentence_transformers import SentenceTransformer


def read_texts(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file if line.strip()]
    if not path.endswith(".jsonl"):
        return lines
    rows = [json.loads(line) for line in lines]
    return [f"{row.get('title') or ''} {row['text']}".strip() for row in rows]


def describe(model):
    """Pooling, normalization and the rest, by the modules' class names, which outlive versions."""
    modules = {type(module).__name__: module for module in model}
    pooling = modules.get("Pooling")
    mode = getattr(pooling, "pooling_mode", None)
    if mode is None and pooling is not None:
        mode = pooling.get_pooling_mode_str()
    return {
        "modules": [type(module).__name__ for module in model],
        "pooling": mode if isinstance(mode, (str, type(None))) else list(mode),
        "normalize": "Normalize" in modules,
        "max_seq_length": model.max_seq_length,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("texts")
    parser.add_argument("embeddings")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    args = parser.parse_args()

    texts = read_texts(args.texts)
    given = numpy.load(args.embeddings)
    model = SentenceTransformer(args.model, device="cpu")
    expected = model.encode(texts, batch_size=64, show_progress_bar=False)
    report = {"model": args.model, "texts": len(texts), **describe(model)}
    if given.shape != expected.shape:
        report |= {"shape": list(given.shape), "expected_shape": list(expected.shape)}
        print(json.dumps(report))
        sys.exit(1)
    difference = float(numpy.abs(given.astype("float64") - expected.astype("float64")).max())
    report["max_abs_difference"] = difference
    print(json.dumps(report))
    sys.exit(0 if difference <= args.tolerance else 1)


if __name__ == "__main__":
    main()
