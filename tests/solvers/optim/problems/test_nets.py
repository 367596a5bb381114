"""Small networks: their gradients, their data, and what is known of the best that they can do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from slotforge.solvers.optim.problems import _nets, cnn, mlp, scale_invariant, transformer
from slotforge.testing.rule_runs import calls, runs

DIGITS = [mlp, cnn, scale_invariant]
SMALL = {
    "mlp": {"width": 8, "depth": 2},
    "cnn": {"filters": 2, "batch": 8},
    "scale_invariant": {"width": 8},
    "transformer": {**transformer.family.splits["search"][0], "batch": 4},
}


def begun(family, seed=0, **knobs):
    data = jax.tree.map(jnp.asarray, family.draw({**family.knobs, **knobs}, np.random.default_rng(seed)))
    row = family.table(data, 1, np.random.default_rng([seed, 2]))[0]
    return data, family.start(data, np.random.default_rng([seed, 1])), jnp.asarray(row)


@pytest.mark.parametrize("module", [*DIGITS, transformer])
def test_the_gradient_is_that_of_the_loss_of_the_batch(module):
    family = module.family
    data, p, row = begun(family, **SMALL[family.name])
    p = {name: jnp.asarray(leaf, dtype=float) for name, leaf in p.items()}
    oracle = jax.jit(lambda p: family.oracle(data, p, row, {}))
    _, g = oracle(p)
    rng = np.random.default_rng(0)
    for name in p:
        v = rng.standard_normal(p[name].shape)
        up, down = (oracle({**p, name: p[name] + size * v})[0] for size in (1e-5, -1e-5))
        assert float((up - down) / 2e-5) == pytest.approx(float((g[name] * v).sum()), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("module", DIGITS)
def test_digits_are_split_into_1500_and_297_and_a_share_of_labels_is_spoilt(module):
    data, _, _ = begun(module.family)
    spoilt, _, _ = begun(module.family, noise=0.5)
    assert (len(data["train"]), len(data["test"])) == (1500, 297)
    assert 0 <= data["train"].min() < data["train"].max() == 1
    np.testing.assert_array_equal(data["test_label"], spoilt["test_label"])
    assert np.mean(data["train_label"] != spoilt["train_label"]) == pytest.approx(0.45, abs=0.05)
    other, _, _ = begun(module.family, seed=1)
    assert not np.array_equal(data["test"], other["test"])


def test_the_canonical_perceptron_is_64_32_10_and_rows_of_weights_are_outputs():
    _, p, row = begun(mlp.family)
    assert {name: leaf.shape for name, leaf in p.items()} == {"w0": (32, 64), "b0": (32,), "w1": (10, 32), "b1": (10,)}
    assert row.shape == (64,)
    assert {leaf.dtype for leaf in p.values()} == {np.dtype("float32")}


def test_the_cross_entropy_of_no_knowledge_is_that_of_ten_digits():
    data, p, _ = begun(mlp.family)
    assert mlp.family.metric(data, jax.tree.map(jnp.zeros_like, p)) == pytest.approx(np.log(10), rel=1e-5)
    assert _nets.cross_entropy(jnp.asarray([[50.0, 0.0]]), jnp.asarray([0])) == pytest.approx(0, abs=1e-12)


def test_a_convolution_is_one_and_adds_the_bias():
    rng = np.random.default_rng(0)
    image, filters = jnp.asarray(rng.standard_normal((3, 8, 8, 2))), jnp.asarray(rng.standard_normal((5, 3, 3, 3)))
    ours = cnn._convolved(image, jnp.reshape(filters, (5, -1)), jnp.arange(5.0))
    layout = ("CHWN", "OHWI", "CHWN")
    theirs = jax.lax.conv_general_dilated(image, filters, (1, 1), "SAME", dimension_numbers=layout)
    np.testing.assert_allclose(ours, theirs + jnp.arange(5.0)[:, None, None, None], atol=1e-10)


def test_the_cross_entropy_in_parts_is_that_of_all_held_out_digits():
    data, p, _ = begun(cnn.family)
    whole = _nets.cross_entropy(cnn.family.logits(data, p, data["test"]), data["test_label"])
    assert cnn.family.metric(data, p) == pytest.approx(float(whole), rel=1e-5)


def test_the_mean_over_places_halves_an_image():
    image = jnp.arange(16.0).reshape(1, 4, 4, 1)
    np.testing.assert_array_equal(cnn._halved(image)[0, :, :, 0], [[2.5, 4.5], [10.5, 12.5]])


@pytest.mark.parametrize("norm", [0, 1])
def test_the_length_of_hidden_weights_changes_no_output_and_gradients_are_orthogonal_to_them(norm):
    data, p, row = begun(scale_invariant.family, norm=norm)
    longer = {name: 7.0 * leaf if name in ("w0", "w1") else leaf for name, leaf in p.items()}
    metric = float(scale_invariant.family.metric(data, p))
    assert float(scale_invariant.family.metric(data, longer)) == pytest.approx(metric, rel=1e-3)
    _, g = scale_invariant.family.oracle(data, p, row, {})
    radial = np.sum(np.asarray(g["w1"]) * p["w1"], axis=1)
    assert np.abs(radial).max() < 1e-5 * np.linalg.norm(g["w1"])
    assert scale_invariant.family.metric(data, {**p, "w2": 7 * p["w2"]}) != pytest.approx(metric, rel=0.01)


def test_what_the_transformer_reads_is_half_a_chain_and_half_its_copy():
    data, _, _ = begun(transformer.family)
    tokens = np.asarray(data["test"])
    assert tokens.shape == (64, 33)
    np.testing.assert_array_equal(tokens[:, 17:], tokens[:, :16])
    chances = np.asarray(data["chances"])
    assert (chances[tokens[:, :15], tokens[:, 1:16], tokens[:, 2:17]] > 0).all()
    np.testing.assert_allclose(chances.sum(axis=-1), 1, atol=1e-6)
    assert ((chances > 0).sum(axis=-1) == 4).all()


def test_a_model_that_knows_the_chain_and_copies_has_a_metric_of_zero(monkeypatch):
    data, _, _ = begun(transformer.family, vocabulary=6, context=16)
    tokens = data["test"]
    known = jnp.log(jnp.maximum(data["chances"][tokens[:, :-2], tokens[:, 1:-1]], 1e-30))
    copied = 1e3 * jax.nn.one_hot(tokens[:, 2:], 6)
    best = jnp.where((jnp.arange(2, 17) >= 9)[None, :, None], copied, known)
    scores = jnp.concatenate([jnp.zeros((64, 1, 6)), best], axis=1)
    monkeypatch.setattr(transformer.Transformer, "_logits", lambda *_: scores)
    assert transformer.Transformer().metric(data, {}) == pytest.approx(0, abs=1e-6)


def test_no_token_sees_those_that_come_after_it():
    data, p, row = begun(transformer.family, **SMALL["transformer"])
    tokens = row[:, :-1]
    later = tokens.at[:, 9].set((tokens[:, 9] + 1) % 6)
    one, other = (transformer.family._logits(data, p, x) for x in (tokens, later))
    np.testing.assert_allclose(one[:, :9], other[:, :9], atol=1e-5)
    assert np.abs(one[:, 9:] - other[:, 9:]).max() > 1e-2


@pytest.mark.parametrize(
    ("module", "knobs", "lr"),
    [
        (mlp, {}, 0.01),
        (scale_invariant, {}, 0.003),
        (cnn, {"filters": 4, "batch": 16}, 0.03),
        (transformer, transformer.family.splits["search"][0], 0.01),
    ],
)
def test_adam_reaches_the_goal_within_the_budget_and_tiny_steps_do_not(module, knobs, lr):
    family = module.family
    data, _, _ = begun(family, **knobs)
    found = calls(family, runs(family, data, "adam", 3, family.budget, [{"step.lr": lr}, {"step.lr": 1e-5}]))
    assert 25 < found[0] < family.budget
    assert found[1] == np.inf
