"""mnist.py on images in the format of MNIST, and against the example in C. SPDX-License-Identifier: MIT"""
import gzip
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import numpy

import idx

SCRIPT = pathlib.Path(os.environ["MONOFORWARD_SOURCE"], "examples/bindings/python/mnist.py")
C_EXAMPLE = pathlib.Path(os.environ["MONOFORWARD_LIBRARY"]).parent.parent / "examples" / "mnist"
SMALL = ["--hidden", "40,30", "--epochs", "2", "--batch", "64", "--seed", "3", "--learning-rate", "0.002"]


def write(folder, part, images, labels, opener=open, ending=""):
    with opener(f"{folder}/{part}-images-idx3-ubyte{ending}", "wb") as file:
        file.write(struct.pack(">4I", 0x803, len(images), 28, 28) + images.tobytes())
    with opener(f"{folder}/{part}-labels-idx1-ubyte{ending}", "wb") as file:
        file.write(struct.pack(">2I", 0x801, len(labels)) + labels.tobytes())


def run(*command):
    return subprocess.run([str(each) for each in command], capture_output=True, text=True)


def results(done):
    line = done.stdout.splitlines()[-1]
    assert line.startswith("result "), done.stdout + done.stderr
    return dict(word.split("=", 1) for word in line.split()[1:])


class Mnist(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory(prefix="a folder ")
        self.addCleanup(self.work.cleanup)
        self.folder = self.work.name
        write(self.folder, "train", *idx.draw(3001, 1), gzip.open, ".gz")
        write(self.folder, "t10k", *idx.draw(1000, 2))

    def python(self, *options, data=True):
        return run(sys.executable, SCRIPT, *(("--data", self.folder) if data else ()), *options)

    def test_learns(self):
        seen = results(self.python(*SMALL))
        self.assertEqual((seen["example"], seen["data"]), ("mnist.py", "idx"))
        self.assertGreaterEqual(float(seen["last"]), 90)
        self.assertGreaterEqual(float(seen["sum"]), 90)
        self.assertGreater(float(seen["samples_per_second"]), 0)

    def test_same_as_the_example_in_c(self):
        if not C_EXAMPLE.exists():
            self.skipTest(f"there is no {C_EXAMPLE}")
        by_c, by_python = results(run(C_EXAMPLE, "--data", self.folder, *SMALL)), results(self.python(*SMALL))
        same = "epochs seed hidden optimizer learning_rate batch layer1 layer2 last sum loss params_hash".split()
        self.assertEqual({key: by_python[key] for key in same}, {key: by_c[key] for key in same})

    def test_workers_give_the_same(self):
        self.assertEqual(results(self.python(*SMALL, "--workers", "0"))["params_hash"],
                         results(self.python(*SMALL, "--workers", "2"))["params_hash"])

    def test_complains(self):
        for text, options in (("images-idx3-ubyte", ["--data", "/no/such/folder"]), ("--epochs", ["--epochs", "0"]),
                              ("learning_rate", ["--learning-rate", "-1"]), ("unrecognized", ["--epoch-count", "3"])):
            done = self.python(*options)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(text, done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_damaged_files(self):
        path = f"{self.folder}/t10k-images-idx3-ubyte"
        with open(path, "r+b") as file:
            file.truncate(1000)
        done = self.python(*SMALL)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("1000 bytes", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_drawn(self):
        self.assertTrue(numpy.array_equal(idx.draw(20, 5)[0], idx.draw(20, 5)[0]))
        # Elsewhere, so that there is no data in the usual places.
        copy = pathlib.Path(self.folder, "elsewhere", "examples", "bindings", "python")
        shutil.copytree(SCRIPT.parent, copy)
        done = run(sys.executable, copy / "mnist.py", "--hidden", "20", "--epochs", "1")
        self.assertIn("not MNIST", done.stdout)
        self.assertEqual(results(done)["data"], "drawn")
        self.assertGreaterEqual(float(results(done)["last"]), 90)

    def test_the_variable_names_the_folder_or_the_one_above(self):
        above = tempfile.TemporaryDirectory()
        self.addCleanup(above.cleanup)
        below = pathlib.Path(above.name, "mnist")
        below.symlink_to(self.folder)
        usual = idx.find(None)
        for named, found in ((self.folder, self.folder), (above.name, str(below)), ("/nowhere", usual)):
            with unittest.mock.patch.dict(os.environ, {"MONOFORWARD_DATA": named}):
                self.assertEqual(idx.find(None), found)
                self.assertEqual(idx.find("given"), "given")

    def test_comparison(self):
        if not C_EXAMPLE.exists():
            self.skipTest(f"there is no {C_EXAMPLE}")
        environment = {**os.environ, "MONOFORWARD_DATA": self.folder, "PYTHON": sys.executable}
        done = subprocess.run(["sh", str(SCRIPT.parent / "compare.sh"), str(C_EXAMPLE.parent.parent), "1", *SMALL],
                              capture_output=True, text=True, env=environment)  # its exit code tells the ratio
        self.assertEqual(results(done)["same_parameters"], "yes", done.stdout + done.stderr)
        self.assertGreater(float(results(done)["ratio"]), 0)


if __name__ == "__main__":
    unittest.main()
