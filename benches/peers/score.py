"""Macro-F1 in per cent of both heads, as JSON.

    python3 score.py GOLD.csv OUT.csv
"""
import csv
import json
import sys


def macro_f1(pairs: list[tuple[str, str]]) -> float:
    labels = {label for pair in pairs for label in pair}
    scores = []
    for label in labels:
        hits = sum(right == told == label for right, told in pairs)
        given = sum(right == label for right, _ in pairs) + sum(told == label for _, told in pairs)
        scores.append(2 * hits / given)
    return 100 * sum(scores) / len(scores)


with open(sys.argv[1], newline="", encoding="utf-8") as file:
    gold = {row["id"]: row for row in csv.DictReader(file)}
with open(sys.argv[2], newline="", encoding="utf-8") as file:
    told = {row["id"]: row for row in csv.DictReader(file) if row["id"] in gold}
assert told.keys() == gold.keys()
print(json.dumps({head: macro_f1([(row[head], told[key][head]) for key, row in gold.items()]) for head in ("topic", "stance")}))
