"""Runs the Conan recipe with stand-ins for Conan: python3 conanfile.py SOURCE_FOLDER VERSION. Reads CC, CMAKE.

SPDX-License-Identifier: MIT
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import types

sys.dont_write_bytecode = True
root, version = sys.argv[1:]


def module(name, **content):
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(content)


class Toolchain:
    last = None

    def __init__(self, recipe):
        self.cache_variables = {}
        Toolchain.last = self

    def generate(self):
        pass


class Nothing:
    def __init__(self, *_):
        pass

    def generate(self):
        pass


def copy(recipe, pattern, source, target):
    """Conan's patterns: a * also stands for folders."""
    path = os.path.join(source, pattern.replace("/*", ""))
    assert os.path.exists(path), f"{pattern} does not exist"
    kind = shutil.copytree if os.path.isdir(path) else shutil.copy
    kind(path, os.path.join(target, os.path.basename(path)))


class Settings:
    def __init__(self, **values):
        vars(self).update(values)

    def rm_safe(self, name):
        vars(self).pop(name, None)


module("conan", ConanFile=object)
module("conan.errors", ConanInvalidConfiguration=type("ConanInvalidConfiguration", (Exception,), {}))
module("conan.tools")
module("conan.tools.build", can_run=lambda recipe: True)
module("conan.tools.cmake", CMake=Nothing, CMakeDeps=Nothing, CMakeToolchain=Toolchain, cmake_layout=Nothing)
module("conan.tools.files", copy=copy, rmdir=None, load=lambda recipe, path: open(path).read())


def read(path):
    spec = importlib.util.spec_from_file_location("recipe", path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}"


def files(folder):
    paths = [os.path.join(where, name) for where, _, names in os.walk(folder) for name in names]
    return {os.path.relpath(path, folder): open(path, "rb").read() for path in paths}


def install(sources, variables, prefix):
    """Installs an empty library from the sources, which are configured where they are, as by `cmake .`."""
    cmake, compiler = os.environ.get("CMAKE", "cmake"), os.environ.get("CC", "cc")
    run(cmake, "-S", sources, "-B", sources, f"-DCMAKE_C_COMPILER={compiler}", "-DCMAKE_INSTALL_LIBDIR=lib",
        *(f"-D{name}={value}" for name, value in variables.items()))
    library = os.path.join(sources, "lib", "libmonoforward.a")
    with open(library[:-1] + "c", "w") as source:
        source.write("int nothing;\n")
    run(compiler, "-c", library[:-1] + "c", "-o", library[:-1] + "o")
    run("ar", "qc", library, library[:-1] + "o")
    run(cmake, "--install", sources, "--prefix", prefix)


folder = os.path.join(root, "cmake", "packaging", "conan")
read(os.path.join(folder, "test_package", "conanfile.py"))
recipe = read(os.path.join(folder, "conanfile.py")).Monoforward()
recipe.recipe_folder = folder
recipe.set_version()
assert recipe.version == version, f"version {recipe.version}, the header has {version}"

for shared, blas in (True, "openblas"), (False, "builtin"):
    asked = []
    recipe.settings = Settings(os="Linux", compiler="gcc")
    recipe.options = Settings(shared=shared, blas=blas, fPIC=True)
    recipe.configure()
    assert hasattr(recipe.options, "fPIC") is not shared, "fPIC is an option of the static library alone"
    recipe.requires = asked.append
    recipe.requirements()
    recipe.generate()
    variables = Toolchain.last.cache_variables
    assert len(asked) == (blas == "openblas"), asked
    assert variables["BUILD_SHARED_LIBS"] is shared and variables["MF_BLAS"] == blas, variables
    assert variables["MF_MPI"] == variables["MF_REFERENCE"] == "off", variables

# What is exported can be configured, which changes nothing of it, and installed: by the variables of the last turn.
with tempfile.TemporaryDirectory() as work:
    recipe.export_sources_folder = os.path.join(work, "exported")
    os.mkdir(recipe.export_sources_folder)
    recipe.export_sources()
    before = files(recipe.export_sources_folder)
    install(recipe.export_sources_folder, variables, os.path.join(work, "prefix"))
    after, installed = files(recipe.export_sources_folder), files(os.path.join(work, "prefix"))
    changed = [name for name in before if after.get(name) != before[name]]
    assert not changed, f"configuring where the sources are has changed {changed}"
    for name in "include/monoforward.h", "lib/libmonoforward.a", "lib/pkgconfig/monoforward.pc":
        assert name in installed, f"{name} is not installed"
    mpi = [name for name in installed if "monoforward_mpi" in name or "monoforward-mpi" in name]
    assert not mpi, f"{mpi} are installed without being asked for"


recipe.settings = Settings(compiler="msvc")
try:
    recipe.validate()
except sys.modules["conan.errors"].ConanInvalidConfiguration:
    pass
else:
    raise AssertionError("a compiler that the library does not build with is accepted")
