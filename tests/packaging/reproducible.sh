#!/bin/sh
# Two builds in two folders, of different names and depths, with other times, time zones and languages: every file
# that is installed has the same bytes. With debug information, which is what folder names get into.
# Arguments: source folder. Reads CC, CMAKE, MF_BLAS, MF_MPI, MPI_C_COMPILER. SPDX-License-Identifier: MIT
set -eu
source=$1
CMAKE=${CMAKE:-cmake}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# Files from a cache would be the same for a reason that proves nothing.
export CCACHE_DISABLE=1
# The date that man pages bear: part of what is built.
export SOURCE_DATE_EPOCH=1000000000

# build NAME COPY_OF_SOURCES BUILD_FOLDER: installs to $work/NAME
build() {
    mkdir -p "$2"
    tar -c -C "$source" CMakeLists.txt LICENSE README.md CHANGELOG.md CONTRIBUTING.md cmake docs examples include lib pkgconfig |
        tar -x -C "$2"
    find "$2" -type f -exec touch -d "$4" {} +
    {
        "$CMAKE" -S "$2" -B "$3" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMF_BLAS="${MF_BLAS:-auto}" \
            -DMF_BUILD_EXAMPLES=OFF -DMF_BUILD_TESTS=OFF -DMF_MPI="${MF_MPI:-off}" \
            ${MPI_C_COMPILER:+-DMPI_C_COMPILER="$MPI_C_COMPILER"} -DCMAKE_INSTALL_PREFIX=/usr
        "$CMAKE" --build "$3" -j "$5"
        DESTDIR=$work/$1 "$CMAKE" --install "$3"
    } >"$work/log" 2>&1 || {
        cat "$work/log"
        exit 1
    }
}

(
    export LC_ALL=C TZ=UTC
    build first "$work/one" "$work/one/build" 2020-01-01 2
)
(
    export LC_ALL=C.UTF-8 TZ=Asia/Tokyo LANGUAGE=de
    umask 027
    build second "$work/another place/two" "$work/out of tree" 2024-06-01 3
)
for tree in first second; do
    (cd "$work/$tree" && find . ! -type d -exec sha256sum {} + | LC_ALL=C sort -k 2) >"$work/$tree.sums"
done
for file in libmonoforward.so libmonoforward.a monoforward.pc monoforward.h; do
    grep -q "/$file\$" "$work/first.sums" || {
        echo "failed: $file was not installed"
        exit 1
    }
done
diff "$work/first.sums" "$work/second.sums" || {
    echo "failed: these files have other bytes in another folder, at another time"
    exit 1
}
library=$(find "$work/first" -name libmonoforward.a)
if grep -qaF "$work" "$library"; then
    echo "failed: $library names the folder it was built in"
    exit 1
fi
echo "$(wc -l <"$work/first.sums") files with the same bytes"
