"""The rows that every contestant gets, written once as files."""

import json
import random


def json_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def write_lines(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def text_of(document):
    """A document is its title and text, joined by a space, as everywhere."""
    return f"{document.get('title') or ''} {document['text']}".strip()


def train_pairs(folder):
    """Every (query, relevant document) of the training judgements, in a fixed shuffled order."""
    documents = {row["_id"]: text_of(row) for row in json_lines(folder / "corpus.jsonl")}
    queries = {row["_id"]: row["text"] for row in json_lines(folder / "queries.jsonl")}
    pairs = []
    with open(folder / "qrels" / "train.tsv", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            query, document, grade = line.split()
            if float(grade) > 0:
                pairs.append((queries[query], documents[document]))
    random.Random(42).shuffle(pairs)
    return pairs


def batches(pairs, batch_size, count):
    """`count` batches in which no text occurs twice, from the front of `pairs`; a pair that does
    not fit into the batch under way waits for the next. A text that occurred twice would be
    encoded once by one side and twice by the other."""
    waiting, taken = list(pairs), []
    for _ in range(count):
        batch, seen, later = [], set(), []
        for pair in waiting:
            if len(batch) < batch_size and not seen.intersection(pair):
                batch.append(pair)
                seen.update(pair)
            else:
                later.append(pair)
        if len(batch) < batch_size:
            rows = len(taken) + len(batch)
            raise SystemExit(f"the data has {rows} pairs for {count} batches of {batch_size}")
        taken += batch
        waiting = later
    return taken


def write_pairs(path, pairs):
    write_lines(path, [{"anchor": anchor, "positive": positive} for anchor, positive in pairs])
    return path


def write_documents(path, folder, count):
    """`count` documents drawn from the corpus, no text twice, in the order of the corpus."""
    rows, seen = [], set()
    for row in json_lines(folder / "corpus.jsonl"):
        if text_of(row) not in seen:
            seen.add(text_of(row))
            rows.append(row)
    chosen = sorted(random.Random(42).sample(range(len(rows)), min(count, len(rows))))
    write_lines(path, [rows[index] for index in chosen])
    return path
