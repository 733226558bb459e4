r"""The relative variance of K(u, u), to leading order in both widths.

Take K(u, u) = sum over f's layers l of $A_{l-1} B_l$, with $A_l$ the mean square of
f's features and $B_l$ the squared norm of what arrives at them backward. In a wide
ReLU network each hidden layer i multiplies A by $1 + a_i$ on the way forward and B by
$1 + b_i$ on the way back, with

$$E a_i^2 = \frac{E \phi^4 - 1}{n} = \frac5n, \qquad
  E b_i^2 = \frac{3 E \phi'^4 - 1}{n} = \frac5n, \qquad
  E a_i b_i = \frac{E \phi^2 \phi'^2 - 1}{n} = \frac1n,$$

for $\phi = \sqrt2\, \mathrm{relu}$ of a standard normal, what arrives backward being
normal too; layers are independent to this order.
The same holds for g at width m, whose share $\Phi^H$ is the sum over its H layers of
such products, and of degree H - 1 in f's last $A_{L-1}$. So

$$\frac{\mathrm{Var} K}{(E K)^2} = \frac an + \frac{c^2}m + \dots$$
"""


def meta_coefficient(meta_depth: int, primary_depth: int) -> float:
    r"""a: $\sum_{i<L} 5 \alpha_i^2 + 5 \beta_i^2 + 2 \alpha_i \beta_i$.

    $\alpha_i = H - 1 + (L - i) / L$ and $\beta_i = i / L$: the share of K that layer
    i multiplies forward, and backward.

    Examples:
        >>> meta_coefficient(2, 2)
        14.0
    """
    total = 0.0
    for layer in range(1, meta_depth):
        ahead = primary_depth - 1 + (meta_depth - layer) / meta_depth
        back = layer / meta_depth
        total += 5 * ahead**2 + 5 * back**2 + 2 * ahead * back
    return total


def primary_coefficient(primary_depth: int) -> float:
    r"""$c^2 = (H - 1)(11 H - 4) / (3 H)$.

    The sum of $5 \alpha_i^2 + 5 \beta_i^2 + 2 \alpha_i \beta_i$ over i < H with
    $\alpha_i = (H - i) / H$ and $\beta_i = i / H$.

    Examples:
        >>> primary_coefficient(2)
        3.0
    """
    return (primary_depth - 1) * (11 * primary_depth - 4) / (3 * primary_depth)
