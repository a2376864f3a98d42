"""What a network gets right, and how sure it may be."""

import numpy as np

from data import LABELS
from net import softmax


# The held-out prompts are harder than most of what is sent: of the validation set, which was written apart, nine in ten are right then.
RIGHT = 0.80


def chosen(rows, **wanted):
    return np.array([i for i, row in enumerate(rows) if all(getattr(row, key) == value for key, value in wanted.items())], dtype=int)


def calibrate(net, X, rows):
    """Temperature by the least log loss, and the least threshold at which 80 % of what is decided is right, on held-out prompts."""
    on = chosen(rows, use="dev")
    if len(on) < 50:
        on = chosen(rows, use="val")
    logits, labels = net.logits(X[on]), np.array([rows[i].label for i in on])

    def loss(t):
        return -np.log(softmax(logits / t)[np.arange(len(on)), labels] + 1e-9).mean()

    temperature = float(min(np.arange(0.3, 3.0, 0.01), key=loss))
    p = softmax(logits / temperature)
    top, right = p.max(1), p.argmax(1) == labels
    threshold = next((t for t in np.arange(0.30, 0.80, 0.01) if (top >= t).any() and right[top >= t].mean() >= RIGHT), 0.8)
    return {"temperature": temperature, "threshold": round(float(threshold), 2), "texts": len(on)}


def figures(p, rows):
    """Accuracy in %, also with the alternatives accepted; the share decided at 0.5 and its accuracy; the calibration error."""
    labels = np.array([row.label for row in rows])
    guess, top = p.argmax(1), p.max(1)
    right = guess == labels
    lenient = np.array([r or LABELS[g] in row.alt for r, g, row in zip(right, guess, rows)])
    decided = top >= 0.5
    bins = np.minimum((top * 10).astype(int), 9)
    ece = sum(abs(right[bins == b].mean() - top[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any())
    f1 = []
    for label in range(len(LABELS)):
        true, said = labels == label, guess == label
        if true.any():
            f1.append(2 * (true & said).sum() / max(true.sum() + said.sum(), 1))
    return {"n": len(rows), "accuracy": round(100 * right.mean(), 1), "lenient": round(100 * lenient.mean(), 1),
            "macro_f1": round(100 * float(np.mean(f1)), 1), "decided": round(100 * decided.mean(), 1),
            "right_if_decided": round(100 * lenient[decided].mean(), 1) if decided.any() else None, "ece": round(float(ece), 3)}


def table(net, X, rows, calibration):
    """Figures by set; ours also by language and register."""
    sets = {"dev": chosen(rows, use="dev"), "validation": chosen(rows, use="validation"), "mmlu-pro val": chosen(rows, kind="mmlu-pro", use="val"),
            "mmlu-pro test": chosen(rows, kind="mmlu-pro", use="test"), "dev_real_prompts": chosen(rows, kind="dev_real"),
            "dev_arena_hard_v2": chosen(rows, kind="arena2")}
    result, by = {}, {}
    for name, on in sets.items():
        if not len(on):
            continue
        p = softmax(net.logits(X[on]) / calibration["temperature"])
        result[name] = figures(p, [rows[i] for i in on])
        if name in ("dev", "validation"):
            groups = {}
            for at, i in enumerate(on):
                for key in ("English" if rows[i].lang == "en" else "other languages", f"lang {rows[i].lang}", f"kind {rows[i].register}"):
                    groups.setdefault(key, []).append(at)
            by[name] = {key: figures(p[at], [rows[on[a]] for a in at]) for key, at in sorted(groups.items())}
    result["by"] = by
    return result


def show(title, result):
    print(f"\n{title}")
    for name, entry in result.items():
        if name != "by":
            print(f"  {name:20} n {entry['n']:5}  accuracy {entry['accuracy']:5}  lenient {entry['lenient']:5}  F1 {entry['macro_f1']:5}  "
                  f"at 0.5: {entry['decided']:5} % decided, {entry['right_if_decided']} % right  ece {entry['ece']}")
    for name, groups in result["by"].items():
        for key in ("English", "other languages"):
            if key in groups:
                print(f"  {name + ', ' + key:32} n {groups[key]['n']:5}  accuracy {groups[key]['accuracy']:5}")
    print(flush=True)
