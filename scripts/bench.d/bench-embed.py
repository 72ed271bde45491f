# SPDX-License-Identifier: MIT
"""The other side of bench-embed: a sentence encoder's vectors as a
careful script computes them, with length-sorted, padded batches, by PyTorch
in f32 or by ONNX Runtime in int8 (dynamic quantisation, per channel, of the
same weights exported by torch.onnx).

    bench-embed.py MODEL THREADS BATCH FOLDER

Reads commands "WHO FILE" (WHO is torch or onnx; FILE has lines {"ids":[...]})
and answers each with "WALL CPU", the seconds of all forward passes; tokens
are tensors by then, which favours this side.  Vectors go to FOLDER/WHO as
JSON lines, untimed.  First it says what there is: "torch 2.15.0 onnx 1.32.0",
or "onnx -" where ONNX Runtime is missing.
"""
import json
import logging
import os
import sys
import time
import warnings

import torch
import torch.nn.functional as F

from bench_bert import load

model_dir, threads, size, folder = sys.argv[1:]
threads, size = int(threads), int(size)
torch.set_num_threads(threads)
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


class Encoder(torch.nn.Module):
    def __init__(self, path):
        super().__init__()
        c = json.load(open(path + "/config.json"))
        self.hidden, self.heads = c["hidden_size"], c["num_attention_heads"]
        self.eps, self.layers = c["layer_norm_eps"], c["num_hidden_layers"]
        self.names = {}
        for i, (name, t) in enumerate(
                load(path + "/model.safetensors").items()):
            self.names[name] = "w%d" % i
            self.register_buffer("w%d" % i, t)

    def w(self, name):
        return getattr(self, self.names[name])

    def linear(self, x, name):
        return F.linear(x, self.w(name + ".weight"), self.w(name + ".bias"))

    def norm(self, x, name):
        return F.layer_norm(x, (self.hidden,), self.w(name + ".weight"),
                            self.w(name + ".bias"), self.eps)

    def forward(self, ids, mask):
        """mask [batch][tokens]: 1 or 0, as floats."""
        b, n = ids.shape
        x = F.embedding(ids, self.w("embeddings.word_embeddings.weight"))
        x = x + self.w("embeddings.position_embeddings.weight")[:n]
        x = x + self.w("embeddings.token_type_embeddings.weight")[0]
        x = self.norm(x, "embeddings.LayerNorm")
        shut = (1 - mask[:, None, None, :]) * -1e4
        for i in range(self.layers):
            at = "encoder.layer.%d." % i
            q, k, v = (self.linear(x, at + "attention.self." + part)
                       .view(b, n, self.heads, self.hidden // self.heads)
                       .transpose(1, 2) for part in ("query", "key", "value"))
            a = F.scaled_dot_product_attention(q, k, v, attn_mask=shut)
            a = a.transpose(1, 2).reshape(b, n, self.hidden)
            x = self.norm(x + self.linear(a, at + "attention.output.dense"),
                          at + "attention.output.LayerNorm")
            y = self.linear(F.gelu(self.linear(x, at + "intermediate.dense")),
                            at + "output.dense")
            x = self.norm(x + y, at + "output.LayerNorm")
        total = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return F.normalize(total)


def export(model):
    """An int8 session of ONNX Runtime, and its version; None, "-" without."""
    try:
        import onnxruntime
        from onnxruntime.quantization import QuantType, quantize_dynamic
        onnxruntime.set_default_logger_severity(3)
        plain, small = folder + "/model.onnx", folder + "/int8.onnx"
        ids = torch.ones(2, 7, dtype=torch.long)
        b = torch.export.Dim("batch", min=1, max=4096)
        n = torch.export.Dim("tokens", min=2, max=510)
        told = os.dup(1)                # the exporter talks
        os.dup2(2, 1)
        torch.onnx.export(
            model, (ids, torch.ones(2, 7)), plain,
            input_names=["ids", "mask"], output_names=["vectors"],
            dynamic_shapes={"ids": {0: b, 1: n}, "mask": {0: b, 1: n}},
            dynamo=True, external_data=False, verbose=False)
        quantize_dynamic(plain, small, per_channel=True,
                         weight_type=QuantType.QInt8)
        os.dup2(told, 1)
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads, o.inter_op_num_threads = threads, 1
        return (onnxruntime.InferenceSession(
            small, o, providers=["CPUExecutionProvider"]),
            onnxruntime.__version__)
    except ImportError as e:
        print("bench-embed.py: no ONNX Runtime: %s" % e, file=sys.stderr)
        return None, "-"


def batches(path):
    rows = [json.loads(line)["ids"] for line in open(path)]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    made = []
    for at in range(0, len(order), size):
        part = order[at:at + size]
        longest = max(len(rows[i]) for i in part)
        ids = torch.zeros(len(part), longest, dtype=torch.long)
        mask = torch.zeros(len(part), longest)
        for row, i in enumerate(part):
            ids[row, :len(rows[i])] = torch.tensor(rows[i])
            mask[row, :len(rows[i])] = 1
        made.append((part, ids, mask))
    return len(rows), made


def run(who, path):
    n, todo = batches(path)
    if who == "onnx":
        todo = [(part, {"ids": ids.numpy(), "mask": mask.numpy()})
                for part, ids, mask in todo]
    out = []
    wall, cpu = time.perf_counter(), time.process_time()
    with torch.inference_mode():
        for part, *x in todo:
            out.append(model(*x) if who == "torch"
                       else session.run(None, x[0])[0])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    vectors = [None] * n
    for (part, *_), made in zip(todo, out):
        for i, v in zip(part, made):
            vectors[i] = v.tolist()
    with open("%s/%s" % (folder, who), "w") as f:
        for v in vectors:
            f.write(json.dumps({"embedding": {"values": v}}) + "\n")
    print("%.6f %.6f" % (wall, cpu), flush=True)


model = Encoder(model_dir).eval()
session, version = export(model)
print("torch %s onnx %s" % (torch.__version__, version), flush=True)
for line in sys.stdin:
    run(*line.split())
