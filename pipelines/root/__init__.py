"""phenotext: unstructured EHR notes in, SNOMED-coded phenotype features and flagged candidate patients out."""

from phenotext.nlp.version import VERSION as __version__

__all__ = ["__version__"]
