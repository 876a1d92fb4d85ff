"""Reference optima for the linear solvers, by Newton's method, scipy and scikit-learn.

Writes tests/golden/solver.json, read by tests/golden_solver.rs. Made with Python 3.11 or later, scikit-learn 1.9.1, scipy 1.17.1, numpy 2.4.6:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1 scipy==1.17.1 numpy==2.4.6
    /tmp/golden/bin/python tests/golden/solver.py

Every problem gets a constant column 1, and its weight (the intercept) is penalised like any other. x is a row's features with that
column, C_i = C * class_weight[y_i] * sample_weight[i].

logistic  min over W (K x F+1)  1/2 ||W||^2 + sum_i C_i * -log softmax(W x_i)[y_i]       (K vectors, for K = 2 as well)
svm       min over w_k, for each class k by itself (one vs rest; y = +1 for k, else -1)
          1/2 ||w_k||^2 + sum_i C_i * max(0, 1 - y w_k.x_i)^2                            (K = 2 too: w_0 = -w_1; scikit-learn keeps w_1)

LinearSVC(class_weight=...) weighs only the positive class of each one-vs-rest problem (liblinear's Cp, with Cn = C). These numbers weigh every
row by its own class, as LinearSVC does if the class weights are multiplied into sample_weight.

The optima are found by Newton's method to a gradient norm below 1e-9, and checked here against scipy's L-BFGS-B and against
LogisticRegression(fit_intercept=False, tol=1e-10) and LinearSVC(dual=True, intercept_scaling=1, tol=1e-10); the script fails where they disagree (objectives by
1e-8 relative, coefficients by 1e-4 of the largest). Numbers are rounded to ten digits: the last ones differ from one BLAS to the next.
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

assert (sklearn.__version__, scipy.__version__) == ("1.9.1", "1.17.1"), (sklearn.__version__, scipy.__version__)


def problem(name, rows, features, classes, density, seed, weighted):
    """Normalised sparse rows, the last of them empty; labels drawn from a noisy linear rule; every class occurs."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(classes, features)) * 1.5
    x, y = [], []
    for i in range(rows):
        size = 0 if i == rows - 1 else max(1, rng.binomial(features, density))
        columns = np.sort(rng.choice(features, size, replace=False))
        values = np.abs(rng.normal(size=size)) + 0.1
        if size:
            values /= np.linalg.norm(values)
        values = np.round(values, 6)
        row = np.zeros(features)
        row[columns] = values
        x.append([[int(j), float(v)] for j, v in zip(columns, values)])
        y.append(i if i < classes else int(np.argmax(truth @ row * 2 + rng.gumbel(size=classes) * 0.7)))
    class_weight, sample_weight = [1.0] * classes, [1.0] * rows
    if weighted:
        class_weight = [round(float(c), 6) for c in rng.uniform(0.5, 3, classes)]
        sample_weight = [round(float(s), 6) for s in rng.uniform(0.2, 2, rows)]
        sample_weight[3] = 0.0  # a row of no weight
    return dict(
        name=name, features=features, classes=classes, x=x, y=y, class_weight=class_weight, sample_weight=sample_weight
    )


def dense(p):
    x = np.zeros((len(p["x"]), p["features"] + 1))
    for i, row in enumerate(p["x"]):
        for j, v in row:
            x[i, j] = v
    x[:, -1] = 1
    y = np.array(p["y"])
    return x, y, np.array(p["class_weight"])[y] * np.array(p["sample_weight"])


def newton(fun, w):
    for _ in range(200):
        value, gradient, hessian = fun(w)
        if np.linalg.norm(gradient) < 1e-11:
            break
        step, share = np.linalg.solve(hessian, -gradient), 1.0
        while share > 1e-8 and fun(w + share * step)[0] > value + 1e-4 * share * gradient @ step + 1e-13 * abs(value):
            share /= 2
        w = w + share * step
    value, gradient, _ = fun(w)
    assert np.linalg.norm(gradient) < 1e-9, np.linalg.norm(gradient)
    return w, value


def logistic(x, y, costs, classes):
    rows, width = x.shape

    def fun(w):
        scores = x @ w.reshape(classes, width).T
        p = softmax(scores, axis=1)
        error = p.copy()
        error[np.arange(rows), y] -= 1
        value = 0.5 * w @ w + costs @ (logsumexp(scores, axis=1) - scores[np.arange(rows), y])
        gradient = w + ((error * costs[:, None]).T @ x).ravel()
        hessian = np.eye(classes * width)
        for a in range(classes):
            for b in range(classes):
                q = costs * (p[:, a] * ((a == b) - p[:, b]))
                hessian[a * width : (a + 1) * width, b * width : (b + 1) * width] += (x * q[:, None]).T @ x
        return value, gradient, hessian

    return fun


def squared_hinge(x, sign, costs):
    def fun(w):
        short = 1 - sign * (x @ w)
        on = short > 0
        value = 0.5 * w @ w + costs[on] @ short[on] ** 2
        gradient = w - 2 * x[on].T @ (costs[on] * sign[on] * short[on])
        return value, gradient, np.eye(len(w)) + 2 * (x[on] * costs[on, None]).T @ x[on]

    return fun


def check(what, fun, w, value, other):
    options = dict(maxiter=20000, maxfun=40000, ftol=1e-16, gtol=1e-12, maxls=60)
    start = np.zeros_like(w)
    lbfgs = minimize(lambda v: fun(v)[:2], start, jac=True, method="L-BFGS-B", options=options)
    for v in (other, lbfgs.x):
        objective, distance = (fun(v)[0] - value) / value, np.abs(v - w).max() / np.abs(w).max()
        assert -1e-12 < objective < 1e-8 and distance < 1e-4, (what, objective, distance)


def digits(x):
    return float(f"{x:.10g}")


def solution(loss, c, value, weights):
    return dict(
        loss=loss,
        C=c,
        objective=digits(value),
        coefficients=[[digits(a) for a in row] for row in weights[:, :-1]],
        intercepts=[digits(a) for a in weights[:, -1]],
    )


def solve(p):
    x, y, costs = dense(p)
    classes, width = p["classes"], x.shape[1]
    p["solutions"] = []
    for c in (0.1, 1.0, 10.0):
        fun = logistic(x, y, c * costs, classes)
        w, value = newton(fun, np.zeros(classes * width))
        # Of two classes scikit-learn has one vector, the difference of our two, so its penalty is half of ours.
        theirs = LogisticRegression(C=c * (2 if classes == 2 else 1), fit_intercept=False, tol=1e-10, max_iter=100000)
        found = theirs.fit(x, y, sample_weight=costs).coef_
        if classes == 2:
            found = np.vstack([-found / 2, found / 2])
        check(f"{p['name']} logistic C={c}", fun, w, value, found.ravel())
        p["solutions"].append(solution("logistic", c, value, w.reshape(classes, width)))

        theirs = LinearSVC(dual=True, C=c, intercept_scaling=1.0, tol=1e-10, max_iter=10_000_000, random_state=0)
        theirs.fit(x[:, :-1], y, sample_weight=costs)
        found = np.column_stack([theirs.coef_, theirs.intercept_])
        if classes == 2:
            found = np.vstack([-found, found])
        weights, values = [], []
        for k in range(classes):
            fun = squared_hinge(x, np.where(y == k, 1.0, -1.0), c * costs)
            w, value = newton(fun, np.zeros(width))
            check(f"{p['name']} svm C={c} class {k}", fun, w, value, found[k])
            weights.append(w)
            values.append(value)
        p["solutions"].append(solution("svm", c, sum(values), np.array(weights)))
    return p


def main():
    problems = [
        problem("three classes", 60, 30, 3, 0.15, 1, False),
        problem("two classes", 80, 40, 2, 0.12, 2, False),
        problem("five classes, weighted", 50, 20, 5, 0.2, 3, True),
    ]
    versions = {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__, "numpy": np.__version__}
    out = {**versions, "problems": [solve(p) for p in problems]}
    path = pathlib.Path(__file__).with_name("solver.json")
    path.write_text(json.dumps(out, separators=(",", ":")) + "\n", encoding="utf-8")


main()
