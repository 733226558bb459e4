"""What the few-shot study is asked to do."""

from dataclasses import dataclass
from typing import Literal

from hyperlimit.errors import InputError


@dataclass(frozen=True)
class FewShotConfig:
    """Data, networks and meta-training.

    The published protocol but for the data, 242 characters where those were 1,200,
    meta-steps to match, and MAML of second order where that was of first. With the
    first, wide networks end at a third of the answers: `docs/studies.md` says why.

    Attributes:
        data: the folder of Omniglot's archives. Empty: printed characters.
        side: height and width of the images, in pixels.
        runs: alphabets are dealt out to as many parts, each held out in one run.
        ways: classes of a task, with one image each to learn from and one to tell.
        widths: of the hidden layer of finite networks, ascending.
        input_std: of the first layer in muP, s_u.
        output_std: of the second, s_v.
        meta_steps: of gradient descent through tasks.
        tasks: in each of them; their gradients are summed.
        meta_rate: its learning rate.
        order: of derivatives through the steps within a task, 1 or 2.
        clip: the largest norm of its gradient.
        inner_rate: the learning rate within a task.
        inner_steps: within a task in meta-training.
        test_steps: within a task in testing.
        test_tasks: from the alphabets held out, in each run.
        tests: how often in meta-training; the last counts.
        least_gain: of the limit over the linear NTK, in points, that is expected.
        closeness: of the widest network and the limit, in points, that is expected.
        seed: of everything.
    """

    data: str = ""
    side: int = 28
    runs: int = 4
    ways: int = 5
    widths: tuple[int, ...] = (2, 8, 32, 128, 512)
    input_std: float = 1.0
    output_std: float = 1 / 32
    meta_steps: int = 1500
    tasks: int = 32
    meta_rate: float = 0.1
    order: Literal[1, 2] = 2
    clip: float = 0.5
    inner_rate: float = 0.4
    inner_steps: int = 1
    test_steps: int = 20
    test_tasks: int = 1000
    tests: int = 5
    least_gain: float = 8.0
    closeness: float = 2.0
    seed: int = 0

    def __post_init__(self):
        for name in ("runs", "ways", "test_tasks"):
            if getattr(self, name) < 2:
                raise InputError(
                    f"{name}={getattr(self, name)} was given: give at least 2."
                )
        if self.tests < 1 or self.meta_steps % self.tests:
            raise InputError(
                f"tests={self.tests} and meta_steps={self.meta_steps} were given: give "
                "a number of tests that divides the steps."
            )


QUICK = FewShotConfig(
    side=14,
    widths=(2, 128),
    meta_steps=200,
    tasks=16,
    test_tasks=250,
    tests=2,
    least_gain=0.0,
    closeness=5.0,
)
