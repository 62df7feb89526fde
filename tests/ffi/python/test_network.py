"""Layers come and go, inputs are scaled, training goes back; and steps by halves. SPDX-License-Identifier: MIT"""
import ctypes
import gc
import unittest

import numpy

import monoforward as mf
import spirals
from test_callbacks import Memory


def layer(inputs=2, outputs=5, classes=3, **options):
    return mf.Layer(inputs=inputs, outputs=outputs, classes=classes, seed=1, **options)


def status_of(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except mf.MonoforwardError as error:
        return error.status_name
    return "MF_STATUS_OK"


class Lists(unittest.TestCase):
    def test_layers_come_and_go(self):
        network = mf.Network()
        self.assertEqual((len(network), network.inputs, network.classes), (0, None, None))
        first = network.append(layer())
        network.remove(0)
        self.assertEqual((len(network), network.inputs, network.classes), (0, None, None))
        ids = [network.append(layer(outputs=5)), network.append(layer(5, 4))]
        self.assertNotIn(first, ids)  # none is used twice
        ids.insert(1, network.insert(1, layer(5, 5)))
        ids.insert(0, network.insert(0, layer(9, 2)))
        self.assertEqual([network.id(position) for position in range(4)], ids)
        self.assertEqual([network.position(one) for one in ids], [0, 1, 2, 3])
        self.assertEqual(network.inputs, 9)
        network.remove(0)
        self.assertEqual((len(network), network.inputs, network.id(0)), (3, 2, ids[1]))
        network.replace(2, layer(5, 8))
        self.assertEqual((network.layer(2).shape()[1], network.id(2)), ((8,), ids[3]))
        for call, arguments, status in ((network.remove, (3,), "MF_STATUS_NOT_FOUND"),
                                        (mf.Network([layer(2, 3), layer(3, 4), layer(4, 2)]).remove, (1,),
                                         "MF_STATUS_SHAPE"),
                                        (network.replace, (1, layer(4, 4)), "MF_STATUS_SHAPE"),
                                        (network.insert, (4, layer(8, 8)), "MF_STATUS_NOT_FOUND"),
                                        (network.insert, (0, layer(2, 3)), "MF_STATUS_SHAPE"),
                                        (network.id, (3,), "MF_STATUS_NOT_FOUND"),
                                        (network.position, (ids[0],), "MF_STATUS_NOT_FOUND")):
            self.assertEqual(status_of(call, *arguments), status, call)
        self.assertEqual([network.id(position) for position in range(3)], ids[1:])

    def test_what_was_lent_of_a_layer_that_goes(self):
        """Is closed with its optimizer, and neither is used again: the library has freed them."""
        memory = Memory()
        made = layer(2, 2, allocator=mf.Allocator(memory.alloc, memory.free))
        network = mf.Network([made, layer(2, 5)])
        network.set_optimizer(mf.Optimizer("sgd"))
        made.close()
        for take in (lambda: network.remove(0), lambda: network.replace(0, layer(2, 5))):
            lent, again = network.layer(0), network.layer(0)
            optimizer = lent.optimizer()
            self.assertEqual(optimizer.get("momentum"), 0)
            take()
            for call in (lent.describe, again.parameters, lambda: optimizer.get("momentum")):
                self.assertEqual(status_of(call), "MF_STATUS_HANDLE")
            self.assertEqual(repr(lent), "Layer(closed)")
            self.assertEqual(network.layer(0).describe().outputs, 5)
        gc.collect()
        self.assertEqual(memory.blocks, {})

    def test_an_optimizer_that_was_lent(self):
        """Is closed when its layer gets another one, by whatever call: it may be gone, and another be where it was."""
        place, mine = ctypes.create_string_buffer(8192), layer(2, 2)
        network = mf.Network([mine, layer(2, 5)])
        allocator = mf.Allocator(lambda size, alignment: ctypes.addressof(place) + -ctypes.addressof(place) % alignment,
                                 lambda address, size: None)
        for change in (lambda: mine.set_optimizer(mf.Optimizer("adam")), lambda: mine.set_optimizer(None),
                       lambda: network.set_optimizer(mf.Optimizer("adam")), lambda: network.set_optimizer(None)):
            network.set_optimizer(mf.Optimizer("sgd", learning_rate=0.5, allocator=allocator))
            lent = mine.optimizer()
            network.set_optimizer(network.layer(1).optimizer())  # the same
            self.assertEqual(lent.get("learning_rate"), 0.5)
            network.layer(1).set_optimizer(None)
            change()
            other = mf.Optimizer("sgd", learning_rate=0.25, allocator=allocator)
            for call in (lambda: lent.get("learning_rate"), lambda: lent.set("learning_rate", 1),
                         lambda: network.set_optimizer(lent)):
                self.assertEqual(status_of(call), "MF_STATUS_HANDLE")
            self.assertEqual(other.get("learning_rate"), 0.25)
            other.close()

    def test_what_was_lent_stays_where_the_library_refuses(self):
        network = mf.Network([layer(2, 3), layer(3, 4)])
        lent = network.layer(0)
        self.assertEqual(status_of(network.replace, 0, layer(2, 9)), "MF_STATUS_SHAPE")
        self.assertEqual(lent.describe().outputs, 3)

    def test_a_layer_that_goes_lives_on_with_its_object(self):
        mine = layer(2, 2)
        network = mf.Network([mine, layer(2, 5)])
        network.remove(0)
        self.assertEqual(mine.describe().outputs, 2)
        self.assertEqual(mf.Network([mine]).classes, 3)

    def test_not_while_a_call_uses_the_network(self):
        network, tried = mf.Network([layer(2, 2), layer(2, 5)]), []

        class File:
            def write(self, data):
                if not tried:
                    tried.extend((status_of(network.remove, 0), status_of(network.replace, 0, layer(2, 2))))

        network.save_to(File())
        self.assertEqual(tried, ["MF_STATUS_BUSY"] * 2)
        self.assertEqual(len(network), 2)

    def test_workspaces_are_stale(self):
        """Whatever changes what arrays have to be: until then results have the sizes of before."""
        x, y = spirals.make(60)
        for change in (lambda: network.insert(0, layer(2, 2)), lambda: network.remove(0),
                       lambda: network.replace(1, layer(2, 9)), lambda: network.set_classes(9),
                       lambda: network.set_input_scaling(1, 2)):
            network = mf.Network([layer(2, 2), layer(2, 5)])
            network.set_optimizer(mf.Optimizer("sgd"))
            workspace = mf.Workspace(network, 60)
            change()
            network.set_optimizer(mf.Optimizer("sgd"))
            for call in (network.step, network.evaluate):
                self.assertEqual(status_of(call, workspace, x, y), "MF_STATUS_STALE")
            self.assertEqual(status_of(network.goodness, workspace, x), "MF_STATUS_STALE")
            workspace = mf.Workspace(network, 60)
            network.step(workspace, x, y)
            self.assertEqual(network.goodness(workspace, x).shape, (60, network.classes))

    def test_classes(self):
        network, (x, y) = mf.Network([layer(2, 5), layer(5, 4)]), spirals.make(60)
        weight = network.layer(0).parameters()["weight"]
        network.set_classes(7)
        self.assertEqual((network.classes, network.layer(1).goodness_shape()), (7, (7,)))
        numpy.testing.assert_array_equal(network.layer(0).parameters()["weight"], weight)
        for position in range(2):  # one by one: the next workspace tells the network
            network.layer(position).set_classes(300)
        scores = network.goodness(mf.Workspace(network, 60), x)
        self.assertEqual((scores.shape, network.classes), ((60, 300), 300))
        network.set_optimizer(mf.Optimizer("sgd"))
        network.layer(0).set_classes(5)
        network.layer(1).set_classes(5)
        with mf.Pipeline(network, 60) as pipeline:
            pipeline.submit(x, y)
            pipeline.flush()
        self.assertEqual(network.classes, 5)
        for classes in (0, 1):
            self.assertEqual(status_of(network.set_classes, classes), "MF_STATUS_ARGUMENT")
            self.assertEqual(status_of(network.layer(0).set_classes, classes), "MF_STATUS_ARGUMENT")

    def test_repr(self):
        network = mf.Network([layer(2, 5), layer(5, 4)])
        self.assertEqual(repr(network), "Network(2 layers, 2 -> 5 -> 4, 3 classes)")
        self.assertEqual(repr(network.layer(0)), "Layer(dense, 2 -> 5, 3 classes)")
        maps = mf.Layer(kind="conv2d", channels=3, height=8, width=6, filters=4, classes=10)
        self.assertEqual(repr(maps), "Layer(conv2d, 3x8x6 -> 4x6x4, 10 classes)")
        self.assertEqual(repr(mf.Network([maps])), "Network(1 layer, 3x8x6 -> 4x6x4, 10 classes)")
        words = mf.Builder((3, 2)).dense(8).head(2, kind="positions").build()
        self.assertEqual(repr(words), "Layer(units, 3x2 -> 3x8, 2 classes at 3 positions)")
        self.assertEqual(repr(mf.Network()), "Network(no layers)")
        maps.close()
        network.close()
        self.assertEqual((repr(maps), repr(network)), ("Layer(closed)", "Network(closed)"))


class Inputs(unittest.TestCase):
    def test_scaling(self):
        """Is what numpy computes of the inputs, and goes with the network into its file."""
        x = numpy.random.default_rng(1).normal(3, 2, (60, 2)).astype(numpy.float32)
        shift, scale = -x.mean(axis=0), 1 / x.std(axis=0)
        network = mf.Network([layer()])
        plain = network.goodness(mf.Workspace(network, 60), (x + shift) * scale)
        self.assertIsNone(network.input_scaling())
        network.set_input_scaling(shift, scale)
        for each in (network, mf.Network.from_bytes(network.to_bytes()), network.clone()):
            for found, given in zip(each.input_scaling(), (shift, scale)):
                numpy.testing.assert_array_equal(found, given)
            numpy.testing.assert_array_equal(each.goodness(mf.Workspace(each, 60), x), plain)
        for one in ((-3, 0.5), (numpy.float32(-3), numpy.full(2, 0.5, numpy.float32))):
            network.set_input_scaling(*one)
            numpy.testing.assert_array_equal(network.input_scaling()[0], numpy.full(numpy.size(one[1]), -3))
            numpy.testing.assert_array_equal(network.input_scaling()[1], numpy.full(numpy.size(one[1]), 0.5))
        network.set_input_scaling(None, None)
        self.assertIsNone(network.input_scaling())

    def test_scaling_that_does_not_fit(self):
        network, two = mf.Network([layer()]), numpy.ones(2, numpy.float32)
        network.set_input_scaling(two, two)
        for error, text, shift, scale in (
                (TypeError, "shift has the type float64", two.astype(float), two),
                (TypeError, "scale is a list", two, [1, 1]), (TypeError, "scale is a NoneType", two, None),
                (ValueError, r"scale has the shape \(1,\), not \(2,\)", two, two[:1]),
                (ValueError, r"shift has the shape \(1, 2\)", two[None], two[None]),
                (mf.MonoforwardError, "MF_STATUS_SHAPE", numpy.ones(3, numpy.float32), 1),
                (mf.MonoforwardError, "MF_STATUS_NUMERIC", 0.0, float("inf"))):
            with self.assertRaisesRegex(error, text):
                network.set_input_scaling(shift, scale)
        numpy.testing.assert_array_equal(network.input_scaling(), (two, two))


class Snapshots(unittest.TestCase):
    def test_training_goes_back(self):
        network, (x, y) = spirals.network(), spirals.make()
        workspace = mf.Workspace(network, 600)
        for _ in range(3):
            network.step(workspace, x, y)
        before, snapshot = spirals.parameters(network), network.snapshot()
        self.assertEqual((snapshot.dtype, snapshot.ndim), (numpy.uint8, 1))
        network.step(workspace, x, y)
        after = spirals.parameters(network)
        self.assertNotEqual(after, before)
        for kept in (snapshot, snapshot.tobytes(), bytearray(snapshot)):
            network.restore(kept)
            self.assertEqual(spirals.parameters(network), before)
            network.step(workspace, x, y)  # with the optimizer's state of then
            self.assertEqual(spirals.parameters(network), after)
        self.assertIs(network.snapshot(snapshot), snapshot)
        serving = network.clone()
        network.step(workspace, x, y)
        serving.restore(network.snapshot())
        self.assertEqual(spirals.parameters(serving), spirals.parameters(network))

    def test_what_is_none(self):
        network = spirals.network()
        snapshot, before = network.snapshot(), spirals.parameters(network)
        wrong, other = snapshot.copy(), spirals.network(widths=(5,)).snapshot()
        wrong[-1] ^= 1
        for error, text, kept in ((mf.MonoforwardError, "MF_STATUS_FORMAT", wrong),
                                  (mf.MonoforwardError, "MF_STATUS_FORMAT", snapshot[:-1]),
                                  (mf.MonoforwardError, "MF_STATUS_FORMAT", b""),
                                  (mf.MonoforwardError, "MF_STATUS_SHAPE", other),
                                  (TypeError, "the snapshot is a str", "text"),
                                  (TypeError, "the snapshot has the type int8", snapshot.view(numpy.int8)),
                                  (ValueError, "the snapshot has strides", snapshot[::2])):
            with self.assertRaisesRegex(error, text):
                network.restore(kept)
        with self.assertRaisesRegex(ValueError, "out has the shape"):
            network.snapshot(snapshot[1:])
        self.assertEqual(spirals.parameters(network), before)


class Steps(unittest.TestCase):
    def setUp(self):
        self.network, (self.x, self.y) = spirals.network(), spirals.make()
        self.workspace = mf.Workspace(self.network, 600)

    def parameters(self, position):
        return b"".join(each.tobytes() for each in self.network.layer(position).parameters().values())

    def test_greedy(self):
        """The layer at the position learns, what it would learn of the activation before it, and no other."""
        alone, before = self.network.clone(training=True).layer(1), [self.parameters(0), self.parameters(1)]
        a = self.network.layer(0).forward(self.workspace, self.x)
        self.network.step_layer(self.workspace, 1, self.x, self.y)
        self.assertEqual(self.parameters(0), before[0])
        self.assertNotEqual(self.parameters(1), before[1])
        alone.step(mf.Workspace(alone, 600), a, self.y)
        self.assertEqual(self.parameters(1), b"".join(each.tobytes() for each in alone.parameters().values()))
        self.assertEqual(self.workspace.report(1).applied, 1)
        self.assertEqual(status_of(self.network.step_layer, self.workspace, 2, self.x, self.y), "MF_STATUS_NOT_FOUND")
        with self.assertRaisesRegex(ValueError, r"y has the shape \(1,\), not \(600,\)"):
            self.network.step_layer(self.workspace, 0, self.x, self.y[:1])

    def test_passes(self):
        """An activation is what numpy makes of the parameters, and so is the goodness that follows."""
        layer, values = self.network.layer(0), self.network.layer(0).parameters()
        a = layer.forward(self.workspace, self.x)
        numpy.testing.assert_allclose(a, numpy.maximum(self.x @ values["weight"].T + values["bias"], 0), atol=1e-5)
        out = numpy.empty((600, 3), numpy.float32)
        self.assertIs(layer.goodness(self.workspace, a, out), out)
        numpy.testing.assert_allclose(out, a @ values["projection"].T, atol=1e-5)
        numpy.testing.assert_array_equal(layer.pass_on(self.workspace, self.x), a)
        layer.set("dropout", 0.5)
        self.assertEqual(layer.get("dropout"), 0.5)
        dropped = layer.pass_on(self.workspace, self.x)
        numpy.testing.assert_array_equal(layer.forward(self.workspace, self.x), a)
        self.assertTrue(((dropped == 0) | numpy.isclose(dropped, 2 * a)).all() and (dropped != a).any())
        for text, call in ((r"x has the shape \(600, 3\)", lambda: layer.forward(self.workspace, out)),
                           (r"a has the shape \(600, 3\)", lambda: layer.goodness(self.workspace, out)),
                           ("out has the shape", lambda: layer.forward(self.workspace, self.x, out)),
                           ("out has the shape", lambda: layer.goodness(self.workspace, a, a))):
            with self.assertRaisesRegex(ValueError, text):
                call()
        with self.assertRaisesRegex(ValueError, "'seed' is none of dropout, label_smoothing"):
            layer.set("seed", 1)
        self.assertEqual(status_of(layer.set, "label_smoothing", 1.0), "MF_STATUS_ARGUMENT")

    def test_halves(self):
        """Gradients agree with differences of the loss, and an update of theirs is a step."""
        layer, values = self.network.layer(0), self.network.layer(0).parameters()
        gradients = layer.gradients(self.workspace, self.x, self.y)
        parts = layer.split(gradients)
        self.assertEqual({name: each.shape for name, each in parts.items()},
                         {name: each.shape for name, each in values.items()})
        projection = values["projection"].copy()
        losses = []
        for change in (1e-2, -1e-2):
            projection[1, 2] = values["projection"][1, 2] + change
            layer.set_parameter("projection", projection)
            self.network.evaluate(self.workspace, self.x, self.y)
            losses.append(self.workspace.report(0).loss)
        layer.set_parameter("projection", values["projection"])
        self.assertAlmostEqual(parts["projection"][1, 2], (losses[0] - losses[1]) / 2e-2, delta=1e-4)
        twin = self.network.clone(training=True).layer(0)
        twin.step(mf.Workspace(twin, 600), self.x, self.y)
        a = numpy.empty((600, 64), numpy.float32)
        self.assertIs(layer.gradients(self.workspace, self.x, self.y, gradients, a), gradients)
        numpy.testing.assert_array_equal(a, layer.forward(self.workspace, self.x))
        layer.apply(gradients)
        for name, stepped in twin.parameters().items():
            numpy.testing.assert_allclose(layer.parameters()[name], stepped, atol=1e-5)
        for call in (lambda: layer.gradients(self.workspace, self.x, self.y, gradients[1:]),
                     lambda: layer.split(gradients[1:])):
            with self.assertRaisesRegex(ValueError, "has the shape"):
                call()
        self.assertEqual(status_of(layer.apply, gradients[1:]), "MF_STATUS_SHAPE")

    def test_frozen(self):
        layer, values = self.network.layer(0), self.network.layer(0).parameters()
        layer.set_trainable("weight", False)
        self.assertEqual(layer.trainable(), {"weight": False, "bias": True, "projection": True})
        self.network.step(self.workspace, self.x, self.y)
        after = layer.parameters()
        numpy.testing.assert_array_equal(after["weight"], values["weight"])
        self.assertTrue((after["bias"] != values["bias"]).any())
        layer.set_trainable("weight", True)
        self.assertTrue(all(layer.trainable().values()))
        self.assertEqual(status_of(layer.set_trainable, "weights", True), "MF_STATUS_NOT_FOUND")

    def test_all_answers_of_one_pass(self):
        for mode in ("last", "sum"):
            labels, goodness, chances = self.network.infer(self.workspace, self.x, mode)
            for found, ask in ((labels, self.network.predict), (goodness, self.network.goodness),
                               (chances, self.network.probabilities)):
                numpy.testing.assert_array_equal(found, ask(self.workspace, self.x, mode))
        words = mf.Network([mf.Builder((3, 2), seed=1).dense(8).head(4, kind="positions").build()])
        shapes = [each.shape for each in words.infer(mf.Workspace(words, 5), numpy.ones((5, 3, 2), numpy.float32))]
        self.assertEqual(shapes, [(5, 3), (5, 3, 4), (5, 3, 4)])


class Pipelines(unittest.TestCase):
    def test_progress(self):
        network, (x, y) = spirals.network(), spirals.make(50)
        pipeline = mf.Pipeline(network, 50, workers=0)
        self.assertTrue(pipeline.try_submit(x, y))
        pipeline.flush()
        progress = pipeline.progress()
        self.assertEqual((progress.submitted, progress.finished, progress.stopped), (1, 1, 0))
        pipeline.stop()
        self.assertEqual(pipeline.progress().stopped, 1)
        self.assertEqual(status_of(pipeline.try_submit, x, y), "MF_STATUS_STATE")

    def test_a_batch_that_is_not_taken(self):
        """While another pipeline has the layers; afterwards it is."""
        network, (x, y) = spirals.network(widths=(2000, 2000)), spirals.make(600)
        first, second = mf.Pipeline(network, 600), mf.Pipeline(network, 600)
        first.submit(x, y)
        self.assertFalse(second.try_submit(x, y))
        first.flush()
        self.assertTrue(second.try_submit(x, y))
        second.flush()
        self.assertEqual(second.progress().finished, 1)

    def test_progress_in_a_callback(self):
        network, (x, y), seen = spirals.network(), spirals.make(50), []
        pipeline = mf.Pipeline(network, 50, on_report=lambda report: seen.append(pipeline.progress().submitted))
        pipeline.submit(x, y)
        pipeline.flush()
        self.assertEqual(seen, [1, 1])
        pipeline.close()


if __name__ == "__main__":
    unittest.main()
