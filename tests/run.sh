#!/bin/sh
# Builds the library and runs its tests:
#
#     sh tests/run.sh          release, sanitizers, outside projects, a little valgrind: some minutes
#     sh tests/run.sh --all    also every BLAS library, linked and chosen at run time, the debug build,
#                              clang, ranks of Open MPI and of MPICH under sanitizers, the programs in the
#                              documents, the examples for LuaJIT, Go and Rust, all tests under valgrind, and
#                              the Debian packages, which are installed and purged if root runs this
#
# Installs what is missing on Debian and Ubuntu, and names it elsewhere. Writes to build*/ only. Names every
# test that was skipped, and why; ends with a line "N passed, N failed, N skipped"; exit code 0 if none failed.
# SPDX-License-Identifier: MIT
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
cd "$root" || exit 1
all=0
case "${1:-}" in
"") ;;
--all) all=1 ;;
*)
    echo "usage: sh tests/run.sh [--all]" >&2
    exit 2
    ;;
esac

# shellcheck source=tests/python.sh
. "$root/tests/python.sh"
# shellcheck source=tests/packages.sh
. "$root/tests/packages.sh"

jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
passed=0
failed=0
skipped=0
: >"$work/failures"
: >"$work/skips"

started=$(date +%s)
heading() {
    printf '\n== minute %d: %s ==\n' $((($(date +%s) - started) / 60)) "$*"
}

pass() {
    passed=$((passed + 1))
}

fail() { # what
    failed=$((failed + 1))
    echo "$*" >>"$work/failures"
    echo "FAILED: $*"
}

skip() { # what: why
    skipped=$((skipped + 1))
    echo "$*" >>"$work/skips"
    echo "skipped: $*"
}

# quietly NAME LOG COMMAND...: output goes to the log, and to the screen if the command fails.
quietly() {
    name=$1 log=$2
    shift 2
    if "$@" >"$log" 2>&1; then
        grep -iE 'warning' "$log" || true
        return 0
    fi
    cat "$log"
    fail "$name: $*"
    return 1
}

# What a build folder may have kept of other runs, and of those of whoever uses it otherwise.
defaults="-UBUILD_SHARED_LIBS -DMF_BLAS=auto -DMF_MPI=auto -DMF_REFERENCE=auto -DMF_INSTALL=ON -DMF_BUILD_TESTS=ON
    -DMF_BUILD_EXAMPLES=ON -DMF_BUILD_FUZZERS=OFF -DMF_HARDENING=ON -DMF_SANITIZE="

# build STAGE FOLDER TARGETS CMAKE_ARGUMENTS...: TARGETS may be "all".
build() {
    stage=$1 folder=$2 targets=$3
    shift 3
    heading "$stage: building in $folder/"
    # shellcheck disable=SC2086 # options and targets are words
    quietly "$stage: configure" "$work/log" cmake -B "$folder" $defaults "$@" || return 1
    # shellcheck disable=SC2086
    quietly "$stage: build" "$work/log" cmake --build "$folder" -j "$jobs" --target $targets
}

# run_tests STAGE FOLDER CTEST_ARGUMENTS...: adds ctest's results to the sums.
run_tests() {
    stage=$1 folder=$2
    shift 2
    heading "$stage: tests"
    rm -f "$folder/Testing/Temporary/LastTest.log"
    # A pipe has the exit code of its end: so it is seen by what is missing that a ctest was killed.
    $launcher ctest --test-dir "$folder" -j "$jobs" --output-on-failure "$@" 2>&1 | tee "$work/ctest"
    grep -E '^ *[0-9]+/[0-9]+ Test +#[0-9]+: ' "$work/ctest" >"$work/results"
    if [ ! -s "$work/results" ]; then
        fail "$stage: no test has run"
        return
    fi
    count=$(sed -n '1s|^ *[0-9]*/\([0-9]*\) .*|\1|p' "$work/results")
    [ "$count" -eq "$(wc -l <"$work/results")" ] || fail "$stage: $(wc -l <"$work/results") of $count tests have run"
    good=$(grep -cE ' +Passed +[0-9.]+ sec' "$work/results")
    left=$(grep -cE '\*\*\*Skipped' "$work/results")
    total=$(wc -l <"$work/results")
    passed=$((passed + good))
    failed=$((failed + total - good - left))
    grep -vE ' +Passed +|\*\*\*Skipped' "$work/results" |
        sed "s|^.*#[0-9]*: *\([^ ]*\) .*|$stage: \1|" >>"$work/failures"
    # A test says "skip: what: why"; so does one that has run but for a part.
    awk -v stage="$stage" '
        /^[0-9]+\/[0-9]+ Testing: / { name = $3 }
        /^skip: / { sub(/^skip: /, ""); print stage ": " name ": " $0; told[name] = 1 }
        /^Test (Skipped|Not Run)/ && !told[name] { print stage ": " name ": no reason given" }
    ' "$folder/Testing/Temporary/LastTest.log" >"$work/more"
    skipped=$((skipped + $(wc -l <"$work/more")))
    cat "$work/more" >>"$work/skips"
}

# by_blas COMMAND...: with the products of the BLAS library. Whether functions see a variable that stands before them, and
# what starts in them, POSIX leaves to the shell.
by_blas() {
    MF_PRODUCTS=blas
    export MF_PRODUCTS
    "$@"
    unset MF_PRODUCTS
}

# Can this machine run programs with this sanitizer? Some kernels place memory where an older
# ThreadSanitizer does not expect it; without address randomisation it works there too.
launcher=
can_sanitize() {
    launcher=
    echo 'int main(void) { return 0; }' >"$work/probe.c"
    cc -fsanitize="$1" "$work/probe.c" -o "$work/probe" 2>"$work/log" || return 1
    "$work/probe" >"$work/log" 2>&1 && return 0
    if command -v setarch >/dev/null && setarch "$(uname -m)" -R "$work/probe" >"$work/log" 2>&1; then
        launcher="setarch $(uname -m) -R"
        return 0
    fi
    return 1
}

# Memory errors that only show at run time, also inside the processor's own instruction set: several tests at a time.
# What a test starts runs on valgrind's processor as well, which may have fewer instructions: then bits would differ.
# valgrind_tests FOLDER NAMES...
valgrind_tests() {
    folder=$1
    shift
    # shellcheck disable=SC2016
    printf '%s\n' "$@" | TEST_EMULATOR="valgrind --quiet" OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 xargs -P "$jobs" -I{} \
        sh -c '
        valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,possible \
            "$1/tests/test_$2" >"$3/valgrind-$2" 2>&1 && touch "$3/clean-$2"' valgrind "$folder" {} "$work"
    for name in "$@"; do
        if [ -e "$work/clean-$name" ]; then
            echo "valgrind: $name: clean"
            pass
        else
            cat "$work/valgrind-$name"
            fail "valgrind: $name"
        fi
    done
}

# libmonoforward_mpi as two ranks; what MPI itself leaves behind is named in a file.
valgrind_ranks() { # FOLDER
    [ -x "$1/tests/mpi/test_mpi_wrapped" ] && command -v mpirun >/dev/null || {
        skip "valgrind: two ranks: there is no mpirun, or the build has found no MPI"
        return
    }
    if OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 mpirun -n 2 \
        valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
        --suppressions=tests/mpi/valgrind.supp "$1/tests/mpi/test_mpi_wrapped" >"$work/log" 2>&1; then
        echo "valgrind: two ranks: clean"
        pass
    else
        cat "$work/log"
        fail "valgrind: two ranks"
    fi
}

valgrind_stage() {
    if ! command -v valgrind >/dev/null; then
        skip "valgrind: not installed (sh tests/run.sh --all installs it)"
        return
    fi
    # Products in plain C: an optimised BLAS library may read beyond its arrays on purpose.
    options="-DCMAKE_BUILD_TYPE=Release -DMF_BLAS=builtin -DMF_BUILD_EXAMPLES=OFF"
    if [ $all -eq 0 ]; then
        # shellcheck disable=SC2086 # options are words
        build "valgrind" build-builtin "test_api_network_edit test_api_memory_failures test_api_errors_workspace \
            test_api_pipeline_errors" $options -DMF_MPI=off || return
        heading "valgrind"
        valgrind_tests build-builtin api_network_edit api_memory_failures api_errors_workspace api_pipeline_errors
        return
    fi
    # shellcheck disable=SC2086
    build "valgrind" build-builtin all $options || return
    heading "valgrind"
    valgrind_ranks build-builtin
    names=
    for program in build-builtin/tests/test_*; do
        case $program in
        # One stands in for malloc itself, as valgrind does; one takes half a minute without it; one looks at its own
        # time; and valgrind's processor has no floating-point exceptions.
        *no_allocation | *api_pool | *files_large | *api_traps | *api_traps_files) ;;
        *) [ -x "$program" ] && [ -f "$program" ] && names="$names ${program##*/test_}" ;;
        esac
    done
    # shellcheck disable=SC2086
    valgrind_tests build-builtin $names
}

release_stage() {
    build "release" build all -DCMAKE_BUILD_TYPE=Release || return
    launcher=
    name_what_is_missing
    if [ $all -eq 1 ]; then
        run_tests "release" build
    else
        run_tests "release" build -LE long
        skip "release: tests with the label long; sh tests/run.sh --all runs them"
    fi
}

# What is not found when the build is configured leaves tests out.
name_what_is_missing() {
    for label in cpp docs examples ffi mpi onnx packaging; do
        ctest --test-dir build -N -L "^$label\$" 2>&1 | grep -q '^Total Tests: [1-9]' ||
            skip "release: no test has the label $label: what it needs is not there, as the configuration said"
    done
}

asan_stage() {
    if ! can_sanitize address,undefined; then
        skip "asan-ubsan: programs with these sanitizers do not run here: $(tail -1 "$work/log")"
        return
    fi
    # Without MPI, whose libraries leak: ranks_stage has them.
    build "asan-ubsan" build-asan all -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMF_MPI=off \
        -DMF_SANITIZE=address,undefined || return
    if [ $all -eq 1 ]; then
        run_tests "asan-ubsan" build-asan -LE long
    else
        run_tests "asan-ubsan" build-asan -LE "slow|long"
        skip "asan-ubsan: tests with the labels slow and long; sh tests/run.sh --all runs them"
    fi
    # Once by the system's BLAS library: what the library hands to it must be in bounds as well.
    by_blas run_tests "asan-ubsan by BLAS" build-asan -R '^(api.oracle_options|api.network_steps|unit.gemm)$'
}

# libmonoforward_mpi with each MPI that is here, under the same sanitizers: what MPI itself leaves behind is named in
# tests/mpi/lsan.supp.
ranks_stage() {
    can_sanitize address,undefined || return # asan_stage has said so
    # The programs that tests/mpi/CMakeLists.txt makes.
    programs=$(sed -n 's/^ *mf_add_ranks_test(\([a-z]*\) .*/test_mpi_\1/p
        s/^ *add_executable(\(test_mpi_[a-z]*\) .*/\1/p' tests/mpi/CMakeLists.txt)
    for mpi in openmpi mpich; do
        mpicc=$(command -v "mpicc.$mpi") && mpirun=$(command -v "mpirun.$mpi") || {
            skip "ranks of $mpi: there is no mpicc.$mpi or no mpirun.$mpi"
            continue
        }
        build "ranks of $mpi" "build-$mpi" "$programs example_mpi_mnist example_mnist make_idx" \
            -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMF_BLAS=builtin -DMF_SANITIZE=address,undefined -DMF_MPI=on \
            -DMPI_C_COMPILER="$mpicc" -DMPIEXEC_EXECUTABLE="$mpirun" &&
            run_tests "ranks of $mpi" "build-$mpi" -L mpi -LE abi
    done
    launcher=
}

tsan_stage() {
    # The programs of the tests with that label, as tests/CMakeLists.txt has them.
    threaded=$(sed -n 's/^ *mf_add_test(\([a-z]*\) \([a-z_0-9]*\) .*LABELS threads.*/test_\1_\2/p' tests/CMakeLists.txt)
    [ -n "$threaded" ] || fail "tsan: no test has the label threads"
    if ! can_sanitize thread; then
        skip "tsan: programs with this sanitizer do not run here: $(tail -1 "$work/log")"
        return
    fi
    build "tsan" build-tsan "$threaded" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMF_BLAS=builtin \
        -DMF_SANITIZE=thread -DMF_MPI=off -DMF_BUILD_EXAMPLES=OFF && run_tests "tsan" build-tsan -L threads
    if [ $all -eq 1 ]; then
        build "tsan with BLAS" build-tsan-blas "$threaded" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
            -DMF_SANITIZE=thread -DMF_MPI=off -DMF_BUILD_EXAMPLES=OFF &&
            by_blas run_tests "tsan with BLAS" build-tsan-blas -L threads
    else
        skip "tsan with BLAS: products are the library's own; sh tests/run.sh --all runs it"
    fi
    launcher=
}

# Every library that Debian has, linked by its name. What does not call it is the same as in the release build.
linked_stage() {
    for blas in openblas netlib blis builtin; do
        build "$blas" "build-$blas" all -DCMAKE_BUILD_TYPE=Release -DMF_BLAS=$blas -DMF_BUILD_EXAMPLES=OFF &&
            run_tests "$blas" "build-$blas" -L 'blas|consumer'
    done
}

# The build that links libblas.so.3, with each library put behind this name at run time.
run_time_stage() {
    if ! ldd build/lib/libmonoforward.so 2>/dev/null | grep -q 'libblas\.so\.3'; then
        skip "BLAS chosen at run time: the release build does not link libblas.so.3"
        return
    fi
    # Debian's libblas.so.3 of BLIS hides the functions that BLIS could be recognised by.
    for choice in openblas-pthread:openblas blis-openmp:blis,other blas:other; do
        folder=$(dirname "$(find /usr/lib -path "*/${choice%:*}/libblas.so.3" 2>/dev/null | head -1)")
        if [ "$folder" = . ]; then
            skip "BLAS chosen at run time: ${choice%:*}: no such library here"
            continue
        fi
        LD_LIBRARY_PATH=$folder
        TEST_BLAS_AT_RUN_TIME=${choice#*:}
        export LD_LIBRARY_PATH TEST_BLAS_AT_RUN_TIME
        run_tests "libblas.so.3 from ${choice%:*}" build -L blas
        unset LD_LIBRARY_PATH TEST_BLAS_AT_RUN_TIME
    done
}

debug_stage() {
    build "debug" build-debug all -DCMAKE_BUILD_TYPE=Debug &&
        run_tests "debug" build-debug -L 'unit|api|cpp|fuzz|onnx' -LE long
    if command -v clang >/dev/null; then
        build "clang" build-clang all -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang &&
            run_tests "clang" build-clang -L 'unit|api|cpp|fuzz|onnx|examples' -LE long
    else
        skip "clang: not installed"
    fi
}

# Every program in the documents builds and runs, and the reference has no warnings.
documents_stage() {
    heading "documents"
    if (
        build=$root/build prefix=$work/prefix
        # shellcheck source=tests/manifest.sh
        . tests/manifest.sh
        cmake --install build --prefix "$prefix"
    ) >"$work/log" 2>&1 &&
        sh docs/check.sh "$work/prefix" >"$work/log" 2>&1; then
        tail -1 "$work/log"
        pass
    else
        cat "$work/log"
        fail "documents: docs/check.sh"
    fi
    if ! command -v doxygen >/dev/null; then
        skip "documents: the reference: doxygen is not installed"
    elif doxygen docs/Doxyfile >"$work/log" 2>&1; then
        pass
    else
        cat "$work/log"
        fail "documents: doxygen docs/Doxyfile"
    fi
}

# Other flags for this machine's compiler; with --all also other compilers, C libraries and machines.
builds_stage() {
    heading "builds"
    which=
    [ $all -eq 0 ] || which=--all
    # shellcheck disable=SC2086
    { sh tests/builds.sh $which 2>&1 && echo all builds passed; } | tee "$work/builds"
    grep -qE '^FAILED: |^all builds passed$' "$work/builds" || fail "builds: tests/builds.sh has not come to its end"
    passed=$((passed + $(grep -c '^passed: ' "$work/builds")))
    sed -n 's/^FAILED: //p' "$work/builds" >"$work/more"
    failed=$((failed + $(wc -l <"$work/more")))
    sed 's/^/builds: /' "$work/more" >>"$work/failures"
    sed -n 's/^skip: //p' "$work/builds" >"$work/more"
    while read -r line; do
        skip "builds: $line"
    done <"$work/more"
}

# Builds the packages from a clone; as root it installs, uses and purges them.
debian_stage() {
    heading "Debian packages"
    sh cmake/packaging/check_deb.sh >"$work/log" 2>&1
    code=$?
    cat "$work/log"
    case $code in
    0) pass ;;
    77) ;;
    *) fail "Debian packages: cmake/packaging/check_deb.sh" ;;
    esac
    sed -n 's/^skip: //p' "$work/log" >"$work/more"
    while read -r line; do
        skip "$line"
    done <"$work/more"
}

install_packages $all || exit 1
install_node_packages koffi@2
[ $all -eq 0 ] || install_node_packages onnxruntime-node@1
release_stage
asan_stage
tsan_stage
builds_stage
if [ $all -eq 1 ]; then
    linked_stage
    run_time_stage
    debug_stage
    ranks_stage
    documents_stage
    debian_stage
fi
valgrind_stage

heading "results"
if [ -s "$work/failures" ]; then
    echo "Failed:"
    sed 's/^/    /' "$work/failures"
fi
if [ -s "$work/skips" ]; then
    echo "Skipped:"
    sed 's/^/    /' "$work/skips"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
