"""Conan 2 recipe of libmonoforward: conan create cmake/packaging/conan, in a checkout.

SPDX-License-Identifier: MIT
"""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load, rmdir

required_conan_version = ">=2.0"


class Monoforward(ConanFile):
    name = "monoforward"
    description = "Trains neural networks inside your program, without backpropagation"
    license = "MIT"
    homepage = "https://arxiv.org/abs/2501.09238"
    topics = ("machine-learning", "neural-network", "training", "embedded")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {
        "shared": [True, False],
        "fPIC": [True, False],
        "blas": ["openblas", "builtin"],  # builtin: slow but on x86-64 with AVX2 and 64-bit ARM
    }
    default_options = {"shared": False, "fPIC": True, "blas": "openblas"}
    implements = ["auto_shared_fpic"]

    @property
    def _sources(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def set_version(self):
        header = load(self, os.path.join(self._sources, "include", "monoforward.h"))
        self.version = ".".join(re.findall(r"#define MF_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", header))

    def export_sources(self):
        for pattern in ("CMakeLists.txt", "LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "cmake/*", "docs/*",
                        "include/*", "lib/*", "pkgconfig/*"):
            copy(self, pattern, self._sources, self.export_sources_folder)

    def configure(self):
        if self.options.shared:  # a recipe with this method of its own has to do so itself
            self.options.rm_safe("fPIC")
        self.settings.rm_safe("compiler.cppstd")
        self.settings.rm_safe("compiler.libcxx")

    def validate(self):
        if self.settings.compiler not in ("gcc", "clang", "apple-clang"):
            raise ConanInvalidConfiguration("monoforward needs GCC or Clang")

    def requirements(self):
        if self.options.blas == "openblas":
            self.requires("openblas/[>=0.3.20 <1]")

    def build_requirements(self):
        self.tool_requires("cmake/[>=3.20 <5]")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["MF_BLAS"] = str(self.options.blas)
        toolchain.cache_variables["MF_MPI"] = "off"
        toolchain.cache_variables["MF_REFERENCE"] = "off"
        toolchain.cache_variables["MF_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["MF_BUILD_TESTS"] = False
        # By this one, the project installs one of its two libraries.
        toolchain.cache_variables["BUILD_SHARED_LIBS"] = bool(self.options.shared)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        # Conan describes the package to CMake and pkg-config itself.
        for folder in ("lib/cmake", "lib/pkgconfig", "share"):
            rmdir(self, os.path.join(self.package_folder, folder))

    def package_info(self):
        self.cpp_info.libs = ["monoforward"]
        self.cpp_info.set_property("cmake_file_name", "monoforward")
        self.cpp_info.set_property("cmake_target_name", "monoforward::monoforward")
        self.cpp_info.set_property("pkg_config_name", "monoforward")
        if self.settings.os == "Linux":
            self.cpp_info.system_libs = ["m", "pthread", "dl"]
