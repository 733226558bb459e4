"""What a solve needs on a cluster, by the cost model of docs/scaling.md.

Nothing is measured: rates are the maker's figures.

    python benchmarks/cluster_model.py
    python benchmarks/cluster_model.py --images 100000 --columns 10
"""

import argparse
from dataclasses import dataclass

# Of an H100: float32 without TF32 and the part of it that products of matrices reach,
# memory, NVLink within a machine of eight, and the network of one GPU between machines.
FLOPS, REACHED, MEMORY, INSIDE, BETWEEN = 60e12, 0.8, 3.35e12, 450e9, 50e9
MACHINE = 8
NUMBER = 4


@dataclass(frozen=True)
class Problem:
    """n images of d pixels at p coordinates; r terms of degree k; c columns; l vectors.

    Attributes:
        block: rows of left factors that are made at a time.
    """

    n: int
    p: int
    d: int
    r: int
    k: int
    c: int
    l: int  # noqa: E741
    block: int

    def made(self, ranks: int) -> float:
        """Seconds to make all rows of a rank's left factors."""
        entries = self.n**2 / ranks
        flops = 2 * self.d + 2 * self.r * self.k
        # Angle, NTK and what f does to them; polynomials and terms, written and read.
        moved = NUMBER * (2 * self.k + 2 * self.r + 10)
        return entries * (flops / (FLOPS * REACHED) + moved / MEMORY)

    def multiplied(self, ranks: int) -> float:
        """Seconds of the products with left and right factors."""
        flops = 2 * self.r * self.c * self.n / ranks * (self.n + self.p) * self.p
        return flops / (FLOPS * REACHED)

    def gathered(self, ranks: int) -> float:
        """Seconds to have all rows of V."""
        given = NUMBER * self.n * self.p * self.c * (ranks - 1) / ranks
        return given / (INSIDE if ranks <= MACHINE else BETWEEN)

    def improved(self, ranks: int) -> float:
        """Seconds of the preconditioner."""
        flops = 4 * self.c * self.n / ranks * (self.l + self.p) * self.p
        said = 2 * NUMBER * self.l * self.p * self.c
        return flops / (FLOPS * REACHED) + said / (
            INSIDE if ranks <= MACHINE else BETWEEN
        )

    def iteration(self, ranks: int) -> float:
        """Seconds of one iteration."""
        product = self.made(ranks) + self.multiplied(ranks) + self.gathered(ranks)
        return product + self.improved(ranks)

    def found(self, ranks: int) -> float:
        """Seconds to find the preconditioner: five times all left factors."""
        n, r, width = self.n, self.r, self.l
        flops = (2 * n**2 * (7 * width + 64 * r) + 12 * n * width**2) / ranks
        flops += 4 * ranks * width**3
        said = 5 * NUMBER * n * width / (INSIDE if ranks <= MACHINE else BETWEEN)
        return 5 * self.made(ranks) + flops / (FLOPS * REACHED) + said

    def memory_of_setup(self, ranks: int) -> float:
        """Bytes a card that are there only while the preconditioner is found."""
        rows, width = self.n / ranks, self.l
        return NUMBER * (self.n * width + 4 * width * (rows + width) + ranks * width**2)

    def memory(self, ranks: int) -> float:
        """Bytes a card: V, the solver's vectors, Q, the images and a block of rows."""
        own = self.n * self.p * self.c / ranks
        # Answer, residual, direction, and three that come and go; right side in double.
        numbers = self.n * self.p * self.c + 6 * own + 4 * own
        numbers += self.n * self.l / ranks + 2 * self.n * self.d
        numbers += self.block * self.n * (self.r + self.k + 10)
        return NUMBER * numbers


def main() -> None:
    """Prints the table of docs/scaling.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in {
        "images": 10**6,
        "coordinates": 1000,
        "pixels": 1000,
        "terms": 10,
        "degree": 24,
        "columns": 1,
        "subspace": 2000,
        "block": 128,
        "iterations": 30,
    }.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    given = vars(parser.parse_args())
    iterations = given.pop("iterations")
    problem = Problem(*given.values())
    print("GPUs  A made  A V B  V gathered  M v  iteration  setup  solve  GB, in setup")
    for ranks in (8, 64, 512):
        parts = [
            problem.made(ranks),
            problem.multiplied(ranks),
            problem.gathered(ranks),
            problem.improved(ranks),
            problem.iteration(ranks),
            problem.found(ranks),
            problem.found(ranks) + iterations * problem.iteration(ranks),
        ]
        row = "  ".join(f"{part:.3g} s" for part in parts)
        print(
            f"{ranks:4d}  {row}  {problem.memory(ranks) / 1e9:.1f}"
            f" {problem.memory_of_setup(ranks) / 1e9:.1f}"
        )


if __name__ == "__main__":
    main()
