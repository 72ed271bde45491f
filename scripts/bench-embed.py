# SPDX-License-Identifier: MIT
"""The PyTorch side of scripts/bench-embed: MiniLM's vectors as a careful
script computes them, with length-sorted, padded batches.

    bench-embed.py MODEL THREADS BATCH < IDS > VECTORS

IDS are lines {"ids":[...]}; tokenising is not timed, which favours this
side.  Prints to stderr: seconds of the forward passes, and of the rest.
"""
import json
import struct
import sys
import time

import torch
import torch.nn.functional as F

model_dir, threads, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)


def load(path):
    """Every F32 tensor of a safetensors file."""
    data = open(path, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, t in json.loads(data[8:8 + length]).items():
        if t.get("dtype") != "F32":
            continue
        begin, end = (8 + length + x for x in t["data_offsets"])
        tensors[name] = torch.frombuffer(
            bytearray(data[begin:end]), dtype=torch.float32
        ).reshape(t["shape"])
    return tensors


start = time.perf_counter()
config = json.load(open(model_dir + "/config.json"))
hidden, heads = config["hidden_size"], config["num_attention_heads"]
eps = config["layer_norm_eps"]
w = load(model_dir + "/model.safetensors")


def linear(x, name):
    return F.linear(x, w[name + ".weight"], w[name + ".bias"])


def norm(x, name):
    return F.layer_norm(x, (hidden,), w[name + ".weight"], w[name + ".bias"],
                        eps)


def forward(ids, mask):
    b, n = ids.shape
    x = F.embedding(ids, w["embeddings.word_embeddings.weight"])
    x = x + w["embeddings.position_embeddings.weight"][:n]
    x = x + w["embeddings.token_type_embeddings.weight"][0]
    x = norm(x, "embeddings.LayerNorm")
    # A batch without padding needs no mask.
    allowed = None if mask.all() else mask[:, None, None, :]
    for i in range(config["num_hidden_layers"]):
        at = "encoder.layer.%d." % i
        q, k, v = (linear(x, at + "attention.self." + part)
                   .view(b, n, heads, hidden // heads).transpose(1, 2)
                   for part in ("query", "key", "value"))
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        a = a.transpose(1, 2).reshape(b, n, hidden)
        x = norm(x + linear(a, at + "attention.output.dense"),
                 at + "attention.output.LayerNorm")
        y = linear(F.gelu(linear(x, at + "intermediate.dense")),
                   at + "output.dense")
        x = norm(x + y, at + "output.LayerNorm")
    total = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
    return F.normalize(total)


rows = [json.loads(line)["ids"] for line in sys.stdin]
order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
vectors = [None] * len(rows)
ready = time.perf_counter()
with torch.inference_mode():
    for at in range(0, len(order), size):
        part = order[at:at + size]
        longest = max(len(rows[i]) for i in part)
        ids = torch.zeros(len(part), longest, dtype=torch.long)
        mask = torch.zeros(len(part), longest, dtype=torch.bool)
        for row, i in enumerate(part):
            ids[row, :len(rows[i])] = torch.tensor(rows[i])
            mask[row, :len(rows[i])] = True
        for i, v in zip(part, forward(ids, mask)):
            vectors[i] = v
done = time.perf_counter()
for v in vectors:
    print(json.dumps({"embedding": {"values": v.tolist()}}))
print("%.4f %.4f" % (done - ready, ready - start), file=sys.stderr)
