"""Encodes documents with ONNX Runtime in int8 and times it.

    python encode_ort.py export MODEL FOLDER
    python encode_ort.py encode MODEL DOCUMENTS.jsonl --onnx FOLDER [--batch-size 32]
        [--max-seq-len 256] [--warmup-texts 64] [--threads N]

Needs `onnx`, `onnxscript` and `onnxruntime`. `export` writes the transformer of MODEL, with mean
pooling and normalization, to FOLDER and quantizes it: dynamic activations, signed 8-bit weights
with a scale for each output channel, as VNNI instructions like it. `encode` prints one JSON object
as encode_st.py does: `seconds` covers tokenizing, all batches (sorted by length) and the copy to
one array, `tokens` are those of the attention masks.

An exit status of 3 says that a package is missing.
"""

import os
import time

STARTED = float(os.environ.get("COMPARE_STARTED", time.time()))

import argparse
import contextlib
import json
import sys
from pathlib import Path

try:
    import numpy
    import onnxruntime
    from tokenizers import Tokenizer
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)

IMPORTED = time.time()
QUANTIZED = "model_int8.onnx"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("export")
    command.add_argument("model", type=Path)
    command.add_argument("folder", type=Path)
    command = commands.add_parser("encode")
    command.add_argument("model", type=Path)
    command.add_argument("documents")
    command.add_argument("--onnx", type=Path, required=True, help="folder that export wrote")
    command.add_argument("--batch-size", type=int, default=32)
    command.add_argument("--max-seq-len", type=int, default=256)
    command.add_argument("--warmup-texts", type=int, default=64)
    command.add_argument("--threads", type=int, default=os.cpu_count())
    return parser.parse_args()


def export(args):
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process
    from transformers import AutoModel

    class Encoder(torch.nn.Module):
        """Token ids to unit vectors, mean pooling."""

        def __init__(self):
            super().__init__()
            self.transformer = AutoModel.from_pretrained(args.model, attn_implementation="eager")

        def forward(self, input_ids, attention_mask):
            hidden = self.transformer(input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
            mean = (hidden * mask).sum(1) / mask.sum(1)
            return torch.nn.functional.normalize(mean, dim=1)

    args.folder.mkdir(parents=True, exist_ok=True)
    full, prepared = args.folder / "model.onnx", args.folder / "prepared.onnx"
    ids = torch.ones(2, 8, dtype=torch.int64)
    shape = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens")}
    torch.onnx.export(
        Encoder().eval(),
        (ids, torch.ones_like(ids)),
        full,
        input_names=["input_ids", "attention_mask"],
        output_names=["vectors"],
        dynamic_shapes=(shape, shape),
        dynamo=True,
        external_data=False,
    )
    # Shape inference needs the symbolic dimensions to work out, which they need not; the products
    # are all that is quantized, and folding constants is enough to find them.
    quant_pre_process(full, prepared, skip_symbolic_shape=True)
    quantize_dynamic(
        prepared,
        args.folder / QUANTIZED,
        op_types_to_quantize=["MatMul", "Gemm"],
        weight_type=QuantType.QInt8,
        per_channel=True,
        extra_options={"MatMulConstBOnly": True},
    )


def read_texts(path):
    with open(path, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    return [f"{row.get('title') or ''} {row['text']}".strip() for row in rows]


class OrtEncoder:
    def __init__(self, args):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        path = str(args.onnx / QUANTIZED)
        self.session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(args.model / "tokenizer.json"))
        self.tokenizer.enable_truncation(args.max_seq_len)
        self.tokenizer.enable_padding()
        self.batch_size = args.batch_size
        self.tokens = 0

    def encode(self, texts):
        """Vectors `(texts, dim)`; long texts first, by characters, so that batches are alike."""
        self.tokens = 0
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        vectors = None
        for start in range(0, len(order), self.batch_size):
            part = order[start : start + self.batch_size]
            encoded = self.tokenizer.encode_batch([texts[index] for index in part])
            ids = numpy.array([text.ids for text in encoded], dtype=numpy.int64)
            mask = numpy.array([text.attention_mask for text in encoded], dtype=numpy.int64)
            self.tokens += int(mask.sum())
            inputs = {"input_ids": ids, "attention_mask": mask}
            rows = self.session.run(None, inputs)[0]
            if vectors is None:
                vectors = numpy.empty((len(texts), rows.shape[1]), dtype=numpy.float32)
            vectors[part] = rows
        return vectors


def encode(args):
    texts = read_texts(args.documents)
    before_load = time.time()
    encoder = OrtEncoder(args)
    loaded = time.time()
    encoder.encode(texts[: args.warmup_texts])
    start = time.perf_counter()
    vectors = encoder.encode(texts)
    seconds = time.perf_counter() - start
    if not numpy.isfinite(vectors).all():
        raise SystemExit("vectors are not finite")
    report = {
        "texts": len(texts),
        "tokens": encoder.tokens,
        "seconds": seconds,
        "import_seconds": IMPORTED - STARTED,
        "load_seconds": loaded - before_load,
        "threads": args.threads,
        "versions": {"onnxruntime": onnxruntime.__version__},
    }
    print(json.dumps(report))


def main():
    args = arguments()
    if args.command == "encode":
        encode(args)
        return
    # The exporter tells of its progress where the result belongs.
    with contextlib.redirect_stdout(sys.stderr):
        export(args)
    print(json.dumps({"quantized": str(args.folder / QUANTIZED)}))


if __name__ == "__main__":
    main()
