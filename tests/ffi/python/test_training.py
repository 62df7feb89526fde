"""A small network learns, keeps what it has learned, and says what is wrong. SPDX-License-Identifier: MIT"""
import ctypes
import io
import os
import pickle
import tempfile
import unittest

import numpy

import monoforward as mf
import spirals


def trained(**options):
    network = spirals.network(**options)
    workspace = mf.Workspace(network, 600)
    spirals.train(network, lambda x, y: network.step(workspace, x, y))
    return network, workspace


class Training(unittest.TestCase):
    def test_learns(self):
        network, workspace = trained()
        x, y = spirals.make(seed=1)
        for mode in ("last", "sum"):
            accuracy = numpy.mean(network.predict(workspace, x, mode) == y)
            self.assertGreaterEqual(accuracy, 0.97, mode)
        network.evaluate(workspace, x, y)
        self.assertEqual(workspace.report(1).correct, (network.predict(workspace, x) == y).sum())
        self.assertEqual(workspace.report_sum().rows, len(x))
        print("accuracy", accuracy)

    def test_one_layer(self):
        layer = mf.Layer(inputs=2, outputs=32, classes=3, seed=5)
        layer.set_optimizer(mf.Optimizer("rmsprop", learning_rate=0.005))
        workspace, (x, y) = mf.Workspace(layer, 600), spirals.make()
        a, losses = numpy.empty((600, 32), numpy.float32), []
        for _ in range(100):
            layer.step(workspace, x, y, a)
            losses.append(workspace.report().loss)
        self.assertLess(losses[-1], 0.8 * losses[0])
        self.assertTrue((a >= 0).all() and a.any())

    def test_convolution(self):
        layer = mf.Layer(kind="conv2d", channels=1, height=6, width=6, filters=4, classes=2, kernel=3, padding=(1, 1),
                         pool="max", seed=1)
        spec = layer.describe()
        self.assertEqual((spec.inputs, spec.outputs), (36, 4 * 3 * 3))
        self.assertEqual(layer.parameters()["weight"].shape, (4, 1, 3, 3))

    def test_precision(self):
        layer = mf.Layer(inputs=2, outputs=3, classes=2, precision="bf16")
        self.assertEqual(layer.describe().precision, mf.abi.MF_PRECISION_BF16)

    def test_parameters(self):
        layer = mf.Layer(inputs=2, outputs=3, classes=2, bias=0)
        weight = numpy.arange(6, dtype=numpy.float32).reshape(3, 2)
        layer.set_parameter("weight", weight)
        self.assertEqual(set(layer.parameters()), {"weight", "projection"})
        numpy.testing.assert_array_equal(layer.parameters()["weight"], weight)

    def test_hyper_parameters(self):
        optimizer = mf.Optimizer("sgd", learning_rate=0.5)
        optimizer.set("learning_rate", 0.25)
        self.assertEqual(optimizer.get("learning_rate"), 0.25)


class Copies(unittest.TestCase):
    def test_clone_copy_and_average(self):
        network, workspace = trained()
        serving, going = network.clone(), network.clone(training=True)
        before = spirals.parameters(network)
        own = mf.Workspace(going, 600)
        spirals.train(network, lambda x, y: network.step(workspace, x, y), epochs=2)
        spirals.train(going, lambda x, y: going.step(own, x, y), epochs=2)
        self.assertEqual(spirals.parameters(serving), before)
        self.assertEqual(spirals.parameters(going), spirals.parameters(network))
        self.assertIsNone(serving.layer(0).optimizer())
        weight = serving.layer(0).parameters()["weight"], network.layer(0).parameters()["weight"]
        serving.blend_parameters(network, 0.5)
        numpy.testing.assert_allclose(serving.layer(0).parameters()["weight"], sum(weight) / 2, rtol=1e-6, atol=1e-7)
        serving.copy_parameters(network)
        self.assertEqual(spirals.parameters(serving), spirals.parameters(network))
        x, _ = spirals.make(seed=1)
        numpy.testing.assert_array_equal(serving.predict(mf.Workspace(serving, 600), x), network.predict(workspace, x))
        for share, error in ((1.5, "MF_STATUS_ARGUMENT"), (float("nan"), "MF_STATUS_ARGUMENT")):
            with self.assertRaises(mf.MonoforwardError) as caught:
                serving.blend_parameters(network, share)
            self.assertEqual(caught.exception.status_name, error)


class Files(unittest.TestCase):
    def test_round_trip(self):
        network, workspace = trained()
        x, _ = spirals.make(seed=1)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a model é.safetensors")
            network.save(path)
            loaded = mf.Network.load(path)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), network.to_bytes())
            network.export_onnx(os.path.join(folder, "model.onnx"))
            self.assertGreater(os.path.getsize(os.path.join(folder, "model.onnx")), 1000)
        self.assertEqual(spirals.parameters(loaded), spirals.parameters(network))
        numpy.testing.assert_array_equal(loaded.goodness(mf.Workspace(loaded, 600), x), network.goodness(workspace, x))

    def test_goes_on(self):
        network, workspace = trained()
        loaded = mf.Network.from_bytes(network.to_bytes(training=True), training=True)
        its_own = mf.Workspace(loaded, 600)
        spirals.train(network, lambda x, y: network.step(workspace, x, y), epochs=2)
        spirals.train(loaded, lambda x, y: loaded.step(its_own, x, y), epochs=2)
        self.assertEqual(spirals.parameters(loaded), spirals.parameters(network))

    def test_onnx_import(self):
        """Features of a model, its cuts and its heads, from a file and from memory."""
        network, workspace = trained()
        x, _ = spirals.make(seed=1)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "a model é.onnx")
            network.export_onnx(path)
            with open(path, "rb") as file:
                model = file.read()
            imported = mf.Network.import_onnx(path)
            self.assertEqual(mf.onnx_plan(path), mf.onnx_plan(model))
        self.assertEqual(len(imported), len(network))
        numpy.testing.assert_allclose(imported.goodness(mf.Workspace(imported, 600), x), network.goodness(workspace, x),
                                      rtol=1e-5, atol=1e-5)
        other = mf.Network.import_onnx(model, classes=7, frozen=1, seed=3)
        self.assertEqual([other.layer(i).goodness_shape() for i in range(len(other))], [(7,)] * len(network))
        self.assertIn("layer 0, frozen\n", mf.onnx_plan(model, classes=7, frozen=1))
        for options, error in (({"cuts": ["no such node"]}, mf.MonoforwardError), ({"cuts": "a name"}, TypeError),
                               ({"layers": 1}, TypeError), ({"last": "no such node"}, mf.MonoforwardError)):
            with self.assertRaises(error):
                mf.Network.import_onnx(model, **options)
            with self.assertRaises(error):
                mf.onnx_plan(model, **options)

    def test_outputs(self):
        network = spirals.network()
        for training in (False, True):
            file = io.BytesIO()
            network.save_to(file, training)
            self.assertEqual(file.getvalue(), network.to_bytes(training))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            network.export_onnx(path)
            with open(path, "rb") as exported:
                expected = exported.read()
        file = io.BytesIO()
        network.export_onnx_to(file)
        self.assertEqual(file.getvalue(), expected)
        written = []

        class Slow:  # takes some bytes at a time, as a raw file may
            def write(self, data):
                written.append(bytes(data[:100]))
                return len(written[-1])

        network.save_to(Slow())
        self.assertEqual(b"".join(written), network.to_bytes())

        class Full:
            def write(self, data):
                raise OSError("full")

        with self.assertRaisesRegex(OSError, "full"):
            network.save_to(Full())

    def test_outputs_that_take_nothing(self):
        """Are errors: what has arrived is no model."""
        network = mf.Network([mf.Layer(inputs=100, outputs=400, classes=10, seed=1)])  # more than a pipe holds
        for save in (network.save_to, network.export_onnx_to):
            reader, writer = os.pipe()
            os.set_blocking(writer, False)
            with os.fdopen(reader, "rb", 0), os.fdopen(writer, "wb", 0) as file:
                with self.assertRaisesRegex(BlockingIOError, "takes no more bytes now"):
                    save(file)

        class Odd:  # has a limit of calls, where the save would never end
            def __init__(self, answer):
                self.answer, self.calls = answer, 0

            def write(self, data):
                self.calls += 1
                if self.calls > 1000:
                    raise AssertionError("write() is called for ever")
                return self.answer

        for answer in (0, -1, 10**6):
            with self.assertRaisesRegex(OSError, f"bytes returned {answer}$"):
                network.save_to(Odd(answer))
        silent = Odd(None)  # no file of Python's: it has taken all
        network.save_to(silent)
        self.assertLess(silent.calls, 1000)

    def test_metadata(self):
        network = spirals.network()
        self.assertEqual(dict(network.metadata), {})
        network.metadata.update({"class_names": "red\nblue", "größe": "\"1\\2\" 🙂"})
        loaded = mf.Network.from_bytes(network.to_bytes())
        self.assertEqual(dict(loaded.metadata), {"class_names": "red\nblue", "größe": "\"1\\2\" 🙂"})
        loaded.metadata["class_names"] = "three"
        self.assertEqual(loaded.metadata["class_names"], "three")
        del loaded.metadata["class_names"]
        self.assertEqual((list(loaded.metadata), len(loaded.metadata)), (["größe"], 1))
        self.assertNotIn("class_names", loaded.metadata)
        for name in ("class_names", "\x07"):
            with self.assertRaises((KeyError, mf.MonoforwardError)):
                loaded.metadata[name]
        with self.assertRaises(KeyError):
            del loaded.metadata["class_names"]
        with self.assertRaises(mf.MonoforwardError) as caught:
            loaded.metadata["network"] = "mine"
        self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_ARGUMENT)
        with self.assertRaises(ValueError):
            loaded.metadata["a"] = "b\0c"

    def test_a_character_0(self):
        """Ends a text in C: a path or name with one is refused, and not taken for its beginning."""
        network = spirals.network()
        layer, values = network.layer(0), network.layer(0).parameters()["weight"]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model")
            network.save(path)
            for call in (network.save, network.export_onnx, mf.Network.load, mf.Network.import_onnx, mf.onnx_plan):
                with self.assertRaisesRegex(ValueError, "^a character 0 within a text$"):
                    call(path + "\0.old")
            self.assertEqual(mf.Network.load(path).to_bytes(), network.to_bytes())
        for call in (lambda name: layer.set_trainable(name, False), lambda name: layer.set_parameter(name, 0 * values),
                     lambda name: mf.Matrix.from_parameter(layer, name), network.metadata.get,
                     lambda name: mf.Network.import_onnx(b"", last=name),
                     lambda name: mf.Network.import_onnx(b"", cuts=[name])):
            with self.assertRaisesRegex(ValueError, "^a character 0 within a text$"):
                call("weight\0")
        self.assertTrue(layer.trainable()["weight"])
        numpy.testing.assert_array_equal(layer.parameters()["weight"], values)

    def test_damaged(self):
        data = spirals.network().to_bytes()
        with self.assertRaises(mf.MonoforwardError) as caught:
            mf.Network.from_bytes(data[:-1])
        self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_FORMAT)


class Errors(unittest.TestCase):
    def test_names_that_mean_something_else(self):
        """A hyper-parameter is no kind of optimizer, though its constant begins alike; nor a kind a hyper-parameter."""
        optimizer, network, (x, y) = mf.Optimizer("SGD", learning_rate=0.25, momentum=0.25), spirals.network(), spirals.make()
        kinds, keys = "is none of sgd, adam, adamw, rmsprop$", "is none of learning_rate, momentum"
        for text, call, *arguments in (
                (kinds, mf.Optimizer, "nesterov"), (kinds, mf.Optimizer, "learning_rate"),
                (kinds, lambda: mf.network_memory([mf.Builder((2,)).head(3)], 5, optimizer="beta1")),
                (kinds, mf.MonoforwardClassifier(optimizer="nesterov").fit, x, y),
                (keys, optimizer.set, "sgd", 0.5), (keys, optimizer.get, "adamw"),
                ("is none of dense, conv2d", lambda: mf.Layer(kind="label_smoothing", inputs=2, outputs=2, classes=2)),
                ("is none of training, inference$", lambda: mf.Workspace(network, 5, purpose="convert"))):
            with self.assertRaisesRegex(ValueError, text):
                call(*arguments)
        self.assertEqual(optimizer.get("learning_rate"), 0.25)
        optimizer.set("momentum", 0.5)
        self.assertEqual([optimizer.get(key) for key in ("momentum", "nesterov", mf.abi.MF_OPTIMIZER_MOMENTUM)],
                         [0.5, 0, 0.5])

    def test_status_and_message(self):
        network, (x, y) = spirals.network(), spirals.make()
        workspace = mf.Workspace(network, 600)
        y[7] = 3
        before = spirals.parameters(network)
        with self.assertRaises(mf.MonoforwardError) as caught:
            network.step(workspace, x, y)
        error = caught.exception
        self.assertEqual((error.status, error.status_name), (mf.abi.MF_STATUS_LABEL, "MF_STATUS_LABEL"))
        self.assertIn("3", error.message)
        self.assertEqual(str(error), f"MF_STATUS_LABEL: {error.message}")
        self.assertEqual(str(pickle.loads(pickle.dumps(error))), str(error))
        self.assertEqual(spirals.parameters(network), before)

    def test_shapes(self):
        with self.assertRaises(mf.MonoforwardError) as caught:
            mf.Network([mf.Layer(inputs=2, outputs=3, classes=2), mf.Layer(inputs=4, outputs=3, classes=2)])
        self.assertEqual(caught.exception.status_name, "MF_STATUS_SHAPE")
        self.assertIn("4", caught.exception.message)

    def test_options(self):
        size = {"inputs": 2, "outputs": 3, "classes": 2}
        for error, text, options in ((TypeError, "no option 'activaton'", {"activaton": "relu"}),
                                     (TypeError, "no option 'struct_size'", {"struct_size": 8}),
                                     (ValueError, "^activation: 'rely' is none of identity, relu", {"activation": "rely"}),
                                     (ValueError, "inputs is -1, which does not fit", {"inputs": -1}),
                                     (ValueError, "bias is 4294967296, which does not fit", {"bias": 1 << 32}),
                                     (ValueError, "kernel takes 2 values, not 3", {"kernel": (1, 2, 3)}),
                                     (mf.MonoforwardError, "MF_STATUS_ARGUMENT", {"dropout": 1.5})):
            with self.assertRaisesRegex(error, text):
                mf.Layer(**{**size, **options})

    def test_numbers(self):
        """ctypes alone would cut off what does not fit: layer 2^64 would be layer 0."""
        network = mf.Network([mf.Layer(inputs=2, outputs=3, classes=2)])
        for call, value in ((network.layer, 2**64), (network.layer, -1), (network.set_classes, 2**64 + 1),
                            (network.set_classes, numpy.int64(-1)), (network.position, -1), (mf.set_blas_threads, 2**32 + 1)):
            with self.assertRaisesRegex(ctypes.ArgumentError, f"{value} does not fit into c_"):
                call(value)
        with self.assertRaisesRegex(ctypes.ArgumentError, "float"):
            network.set_classes(2.5)
        with self.assertRaisesRegex(ValueError, f"dims is {2**64 + 2}, which does not fit"):
            mf.Builder((2**64 + 2,))
        with self.assertRaisesRegex(mf.MonoforwardError, "5"):
            mf.Builder((1, 2, 3, 4, 5))


if __name__ == "__main__":
    unittest.main()
