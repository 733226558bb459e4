"""Completing images from the part that is seen.

Task: a meta-network reads the seen pixels of an image, the primary network it writes
reads a coordinate and gives the pixel there. Littwin, Galanti, Wolf and Yang, *On
Infinite-Width Hypernetworks*, NeurIPS 2020, section 5.

Expected: 500 MNIST digits, upper half seen, targets complete, 500 others completed:
mean squared error over hidden pixels 0.0466 (mean image 0.073), half a minute on two
cores.
"""

from hyperlimit.studies.completion._config import CompletionConfig
from hyperlimit.studies.completion._model_file import stored_precision
from hyperlimit.studies.completion._predict import predict
from hyperlimit.studies.completion._run import complete

__all__ = ["CompletionConfig", "complete", "predict", "stored_precision"]
