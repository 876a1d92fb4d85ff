"""fastText, supervised: words 1-2, 10 dimensions, 5 epochs, a model a head. It has no stemmer.

    python3 peer_fasttext.py train TRAIN.csv FOLDER
    python3 peer_fasttext.py classify FOLDER TEXTS.csv OUT.csv
"""
import csv
import itertools
import os
import sys

import fasttext

from plain_text import words_only

HEADS = ("topic", "stance")


def train(corpus: str, folder: str) -> None:
    files = {head: open(f"{folder}/{head}.txt", "w", encoding="utf-8") for head in HEADS}
    with open(corpus, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            text = words_only(row["text"])
            for head in HEADS:
                files[head].write(f"__label__{row[head]} {text}\n")
    for head in HEADS:
        files[head].close()
        model = fasttext.train_supervised(f"{folder}/{head}.txt", wordNgrams=2, dim=10, epoch=5, lr=0.5, thread=os.cpu_count(), verbose=0)
        model.save_model(f"{folder}/{head}.bin")
        os.remove(f"{folder}/{head}.txt")


def classify(folder: str, texts: str, output: str) -> None:
    fasttext.FastText.eprint = lambda message: None
    models = {head: fasttext.load_model(f"{folder}/{head}.bin") for head in HEADS}
    with open(texts, newline="", encoding="utf-8") as source, open(output, "w", newline="", encoding="utf-8") as target:
        reader, writer = csv.DictReader(source), csv.writer(target, lineterminator="\n")
        writer.writerow(["id", "topic", "topic_probability", "stance", "stance_probability"])
        while rows := list(itertools.islice(reader, 5_000)):
            plain = [words_only(row["text"]) for row in rows]
            # Given a list it answers for all at once, which is its fastest way from Python.
            told = {head: model.predict(plain) for head, model in models.items()}
            for index, row in enumerate(rows):
                cells = [row["id"]]
                for labels, shares in told.values():
                    cells += [labels[index][0].removeprefix("__label__"), f"{shares[index][0]:.4f}"]
                writer.writerow(cells)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
