"""Fits the weights of src/estimate.rs: `fit.py COUNTED.jsonl... [-o weights.rs]`, on what estimate-count printed.

A text is held out when the MD5 of it says so; those of files whose names begin with `heldout` all are.
"""

import hashlib
import json
import os
import sys

import numpy
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

import machine

UNIT = 32
ZERO = 78
# Terms are rarer than what prompts are made of, and messages of programs more alike.
LIGHT = {"lex": 0.5, "ui": 0.5}
LOW, HIGH = 34 - ZERO, 126 - ZERO
CJK_LEAN = 0.15
# How much each unit's own tokens count beside those of its text: enough that what is learned of a word serves in other texts.
PER_UNIT = 8.0
TABLES = [
    ("STEP", "By state and kind.", 0, machine.PAIR),
    ("PAIR", "By the symbols of the last character and of this one, in ASCII.", machine.PAIR, machine.CHAR),
    ("CHAR", "By the character, beyond ASCII.", machine.CHAR, machine.HASH),
    ("BOTH", "By a hash of the last character and this one, beyond ASCII.", machine.HASH, machine.SIZE),
]
RIDGE = {machine.STEP: 0.02, machine.PAIR: 0.3, machine.CHAR: 0.3, machine.HASH: 1.0}


def read(paths):
    rows = []
    for path in paths:
        aside = os.path.basename(path).startswith("heldout")
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            if row["o200k"]:
                held = aside or hashlib.md5(row["text"].encode()).digest()[0] % 5 == 0
                rows.append((row["text"], row["lang"] or "?", row["o200k"], row["cl100k"], held, aside))
    return rows


class Data:
    def __init__(self, rows):
        indices, ends, owner, extra, counts = [], [0], [], [], []
        for i, row in enumerate(rows):
            for features, more, count in machine.units(row[0], row[2]):
                indices += features
                ends.append(len(indices))
                owner.append(i)
                extra.append(more)
                counts.append(count)
        n = len(owner)
        self.x = csr_matrix((numpy.ones(len(indices)), indices, ends), shape=(n, machine.SIZE))
        self.x.sum_duplicates()
        self.owner, self.extra = numpy.array(owner), numpy.array(extra, float)
        self.counts = numpy.array(counts, float) - self.extra
        self.rows = len(rows)

    def totals(self, theta):
        score = self.x @ theta
        return score, numpy.bincount(self.owner, numpy.maximum(score, 1) + self.extra, self.rows)


def fit(data, truth, weight, start=None, rounds=400):
    ridge = numpy.zeros(machine.SIZE)
    for begin, value in RIDGE.items():
        ridge[begin:] = value
    scale = 1 / numpy.maximum(truth, 8)
    per_unit = PER_UNIT * (weight * scale)[data.owner]
    transposed = data.x.T.tocsr()

    def loss(theta):
        score, total = data.totals(theta)
        error = (total - truth) * scale
        size = numpy.sqrt(error**2 + 0.05**2)
        value = numpy.sum(weight * size) * 20
        by_total = weight * error / size * scale * 20
        unit = numpy.maximum(score, 1) - data.counts
        value += 0.5 * numpy.sum(per_unit * unit**2) + 0.5 * numpy.sum(ridge * theta**2)
        gradient = (by_total[data.owner] + per_unit * unit) * (score > 1)
        return value, transposed @ gradient + ridge * theta

    theta = numpy.full(machine.SIZE, 0.0) if start is None else start
    if start is None:
        theta[:256] = 0.25
    return minimize(loss, theta, jac=True, method="L-BFGS-B", options={"maxiter": rounds, "maxcor": 20}).x


def table(rows, totals):
    groups = {}
    for row, total in zip(rows, totals):
        groups.setdefault(row[1], []).append((max(numpy.floor(total + 0.5), 1), len(row[2]), row[3]))
    print(f"{'':<10}{'texts':>7}{'o200k mean':>12}{'p95':>7}{'bias':>7}{'cl100k mean':>13}{'p95':>7}{'min ratio o/c':>16}")
    everything = [x for lang, g in groups.items() for x in g]
    for name, group in [("all", everything)] + sorted(groups.items()):
        e, o, c = map(numpy.array, zip(*group))
        eo, ec = abs(e - o) / o, abs(e - c) / c
        print(f"{name:<10}{len(e):>7}{eo.mean():>12.1%}{numpy.quantile(eo, .95):>7.1%}{e.sum() / o.sum() - 1:>7.1%}"
              f"{ec.mean():>13.1%}{numpy.quantile(ec, .95):>7.1%}{(e / o).min():>8.2f}{(e / c).min():>8.2f}")


def filled(theta, data):
    """Characters that no text held cost what others of their page cost."""
    theta, seen = theta.copy(), numpy.asarray(data.x.sum(axis=0)).ravel()
    for page in range(machine.CHAR, machine.HASH, 128):
        known = seen[page:page + 128]
        if known.any():
            theta[page:page + 128][known == 0] = theta[page:page + 128] @ known / known.sum()
    return theta


def write(out, theta):
    with open(out, "w") as file:
        file.write("//! The weights of the estimate, written by tools/estimate/fit.py; the README.md there says what they were fitted to.\n//!\n")
        file.write(f"//! A character is a weight: its code less {ZERO}, in 1/{UNIT} of a token.\n")
        for name, doc, begin, end in TABLES:
            text = "".join(chr(int(round(weight * UNIT)) + ZERO) for weight in theta[begin:end])
            lines = [text[i:i + 128] for i in range(0, len(text), 128)]
            file.write(f'\n/// {doc}\npub(super) const {name}: &str = r##"\n' + "\n".join(lines) + '\n"##;\n')


def main():
    arguments = sys.argv[1:]
    take = lambda flag: (arguments.pop(at := arguments.index(flag)), arguments.pop(at))[1] if flag in arguments else None
    out, start, rounds = take("-o"), take("--start"), int(take("--rounds") or 400)
    rows = read(arguments)
    train, held = [row for row in rows if not row[4]], [row for row in rows if row[4] and not row[5]]
    aside = [row for row in rows if row[5]]
    data = Data(train)
    counts = {}
    for row in train:
        counts[row[1]] = counts.get(row[1], 0) + 1
    weight = numpy.array([counts[row[1]] ** -0.4 * LIGHT.get(row[1].split("-")[0], 1.0) for row in train])
    weight *= len(weight) / weight.sum()
    # Chinese and Japanese lean towards cl100k_base, so that no estimate is under half of that either.
    truth = numpy.array([len(row[2]) + (CJK_LEAN * max(row[3] - len(row[2]), 0) if row[1].split("-")[-1] in ("zh", "ja") else 0.0) for row in train])
    theta = fit(data, truth, weight, start and numpy.load(start), rounds)
    if out:
        numpy.save(out + ".npy", theta)
    theta = filled(theta, data)
    whole = numpy.clip(numpy.round(theta * UNIT), LOW, HIGH) / UNIT
    print("clipped", numpy.sum(theta * UNIT < LOW - 0.5), numpy.sum(theta * UNIT > HIGH + 0.5))
    if out:
        write(out, whole)
    for name, some in [("held out", held), ("aside", aside), ("trained on", train)]:
        if some:
            print(name)
            table(some, Data(some).totals(whole)[1])


if __name__ == "__main__":
    main()
