"""Networks of other widths: what changes, and what must not."""

import hyperlimit as hl
from hyperlimit.networks import with_hidden_width


def test_hidden_layers_change_and_outputs_stay():
    plain = with_hidden_width(hl.mlp(depth=4, width=3, out=2), 7)
    assert plain == hl.mlp(depth=4, width=7, out=2)
    meta = with_hidden_width(hl.mlp(depth=3, width=3), 7)
    assert meta == hl.mlp(depth=3, width=7)
    # The same width again is no change, and no error.
    assert with_hidden_width(plain, 7) == plain


def test_what_is_inside_residual_branches_changes_too():
    relu = hl.Elementwise("relu")

    def network(width):
        block = hl.Residual((relu, hl.Dense(width), relu, hl.Dense()))
        last = hl.Residual((relu, hl.Dense(width), hl.Dense(2)), (hl.Dense(2),))
        return hl.Network((hl.Dense(width), block, last, relu))

    changed = with_hidden_width(network(3), 7)
    assert changed == network(7)
    assert changed.out_size(5) == 2


def test_channels_are_a_width():
    relu = hl.Elementwise("relu")

    def network(width):
        layers = (hl.Convolution(width), relu, hl.Flatten(), hl.LowRank(width))
        return hl.Network((*layers, relu, hl.Dense(3)), hl.Images())

    assert with_hidden_width(network(4), 9) == network(9)


def test_a_network_without_hidden_layers_is_refused(refuses):
    with refuses("no hidden layer", "depth 2 or more"):
        with_hidden_width(hl.mlp(depth=1, width=4, out=2), 8)
    with refuses("width=0"):
        with_hidden_width(hl.mlp(depth=2, width=4, out=2), 0)
