"""ctypes sees the structs as the description does, and the library has all functions. SPDX-License-Identifier: MIT"""
import ctypes
import json
import os
import pathlib
import subprocess
import sys
import unittest

import monoforward as mf

with open(pathlib.Path(os.environ["MONOFORWARD_SOURCE"], "examples/bindings/abi/monoforward.json")) as file:
    DESCRIPTION = json.load(file)


class Declarations(unittest.TestCase):
    def test_sizes_and_offsets(self):
        self.assertGreater(len(DESCRIPTION["structs"]), 10)
        for struct in DESCRIPTION["structs"]:
            kind = getattr(mf.abi, struct["name"])
            self.assertEqual(ctypes.sizeof(kind), struct["size"], struct["name"])
            self.assertEqual([name for name, _ in kind._fields_], [field["name"] for field in struct["fields"]])
            for field in struct["fields"]:
                there = getattr(kind, field["name"])
                self.assertEqual((there.offset, there.size), (field["offset"], field["size"]), field["name"])

    def test_functions(self):
        self.assertGreater(len(DESCRIPTION["functions"]), 90)
        for function in DESCRIPTION["functions"]:
            there = getattr(mf.library, function["name"])
            self.assertEqual(len(there.argtypes), len(function["parameters"]), function["name"])

    def test_version(self):
        self.assertEqual(mf.version(), mf.abi.VERSION)


class Finding(unittest.TestCase):
    def run_python(self, **environment):
        return subprocess.run([sys.executable, "-c", "import monoforward; print(monoforward.version())"],
                              env={**os.environ, **environment}, capture_output=True, text=True)

    def test_named(self):
        self.assertEqual(self.run_python().stdout.strip(), mf.version())

    def test_named_but_missing(self):
        run = self.run_python(MONOFORWARD_LIBRARY="/no/such/library.so")
        self.assertNotEqual(run.returncode, 0)
        self.assertIn("/no/such/library.so", run.stderr)

    def test_by_soname_or_in_the_build_folder(self):
        # LD_LIBRARY_PATH names the folder of the library under test.
        run = self.run_python(MONOFORWARD_LIBRARY="")
        self.assertEqual(run.stdout.strip(), mf.version(), run.stderr)


if __name__ == "__main__":
    unittest.main()
