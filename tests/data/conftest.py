from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

import pytest

from hyperlimit.errors import InputError

Refuses = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def refuses() -> Refuses:
    """Expect an InputError of one sentence on one line that says all of `parts`."""

    @contextmanager
    def expectation(*parts: str) -> Generator[None, None, None]:
        with pytest.raises(InputError) as caught:
            yield
        message = str(caught.value)
        assert "\n" not in message
        assert ". " not in message
        for part in parts:
            assert part in message

    return expectation
