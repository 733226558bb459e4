"""What is true of every layer that reads images: one suite."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np

from hyperlimit.layers import AbstractLayer, Images, KernelState, SpatialState, advance

SIZE = (5, 4, 3)


def images() -> jax.Array:
    """Generic ones, a duplicate, one that is partly black, and an opposite one."""
    found = np.random.default_rng(0).standard_normal((5, *SIZE))
    found[2] = found[0]
    found[3, :2] = 0
    found[4] = -0.7 * found[0]
    return jnp.asarray(found, float)


@dataclasses.dataclass(frozen=True)
class SpatialCase:
    """A layer, and whether kernels compare all pairs of positions."""

    name: str
    layer: AbstractLayer
    all_pairs: bool

    def limit(
        self, tangent: float = 0.0, scale: float = 1.0, *, diagonal: bool = False
    ) -> KernelState:
        """The layer's outputs for the images, with an NTK of K times a factor."""
        return _limit(self, tangent, scale, diagonal)


@functools.cache
def _limit(
    case: SpatialCase, tangent: float, scale: float, diagonal: bool
) -> KernelState:
    tangent, scale = jnp.asarray(tangent, float), jnp.asarray(scale, float)
    return _compiled(case, diagonal, tangent, scale)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _compiled(
    case: SpatialCase, diagonal: bool, tangent: jax.Array, scale: jax.Array
) -> KernelState:
    inputs = Images(case.all_pairs)
    rows = inputs.prepare(scale * images())
    state = inputs.diagonal_state(rows) if diagonal else inputs.gram_state(rows, rows)
    state = state.everywhere(
        lambda part: KernelState(part.pair, tangent * (1 - part.pair.gap))
    )
    after = advance(case.layer, state, dict.fromkeys(case.layer.generated()))
    return after.cross if isinstance(after, SpatialState) else after


class SpatialLaws:
    """Subclass this in a test module that defines the fixture `case`."""

    def test_finite_maps_have_the_limit_as_their_mean(self, case, tolerance):
        parameters = case.layer.parameters(SIZE)

        @jax.jit
        @jax.vmap
        def products(key):
            keys = jax.random.split(key, len(parameters) + 1)
            values = {
                parameter.name: parameter.std
                / parameter.fan_in**0.5
                * jax.random.normal(key, parameter.shape)
                for parameter, key in zip(parameters, keys, strict=False)
            }
            outputs = jax.vmap(lambda image: case.layer.apply(values, image))(images())
            if outputs.ndim == 2:
                return jnp.einsum("nc,mc->nm", outputs, outputs) / outputs.shape[-1]
            pattern = "nhwc,mijc->nmhwij" if case.all_pairs else "nhwc,mhwc->nmhw"
            return jnp.einsum(pattern, outputs, outputs) / outputs.shape[-1]

        seeds = 600 if parameters else 2
        found = np.asarray(products(jax.random.split(jax.random.key(0), seeds)))
        error = found.std(0, ddof=1) / seeds**0.5
        limit = np.asarray(case.limit().nngp)
        assert (error < 0.25).all()
        # Thousands of entries: the largest of them is some four errors out.
        assert (np.abs(found.mean(0) - limit) <= 5 * error + 10 * tolerance).all()

    def test_equal_images_stay_equal(self, case, tolerance, epsilon):
        after = case.limit(1.5)
        for matrix in map(np.asarray, (after.nngp, after.ntk)):
            np.testing.assert_allclose(matrix[0], matrix[2], rtol=0, atol=tolerance)
        gap = np.asarray(after.pair.gap)
        if case.all_pairs and gap.ndim > 2:
            gap = np.einsum("nmhwhw->nmhw", gap)
        # Zero but for what a fused multiplication may leave: no angle at all.
        assert (gap[0, 2] <= epsilon**2).all()

    def test_symmetric_and_positive_semidefinite(self, case, tolerance):
        after = case.limit(1.5)
        for matrix in map(np.asarray, (after.nngp, after.ntk)):
            swapped = np.swapaxes(matrix, 0, 1)
            if case.all_pairs and matrix.ndim > 2:
                swapped = np.moveaxis(swapped, (2, 3, 4, 5), (4, 5, 2, 3))
            np.testing.assert_allclose(matrix, swapped, rtol=0, atol=10 * tolerance)
            flat = np.moveaxis(matrix.reshape(5, 5, -1), -1, 0)
            if case.all_pairs and matrix.ndim > 2:
                whole = np.moveaxis(matrix, 1, 3)
                side = int(np.prod(whole.shape[:3]))
                flat = whole.reshape(1, side, side)
            values = np.linalg.eigvalsh(flat.astype(np.float64))
            assert values.min() > -10 * tolerance * values.max()

    def test_the_diagonal_alone(self, case, tolerance):
        whole = case.limit(1.5)
        alone = case.limit(1.5, diagonal=True)
        each = np.arange(5)
        for matrix, diagonal in ((whole.nngp, alone.nngp), (whole.ntk, alone.ntk)):
            np.testing.assert_allclose(
                np.asarray(diagonal),
                np.asarray(matrix)[each, each],
                atol=10 * tolerance,
            )

    def test_gaps_stay_within_their_range(self, case):
        gap = np.asarray(case.limit(1.5).pair.gap)
        assert (gap >= 0).all()
        assert (gap <= 2).all()

    def test_homogeneous_layers_scale(self, case, tolerance):
        once, scaled = case.limit(1.5), case.limit(1.5, 3.0)
        if case.layer.homogeneous:
            for a, b in ((once.nngp, scaled.nngp), (once.ntk, scaled.ntk)):
                np.testing.assert_allclose(b, 9 * a, rtol=0, atol=100 * tolerance)
        else:
            assert not np.allclose(scaled.nngp, 9 * once.nngp, rtol=1e-3)

    def test_a_tangent_is_carried_linearly(self, case, tolerance):
        zero, one, three = (
            np.asarray(case.limit(factor).ntk) for factor in (0.0, 1.0, 3.0)
        )
        np.testing.assert_allclose(
            three - zero, 3 * (one - zero), rtol=0, atol=100 * tolerance
        )
