"""ctypes sees the structs as the description does, and the library has all functions. SPDX-License-Identifier: MIT"""
import ctypes
import inspect
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import typing
import unittest
from unittest import mock

import monoforward as mf
from monoforward import _handles, _library

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
            self.assertTrue(callable(getattr(mf.library, function["name"])))
            _, arguments = mf.abi.FUNCTIONS[function["name"]]
            self.assertEqual(len(arguments), len(function["parameters"]), function["name"])

    def test_names_of_constants(self):
        """What a call takes by name is one kind of constants: no two have the same number, and none is left out."""
        groups = [each for each in [*vars(_handles).values(), *_handles.FIELDS.values()]
                  if isinstance(each, dict) and each and all(isinstance(value, int) for value in each.values())]
        self.assertGreater(len(groups), 12)
        for group in groups:
            self.assertEqual(len(set(group.values())), len(group), group)
        values = {constant["name"]: constant["value"] for constant in DESCRIPTION["constants"]}
        for prefix, *groups in (("MF_OPTIMIZER_", _handles.OPTIMIZERS, _handles.OPTIMIZER_KEYS),
                                ("MF_LAYER_", _handles.LAYERS, _handles.LAYER_KEYS),
                                ("MF_WORKSPACE_", _handles.PURPOSES, {"convert": 2})):
            named = {prefix + name.upper(): number for group in groups for name, number in group.items()}
            self.assertEqual(sum(map(len, groups)), len(named))
            self.assertEqual(named, {name: value for name, value in values.items() if name.startswith(prefix)})

    def test_version(self):
        self.assertEqual(mf.version(), mf.abi.VERSION)


class Document(unittest.TestCase):
    def test_functions_that_have_no_method(self):
        """docs/ffi.md names each that no module of the package calls, and no other."""
        package = pathlib.Path(mf.__file__).parent
        sources = "".join(each.read_text() for each in package.glob("*.py") if each.name != "_abi.py")
        called = set(re.findall(r"\bmf_\w+", sources))
        behind = {name + end for name in called for end in ("_init", "_create", "_free")}  # of specs and of handles
        inits = {struct["name"] + "_init" for struct in DESCRIPTION["structs"]}  # result_struct() and batch() do that
        missing = {function["name"] for function in DESCRIPTION["functions"]} - called - behind - inits
        page = pathlib.Path(os.environ["MONOFORWARD_SOURCE"], "docs/ffi.md").read_text()
        table = page.partition("### What has no method")[2].partition("\n\nAll functions can")[0]
        first = "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))
        # That one the classifier calls; it has no method either.
        self.assertEqual(set(re.findall(r"\bmf_\w+(?=\(\))", first)) - {"mf_schedule_cosine"}, missing)
        self.assertGreater(len(missing), 10)


class Finding(unittest.TestCase):
    def run_python(self, program="print(monoforward.version())", **environment):
        return subprocess.run([sys.executable, "-c", "import monoforward; " + program],
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

    def test_copied_elsewhere(self):
        """A copy of the package says where it has looked; with the library beside it, it needs nothing else."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(pathlib.Path(mf.__file__).parent, pathlib.Path(folder, "monoforward"))
            alone = {"PYTHONPATH": folder, "MONOFORWARD_LIBRARY": "", "LD_LIBRARY_PATH": ""}
            run = self.run_python(**alone)
            if run.returncode != 0:  # the library is not installed on this machine
                for text in ("Looked for:", "beside the package", "$MONOFORWARD_LIBRARY"):
                    self.assertIn(text, run.stderr)
            shutil.copy(self.library(), pathlib.Path(folder, "monoforward", mf.abi.SONAME))
            run = self.run_python(**alone)
            self.assertEqual(run.stdout.strip(), mf.version(), run.stderr)

    def test_installed_in_a_prefix(self):
        """As `cmake --install --prefix` and `pip install --prefix` put them: PREFIX/lib and below it, or PREFIX/lib64
        while packages are below lib, as on Fedora, or a folder within lib, as on Debian."""
        machine = sysconfig.get_config_var("MULTIARCH")
        for folder in ("lib", "lib64", f"lib/{machine}") if machine else ("lib", "lib64"):
            with tempfile.TemporaryDirectory() as prefix, self.subTest(folder):
                packages, there = pathlib.Path(prefix, "lib/python3/site-packages"), pathlib.Path(prefix, folder)
                shutil.copytree(pathlib.Path(mf.__file__).parent, packages / "monoforward")
                there.mkdir(parents=True, exist_ok=True)
                shutil.copy(self.library(), there / mf.abi.SONAME)
                run = self.run_python("print(monoforward.library._opened._name)", PYTHONPATH=str(packages),
                                      MONOFORWARD_LIBRARY="", LD_LIBRARY_PATH="")
                self.assertEqual(run.stdout.strip(), str(there / mf.abi.SONAME), run.stderr)

    def test_places(self):
        """In every prefix lib and lib64; of both, lib may hold what programs of 32 bits open, which need no lib64."""
        for bits, folders in ((64, ["lib64", "lib"]), (32, ["lib"])):
            with mock.patch("sys.prefix", "/of/python"), mock.patch("sys.maxsize", 2**(bits - 1) - 1), \
                    mock.patch("monoforward._library.__file__", "/of/package/lib/python3/monoforward/_library.py"):
                places = [str(file) for _, file in _library._candidates()]
            for prefix in ("/of/package", "/of/python", "/usr/local"):
                self.assertEqual([each for each in places if os.path.dirname(os.path.dirname(each)) == prefix],
                                 [f"{prefix}/{folder}/{mf.abi.SONAME}" for folder in folders])

    def test_older_library(self):
        with self.assertRaisesRegex(AttributeError, "has no function mf_of_the_future: it is older"):
            mf.abi.FUNCTIONS["mf_of_the_future"] = None, []
            mf.library.mf_of_the_future

    @staticmethod
    def library():
        return os.path.realpath(os.environ["MONOFORWARD_LIBRARY"])


class Hints(unittest.TestCase):
    def test_everything_public_has_them(self):
        """Parameters and results of all public functions, as py.typed promises."""
        functions = [each for each in vars(mf).values() if inspect.isfunction(each)]
        for kind in vars(mf).values():
            if inspect.isclass(kind):
                functions += [each for name, each in inspect.getmembers(kind, inspect.isroutine)
                              if (getattr(each, "__module__", None) or "").startswith("monoforward") and not name.startswith("_")]
                functions += [kind.__init__] if "__init__" in vars(kind) else []
        self.assertGreater(len(functions), 90)
        for function in functions:
            hints = typing.get_type_hints(function)
            wanted = set(inspect.signature(function).parameters) - {"self", "cls"} | {"return"}
            self.assertEqual(wanted - set(hints), set(), function.__qualname__)
        self.assertTrue(pathlib.Path(mf.__file__).with_name("py.typed").is_file())

    def test_mypy_finds_nothing(self):
        if subprocess.run([sys.executable, "-m", "mypy", "--version"], capture_output=True).returncode != 0:
            print("skip: types: there is no mypy (Debian: mypy)")
            return
        with tempfile.TemporaryDirectory() as folder:
            run = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", folder, pathlib.Path(mf.__file__).parent],
                                 capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout)


if __name__ == "__main__":
    unittest.main()
