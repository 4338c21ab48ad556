"""Counts the real tokens of texts as the model cuts them, with nothing but its tokenizer.

    python count_tokens.py MODEL TEXTS.jsonl [--max-seq-len 256] [--skip LINES]

A line has an anchor and a positive, or a text and perhaps a title (joined by a space). Prints one
JSON object: `texts`, `tokens`, special ones included, and `squares`, the sum of the squared
lengths, to which the work of attention is proportional.
"""

import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer


def texts_of(row):
    if "anchor" in row:
        return [row["anchor"], row["positive"]]
    return [f"{row.get('title') or ''} {row['text']}".strip()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("texts")
    parser.add_argument("--max-seq-len", type=int, default=256)
    parser.add_argument("--skip", type=int, default=0, help="lines at the start that do not count")
    args = parser.parse_args()

    with open(args.texts, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()][args.skip :]
    tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
    # The file may carry a length and padding of its own.
    tokenizer.enable_truncation(args.max_seq_len)
    tokenizer.no_padding()
    texts = [text for row in rows for text in texts_of(row)]
    lengths = [len(encoded.ids) for encoded in tokenizer.encode_batch(texts)]
    squares = sum(length * length for length in lengths)
    print(json.dumps({"texts": len(texts), "tokens": sum(lengths), "squares": squares}))


if __name__ == "__main__":
    main()
