"""Which limit a parametrisation leads to, from its exponents."""

from hyperlimit.errors import InputError
from hyperlimit.networks import Hypernetwork, Network
from hyperlimit.widths._abc import ABC, Rule, abc
from hyperlimit.widths._classify_hypernetwork import (
    HypernetworkClassification,
    classify_hypernetwork,
)
from hyperlimit.widths._classify_network import Classification, classify_abc
from hyperlimit.widths._hypernetwork_abc import (
    HypernetworkABC,
    Widen,
    hypernetwork_abc,
)


def classify(
    given: ABC | HypernetworkABC | Network | Hypernetwork,
    name: str | None = None,
    *,
    widen: Widen = "both",
    rule: Rule = "sgd",
) -> Classification | HypernetworkClassification:
    r"""Feature learning, a kernel, or neither: what happens at infinite width.

    For a plain network, with sizes $s_l = a_l + b_l$ and rates $g_l$ (`ABC.rates`),

    $$r = \min_{l \le L}\big(g_l - 1[l > 1]\big)
      + \min(s_{out}, g_{out})\,1[\text{SGD}],$$

    it is stable iff $s_1 = 0$, $s_l = 1/2$ for $2 \le l \le L$, $s_{out} \ge 1/2$,
    $r \ge 0$, $g_{out} \ge 1$ and $s_{out} + r \ge 1$; outputs move iff one of the last
    two is an equation; and it learns features iff $r = 0$, being kernel regression
    otherwise. For a hypernetwork the same is counted through f, its head and g,
    `docs/widths.md`.

    Args:
        given: exponents, from `abc` or `hypernetwork_abc`; or a description, of which
            `name` says the parametrisation.
        name: "standard", "ntk" or "mup", beside a description.
        widen: of a hypernetwork, what grows: "both" networks at one rate, "meta" or
            "primary".
        rule: "sgd" or "adam", beside a description.

    Cost: none to speak of; nothing is drawn or trained. `coordinate_check` measures.

    Raises:
        InputError: for another kind of thing, a description without a name, or what
            `abc` and `hypernetwork_abc` refuse.

    References:
        Yang and Hu, *Feature Learning in Infinite-Width Neural Networks*, ICML 2021,
        for plain networks and SGD.

    Examples:
        >>> import hyperlimit as hl
        >>> hl.classify(hl.abc(2, "ntk")).regime
        'kernel'
        >>> spec = hl.Hypernetwork(
        ...     meta=hl.mlp(depth=3, width=64), primary=hl.mlp(depth=3, width=16, out=1)
        ... )
        >>> [hl.classify(spec, "ntk", widen=widen).limit for widen in ("both", "meta")]
        ['dual kernel', 'meta-wide']
        >>> print(hl.classify(hl.abc(1, "standard")))
        unstable (r = 0)
          first activations at birth                 s = 0: 0, yes
          outputs at birth                           s_out >= 0.5: 0.5, yes
          features in training                       r >= 0: 0, yes
          outputs by the last layer's weights        g_out >= 1: 0, no
          outputs by features                        s_out + r >= 1: 0.5, no
          outputs move by the last layer's weights   g_out = 1: 0, no
          outputs move by features                   s_out + r = 1: 0.5, no
    """
    if isinstance(given, Network | Hypernetwork):
        if name is None:
            raise InputError(
                "a description was given without a parametrisation: give 'standard', "
                "'ntk' or 'mup' beside it."
            )
        if isinstance(given, Network):
            given = abc(given, name, rule=rule)
        else:
            given = hypernetwork_abc(given, name, widen, rule)
    elif name is not None:
        raise InputError(
            f"exponents and the name {name!r} were given: give one of them."
        )
    if isinstance(given, ABC):
        return classify_abc(given)
    if isinstance(given, HypernetworkABC):
        return classify_hypernetwork(given)
    raise InputError(
        f"classify was given a {type(given).__name__}: give what abc or "
        "hypernetwork_abc returns, or a description and a name."
    )
