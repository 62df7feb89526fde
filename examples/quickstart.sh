#!/bin/sh
# From a fresh checkout to a trained network and its answers: sh examples/quickstart.sh [MNIST_FOLDER]
#
# Installs what is missing (Debian and Ubuntu; elsewhere it names the packages), builds a release in build/,
# finds or downloads MNIST, trains, saves the network and shows what it predicts. A second run installs and builds
# nothing.
#
# SPDX-License-Identifier: MIT
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
build=$root/build
log=$build/quickstart.log
epochs=10

say() {
    printf '%s\n' "$*"
}

fail() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

# word TEXT: as a shell reads it as one word.
word() {
    case $1 in
    *[!A-Za-z0-9_./,:@%+=-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
    esac
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# ------------------------------------------------------------------------------------- packages

# compiles HEADER [FLAGS]: can a C program with this header be built and linked?
compiles() {
    header=$1
    shift
    object=$(mktemp 2>/dev/null) || return 1
    printf '#include <%s>\nint main(void) { return 0; }\n' "$header" |
        cc -x c -o "$object" - "$@" >/dev/null 2>&1
    status=$?
    rm -f "$object"
    return $status
}

# The reference BLAS, which many systems have, would take minutes for what a tuned one does in seconds.
has_tuned_blas() {
    PATH=$PATH:/sbin:/usr/sbin
    have ldconfig || return 0
    ldconfig -p 2>/dev/null | grep -qE 'lib(openblas|blis|mkl_rt)[^ ]*\.so'
}

have_blas() {
    has_tuned_blas || return 1
    compiles cblas.h -lblas || compiles cblas.h -lopenblas || compiles cblas.h -lcblas ||
        compiles cblas.h -I/usr/include/openblas -lopenblas
}

# For these the library has products of its own.
has_own_products() {
    case $(uname -m) in
    aarch64 | arm64) return 0 ;;
    *) grep -qw avx2 /proc/cpuinfo 2>/dev/null ;;
    esac
}

# Names what is missing, by purpose.
find_missing() {
    missing=
    have cc && { have make || have ninja; } && compiles stdio.h || missing="$missing compiler"
    have cmake || missing="$missing cmake"
    have pkg-config || have pkgconf || missing="$missing pkg-config"
    has_own_products || have_blas || missing="$missing blas"
    compiles zlib.h -lz || missing="$missing zlib"
    missing=${missing# }
}

explain() {
    for purpose in $missing; do
        case $purpose in
        compiler) say "  a C compiler and make, to build the library" ;;
        cmake) say "  CMake 3.20 or newer, which runs the build" ;;
        pkg-config) say "  pkg-config, by which programs find the installed library" ;;
        blas) say "  a BLAS library (OpenBLAS), for the matrix products: the library has none for this processor" ;;
        zlib) say "  zlib, to read MNIST's compressed files" ;;
        esac
    done
}

# package SYSTEM PURPOSE
package() {
    case $1:$2 in
    debian:compiler) echo build-essential ;;
    debian:blas) echo libopenblas-dev ;;
    debian:zlib) echo zlib1g-dev ;;
    fedora:compiler) echo gcc make ;;
    fedora:pkg-config) echo pkgconf-pkg-config ;;
    fedora:blas) echo openblas-devel ;;
    fedora:zlib) echo zlib-devel ;;
    arch:compiler) echo base-devel ;;
    arch:pkg-config) echo pkgconf ;;
    arch:blas) echo blas-openblas ;;
    alpine:compiler) echo build-base ;;
    alpine:pkg-config) echo pkgconf ;;
    alpine:blas) echo openblas-dev ;;
    alpine:zlib) echo zlib-dev ;;
    brew:blas) echo openblas ;;
    brew:compiler) echo gcc ;;
    *) echo "$2" ;;
    esac
}

packages() {
    for purpose in $missing; do
        package "$1" "$purpose"
    done | tr '\n' ' '
}

install_with_apt() {
    names=$(packages debian)
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! have sudo; then
            say "To install them, run as root: apt-get install $names"
            return
        fi
        as_root=sudo
    fi
    say "Installing with apt-get: $names"
    $as_root apt-get update -qq || say "apt-get update failed; trying with the package lists at hand"
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $names ||
        say "apt-get could not install everything; going on with what is there"
}

name_packages() {
    if have dnf; then
        say "To install them: dnf install $(packages fedora)"
    elif have pacman; then
        say "To install them: pacman -S $(packages arch)"
    elif have apk; then
        say "To install them: apk add $(packages alpine)"
    elif have brew; then
        say "To install them: brew install $(packages brew)"
    else
        say "Install them with the package manager of this system."
    fi
}

provide_tools() {
    find_missing
    [ -n "$missing" ] || return 0
    say "Missing on this system:"
    explain
    if have apt-get; then
        install_with_apt
    else
        name_packages
    fi
    have cc || fail "there is no C compiler, so nothing can be built"
    have cmake || fail "there is no CMake, so nothing can be built"
    compiles zlib.h -lz || fail "there is no zlib (header and library), which examples/studies/mnist needs"
}

# ---------------------------------------------------------------------------------------- build

# run_logged COMMAND...: keeps the output in the log, and shows its end on failure.
run_logged() {
    if ! "$@" >>"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "this failed: $* (all output is in $log)"
    fi
}

build_release() {
    { mkdir -p "$build" && : >"$log"; } || fail "$build cannot be written"
    say "Building in $build"
    # CMake takes make for granted, also where there is none.
    have make || { CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja} && export CMAKE_GENERATOR; }
    # Whatever was said in this folder before: the examples are needed, and a library that is fast.
    run_logged cmake -S "$root" -B "$build" -DCMAKE_BUILD_TYPE=Release -UBUILD_SHARED_LIBS -DMF_BLAS=auto -DMF_MPI=auto \
        -DMF_BUILD_TESTS=ON -DMF_BUILD_EXAMPLES=ON -DMF_BUILD_FUZZERS=OFF -DMF_SANITIZE=
    run_logged cmake --build "$build" --parallel "$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)" \
        --target example_01_hello example_07_streaming example_mnist example_predict example_info
}

# ----------------------------------------------------------------------------------------- data

mirror=https://ossci-datasets.s3.amazonaws.com/mnist
checksums='f68b3c2dcbeaaa9fbdd348bbdeb94873 train-images-idx3-ubyte.gz
d53e105ee54ea40749a09fcbcd1e9432 train-labels-idx1-ubyte.gz
9fb629c4189551a2d022fa330f9573f3 t10k-images-idx3-ubyte.gz
ec29112dd5afa0611ce80d1b7f02629c t10k-labels-idx1-ubyte.gz'

holds_mnist() {
    [ -n "$1" ] || return 1
    for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do
        [ -f "$1/$name-ubyte" ] || [ -f "$1/$name-ubyte.gz" ] || return 1
    done
}

fetch() {
    if have curl; then
        curl -fsSL --connect-timeout 5 --max-time 60 -o "$2" "$1" 2>/dev/null
    elif wget --version >/dev/null 2>&1; then
        wget -q -T 10 -t 1 -O "$2" "$1" 2>/dev/null
    elif have wget; then # BusyBox
        wget -q -T 10 -O "$2" "$1" 2>/dev/null
    else
        return 1
    fi
}

# Downloads into a folder inside the final one; the files move up when all are there and right.
download() {
    partial=$1/part.$$
    mkdir -p "$partial" || return 1
    trap 'rm -rf "$partial"' EXIT
    trap 'exit 1' INT TERM
    printf '%s\n' "$checksums" | while read -r sum name; do
        fetch "$mirror/$name" "$partial/$name" || exit 1
        [ "$(cmake -E md5sum "$partial/$name" | cut -d ' ' -f 1)" = "$sum" ] || exit 1
    done && mv "$partial"/*.gz "$1"
    status=$?
    rm -rf "$partial"
    trap - EXIT INT TERM
    return $status
}

# Sets `data` to a folder with MNIST, or to nothing.
find_mnist() {
    data=
    cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/monoforward/mnist
    for folder in "${MONOFORWARD_DATA:-}" "${MONOFORWARD_DATA:+$MONOFORWARD_DATA/mnist}" "$root/../shared/data/mnist" "$cache" "$build/mnist"; do
        if holds_mnist "$folder"; then
            data=$folder
            return
        fi
    done
    [ -z "${MONOFORWARD_DATA:-}" ] || say "\$MONOFORWARD_DATA ($MONOFORWARD_DATA) does not hold MNIST"
    say "MNIST is not on this machine; downloading it (11 MB)"
    { mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; } || cache=$build/mnist
    if download "$cache"; then
        data=$cache
    else
        say "The download failed. Instead, the program will draw digits by itself. That shows how training"
        say "works, but its accuracy says nothing about MNIST."
    fi
}

# ----------------------------------------------------------------------------------------- main

# Before the build, so that a wrong path shows at once.
if [ $# -gt 0 ] && ! holds_mnist "$1"; then
    fail "$1 does not hold the four files of MNIST (train-images-idx3-ubyte, ..., gzipped or not)"
fi
provide_tools
build_release
if [ $# -gt 0 ]; then
    data=$1
else
    find_mnist
fi

say ""
if [ -n "$data" ]; then
    set -- --data "$data"
else
    set -- --data ""
fi
say "Every processor takes part: the layers train at the same time, in a pipeline. With --workers N it has N threads,"
say "with --workers 0 one thread does all; what is learned is the same, bit for bit."
model=$build/quickstart.safetensors
"$build/examples/mnist" "$@" --epochs "$epochs" --seed 1 --plot "$build/quickstart.svg" --save "$model" || exit 1

options="${data:+ --data $(word "$data")}"
images=drawn
for file in "${data:-}/t10k-images-idx3-ubyte" "${data:-}/t10k-images-idx3-ubyte.gz"; do
    [ -z "$data" ] || [ ! -f "$file" ] || images=$file
done
say ""
say "The network is in $model. What it says to images that it has not seen:"
say ""
"$build/examples/predict" "$model" "$images" --pictures 12 || say "(see above)"

say ""
say "The training curves are in $build/quickstart.svg. What to try next:"
mnist=$(word "$build/examples/mnist")
say "  $(word "$build/examples/predict") $(word "$model") $(word "$images")"
say "  $(word "$build/examples/info") $(word "$model")"
say "  $mnist --help"
say "  $mnist$options --hidden 500,500,500,500 --greedy --epochs 3"
say "  $mnist$options --freeze projection --init-projection orthogonal"
say "  $mnist$options --preset best    a quarter of an hour"
say "  $mnist$options --preset cnn     convolutions, a quarter of an hour"
say "  $(word "$build/examples/07_streaming")    learns sample by sample while the data drifts"
say "  $root/examples/01_hello.c    the smallest program that trains, to start your own from"
