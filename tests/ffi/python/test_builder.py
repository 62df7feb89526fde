"""Layers of several units: built by chained calls, the same as in C, described, summed up. SPDX-License-Identifier: MIT"""
import ctypes
import gc
import hashlib
import os
import subprocess
import unittest

import numpy

import monoforward as mf
from test_callbacks import Memory

SHAPE, ROWS, CLASSES = (4, 6, 6), 12, 3


def residual(seed=7):
    return (mf.Builder(SHAPE, seed=seed).conv2d(4).batch_norm().relu()
            .conv2d(4).batch_norm().add(0).relu().head(CLASSES).build())


def other_heads():
    """Layers with a sampled head of rank 4, with similarities, with an auxiliary head, and with a shared matrix."""
    def dense():
        return mf.Builder((144,), seed=7).dense(16).relu()

    values = (numpy.arange(150) * 37 % 64).astype(numpy.float32).reshape(50, 3) / 32 - 1
    return [dense().dense(4, bias=0).head(50, output_node=2, sampling="log_uniform", candidates=10).build(),
            dense().dense(16).head(CLASSES, similarity=0.75).build(),
            dense().dense(8).relu().dense(CLASSES, loss_weight=0.5).head(CLASSES, input_node=2).build(),
            dense().dense(4, bias=0).head(50, output_node=2, shared=mf.Matrix(values)).build()]


def batch():
    """The batch of tests/ffi/residual.c."""
    x = (numpy.arange(ROWS * 4 * 6 * 6) * 7919 % 1009).astype(numpy.float32) / numpy.float32(1009)
    return x.reshape(ROWS, -1), numpy.arange(ROWS, dtype=numpy.int32) % CLASSES


def trained(layer, steps=30):
    network = mf.Network([layer])
    network.set_optimizer(mf.Optimizer("adam", learning_rate=0.01))
    workspace = mf.Workspace(network, ROWS)
    losses = []
    for _ in range(steps):
        network.step(workspace, *batch())
        losses.append(workspace.report().loss)
    return network, losses


def digest(layer):
    return hashlib.sha256(b"".join(values.tobytes() for values in layer.parameters().values())).hexdigest()


class Building(unittest.TestCase):
    def test_learns(self):
        network, losses = trained(residual())
        self.assertLess(losses[-1], losses[0] / 2)
        self.assertEqual(len(network), 1)

    def test_shared_matrix(self):
        values = numpy.arange(CLASSES * 5, dtype=numpy.float32).reshape(CLASSES, 5) / 7
        words = mf.Matrix(values)
        layers = [mf.Builder((4,), seed=3).dense(4).relu().dense(7, bias=0).head(CLASSES, output_node=2, shared=words).build()
                  for _ in range(2)]
        words.close()
        network = mf.Network(layers)
        network.set_optimizer(mf.Optimizer("adam", learning_rate=0.01))
        workspace = mf.Workspace(network, ROWS)
        x, y = numpy.eye(4, dtype=numpy.float32)[:CLASSES], numpy.arange(CLASSES, dtype=numpy.int32)
        before = layers[0].parameters()
        network.step(workspace, x, y)
        after = layers[0].parameters()
        self.assertEqual(after["head.projection"].shape, (CLASSES, 2))
        self.assertFalse(numpy.array_equal(before["head.projection"], after["head.projection"]))
        own = mf.Matrix.from_parameter(layers[0], "head.projection")
        numpy.testing.assert_array_equal(own.values(), after["head.projection"])
        other = mf.Matrix(values)
        numpy.testing.assert_array_equal(other.values(), values)
        with self.assertRaises(mf.MonoforwardError):
            mf.Builder((4,)).dense(4).head(CLASSES + 1, shared=other)
        with self.assertRaises(TypeError):
            mf.Matrix(values.tolist())
        self.assertEqual(other.shape, (CLASSES, 5))
        for wrong, kind in ((values, "ndarray"), (7, "int")):
            with self.assertRaisesRegex(TypeError, f"shared is a {kind}, expected a Matrix"):
                mf.Builder((4,)).dense(4).head(CLASSES, shared=wrong)
        with self.assertRaises(mf.MonoforwardError):
            mf.Builder((4,)).dense(4).head(CLASSES, shared=words)  # closed

    def test_options_that_do_not_fit_are_named(self):
        builder = mf.Builder((4,)).dense(4)
        for option, value in (("similarity", "0.9"), ("candidates", [1]), ("candidates", 1.5), ("output_node", "2")):
            with self.assertRaisesRegex(TypeError, f"^{option}: "):
                builder.head(CLASSES, **{option: value})
        with self.assertRaisesRegex(TypeError, "^kernel: "):
            mf.Builder((1, 4, 4)).conv2d(2, kernel=(3, "3"), padding=1)
        with self.assertRaisesRegex(TypeError, "^dims: "):
            mf.Builder(((4,), (2,)))

    def test_precision(self):
        def made(precision):
            return mf.Builder(SHAPE, seed=7, precision=precision).dense(16).relu().head(CLASSES).build()

        network, losses = trained(made("bf16"))
        self.assertLess(losses[-1], losses[0] / 2)
        plain, _ = trained(made("float32"))
        self.assertNotEqual(digest(network.layer(0)), digest(plain.layer(0)))
        loaded = mf.Network.from_bytes(network.to_bytes())
        for each, precision in ((network, mf.abi.MF_PRECISION_BF16), (loaded, mf.abi.MF_PRECISION_BF16),
                                (plain, mf.abi.MF_PRECISION_FLOAT32)):
            self.assertEqual(each.layer(0).describe().precision, precision)
        with self.assertRaisesRegex(ValueError, "'fp16' is none of float32, bf16"):
            made("fp16")

    def test_same_as_in_c(self):
        """tests/ffi/residual.c builds and trains it in C, with the same library."""
        program = os.environ.get("MONOFORWARD_RESIDUAL")
        if not program:
            self.skipTest("the program in C was not built")
        in_c = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        made = [residual()]
        for layer in (residual(), *other_heads()):
            _, losses = trained(layer)
            self.assertLess(losses[-1], losses[0] / 2)
            made.append(layer)
        bits = [b"".join(values.tobytes() for values in layer.parameters().values()) for layer in made]
        self.assertEqual([fnv(each) for each in bits], in_c)

    def test_seeds(self):
        self.assertEqual(digest(residual(7)), digest(residual(7)))
        self.assertNotEqual(digest(residual(7)), digest(residual(8)))
        builder = mf.Builder((5,), seed=3).dense(4).tanh().head(2)
        self.assertEqual(digest(builder.build()), digest(builder.build()))

    def test_units_of_sequences(self):
        builder = mf.Builder((5, 4), seed=3).layer_norm(bias=0).dense(6).silu().concat(0)
        self.assertEqual(builder.shape(), (5, 10))
        layer = builder.global_pool().head(2).build()
        self.assertEqual([unit.kind for unit in layer.units()],
                         [mf.abi.MF_UNIT_LAYER_NORM, mf.abi.MF_UNIT_DENSE, mf.abi.MF_UNIT_ACTIVATION,
                          mf.abi.MF_UNIT_CONCAT, mf.abi.MF_UNIT_GLOBAL_POOL])
        self.assertEqual(layer.units()[2].activation, mf.abi.MF_ACTIVATION_SILU)
        self.assertEqual(layer.shape(), ((5, 4), (10,)))
        builder = mf.Builder((2, 3, 4), seed=3).tokens().positions(weight_gain=0.5).dense(12).attention(2, causal=True)
        self.assertEqual(builder.shape(), (12, 4))
        layer = builder.transpose().flatten().head(2).build()
        self.assertEqual([unit.kind for unit in layer.units()],
                         [mf.abi.MF_UNIT_TOKENS, mf.abi.MF_UNIT_POSITIONS, mf.abi.MF_UNIT_DENSE,
                          mf.abi.MF_UNIT_ATTENTION, mf.abi.MF_UNIT_TRANSPOSE, mf.abi.MF_UNIT_FLATTEN])
        self.assertEqual((layer.units()[3].heads, layer.units()[3].causal, layer.units()[1].weight_gain), (2, 1, 0.5))
        self.assertEqual(layer.shape(), ((2, 3, 4), (48,)))

    def test_tokens(self):
        x, y = numpy.array([[8, 0, 3], [3, 1, 2]], numpy.int32), numpy.array([0, 1], numpy.int32)
        found = []
        for dtype in (numpy.float32, numpy.int32):
            layer = mf.Builder((3,), seed=3).embedding(9, 4, weight_gain=0.5).positions().head(2).build()
            self.assertEqual((layer.units()[0].vocabulary, layer.units()[0].outputs), (9, 4))
            self.assertEqual(layer.shape(), ((3,), (3, 4)))
            network = mf.Network()
            network.append(layer)
            network.set_optimizer(mf.Optimizer("adam"))
            workspace = mf.Workspace(network, 2, convert=True)
            for _ in range(3):
                network.step(workspace, x.astype(dtype), y)
            with self.assertRaisesRegex(mf.MonoforwardError, "token 2 of row 0 is 9"):
                network.step(workspace, numpy.array([[0, 0, 9]], dtype), y[:1])
            found.append(digest(layer))
        self.assertEqual(found[0], found[1])

    def test_blocks(self):
        def add_conv(builder, filters, kernel=3, stride=1):
            return builder.conv2d(filters, kernel, stride=stride, bias=0).batch_norm()

        by_hand = add_conv(add_conv(mf.Builder((2, 6, 6), seed=3), 4, stride=2).relu(), 4)
        by_hand = add_conv(by_hand.branch(0), 4, 1, 2).add(5).relu()
        block = mf.Builder((2, 6, 6), seed=3).residual(4, 2)
        self.assertEqual((block.node(), block.shape()), (9, (4, 3, 3)))
        self.assertEqual(digest(block.head(2).build()), digest(by_hand.head(2).build()))
        layer = mf.Builder((8, 6, 6)).residual().bottleneck(hidden=3).branch(0).bottleneck(8).add(17).head(2).build()
        self.assertEqual([layer.units()[i].outputs for i in (0, 7, 17)], [8, 3, 2])
        self.assertEqual(layer.units()[17].inputs[0], 0)
        layer = (mf.Builder((5, 4)).mixer(token_hidden=3).transformer(2, causal=True, activation="silu")
                 .block("transformer", hidden=7).head(2).build())
        units = layer.units()
        self.assertEqual([units[i].outputs for i in (2, 8, 18, 28)], [3, 16, 16, 7])
        self.assertEqual((units[14].heads, units[14].causal, units[19].activation),
                         (2, 1, mf.abi.MF_ACTIVATION_SILU))
        with self.assertRaisesRegex(mf.MonoforwardError, "reads maps"):
            mf.Builder((5, 4)).residual()
        with self.assertRaises(TypeError):
            mf.Builder((5, 4)).mixer(input=0)

    def test_positions(self):
        layer = mf.Builder((3, 2), seed=1).dense(8).relu().head(2, kind="positions").build()
        self.assertEqual(layer.goodness_shape(), (3, 2))
        network = mf.Network([layer])
        network.set_optimizer(mf.Optimizer("adam", learning_rate=0.05))
        workspace = mf.Workspace(network, 2)
        x = numpy.array([[[1, 0], [0, 1], [1, 0]], [[0, 1], [1, 0], [0, 1]]], numpy.float32)
        y = numpy.array([[0, 1, 0], [1, 0, mf.abi.MF_LABEL_IGNORED]], numpy.int32)
        for _ in range(100):
            network.step(workspace, x, y)
        self.assertEqual((workspace.report().rows, workspace.report().correct), (5, 5))
        self.assertEqual(network.predict(workspace, x.reshape(2, 6)).tolist(), [[0, 1, 0], [1, 0, 1]])
        self.assertEqual(network.probabilities(workspace, x).shape, (2, 3, 2))
        with self.assertRaises(ValueError):
            network.step(workspace, x, y[:, :2].copy())
        with self.assertRaises(ValueError):
            network.step(workspace, x, y[:, 0].copy())
        with self.assertRaises(ValueError):
            network.step(workspace, x[:, :2].copy(), y)

    def test_sampling(self):
        layer = mf.Builder((4,), seed=1).dense(8).relu().head(50, sampling="counts", candidates=10).build()
        counts = numpy.arange(50, dtype=numpy.float32)
        layer.set_parameter("head.counts", counts)
        numpy.testing.assert_array_equal(layer.parameters()["head.counts"], counts)
        network = mf.Network([layer])
        network.set_optimizer(mf.Optimizer("adam", learning_rate=0.05))
        workspace = mf.Workspace(network, 8)
        x = numpy.random.default_rng(1).normal(size=(8, 4)).astype(numpy.float32)
        y = numpy.arange(8, dtype=numpy.int32) * 6
        for _ in range(300):
            network.step(workspace, x, y)
        numpy.testing.assert_array_equal(network.predict(workspace, x), y)
        numpy.testing.assert_array_equal(network.top(workspace, x, 3)[0][:, 0], y)
        with self.assertRaisesRegex(mf.MonoforwardError, "candidates must be from 1 to the 50 classes, got 0"):
            mf.Builder((4,)).dense(8).head(50, sampling="uniform").build()

    def learn_by_heart(self, layer):
        network = mf.Network([layer])
        network.set_optimizer(mf.Optimizer("adam", learning_rate=0.05))
        workspace = mf.Workspace(network, 9)
        x = numpy.random.default_rng(1).normal(size=(9, 4)).astype(numpy.float32)
        y = numpy.arange(9, dtype=numpy.int32) % 3
        for _ in range(200):
            network.step(workspace, x, y)
        numpy.testing.assert_array_equal(network.predict(workspace, x), y)
        return network, workspace, x, y

    def test_similarity(self):
        layer = mf.Builder((4,), seed=1).dense(8).relu().dense(6, bias=0).head(3, similarity=0.5).build()
        self.assertEqual(layer.parameters()["head.projection"].shape, (3, 8))
        self.learn_by_heart(layer)
        with self.assertRaisesRegex(mf.MonoforwardError, "similarity 0.5: the only unit would be the map for it"):
            mf.Builder((4,)).dense(8).head(3, similarity=0.5).build()

    def test_auxiliary_heads(self):
        builder = mf.Builder((4,), seed=1).dense(8).relu()
        output = builder.node()
        layer = (builder.dense(3, loss_weight=0.3).branch(output).dense(6).relu().dense(3, loss_weight=1)
                 .head(3, input_node=output).build())
        self.assertEqual(layer.parameters()["head.projection"].shape, (3, 8))
        self.assertEqual(layer.parameters()["units.6.weight"].shape, (3, 6))
        self.assertEqual([round(unit.loss_weight, 6) for unit in layer.units()], [0, 0, 0.3, 0, 0, 1])
        network, workspace, x, y = self.learn_by_heart(layer)
        loss = workspace.report().loss
        network.evaluate(workspace, x, y)
        self.assertLess(workspace.report().loss, loss)
        with self.assertRaisesRegex(mf.MonoforwardError, "must be behind input_node"):
            mf.Builder((4,)).dense(8).dense(3, loss_weight=1).head(3).build()

    def test_units(self):
        layer = (mf.Builder((2, 9, 9), seed=1).conv2d(4, 3, 0, 2, bias=0).leaky_relu(0.5).max_pool(3, 2, 1).dropout(0.25, maps=True)
                 .unit("pool", pool="average_inside", padding=1).dense(6).gelu().branch(5).dense(6).activation("identity").add(7).head(2).build())
        kinds = [unit.kind for unit in layer.units()]
        self.assertEqual(kinds, [mf.abi.MF_UNIT_CONV2D, mf.abi.MF_UNIT_ACTIVATION, mf.abi.MF_UNIT_POOL,
                                 mf.abi.MF_UNIT_DROPOUT, mf.abi.MF_UNIT_POOL, mf.abi.MF_UNIT_DENSE,
                                 mf.abi.MF_UNIT_ACTIVATION, mf.abi.MF_UNIT_DENSE, mf.abi.MF_UNIT_ACTIVATION,
                                 mf.abi.MF_UNIT_ADD])
        conv, leaky, pool, dropout = layer.units()[:4]
        self.assertEqual((conv.outputs, conv.bias, conv.stride[1], conv.padding[0]), (4, 0, 2, 0))
        self.assertEqual((leaky.leak, pool.pool, dropout.dropout, dropout.dropout_maps),
                         (0.5, mf.abi.MF_POOL_MAX, 0.25, 1))
        self.assertEqual((list(pool.padding), layer.units()[4].pool), ([1, 1], mf.abi.MF_POOL_AVERAGE_INSIDE))
        self.assertEqual(list(layer.units()[7].inputs)[0], 5)
        self.assertEqual(list(layer.units()[9].inputs), [9, 7])
        self.assertEqual(layer.shape(), ((2, 9, 9), (6,)))
        self.assertEqual(layer.head().classes, 2)
        self.assertRegex(repr(layer.head()), r"^mf_head_spec\(kind=0, classes=2, .*, input_node=-1\)$")
        self.assertNotIn("shared", repr(layer.head()))
        self.assertRegex(repr(conv), r"outputs=4, bias=0, .*kernel=\[3, 3\]")
        again = mf.Builder((5,))
        self.assertEqual((again.dense(3).relu().node(), again.shape(), again.shape(0)), (2, (3,), (5,)))

    def test_summary(self):
        text = mf.Network([residual()]).summary(ROWS)
        for part in ("conv2d", "node 5 + node 0", "gradients stop here", f"workspace for {ROWS} rows"):
            self.assertIn(part, text)

    def test_memory(self):
        builders = [mf.Builder(SHAPE).conv2d(4).add(0).head(CLASSES)]
        memory = mf.network_memory(builders, ROWS, optimizer="adam")
        self.assertGreater(memory.state, 0)
        self.assertEqual(mf.network_memory(builders, ROWS).state, 0)

    def test_memory_of_layers_that_have_a_spec(self):
        """Their builders make what Layer() makes, and tell beforehand, to the byte, what it takes."""
        options = {"kind": "conv2d", "channels": 3, "height": 8, "width": 6, "filters": 4, "classes": 10, "seed": 3}
        builder, memory = mf.Builder.from_spec(**options), Memory()
        layer = mf.Layer(allocator=mf.Allocator(memory.alloc, memory.free), **options)
        self.assertEqual(digest(builder.build()), digest(layer))
        self.assertEqual(mf.network_memory([builder], ROWS).layers, sum(size for _, size in memory.blocks.values()))
        with mf.Pool(3) as pool:
            workspace = mf.Workspace(mf.Network([layer]), ROWS, pool=pool,
                                     allocator=mf.Allocator(memory.alloc, memory.free))
        before = sum(size for _, size in memory.blocks.values())
        threads, alone = mf.network_memory([builder], ROWS, threads=3), mf.network_memory([builder], ROWS)
        self.assertGreater(threads.workspace, alone.workspace)
        workspace.close()
        self.assertEqual(before - sum(size for _, size in memory.blocks.values()), threads.workspace)
        with self.assertRaises(mf.MonoforwardError) as caught:
            builder.relu()
        self.assertEqual(caught.exception.status_name, "MF_STATUS_STATE")
        with self.assertRaisesRegex(TypeError, "no option 'input'"):
            mf.Builder.from_spec(input=3, outputs=3, classes=2)

    def test_allocator(self):
        blocks = {}

        def alloc(size, alignment):
            block = ctypes.create_string_buffer(size + alignment)
            address = -(-ctypes.addressof(block) // alignment) * alignment
            blocks[address] = block
            return address

        builder = mf.Builder((4,), allocator=mf.Allocator(alloc, lambda address, size: blocks.pop(address)))
        layer = builder.dense(3).head(2).build()
        builder.close()
        del builder
        gc.collect()
        self.assertEqual(layer.shape(), ((4,), (3,)))
        self.assertTrue(blocks)
        layer.close()
        self.assertFalse(blocks)
        with self.assertRaises(mf.MonoforwardError):
            mf.Builder((4,), allocator=mf.Allocator(lambda size, alignment: None, None))

    def test_errors(self):
        def status(error):
            with self.assertRaises(mf.MonoforwardError) as caught:
                error()
            return caught.exception.status_name

        self.assertEqual(status(lambda: mf.Builder(SHAPE).conv2d(5).add(0)), "MF_STATUS_SHAPE")
        self.assertEqual(status(lambda: mf.Builder((4,)).dense(5).build()), "MF_STATUS_STATE")
        self.assertEqual(status(lambda: mf.Builder((1, 2, 3, 4))), "MF_STATUS_ARGUMENT")
        with self.assertRaisesRegex(TypeError, "no option 'filters'"):
            mf.Builder(SHAPE).unit("conv2d", filters=1)
        with self.assertRaisesRegex(ValueError, "'lstm' is none of dense, conv2d"):
            mf.Builder(SHAPE).unit("lstm")
        for node in (1 << 32, (1 << 32) + 1):
            with self.assertRaises(ValueError):
                mf.Builder((16, 8, 8)).conv2d(16).branch(node).residual()


def fnv(bits):
    """FNV-1a of 64 bits, in hexadecimal digits."""
    value = 0xCBF29CE484222325
    for byte in bits:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return f"{value:016x}"


if __name__ == "__main__":
    unittest.main()
