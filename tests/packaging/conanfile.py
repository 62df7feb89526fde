"""Runs the Conan recipe with stand-ins for Conan: python3 conanfile.py SOURCE_FOLDER VERSION"""

import importlib.util
import os
import shutil
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


folder = os.path.join(root, "cmake", "packaging", "conan")
read(os.path.join(folder, "test_package", "conanfile.py"))
recipe = read(os.path.join(folder, "conanfile.py")).Monoforward()
recipe.recipe_folder = folder
recipe.set_version()
assert recipe.version == version, f"version {recipe.version}, the header has {version}"

with tempfile.TemporaryDirectory() as exported:
    recipe.export_sources_folder = exported
    recipe.export_sources()
    needed = ["CMakeLists.txt", "LICENSE", "include/monoforward.h", "lib/CMakeLists.txt", "cmake/Install.cmake",
              "pkgconfig/monoforward.pc.in"]
    for name in needed:
        assert os.path.isfile(os.path.join(exported, name)), f"{name} is not exported"

for shared, blas in (True, "openblas"), (False, "builtin"):
    asked = []
    recipe.options = Settings(shared=shared, blas=blas)
    recipe.requires = asked.append
    recipe.requirements()
    recipe.generate()
    variables = Toolchain.last.cache_variables
    assert len(asked) == (blas == "openblas"), asked
    assert variables["BUILD_SHARED_LIBS"] is shared and variables["MF_BLAS"] == blas, variables

recipe.settings = Settings(compiler="msvc")
try:
    recipe.validate()
except sys.modules["conan.errors"].ConanInvalidConfiguration:
    pass
else:
    raise AssertionError("a compiler that the library does not build with is accepted")
