#!/bin/sh
# Builds the library in ways that the other stages do not, and runs a few tests and a program that trains:
#
#     sh tests/builds.sh           those that take a minute or two: v3, native
#     sh tests/builds.sh --all     also lto, O0, unity, clang's warnings and its sanitizers for memory that was never
#                                  written and for undefined behaviour, the fuzz targets under libFuzzer for some
#                                  seconds, musl, a bare Cortex-M4, and other machines under an emulator
#     sh tests/builds.sh NAME...   these: v3 native lto O0 unity clang msan ubsan fuzz musl cortexm i386 aarch64 armhf
#                                  riscv64 s390x
#     sh tests/builds.sh --every NAME...    these, with every test of the labels unit and api, where the ones above run 14
#                                  or less, of unit alone with musl: half an hour and more under an emulator
#
# Installs what is missing if root runs it on Debian or Ubuntu. CMocka for other machines is made from
# Debian's sources. Writes to build-builds/ only. Says "passed: NAME: ...", "FAILED: NAME: ..." or "skip: NAME: why"
# for each; exit code 0 if none failed.
# SPDX-License-Identifier: MIT
set -u

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd) || exit 1
cd "$root" || exit 1
home=$root/build-builds
mkdir -p "$home" || exit 1
jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
machine=$(uname -m)
failed=0

# Arithmetic on every table of kernels, training, sizes of 32 and 64 bits, and model files that load, predict and
# train on as they did: files_golden reads what was written elsewhere.
unit_tests="unit_kernels unit_updates unit_activations unit_maps unit_numbers unit_rng unit_gemm"
tests="$unit_tests api_network_steps
    api_errors_overflow api_conv_refused api_conv_workspace api_files_golden api_files_hostile api_files_process"
lto_tests="api_no_allocation api_network_steps api_files_golden"

have() { # a command, or a file by its whole path
    case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

fail() { # name, what: shows the end of the log
    failed=1
    tail -n 30 "$home/$1.log"
    echo "FAILED: $1: $2"
}

# want PACKAGE WHAT...: installs the package unless it is all there, commands or files; fails if it cannot.
updated=0
want() {
    package=$1
    shift
    lacking=
    for one in "$@"; do
        have "$one" || lacking=$one
    done
    [ -n "$lacking" ] || return 0
    if [ "$(id -u)" -eq 0 ] && have apt-get; then
        [ $updated -eq 1 ] || apt-get update -qq >"$home/apt.log" 2>&1
        updated=1
        echo "installing: $package"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >>"$home/apt.log" 2>&1
    fi
    have "$lacking"
}

# in_registers OBJECT: of the inner loops of aarch64's kernels with a tile's 24 multiply-adds of vectors, one is at most twice
# as long, and none loads from the stack or stores to it: the sums stay in registers. Says how long the shortest is.
in_registers() {
    aarch64-linux-gnu-objdump -d --no-show-raw-insn "$1" | awk '
        BEGIN { sums = stack = jumps = 0 }
        /^[0-9a-f]+ </ { split("", before) } # a function begins
        $1 !~ /^[0-9a-f]+:$/ { next }
        {
            before[substr($1, 1, length($1) - 1)] = all++ " " sums " " stack " " jumps
            sums += $2 == "fmla" && $3 ~ /^v/
            stack += /\[sp/
        }
        $2 ~ /^(b|b\.[a-z]+|cbn?z|tbn?z|bl|blr|br|ret)$/ {
            to = match($0, /[0-9a-f]+ </) ? substr($0, RSTART, RLENGTH - 2) : ""
            # Back, over no other jump.
            if (to in before && split(before[to], at, " ") && jumps == at[4] && sums - at[2] == 24) {
                spilled += stack > at[3]
                if (!shortest || all - at[1] < shortest)
                    shortest = all - at[1]
            }
            jumps++
        }
        END {
            if (spilled || !shortest || shortest > 48)
                exit 1
            print "24 multiply-adds in " shortest " instructions"
        }'
}

# check NAME TESTS CMAKE_ARGUMENTS...: builds the library, hello and those of the tests that there are, and runs them.
check() {
    name=$1 wanted=$2
    shift 2
    folder=$home/$name
    if ! cmake -G "Unix Makefiles" -S . -B "$folder" -DCMAKE_BUILD_TYPE=Release -DMF_REFERENCE=off "$@" \
        >"$home/$name.log" 2>&1; then
        fail "$name" "configure"
        return
    fi
    cmake --build "$folder" --target help >"$home/targets"
    targets="monoforward_shared monoforward_static $more_targets"
    [ "$name" = musl ] || targets="$targets example_01_hello"
    pattern=$more_tests
    for one in $wanted; do
        if grep -q " test_$one\$" "$home/targets"; then
            targets="$targets test_$one"
            pattern="$pattern|${one%%_*}.${one#*_}"
        fi
    done
    # shellcheck disable=SC2086 # the targets are words
    if ! cmake --build "$folder" -j "$jobs" --target $targets >>"$home/$name.log" 2>&1; then
        fail "$name" "build"
        return
    fi
    # The examples link the shared library, which a program without a loader cannot.
    if [ "$name" = musl ] && ! { mkdir -p "$folder/examples" && musl-gcc -static -I include examples/01_hello.c \
        "$folder/lib/libmonoforward.a" -o "$folder/examples/01_hello"; } \
        >>"$home/$name.log" 2>&1; then
        fail "$name" "a static program"
        return
    fi
    if grep -E "warning:" "$home/$name.log" >"$home/warnings"; then
        cat "$home/warnings"
        fail "$name" "warnings of the compiler"
        return
    fi
    loop=
    if [ "$name" = aarch64 ] &&
        ! loop=", $(in_registers "$folder/lib/CMakeFiles/monoforward_objects.dir/math/kernels_generic.c.o")"; then
        fail "$name" "the inner loop of the kernels does not keep a tile's sums in registers"
        return
    fi
    # shellcheck disable=SC2086 # the emulator is words
    if ! ${emulator:-} "$folder/examples/01_hello" >"$home/hello" 2>&1 || ! grep -q "accuracy=100" "$home/hello"; then
        cat "$home/hello"
        fail "$name" "examples/01_hello"
        return
    fi
    ran=0
    if [ -n "$pattern" ]; then
        if ! ctest --test-dir "$folder" -j "$jobs" --output-on-failure -R "^(${pattern#|})\$" >"$home/ctest" 2>&1; then
            cat "$home/ctest" >>"$home/$name.log"
            fail "$name" "tests"
            return
        fi
        ran=$(grep -cE ' Passed +[0-9.]+ sec' "$home/ctest")
    fi
    [ -z "$wanted" ] || [ -n "$pattern" ] || echo "skip: $name: its tests: CMocka is not there for it"
    echo "passed: $name: library, examples/01_hello, $ran tests$loop"
}

# What tests need, for another machine or C library: sources NAME COMPILER makes them in roots/NAME.
sources() {
    target=$home/roots/$1
    [ -f "$target/lib/libcmocka.a" ] && return 0
    from=$home/sources
    if [ ! -f "$from/cmocka/src/cmocka.c" ]; then
        [ "$(id -u)" -eq 0 ] && have apt-get && want dpkg-dev dpkg-source || return 1
        rm -rf "$from"
        mkdir -p "$from/lists/partial" "$from/cache/archives/partial" || return 1
        # Lists of its own, so that the machine's stay as they are.
        release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
        echo "deb-src http://deb.debian.org/debian $release main" >"$from/sources.list"
        (cd "$from" &&
            set -- -o Dir::Etc::SourceList="$from/sources.list" -o Dir::Etc::SourceParts=/dev/null \
                -o Dir::State::Lists="$from/lists" -o Dir::Cache="$from/cache" &&
            apt-get "$@" update && apt-get "$@" source --download-only cmocka &&
            dpkg-source -x cmocka_*.dsc cmocka) >"$home/sources.log" 2>&1 || return 1
    fi
    rm -rf "$target"
    mkdir -p "$target/include" "$target/lib" && cp "$from/cmocka/include/cmocka.h" "$target/include" &&
        (cd "$target" &&
        "$2" -std=gnu11 -w -O1 -fPIC -D_GNU_SOURCE -DHAVE_SIGNAL_H -DHAVE_STRUCT_TIMESPEC -DHAVE_CLOCK_REALTIME \
            -DHAVE_SIGLONGJMP -DHAVE_GCC_THREAD_LOCAL_STORAGE -DHAVE_INTTYPES_H -DHAVE_STRINGS_H -DHAVE_STRSIGNAL \
            -I "$from/cmocka/include" -c "$from/cmocka/src/cmocka.c" &&
        ar rcs lib/libcmocka.a cmocka.o && rm -f cmocka.o)
}

# every_test LEFT_OUT: those of the labels unit and api but for these.
every_test() {
    {
        sed -n 's/^ *mf_add_test(\(unit\|api\) \([a-z_0-9]*\).*/\1_\2/p' tests/CMakeLists.txt
        printf '%s\n' api_files_faults api_files_faults_each
    } | grep -vxE "$1"
}

# Those that fork or start threads, as an expression.
starting_tests() {
    grep -lE 'fork\(|pthread_create|(pool|pipeline)_create|make_[a-z_]*(pool|pipeline)\(|make_host' tests/unit/*.c tests/api/*.c |
        sed 's|^tests/||; s|/|_|; s|\.c$||' | paste -sd '|'
}

# elsewhere NAME COMPILER FOLDERS ARGUMENTS...: a build whose libraries come from these folders alone.
elsewhere() {
    name=$1 compiler=$2 folders=$3
    shift 3
    if ! sources "$name" "$compiler" >"$home/sources-$name.log" 2>&1; then
        echo "skip: $name: tests: no sources of CMocka from Debian (see $home/sources.log)"
    fi
    check "$name" "$tests" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_C_COMPILER="$compiler" -DMF_BLAS=builtin \
        -DCMAKE_FIND_ROOT_PATH="$home/roots/$name;$folders" -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY \
        -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER "$@"
}

# cross NAME PROCESSOR TRIPLE DEBIAN: the last is Debian's name of the machine.
cross() {
    if ! want "gcc-$3" "$3-gcc" || ! want "libc6-dev-$4-cross" "/usr/$3/lib/crt1.o"; then
        echo "skip: $1: gcc or the C library is not installed (Debian: gcc-$3, libc6-dev-$4-cross)"
        return
    fi
    all_tests=$tests
    loader=/usr/$3/lib/ld-linux.so.2
    if [ "$1" = i386 ] && "$loader" --version >"$home/loader.log" 2>&1; then
        emulator="$loader --library-path /usr/$3/lib" # x86-64 runs it by itself
    elif want qemu-user "qemu-$2"; then
        emulator="qemu-$2 -L /usr/$3"
        left_out='api_pool|api_files_large' # their time, and one that looks at its own
        if [ "$1" = i386 ]; then # in qemu-i386 a child or a thread never begins to run
            echo "skip: i386: tests that fork or start threads: this machine runs no 32-bit programs by itself"
            left_out="$left_out|$(starting_tests)"
        fi
        # shellcheck disable=SC2086 # the tests are words
        tests=$(printf '%s\n' $tests | grep -vxE "$left_out")
    else
        echo "skip: $1: qemu-$2 is not installed (Debian: qemu-user)"
        return
    fi
    elsewhere "$1" "$3-gcc" "/usr/$3" -DCMAKE_SYSTEM_PROCESSOR="$2" \
        -DCMAKE_CROSSCOMPILING_EMULATOR="$(echo "$emulator" | tr ' ' ';')"
    emulator=
    tests=$all_tests
}

musl() {
    if ! want musl-tools musl-gcc; then
        echo "skip: musl: musl-gcc is not installed (Debian: musl-tools)"
        return
    fi
    # musl-gcc has no folder to look in; what is not in roots/ is not there. Tests of the API link the shared library.
    all_tests=$tests
    # shellcheck disable=SC2086 # the tests are words
    tests=$(printf '%s\n' $tests | grep '^unit_')
    elsewhere musl musl-gcc "$home/roots/musl" -DCMAKE_SYSTEM_PROCESSOR="$machine" -DCMAKE_EXE_LINKER_FLAGS=-static
    tests=$all_tests
}

clang_warnings() {
    if ! want clang clang; then
        echo "skip: clang: clang is not installed"
        return
    fi
    # The tests are not the library: theirs are the warnings of the other stages.
    check clang "" -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS="-Wpedantic -Wconversion" -DMF_BUILD_TESTS=OFF
}

# clang, and what its sanitizers and libFuzzer link, which Debian only recommends to go with it.
want_sanitizers() {
    want clang clang clang++ || return
    version=$(clang -dumpversion)
    want "libclang-rt-${version%%.*}-dev" "$(clang -print-resource-dir)/lib/linux"
}

# sanitized NAME SANITIZERS LEFT_OUT CMAKE_ARGUMENTS...: clang's, on all tests of labels unit, api and fuzz but those
# left out.
sanitized() {
    if ! want_sanitizers; then
        echo "skip: $1: clang or its runtime libraries are not installed"
        return
    fi
    name=$1 sanitizers=$2 left_out=$3
    shift 3
    more_targets="fuzz_drive fuzz_drive_onnx fuzz_machine fuzz_make_corpus onnx_imported"
    more_tests="|fuzz\\..*|onnx\\.golden"
    check "$name" "$(every_test "$left_out")" -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DMF_BLAS=builtin \
        -DMF_MPI=off -DMF_SANITIZE="$sanitizers" "$@"
    more_targets='' more_tests=''
}

# Reads of memory that was never written. clang 14 does not know stat64(), so files have the offsets that the machine
# has by itself. Left out: what stands before the C library's calls, whose effects the sanitizer then does not see, or
# which would count its own; the time of pool.
msan() {
    sanitized msan memory "unit_thread_faults|api_files_faults|api_files_faults_each|api_pool" \
        -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS=-O1 -U_FILE_OFFSET_BITS"
}

# What GCC's sanitizer, a stage of tests/run.sh, does not look at: floats that fit no integer, divisions of floats by 0,
# integers that change as they are converted without a word. Unsigned integers may wrap: sums of bits and random numbers
# do. Not optimised: the kernels would take clang a quarter of an hour each. Left out: products compares bits of code
# that fuses products and sums, which takes an optimiser; the time of pool, pipeline_stress and units_training.
ubsan() {
    sanitized ubsan undefined,float-cast-overflow,float-divide-by-zero,implicit-conversion \
        "unit_products|api_pool|api_pipeline_stress|api_units_training" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O0
}

# The fuzz targets as OSS-Fuzz builds them, each from its zipped seeds. What is found stays in the folder.
fuzz() {
    if ! want_sanitizers || ! have python3; then
        echo "skip: fuzz: clang, its runtime libraries and python3 are not all installed"
        return
    fi
    out=$home/fuzz/out
    mkdir -p "$out"
    if ! CC=clang CXX=clang++ CFLAGS="$fuzz_flags" CXXFLAGS="$fuzz_flags" LIB_FUZZING_ENGINE=-fsanitize=fuzzer \
        OUT="$out" WORK="$home/fuzz" sh tests/fuzz/oss_fuzz.sh >"$home/fuzz.log" 2>&1; then
        fail fuzz "build"
        return
    fi
    if grep "warning:" "$home/fuzz.log"; then
        fail fuzz "warnings of the compiler"
        return
    fi
    inputs=0
    for target in model onnx calls; do
        one_target "$target" || return
    done
    echo "passed: fuzz: 3 targets, $inputs inputs"
}
fuzz_flags="-g -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all"

# one_target NAME: some seconds of it; adds to $inputs how many there were.
one_target() {
    seeds=$home/fuzz/seeds/$1
    rm -rf "$seeds"
    mkdir -p "$seeds" "$home/fuzz/found"
    python3 -m zipfile -e "$out/fuzz_$1_seed_corpus.zip" "$seeds"
    set -- "$1" -max_total_time="${FUZZ_SECONDS:-10}" -timeout=60 -print_final_stats=1 \
        -artifact_prefix="$home/fuzz/found/$1-"
    case $1 in
    model) set -- "$@" -dict="$out/fuzz_model.dict" ;;
    calls) set -- "$@" -max_len=800 -len_control=0 ;;
    esac
    target=$1
    shift
    if ! "$out/fuzz_$target" "$@" "$seeds" >"$home/fuzz.log" 2>&1; then
        fail fuzz "fuzz_$target, its input is in $home/fuzz/found"
        return 1
    fi
    run=$(sed -n 's/^stat::number_of_executed_units: *//p' "$home/fuzz.log")
    inputs=$((inputs + run))
}

# The library as one file, without threads, files and a heap.
cortexm() {
    if ! want gcc-arm-none-eabi arm-none-eabi-gcc || ! want qemu-system-arm qemu-system-arm ||
        ! want libnewlib-arm-none-eabi /usr/lib/arm-none-eabi/newlib; then
        echo "skip: cortexm: Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi, qemu-system-arm are not all installed"
    elif ! sh examples/device/run.sh "$home/cortexm" >"$home/cortexm.log" 2>&1; then
        fail cortexm "examples/device"
    elif grep "warning:" "$home/cortexm.log"; then
        fail cortexm "warnings of the compiler"
    elif ! arm-none-eabi-nm "$home/cortexm/streaming.elf" >"$home/symbols" ||
        grep -E ' (mfi_json_|cblas_|pthread_)' "$home/symbols"; then
        fail cortexm "JSON, BLAS or threads are in the program"
    elif quoted=$(sed -n 's/^passed: cortexm: //p' docs/testing.md) && ! grep -qxF "result $quoted" docs/devices.md; then
        fail cortexm "docs/testing.md and docs/devices.md do not have the same figures"
    elif result=$(sed -n 's/^result //p' "$home/cortexm.log") && ! printf '%s\n' "$quoted" "$result" | as_quoted; then
        fail cortexm "docs/testing.md and docs/devices.md have other figures"
    else
        echo "passed: cortexm: $result"
    fi
}

# Two lines of words NAME=VALUE: bytes and clocks of the second are within 3% of those of the first. Says which are not.
as_quoted() {
    awk '
        {
            for (i = 1; i <= NF; i++) {
                split($i, word, "=")
                value[NR, word[1]] = word[2] + 0
            }
        }
        END {
            count = split("arena_bytes stack_bytes step_clocks", names, " ")
            for (i = 1; i <= count; i++) {
                quoted = value[1, names[i]]
                now = value[2, names[i]]
                if (now <= 0 || now < 0.97 * quoted || now > 1.03 * quoted) {
                    print names[i] " is " now ", and " quoted " in docs/testing.md"
                    status = 1
                }
            }
            exit status
        }'
}

one_build() {
    case $1 in
    v3)
        if [ "$machine" != x86_64 ]; then
            echo "skip: v3: this is no x86-64"
        elif ! grep -qw avx2 /proc/cpuinfo 2>/dev/null; then
            echo "skip: v3: this processor has no AVX2"
        else
            # Tuned for a processor for which GCC fuses some products and sums and not others, unless it is told. What
            # -ffast-math asks for the build takes back.
            check v3 "$tests" "-DCMAKE_C_FLAGS=-march=x86-64-v3 -mtune=znver3 -ffast-math"
        fi
        ;;
    native) check native "$tests" -DCMAKE_C_FLAGS=-march=native ;;
    lto) check lto "$lto_tests" -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON ;;
    O0) check O0 "$tests" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS=-O0 ;;
    unity) check unity "$tests" -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=0 ;;
    clang) clang_warnings ;;
    msan) msan ;;
    ubsan) ubsan ;;
    fuzz) fuzz ;;
    musl) musl ;;
    cortexm) cortexm ;;
    i386) cross i386 i386 i686-linux-gnu i386 ;;
    aarch64) cross aarch64 aarch64 aarch64-linux-gnu arm64 ;;
    armhf) cross armhf arm arm-linux-gnueabihf armhf ;;
    riscv64) cross riscv64 riscv64 riscv64-linux-gnu riscv64 ;;
    s390x) cross s390x s390x s390x-linux-gnu s390x ;;
    *)
        echo "usage: sh tests/builds.sh [--all | [--every] NAME...]" >&2
        exit 2
        ;;
    esac
}

emulator=
more_targets=
more_tests=
case "${1:-}" in
"")
    tests="unit_kernels unit_updates unit_maps api_network_steps api_files_golden" # a minute or two, not more
    set -- v3 native
    ;;
--every)
    tests=$(every_test "")
    lto_tests=$tests
    shift
    ;;
--all) set -- v3 native lto O0 unity clang msan ubsan fuzz musl cortexm i386 aarch64 armhf riscv64 s390x ;;
esac
for build in "$@"; do
    one_build "$build"
done
exit $failed
