#!/bin/sh
# The description of the ABI notices changes: in copies of the header and of the description, which are changed
# here. Arguments: the source folder. Reads CC. SPDX-License-Identifier: MIT
source=$1
abi=$source/examples/bindings/abi
command -v python3 >/dev/null || {
    echo "skip: ffi: there is no python3, which describes the ABI"
    exit 77
}
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0
mkdir "$work/a copy"
header="$work/a copy/monoforward.h"
cp "$source/include/monoforward.h" "$header"
python3 "$abi/describe.py" --check --header "$header" || {
    echo "failed: an unchanged copy of the header"
    exit 1
}

# notices WHAT PATTERN SED_SCRIPT: the header with this change is not what is described; the output says why.
notices() {
    sed "$3" "$source/include/monoforward.h" >"$header"
    if cmp -s "$source/include/monoforward.h" "$header"; then
        echo "failed: $1: the header has no such place"
        status=1
    elif python3 "$abi/describe.py" --check --header "$header" >"$work/out" 2>&1; then
        echo "failed: not noticed: $1"
        status=1
    elif ! grep -q -- "$2" "$work/out"; then
        echo "failed: $1: the output does not say '$2':"
        cat "$work/out"
        status=1
    elif grep -q Traceback "$work/out"; then
        echo "failed: $1: describe.py has failed in the middle"
        cat "$work/out"
        status=1
    fi
}

after='/^MF_API const char \*mf_version(void);/a'
notices "a type of a parameter" '"direction": "in"' \
    's/mf_optimizer_set(mf_optimizer \*optimizer, int32_t key/mf_optimizer_set(mf_optimizer *optimizer, uint32_t key/'
notices "a type of a result" mf_schedule_step 's/MF_API double mf_schedule_step/MF_API float mf_schedule_step/'
notices "a name of a parameter" '"number"' \
    's/mf_blas_set_threads(int32_t threads)/mf_blas_set_threads(int32_t number)/'
notices "a const" 'const mf_layer_spec \*' \
    's/mf_layer_create(const mf_layer_spec/mf_layer_create(mf_layer_spec/'
notices "a field that is gone" momentum '/^    float momentum;/d'
notices "another order of fields" beta2 \
    's/^    float beta1;/    float beta2_;/; s/^    float beta2;/    float beta1;/; s/beta2_/beta2/'
notices "the value of a constant" MF_STATUS_SHAPE 's/MF_STATUS_SHAPE = 3,/MF_STATUS_SHAPE = 33,/'
notices "the version" '"version"' 's/#define MF_VERSION_MINOR .*/#define MF_VERSION_MINOR 999/'
notices "a negative constant" MF_NODE_PREVIOUS 's/#define MF_NODE_PREVIOUS (-1)/#define MF_NODE_PREVIOUS (-2)/'
notices "a new function" mf_new "$after MF_API mf_status mf_new(int32_t number);"
notices "a pointer that may be an array" "one value or an array" "$after MF_API mf_status mf_new(int32_t *what);"

# What the description has no words for.
notices "a union" "describe.py: " "$after union mf_union { int32_t a; float b; };"
notices "a variable number of arguments" "unexpected text" "$after MF_API int32_t mf_new(const char *text, ...);"
notices "an inline function" "describe.py: " "$after static inline int32_t mf_new(void) { return 0; }"
notices "a type of the compiler's" "unsigned is not known" "$after MF_API mf_status mf_new(unsigned int number);"
notices "a struct by value" "by value" \
    '/^MF_API mf_status mf_optimizer_create/i MF_API mf_status mf_new(mf_optimizer_spec spec);'
notices "a constant without a number" "'=' expected" "$after enum { MF_NEW };"
notices "a macro that is no number" "no plain number" "$after #define MF_NEW(x) (x)"
notices "a name without prefix" "begins with mf_" "$after MF_API int32_t new_function(void);"
notices "a parameter without a name" "a name expected" "$after MF_API int32_t mf_new(int32_t);"

# A description that has changed, and a declaration that has.
cp -r "$source/examples/bindings" "$work/ffi"
chmod -R u+w "$work/ffi"
declarations="python/monoforward/_abi.py node/abi.js browser/abi.js lua/monoforward_abi.lua rust/src/abi.rs"
for name in $declarations; do
    echo "changed" >>"$work/ffi/$name"
    python3 "$work/ffi/abi/generate.py" --check >"$work/out" 2>&1 && {
        echo "failed: not noticed: a change of $name"
        status=1
    }
    grep -q "$name" "$work/out" || {
        echo "failed: a change of $name is noticed elsewhere: $(cat "$work/out")"
        status=1
    }
    cp "$source/examples/bindings/$name" "$work/ffi/$name"
done
sed 's/"MF_STATUS_SHAPE", "type": "int32_t", "value": 3/"MF_STATUS_SHAPE", "type": "int32_t", "value": 33/' \
    "$abi/monoforward.json" >"$work/ffi/abi/monoforward.json"
python3 "$work/ffi/abi/generate.py" --check >"$work/out" 2>&1
for name in $declarations; do
    grep -q "failed: .*$name" "$work/out" || {
        echo "failed: not noticed: $name is not what the changed description gives"
        status=1
    }
done
exit $status
