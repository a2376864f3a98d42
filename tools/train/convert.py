"""Turns prompts as they are written down into JSON Lines for `models/text`.

A file holds header lines `@ label | lang | register`, and under each one prompt a line, in which ⏎ stands for a line break.
`python convert.py OUT.jsonl FILE…`
"""

import json
import sys

from data import LABELS


def read(path):
    label = lang = register = None
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        line = line.strip()
        if not line:
            continue
        if line.startswith("@ "):
            parts = [part.strip() for part in line[2:].split("|")]
            if len(parts) < 3 or parts[0] not in LABELS:
                sys.exit(f"{path}:{number}: expected '@ label | lang | register' with one of the {len(LABELS)} labels, found '{line}'")
            label, lang, register = parts[:3]
            continue
        if label is None:
            sys.exit(f"{path}:{number}: a prompt stands before the first header")
        yield {"text": line.replace("⏎", "\n").strip(), "label": label, "lang": lang, "register": register}


def main(out, paths):
    seen, count = set(), 0
    with open(out, "w", encoding="utf-8") as file:
        for path in sorted(paths):
            for row in read(path):
                key = " ".join(row["text"].lower().split())
                if key and key not in seen:
                    seen.add(key)
                    count += 1
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{count} prompts → {out}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
