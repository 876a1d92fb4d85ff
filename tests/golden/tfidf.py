"""Reference vectors for the vectoriser, by scikit-learn.

Writes tests/golden/tfidf.json, read by tests/golden_tfidf.rs. Made with Python 3.11 or later and scikit-learn 1.9.1:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1
    /tmp/golden/bin/python tests/golden/tfidf.py

Documents are lists of plain lower-case words, written for this file, which every tokeniser cuts alike. Settings of words give the lists to
TfidfVectorizer as they are; settings of characters (`char_wb`) give it the words joined by one space. A whole min_df or max_df is a number of documents,
one with a point a share. A row is a list of [column, value], columns in the order of `terms`.
"""

import json
import pathlib

import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer

assert sklearn.__version__ == "1.9.1", sklearn.__version__

FIT = [
    "we support the new treaty and we support its goals",
    "the council must not ignore the treaty",
    "water water water for every village",
    "our country cannot accept the new tariff on water",
    "",
    "peace talks resume in the capital",
    "the tariff hurts small farms and small shops",
    "a ceasefire now a ceasefire today",
    "l état soutient la paix à l école",
    "farms need water and farms need peace",
    "the council met the council voted the council left",
    "no new tariff no new treaty",
]
HELD_OUT = [
    "we support the council on water",
    "zebra quixotic yodel",
    "",
    "the the the treaty hurts the farms",
    "peace unseenword now a ceasefire",
]


def setting(low, high, min_df, max_df, sublinear):
    return dict(ngram_range=(low, high), min_df=min_df, max_df=max_df, sublinear_tf=sublinear)


WORD = [
    setting(1, 1, 1, 1.0, False),
    setting(1, 1, 2, 1.0, True),
    setting(1, 2, 1, 1.0, True),
    setting(1, 2, 2, 1.0, True),
    setting(1, 2, 2, 0.5, False),
    setting(1, 1, 1, 5, False),
    setting(1, 1, 0.2, 1.0, False),  # 0.2 of 12 is 2.4: at least 3 documents
    setting(1, 2, 0.25, 0.5, True),  # exactly 3 to exactly 6 documents
    setting(2, 3, 1, 1.0, False),
    setting(2, 3, 2, 5, True),
]
CHAR = [
    setting(2, 5, 2, 1.0, True),
    setting(2, 5, 0.2, 0.5, False),
    setting(3, 3, 1, 1.0, False),
    setting(3, 3, 2, 5, True),
]


def identity(x):
    return x


def rows(matrix):
    matrix = matrix.tocsr()
    matrix.sort_indices()
    ends = matrix.indptr
    return [
        [[int(j), round(float(v), 10)] for j, v in zip(matrix.indices[a:b], matrix.data[a:b])]
        for a, b in zip(ends, ends[1:])
    ]


def vectors(analyzer, options):
    fixed = dict(norm="l2", use_idf=True, smooth_idf=True, lowercase=False)
    if analyzer == "word":
        words = dict(tokenizer=identity, preprocessor=identity, token_pattern=None)
        vectoriser = TfidfVectorizer(analyzer="word", **words, **fixed, **options)
        fit, held_out = [d.split() for d in FIT], [d.split() for d in HELD_OUT]
    else:
        vectoriser = TfidfVectorizer(analyzer=analyzer, **fixed, **options)
        fit, held_out = FIT, HELD_OUT
    x = vectoriser.fit_transform(fit)
    assert abs(vectoriser.transform(fit) - x).max() < 1e-15
    return {
        "analyzer": analyzer,
        **options,
        "terms": list(vectoriser.get_feature_names_out()),
        "idf": [round(float(i), 10) for i in vectoriser.idf_],
        "fit_rows": rows(x),
        "held_out_rows": rows(vectoriser.transform(held_out)),
    }


def main():
    settings = [vectors("word", s) for s in WORD] + [vectors("char_wb", s) for s in CHAR]
    out = {"scikit-learn": sklearn.__version__, "fit": FIT, "held_out": HELD_OUT, "settings": settings}
    text = json.dumps(out, ensure_ascii=False, separators=(",", ":")) + "\n"
    pathlib.Path(__file__).with_name("tfidf.json").write_text(text, encoding="utf-8")


main()
