"""Handles are freed once, in any order, by the collector or by hand. SPDX-License-Identifier: MIT"""
import copy
import gc
import itertools
import pickle
import threading
import time
import unittest
import weakref

import numpy

import monoforward as mf
import spirals
from test_callbacks import Memory


class Handles(unittest.TestCase):
    def test_every_order(self):
        for order in itertools.permutations(range(4)):
            memory = Memory()
            allocator = mf.Allocator(memory.alloc, memory.free)
            layer = mf.Layer(inputs=2, outputs=4, classes=3, allocator=allocator)
            network = mf.Network([layer], allocator=allocator)
            optimizer = mf.Optimizer("sgd", allocator=allocator)
            network.set_optimizer(optimizer)
            workspace = mf.Workspace(network, 5, allocator=allocator)
            handles = [layer, network, optimizer, workspace]
            del layer, network, optimizer, workspace, allocator
            for index in order:
                handles[index] = None  # the last reference
                gc.collect()
            self.assertEqual(memory.blocks, {}, order)

    def test_layers_outlive_their_objects(self):
        network = spirals.network()
        gc.collect()
        workspace = mf.Workspace(network, 50)
        spirals.train(network, lambda x, y: network.step(workspace, x, y), epochs=1)
        borrowed = network.layer(1)
        del network, workspace
        gc.collect()
        self.assertEqual(borrowed.describe().outputs, 64)

    def test_cycles_are_collected(self):
        memory = Memory()
        layer = mf.Layer(inputs=2, outputs=4, classes=3, allocator=mf.Allocator(memory.alloc, memory.free))
        layer.myself = layer
        del layer
        gc.collect()
        self.assertEqual(memory.blocks, {})

    def test_an_allocator_lives_as_long_as_its_memory(self):
        """The library may hold what came from it longer than any object of Python does: it is called to the end."""
        def layer(**options):
            return mf.Layer(inputs=2, outputs=4, classes=3, **options)

        def built(allocator, shared=None):
            return mf.Builder((2,), allocator=allocator).dense(4).relu().dense(5, bias=0).head(
                3, output_node=2, shared=shared).build()

        def trained(allocator):
            network = mf.Network([layer()])
            network.set_optimizer(mf.Optimizer("adam", allocator=allocator))
            return network

        def pooled(allocator):
            return mf.Workspace(mf.Network([layer()]), 5, pool=mf.Pool(2, allocator=allocator))

        def reading(allocator):
            return mf.Network([built(None, mf.Matrix(numpy.ones((3, 5), numpy.float32), allocator=allocator))])

        makers = {"layer": lambda allocator: mf.Network([layer(allocator=allocator)]),
                  "built": lambda allocator: mf.Network([built(allocator)]),
                  "optimizer": trained, "pool": pooled, "matrix": reading}
        for name, make in makers.items():
            with self.subTest(name):
                memory = Memory()
                allocator = mf.Allocator(memory.alloc, memory.free)
                alive, holder = weakref.ref(allocator), make(allocator)
                del allocator
                gc.collect()
                self.assertIsNotNone(alive())
                before = len(memory.blocks)
                self.assertGreater(before, 0)
                if name in ("layer", "built"):
                    holder.set_optimizer(mf.Optimizer("adam"))  # what it remembers is memory of the layer's
                    self.assertGreater(len(memory.blocks), before)
                holder.close()
                self.assertEqual(memory.blocks, {})
                gc.collect()
                self.assertIsNone(alive())

    def test_copies(self):
        """Two objects would free one handle: there are none."""
        network = spirals.network()
        for handle in (network, network.layer(0), mf.Workspace(network, 2), mf.Optimizer("sgd"), mf.Builder((2,))):
            for call in (copy.copy, copy.deepcopy, pickle.dumps):
                with self.assertRaisesRegex(TypeError, f"a {type(handle).__name__} can be neither copied nor pickled"):
                    call(handle)

    def test_closed(self):
        network = spirals.network()
        workspace = mf.Workspace(network, 600)
        network.close()
        network.close()
        with self.assertRaises(mf.MonoforwardError) as caught:
            network.step(workspace, *spirals.make())
        self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_HANDLE)

    def test_what_was_closed_is_not_nothing(self):
        """None takes an optimizer away, and is no pool and no matrix; what was closed is refused."""
        network, optimizer = spirals.network(), mf.Optimizer("sgd")
        optimizer.close()
        for each in (network, network.layer(0)):
            self.assertEqual(self.status_of(each.set_optimizer, optimizer), mf.abi.MF_STATUS_HANDLE)
        self.assertAlmostEqual(network.layer(0).optimizer().get("learning_rate"), 0.01)  # that of before
        network.set_optimizer(None)
        self.assertIsNone(network.layer(0).optimizer())
        pool, matrix = mf.Pool(2), mf.Matrix(numpy.ones((3, 5), numpy.float32))
        pool.close()
        matrix.close()
        closed = spirals.network()
        closed.close()
        for call in (lambda: mf.Workspace(network, 4, pool=pool), lambda: mf.Pipeline(network, 4, pool=pool),
                     lambda: mf.Builder((4,)).dense(5, bias=0).head(3, shared=matrix), lambda: mf.Workspace(closed, 4)):
            self.assertEqual(self.status_of(call), mf.abi.MF_STATUS_HANDLE)
        mf.Workspace(network, 4, pool=None)
        mf.Builder((4,)).dense(5, bias=0).head(3, shared=None).build()
        self.assertEqual(len(network), 2)  # a call that was refused holds nothing
        network.close()

    def status_of(self, call, *arguments):
        with self.assertRaises(mf.MonoforwardError) as caught:
            call(*arguments)
        return caught.exception.status

    def test_closing_what_a_call_uses(self):
        """Is refused, whoever does it: here inside a call that saves the network."""
        network, tried = spirals.network(), []
        layer = network.layer(0)

        class File:
            def write(self, data):
                if not tried:
                    thread = threading.Thread(target=lambda: tried.append(self.close()))
                    thread.start()
                    thread.join()

            @staticmethod
            def close():
                try:
                    network.close()
                except mf.MonoforwardError as error:
                    return error.status

        network.save_to(File())
        self.assertEqual(tried, [mf.abi.MF_STATUS_BUSY])
        self.assertEqual(layer.describe().outputs, 64)
        network.close()
        self.assertEqual(self.status_of(layer.describe), mf.abi.MF_STATUS_HANDLE)  # borrowed: it has gone along

    def test_closing_while_a_thread_predicts(self):
        """It predicts until the network is gone, which is an error of its next call."""
        x, failed = spirals.make()[0], []
        for _ in range(20):
            network, started = spirals.network(), threading.Event()

            def predict():
                workspace = mf.Workspace(network, 600)
                try:
                    while True:
                        network.predict(workspace, x)
                        started.set()
                        time.sleep(0.0001)  # a moment in which nobody uses the network
                except mf.MonoforwardError as error:
                    failed.append(error.status)

            thread = threading.Thread(target=predict)
            thread.start()
            started.wait()
            while network._pointer:
                try:
                    network.close()
                except mf.MonoforwardError as error:
                    self.assertEqual(error.status, mf.abi.MF_STATUS_BUSY)
            thread.join()
        self.assertEqual(failed, [mf.abi.MF_STATUS_HANDLE] * 20)

    def test_a_workspace_in_two_threads(self):
        """Gives wrong answers in C; here the second thread is refused, and the first is right."""
        network, x = spirals.network(), spirals.make()[0]
        workspace = mf.Workspace(network, 600)
        expected, wrong, refused = network.probabilities(workspace, x), [], []

        def predict():
            for _ in range(300):
                try:
                    if (network.probabilities(workspace, x) != expected).any():
                        wrong.append(1)
                except mf.MonoforwardError as error:
                    refused.append(error.status)

        threads = [threading.Thread(target=predict) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        self.assertEqual(set(refused), {mf.abi.MF_STATUS_BUSY})

    def test_wrong_kind(self):
        import ctypes
        network = spirals.network()
        with self.assertRaises(ctypes.ArgumentError):
            network.set_optimizer(network.layer(0))


if __name__ == "__main__":
    unittest.main()
