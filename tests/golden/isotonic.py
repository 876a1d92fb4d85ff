"""Reference numbers for isotonic regression, by scikit-learn.

Writes tests/golden/isotonic.json, read by tests/golden_isotonic.rs. Made with Python 3.11 or later and scikit-learn 1.9.1:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1
    /tmp/golden/bin/python tests/golden/isotonic.py

Probabilities are in single precision, as the curves keep them, and shares are clipped to 1/(n + 2) and 1 - 1/(n + 2).
"""

import json
import pathlib

import numpy
import sklearn
from sklearn.isotonic import IsotonicRegression


def case(name, rows, digits, weighted, seed):
    random = numpy.random.default_rng(seed)
    p = numpy.round(random.beta(0.7, 2.0, rows), digits).astype(numpy.float32).astype(float)
    of_class = random.random(rows) < p**1.7
    weights = random.uniform(0.2, 3.0, rows) if weighted else numpy.ones(rows)
    least = 1 / (rows + 2)
    fitted = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    fitted.fit(p, of_class.astype(float), sample_weight=weights)
    probes = numpy.linspace(0, 1, 101)
    return {
        "name": name,
        "rows": [[float(p), bool(y), float(w)] for p, y, w in zip(p, of_class, weights)],
        "probes": probes.tolist(),
        "shares": fitted.predict(probes).tolist(),
    }


cases = [
    case("few", 12, 6, False, 1),
    case("ties", 200, 1, False, 2),
    case("weights and ties", 300, 2, True, 3),
    case("many", 600, 6, True, 4),
]
here = pathlib.Path(__file__).parent
text = json.dumps({"scikit-learn": sklearn.__version__, "cases": cases}, indent=None, separators=(",", ":"))
(here / "isotonic.json").write_text(text + "\n")
