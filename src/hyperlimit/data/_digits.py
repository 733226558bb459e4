"""The digits of scikit-learn."""

import numpy as np

from hyperlimit.data._images import Images
from hyperlimit.data._resize import resize
from hyperlimit.errors import InputError


def digits(size: tuple[int, int] | None = None) -> Images:
    """Load 1,797 handwritten digits of 8x8 pixels, grey.

    The values 0 to 16 of the source are divided by 16. The labels are the classes
    "0" to "9".

    Source: the test set of "Optical Recognition of Handwritten Digits" (E. Alpaydin
    and C. Kaynak, UCI Machine Learning Repository, 1998), as scikit-learn carries it.

    Args:
        size: (height, width) to resize to, in pixels.

    Raises:
        InputError: scikit-learn is not installed, or a side of the size is less than
            1.

    Example:
        >>> images = digits()
        >>> images.n, images.shape
        (1797, (8, 8, 1))
    """
    # Imported here because scikit-learn takes about a second, which the users of
    # the other data sets need not wait.
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise InputError(
            "the data set 'digits' comes with the package scikit-learn, which is not "
            "installed; run pip install 'hyperlimit[sklearn]'"
        ) from error

    values, classes = load_digits(return_X_y=True)
    pixels = (values / 16).astype(np.float32).reshape(-1, 8, 8, 1)
    return Images(resize(pixels, size), "digits", tuple(map(str, classes)))
