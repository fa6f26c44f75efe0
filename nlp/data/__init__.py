"""Data files: cues, headings, the starter lexicon, word lists. Logic lives elsewhere."""
