# SPDX-License-Identifier: MIT
"""The original BLINK's side of bench-original.

    bench-original.py make FOLDER VOCAB
    bench-original.py run BLINK FOLDER THREADS WORK...

`make` writes into FOLDER the files that BLINK's download script fetches, of
the same shapes, but with random numbers: two towers of 24 x 1024, a
cross-encoder, and a vector for each line of FOLDER/entity.jsonl.

`run` loads them with the code of the checkout BLINK, unchanged, and does each
WORK: "10x4" links the first 4 of FOLDER/mentions.jsonl with 10 candidates,
"fast10x4" the same without the cross-encoder, which is not even loaded when
all are fast.  What BLINK imports without using it here is replaced by empty
modules.  Prints JSON: "loaded" and "first", the seconds since the process
began until all was loaded and until the first WORK was done; "wall" and
"cpu", the seconds that each took; "titles", what each found.
"""
import time

start = time.perf_counter()

import json
import os
import sys
import types

from bench_bert import CONFIG, HIDDEN, shapes


def save(torch, tensors, path):
    """In the old form of torch.save, which the published files have."""
    torch.save(tensors, path, _use_new_zipfile_serialization=False)


def make(folder, vocab):
    import collections
    import shutil

    import torch

    torch.manual_seed(1)

    def tower(prefix):
        for name, shape in shapes():
            t = torch.empty(shape).normal_(0, 0.02)
            yield prefix + name, t + 1 if "Norm.weight" in name else t

    bert = folder + "/bert-large"
    os.makedirs(bert, exist_ok=True)
    json.dump(CONFIG, open(bert + "/config.json", "w"))
    shutil.copy(vocab, bert + "/vocab.txt")
    # BLINK loads these weights first and then replaces all of them.
    save(torch, collections.OrderedDict(), bert + "/pytorch_model.bin")

    params = {"bert_model": bert, "lowercase": True, "no_cuda": True,
              "debug": False, "data_parallel": False, "pull_from_layer": -1,
              "max_context_length": 32, "max_cand_length": 128}
    json.dump(dict(params, out_dim=100, add_linear=False, eval_batch_size=8),
              open(folder + "/biencoder_wiki_large.json", "w"))
    json.dump(dict(params, out_dim=1, add_linear=True, eval_batch_size=1,
                   max_seq_length=160),
              open(folder + "/crossencoder_wiki_large.json", "w"))

    cross = collections.OrderedDict(tower("encoder.bert_model."))
    cross["encoder.additional_linear.weight"] = \
        torch.empty(1, HIDDEN).normal_(0, 0.02)
    cross["encoder.additional_linear.bias"] = torch.zeros(1)
    save(torch, cross, folder + "/crossencoder_wiki_large.bin")
    del cross
    towers = collections.OrderedDict(tower("context_encoder.bert_model."))
    towers.update(tower("cand_encoder.bert_model."))
    save(torch, towers, folder + "/biencoder_wiki_large.bin")
    del towers
    n = sum(1 for _ in open(folder + "/entity.jsonl", encoding="utf-8"))
    save(torch, torch.empty(n, HIDDEN).normal_(),
         folder + "/all_entities_large.t7")


def stub(name, **what):
    """An empty module, and those it lies in."""
    module = types.ModuleType(name)
    module.__dict__.update(what)
    sys.modules[name] = module
    parent, _, last = name.rpartition(".")
    if parent:
        if parent not in sys.modules:
            stub(parent)
        setattr(sys.modules[parent], last, module)


def stub_what_is_missing():
    """Solr, Flair, FAISS, colours, and Amazon's cloud are not used here."""
    nothing = type("Nothing", (), {})
    stub("boto3")
    stub("botocore.config", Config=nothing)
    stub("botocore.exceptions", ClientError=type("E", (Exception,), {}))
    stub("sacremoses")
    stub("sentencepiece")
    stub("flair.models", SequenceTagger=nothing)
    stub("flair.data", Sentence=nothing)
    stub("faiss")
    stub("colorama", init=lambda: None)
    stub("termcolor", colored=lambda text, *rest: text)
    import blink

    stub("blink.candidate_retrieval.utils")
    blink.candidate_retrieval = sys.modules["blink.candidate_retrieval"]


def load(checkout, folder, fast, threads):
    import torch

    torch.set_num_threads(threads)
    # Weights are data: newer versions of torch want that said.
    load_any = torch.load
    torch.load = lambda *a, **b: load_any(*a, **dict(b, weights_only=True))
    sys.path.insert(0, checkout)
    stub_what_is_missing()
    import blink.main_dense as main_dense

    # run() leaves this at "cuda" whatever the machine has.
    main_dense._run_crossencoder.__defaults__ = ("cpu",)
    args = types.SimpleNamespace(
        test_entities=None, test_mentions=None, interactive=False, fast=fast,
        output_path=None,
        biencoder_model=folder + "/biencoder_wiki_large.bin",
        biencoder_config=folder + "/biencoder_wiki_large.json",
        entity_catalogue=folder + "/entity.jsonl",
        entity_encoding=folder + "/all_entities_large.t7",
        crossencoder_model=folder + "/crossencoder_wiki_large.bin",
        crossencoder_config=folder + "/crossencoder_wiki_large.json")
    return main_dense, args, main_dense.load_models(args, logger=None)


def run(checkout, folder, threads, work):
    fast = all(w.startswith("fast") for w in work)
    main_dense, args, models = load(checkout, folder, fast, threads)
    with open(folder + "/mentions.jsonl", encoding="utf-8") as f:
        data = [json.loads(line) for line in f]
    result = {"loaded": time.perf_counter() - start, "wall": [], "cpu": [],
              "titles": []}
    for w in work:
        args.fast = w.startswith("fast")
        k, n = (int(x) for x in w.replace("fast", "").split("x"))
        args.top_k = k
        wall, cpu = time.perf_counter(), time.process_time()
        answer = main_dense.run(args, None, *models, test_data=data[:n])
        now = time.perf_counter()
        result["wall"].append(now - wall)
        result["cpu"].append(time.process_time() - cpu)
        result.setdefault("first", now - start)
        result["titles"].append(answer[5])
    return result


def main(argv):
    if argv[1] == "make":
        make(argv[2], argv[3])
        return
    out = os.dup(1)
    os.dup2(2, 1)               # BLINK prints as it goes
    result = run(argv[2], argv[3], int(argv[4]), argv[5:])
    with os.fdopen(out, "w") as f:
        json.dump(result, f)
        f.write("\n")


main(sys.argv)
