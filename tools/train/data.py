"""The training text: what lies in `models/text`, and the public sets where the caller has them.

Nothing that measures the model is ever trained on: not the published test splits, not the two `dev_` files, not the validation set, and no
text that shares half of its five-word runs, or twelve of them, with one of those.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

LABELS = ["biology", "business", "chemistry", "computer science", "economics", "engineering", "health", "history", "law", "math", "other",
          "philosophy", "physics", "psychology"]

# How often a row is drawn, against a row of the public sets at PUBLIC. What users really type is rare and weighs most.
OWN, PUBLIC, MMLU_PRO, MMLU = 6.0, 0.5, 2.5, 1.0
BABBLE = 1.0  # babbled texts, and how often each is drawn


class Row:
    """One labelled text. `use` is train, dev (held out of ours, for development), test or validation; `kind` says where it came from."""

    __slots__ = ("text", "label", "lang", "kind", "use", "alt", "weight", "register")

    def __init__(self, text, label, lang="en", kind="own", use="train", alt=(), weight=1.0, register=""):
        self.text, self.label, self.lang, self.kind, self.use, self.alt = text, LABELS.index(label), lang, kind, use, tuple(alt)
        self.weight, self.register = weight, register


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def held_out(text):
    """A tenth of our prompts, chosen by the text alone, so that a prompt never changes sides."""
    return int(hashlib.sha1(text.encode()).hexdigest(), 16) % 10 == 0


def shingles(text):
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i:i + 5]) for i in range(len(words) - 4)}


def clean(rows):
    """Drops training rows that nearly repeat a row that measures; says how many."""
    measured = {}
    for n, row in enumerate(rows):
        if row.use not in ("train", "dev"):
            for shingle in shingles(row.text):
                measured.setdefault(shingle, []).append(n)
    exact = {" ".join(row.text.lower().split()) for row in rows if row.use not in ("train", "dev")}
    kept, dropped, seen = [], 0, set()
    for row in rows:
        if row.use not in ("train", "dev"):
            kept.append(row)
            continue
        key = " ".join(row.text.lower().split())
        mine = shingles(row.text)
        shared = {}
        for shingle in mine:
            for n in measured.get(shingle, ()):
                shared[n] = shared.get(n, 0) + 1
        most = max(shared.values(), default=0)
        if key in exact or most >= 12 or (mine and most >= 0.5 * len(mine)):
            dropped += 1
        elif (key, row.kind) not in seen:
            seen.add((key, row.kind))
            kept.append(row)
    print(f"left out: {dropped} training rows that nearly repeat a row that measures, {len(rows) - len(kept) - dropped} repeated ones")
    return kept


def own(folder, everything):
    """Our prompts, term lists and validation set."""
    rows, terms = [], {}
    for path in sorted(Path(folder).glob("*.jsonl")):
        for entry in lines(path):
            if "terms" in entry:
                terms.setdefault((LABELS.index(entry["label"]), entry["lang"]), []).extend(entry["terms"])
            elif path.name.startswith("validation"):
                rows.append(Row(entry["text"], entry["label"], entry.get("lang", "en"), "validation", "validation", entry.get("alt") or (),
                                register=entry.get("kind") or entry.get("register", "")))
            else:
                use = "dev" if held_out(entry["text"]) and not everything else "train"
                rows.append(Row(entry["text"], entry["label"], entry.get("lang", "en"), "own", use, weight=OWN, register=entry.get("register", "")))
    return rows, terms


def babble(rows, rng, count=6000):
    """Texts that mean nothing: our prompts with their letters exchanged, vowels for vowels, the same exchange throughout a text.

    They are learned with no label at all, all being equally likely, so that the network does not read a meaning into a language that it
    never saw: the n-grams that such a language shares with others are what these texts are full of.
    """
    groups = ["aeiouyäöüáéíóúàèìòùâêîôû", "bcdfghjklmnpqrstvwxzšžčśłñç", "аеиоуыэюяіїє", "бвгджзклмнпрстфхцчшщйґј", "ابتثجحخدذرزسشصضطظعغفقكلمنهويپچگ",
              "कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह"]
    ours = [row for row in rows if row.kind == "own" and row.use == "train"]
    picked = rng.choice(len(ours), size=min(count, len(ours)), replace=False)
    made = []
    for i in picked:
        exchange = {}
        for group in groups:
            exchange.update(zip(group, rng.permutation(list(group))))
        words = ours[i].text.lower().split()
        text = " ".join("".join(str(exchange.get(c, c)) for c in word) for word in words)
        made.append(Row(text, "other", ours[i].lang, "babble", "train", weight=BABBLE))
    return made


def public(folder):
    """The public sets, if the caller has them."""
    rows = []
    weights = {"mmlu-pro": MMLU_PRO, "mmlu": MMLU}
    for name in ("domains", "extra", "templates", "dev_real_prompts", "dev_arena_hard_v2"):
        path = Path(folder) / f"{name}.jsonl"
        if not path.exists():
            print(f"absent: {path}", file=sys.stderr)
            continue
        for entry in lines(path):
            use = {"train": "train", "val": "val", "test": "test"}.get(entry["split"], "test")
            kind = {"ood": "dev_real", "ood2": "arena2"}.get(entry["split"], entry["source"])
            rows.append(Row(entry["text"], entry["label"], "en", kind, use, entry.get("alt") or (), weights.get(kind, PUBLIC)))
    return rows
