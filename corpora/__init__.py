"""Corpora: loaders, manifests and synthetic images.

Stands alone: knows no codec and nothing of `eval`; of `shared` only the errors and the
reading of image files.
"""

from __future__ import annotations

from .catalog import corpus_names, open_corpus
from .images import Corpus, CorpusImage

__all__ = ["Corpus", "CorpusImage", "corpus_names", "open_corpus"]
