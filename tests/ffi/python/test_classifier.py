"""The classifier. SPDX-License-Identifier: MIT"""
import contextlib
import copy
import io
import json
import os
import pickle
import tempfile
import threading
import unittest
import unittest.mock
import zipfile

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
        for labels in (self.y, self.y * 10 - 7, self.y > 0, self.y * 2.0, NAMES[self.y].astype("S"),
                       NAMES[self.y].astype(object), NAMES[self.y].tolist(), self.y.astype(object)):
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
        for labels in (NAMES[self.y], NAMES[self.y].astype("S"), self.y, self.y > 0, self.y * 2.0,
                       NAMES[self.y].astype(object), (self.y + 5).astype(object)):
            classifier = make(epochs=3, mode="last").fit(self.x, labels)
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "a model")
                classifier.save(path)
                self.assertEqual(os.listdir(folder), ["a model"])
                loaded = mf.MonoforwardClassifier.load(path)
            for each in (loaded, copy.copy(classifier), copy.deepcopy(classifier), pickle.loads(pickle.dumps(classifier))):
                self.assertEqual(each.mode, "last")
                self.assertEqual(each.classes_.dtype, classifier.classes_.dtype)
                self.assertEqual(each.classes_.tolist(), classifier.classes_.tolist())
                self.assertEqual(each.loss_curve_, classifier.loss_curve_)
                numpy.testing.assert_array_equal(each.predict(self.x), classifier.predict(self.x))
                each.partial_fit(self.x, labels)
                numpy.testing.assert_array_equal(each.predict_proba(self.x), loaded.predict_proba(self.x))
            resumed = loaded.predict_proba(self.x)
            numpy.testing.assert_array_equal(classifier.partial_fit(self.x, labels).predict_proba(self.x), resumed)

    def saved(self, labels):
        """The network of a classifier's file as other programs see it, and the file's members."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a model")
            make(epochs=1).fit(self.x, labels).save(path)
            with zipfile.ZipFile(path) as archive:
                self.assertEqual({one.compress_type for one in archive.infolist()}, {zipfile.ZIP_STORED})
                members = {name: archive.read(name) for name in archive.namelist()}
        return mf.Network.from_bytes(members["model.safetensors"]), members

    def test_other_programs_learn_the_names_of_classes(self):
        """One a line, as docs/files.md has it, whatever the labels are."""
        odd = numpy.array(["two\nlines", "größe \0 in it", "\ud800"], object)
        for labels, names in ((NAMES[self.y], ["left", "middle", "right"]), (self.y * 10 - 7, ["-7", "3", "13"]),
                              (NAMES[self.y].astype("S"), ["left", "middle", "right"]), (self.y > 0, ["False", "True"]),
                              (self.y * 2.0, ["0.0", "2.0", "4.0"])):
            network, _ = self.saved(labels)
            self.assertEqual(network.metadata["class_names"].split("\n"), names)
            self.assertEqual(network.classes, len(names))
            answers = network.predict(mf.Workspace(network, 600, purpose="inference"), self.x, "sum")
            expected = make(epochs=1).fit(self.x, labels).predict(self.x).astype("U").tolist()
            self.assertEqual([names[each] for each in answers], expected)
        copied = pickle.loads(pickle.dumps(make(epochs=1).fit(self.x, odd[self.y])))
        self.assertEqual(copied._model.network.metadata["class_names"], "größe   in it\ntwo lines\n?")
        large = numpy.array(["a" * 400000, "b" * 400000, "c" * 400000])  # more than metadata hold
        network, members = self.saved(large[self.y])
        self.assertNotIn("class_names", network.metadata)
        self.assertIn("c" * 400000, json.loads(members["classifier.json"])["classes"])

    def test_old_files_load(self):
        """Those whose networks have no names of classes; saved again, they have."""
        _, members = self.saved(NAMES[self.y])
        network = mf.Network.from_bytes(members["model.safetensors"], training=True)
        del network.metadata["class_names"]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a model")
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("classifier.json", members["classifier.json"])
                archive.writestr("model.safetensors", network.to_bytes(training=True))
            loaded = mf.MonoforwardClassifier.load(path)
            loaded.save(path)
            with zipfile.ZipFile(path) as archive:
                self.assertEqual(archive.read("model.safetensors"), members["model.safetensors"])
        numpy.testing.assert_array_equal(loaded.predict_proba(self.x),
                                         make(epochs=1).fit(self.x, NAMES[self.y]).predict_proba(self.x))

    def test_files_of_other_kinds(self):
        """Are refused by name, with a word on what would read them; so is a damaged one."""
        _, members = self.saved(self.y)
        with tempfile.TemporaryDirectory() as folder:
            def archive(packed=zipfile.ZIP_STORED, **contents):
                path = os.path.join(folder, "other.zip")
                with zipfile.ZipFile(path, "w", packed) as file:
                    for name, content in contents.items():
                        file.writestr(name.replace("_", "."), content)
                with open(path, "rb") as file:
                    return file.read()

            rest = json.loads(members["classifier.json"])
            minus = {**numpy.random.PCG64(1).state, "uinteger": -1}

            def changed(**fields):
                return archive(classifier_json=json.dumps({**rest, **fields}),
                               model_safetensors=members["model.safetensors"])

            whole = archive(classifier_json=members["classifier.json"], model_safetensors=members["model.safetensors"])
            middle = whole.index(members["model.safetensors"]) + 100
            damaged = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1:]
            for content in (members["model.safetensors"], b"1,2,3\n", b"", whole[:-30], damaged, archive(a_npy=b"numpy's"),
                            archive(classifier_json="{", model_safetensors=b""),
                            archive(classifier_json="[]", model_safetensors=b""),
                            archive(classifier_json="{}", model_safetensors=b""),
                            archive(zipfile.ZIP_DEFLATED, classifier_json=members["classifier.json"],
                                    model_safetensors=members["model.safetensors"]),
                            changed(dtype="<U500000000"), changed(dtype=3), changed(params=[]),
                            changed(params={**rest["params"], "no_such": 1}), changed(classes=None), changed(classes=[1]),
                            changed(classes=[[1], [2], [3]]), changed(dtype="<U"), changed(dtype="(0 0i4"),
                            changed(dtype="<U100000", classes=["a" * 100000, "b", *map(str, range(200))]),
                            changed(dtype="<i8", classes=[1, 2, 10 ** 30]), changed(dtype="<f8", classes=[1, 2, 10 ** 400]),
                            changed(random=7), changed(random=minus), changed(random={"bit_generator": "PCG64"})):
                path = os.path.join(folder, "a file é")
                with open(path, "wb") as file:
                    file.write(content)
                with self.assertRaises(mf.MonoforwardError) as caught:
                    mf.MonoforwardClassifier.load(path)
                self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_FORMAT)
                self.assertIn(f"'{path}' is no file of MonoforwardClassifier.save()", caught.exception.message)
                self.assertIn("Network.load()", caught.exception.message)
            with self.assertRaises(FileNotFoundError):
                mf.MonoforwardClassifier.load(os.path.join(folder, "nothing"))

    def test_saving_where_nothing_can_be(self):
        """Names the path that was given, and leaves nothing behind."""
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "a folder"))
            for name, error in (("missing/a model.zip", FileNotFoundError), ("a folder", IsADirectoryError)):
                path = os.path.join(folder, name)
                with self.assertRaises(error) as caught:
                    self.fitted.save(path)
                self.assertEqual((caught.exception.filename, caught.exception.filename2), (path, None))
                self.assertTrue(str(caught.exception).endswith(f": {path!r}"))
                self.assertEqual(os.listdir(folder), ["a folder"])
            path = os.path.join(folder, "bytes")
            self.fitted.save(os.fsencode(path))
            os.chmod(path, 0o600)  # which stays, whatever a new file gets
            self.fitted.save(path)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            self.assertEqual(sorted(os.listdir(folder)), ["a folder", "bytes"])
            link, pipe = os.path.join(folder, "link"), os.path.join(folder, "pipe")
            os.symlink("bytes", link)
            self.fitted.save(link)
            self.assertEqual(os.readlink(link), "bytes")
            os.mkfifo(pipe)
            with self.assertRaises(OSError) as caught:
                self.fitted.save(pipe)
            self.assertEqual(caught.exception.filename, pipe)
            os.unlink(link)
            os.unlink(pipe)
            with unittest.mock.patch("os.fsync", side_effect=KeyboardInterrupt), self.assertRaises(KeyboardInterrupt):
                self.fitted.save(path)
            self.assertEqual(sorted(os.listdir(folder)), ["a folder", "bytes"])

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

    def test_threads_predict(self):
        """8 threads ask 1,000 times each, and every answer is that of a thread alone."""
        x = spirals.make(seed=2)[0]
        parts = [x[first:first + 7] for first in range(0, 70, 7)]
        expected = [(self.fitted.predict(part), self.fitted.predict_proba(part)) for part in parts]
        wrong, start = [], threading.Barrier(8)

        def ask(number):
            start.wait()
            for question in range(500):
                which = (question + number) % len(parts)
                if ((self.fitted.predict(parts[which]) != expected[which][0]).any()
                        or (self.fitted.predict_proba(parts[which]) != expected[which][1]).any()):
                    wrong.append((number, question))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_threads_predict_while_one_fits(self):
        classifier = make(epochs=1).fit(self.x, self.y)
        answers = {}
        for seed in (0, 1):
            answers[make(epochs=1, random_state=seed).fit(self.x, self.y).predict_proba(self.x).tobytes()] = 0
        done = threading.Event()

        def refit():
            for turn in range(20):
                classifier.set_params(random_state=turn % 2).fit(self.x, self.y)
            done.set()

        thread = threading.Thread(target=refit)
        thread.start()
        while not done.is_set():
            answers[classifier.predict_proba(self.x).tobytes()] += 1  # KeyError: of neither network
        thread.join()

    def test_small_sets_get_enough_steps(self):
        """Without epochs: 60 rows learn in 2,000 steps what 20 passes over them would not."""
        x, y = spirals.make(60)
        classifier = mf.MonoforwardClassifier().fit(x, y)
        self.assertEqual(classifier.n_iter_, 2000)
        self.assertGreaterEqual(classifier.score(x, y), 0.95)
        self.assertLess(mf.MonoforwardClassifier(epochs=20).fit(x, y).score(x, y), 0.9)
        self.assertEqual(mf.MonoforwardClassifier(batch_size=2).fit(self.x, self.y).n_iter_, 20)

    def test_loss_curve(self):
        for workers in (0, 2):
            classifier = make(workers=workers).fit(self.x, NAMES[self.y])
            self.assertEqual(classifier.n_iter_, 40)
            self.assertEqual(classifier.loss_curve_, self.fitted.loss_curve_)
            self.assertLess(classifier.loss_curve_[-1], classifier.loss_curve_[0] / 2)
        one = make(learning_rate=1e-30, batch_size=600, epochs=1).fit(self.x, self.y)  # what it had learned, it forgot
        one.set_params(mode="last")
        loss = -numpy.log(one.predict_proba(self.x)[numpy.arange(600), self.y].astype(float)).mean()
        self.assertAlmostEqual(one.loss_curve_[0], loss, places=5)
        self.assertEqual(len(one.partial_fit(self.x, self.y).loss_curve_), 2)

    def test_verbose(self):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            make(epochs=3, verbose=True, early_stopping=True).fit(self.x, self.y)
        lines = output.getvalue().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertRegex(lines[2], r"^epoch 3 of 3: loss \d\.\d{4}, validation \d\.\d{4}$")

    def test_early_stopping(self):
        classifier = make(early_stopping=True, epochs=1000, n_iter_no_change=7, validation_fraction=0.2)
        classifier.fit(self.x, NAMES[self.y])
        scores = classifier.validation_scores_
        self.assertLess(classifier.n_iter_, 1000)
        self.assertEqual(len(scores), classifier.n_iter_)
        self.assertEqual(classifier.best_validation_score_, max(scores))
        self.assertGreaterEqual(classifier.n_iter_ - 1 - int(numpy.argmax(scores)), 7)
        # The parameters are those of the best pass: a fit of just as many passes ends there.
        best = int(numpy.argmax(scores)) + 1
        shorter = make(early_stopping=True, epochs=best, n_iter_no_change=7, validation_fraction=0.2)
        shorter.fit(self.x, NAMES[self.y])
        numpy.testing.assert_array_equal(shorter.predict_proba(self.x), classifier.predict_proba(self.x))
        again = make(epochs=1).fit(self.x, self.y)
        self.assertFalse(hasattr(again, "validation_scores_"))

    def test_sample_weight(self):
        """Rows of weight 0 do not count, wherever they lie; weights of 1 change nothing; heavy rows win."""
        rows, wrong = self.y < 2, numpy.where(self.y < 2, self.y, 0)
        light = make(epochs=5).fit(self.x, wrong, sample_weight=rows)
        alone = make(epochs=5).fit(self.x[rows], self.y[rows])
        numpy.testing.assert_array_equal(light.predict_proba(self.x), alone.predict_proba(self.x))
        ones = make().fit(self.x, NAMES[self.y], sample_weight=numpy.ones(600))
        numpy.testing.assert_array_equal(ones.predict_proba(self.x), self.fitted.predict_proba(self.x))
        x = numpy.repeat(self.x[:1], 40, axis=0)
        y = numpy.arange(40) % 2
        for workers in (0, 2):
            heavy = make(workers=workers).fit(x, y, sample_weight=numpy.where(y, 3.0, 1.0))
            self.assertAlmostEqual(float(heavy.set_params(mode="last").predict_proba(x)[0, 1]), 0.75, delta=0.02)
        self.assertAlmostEqual(heavy.score(x, y, sample_weight=numpy.where(y, 3.0, 1.0)), 0.75)
        heavy.partial_fit(x, y, sample_weight=1 - y)

    def test_class_weight(self):
        x = numpy.repeat(self.x[:1], 40, axis=0)
        y = numpy.where(numpy.arange(40) < 30, "often", "rarely")
        for weight, share in ((None, 0.25), ("balanced", 0.5), ({"rarely": 9}, 0.75)):
            classifier = make(class_weight=weight, mode="last").fit(x, y)
            self.assertAlmostEqual(float(classifier.predict_proba(x)[0, 1]), share, delta=0.02)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a model")
            make(class_weight={1: 2.0}, epochs=1).fit(self.x, self.y).save(path)
            self.assertEqual(mf.MonoforwardClassifier.load(path).class_weight, {1: 2.0})

    def test_random_state(self):
        one, other = (make(random_state=None, epochs=1).fit(self.x, self.y) for _ in range(2))
        self.assertTrue((one.predict_proba(self.x) != other.predict_proba(self.x)).any())
        for kind in (numpy.random.default_rng, numpy.random.RandomState):
            one, other = (make(random_state=kind(3), epochs=1).fit(self.x, self.y) for _ in range(2))
            numpy.testing.assert_array_equal(one.predict_proba(self.x), other.predict_proba(self.x))

    def test_one_layer_and_a_column_of_labels(self):
        one, same = mf.MonoforwardClassifier(hidden=32, epochs=2), mf.MonoforwardClassifier(hidden=(32,), epochs=2)
        same.fit(self.x, self.y)
        with self.assertWarnsRegex(mf.DataConversionWarning, "column-vector"):
            one.fit(self.x, self.y[:, None])
        self.assertEqual(one.hidden, 32)
        numpy.testing.assert_array_equal(one.predict_proba(self.x), same.predict_proba(self.x))

    def test_params(self):
        classifier = make(dropout=0.25)
        same = mf.MonoforwardClassifier(**classifier.get_params())
        self.assertEqual(repr(same), repr(classifier))
        self.assertIs(same.set_params(epochs=3), same)
        self.assertEqual(same.epochs, 3)
        with self.assertRaisesRegex(ValueError, "no parameter 'epoch'"):
            same.set_params(epoch=3)

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
                                   ("takes two", {}, self.x, self.y * 0),
                                   ("continuous: y holds 0.25", {}, self.x, self.y / 4),
                                   ("continuous: y holds 0.25", {}, self.x, (self.y / 4).astype(object)),
                                   ("contains NaN", {}, self.x, [numpy.nan, *self.y[1:]]),
                                   ("nan is no label", {}, self.x, numpy.array([numpy.nan, *NAMES[self.y[1:]]], object)),
                                   ("None is no label", {}, self.x, [None, *self.y[1:]]),
                                   ("cannot be sorted", {}, self.x, numpy.array(["one", *self.y[1:]], object)),
                                   ("target y is None", {}, self.x, None),
                                   ("class_weight has the label 7", {"class_weight": {7: 1}}, self.x, self.y),
                                   ("class_weight is 'equal'", {"class_weight": "equal"}, self.x, self.y),
                                   ("random_state is -1", {"random_state": -1}, self.x, self.y),
                                   ("validation_fraction is 1", {"validation_fraction": 1}, self.x, self.y),
                                   ("0.001 of 600 rows", {"early_stopping": True, "validation_fraction": 0.001},
                                    self.x, self.y)):
            with self.assertRaisesRegex(ValueError, text):
                mf.MonoforwardClassifier().set_params(**params).fit(x, y)
        for kind in (mf.NotFittedError, ValueError, AttributeError):
            with self.assertRaisesRegex(kind, "call fit first"):
                make().predict(self.x)
        with self.assertRaises(mf.NotFittedError):
            make().save("nothing")
        for weights, text in ((self.y[1:], "shape"), (-1.0 - self.y, "negative"), (self.y * 0, "0 for all rows")):
            with self.assertRaisesRegex(ValueError, text):
                make().fit(self.x, self.y, sample_weight=weights)
        with self.assertRaisesRegex(ValueError, "takes a dict"):
            make(class_weight="balanced").partial_fit(self.x, self.y, classes=[0, 1, 2])
        with self.assertRaisesRegex(ValueError, "3 features"):
            self.fitted.predict(numpy.zeros((1, 3)))


if __name__ == "__main__":
    unittest.main()
