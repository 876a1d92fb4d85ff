"""Reference numbers for the metrics, by scikit-learn.

Writes tests/golden/metrics.json, read by tests/golden_metrics.rs. Made with Python 3.11 or later and scikit-learn 1.9.1:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1
    /tmp/golden/bin/python tests/golden/metrics.py

An empty prediction is an error but no label. scikit-learn has no such thing, so it is given as the label "" here, and the means are taken over the
other labels (`labels=`).
"""

import json
import pathlib
import random

import sklearn
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

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
        "labels": {
            label: {"precision": p, "recall": r, "f1": f, "support": int(s)}
            for label, p, r, f, s in zip(labels, precision, recall, f1, support)
        },
    }


def case(name, gold, predicted):
    return {"name": name, "gold": gold, "predicted": predicted, "scores": scores(gold, predicted)}


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
    path = pathlib.Path(__file__).with_name("metrics.json")
    path.write_text(json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}, indent=None, separators=(",", ":")) + "\n")


main()
