"""What a careful user of scikit-learn writes: TF-IDF of stemmed words 1-2 and a LinearSVC a head.

    python3 peer_scikit_learn.py train TRAIN.csv FOLDER
    python3 peer_scikit_learn.py classify FOLDER TEXTS.csv OUT.csv
"""
import re
import sys

import joblib
import numpy
import pandas
import Stemmer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

HEADS = ("topic", "stance")
STEMMER = Stemmer.Stemmer("english")
WORD = re.compile(r"\b\w\w+\b")


def stemmed_words(text: str) -> list[str]:
    return STEMMER.stemWords(WORD.findall(text))


def train(corpus: str, folder: str) -> None:
    table = pandas.read_csv(corpus, usecols=["text", *HEADS], dtype=str, keep_default_na=False)
    vectoriser = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2, tokenizer=stemmed_words, token_pattern=None)
    features = vectoriser.fit_transform(table["text"])
    models = {head: LinearSVC(C=1).fit(features, table[head]) for head in HEADS}
    joblib.dump((vectoriser, models), f"{folder}/model.joblib")


def classify(folder: str, texts: str, output: str) -> None:
    vectoriser, models = joblib.load(f"{folder}/model.joblib")
    with open(output, "w", newline="", encoding="utf-8") as file:
        for part, table in enumerate(pandas.read_csv(texts, dtype=str, keep_default_na=False, chunksize=5_000)):
            features = vectoriser.transform(table["text"])
            columns = {"id": table["id"]}
            for head, model in models.items():
                # LinearSVC has no probabilities: the softmax of its margins costs what they would.
                share = numpy.exp(model.decision_function(features))
                share /= share.sum(axis=1, keepdims=True)
                best = share.argmax(axis=1)
                columns[head] = model.classes_[best]
                columns[f"{head}_probability"] = share[numpy.arange(len(best)), best]
            pandas.DataFrame(columns).to_csv(file, index=False, header=part == 0, float_format="%.4f")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
