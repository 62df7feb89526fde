"""scikit-learn's own checks of an estimator, and the classifier in its tools. SPDX-License-Identifier: MIT"""
import sys
import unittest

try:
    import sklearn
except ImportError:
    print("skip: scikit-learn's checks: it is not installed (Debian: python3-sklearn)")
    sys.exit(77)

import dataclasses
import unittest.mock
import warnings

import numpy
import sklearn.utils
from sklearn.datasets import load_digits, load_wine
from sklearn.exceptions import DataConversionWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks

import monoforward as mf

# Checks that may fail, each with the reason.
MAY_FAIL = {
    "check_sample_weights_invariance(kind=zeros)": "the order of the rows differs, and so may the rounding of sums",
}


def name_of(check):
    words = ", ".join(f"{name}={value}" for name, value in getattr(check, "keywords", {}).items() if name == "kind")
    return f"{getattr(check, 'func', check).__name__}" + (f"({words})" if words else "")


@dataclasses.dataclass
class TargetTags:
    required: bool
    one_d_labels: bool = False
    two_d_labels: bool = False
    positive_only: bool = False
    multi_output: bool = False
    single_output: bool = True


@dataclasses.dataclass
class ClassifierTags:
    poor_score: bool = False
    multi_class: bool = True
    multi_label: bool = False


@dataclasses.dataclass
class Tags:
    """As scikit-learn has them from version 1.6 on."""
    estimator_type: "str | None"
    target_tags: TargetTags
    transformer_tags: object = None
    classifier_tags: "ClassifierTags | None" = None


class Sklearn(unittest.TestCase):
    def test_tags_of_later_versions(self):
        later = {"Tags": Tags, "TargetTags": TargetTags, "ClassifierTags": ClassifierTags}
        with unittest.mock.patch.multiple(sklearn.utils, create=True, **later):
            tags = mf.MonoforwardClassifier().__sklearn_tags__()
        self.assertEqual(tags, Tags("classifier", TargetTags(required=True), None, ClassifierTags()))

    def test_check_estimator(self):
        failed, count = {}, 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's own: of its checks, and of versions of its neighbours
            for estimator, check in estimator_checks.check_estimator(mf.MonoforwardClassifier(), generate_only=True):
                count += 1
                try:
                    check(estimator)
                except unittest.SkipTest as reason:
                    print(f"skip: {name_of(check)}: {reason}")
                except Exception as error:
                    failed[name_of(check)] = f"{type(error).__name__}: {error}"
        for name in failed.keys() & MAY_FAIL.keys():
            print(f"{name} failed: {MAY_FAIL[name]}")
        self.assertGreater(count, 35)
        self.assertEqual({name: text for name, text in failed.items() if name not in MAY_FAIL}, {})

    def test_defaults_learn_small_sets(self):
        """As well as scikit-learn's multilayer perceptron does by default, but for one percent."""
        for load in (load_digits, load_wine):
            ours, theirs = [], []
            for seed in range(3):
                X, y = load(return_X_y=True)
                X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=y)
                for make, scores in ((mf.MonoforwardClassifier, ours), (MLPClassifier, theirs)):
                    model = make_pipeline(StandardScaler(), make(random_state=seed))
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")  # that 200 passes were not enough, says the perceptron
                        scores.append(model.fit(X_train, y_train).score(X_test, y_test))
            print(f"{load.__name__}: {numpy.mean(ours):.4f}, scikit-learn's perceptron {numpy.mean(theirs):.4f}")
            self.assertGreaterEqual(numpy.mean(ours), numpy.mean(theirs) - 0.01)

    def test_tools(self):
        X, y = load_wine(return_X_y=True)
        names = numpy.array(["red", "white", "other"], object)[y]
        model = make_pipeline(StandardScaler(), mf.MonoforwardClassifier(hidden=32, epochs=300))
        self.assertGreater(cross_val_score(model, X, names, cv=3).mean(), 0.9)
        search = GridSearchCV(model, {"monoforwardclassifier__hidden": [8, (16, 16)]}, cv=3).fit(X, names)
        self.assertEqual(set(search.predict(X)), {"red", "white", "other"})

    def test_its_exceptions(self):
        for kind in (NotFittedError, mf.NotFittedError):
            with self.assertRaises(kind):
                mf.MonoforwardClassifier().predict([[1]])
        with self.assertWarns(DataConversionWarning):
            mf.MonoforwardClassifier(epochs=1).fit([[1], [2]], [[1], [2]])

    def test_data_frames(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("there is no pandas (Debian: python3-pandas)")
        X, y = load_wine(return_X_y=True, as_frame=True)
        for labels in (y, y.map({0: "red", 1: "white", 2: "other"}), y.astype("Int64"),
                       y.map({0: "red", 1: "white", 2: "other"}).astype("category"), y.astype("string")):
            model = mf.MonoforwardClassifier(epochs=2).fit(X, labels)
            self.assertEqual(set(model.classes_), set(labels))
            self.assertEqual(model.feature_names_in_.tolist(), X.columns.tolist())
            self.assertLessEqual(set(model.predict(X)), set(labels))
        with self.assertRaisesRegex(ValueError, "same order"):
            model.predict(X[X.columns[::-1]])
        missing = y.astype("Int64")
        missing[3] = pandas.NA
        with self.assertRaisesRegex(ValueError, "<NA> is no label"):
            model.fit(X, missing)


if __name__ == "__main__":
    print(f"scikit-learn {sklearn.__version__}")
    unittest.main()
