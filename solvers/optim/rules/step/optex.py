"""OptEx: several steps in one round, along gradients that a kernel predicts from earlier ones.

Source: Shu et al., "OptEx: expediting first-order optimization with approximately parallelized iterations", NeurIPS
2024, arXiv:2402.11427, algorithm 1, with gradient descent.

Predictions start from the present gradient rather than from zero, and the kernel's width goes with the distances seen.
"""

HP = {
    "lr": (1e-2, 1e-5, 100.0, "log"),
    "width": (3.0, 0.3, 30.0, "log"),
    "noise": (1e-4, 1e-6, 1.0, "log"),
}
PARALLEL = 5
HISTORY = 20


def init(xp, p):
    rows = xp.zeros((HISTORY, *p.shape), dtype=p.dtype)
    return {"points": rows, "slopes": rows, "seen": xp.zeros((HISTORY,), dtype=p.dtype)}


def update(xp, g, state, p, hp, t, aux):
    points = push(xp, state["points"], xp.expand_dims(p, axis=0))
    slopes = push(xp, state["slopes"], xp.expand_dims(g, axis=0))
    seen = push(xp, state["seen"], xp.ones_like(state["seen"][:1]))
    past = xp.reshape(points, (HISTORY, -1))
    residual = seen[:, None] * (xp.reshape(slopes, (HISTORY, -1)) - xp.reshape(g, (1, -1)))
    apart = distances(xp, past, past) * seen[:, None] * seen
    width = hp["width"] ** 2 * xp.max(apart) + hp["noise"]
    kernel = xp.exp(-apart / width) * seen[:, None] * seen
    weights = xp.linalg.solve(kernel + hp["noise"] * xp.eye(HISTORY, dtype=p.dtype), residual)

    ahead = [p - hp["lr"] * g]
    for _ in range(PARALLEL - 1):
        near = xp.exp(-distances(xp, xp.reshape(ahead[-1], (1, -1)), past) / width) * seen
        ahead.append(ahead[-1] - hp["lr"] * (g + xp.reshape(near @ weights, p.shape)))
    proxies = xp.stack(ahead)
    true = aux.grads(proxies)
    return proxies[-1, ...] - hp["lr"] * true[-1, ...], {
        "points": push(xp, points, proxies),
        "slopes": push(xp, slopes, true),
        "seen": push(xp, seen, xp.ones_like(seen[:PARALLEL])),
    }


def push(xp, old, new):
    return xp.concat([new, old])[:HISTORY, ...]


def distances(xp, a, b):
    """Return the squared distance of each row from each."""
    gap = xp.expand_dims(a, axis=1) - xp.expand_dims(b, axis=0)
    return xp.sum(gap * gap, axis=-1)
