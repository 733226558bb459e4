"""Arrays of a module in a safetensors file, and back: nothing is pickled."""

from hyperlimit.serialisation._arrays import array_name, is_array
from hyperlimit.serialisation._load import load
from hyperlimit.serialisation._save import save

__all__ = ["array_name", "is_array", "load", "save"]
