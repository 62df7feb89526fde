"""Tests of examples/ffi/python: python_test.py FOLDER_TO_WRITE_IN. SPDX-License-Identifier: MIT"""
import ctypes
import gc
import os
import pickle
import sys
import unittest

import numpy as np

import monoforward as mf
from monoforward import _abi, arrays

FOLDER = sys.argv.pop()


def circle(rows, seed=1):
    """Points, and whether they are in a circle that holds half of them."""
    x = np.random.default_rng(seed).uniform(-1, 1, (rows, 2)).astype(np.float32)
    return x, (np.hypot(x[:, 0], x[:, 1]) < 0.8).astype(np.int32)


def small_network(seed=1, outputs=16):
    layers = [mf.Layer(inputs=2, outputs=outputs, classes=2, seed=seed),
              mf.Layer(inputs=outputs, outputs=outputs, classes=2, seed=seed + 1)]
    return mf.Network(layers, mf.Optimizer(learning_rate=0.01))


class Training(unittest.TestCase):
    def test_network_learns(self):
        x, y = circle(512)
        network = small_network()
        workspace = mf.Workspace(network, 512)
        for _ in range(300):
            network.step(workspace, x, y)
        test_x, test_y = circle(512, seed=2)
        right = np.mean(network.predict(workspace, test_x) == test_y)
        self.assertGreater(right, 0.95)
        layers, together = network.evaluate(workspace, test_x, test_y)
        self.assertEqual(layers[-1].correct, round(right * 512))
        self.assertEqual(together.rows, 512)

    def test_layer_learns_and_agrees_with_numpy(self):
        x, y = circle(64)
        layer = mf.Layer(inputs=2, outputs=8, classes=2, seed=5, activation=mf.MF_ACTIVATION_TANH)
        layer.set_optimizer(mf.Optimizer(kind=mf.MF_OPTIMIZER_SGD, learning_rate=0.5))
        workspace = mf.Workspace(layer, 64)
        w, b, m = (layer.get_parameter(name).astype(np.float64) for name in ("weight", "bias", "projection"))
        a = np.tanh(x @ w.T + b)
        scores = a @ m.T
        p = np.exp(scores - scores.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        dg = (p - np.eye(2)[y]) / 64
        dz = (dg @ m) * (1 - a * a)
        layer.step(workspace, x, y)
        np.testing.assert_allclose(layer.get_parameter("projection"), m - 0.5 * dg.T @ a, atol=1e-6)
        np.testing.assert_allclose(layer.get_parameter("weight"), w - 0.5 * dz.T @ x, atol=1e-6)
        self.assertAlmostEqual(workspace.report().loss, -np.log(p[np.arange(64), y]).mean(), places=5)
        np.testing.assert_allclose(layer.goodness(workspace, layer.forward(workspace, x)),
                                   np.tanh(x @ layer.get_parameter("weight").T + layer.get_parameter("bias"))
                                   @ layer.get_parameter("projection").T, atol=1e-5)

    def test_equal_seeds_give_equal_networks(self):
        one, other = (small_network(seed=7)[1].get_parameter("weight") for _ in range(2))
        np.testing.assert_array_equal(one, other)
        self.assertFalse(np.array_equal(one, small_network(seed=8)[1].get_parameter("weight")))

    def test_convolution_takes_pairs_or_numbers(self):
        spec = mf.Layer(kind=mf.MF_LAYER_CONV2D, channels=1, height=6, width=6, filters=4, classes=2, kernel=3,
                        padding=(1, 0)).spec
        self.assertEqual((tuple(spec.kernel), tuple(spec.padding), spec.outputs), ((3, 3), (1, 0), 4 * 6 * 4))


class Arrays(unittest.TestCase):
    def test_the_library_gets_the_array_itself(self):
        x, y = circle(4)
        rows, x_at, y_at = arrays.batch(x, y, 2)
        self.assertEqual((rows, x_at, y_at), (4, x.ctypes.data, y.ctypes.data))
        network = small_network()
        out = np.full(4, -1, np.int32)
        self.assertIs(network.predict(mf.Workspace(network, 4), x, out=out), out)
        self.assertTrue((out >= 0).all())

    def test_what_does_not_fit_is_refused(self):
        network = small_network()
        workspace = mf.Workspace(network, 8)
        x, y = circle(8)
        frozen = np.empty(8, np.int32)
        frozen.flags.writeable = False
        for kind, words, call in [
                (TypeError, "x is of float64", lambda: network.step(workspace, x.astype(float), y)),
                (TypeError, "y is of int64", lambda: network.step(workspace, x, y.astype(np.int64))),
                (TypeError, "ascontiguousarray", lambda: network.step(workspace, np.asfortranarray(x), y)),
                (TypeError, "ascontiguousarray", lambda: network.step(workspace, x, np.repeat(y, 2)[::2])),
                (TypeError, "no numpy array", lambda: network.step(workspace, x.tolist(), y)),
                (ValueError, "y is 7, expected 8", lambda: network.step(workspace, x, y[:7])),
                (ValueError, "rows of 1 values, expected 2", lambda: network.step(workspace, x[:, :1].copy(), y)),
                (TypeError, "cannot be written", lambda: network.predict(workspace, x, out=frozen)),
                (ValueError, "out is 4, expected 8", lambda: network.predict(workspace, x, out=np.empty(4, np.int32)))]:
            with self.subTest(words), self.assertRaisesRegex(kind, words):
                call()


class Errors(unittest.TestCase):
    def test_status_and_message(self):
        network = small_network()
        x, y = circle(4)
        y[2] = 9
        with self.assertRaises(mf.MonoForwardError) as caught:
            network.step(mf.Workspace(network, 4), x, y)
        self.assertEqual(caught.exception.status, mf.MF_STATUS_LABEL)
        self.assertEqual(caught.exception.name, "MF_STATUS_LABEL")
        self.assertIn("9", str(caught.exception))
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((again.status, str(again)), (caught.exception.status, str(caught.exception)))

    def test_unknown_options_and_closed_handles(self):
        with self.assertRaisesRegex(TypeError, "no option 'neurons'"):
            mf.Layer(neurons=3)
        with mf.Optimizer() as optimizer:
            pass
        with self.assertRaises(mf.MonoForwardError) as caught:
            optimizer.get(mf.MF_OPTIMIZER_LEARNING_RATE)
        self.assertEqual(caught.exception.name, "MF_STATUS_HANDLE")
        with self.assertRaises(IndexError):
            small_network()[2]


class Handles(unittest.TestCase):
    def test_any_order_of_collection(self):
        x, y = circle(4)
        live = []

        @_abi.mf_allocator_alloc
        def alloc(_user, size, _alignment):
            block = ctypes.create_string_buffer(size + 64)
            address = -(-ctypes.addressof(block) // 64) * 64
            live.append((address, block))
            return address

        @_abi.mf_allocator_free
        def free(_user, pointer, _size):
            live.remove(next(entry for entry in live if entry[0] == pointer))

        allocator = ctypes.pointer(_abi.mf_allocator(alloc, free, None))
        for order in ((0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2)):
            layer = mf.Layer(inputs=2, outputs=3, classes=2, allocator=allocator)
            optimizer = mf.Optimizer(allocator=allocator)
            network = mf.Network([layer], optimizer)
            workspace = mf.Workspace(network, 4)
            network.step(workspace, x, y)
            self.assertTrue(live)
            objects = [workspace, layer, optimizer, network]
            del workspace, layer, optimizer, network
            for index in order:
                objects[index] = None
                gc.collect()
            self.assertEqual(live, [])

    def test_a_layer_of_a_network_keeps_it(self):
        layer = small_network()[0]
        gc.collect()
        self.assertEqual(layer.spec.inputs, 2)


class Pipelines(unittest.TestCase):
    def test_callback_and_equal_results(self):
        x, y = circle(96)
        one, other = small_network(), small_network()
        seen = []
        with mf.Pipeline(one, 32, workers=2, on_report=seen.append) as pipeline:
            for first in range(0, 96, 32):
                pipeline.submit(x[first:first + 32], y[first:first + 32])
            pipeline.flush()
        self.assertEqual([(report.batch, report.position) for report in seen], [(b, p) for b in range(3) for p in range(2)])
        workspace = mf.Workspace(other, 32)
        for first in range(0, 96, 32):
            other.step(workspace, x[first:first + 32], y[first:first + 32])
        np.testing.assert_array_equal(one[1].get_parameter("weight"), other[1].get_parameter("weight"))
        self.assertEqual(seen[-1].loss, workspace.report(1).loss)

    def test_what_a_callback_raises_comes_out(self):
        x, y = circle(8)

        def refuse(report):
            raise KeyError(report.position)

        pipeline = mf.Pipeline(small_network(), 8, workers=1, on_report=refuse)
        with self.assertRaises(KeyError):
            pipeline.submit(x, y)
            pipeline.flush()


class Files(unittest.TestCase):
    def test_round_trip(self):
        x, y = circle(32)
        network = small_network()
        workspace = mf.Workspace(network, 32)
        network.step(workspace, x, y)
        path = os.path.join(FOLDER, "network ä.safetensors")
        network.save(path, mf.MF_CONTENTS_TRAINING)
        with open(path, "rb") as file:
            data = file.read()
        for again in mf.Network.load(path, mf.MF_CONTENTS_TRAINING), mf.Network.from_bytes(data):
            room = mf.Workspace(again, 32)
            np.testing.assert_array_equal(network.probabilities(workspace, x), again.probabilities(room, x))
        with self.assertRaises(mf.MonoForwardError) as caught:
            mf.Network.from_bytes(network.to_bytes()[:-1])
        self.assertEqual(caught.exception.name, "MF_STATUS_FORMAT")


class Classifier(unittest.TestCase):
    def setUp(self):
        self.x, y = circle(600)
        self.y = np.where(y == 1, "in", "out")
        self.model = mf.MonoForwardClassifier(hidden=(24, 24), epochs=30, batch=32, learning_rate=0.01, seed=3)

    def test_fit_and_predict(self):
        test_x, test_y = circle(400, seed=4)
        test_y = np.where(test_y == 1, "in", "out")
        self.assertIs(self.model.fit(self.x, self.y), self.model)
        self.assertGreater(self.model.score(test_x, test_y), 0.95)
        self.assertEqual(list(self.model.classes_), ["in", "out"])
        shares = self.model.predict_proba(test_x)
        np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
        np.testing.assert_array_equal(self.model.classes_[shares.argmax(1)], self.model.predict(test_x))
        self.assertLess(self.model.loss_curve_[-1], 0.5 * self.model.loss_curve_[0])

    def test_seeds_and_workers(self):
        first = self.model.set_params(epochs=2).fit(self.x, self.y).predict_proba(self.x)
        np.testing.assert_array_equal(first, self.model.fit(self.x, self.y).predict_proba(self.x))
        np.testing.assert_array_equal(first, self.model.set_params(workers=2).fit(self.x, self.y).predict_proba(self.x))
        self.assertFalse(np.array_equal(first, self.model.set_params(seed=4).fit(self.x, self.y).predict_proba(self.x)))

    def test_partial_fit_and_files(self):
        with self.assertRaisesRegex(ValueError, "needs all classes"):
            self.model.partial_fit(self.x, self.y)
        for _ in range(30):
            self.model.partial_fit(self.x, self.y, classes=["out", "in"])
        self.assertGreater(self.model.score(self.x, self.y), 0.9)
        path = os.path.join(FOLDER, "classifier.npz")
        self.model.save(path)
        again = mf.MonoForwardClassifier.load(path)
        self.assertEqual(again.get_params(), self.model.get_params())
        for model in self.model, again:
            model.partial_fit(self.x, self.y)
        np.testing.assert_array_equal(again.predict_proba(self.x), self.model.predict_proba(self.x))

    def test_early_words(self):
        fitted = mf.MonoForwardClassifier(hidden=(4,), epochs=1).fit(self.x, self.y)
        for kind, words, call in [
                (ValueError, "nothing has been learned", lambda: self.model.predict(self.x)),
                (ValueError, "600 rows and 599 labels", lambda: self.model.fit(self.x, self.y[:-1])),
                (ValueError, "1 class", lambda: self.model.fit(self.x, np.zeros(600))),
                (ValueError, "expected rows x values", lambda: self.model.fit(self.x[0], self.y)),
                (ValueError, "choose one of", lambda: self.model.set_params(activation="sine").fit(self.x, self.y)),
                (ValueError, "no parameter 'layers'", lambda: self.model.set_params(layers=3)),
                (ValueError, "rows of 1 values, expected 2", lambda: fitted.predict(self.x[:, :1])),
                (ValueError, "none of the classes", lambda: fitted.partial_fit(self.x[:1], ["beside"])),
                (mf.MonoForwardError, "NaN|nan|finite", lambda: fitted.predict([[np.nan, 0]]))]:
            with self.subTest(words), self.assertRaisesRegex(kind, words):
                call()

    def test_batch_normalisation_with_a_lone_row(self):
        model = mf.MonoForwardClassifier(hidden=(8,), epochs=2, batch=33, normalization="batch", seed=1)
        self.assertGreater(model.fit(self.x[:100], self.y[:100]).score(self.x, self.y), 0.4)


unittest.main(verbosity=1)
