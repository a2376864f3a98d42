"""Writes the measured figures into the model card, so that the card cannot say anything else than what the trainer measured.

`python card.py models`: reads figures.json there and replaces what stands between the two marks in README.md.
"""

import json
import sys
from pathlib import Path

BEGIN, END = "<!-- figures: written by tools/train/card.py -->", "<!-- end of figures -->"
# Each row: its name in the card, the set, and the part of it.
ROWS = [
    ("a tenth of our prompts", "dev", None),
    ("… English", "dev", "English"),
    ("… other languages", "dev", "other languages"),
    ("validation set of ours", "validation", None),
    ("… English", "validation", "English"),
    ("… other languages", "validation", "other languages"),
    ("MMLU-Pro val", "mmlu-pro val", None),
    ("MMLU-Pro test", "mmlu-pro test", None),
    ("`dev_real_prompts`", "dev_real_prompts", None),
    ("`dev_arena_hard_v2` (noisy labels)", "dev_arena_hard_v2", None),
]


def of(figures, name, part):
    return figures.get("by", {}).get(name, {}).get(part) if part else figures.get(name)


def table(figures):
    lines = ["| set | texts | held out | ships | ships, lenient | decided, right if decided | calibration error |", "|---|---|---|---|---|---|---|"]
    for title, name, part in ROWS:
        held, ships = of(figures["held out"], name, part), of(figures["everything"], name, part)
        said = ships or held
        if not said:
            continue
        cells = [said["n"], held["accuracy"] if held else "–", ships["accuracy"] if ships else "–", ships["lenient"] if ships else "–"]
        lines.append("| " + " | ".join(map(str, [title, *cells, f"{said['decided']}, {said['right_if_decided']}", said["ece"]])) + " |")
    lines += ["", "| kind (validation set) | texts | ships |", "|---|---|---|"]
    for kind, said in sorted(figures["everything"]["by"]["validation"].items()):
        if kind.startswith("kind "):
            lines.append(f"| {kind[5:]} | {said['n']} | {said['accuracy']} |")
    return "\n".join(lines)


def main(folder):
    card = Path(folder, "README.md")
    text = card.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        sys.exit(f"{card}: expected the marks {BEGIN} and {END}")
    figures = json.loads(Path(folder, "figures.json").read_text(encoding="utf-8"))
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    card.write_text(f"{before}{BEGIN}\n{table(figures)}\n{END}{after}", encoding="utf-8")
    print(f"figures of {folder}/figures.json → {card}")


if __name__ == "__main__":
    main(*sys.argv[1:])
