#!/bin/sh
# cpack's tarball holds what a user needs and nothing else; unpacked anywhere, pkg-config and CMake find it, and
# README's program runs. Arguments: source folder, build folder. Reads CC, CMAKE, CPACK.
# SPDX-License-Identifier: MIT
set -eu
source=$1
build=$2
CMAKE=${CMAKE:-cmake}
# shellcheck source=tests/manifest.sh
. "$(dirname "$0")/../manifest.sh"
status=0

"${CPACK:-cpack}" --config "$build/CPackConfig.cmake" -B "$work/out" >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
tarball=$(find "$work/out" -maxdepth 1 -name '*.tar.gz')
version=$(awk '/^#define MF_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", dot, $3; dot = "." }' \
    "$source/include/monoforward.h")
top=$(basename "$tarball" .tar.gz)
case $top in
"monoforward-$version-"*-*) ;;
*)
    echo "failed: the tarball is called '$top'"
    exit 1
    ;;
esac
(cd "$work/out" && sha256sum -c "$top.tar.gz.sha256") >"$work/log" 2>&1 || {
    echo "failed: the checksum beside the tarball: $(cat "$work/log")"
    status=1
}

mkdir "$work/a folder"
tar -x -z -f "$tarball" -C "$work/a folder"
[ "$(ls "$work/a folder")" = "$top" ] || {
    echo "failed: more than one folder in the tarball: $(ls "$work/a folder")"
    status=1
}
prefix="$work/a folder/$top"
lib=$(dirname "$(find "$prefix" -name libmonoforward.a)")
# The folder of libraries has different names; man pages are there if they were made.
(cd "$prefix" && find . ! -type d | sed "s|^\./||; s|^${lib#"$prefix/"}/|LIB/|" | grep -v '^share/man/' |
    LC_ALL=C sort) >"$work/found"
cat >"$work/expected" <<LIST
LIB/cmake/monoforward/monoforward-config-version.cmake
LIB/cmake/monoforward/monoforward-config.cmake
LIB/cmake/monoforward/monoforward-targets-CONFIG.cmake
LIB/cmake/monoforward/monoforward-targets.cmake
LIB/libmonoforward.a
LIB/libmonoforward.so
LIB/libmonoforward.so.0
LIB/libmonoforward.so.$version
LIB/pkgconfig/monoforward.pc
LIST
headers='monoforward.*'
if find "$build/lib" -name libmonoforward_mpi.a | grep -q .; then # this build has found MPI
    headers='monoforward*'
    for name in cmake/monoforward/monoforward-mpi-targets-CONFIG.cmake cmake/monoforward/monoforward-mpi-targets.cmake \
        libmonoforward_mpi.a libmonoforward_mpi.so libmonoforward_mpi.so.0 "libmonoforward_mpi.so.$version" \
        pkgconfig/monoforward-mpi.pc; do
        echo "LIB/$name"
    done >>"$work/expected"
fi
(cd "$source/include" && find . -name "$headers") | sed 's|^\.|include|' >>"$work/expected"
echo share/doc/monoforward/README.md >>"$work/expected"
# What README.md leads to, and the other documents, with their pictures and figures.
(cd "$source" && ls CHANGELOG.md CONTRIBUTING.md LICENSE examples/*.c examples/*.md &&
    find docs \( -name '*.md' -o -name '*.svg' -o -name '*.png' -o -name '*.log' -o \
        -name '*.txt' -o -name '*.csv' \)) | sed 's|^|share/doc/monoforward/|' >>"$work/expected"
sed -i 's/\(monoforward-.*targets\|monoforward-targets\)-[a-z]*\.cmake/\1-CONFIG.cmake/' "$work/found"
LC_ALL=C sort -o "$work/expected" "$work/expected"
diff "$work/expected" "$work/found" || {
    echo "failed: the contents of the tarball (< expected, > found)"
    status=1
}
sh "$source/tests/docs/md_links.sh" "$prefix/share/doc/monoforward" || status=1
if grep -rnF -e "$source" -e "$build" "$lib/cmake" "$lib/pkgconfig"; then
    echo "failed: the tarball names folders of this machine"
    status=1
fi

# From a folder whose name has no space: linkers take flags of pkg-config as words.
mv "$prefix" "$work/moved"
lib=$work/moved/${lib#"$prefix/"}
PKG_CONFIG_PATH=$lib/pkgconfig CMAKE_PREFIX_PATH=$work/moved LD_LIBRARY_PATH=$lib
export PKG_CONFIG_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH
(cd "$source" && sh cmake/packaging/debian/tests/readme) || status=1

# The line of README.md for a prefix of one's own: the program finds the library without any help.
unset LD_LIBRARY_PATH
cd "$work"
awk '/^```/ { inside = 0 } inside { print } /^\/\* first\.c/ { inside = 1 }' "$source/README.md" >first.c
eval "$(sed -n 's/^export PKG_CONFIG_PATH=DIR/PKG_CONFIG_PATH=$work\/moved/p; /^cc first\.c/p' "$source/README.md" |
    sed "s|/lib/pkgconfig.*|${lib#"$work/moved"}/pkgconfig|")"
answer=$(./first) || status=1
[ "$answer" = "0 1 1 0" ] || {
    echo "failed: README's program prints '$answer' from a prefix of one's own"
    status=1
}

# The sources as a tarball, where there is a commit to take them from.
if git -C "$source" rev-parse --verify -q HEAD >"$work/log" 2>&1; then
    "$CMAKE" --build "$build" --target dist >"$work/log" 2>&1 || {
        cat "$work/log"
        exit 1
    }
    tar -t -z -f "$build/monoforward-$version.tar.gz" >"$work/sources"
    for file in CMakeLists.txt LICENSE include/monoforward.h lib/CMakeLists.txt cmake/monoforward.map; do
        grep -qx "monoforward-$version/$file" "$work/sources" || {
            echo "failed: the sources lack $file"
            status=1
        }
    done
    if grep -vE "^(monoforward-$version/|pax_global_header)" "$work/sources"; then
        echo "failed: files beside the one folder of the sources"
        status=1
    fi
else
    echo "skip: tarball of the sources: no git commit here"
fi
exit "$status"
