"""Writes the model file and the vectors that the Rust tests compare themselves with."""

import json

import numpy as np
from safetensors.numpy import save_file

import features
from data import LABELS
from net import softmax

SCHEME = "fnv1a32-murmur3/words1-2,lead4,chars2-5,dense1-3,fold1"
# Scripts, by the languages whose prompts must be in the training text for the script to count as covered.
SCRIPTS = {"latin": set(), "greek": {"el"}, "cyrillic": {"ru", "uk", "bg", "sr"}, "hebrew": {"he"}, "arabic": {"ar", "fa", "ur"}, "devanagari": {"hi"},
           "thai": {"th"}, "han": {"zh", "ja"}, "kana": {"ja"}, "hangul": {"ko"}, "bengali": {"bn"}, "tamil": {"ta"}}
NOT_LATIN = set().union(*(langs for name, langs in SCRIPTS.items() if name != "latin"))
FEWEST = 30  # prompts in a language

ODD = ["", " ", "\n\t", "?", "a", "é", "E\u0301", "Ω≈ç√∫˜µ≤≥÷", "∑_{i=1}^n i² = n(n+1)(2n+1)/6", "１２３ＡＢＣ", "👩‍🔬🧪", "x" * 100, "ab " * 1000,
       "İstanbul'da ŞİRKET kurmak", "ﬁnance", "\u202eabc\u202c", "\u0000\u0007bell", "𝕳𝖊𝖑𝖑𝖔", "нет ё Ё", "الـــحُكْم ٣٤٥", "ကျေးဇူး", "გამარჯობა",
       "ሰላም ለዓለም", "Γειά σου Κόσμε", "שלום עולם", "สวัสดีชาวโลก", "வணக்கம் உலகம்", "日本語とEnglishの混在テスト", "量子力学", "한국어 문장", "मैं डॉक्टर हूँ।",
       "SELECT * FROM t WHERE a='b';", "https://example.org/a?b=c&d=%20", "def f(x):\n    return x**2", "H₂SO₄ + 2NaOH → Na₂SO₄ + 2H₂O",
       "é" * 1500, "界" * 900, "aé" * 700, "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "don’t", "l’État, c’est moi", "co\u00adop",
       "A\u200bB", "1789 vs 1790", "word" * 20, "𠮷野家", "ｶﾀｶﾅ", "Ｆｕｌｌ　ｗｉｄｔｈ", "Straße ŁÓDŹ Đà Nẵng ệ Ự", "\U0010ffff\ue000", "·•—–‘’“”…"]


def floats(numbers):
    return np.ascontiguousarray(numbers, dtype=np.float32)


def write(out, net, table, calibration, rows):
    texts = {}
    for row in rows:
        if row.kind == "own":
            texts[row.lang] = texts.get(row.lang, 0) + 1
    w1, b1, w2, b2 = net.dense
    quantized = net.quantized(net.E).astype(np.int8)
    half = quantized.shape[1] // 2
    packed = ((quantized[:, :half] + 8) | ((quantized[:, half:] + 8) << 4).astype(np.uint8)).astype(np.uint8)
    metadata = {
        "version": "1", "features": SCHEME, "labels": json.dumps(LABELS), "scale": repr(float(net.scale)), "power": repr(net.power),
        "temperature": f"{calibration['temperature']:.4f}", "threshold": f"{calibration['threshold']:.2f}", 
        "scripts": ",".join(f"{name}:{floor:.3f}" for name, floor in floors(rows, table, texts)), "languages": ",".join(sorted(lang for lang, n in texts.items() if n >= FEWEST)),
    }
    out.mkdir(parents=True, exist_ok=True)
    save_file({"fingerprints": table.fingerprints, "table": packed, "hidden.weight": floats(w1), "hidden.bias": floats(b1),
               "output.weight": floats(w2), "output.bias": floats(b2)}, out / "weights.safetensors", metadata=metadata)
    (out / "weights.safetensors").chmod(0o644)
    vectors = [vector(text, net, table, quantized, calibration) for text in chosen(rows)]
    (out / "vectors.json").write_text("[\n" + ",\n".join(json.dumps(v, separators=(",", ":")) for v in vectors) + "\n]\n")


def floors(rows, table, texts):
    """For each script that training covers, the share of a text's features that the table knows, as low as it gets in its languages.

    It is three quarters of the second percentile of the poorest language: a text below it is in a language that training did not cover.
    """
    shares = {}
    for row in rows:
        if row.kind == "own" and texts[row.lang] >= FEWEST and len(shares.setdefault(row.lang, [])) < 200:
            hashes, _ = features.hashes([row.text])
            if len(hashes) >= 40:
                shares[row.lang].append(float((table.lookup(hashes) >= 0).mean()))
    for name, langs in SCRIPTS.items():
        langs = {lang for lang in (set(shares) - NOT_LATIN if name == "latin" else langs) if shares.get(lang)}
        if langs:
            yield name, 0.75 * min(float(np.quantile(shares[lang], 0.02)) for lang in langs)


def chosen(rows):
    """Odd texts, and five of our own prompts in each language."""
    texts, count = list(ODD), {}
    for row in rows:
        if row.kind == "own" and count.get(row.lang, 0) < 5:
            count[row.lang] = count.get(row.lang, 0) + 1
            texts.append(row.text)
    return texts


def vector(text, net, table, quantized, calibration):
    """One text through plain arithmetic, apart from the code that trains."""
    hashes, _ = features.hashes([text])
    found = table.lookup(hashes)
    ids = np.unique(found[found >= 0])
    if not len(ids):
        return {"text": text, "ids": [], "probabilities": [0.0] * len(LABELS)}
    x = quantized[ids].astype(np.int64).sum(0) * float(net.scale) * float(len(ids)) ** -net.power
    w1, b1, w2, b2 = (t.astype(np.float64) for t in net.dense)
    both = np.concatenate([np.maximum(x @ w1 + b1, 0), x])
    p = softmax(((both @ w2 + b2) / calibration["temperature"])[None])[0]
    return {"text": text, "ids": ids.tolist(), "probabilities": [round(float(v), 6) for v in p]}
