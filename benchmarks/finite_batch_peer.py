"""The same hypernetwork in PyTorch, written by hand and by other libraries.

Run by `finite_batch.py --peer-python PATH`, never by hand: it reads one JSON line a
command and answers with one JSON line. It imports nothing of hyperlimit. Libraries
that are not installed, or do not run with this PyTorch, are left out by name.
"""

import ctypes
import gc
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

# The primary network: 2 coordinates, two hidden layers, one output.
SHAPES = ((64, 2), (64,), (64, 64), (64,), (1, 64), (1,))
TOTAL = sum(torch.Size(shape).numel() for shape in SHAPES)
RATE = 1e-3
# Images whose activations are worked on together in the blocked form.
BLOCK = 2
LIBRARIES = ("hypnettorch", "hyper-nn", "hyperlight")


class Case(NamedTuple):
    """What is timed: both compute everything that they say, and return no graph.

    `release` lets go of the gradients that a step has left.
    """

    forward: Callable[[], Tensor]
    step: Callable[[], Tensor]
    release: Callable[[], None]


class Problem(NamedTuple):
    """64 images x 784 pixels of one hypernetwork."""

    x: Tensor
    z: Tensor
    y: Tensor


def meta_network(inputs: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(inputs, 256),
        nn.ReLU(inplace=True),
        nn.Linear(256, 256),
        nn.ReLU(inplace=True),
        nn.Linear(256, TOTAL),
    )


def split(flat: Tensor) -> list[Tensor]:
    """The generated arrays of some images, (b, TOTAL)."""
    sizes = [torch.Size(shape).numel() for shape in SHAPES]
    pieces = torch.split(flat, sizes, dim=-1)
    return [
        piece.unflatten(-1, shape) if len(shape) > 1 else piece
        for piece, shape in zip(pieces, SHAPES, strict=True)
    ]


def adam(parameters) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=RATE, fused=True)


def trained(problem: Problem, model: nn.Module, outputs: Callable) -> Case:
    """A case of a model and of its outputs for all images, (b, p, 1)."""
    optimiser = adam(model.parameters())

    def forward() -> Tensor:
        with torch.no_grad():
            return outputs(problem.x, problem.z)

    def step() -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        loss = functional.mse_loss(outputs(problem.x, problem.z), problem.y)
        loss.backward()
        optimiser.step()
        return loss.detach()

    return Case(forward, step, optimiser.zero_grad)


# --- Written by hand --------------------------------------------------------------


def rows(flat: Tensor, z: Tensor) -> Tensor:
    """Every point a row: baddbmm and in-place ReLU. z is expanded, not copied."""
    w1, b1, w2, b2, w3, b3 = split(flat)
    points = z.expand(len(flat), *z.shape)
    hidden = torch.baddbmm(b1[:, None], points, w1.mT).relu_()
    hidden = torch.baddbmm(b2[:, None], hidden, w2.mT).relu_()
    return torch.baddbmm(b3[:, None], hidden, w3.mT)


def columns(flat: Tensor, z: Tensor) -> Tensor:
    """Every point a column, and all first layers one product with z^T."""
    w1, b1, w2, b2, w3, b3 = split(flat)
    first = torch.addmm(b1.reshape(-1, 1), w1.reshape(-1, 2), z.mT)
    hidden = first.unflatten(0, (-1, 64)).relu_()
    hidden = torch.baddbmm(b2[..., None], w2, hidden).relu_()
    return torch.baddbmm(b3[..., None], w3, hidden).mT


def by_hand(form: Callable) -> Callable[[Problem], Case]:
    def build(problem: Problem) -> Case:
        meta = meta_network(problem.x.shape[1]).to(problem.x.device)
        return trained(problem, meta, lambda x, z: form(meta(x), z))

    return build


def blocked(problem: Problem) -> Case:
    """A few images at a time, so that their activations stay in the cache.

    The gradient in the generated weights is gathered block by block, and goes through
    the meta-network once.
    """
    meta = meta_network(problem.x.shape[1]).to(problem.x.device)
    optimiser = adam(meta.parameters())
    x, z, y = problem

    def forward() -> Tensor:
        with torch.no_grad():
            return torch.cat([rows(part, z) for part in meta(x).split(BLOCK)])

    def step() -> Tensor:
        optimiser.zero_grad(set_to_none=True)
        flat = meta(x)
        cut = flat.detach().requires_grad_()
        total = torch.zeros((), device=x.device)
        for part, target in zip(cut.split(BLOCK), y.split(BLOCK), strict=True):
            wrong = rows(part, z) - target
            loss = wrong.square().sum() / y.numel()
            loss.backward()
            total += loss.detach()
        flat.backward(cut.grad)
        optimiser.step()
        return total

    return Case(forward, step, optimiser.zero_grad)


def mapped(problem: Problem) -> Case:
    """torch.func.vmap over images of a functional call of the primary network."""
    meta = meta_network(problem.x.shape[1]).to(problem.x.device)
    primary = primary_network().to(problem.x.device)
    names = [name for name, _ in primary.named_parameters()]

    def one(flat: Tensor, z: Tensor) -> Tensor:
        arrays = dict(zip(names, split(flat), strict=True))
        return torch.func.functional_call(primary, arrays, (z,))

    every = torch.func.vmap(one, in_dims=(0, None))
    return trained(problem, meta, lambda x, z: every(meta(x), z))


def primary_network() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
    )


def compiled(form: Callable) -> Callable[[Problem], Case]:
    """torch.compile of the form written by hand."""

    def build(problem: Problem) -> Case:
        meta = meta_network(problem.x.shape[1]).to(problem.x.device)
        outputs = torch.compile(lambda x, z: form(meta(x), z))
        return trained(problem, meta, outputs)

    return build


# --- Other libraries, as their documentation uses them ----------------------------


def hypnettorch(problem: Problem) -> Case:
    """hypnettorch: `HMLP` writes the weights of an `MLP`, one call an image."""
    from hypnettorch.hnets import HMLP  # ty: ignore
    from hypnettorch.mnets import MLP  # ty: ignore

    main = MLP(n_in=2, n_out=1, hidden_layers=(64, 64), no_weights=True, verbose=False)
    hyper = HMLP(
        main.param_shapes,
        uncond_in_size=problem.x.shape[1],
        cond_in_size=0,
        layers=(256, 256),
        num_cond_embs=0,
        verbose=False,
    ).to(problem.x.device)

    def outputs(x: Tensor, z: Tensor) -> Tensor:
        written = hyper.forward(uncond_input=x, ret_format="sequential")
        return torch.stack([main.forward(z, weights=one) for one in written])

    return trained(problem, hyper, outputs)


def hyper_nn(problem: Problem) -> Case:
    """hyper-nn: `generate_params` of a `TorchHyperNetwork`, one call an image."""
    from hypernn.torch import TorchHyperNetwork  # ty: ignore

    class Written(TorchHyperNetwork):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.meta = meta_network(problem.x.shape[1])

        def generate_params(self, x):
            return self.meta(x), {}

    hyper = Written.from_target(target_network=primary_network())
    hyper = hyper.to(problem.x.device)

    def outputs(x: Tensor, z: Tensor) -> Tensor:
        found = [hyper(z, generate_params_kwargs={"x": one}) for one in x]
        return torch.stack(found)

    return trained(problem, hyper, outputs)


def hyperlight(problem: Problem) -> Case:
    """hyperlight: `hypernetize` and a `HyperNet`, one call an image."""
    import hyperlight as light  # ty: ignore

    main = primary_network()
    modules = light.find_modules_of_type(main, [nn.Linear])
    main = light.hypernetize(main, modules=modules)
    hyper = light.HyperNet(
        input_shapes={"x": (problem.x.shape[1],)},
        output_shapes=main.external_shapes(),
        hidden_sizes=[256, 256],
        encoding=None,
    ).to(problem.x.device)

    def outputs(x: Tensor, z: Tensor) -> Tensor:
        found = []
        for one in x:
            with main.using_externals(hyper(x=one)):
                found.append(main(z))
        return torch.stack(found)

    return trained(problem, hyper, outputs)


CASES: dict[str, Callable[[Problem], Case]] = {
    "baddbmm, rows": by_hand(rows),
    "baddbmm, columns": by_hand(columns),
    "baddbmm, blocks": blocked,
    "torch.func.vmap": mapped,
    "torch.compile": compiled(columns),
    "hypnettorch": hypnettorch,
    "hyper-nn": hyper_nn,
    "hyperlight": hyperlight,
}


# --- Answers ----------------------------------------------------------------------


def resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return 1024 * int(line.split()[1])
    raise LookupError(field)


def peak(
    call: Callable[[], object], release: Callable[[], None], device: torch.device
) -> int:
    """The most memory of a few calls beyond the parameters and the optimiser's state.

    Gradients are released first: within a call they count, as they do in JAX.
    """
    release()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        call()
        return torch.cuda.max_memory_allocated() - before
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    for _ in range(3):
        call()
    return resident("VmHWM") - before


def main() -> None:
    # Whatever libraries print goes to stderr: stdout carries answers only.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    warnings.simplefilter("ignore")

    def answer(**values: object) -> None:
        answers.write(json.dumps(values) + "\n")

    settings = json.loads(sys.stdin.readline())
    torch.set_num_threads(settings["threads"])
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    b, p, d = settings["images"], settings["points"], settings["inputs"]
    problem = Problem(
        torch.randn(b, d, device=device),
        2 * torch.rand(p, 2, device=device) - 1,
        torch.rand(b, p, 1, device=device),
    )

    def finished(call: Callable[[], Tensor]) -> Tensor:
        found = call()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return found

    cases, left_out = {}, {}
    for name in settings["cases"] or CASES:
        # On a CPU it needs a C++ compiler, and minutes.
        if name == "torch.compile" and device.type == "cpu" and not settings["cases"]:
            continue
        try:
            case = CASES[name](problem)
            finished(case.forward)
            finished(case.step)
        except Exception as error:
            left_out[name] = f"{type(error).__name__}: {str(error)[:100]}"
        else:
            cases[name] = case
    versions = {"torch": torch.__version__}
    for name in LIBRARIES:
        if name in cases:
            versions[name] = version(name)
    answer(cases=list(cases), left_out=left_out, versions=versions)
    for line in sys.stdin:
        command = json.loads(line)
        case = cases[command["case"]]
        call = getattr(case, command["what"])
        if command.get("memory"):
            answer(peak=peak(lambda c=call: finished(c), case.release, device))
            continue
        start = time.perf_counter()
        finished(call)
        answer(seconds=time.perf_counter() - start)


if __name__ == "__main__":
    main()
