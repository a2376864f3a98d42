"""Trains the classifier: `python train.py --text models/text [--data DIR] --out models`.

It trains twice. The first network leaves a tenth of our prompts out, so that temperature and threshold are chosen on text that it never
saw; the second one, with the same settings, learns from everything but what measures, and is written to OUT/weights.safetensors, beside
vectors.json (what the Rust side must reproduce) and figures.json. Seeds are fixed.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import scipy.sparse as sp  # noqa: E402

import data  # noqa: E402
import export  # noqa: E402
import features  # noqa: E402
import measure  # noqa: E402
from data import LABELS  # noqa: E402
import net as network  # noqa: E402
from net import Net, smoothed, softmax  # noqa: E402

ROWS, BUCKET, WIDTH, HIDDEN = 240000, 4, 16, 64
POWER = 0.6  # the sum is divided by n^0.6: between a mean, which long texts need, and a sum, in which evidence adds up
LEXICON = 2.0  # lines of terms in an epoch, against one use of each term
BATCH = 256
DISTIL = 0.5
CLIP = 0.99  # the quantile of the table's numbers that the largest four-bit one stands for
FULL = dict(epochs=4, drop=0.3, rate=0.04, last=0.1, dense=3e-3)
SMALL = dict(epochs=3, drop=0.3, rate=0.02, last=0.05, dense=1e-3)


def say(text):
    print(f"[{time.process_time():5.0f} s] {text}", flush=True)


def hashed(texts):
    """(hash, text) of every distinct feature, in blocks that bound the memory."""
    parts = [features.unique_features(texts[i:i + 4000]) for i in range(0, len(texts), 4000)]
    return (np.concatenate([h for h, _ in parts]),
            np.concatenate([d.astype(np.int64) + 4000 * i for i, (_, d) in enumerate(parts)]))


def matrix(columns, owner, rows, width):
    """A 0/1 matrix, texts × columns; a column that a text has twice counts once."""
    X = sp.csr_matrix((np.ones(len(columns), np.float32), columns.astype(np.int32), np.searchsorted(owner, np.arange(rows + 1))),
                      shape=(rows, width))
    X.sum_duplicates()
    X.data[:] = 1
    return X


def bucket_of(hashes):
    return ((hashes.astype(np.uint64) * np.uint64(ROWS // BUCKET)) >> np.uint64(32)).astype(np.int64)


def fingerprint_of(hashes):
    return np.maximum(hashes & np.uint32(0xFF), 1).astype(np.uint8)


class Table:
    """Which feature has which row, as `src/model/table.rs` reads it."""

    def __init__(self, hashes, importance):
        """Each bucket keeps its most important features, of those that share a fingerprint the first."""
        bucket, mark = bucket_of(hashes), fingerprint_of(hashes)
        order = np.lexsort((-importance, bucket))
        twin = np.unique(bucket[order] * 256 + mark[order], return_index=True)[1]
        order = order[np.sort(twin)]
        place = np.arange(len(order)) - np.searchsorted(bucket[order], bucket[order])
        order, place = order[place < BUCKET], place[place < BUCKET]
        self.rows = bucket[order] * BUCKET + place
        self.features = order
        self.fingerprints = np.zeros(ROWS, np.uint8)
        self.fingerprints[self.rows] = mark[order]

    def lookup(self, hashes):
        """The row of each hash, −1 where there is none."""
        bucket, mark = bucket_of(hashes), fingerprint_of(hashes)
        row = np.full(len(hashes), -1, np.int64)
        for place in range(BUCKET - 1, -1, -1):
            at = bucket * BUCKET + place
            row = np.where(self.fingerprints[at] == mark, at, row)
        return row


class Terms:
    """The term lists: an epoch joins them at random into lines of one to four terms of one label and language."""

    def __init__(self, groups, first):
        self.groups, at = [], first
        for (label, _), terms in sorted(groups.items()):
            self.groups.append((label, np.arange(at, at + len(terms))))
            at += len(terms)

    def lines(self, rng, X):
        owners, columns, labels = [], [], []
        for label, group in self.groups:
            group = rng.permutation(group)
            i = 0
            while i < len(group):
                n = int(rng.integers(1, 5))
                columns.append(group[i:i + n])
                owners.append(n if i + n <= len(group) else len(group) - i)
                labels.append(label)
                i += n
        if not labels:
            return sp.csr_matrix((0, X.shape[1]), dtype=np.float32), np.zeros(0, np.int64)
        joined = sp.csr_matrix((np.ones(sum(owners), np.float32), np.concatenate(columns), np.cumsum([0] + owners)),
                               shape=(len(labels), X.shape[0]))
        lines = (joined @ X).tocsr()
        lines.data[:] = 1
        return lines, np.array(labels)


def fit(net, X, targets, weight, terms, settings, name):
    """Draws rows by weight, mixes in lines of terms, and steps."""
    rng, draw = net.rng, np.flatnonzero(weight > 0)
    p = weight[draw] / weight[draw].sum()
    size, done, total = int(weight.sum()), 0, None
    for epoch in range(settings["epochs"]):
        lines, line_labels = terms.lines(rng, X)
        picked = rng.choice(draw, size=size, p=p)
        if len(line_labels):
            picked = np.concatenate([picked, -1 - rng.choice(len(line_labels), size=int(LEXICON * len(line_labels) / 2))])
        picked = rng.permutation(picked)
        batches = len(picked) // BATCH
        total = total or batches * settings["epochs"]
        loss = 0.0
        for b in range(batches):
            some = picked[b * BATCH:(b + 1) * BATCH]
            texts, others = some[some >= 0], -1 - some[some < 0]
            batch = sp.vstack([X[texts], lines[others]], format="csr") if len(others) else X[texts]
            target = np.concatenate([targets[texts], smoothed(line_labels[others], len(LABELS))])
            left = 1 - (1 - settings["last"]) * done / total
            loss += net.step(batch, target, settings["drop"], settings["rate"] * left, settings["dense"] * left)
            done += 1
        say(f"{name}: epoch {epoch + 1}, {len(picked)} texts, loss {loss / max(batches, 1):.4f}")


def train(rows, terms_by_group, hashes, owner, train_mask, seed, name):
    """Wide network → the features that matter → the network that ships."""
    rng = np.random.default_rng(seed)
    count = len(train_mask)
    labels = np.array([row.label for row in rows])
    weight = np.array([row.weight for row in rows]) * train_mask[:len(rows)]
    share = np.bincount(labels, weights=weight, minlength=len(LABELS))
    weight = weight * np.sqrt(share.mean() / np.maximum(share, 1))[labels]
    babbled = np.array([row.kind == "babble" for row in rows])
    targets = smoothed(labels, len(LABELS))
    targets[babbled] = 1 / len(LABELS)
    terms = Terms(terms_by_group, len(rows))

    vocabulary, found = np.unique(hashes[train_mask[owner]], return_counts=True)
    vocabulary = vocabulary[found >= 2]
    at = np.minimum(np.searchsorted(vocabulary, hashes), len(vocabulary) - 1)
    hit = vocabulary[at] == hashes
    X = matrix(at[hit], owner[hit], count, len(vocabulary))
    say(f"{name}: {len(vocabulary)} features that occur twice or more")
    wide = Net(rng, len(vocabulary), WIDTH, HIDDEN, len(LABELS), POWER)
    fit(wide, X, targets, weight, terms, FULL, f"{name}, wide")

    use = np.concatenate([weight * np.array([2.0 if row.kind == "own" else 1.0 for row in rows]), np.full(count - len(rows), 0.5)])
    often = np.asarray(X.T @ use.astype(np.float32)).ravel()
    table = Table(vocabulary, np.linalg.norm(wide.E, axis=1) * np.sqrt(np.minimum(often, 200)))
    say(f"{name}: {len(table.rows)} features kept in {ROWS} rows")
    net = Net(rng, ROWS, WIDTH, HIDDEN, len(LABELS), POWER)
    net.E[:] = 0
    net.E[table.rows] = wide.E[table.features]
    net.vE[table.rows] = wide.vE[table.features]
    net.dense = wide.dense
    # The small network learns half from the labels and half from what the wide one, which sees every feature, makes of the text.
    taught = softmax(wide.logits(X[:len(rows)]))
    targets = np.where(babbled[:, None], targets, (1 - DISTIL) * targets + DISTIL * taught).astype(np.float32)
    del X, wide
    row = table.lookup(hashes)
    X = matrix(row[row >= 0], owner[row >= 0], count, ROWS)
    net.scale = np.float32(np.quantile(np.abs(net.E[table.rows]), CLIP) / network.LEVELS)
    fit(net, X, targets, weight, terms, SMALL, f"{name}, small")
    return net, table, X


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", default="models/text", help="our own text, JSON Lines")
    parser.add_argument("--data", help="a folder with the public sets; without it only our own text is learned from")
    parser.add_argument("--out", default="models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out-only", action="store_true", help="stop after the network that leaves a tenth out: for trying things")
    options = parser.parse_args()

    rows, terms = data.own(options.text, everything=False)
    if options.data:
        rows += data.public(options.data)
    else:
        print("No --data folder: the public exam and textbook sets are absent, so the network learns from our own text alone. Expect about\n"
              "20 points less on MMLU-Pro and a few points less on prompts than the model card says.", file=sys.stderr)
    rows = data.clean(rows)
    rows += data.babble(rows, np.random.default_rng(options.seed))
    term_texts = [term for _, group in sorted(terms.items()) for term in group]
    say(f"{len(rows)} texts, {len(term_texts)} terms")
    hashes, owner = hashed([row.text for row in rows] + term_texts)
    say(f"{len(hashes)} features")
    is_term = np.ones(len(term_texts), bool)
    held = np.concatenate([[row.use == "train" for row in rows], is_term])
    net, table, X = train(rows, terms, hashes, owner, held, options.seed, "held out")
    calibration = measure.calibrate(net, X, rows)
    figures = {"held out": measure.table(net, X, rows, calibration)}
    measure.show("a tenth of our prompts held out", figures["held out"])
    say(f"temperature {calibration['temperature']:.3f}, threshold {calibration['threshold']:.2f}")
    if options.held_out_only:
        return
    everything = np.concatenate([[row.use in ("train", "dev") for row in rows], is_term])
    net, table, X = train(rows, terms, hashes, owner, everything, options.seed, "everything")
    figures["everything"] = measure.table(net, X, rows, calibration)
    del figures["everything"]["dev"], figures["everything"]["by"]["dev"]
    measure.show("everything (what ships)", figures["everything"])
    out = Path(options.out)
    export.write(out, net, table, calibration, rows)
    figures["calibration"] = calibration
    (out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    say(f"wrote {out}/weights.safetensors, vectors.json, figures.json")


if __name__ == "__main__":
    main()
