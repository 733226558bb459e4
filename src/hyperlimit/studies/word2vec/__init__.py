"""Word embeddings of finite width, and of infinite width with feature learning.

Task: to say a word from the mean of those around it (CBOW) by a linear network of one
hidden layer, against drawn words (negative sampling). G. Yang and E. J. Hu, *Feature
Learning in Infinite-Width Neural Networks*, ICML 2021, section 5: in muP wider networks
reach a lower loss and answer more analogies, the limit of infinite width most; the
limits of NTK parametrisation and of the last layer alone answer none.

Command: ``hyperlimit study word2vec``, with ``pip install 'hyperlimit[words]'``;
``--data FILE`` takes another text.

Intervals are Student's over seeds, of networks, windows and negatives; the text and the
analogies are the same for all.
"""

from hyperlimit.studies._study import Study
from hyperlimit.studies.word2vec._config import QUICK, Word2VecConfig
from hyperlimit.studies.word2vec._run import run

__all__ = ["STUDY", "Word2VecConfig"]

STUDY = Study(
    name="word2vec",
    summary="Whether wider word embeddings in muP learn more, and the limit most",
    quick=QUICK,
    full=Word2VecConfig(),
    run=run,
)
