"""The limit in its published form, in NumPy alone.

U_t = U_0 A + V_0 B and V_t = U_0 C + V_0 D, with U_0' U_0 / n = V_0' V_0 / n = I and
U_0' V_0 / n = 0: Yang and Hu, Feature Learning in Infinite-Width Neural Networks, 2021,
section 7.
"""

import numpy as np


class Coefficients:
    """A (d, d), B (o, d), C (d, o), D (o, o)."""

    def __init__(self, in_size, out, input_std, output_std):
        self.A, self.B = input_std * np.eye(in_size), np.zeros((out, in_size))
        self.C, self.D = np.zeros((in_size, out)), output_std * np.eye(out)

    def __call__(self, inputs):
        """Rows of inputs to rows of outputs."""
        return inputs @ (self.C.T @ self.A + self.D.T @ self.B).T

    def directions(self, inputs, slopes):
        """What descent takes from (A, B, C, D); slopes dL/df, a row for each input."""
        product = slopes.T @ inputs
        return (
            self.C @ product,
            self.D @ product,
            self.A @ product.T,
            self.B @ product.T,
        )

    @property
    def all(self):
        return self.A, self.B, self.C, self.D

    def moved(self, changes):
        self.A, self.B, self.C, self.D = (
            now + change for now, change in zip(self.all, changes, strict=True)
        )
