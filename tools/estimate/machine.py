"""The state machine of src/estimate.rs, in Python, for fitting: text in, units with their features out."""

SPACE, NEWLINE, PUNCT, DIGIT, LOWER, UPPER, APOSTROPHE = range(7)
START, S1, S2, NL, P1, P2, PN, D1, D2, D3, U1, U2, L1, L2, L3, L4, L5, L6, L7, L8 = range(20)
TEXT_SYMBOL, OTHER_LETTER, OTHER_PUNCT = 31, 0, 30
PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def step(state, kind):
    """The next state, and how many units end before this character."""
    letters = state >= U1
    if kind == SPACE:
        if state == S1 or state == S2:
            return S2, 0
        return S1, int(state != START)
    if kind == NEWLINE:
        if state in (S1, S2, NL, START):
            return NL, 0
        return (PN, 0) if state in (P1, P2, PN) else (NL, 1)
    if kind == APOSTROPHE:
        if letters:
            return state, 0
        kind = PUNCT
    if kind == PUNCT:
        if state == S1:
            return P2, 0
        if state in (P1, P2):
            return P2, 0
        if state == S2:
            return P2, 1
        return P1, int(state != START)
    if kind == DIGIT:
        if state in (D1, D2):
            return state + 1, 0
        return D1, 2 if state == S2 else int(state != START)
    join = state in (START, S1, P1)
    if kind == UPPER:
        if state in (U1, U2):
            return U2, 0
        return U1, int(not join)
    if letters:
        return (L2 if state in (U1, U2) else min(state + 1, L8)), 0
    return L1, int(not join)


def ranges(text):
    return [tuple(int(x, 16) for x in part.split("-")) for part in text.split()]


SPACES = ranges("a0-a0 1680-1680 2000-200a 2028-2029 202f-202f 205f-205f 3000-3000")
PUNCTS = ranges(
    "80-bf d7-d7 f7-f7 37e-37e 387-387 5be-5be 5f3-5f4 60c-60d 61b-61f 66a-66d 6d4-6d4 964-965 e3f-e3f e4f-e4f e5a-e5b "
    "200b-2027 202a-205e 2060-206f 207a-207e 208a-214f 2190-245f 249c-2bff 2e00-3004 3008-3020 3030-3030 303d-303f 30fb-30fb "
    "e000-f8ff fd3e-fd3f fe00-fe6f ff00-ff0f ff1a-ff20 ff3b-ff40 ff5b-ff65 ffe0-ffff 10100-102ff 1d000-1d3ff 1f000-1ffff e0000-e01ff"
)
DIGITS = ranges("660-669 6f0-6f9 e50-e59 2070-2079 2080-2089 2150-218f 2460-249b ff10-ff19")


def kind(c):
    """The kind of a character beyond ASCII."""
    within = lambda table: any(low <= c <= high for low, high in table)
    if within(SPACES):
        return SPACE
    if within(PUNCTS):
        return PUNCT
    if within(DIGITS) or (0x900 <= c < 0xE00 and 0x66 <= c & 0x7F <= 0x6F):
        return DIGIT
    if 0xC0 <= c <= 0xDE or 0x386 <= c <= 0x3AB or 0x400 <= c <= 0x42F or 0x531 <= c <= 0x556:
        return UPPER
    if 0x100 <= c <= 0x24F or 0x460 <= c <= 0x52F or 0x1E00 <= c <= 0x1EFF:
        # These alternate, an odd capital first between U+0139 and U+0148 and from U+0179 to U+017E.
        odd = 0x139 <= c <= 0x148 or 0x179 <= c <= 0x17E
        return UPPER if (c & 1 == 1) == odd else LOWER
    return LOWER


PAGES = {1: 1, 2: 2, 3: 3, 4: 3, 5: 3, 6: 3, 7: 4, 8: 5, 9: 6, 10: 3, 11: 7, 12: 8, 13: 9, 18: 10, 19: 11, 23: 12,
         20: 13, 21: 13, 22: 13, 24: 13, 25: 13, 26: 13, 27: 13, 28: 14, 60: 16, 61: 17, 64: 18, 96: 20, 97: 21, 510: 27, 511: 27}


def place(c):
    """Where the weight of a character beyond ASCII stands."""
    page = c >> 7
    if page in PAGES:
        return PAGES[page] * 128 + (c & 127)
    if 0x3400 <= c < 0xA000 or 0x20000 <= c:
        return 29 * 128 + c % 384
    if 0xAC00 <= c < 0xD7A4:
        return 23 * 128 + (c - 0xAC00) // 28
    if c >= 0x1F000:
        return 28 * 128 + ((c >> 3) & 127)
    return (19 if 0x2080 <= c < 0x3000 else 15) * 128 + (c & 127)


def ascii_class(c):
    """Kind and symbol of an ASCII character."""
    ch = chr(c)
    if ch.isalpha():
        return (UPPER if ch.isupper() else LOWER), (c & 31)
    if ch.isdigit():
        return DIGIT, 27
    if ch in "\r\n":
        return NEWLINE, 29
    if ch in PUNCTUATION:
        return (APOSTROPHE if ch == "'" else PUNCT), 32 + PUNCTUATION.index(ch)
    return SPACE, 28


ASCII = [ascii_class(c) for c in range(128)]
cache = {}


def classify(c):
    if c not in cache:
        k = kind(c)
        cache[c] = (k, OTHER_LETTER if k in (LOWER, UPPER) else OTHER_PUNCT if k == PUNCT else 27 if k == DIGIT else 28, place(c))
    return cache[c]


# Where each table's features begin.
STEP, PAIR, CHAR, HASH, SIZE = 0, 256, 256 + 4096, 256 + 8192, 256 + 8192 + 4096
TABLE = [[step(s, k) for k in range(7)] for s in range(20)]


def hashed(previous, c):
    return ((previous * 0x9E35 + c * 0x85EB) >> 3) & 4095


def units(text, tokens=None):
    """Units as (features, extra tokens, tokens that begin in it)."""
    found, features, state, symbol, previous, extra = [], [], START, TEXT_SYMBOL, 0, 0
    starts, at = set(), 0
    for length in tokens or ():
        starts.add(at)
        at += length
    at, count, last = 0, 0, 0
    for ch in text:
        c = ord(ch)
        if c < 128:
            k, now = ASCII[c]
            size = 1
        else:
            k, now, position = classify(c)
            size = 2 if c < 0x800 else 3 if c < 0x10000 else 4
        following, ends = TABLE[state][k]
        if ends:
            found.append((features, ends - 1, count))
            features, count = [], 0
        features.append(STEP + state * 8 + k)
        if c < 128:
            features.append(PAIR + symbol * 64 + now)
        else:
            features.append(CHAR + position)
            features.append(HASH + hashed(previous, c))
        for offset in range(at, at + size):
            count += offset in starts
        at, state, symbol, previous = at + size, following, now, c
    if features:
        found.append((features, 0, count))
    return found
