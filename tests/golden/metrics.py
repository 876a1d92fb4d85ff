"""Reference numbers for the metrics, by scikit-learn.

Writes tests/golden/metrics.json, read by tests/golden_metrics.rs. Made with Python 3.11 or later and scikit-learn 1.9.1:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1
    /tmp/golden/bin/python tests/golden/metrics.py

An empty prediction is an error but no label. scikit-learn has no such thing, so it is given as the label "" here, and the means are taken over the
other labels (`labels=`). Cohen's kappa of a single label is NaN there and 0 here.

The expected calibration error is not in scikit-learn; it is computed from its definition with numpy: ten bins of equally many rows, by the probability
of the label written.
"""

import json
import pathlib
import random

import numpy
import sklearn
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    log_loss,
    matthews_corrcoef,
    precision_recall_fscore_support,
)

assert sklearn.__version__ == "1.9.1", sklearn.__version__


def scores(gold, predicted):
    labels = sorted((set(gold) | set(predicted)) - {""})
    gold_labels = sorted(set(gold))
    options = dict(zero_division=0)
    precision, recall, f1, support = precision_recall_fscore_support(gold, predicted, labels=labels, **options)
    return {
        "accuracy": accuracy_score(gold, predicted),
        "macro_f1": f1_score(gold, predicted, labels=labels, average="macro", **options),
        "macro_f1_gold": f1_score(gold, predicted, labels=gold_labels, average="macro", **options),
        "weighted_f1": f1_score(gold, predicted, labels=labels, average="weighted", **options),
        "balanced_accuracy": balanced_accuracy_score(gold, predicted),
        "cohen_kappa": float(numpy.nan_to_num(cohen_kappa_score(gold, predicted))),
        "matthews_corrcoef": matthews_corrcoef(gold, predicted),
        "macro_f1_labels": f1_score(gold, predicted, labels=gold_labels[:2], average="macro", **options),
        "labels": {
            label: {"precision": p, "recall": r, "f1": f, "support": int(s)}
            for label, p, r, f, s in zip(labels, precision, recall, f1, support)
        },
    }


def case(name, gold, predicted):
    return {"name": name, "gold": gold, "predicted": predicted, "scores": scores(gold, predicted)}


def calibration_error(confidence, right):
    order = numpy.lexsort((right, confidence))
    edges = [b * len(order) // 10 for b in range(11)]
    bins = [order[a:b] for a, b in zip(edges, edges[1:]) if b > a]
    return sum(len(b) * abs(confidence[b].mean() - right[b].mean()) for b in bins) / len(order)


def probability_case(name, rng, labels, rows, sharpness):
    """Softmax probabilities; the label written is not always the likeliest, and one gold label has the probability 0."""
    z = sharpness * rng.standard_normal((rows, len(labels)))
    gold = numpy.array([rng.choice(len(labels), p=p) for p in numpy.exp(z) / numpy.exp(z).sum(1, keepdims=True)])
    z[0, gold[0]] = -numpy.inf
    p = numpy.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    written = (z + 0.3 * rng.standard_normal(len(labels))).argmax(1)
    return {
        "name": name,
        "labels": labels,
        "gold": gold.tolist(),
        "written": written.tolist(),
        "probabilities": p.tolist(),
        "scores": {
            "log_loss": log_loss(gold, p, labels=range(len(labels))),
            "brier_score": brier_score_loss(gold, p, labels=range(len(labels)))
            if len(labels) > 2
            else brier_score_loss(gold, p[:, 1]),
            "expected_calibration_error": calibration_error(p[numpy.arange(rows), written], written == gold),
        },
    }


def noisy(rng, gold, labels, right):
    return [g if rng.random() < right else rng.choice(labels) for g in gold]


def main():
    rng = random.Random(20240229)
    few = ["oppose", "neutral", "support"]
    skewed = rng.choices(["common", "rare", "very rare"], weights=[94, 5, 1], k=400)
    even = rng.choices(few, k=120)
    many = [f"topic {i:03}" for i in range(300)]
    of_many = rng.choices(many, weights=[1 / (i + 1) for i in range(300)], k=1500)
    cases = [
        case("skew", skewed, noisy(rng, skewed, ["common", "rare", "very rare"], 0.8)),
        case("a label never predicted", even, ["support" if p == "neutral" else p for p in noisy(rng, even, few, 0.7)]),
        case("a label predicted and never gold", even, noisy(rng, even, few + ["mixed, unclear & other"], 0.6)),
        case("empty predictions", even, [p if rng.random() < 0.8 else "" for p in noisy(rng, even, few, 0.7)]),
        case("nothing but empty predictions", ["a", "a", "b"], ["", "", ""]),
        case("one label", ["only"] * 10, ["only"] * 10),
        case("all wrong", ["a", "b", "c"], ["b", "c", "a"]),
        case("300 labels", of_many, noisy(rng, of_many, many, 0.55)),
    ]
    arrays = numpy.random.default_rng(7)
    probabilities = [
        probability_case("two labels", arrays, ["against", "favor"], 57, 1.5),
        probability_case("five labels", arrays, ["a", "b", "c", "d", "e"], 203, 2.0),
        probability_case("fewer rows than bins", arrays, ["a", "b", "c"], 7, 1.0),
    ]
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases, "probabilities": probabilities}, indent=None, separators=(",", ":")) + "\n")


main()
