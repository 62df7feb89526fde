"""Arrays are not copied, and nothing but what the library reads is let through. SPDX-License-Identifier: MIT"""
import tracemalloc
import unittest

import numpy

import monoforward as mf
import spirals


class Arrays(unittest.TestCase):
    def setUp(self):
        self.network = spirals.network()
        self.workspace = mf.Workspace(self.network, 600)
        self.x, self.y = spirals.make()

    def refused(self, error, text, x=None, y=None, out=None):
        before = spirals.parameters(self.network)
        with self.assertRaisesRegex(error, text):
            if out is not None:
                self.network.predict(self.workspace, self.x, out=out)
            self.network.step(self.workspace, self.x if x is None else x, self.y if y is None else y)
        self.assertEqual(spirals.parameters(self.network), before)

    def test_types(self):
        self.refused(TypeError, "x has the type float64, not float32", x=self.x.astype(numpy.float64))
        self.refused(TypeError, "y has the type int64, not int32", y=self.y.astype(numpy.int64))
        self.refused(TypeError, "x has the type >f4", x=self.x.astype(">f4"))
        self.refused(TypeError, "x has the type uint16, not float32", x=self.x.astype(numpy.uint16))
        self.refused(TypeError, "x has the type int8, not float32", x=self.x.astype(numpy.int8))
        self.refused(TypeError, "x is a list", x=self.x.tolist())
        self.refused(TypeError, "y is a list", y=self.y.tolist())

    def test_shapes(self):
        self.refused(ValueError, r"x has the shape \(600, 1\), not \(any, 2\)", x=self.x[:, :1].copy())
        self.refused(ValueError, r"x has the shape \(1200,\)", x=self.x.ravel())
        self.refused(ValueError, r"y has the shape \(599,\), not \(600,\)", y=self.y[1:])

    def test_strides(self):
        wide = numpy.zeros((600, 4), numpy.float32)
        self.refused(ValueError, "x has strides", x=wide[:, 1:3])
        self.refused(ValueError, "x has strides", x=numpy.asfortranarray(self.x))
        self.refused(ValueError, "x has strides", x=self.x[::-1])
        self.refused(ValueError, "y has strides", y=numpy.repeat(self.y, 2)[::2])

    def test_alignment(self):
        memory = bytearray(self.x.nbytes + 1)
        crooked = numpy.frombuffer(memory, numpy.float32, self.x.size, 1).reshape(-1, 2)
        self.refused(ValueError, "not aligned", x=crooked)

    def test_results(self):
        self.refused(TypeError, "out has the type int64", out=numpy.empty(600, numpy.int64))
        self.refused(ValueError, "out has the shape", out=numpy.empty(599, numpy.int32))
        read_only = numpy.empty(600, numpy.int32)
        read_only.flags.writeable = False
        self.refused(ValueError, "out is read-only", out=read_only)

    def test_result_goes_into_the_callers_array(self):
        out = numpy.full(600, -1, numpy.int32)
        self.assertIs(self.network.predict(self.workspace, self.x, out=out), out)
        self.assertTrue(((out >= 0) & (out < spirals.ARMS)).all())
        probabilities = self.network.probabilities(self.workspace, self.x)
        best, scores, chances = self.network.top(self.workspace, self.x, 2)
        numpy.testing.assert_array_equal(best, numpy.argsort(-probabilities, axis=1)[:, :2])
        numpy.testing.assert_array_equal(scores, numpy.take_along_axis(
            self.network.goodness(self.workspace, self.x), best.astype(numpy.int64), 1))
        numpy.testing.assert_allclose(chances, numpy.take_along_axis(probabilities, best.astype(numpy.int64), 1),
                                      rtol=1e-5)
        numpy.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
        for count in (0, spirals.ARMS + 1, 10 ** 12):
            with self.assertRaisesRegex(mf.MonoforwardError, f"the best {count} classes"):
                self.network.top(self.workspace, self.x, count)

    def test_results_over_inputs(self):
        """Would change rows and labels that are still to be read."""
        layer = mf.Layer(inputs=4, outputs=4, classes=3)
        layer.set_optimizer(mf.Optimizer("sgd"))
        workspace, x, y = mf.Workspace(layer, 4), numpy.ones((4, 4), numpy.float32), numpy.zeros(16, numpy.int32)
        for call in (lambda: layer.forward(workspace, x, out=x), lambda: layer.step(workspace, x, y[:4], a=x),
                     lambda: layer.step(workspace, x, y[:4], a=y.view(numpy.float32).reshape(4, 4))):
            with self.assertRaises(mf.MonoforwardError) as caught:
                call()
            self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_ARGUMENT)
            self.assertIn("would be written over the", caught.exception.message)
        numpy.testing.assert_array_equal(x, 1)

    def test_read_only_input_is_read_in_place(self):
        self.x.flags.writeable = False
        seen = []
        step = mf.library.mf_network_step_batch

        def spy(network, workspace, batch):
            seen.append((batch.inputs, batch.targets))
            return step(network, workspace, batch)

        mf.library.mf_network_step_batch = spy
        try:
            self.network.step(self.workspace, self.x, self.y)
        finally:
            mf.library.mf_network_step_batch = step
        self.assertEqual(seen, [(self.x.ctypes.data, self.y.ctypes.data)])

    def test_nothing_of_the_size_of_a_batch_is_allocated(self):
        layer = mf.Layer(inputs=1000, outputs=10, classes=3)
        network = mf.Network([layer])
        network.set_optimizer(mf.Optimizer("sgd"))
        workspace = mf.Workspace(network, 500)
        x, y = numpy.ones((500, 1000), numpy.float32), numpy.zeros(500, numpy.int32)
        network.step(workspace, x, y)
        tracemalloc.start()  # numpy's arrays are counted as well
        for _ in range(20):
            network.step(workspace, x, y)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        self.assertLess(peak, x.nbytes / 10)

    def test_bytes_and_bf16_have_the_bits_of_floats(self):
        random = numpy.random.default_rng(1)
        x, y = random.integers(0, 256, (60, 9), numpy.uint8), random.integers(0, 3, 60).astype(numpy.int32)
        halves = (random.normal(size=(60, 9)).astype(numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16)
        scale, shift = numpy.float32(0.013), numpy.float32(-33.3)
        cases = (({}, x, x.astype(numpy.float32) / numpy.float32(255)),
                 ({"scale": scale, "shift": shift}, x, (x.astype(numpy.float32) + shift) * scale),
                 ({"bf16": True}, halves, (halves.astype(numpy.uint32) << 16).view(numpy.float32)))
        for how, typed, floats in cases:
            with self.subTest(how=how):
                self.assertEqual(self.answers(typed, y, True, how), self.answers(floats, y, False, {}))

    def answers(self, x, y, convert, how):
        """Bits of what every call that takes x gives."""
        layers = [mf.Layer(inputs=before, outputs=after, classes=3, seed=after) for before, after in ((9, 8), (8, 7))]
        network, optimizer = mf.Network(layers), mf.Optimizer("adam")
        network.set_optimizer(optimizer)
        workspace = mf.Workspace(network, 60, convert=convert)
        activation = numpy.empty((60, 8), numpy.float32)
        network.step(workspace, x, y, **how)
        layers[0].step(workspace, x, y, activation, **how)
        with mf.Pipeline(network, 60) as pipeline:
            pipeline.submit(x, y, **how)
            pipeline.flush()
        network.evaluate(workspace, x, y, **how)
        answers = [network.predict(workspace, x, **how), network.goodness(workspace, x, **how),
                   network.probabilities(workspace, x, "sum", **how), activation]
        answers += [values for layer in layers for values in layer.parameters().values()]
        return [each.tobytes() for each in answers] + [workspace.report(1).loss, workspace.report_sum().loss]

    def test_a_workspace_must_convert(self):
        with self.assertRaisesRegex(mf.MonoforwardError, "MF_WORKSPACE_CONVERT"):
            self.network.step(self.workspace, numpy.zeros((600, 2), numpy.uint8), self.y)
        with self.assertRaisesRegex(mf.MonoforwardError, "no bytes"):
            self.network.step(self.workspace, self.x, self.y, scale=2)


if __name__ == "__main__":
    unittest.main()
