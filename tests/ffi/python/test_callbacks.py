"""Functions of Python that the library calls. SPDX-License-Identifier: MIT"""
import ctypes
import gc
import os
import unittest

import numpy

import monoforward as mf
import spirals


class Memory:
    """Counts what is out, and can refuse."""

    def __init__(self):
        self.blocks, self.refuse = {}, False

    def alloc(self, size, alignment):
        if self.refuse:
            raise MemoryError("refused")
        buffer = ctypes.create_string_buffer(size + alignment)
        address = ctypes.addressof(buffer)
        address += -address % alignment
        self.blocks[address] = (buffer, size)
        return address

    def free(self, address, size):
        assert self.blocks.pop(address)[1] == size


class Callbacks(unittest.TestCase):
    def test_allocator(self):
        memory = Memory()
        layer = mf.Layer(inputs=2, outputs=8, classes=3, allocator=mf.Allocator(memory.alloc, memory.free))
        gc.collect()  # what the caller does not hold, the layer does
        self.assertGreater(len(memory.blocks), 0)
        layer.close()
        self.assertEqual(memory.blocks, {})

    def test_allocator_that_refuses(self):
        memory = Memory()
        memory.refuse = True
        with self.assertRaises(mf.MonoforwardError) as caught:
            mf.Layer(inputs=2, outputs=8, classes=3, allocator=mf.Allocator(memory.alloc, memory.free))
        self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_MEMORY)

    def test_reports(self):
        network, seen = spirals.network(), []
        pipeline = mf.Pipeline(network, 50, on_report=seen.append)
        gc.collect()
        spirals.train(network, pipeline.submit, epochs=2)
        pipeline.flush()
        self.assertEqual([(each.batch, each.position) for each in seen],
                         [(batch, layer) for batch in range(24) for layer in range(2)])
        self.assertTrue(all(each.rows == 50 and each.loss > 0 for each in seen))

    def test_same_parameters_as_without_workers(self):
        piped, plain = spirals.network(), spirals.network()
        with mf.Pipeline(piped, 50, workers=2) as pipeline:
            spirals.train(piped, pipeline.submit, epochs=3)
            pipeline.flush()
            self.assertEqual(pipeline.poll().position, 0)
        workspace = mf.Workspace(plain, 50)
        spirals.train(plain, lambda x, y: plain.step(workspace, x, y), epochs=3)
        self.assertEqual(spirals.parameters(piped), spirals.parameters(plain))

    def test_same_parameters_with_a_pool(self):
        piped, shared, plain = spirals.network(), spirals.network(), spirals.network()
        with mf.Pool(3) as pool:
            self.assertEqual(pool.threads(), 3)
            pipeline, workspace = mf.Pipeline(piped, 50, pool=pool), mf.Workspace(shared, 50, pool=pool)
        spirals.train(piped, pipeline.submit, epochs=3)  # both go on using the pool
        pipeline.flush()
        spirals.train(shared, lambda x, y: shared.step(workspace, x, y), epochs=3)
        alone = mf.Workspace(plain, 50)
        spirals.train(plain, lambda x, y: plain.step(alone, x, y), epochs=3)
        self.assertEqual(spirals.parameters(piped), spirals.parameters(plain))
        self.assertEqual(spirals.parameters(shared), spirals.parameters(plain))
        with self.assertRaises(mf.MonoforwardError):
            mf.Pool(5000)

    @unittest.skipUnless(hasattr(os, "sched_getaffinity"), "this system does not tell which processors may be used")
    def test_a_pool_has_a_thread_for_each_processor_that_may_be_used(self):
        allowed = os.sched_getaffinity(0)
        self.assertEqual(mf.Pool().threads(), len(allowed))
        os.sched_setaffinity(0, {min(allowed)})
        try:
            self.assertEqual(mf.Pool().threads(), 1)
        finally:
            os.sched_setaffinity(0, allowed)

    def test_what_a_callback_returns(self):
        """True stops, as 1 does in C; nothing and False go on; anything else may be a mistake."""
        for answer, stops in ((True, True), (numpy.True_, True), (False, False), (None, False), (1, TypeError),
                              (0, TypeError), ("", TypeError)):
            network, heard = spirals.network(), []
            pipeline = mf.Pipeline(network, 50, on_report=lambda report: heard.append(report.batch) or answer)

            def learn():
                spirals.train(network, pipeline.submit, epochs=1)
                pipeline.flush()

            if stops is TypeError:
                with self.assertRaisesRegex(TypeError, "on_report returned"):
                    learn()
            elif stops:
                with self.assertRaises(mf.MonoforwardError) as caught:
                    learn()
                self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_STATE)
            else:
                learn()
                self.assertEqual(len(heard), 24)
            pipeline.close()

    def test_exception_comes_out_of_the_call(self):
        def object_to(report):
            raise LookupError(f"batch {report.batch}")

        network = spirals.network()
        pipeline = mf.Pipeline(network, 50, on_report=object_to)
        with self.assertRaisesRegex(LookupError, "batch 0"):
            spirals.train(network, pipeline.submit, epochs=2)
            pipeline.flush()
        with self.assertRaises(mf.MonoforwardError) as caught:
            spirals.train(network, pipeline.submit, epochs=1)
        self.assertEqual(caught.exception.status, mf.abi.MF_STATUS_STATE)


if __name__ == "__main__":
    unittest.main()
