#!/bin/sh
# Builds the Debian packages from a fresh clone, installs them, builds and runs README's programs with them, and
# purges them: nothing may be left.
#
#     sh cmake/packaging/check_deb.sh [FOLDER_OF_PACKAGES]      (default: builds them)
#
# Without root, or where the packages are installed already, they are unpacked into a temporary folder and used
# from there. Leaves the machine as it was, apart from build tools that build_deb.sh had to install. Exit code 77:
# this system cannot build such packages. SPDX-License-Identifier: MIT
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
case "${1:-}" in
-*)
    echo "usage: sh cmake/packaging/check_deb.sh [FOLDER_OF_PACKAGES]" >&2
    exit 2
    ;;
esac
if ! command -v dpkg >/dev/null; then
    echo "skip: Debian packages: this system has no dpkg"
    exit 77
fi
work=$(mktemp -d)
installed=0
# The package for Python can be installed only beside numpy.
for_python=
if dpkg -s python3-numpy >"$work/log" 2>&1; then
    for_python=python3-monoforward
else
    echo "skip: Debian packages: python3-monoforward is not installed, since there is no python3-numpy"
fi

purge() {
    installed=0
    # shellcheck disable=SC2086 # no word if it was not installed
    dpkg --purge $for_python libmonoforward-mpi-dev libmonoforward-mpi0 libmonoforward-dev libmonoforward0 >"$work/log" 2>&1 || {
        cat "$work/log"
        echo "failed: dpkg --purge"
        return 1
    }
}

leave() {
    [ $installed -eq 0 ] || purge || true
    rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM

failed() {
    echo "failed: $*"
    exit 1
}

# Everything that a purge has to take away: by name, and the caches of the linker and of dpkg.
traces() {
    find /usr /etc /var/lib /var/cache -name '*monoforward*' 2>/dev/null | LC_ALL=C sort
    PATH=$PATH:/sbin:/usr/sbin ldconfig -p | grep monoforward || true
    dpkg -l '*monoforward*' 2>/dev/null | grep '^[^u|+D]' || true
}

if [ $# -gt 0 ]; then
    packages=$(CDPATH='' cd -- "$1" && pwd -P)
else
    packages=$work/packages
    tree=$work/clone
    if git -C "$root" rev-parse --verify -q HEAD >"$work/log" 2>&1; then
        git clone -q --no-hardlinks "$root" "$tree" || failed "git clone"
    else
        tree=$root
    fi
    sh "$tree/cmake/packaging/build_deb.sh" "$packages"
fi
library=$(find "$packages" -maxdepth 1 -name 'libmonoforward0_*.deb')
development=$(find "$packages" -maxdepth 1 -name 'libmonoforward-dev_*.deb')
mpi_library=$(find "$packages" -maxdepth 1 -name 'libmonoforward-mpi0_*.deb')
mpi_development=$(find "$packages" -maxdepth 1 -name 'libmonoforward-mpi-dev_*.deb')
python=$(find "$packages" -maxdepth 1 -name 'python3-monoforward_*_all.deb')
for package in "$library" "$development" "$mpi_library" "$mpi_development" "$python"; do
    [ -f "$package" ] || failed "not one package of each kind in $packages"
done

# What they say about themselves.
depends=$(dpkg-deb -f "$library" Depends)
for wanted in "libblas3 | libblas.so.3" libc6; do
    case ", $depends" in
    *", $wanted"*) ;;
    *) failed "libmonoforward0 does not depend on $wanted: $depends" ;;
    esac
done
dpkg-deb -f "$development" Depends | grep -q "libmonoforward0 (= $(dpkg-deb -f "$library" Version))" ||
    failed "libmonoforward-dev does not depend on this very libmonoforward0"
dpkg-deb -f "$mpi_library" Depends | grep -q mpi || failed "libmonoforward-mpi0 does not depend on an MPI library"
for package in "$library" "$development" "$mpi_library" "$mpi_development"; do
    [ "$(dpkg-deb -f "$package" Multi-Arch)" = same ] || failed "$package is not Multi-Arch: same"
done

# Every file of the header's folder is part of the packages; nothing is beside the folders of the system.
dpkg-deb -c "$library" >"$work/contents"
for package in "$development" "$mpi_library" "$mpi_development"; do
    dpkg-deb -c "$package" >>"$work/contents"
done
dpkg-deb -c "$python" | grep -q ' ./usr/lib/python3/dist-packages/monoforward/py.typed$' ||
    failed "python3-monoforward does not hold the package"
dpkg-deb -c "$python" | grep -q ' ./usr/lib/python3/dist-packages/monoforward-[0-9.]*.dist-info/METADATA$' ||
    failed "pip does not know python3-monoforward"
dpkg-deb -x "$development" "$work/documents"
dpkg-deb -x "$mpi_development" "$work/documents" # whose headers they lead to, too
documents=$work/documents/usr/share/doc/libmonoforward-dev
sh "$root/tests/docs/md_links.sh" "$documents" || failed "documents of libmonoforward-dev have dead links"
[ "$(dpkg-deb -f "$python" Architecture)" = all ] || failed "python3-monoforward is not for all architectures"
(cd "$root/include" && find . -name 'monoforward*') | sed 's|^\.|./usr/include|' | while read -r header; do
    grep -q " $header\$" "$work/contents" || failed "$header is in no package"
done

try_ranks() {
    if command -v mpicc >"$work/log" && command -v mpirun >"$work/log"; then
        sh "$root/cmake/packaging/debian/tests/mpi"
    else
        echo "skip: Debian packages: libmonoforward-mpi0 was not used, since there is no mpicc or no mpirun"
    fi
}

if [ "$(id -u)" -eq 0 ] && ! dpkg -s libmonoforward0 >"$work/log" 2>&1; then
    traces >"$work/before"
    # Folders that were there before belong to others as well, and stay.
    [ -n "$for_python" ] || python=
    for package in "$library" "$development" "$mpi_library" "$mpi_development" $python; do
        dpkg-deb --fsys-tarfile "$package" | tar -t | sed 's|^\.||; s|/$||; s|^$|/.|'
    done | LC_ALL=C sort -u | while read -r file; do
        [ ! -e "$file" ] && [ ! -L "$file" ] || echo "$file"
    done >"$work/existed"
    installed=1
    # shellcheck disable=SC2086 # no word without numpy
    dpkg -i "$library" "$development" "$mpi_library" "$mpi_development" $python >"$work/log" 2>&1 || {
        cat "$work/log"
        failed "dpkg -i"
    }
    # shellcheck disable=SC2086
    dpkg -L libmonoforward0 libmonoforward-dev libmonoforward-mpi0 libmonoforward-mpi-dev $for_python |
        grep '^/' | LC_ALL=C sort -u >"$work/files"
    echo "installed: $(wc -l <"$work/files") files and folders"
    (cd "$root" && sh cmake/packaging/debian/tests/readme)
    [ -z "$for_python" ] || sh "$root/cmake/packaging/debian/tests/python"
    try_ranks
    LC_ALL=C comm -23 "$work/files" "$work/existed" >"$work/own"
    grep -q '/libmonoforward\.so\.0$' "$work/own" || failed "dpkg -L does not name libmonoforward.so.0"
    purge
    while read -r file; do
        [ ! -e "$file" ] && [ ! -L "$file" ] || failed "$file is left after the purge"
    done <"$work/own"
    traces >"$work/after"
    diff "$work/before" "$work/after" || failed "the purge leaves traces (< before, > after)"
    echo "purged: $(wc -l <"$work/own") files and folders, nothing is left"
    way=installed
else
    mkdir "$work/system"
    dpkg-deb -x "$library" "$work/system"
    dpkg-deb -x "$development" "$work/system"
    dpkg-deb -x "$mpi_library" "$work/system"
    dpkg-deb -x "$mpi_development" "$work/system"
    lib=$(dirname "$(find "$work/system" -name libmonoforward.a)")
    PKG_CONFIG_PATH=$lib/pkgconfig CMAKE_PREFIX_PATH=$work/system/usr LD_LIBRARY_PATH=$lib
    export PKG_CONFIG_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH
    (cd "$root" && sh cmake/packaging/debian/tests/readme)
    try_ranks
    dpkg-deb -x "$python" "$work/system"
    [ -z "$for_python" ] ||
        PYTHONPATH=$work/system/usr/lib/python3/dist-packages sh "$root/cmake/packaging/debian/tests/python"
    echo "skip: purge of the Debian packages: they were unpacked only, without root or beside installed ones"
    way=unpacked
fi
echo "result packages=$way version=$(dpkg-deb -f "$library" Version)"
