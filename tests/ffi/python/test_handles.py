"""Handles are freed once, in any order, by the collector or by hand. SPDX-License-Identifier: MIT"""
import gc
import itertools
import unittest

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

    def test_closed(self):
        network = spirals.network()
        workspace = mf.Workspace(network, 600)
        network.close()
        network.close()
        with self.assertRaises(mf.MonoforwardError) as caught:
            network.step(workspace, *spirals.make())
        self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_HANDLE)

    def test_wrong_kind(self):
        import ctypes
        network = spirals.network()
        with self.assertRaises(ctypes.ArgumentError):
            network.set_optimizer(network.layer(0))


if __name__ == "__main__":
    unittest.main()
