"""The network and its training: rows of a table, summed, then one hidden layer. numpy and scipy, one thread, fixed seeds.

The same numbers come out of `src/model/ops.rs`: sum of the distinct rows' four-bit values × scale × n^-power, `max(0, x·W + b)` and x itself
into the output layer, softmax at a temperature.
"""

import numpy as np
import scipy.sparse as sp

SMOOTH = 0.05
LEVELS = 7  # the table's numbers lie from -LEVELS to LEVELS once quantized: four bits


class Net:
    """The table `E` (rows × width) and the two layers."""

    def __init__(self, rng, rows, width, hidden, labels, power):
        self.rng, self.power = rng, power
        self.E = (rng.standard_normal((rows, width)) * 0.03).astype(np.float32)
        self.vE = np.full((rows, width), 1e-6, np.float32)
        self.dense = [
            (rng.standard_normal((width, hidden)) / width**0.5).astype(np.float32), np.zeros(hidden, np.float32),
            np.concatenate([rng.standard_normal((hidden, labels)) * 0.5 / hidden**0.5,
                            rng.standard_normal((width, labels)) / width**0.5]).astype(np.float32), np.zeros(labels, np.float32)]
        self.m = [np.zeros_like(t) for t in self.dense]
        self.v = [np.zeros_like(t) for t in self.dense]
        self.t = 0
        self.scale = None  # once set, the table is seen through its four bits

    def quantized(self, E):
        return np.clip(np.round(E / self.scale), -LEVELS, LEVELS)

    def seen(self, E):
        return E if self.scale is None else self.quantized(E).astype(np.float32) * self.scale

    def pool(self, X, E):
        n = np.maximum(np.diff(X.indptr), 1).astype(np.float32)
        factor = (n**-self.power)[:, None].astype(np.float32)
        return (X @ E) * factor, factor

    def head(self, pooled):
        w1, b1, w2, b2 = self.dense
        hidden = np.maximum(pooled @ w1 + b1, 0)
        both = np.concatenate([hidden, pooled], 1)
        return hidden, both, both @ w2 + b2

    def logits(self, X):
        E = self.seen(self.E)
        return np.concatenate([self.head(self.pool(X[i:i + 4096], E)[0])[2] for i in range(0, X.shape[0], 4096)] or
                              [np.zeros((0, len(self.dense[3])), np.float32)])

    def step(self, X, target, drop, rate, dense_rate):
        """One step on a batch: Adagrad on the rows that occur in it, Adam on the layers. `target` holds a distribution for each text."""
        if drop > 0:
            keep = self.rng.random(X.nnz) > drop
            X = sp.csr_matrix((X.data[keep], X.indices[keep], np.concatenate([[0], np.cumsum(keep)])[X.indptr]), shape=X.shape)
        used, place = np.unique(X.indices, return_inverse=True)
        X = sp.csr_matrix((X.data, place.astype(np.int32), X.indptr), shape=(X.shape[0], len(used)))
        E = self.E[used]
        pooled, factor = self.pool(X, self.seen(E))
        hidden, both, logits = self.head(pooled)
        p = softmax(logits)
        n = len(target)
        loss = -(target * np.log(p + 1e-9)).sum(1).mean()
        g = (p - target) / n
        w1, _, w2, _ = self.dense
        back = g @ w2.T
        gh = back[:, :hidden.shape[1]] * (hidden > 0)
        gp = (gh @ w1.T + back[:, hidden.shape[1]:]) * factor
        self.t += 1
        for i, grad in enumerate((pooled.T @ gh, gh.sum(0), both.T @ g, g.sum(0))):
            self.m[i] = 0.9 * self.m[i] + 0.1 * grad
            self.v[i] = 0.999 * self.v[i] + 0.001 * grad * grad
            step = (self.m[i] / (1 - 0.9**self.t)) / (np.sqrt(self.v[i] / (1 - 0.999**self.t)) + 1e-8)
            self.dense[i] = (self.dense[i] - dense_rate * step).astype(np.float32)
        gE = (X.T.tocsr() @ gp) * n
        v = self.vE[used] + gE * gE
        self.vE[used] = v
        self.E[used] = E - rate * gE / np.sqrt(v)
        return loss


def softmax(logits):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def smoothed(labels, count):
    """One-hot targets, smoothed."""
    target = np.full((len(labels), count), SMOOTH / count, np.float32)
    target[np.arange(len(labels)), labels] += 1 - SMOOTH
    return target
