"""Random districts of any size, as ordinary district files, for benchmarks and trials."""

from citygrid.synthetic.files import write
from citygrid.synthetic.size import CLASSES, Size, size_of

__all__ = ["CLASSES", "Size", "size_of", "write"]
