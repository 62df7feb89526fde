"""The classifier. SPDX-License-Identifier: MIT"""
import os
import pickle
import tempfile
import unittest

import numpy

import monoforward as mf
import spirals

NAMES = numpy.array(["left", "right", "middle"])


def make(**params):
    return mf.MonoforwardClassifier((48, 48), **{"epochs": 40, "learning_rate": 0.01, "batch_size": 50, **params})


class Classifier(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.x, cls.y = spirals.make()
        cls.fitted = make().fit(cls.x, NAMES[cls.y])

    def test_learns(self):
        x, y = spirals.make(seed=1)
        self.assertGreaterEqual(self.fitted.score(x, NAMES[y]), 0.97)
        self.assertEqual(self.fitted.classes_.tolist(), sorted(NAMES))
        self.assertEqual(self.fitted.predict(x[:5]).dtype, NAMES.dtype)
        probabilities = self.fitted.predict_proba(x)
        numpy.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
        numpy.testing.assert_array_equal(self.fitted.classes_[probabilities.argmax(axis=1)], self.fitted.predict(x))

    def test_labels_of_any_type(self):
        for labels in (self.y, self.y * 10 - 7, self.y > 0, self.y / 4, NAMES[self.y].astype("S"),
                       NAMES[self.y].astype(object), NAMES[self.y].tolist()):
            classifier = make(epochs=1).fit(self.x.tolist(), labels)
            self.assertTrue(set(classifier.predict(self.x)) <= set(numpy.asarray(labels).tolist()))

    def test_repeats_itself(self):
        same, other = make().fit(self.x, NAMES[self.y]), make(random_state=1).fit(self.x, NAMES[self.y])
        expected = self.fitted.predict_proba(self.x)
        numpy.testing.assert_array_equal(same.predict_proba(self.x), expected)
        self.assertTrue((other.predict_proba(self.x) != expected).any())

    def test_workers_give_the_same(self):
        for workers in (0, 1, 2, 3, None):
            piped = make(workers=workers).fit(self.x, NAMES[self.y])
            numpy.testing.assert_array_equal(piped.predict_proba(self.x), self.fitted.predict_proba(self.x))

    def test_bytes_give_what_their_numbers_give(self):
        x = (self.x * 40 + 128).clip(0, 255).astype(numpy.uint8)
        for workers in (0, 2):
            answers = []
            for rows in (x, x.astype(numpy.float32)):
                classifier = make(epochs=2, workers=workers).fit(rows, self.y)
                answers.append(classifier.partial_fit(rows, self.y).predict_proba(rows))
            numpy.testing.assert_array_equal(*answers)

    def test_fit_starts_anew(self):
        again = make().fit(self.x[:, ::-1], 1 - self.y)
        again.fit(self.x, NAMES[self.y])
        numpy.testing.assert_array_equal(again.predict_proba(self.x), self.fitted.predict_proba(self.x))

    def test_partial_fit(self):
        classifier = make()
        with self.assertRaisesRegex(ValueError, "name all classes"):
            classifier.partial_fit(self.x, self.y)
        for _ in range(40):
            for first in range(0, 600, 200):
                rows = slice(first, first + 200)
                classifier.partial_fit(self.x[rows], self.y[rows], classes=[0, 1, 2])
        self.assertGreaterEqual(classifier.score(self.x, self.y), 0.95)
        with self.assertRaisesRegex(ValueError, "label 3 is none"):
            classifier.partial_fit(self.x[:1], [3])
        with self.assertRaisesRegex(ValueError, "not those of the first call"):
            classifier.partial_fit(self.x, self.y, classes=[0, 1])

    def test_batch_normalisation_and_a_last_row(self):
        classifier = make(normalization="batch", batch_size=599, epochs=2).fit(self.x, self.y)
        self.assertEqual(len(classifier.predict(self.x)), 600)

    def test_save_and_load(self):
        for labels in (NAMES[self.y], NAMES[self.y].astype("S"), self.y, self.y > 0, self.y / 4):
            classifier = make(epochs=3, mode="last").fit(self.x, labels)
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "a model")
                classifier.save(path)
                self.assertEqual(os.listdir(folder), ["a model"])
                loaded = mf.MonoforwardClassifier.load(path)
            for each in (loaded, pickle.loads(pickle.dumps(classifier))):
                self.assertEqual(each.mode, "last")
                self.assertEqual(each.classes_.dtype, classifier.classes_.dtype)
                numpy.testing.assert_array_equal(each.predict(self.x), classifier.predict(self.x))
                each.partial_fit(self.x, labels)
            resumed = loaded.predict_proba(self.x)
            numpy.testing.assert_array_equal(each.predict_proba(self.x), resumed)
            numpy.testing.assert_array_equal(classifier.partial_fit(self.x, labels).predict_proba(self.x), resumed)

    def test_precision(self):
        classifier = make(precision="bf16").fit(self.x, self.y)
        self.assertGreaterEqual(classifier.score(self.x, self.y), 0.97)
        self.assertTrue((classifier.predict_proba(self.x) != self.fitted.predict_proba(self.x)).any())
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a model")
            classifier.save(path)
            loaded = mf.MonoforwardClassifier.load(path)
        self.assertEqual(loaded.precision, "bf16")
        numpy.testing.assert_array_equal(loaded.predict_proba(self.x), classifier.predict_proba(self.x))

    def test_params(self):
        classifier = make(dropout=0.25)
        copy = mf.MonoforwardClassifier(**classifier.get_params())
        self.assertEqual(repr(copy), repr(classifier))
        self.assertIs(copy.set_params(epochs=3), copy)
        self.assertEqual(copy.epochs, 3)
        with self.assertRaisesRegex(ValueError, "no parameter 'epoch'"):
            copy.set_params(epoch=3)

    def test_refused(self):
        nan = self.x.copy()
        nan[3, 1] = numpy.nan
        for text, params, x, y in (("hidden is empty", {"hidden": ()}, self.x, self.y),
                                   ("epochs is 0", {"epochs": 0}, self.x, self.y),
                                   ("batch_size is 1.5", {"batch_size": 1.5}, self.x, self.y),
                                   ("mode is 'best'", {"mode": "best"}, self.x, self.y),
                                   ("'swish' is none of", {"activation": "swish"}, self.x, self.y),
                                   ("'fp16' is none of", {"precision": "fp16"}, self.x, self.y),
                                   ("600 rows and 599 labels", {}, self.x, self.y[1:]),
                                   ("one label for each row", {}, self.x, self.x),
                                   ("rows of features", {}, self.x[0], self.y),
                                   ("NaN", {}, nan, self.y),
                                   ("takes two", {}, self.x, self.y * 0)):
            with self.assertRaisesRegex(ValueError, text):
                mf.MonoforwardClassifier().set_params(**params).fit(x, y)
        with self.assertRaisesRegex(ValueError, "call fit first"):
            make().predict(self.x)
        with self.assertRaisesRegex(ValueError, "3 features"):
            self.fitted.predict(numpy.zeros((1, 3)))


if __name__ == "__main__":
    unittest.main()
