"""Text to feature hashes, in numpy: the same function as `src/tokens.rs`, which is the reference.

A text is cut at LIMIT bytes, folded character by character, split into tokens, and each token gives the hashes of its character n-grams,
of itself and of its pair with the token before. `models/vectors.json` holds what this file gives for a few hundred texts, and the Rust
tests compare their own answer with it bit for bit.
"""

import unicodedata

import numpy as np

LIMIT = 2048  # bytes of UTF-8
TOKEN = 32  # characters; a longer run is split
SPACE, WORD, DENSE, SYMBOL = 0, 1, 2, 3
OPEN, CLOSE = 2, 3  # code points that no text contains after folding; they mark a word's ends
FNV_BASIS, FNV_PRIME = 0x811C9DC5, 0x01000193
SALT_GRAM, SALT_WORD, SALT_PAIR, SALT_LEAD = 0x11, 0x22, 0x33, 0x44
LEAD = 4  # tokens at the start that also count as leading ones
WORD_GRAMS, DENSE_GRAMS = (2, 5), (1, 3)  # shortest and longest n-gram, in characters
TOP = 0x30000


def base_letter(cp):
    """The lower-case letter without its accents, for Latin letters; one character always."""
    special = {"ß": "s", "æ": "a", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "t", "ħ": "h", "ı": "i", "ĸ": "k", "ŋ": "n", "œ": "o",
               "ŧ": "t", "×": "*", "÷": "/", "ſ": "s", "ŉ": "n", "ŀ": "l", "ĳ": "i"}
    c = chr(cp)
    low = c.lower()[0]
    low = unicodedata.normalize("NFD", low)[0]
    low = special.get(low, low)
    return ord(low) if ord(low) < 0x80 else cp


LATIN_TABLE = [base_letter(cp) if base_letter(cp) < 0x80 else 0x3F for cp in range(0xC0, 0x250)]
LATIN_MORE_TABLE = [base_letter(cp) if base_letter(cp) < 0x80 else 0x3F for cp in range(0x1E00, 0x1F00)]


def fold(cp):
    """One code point to (code point, class); code point 0 is dropped."""
    if cp < 0x80:
        if 0x41 <= cp <= 0x5A:
            return cp + 32, WORD
        if 0x61 <= cp <= 0x7A or 0x30 <= cp <= 0x39:
            return cp, WORD
        if cp <= 0x20 or cp == 0x7F:
            return 0x20, SPACE
        return cp, SYMBOL
    if cp < 0xC0:
        some = {0x80: None, 0xA0: (0x20, SPACE), 0xAA: (0x61, WORD), 0xAD: (0, SPACE), 0xB2: (0x32, WORD), 0xB3: (0x33, WORD),
                0xB5: (0x3BC, WORD), 0xB9: (0x31, WORD), 0xBA: (0x6F, WORD)}
        return some.get(cp) or (cp, SYMBOL)
    if cp < 0x250 or 0x1E00 <= cp < 0x1F00:
        to = LATIN_TABLE[cp - 0xC0] if cp < 0x250 else LATIN_MORE_TABLE[cp - 0x1E00]
        if to == 0x3F:
            return cp, WORD
        return to, SYMBOL if to in (0x2A, 0x2F) else WORD
    if cp < 0x300:
        return cp, WORD
    if cp < 0x370:
        return 0, SPACE
    if cp < 0x400:
        accents = {0x386: 0x3B1, 0x388: 0x3B5, 0x389: 0x3B7, 0x38A: 0x3B9, 0x38C: 0x3BF, 0x38E: 0x3C5, 0x38F: 0x3C9, 0x3AC: 0x3B1,
                   0x3AD: 0x3B5, 0x3AE: 0x3B7, 0x3AF: 0x3B9, 0x3C2: 0x3C3, 0x3CC: 0x3BF, 0x3CD: 0x3C5, 0x3CE: 0x3C9}
        if cp in accents:
            return accents[cp], WORD
        if 0x391 <= cp <= 0x3A9:
            return cp + 32, WORD
        return cp, WORD
    if cp < 0x530:
        if cp == 0x401 or cp == 0x451:
            return 0x435, WORD
        if cp < 0x410:
            return cp + 80, WORD
        if cp < 0x430:
            return cp + 32, WORD
        if cp >= 0x460:
            return cp | 1, WORD
        return cp, WORD
    if cp < 0x600:
        if 0x591 <= cp <= 0x5C7:
            return 0, SPACE
        return cp, WORD
    if cp < 0x700:
        if 0x610 <= cp <= 0x61A or 0x64B <= cp <= 0x65F or cp in (0x640, 0x670):
            return 0, SPACE
        letters = {0x622: 0x627, 0x623: 0x627, 0x625: 0x627, 0x671: 0x627, 0x629: 0x647, 0x649: 0x64A, 0x6CC: 0x64A, 0x6A9: 0x643}
        if cp in letters:
            return letters[cp], WORD
        if 0x660 <= cp <= 0x669:
            return cp - 0x660 + 0x30, WORD
        if 0x6F0 <= cp <= 0x6F9:
            return cp - 0x6F0 + 0x30, WORD
        if 0x600 <= cp <= 0x60F or 0x61B <= cp <= 0x61F or 0x66A <= cp <= 0x66D or cp == 0x6D4:
            return cp, SYMBOL
        return cp, WORD
    if cp < 0x1E00:
        if 0x966 <= cp <= 0x96F:
            return cp - 0x966 + 0x30, WORD
        if cp in (0x964, 0x965):
            return cp, SYMBOL
        return cp, WORD
    if cp < 0x2000:
        return cp, WORD
    if cp < 0x2C00:
        if cp <= 0x200A or 0x2028 <= cp <= 0x202F or cp == 0x205F:
            return 0x20, SPACE
        if cp <= 0x200F or 0x2060 <= cp <= 0x206F:
            return 0, SPACE
        if cp <= 0x2015:
            return 0x2D, SYMBOL
        if 0x2018 <= cp <= 0x201B:
            return 0x27, SYMBOL
        if 0x201C <= cp <= 0x201F:
            return 0x22, SYMBOL
        if cp == 0x2026:
            return 0x2E, SYMBOL
        if cp == 0x2212:
            return 0x2D, SYMBOL
        if cp == 0x2070 or 0x2074 <= cp <= 0x2079:
            return cp - 0x2070 + 0x30, WORD
        if 0x2080 <= cp <= 0x2089:
            return cp - 0x2080 + 0x30, WORD
        return cp, SYMBOL
    if cp < 0x2E00:
        return cp, WORD
    if cp < 0x2E80:
        return cp, SYMBOL
    if cp < 0xD800:
        if cp == 0x3000:
            return 0x20, SPACE
        if 0x3001 <= cp <= 0x3004 or 0x3008 <= cp <= 0x3020 or cp in (0x3030, 0x303D, 0x30FB):
            return cp, SYMBOL
        return cp, DENSE
    if cp < 0xF900:
        return cp, SYMBOL
    if cp < 0xFB00:
        return cp, DENSE
    if cp < 0x10000:
        if 0xFE00 <= cp <= 0xFE0F or cp == 0xFEFF:
            return 0, SPACE
        if cp < 0xFE10 or 0xFE70 <= cp <= 0xFEFE:
            return cp, WORD
        if 0xFF01 <= cp <= 0xFF5E:
            return fold(cp - 0xFEE0)
        if 0xFF66 <= cp <= 0xFF9F:
            return cp, DENSE
        return cp, SYMBOL
    if 0x1D400 <= cp <= 0x1D7FF or 0x1F000 <= cp <= 0x1FFFF:
        return cp, SYMBOL
    if 0x20000 <= cp < 0x30000:
        return cp, DENSE
    if cp >= 0xE0000:
        return 0, SPACE
    return cp, WORD


_pairs = [fold(cp) for cp in range(TOP)]
FOLD = np.array([p[0] for p in _pairs], dtype=np.uint32)
CLASS = np.array([p[1] for p in _pairs], dtype=np.uint8)


def cut(text):
    """The first LIMIT bytes of the text, at a character boundary."""
    data = text.encode("utf-8", "replace")
    return text if len(data) <= LIMIT else data[:LIMIT].decode("utf-8", "ignore")


def mix(h):
    h = h ^ (h >> np.uint32(16))
    h = h * np.uint32(0x85EBCA6B)
    h = h ^ (h >> np.uint32(13))
    h = h * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))


def step(h, c):
    return (h ^ c) * np.uint32(FNV_PRIME)


def start(salt):
    return np.uint32(((FNV_BASIS ^ salt) * FNV_PRIME) & 0xFFFFFFFF)


def hashes(texts):
    """Texts to (hash of each feature occurrence, index of its text), in no particular order."""
    parts = [np.frombuffer(cut(t).encode("utf-32-le", "replace"), dtype=np.uint32) for t in texts]
    if not parts:
        return np.zeros(0, np.uint32), np.zeros(0, np.int32)
    raw = np.concatenate(parts)
    doc = np.repeat(np.arange(len(parts), dtype=np.int32), [len(p) for p in parts])
    small = np.minimum(raw, TOP - 1)
    cp = np.where(raw < TOP, FOLD[small], np.where(raw >= 0xE0000, 0, raw)).astype(np.uint32)
    kind = np.where(raw < TOP, CLASS[small], WORD).astype(np.uint8)
    keep = cp != 0
    cp, kind, doc = cp[keep], kind[keep], doc[keep]
    if len(cp) == 0:
        return np.zeros(0, np.uint32), np.zeros(0, np.int32)
    # A token starts where the class or the text changes, at every symbol, and after TOKEN characters of a run.
    new = np.ones(len(cp), bool)
    new[1:] = (kind[1:] != kind[:-1]) | (doc[1:] != doc[:-1]) | (kind[1:] == SYMBOL)
    at = np.arange(len(cp))
    run = np.maximum.accumulate(np.where(new, at, 0))
    new |= (at - run) % TOKEN == 0
    solid = kind != SPACE
    cp, kind, doc, new = cp[solid], kind[solid], doc[solid], new[solid]
    if len(cp) == 0:
        return np.zeros(0, np.uint32), np.zeros(0, np.int32)
    token = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    length = np.diff(np.append(first, len(cp)))
    tkind, tdoc = kind[first], doc[first]
    out, where = [], []

    # Whole tokens.
    h = np.full(len(first), start(SALT_WORD), np.uint32)
    for k in range(TOKEN):
        live = length > k
        if not live.any():
            break
        h[live] = step(h[live], cp[first[live] + k])
    word = h
    whole = (tkind == SYMBOL) | (length >= 4)
    out.append(mix(word[whole]))
    where.append(tdoc[whole])
    # Pairs of neighbouring tokens.
    near = tdoc[1:] == tdoc[:-1]
    pair = step(step(start(SALT_PAIR), word[:-1]), word[1:])[near]
    out.append(mix(pair))
    where.append(tdoc[1:][near])
    # The tokens that the text opens with.
    opening = np.searchsorted(tdoc, tdoc, side="left")
    lead = np.arange(len(tdoc)) - opening < LEAD
    out.append(mix(step(start(SALT_LEAD), word[lead])))
    where.append(tdoc[lead])
    # Character n-grams: words between marks, dense runs bare, digits all alike.
    gram_cp = np.where((cp >= 0x30) & (cp <= 0x39), np.uint32(0x30), cp)
    for cls, (lo, hi), marked in ((WORD, WORD_GRAMS, True), (DENSE, DENSE_GRAMS, False)):
        sel = kind == cls
        if not sel.any():
            continue
        chars, owner = gram_cp[sel], token[sel]
        if marked:
            begins = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
            ends = np.append(begins[1:], len(owner))
            size = len(chars) + 2 * len(begins)
            padded = np.empty(size, np.uint32)
            powner = np.empty(size, owner.dtype)
            spot = np.arange(len(chars)) + 2 * np.cumsum(np.append(True, owner[1:] != owner[:-1])) - 1
            padded[spot], powner[spot] = chars, owner
            padded[spot[begins] - 1], powner[spot[begins] - 1] = OPEN, owner[begins]
            padded[spot[ends - 1] + 1], powner[spot[ends - 1] + 1] = CLOSE, owner[ends - 1]
            chars, owner = padded, powner
        h = np.full(len(chars), start(SALT_GRAM), np.uint32)
        for n in range(1, min(hi, len(chars)) + 1):
            if n > 1:
                h, begin = h[:-1], owner[: len(owner) - n + 1]
            else:
                begin = owner
            h = step(h, chars[n - 1:])
            if n >= lo:
                ok = begin == owner[n - 1:]
                out.append(mix(h[ok]))
                where.append(tdoc[begin[ok]])
    return np.concatenate(out), np.concatenate(where)


def unique_features(texts):
    """Distinct hashes of each text: (hash, index of the text), sorted by text and hash."""
    h, d = hashes(texts)
    key = np.unique((d.astype(np.uint64) << np.uint64(32)) | h)
    return (key & np.uint64(0xFFFFFFFF)).astype(np.uint32), (key >> np.uint64(32)).astype(np.int32)
