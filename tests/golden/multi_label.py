"""Reference numbers for several labels a row, by scikit-learn.

Writes tests/golden/multi_label.json, read by tests/golden_multi_label.rs. Made with Python 3.11 or later and scikit-learn 1.9.1:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1
    /tmp/golden/bin/python tests/golden/multi_label.py

Labels that are neither gold nor predicted are left out of the means of F1 (`labels=`), as in the metrics of one label a row; the Hamming loss counts them.
"""

import json
import pathlib

import numpy
import sklearn
from sklearn.metrics import accuracy_score, f1_score, hamming_loss, precision_recall_fscore_support

assert sklearn.__version__ == "1.9.1", sklearn.__version__


def case(name, gold, written):
    used = numpy.flatnonzero(gold.any(0) | written.any(0))
    options = dict(labels=used, zero_division=0)
    p, r, f, n = precision_recall_fscore_support(gold, written, **options)
    micro_p, micro_r, micro_f, _ = precision_recall_fscore_support(gold, written, average="micro", **options)
    labels = [f"label {k:02}" for k in range(gold.shape[1])]
    return {
        "name": name,
        "labels": labels,
        "gold": [numpy.flatnonzero(row).tolist() for row in gold],
        "written": [numpy.flatnonzero(row).tolist() for row in written],
        "scores": {
            "macro_f1": f1_score(gold, written, average="macro", **options),
            "micro_f1": micro_f,
            "micro_precision": micro_p,
            "micro_recall": micro_r,
            "weighted_f1": f1_score(gold, written, average="weighted", **options),
            "subset_accuracy": accuracy_score(gold, written),
            "hamming_loss": hamming_loss(gold, written),
            "labels": {
                labels[k]: {"precision": p[i], "recall": r[i], "f1": f[i], "support": int(n[i])}
                for i, k in enumerate(used)
            },
        },
    }


def noisy(rng, shares, rows, wrong):
    gold = rng.random((rows, len(shares))) < shares
    written = gold ^ (rng.random(gold.shape) < wrong * (gold + shares))
    return gold, written


def main():
    rng = numpy.random.default_rng(11)
    even = numpy.full(5, 0.4)
    skewed = 0.5 / numpy.arange(1, 41)
    never = numpy.array([0.3, 0.5, 0.0])
    gold, written = noisy(rng, even, 60, 0.3)
    cases = [
        case("five labels", gold, written),
        case("nothing written", gold, numpy.zeros_like(gold)),
        case("all right", gold, gold),
        case("forty skewed labels", *noisy(rng, skewed, 500, 0.4)),
        case("a label that never occurs", *noisy(rng, never, 40, 0.2)),
        case("two labels", *noisy(rng, numpy.array([0.5, 0.1]), 30, 0.3)),
    ]
    path = pathlib.Path(__file__).with_name("multi_label.json")
    path.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}, separators=(",", ":")) + "\n")


main()
