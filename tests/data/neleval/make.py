# SPDX-License-Identifier: MIT
"""Makes 1.jsonl to 5.jsonl and expected.json: mentions with gold and answered
groups, and what neleval 3.1.1 (PyPI) says of them.

    python3 -m venv v && v/bin/pip install neleval==3.1.1 numpy scipy
    v/bin/python make.py v/bin/neleval

neleval is older than Python 3.10; PYTHONPATH may need a sitecustomize.py that
puts collections.abc's names into collections.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

MEASURES = {"b_cubed": "b_cubed", "mention_ceaf": "ceaf_mention",
            "entity_ceaf": "ceaf_entity"}


def mentions(seed, n, entities, wrong, nil, lost):
    """n mentions of some entities, an answer that is wrong now and then, a
    part of them in no catalogue, some on one side only."""
    r = random.Random(seed)
    for i in range(n):
        gold = r.randrange(entities)
        answer = gold if r.random() > wrong else r.randrange(entities)
        side = r.random()
        yield {"doc": f"d{i // 7}", "start": 10 * i, "end": 10 * i + 5,
               "gold": None if side < lost / 2 else
               ("NIL%d" if gold < entities * nil else "E%d") % gold,
               "answer": None if lost / 2 <= side < lost else
               ("NIL%d" if answer < entities * nil else "E%d") % answer}


def record(m):
    out = {k: m[k] for k in ("doc", "start", "end")}
    if m["answer"] and m["answer"].startswith("NIL"):
        out.update(entity=None, nil_id=m["answer"])
    else:
        out.update(entity=m["answer"] and {"id": m["answer"]})
    return out


def label(m):
    out = {k: m[k] for k in ("doc", "start", "end")}
    nil = m["gold"].startswith("NIL")
    out.update(label_id=None if nil else m["gold"])
    if nil:
        out.update(label_nil=m["gold"])
    return out


def lines(path, rows):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(row + "\n")


def ask(neleval, all_mentions):
    with tempfile.TemporaryDirectory() as folder:
        for side in "gold", "answer":
            lines(os.path.join(folder, side), (
                "\t".join([m["doc"], str(m["start"]), str(m["end"]), m[side],
                           "1.0", "X"]) for m in all_mentions if m[side]))
        said = subprocess.run(
            [neleval, "evaluate", "-f", "json", "-g",
             os.path.join(folder, "gold"), os.path.join(folder, "answer")]
            + [x for m in MEASURES for x in ("-m", m)],
            capture_output=True, text=True, check=True).stdout
    said = json.loads(said)
    return {f"{name}_{short}": said[m][long] for m, name in MEASURES.items()
            for short, long in (("precision", "precision"),
                                ("recall", "recall"), ("f1", "fscore"))}


def main():
    kinds = [(1, 30, 8, 0.2, 0.5, 0), (2, 120, 20, 0.5, 0.3, 0),
             (3, 60, 60, 0.3, 1, 0), (4, 200, 5, 0.7, 0.4, 0),
             (5, 90, 15, 0.3, 0.5, 0.2)]
    expected = {}
    for kind in kinds:
        made = list(mentions(*kind))
        lines(f"{kind[0]}.jsonl",
              (json.dumps(record(m)) for m in made if m["answer"]))
        lines(f"{kind[0]}.gold.jsonl",
              (json.dumps(label(m)) for m in made if m["gold"]))
        expected[kind[0]] = ask(sys.argv[1], made)
    lines("expected.json", [json.dumps(expected, indent=1)])


main()
