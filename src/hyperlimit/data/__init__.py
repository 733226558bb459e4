"""Images and their masks, text, and whole output files."""

from hyperlimit.data._analogies import Analogy, analogies
from hyperlimit.data._digits import digits
from hyperlimit.data._faces import faces
from hyperlimit.data._fashion import fashion
from hyperlimit.data._folder import folder, require_images
from hyperlimit.data._glyphs import glyphs
from hyperlimit.data._images import Images
from hyperlimit.data._load import LOADERS, load
from hyperlimit.data._mnist import mnist
from hyperlimit.data._observation_mask import observation_mask
from hyperlimit.data._omniglot import omniglot
from hyperlimit.data._target_mask import target_mask
from hyperlimit.data._whole_files import whole_files
from hyperlimit.data._wikipedia import wikipedia_articles
from hyperlimit.data._words import words
from hyperlimit.data._write_image import write_image

__all__ = [
    "LOADERS",
    "Analogy",
    "Images",
    "analogies",
    "digits",
    "faces",
    "fashion",
    "folder",
    "glyphs",
    "load",
    "mnist",
    "observation_mask",
    "omniglot",
    "require_images",
    "target_mask",
    "whole_files",
    "wikipedia_articles",
    "words",
    "write_image",
]
