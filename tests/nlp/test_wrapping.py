"""Where a line was broken must not change what is read."""

import textwrap

import pytest

from phenotext.nlp import Extractor

PARAGRAPH = (
    "He denies chest pain, palpitations and syncope. There is no evidence of deep vein thrombosis or pulmonary"
    " embolism. His mother had breast cancer and his father has congestive heart failure. He presents with headache."
)


@pytest.mark.parametrize("width", [20, 25, 30, 35, 40, 50, 60, 72, 80])
def test_wrapped_and_unwrapped_read_alike(extractor: Extractor, width: int) -> None:
    wrapped = "\n".join(textwrap.wrap(PARAGRAPH, width))
    expected = [(m.code, m.assertion) for m in extractor(PARAGRAPH).mentions]
    assert len(expected) == 8
    assert [(m.code, m.assertion) for m in extractor(wrapped).mentions] == expected
