"""The three-letter parts of the words of texts, counted in buckets by a hash."""

from typing import Any

BUCKETS = 256
LONGEST_TEXT = 200
"""Of a longer text, so many characters at the start are looked at."""


def count_parts(texts: list[str]) -> Any:
    """Return the normalised counts of the parts of each text, a sparse matrix of shape (texts, buckets).

    Its product with a dense one is summed row by row, so that it does not depend on the other texts.
    """
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 3), n_features=BUCKETS, alternate_sign=False)
    return vectorizer.transform([text[:LONGEST_TEXT] for text in texts])
