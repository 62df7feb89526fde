# For tests that install a build to folders of their own: the build's list of what was installed is the user's, who may
# want to uninstall after the tests. Read behind `build=FOLDER`; gives $work, which goes with the test. The list is moved,
# since root may own it. Only one test at a time can do so: RESOURCE_LOCK in CMakeLists.txt.
# SPDX-License-Identifier: MIT
work=$(mktemp -d)
manifest=$build/install_manifest.txt
leave() {
    rm -f "$manifest"
    [ ! -f "$work/manifest" ] || mv "$work/manifest" "$manifest"
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT TERM
[ ! -f "$manifest" ] || mv "$manifest" "$work/manifest"

# static_only SOURCE PREFIX COPY: a copy of an installed tree as if BUILD_SHARED_LIBS=OFF had been said, with what pkg-config
# reads of a build with the options of this one. It is configured, which is enough for that.
static_only() {
    cp -R "$2" "$3"
    find "$3" -name 'libmonoforward*.so*' -exec rm -f {} +
    sed -nE 's/^(MF_BLAS|MF_MPI|MPI_C_COMPILER|CMAKE_C_COMPILER|CMAKE_BUILD_TYPE|CMAKE_INSTALL_LIBDIR):[^=]*=(.*)/set(\1 "\2" CACHE STRING "")/p' \
        "$build/CMakeCache.txt" >"$work/options.cmake"
    "$CMAKE" -C "$work/options.cmake" -S "$1" -B "$work/static-build" -DBUILD_SHARED_LIBS=OFF -DMF_REFERENCE=off \
        -DMF_BUILD_TESTS=OFF -DMF_BUILD_EXAMPLES=OFF >"$work/log" 2>&1 || {
        cat "$work/log"
        exit 1
    }
    cp "$work"/static-build/*.pc "$(dirname "$(find "$3" -name monoforward.pc)")"
}
