# SPDX-License-Identifier: MIT
"""The weights of a BERT as files, for bench-embed, bench-original and
bench-train: reading them, and random ones of BERT-large's size."""
import json
import struct

HIDDEN, INNER, LAYERS, WORDS, POSITIONS = 1024, 4096, 24, 30522, 512
CONFIG = {
    "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1, "hidden_size": HIDDEN,
    "initializer_range": 0.02, "intermediate_size": INNER,
    "layer_norm_eps": 1e-12, "max_position_embeddings": POSITIONS,
    "num_attention_heads": 16, "num_hidden_layers": LAYERS,
    "type_vocab_size": 2, "vocab_size": WORDS,
}


def load(path):
    """Every F32 tensor of a safetensors file, by its name."""
    import torch

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


def shapes():
    """Name and shape of every tensor of a BERT-large."""
    yield "embeddings.word_embeddings.weight", (WORDS, HIDDEN)
    yield "embeddings.position_embeddings.weight", (POSITIONS, HIDDEN)
    yield "embeddings.token_type_embeddings.weight", (2, HIDDEN)
    norms = ["embeddings.LayerNorm"]
    linear = [("pooler.dense", HIDDEN, HIDDEN)]
    for i in range(LAYERS):
        at = "encoder.layer.%d." % i
        linear += [(at + "attention.self." + part, HIDDEN, HIDDEN)
                   for part in ("query", "key", "value")]
        linear += [(at + "attention.output.dense", HIDDEN, HIDDEN),
                   (at + "intermediate.dense", INNER, HIDDEN),
                   (at + "output.dense", HIDDEN, INNER)]
        norms += [at + "attention.output.LayerNorm", at + "output.LayerNorm"]
    for name, out, into in linear:
        yield name + ".weight", (out, into)
        yield name + ".bias", (out,)
    for name in norms:
        yield name + ".weight", (HIDDEN,)
        yield name + ".bias", (HIDDEN,)


def write(folder):
    """config.json and model.safetensors."""
    import torch

    torch.manual_seed(1)
    header, at = {}, 0
    for name, shape in shapes():
        n = 4
        for x in shape:
            n *= x
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [at, at + n]}
        at += n
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder + "/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes():
            t = torch.empty(shape).normal_(0, 0.02)
            f.write((t + 1 if "Norm.weight" in name else t).numpy().tobytes())
    with open(folder + "/config.json", "w") as f:
        json.dump(CONFIG, f)
