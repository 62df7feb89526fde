# What the tests need, and how to get it. Read by run.sh, behind python.sh.
# SPDX-License-Identifier: MIT

have() {
    command -v "$1" >/dev/null 2>&1
}

# has_header NAME: does the C compiler find it?
has_header() {
    printf '#include <%s>\n' "$1" | cc -E -x c - >/dev/null 2>&1
}

# need PACKAGE WHY: adds one to the list.
need() {
    missing="$missing $1"
    echo "missing: $1, $2"
}

# Looks for everything; $1 is 1 if the long tests are wanted too.
list_missing() {
    missing=
    have cc || need gcc "the C compiler"
    has_header stdio.h || need libc6-dev "the headers of the C library"
    have c++ || need g++ "the C++ compiler, for outside projects in C++"
    have cmake || need cmake "which builds the library"
    have make || need make "which cmake calls"
    have pkg-config || need pkg-config "by which outside projects find the library"
    has_header cmocka.h || need libcmocka-dev "the framework of the tests"
    has_header zlib.h || need zlib1g-dev "with which examples/studies/mnist reads gzipped files"
    has_header lzma.h || need liblzma-dev "with which examples/studies/cifar10 reads files packed by xz"
    have xz || need xz-utils "which packs files for the test of examples/studies/cifar10"
    [ "$(uname)" != Linux ] || have abidiff ||
        need abigail-tools "which compares the ABI with that of the last release"
    have mpicc || need libopenmpi-dev "an MPI, with which libmonoforward_mpi is built"
    have mpirun || need openmpi-bin "which starts the ranks of its tests"
    { has_header cblas.h && has_tuned_blas; } || need libopenblas-dev "fast matrix products"
    have python3 || need python3 "which makes the man pages"
    have doxygen || need doxygen "which makes the reference"
    find_python numpy || need python3-numpy "with which the example for Python is tested"
    have node || need nodejs "which runs the example for Node and exported models"
    have npm || need npm "which brings koffi and ONNX Runtime for it"
    if [ "$1" -eq 1 ]; then
        have valgrind || need valgrind "which looks for errors in the use of memory"
        have clang || need clang "the other C compiler"
        have mpicc.mpich || need libmpich-dev "the other MPI"
        have mpirun.mpich || need mpich "which starts the ranks of its tests"
        [ "$(uname)" != Linux ] || have tc || need iproute2 "which makes slow networks for the ranks of MPI"
        has_header libxsmm.h || need libxsmm-dev "a rival of bench_products"
        has_header oneapi/dnnl/dnnl.h || need libdnnl-dev "a rival of bench_products"
        have gnuplot || need gnuplot-nox "which draws the figures of the experiments"
        have mandoc || need mandoc "which checks man pages"
        have lexgrog || need man-db "which reads the names of man pages"
        find_python torch || need python3-torch "with which random networks are compared"
        find_python sklearn || need python3-sklearn "whose checks the classifier for Python passes"
        find_python pandas || need python3-pandas "whose columns the classifier for Python takes"
        find_python pip || need python3-pip "which installs the package for Python"
        find_python wheel || need python3-wheel "which pip makes that package with"
        find_python mypy || need mypy "which checks the types of the package for Python"
        find_python onnx || need python3-onnx "which checks exported models"
        have luajit || need luajit "which runs the example for LuaJIT"
        have go || need golang-go "which builds the example for Go"
        have cargo || need cargo "which builds the example for Rust"
        have emcc || need emscripten "which builds the example for browsers"
        have chromium || need chromium "which shows the example for browsers"
        if have dpkg; then
            have dpkg-buildpackage || need dpkg-dev "which builds Debian packages"
            have dh || need debhelper "which builds Debian packages"
            have lintian || need lintian "which checks Debian packages"
        fi
        has_blas openblas-pthread || need libopenblas-dev "a BLAS library to test with"
        has_blas blis-openmp || need libblis-dev "a BLAS library to test with"
        has_blas blas || need libblas-dev "the reference BLAS library, to test with"
    fi
}

# The reference BLAS, which many systems have, is a hundred times slower than a tuned one.
has_tuned_blas() {
    PATH=$PATH:/sbin:/usr/sbin
    have ldconfig || return 0
    ldconfig -p 2>/dev/null | grep -qE 'lib(openblas|blis|mkl_rt)[^ ]*\.so'
}

# has_blas FOLDER: Debian keeps each of its BLAS libraries in a folder of its own.
has_blas() {
    [ -n "$(find /usr/lib -path "*/$1/libblas.so*" 2>/dev/null | head -1)" ]
}

name_elsewhere() {
    cat <<'END'
Please install these by hand. The packages are called
    Fedora   gcc gcc-c++ cmake make pkgconf-pkg-config libcmocka-devel openblas-devel zlib-devel
             xz-devel xz valgrind clang libabigail
    Arch     gcc cmake make pkgconf cmocka openblas cblas zlib xz valgrind clang
    Alpine   gcc g++ musl-dev cmake make pkgconf cmocka-dev openblas-dev zlib-dev
             xz-dev xz valgrind clang
    macOS    (brew) cmake pkg-config cmocka openblas xz
END
}

# install_packages ALL: fails only if nothing can be tested without what is missing.
install_packages() {
    list_missing "$1"
    [ -z "$missing" ] && return 0
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    if have apt-get && { [ -z "$as_root" ] || have sudo; }; then
        echo "installing:$missing"
        # shellcheck disable=SC2086 # the packages are words
        { $as_root apt-get update -qq &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } ||
            echo "the installation has failed"
    else
        name_elsewhere
    fi
    if have cc && have cmake && has_header cmocka.h; then
        return 0
    fi
    echo "Without a C compiler, CMake and CMocka there is nothing to run."
    return 1
}

# install_node_packages NAME@VERSION...: packages of npm, in build/node. No script of them runs, since they hold their
# libraries for Linux. Where they are missing, the tests that need them are skipped. npm takes away what it is not told
# of, so what is there already is named again.
install_node_packages() {
    wanted=
    for package in "$@"; do
        [ -d "build/node/node_modules/${package%@*}" ] || wanted="$wanted $package"
    done
    { have npm && [ -n "$wanted" ]; } || return 0
    echo "installing:$wanted in build/node"
    for package in koffi@2 onnxruntime-node@1; do
        [ ! -d "build/node/node_modules/${package%@*}" ] || wanted="$wanted $package"
    done
    mkdir -p build/node
    # shellcheck disable=SC2086 # the packages are words
    npm install --prefix build/node --ignore-scripts --no-package-lock --no-save --no-audit --no-fund --silent \
        $wanted || echo "the installation has failed"
}
