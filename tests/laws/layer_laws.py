"""What is true of every layer and of every kind of inputs: one suite for each."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from hyperlimit.activations import GaussianPair
from hyperlimit.layers import AbstractInputs, AbstractLayer, KernelState

# The covariance of the layer's inputs, coordinate by coordinate: a generic pair of
# rows, and a duplicate of the first.
COVARIANCE = np.array([[1.3, 0.5, 1.3], [0.5, 0.7, 0.5], [1.3, 0.5, 1.3]])
# And the kernels of a meta-network's outputs, for layers that read them.
META_NNGP = np.array([[1.1, 0.6, 1.1], [0.6, 0.9, 0.6], [1.1, 0.6, 1.1]])
META_NTK = np.array([[3.0, 1.4, 3.0], [1.4, 2.2, 1.4], [3.0, 1.4, 3.0]])


def state_of(nngp: np.ndarray, ntk: np.ndarray) -> KernelState:
    """The state of all pairs of rows with these two kernels."""
    std = jnp.sqrt(jnp.asarray(np.diagonal(nngp), float))
    scale = std[:, None] * std[None, :]
    # Equal rows are equal: their gap is not a rounding.
    gap = jnp.maximum(1 - jnp.asarray(nngp, float) / scale, 0)
    gap = jnp.where(gap < 1e-6, 0, gap)
    pair = GaussianPair(std[:, None], std[None, :], gap)
    return KernelState(pair, jnp.asarray(ntk, float) / scale)


def diagonal_of(state: KernelState) -> KernelState:
    """The state of each row with itself."""
    std = state.pair.std_x[:, 0]
    pair = GaussianPair(std, std, jnp.diagonal(state.pair.gap))
    return KernelState(pair, jnp.diagonal(state.tangent))


@dataclasses.dataclass(frozen=True)
class LayerCase:
    """A layer, and the sources of its parameters: generated, or its own.

    `slack`: what width 64 may leave of the limit, for a layer that is not linear in
    independent coordinates.
    """

    name: str
    layer: AbstractLayer
    generated: tuple[str, ...] = ()
    slack: float = 0.0

    def limit(self, state: KernelState) -> KernelState:
        diagonal = state.tangent.ndim == 1
        meta = state_of(META_NNGP, META_NTK)
        meta = diagonal_of(meta) if diagonal else meta
        return self.layer.limit(
            state,
            {
                name: meta if name in self.generated else None
                for name in self.layer.generated()
            },
        )


def _sampled(case: LayerCase, width: int, seeds: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of products of outputs, (3, 3), one a seed."""
    size = case.layer.out_size(width)
    parameters = case.layer.parameters(width)
    factors = {
        kind: jnp.asarray(np.linalg.cholesky(matrix + 1e-12 * np.eye(3)), float)
        for kind, matrix in (("in", COVARIANCE), ("meta", META_NNGP))
    }

    @jax.jit
    @jax.vmap
    def products(key):
        keys = jax.random.split(key, 1 + len(parameters))
        inputs = factors["in"] @ jax.random.normal(keys[0], (3, width))
        values = [{}, {}, {}]
        for parameter, key in zip(parameters, keys[1:], strict=True):
            scale = parameter.std / parameter.fan_in**0.5
            if parameter.name in case.generated:
                draws = jax.random.normal(key, (3, parameter.size))
                arrays = scale * factors["meta"] @ draws
            else:
                draw = jax.random.normal(key, (1, parameter.size))
                arrays = scale * jnp.repeat(draw, 3, axis=0)
            for row, array in zip(values, arrays, strict=True):
                row[parameter.name] = array.reshape(parameter.shape)
        outputs = jnp.stack(
            [
                case.layer.apply(row, one)
                for row, one in zip(values, inputs, strict=True)
            ]
        )
        return outputs @ outputs.T / size

    found = np.asarray(products(jax.random.split(jax.random.key(0), seeds)))
    return found.mean(0), found.std(0, ddof=1) / seeds**0.5


class LayerLaws:
    """Subclass this in a test module that defines the fixture `case`."""

    def test_finite_maps_have_the_limit_as_their_mean(self, case: LayerCase):
        mean, error = _sampled(case, width=64, seeds=1500)
        limit = case.limit(state_of(COVARIANCE, 0 * COVARIANCE))
        # Coordinates are independent, so that the mean is the limit at any width.
        assert (error < 0.035).all()
        assert (np.abs(mean - limit.nngp) < 4.5 * error + case.slack).all()

    def test_columns_are_inputs_side_by_side(self, case: LayerCase, tolerance):
        draw = np.random.default_rng(0)
        values = {
            parameter.name: jnp.asarray(draw.normal(size=parameter.shape))
            for parameter in case.layer.parameters(6)
        }
        columns = jnp.asarray(draw.normal(size=(6, 3)))
        found = case.layer.apply_columns(values, columns)
        for column, inputs in zip(found.T, columns.T, strict=True):
            expected = case.layer.apply(values, inputs)
            close = 10 * tolerance * float(jnp.abs(expected).max())
            np.testing.assert_allclose(column, expected, rtol=0, atol=close)

    def test_symmetric_and_positive_semidefinite(self, case: LayerCase, tolerance):
        after = case.limit(state_of(COVARIANCE, 1.5 * COVARIANCE))
        for matrix in (after.nngp, after.ntk):
            np.testing.assert_allclose(matrix, matrix.T, rtol=tolerance / 10)
            values = np.linalg.eigvalsh(np.asarray(matrix, np.float64))
            assert values[0] > -tolerance * values[-1]

    def test_equal_rows_stay_equal(self, case: LayerCase):
        after = case.limit(state_of(COVARIANCE, COVARIANCE))
        assert after.pair.gap[0, 2] == 0
        assert (np.diagonal(after.pair.gap) == 0).all()
        for matrix in map(np.asarray, (after.nngp, after.ntk)):
            assert (matrix[0] == matrix[2]).all()

    def test_the_diagonal_alone(self, case: LayerCase, tolerance):
        state = state_of(COVARIANCE, 1.5 * COVARIANCE)
        whole, alone = case.limit(state), case.limit(diagonal_of(state))
        for matrix, diagonal in ((whole.nngp, alone.nngp), (whole.ntk, alone.ntk)):
            np.testing.assert_allclose(
                diagonal, np.diagonal(matrix), rtol=tolerance / 10
            )

    def test_homogeneous_layers_scale(self, case: LayerCase, tolerance):
        state = state_of(COVARIANCE, 1.5 * COVARIANCE)
        once, scaled = case.limit(state), case.limit(state.rescaled(3.0))
        if case.layer.homogeneous:
            np.testing.assert_allclose(scaled.nngp, 9 * once.nngp, rtol=tolerance)
            np.testing.assert_allclose(scaled.ntk, 9 * once.ntk, rtol=tolerance)
        else:
            assert not np.allclose(scaled.nngp, 9 * once.nngp, rtol=1e-3)

    def test_a_tangent_is_carried_linearly(self, case: LayerCase, tolerance):
        """T -> A T + B, entry by entry."""
        zero, one, three = (
            case.limit(state_of(COVARIANCE, factor * COVARIANCE)).ntk
            for factor in (0.0, 1.0, 3.0)
        )
        np.testing.assert_allclose(three - zero, 3 * (one - zero), rtol=10 * tolerance)


@dataclasses.dataclass(frozen=True)
class InputsCase:
    """Inputs, and how many draws their finite map needs to be the limit's."""

    name: str
    inputs: AbstractInputs


class InputsLaws:
    """Subclass this in a test module that defines the fixture `case`."""

    @staticmethod
    def _points():
        z = np.random.default_rng(0).standard_normal((6, 3))
        z[3], z[4] = z[0], -z[0]
        return jnp.asarray(z, float)

    def test_finite_maps_have_the_limit_as_their_mean(self, case, tolerance):
        z = self._points()
        rows = case.inputs.prepare(z)
        limit = np.asarray(case.inputs.gram_state(rows, rows).nngp)

        @jax.jit
        @jax.vmap
        def products(key):
            fixed = case.inputs.draw(3, key)
            features = jax.vmap(lambda row: case.inputs.apply(fixed, row))(z)
            return features @ features.T / case.inputs.out_size(3)

        found = np.asarray(products(jax.random.split(jax.random.key(0), 400)))
        error = found.std(0, ddof=1) / 20 + tolerance
        assert (error < 0.01).all()
        assert (np.abs(found.mean(0) - limit) < 4.5 * error).all()

    def test_symmetric_and_positive_semidefinite(self, case, tolerance):
        rows = case.inputs.prepare(self._points())
        state = case.inputs.gram_state(rows, rows)
        matrix = np.asarray(state.nngp, np.float64)
        np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=tolerance / 10)
        values = np.linalg.eigvalsh(matrix)
        assert values[0] > -tolerance * values[-1]
        assert (np.asarray(state.ntk) == 0).all()

    def test_equal_rows_are_equal(self, case):
        rows = case.inputs.prepare(self._points())
        state = case.inputs.gram_state(rows, rows)
        assert state.pair.gap[0, 3] == 0
        assert (np.diagonal(state.pair.gap) == 0).all()

    def test_the_diagonal_alone(self, case, tolerance):
        rows = case.inputs.prepare(self._points())
        alone = case.inputs.diagonal_state(rows)
        whole = case.inputs.gram_state(rows, rows)
        for one, other in ((alone.nngp, whole.nngp), (alone.ntk, whole.ntk)):
            np.testing.assert_allclose(one, np.diagonal(other), rtol=tolerance / 10)
