# SPDX-License-Identifier: MIT
"""Fits what blink-coherence weighs by to records of blink-coherence
--evidence with labels.

    fit-coherence.py evidence SET=FILE... < calibration.json
    fit-coherence.py follow SET=FILE... < calibration.json

Prints the calibration with other weights: "evidence" those of near and told
and of "none of them", for the kind of list that the records have (with a
cross_score or without), "follow" those of short names, whose facts depend on
the former.  Every set counts alike.  A set called -SET is not fitted to, but
measured.  To stderr goes what each set gains with the weights of all others,
and loses without any.
"""
import json
import math
import sys

EVIDENCE = "near", "told"
NIL = "share", "near", "told", "others"
FOLLOW = ("one", "end", "of", "head", "start", "capital", "nil", "sure",
          "sure_end")
RIDGE = {"rank": 1e-3, "nil": 1e-2, "follow": 0.3}
LEAST_SHARE, LEAST_ODDS = 1e-9, 1e-6


def logit(p):
    p = min(max(p, LEAST_ODDS), 1 - LEAST_ODDS)
    return math.log(p / (1 - p))


def cut_logit(p):
    return 6 if p >= 1 else -6 if p <= 0 else max(-6, min(6, logit(p)))


def logistic(x):
    return 1 / (1 + math.exp(-max(-60, min(60, x))))


def dot(left, right):
    return sum(a * b for a, b in zip(left, right))


def solve(matrix, right):
    """Gauss; the ridge makes the matrix definite."""
    n = len(right)
    rows = [list(matrix[i]) + [right[i]] for i in range(n)]
    for i in range(n):
        for j in range(i + 1, n):
            part = rows[j][i] / rows[i][i]
            rows[j] = [a - part * b for a, b in zip(rows[j], rows[i])]
    out = [0.0] * n
    for i in reversed(range(n)):
        out[i] = (rows[i][n] - dot(rows[i][i + 1:n], out[i + 1:])) / rows[i][i]
    return out


def newton(n, ridge, examples, look):
    """The maximum of a concave log-likelihood.  look(example, weights) gives
    weight, value, slope and curvature of one example."""
    weights = [0.0] * n
    for _ in range(30):
        slope = [-ridge * w for w in weights]
        curve = [[ridge * (i == j) for j in range(n)] for i in range(n)]
        for example in examples:
            counts, gradient, rows = look(example, weights)
            for i in range(n):
                slope[i] += counts * gradient[i]
                for j in range(n):
                    curve[i][j] += counts * rows[i][j]
        step = solve(curve, slope)
        # A likelihood this flat has no overshoot worth a line search, but a
        # single wild first step is halved.
        scale = min(1, 20 / max(1e-9, max(abs(s) for s in step)))
        weights = [w + scale * s for w, s in zip(weights, step)]
        if max(abs(s) for s in step) < 1e-6:
            break
    return weights


class List:
    """A mention with what was weighed of its candidates."""

    def __init__(self, record, counts=1.0):
        said = record["coherence"]["evidence"]
        label = record.get("label_id")
        own = [c for c in record["candidates"] if "from" not in c]
        ids = [str(c["id"]) for c in own]
        self.counts = counts
        self.share = said["share"]
        self.logs = [math.log(max(s, LEAST_SHARE)) for s in self.share]
        self.rows = list(zip(said["near"], said["told"]))
        self.gold = ids.index(str(label)) if str(label) in ids else None
        self.labelled = label is not None
        self.nil, self.others = said["nil"], said["others"]
        self.crossed = any(c.get("cross_score") is not None for c in own)

    def shares(self, weights):
        sums = [a + dot(weights, row) for a, row in zip(self.logs, self.rows)]
        top = max(sums)
        sums = [math.exp(s - top) for s in sums]
        return [s / sum(sums) for s in sums]

    def best(self, weights):
        shares = self.shares(weights)
        return shares.index(max(shares)), max(shares)

    def facts(self, weights):
        best, top = self.best(weights)
        return (cut_logit(top) - cut_logit(max(self.share)),
                *self.rows[best], self.others / (self.others + 2))


def look_rank(one, weights):
    shares, n = one.shares(weights), len(weights)
    mean = [dot(shares, [row[i] for row in one.rows]) for i in range(n)]
    curve = [[dot(shares, [row[i] * row[j] for row in one.rows])
              - mean[i] * mean[j] for j in range(n)] for i in range(n)]
    return (one.counts,
            [g - m for g, m in zip(one.rows[one.gold], mean)], curve)


def look_logistic(example, weights):
    facts, offset, right, counts = example
    p = logistic(offset + dot(weights, facts))
    return (counts, [(right - p) * f for f in facts],
            [[p * (1 - p) * f * g for g in facts] for f in facts])


def weighted(sets, of):
    """All examples of these sets, each set counting as one."""
    out = []
    for examples in sets:
        kept = [e for e in examples if of(e)]
        for example in kept:
            example.counts = 1 / len(kept)
        out += kept
    return out


def fit_evidence(sets):
    rank = newton(len(EVIDENCE), RIDGE["rank"],
                  weighted(sets, lambda one: one.gold is not None), look_rank)
    lists = weighted(sets, lambda one: one.others > 0)
    nil = newton(len(NIL), RIDGE["nil"],
                 [(one.facts(rank), logit(one.nil), one.gold is None,
                   one.counts) for one in lists], look_logistic)
    return rank, nil


def read_lists(path):
    lists = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if record.get("coherence") and record["candidates"]:
                lists.append(List(record))
    return lists


def accuracy(lists, weights):
    labelled = [one for one in lists if one.labelled]
    right = [one for one in labelled if one.gold is not None
             and one.best(weights)[0] == one.gold]
    return 100 * len(right) / max(1, len(labelled))


def evidence(files, calibration):
    sets = {name: read_lists(path) for name, path in files}
    fitted = [name for name in sets if name[0] != "-"]
    gains = []
    for name, lists in sets.items():
        rank, _ = fit_evidence([sets[s] for s in fitted if s != name])
        before, after = accuracy(lists, [0] * len(rank)), accuracy(lists, rank)
        gains.append(after - before)
        print(f"{name:16} {before:5.1f} {after:5.1f} {after - before:+5.1f}",
              file=sys.stderr)
    print(f"{'mean':16} {sum(gains) / len(gains):+.2f}", file=sys.stderr)
    rank, nil = fit_evidence([sets[s] for s in fitted])
    kind = "cross_cosine" if any(one.crossed for lists in sets.values()
                                 for one in lists) else "cosine"
    calibration.setdefault("coherence", {})[kind] = {
        "rank": dict(zip(EVIDENCE, rank)), "nil": dict(zip(NIL, nil))}


def read_pairs(path):
    """What is known of a short name and its earlier one, whether they mean
    the same, and how much that counts: what a document says many times of
    one pair is one fact."""
    documents, pairs = {}, []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            documents.setdefault(record["doc"], []).append(record)
    for records in documents.values():
        for record in records:
            said = (record.get("coherence") or {}).get("evidence", {})
            if "follow" not in said:
                continue
            earlier = records[said["earlier"]]
            key = (record["doc"], record["mention"], earlier["label"])
            pairs.append((said["follow"], record["label"] == earlier["label"],
                          key))
    keys = [key for *_, key in pairs]
    return [(facts, 0, same, 1 / keys.count(key))
            for facts, same, key in pairs]


def follow(files, calibration):
    sets = {name: read_pairs(path) for name, path in files}
    fitted = [name for name in sets if name[0] != "-"]
    for name, pairs in sets.items():
        weights = newton(len(FOLLOW), RIDGE["follow"],
                         [p for s in fitted if s != name for p in sets[s]],
                         look_logistic)
        total = sum(p[3] for p in pairs)
        right = sum(p[3] for p in pairs
                    if (dot(weights, p[0]) > 0) == bool(p[2]))
        print(f"{name:16} {right:.1f} of {total:.1f} pairs told",
              file=sys.stderr)
    weights = newton(len(FOLLOW), RIDGE["follow"],
                     [p for s in fitted for p in sets[s]], look_logistic)
    calibration.setdefault("coherence", {})["follow"] = dict(
        zip(FOLLOW, weights))


def main():
    what, *files = sys.argv[1:]
    calibration = json.load(sys.stdin)
    files = [tuple(f.split("=", 1)) for f in files]
    {"evidence": evidence, "follow": follow}[what](files, calibration)
    json.dump(calibration, sys.stdout)
    print()


main()
