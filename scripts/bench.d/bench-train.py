# SPDX-License-Identifier: MIT
"""The PyTorch side of bench-train: a bi-encoder with one tower, mean
pooling, in-batch negatives, padded batches, AdamW.

    bench-train.py MODEL CONTEXTS ENTITIES THREADS BATCH STEPS

CONTEXTS and ENTITIES have lines of token ids, [101,...,102].
"""
import json
import sys

import torch
import torch.nn.functional as F

from bench_bert import load

model_dir, contexts, entities = sys.argv[1:4]
threads, size, steps = map(int, sys.argv[4:7])
torch.set_num_threads(threads)
DROPOUT, TEMPERATURE = 0.1, 0.05

config = json.load(open(model_dir + "/config.json"))
hidden, heads = config["hidden_size"], config["num_attention_heads"]
eps = config["layer_norm_eps"]
w = {name: t.requires_grad_() for name, t in
     load(model_dir + "/model.safetensors").items()}


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
    x = F.dropout(norm(x, "embeddings.LayerNorm"), DROPOUT)
    for i in range(config["num_hidden_layers"]):
        p = f"encoder.layer.{i}."

        def split(name):
            y = linear(x, p + "attention.self." + name)
            return y.view(b, n, heads, hidden // heads).transpose(1, 2)

        y = F.scaled_dot_product_attention(
            split("query"), split("key"), split("value"),
            attn_mask=mask[:, None, None, :], dropout_p=DROPOUT)
        y = y.transpose(1, 2).reshape(b, n, hidden)
        y = F.dropout(linear(y, p + "attention.output.dense"), DROPOUT)
        x = norm(x + y, p + "attention.output.LayerNorm")
        y = linear(F.gelu(linear(x, p + "intermediate.dense")),
                   p + "output.dense")
        x = norm(x + F.dropout(y, DROPOUT), p + "output.LayerNorm")
    weight = mask.float()[:, :, None]
    return F.normalize((x * weight).sum(1) / weight.sum(1), dim=1)


def batch(lines):
    rows = [json.loads(line) for line in lines]
    ids = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for i, row in enumerate(rows):
        ids[i, :len(row)] = torch.tensor(row)
        mask[i, :len(row)] = True
    return ids, mask


left, right = open(contexts).readlines(), open(entities).readlines()
optimizer = torch.optim.AdamW(list(w.values()), lr=3e-5)
for step in range(steps):
    part = slice(step * size, (step + 1) * size)
    scores = forward(*batch(left[part])) @ forward(*batch(right[part])).T
    loss = F.cross_entropy(scores / TEMPERATURE, torch.arange(size))
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(w.values(), 1.0)
    optimizer.step()
    print(step, loss.item(), file=sys.stderr)
