#!/bin/sh
# Is the gate a gate? Copies of the kept header with one change each, and libraries made from them, go through
# gate.sh, which has to tell a break from an addition and to name what has changed; then renew.sh.
# SPDX-License-Identifier: MIT
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
# shellcheck source=tests/abi/declarations.sh
. "$here/declarations.sh"
# shellcheck source=tests/abi/stubs.sh
. "$here/stubs.sh"
# shellcheck source=tests/abi/dump.sh
. "$here/dump.sh"
for tool in abidw abidiff; do
    command -v $tool >/dev/null || {
        echo "skip: the gate itself: $tool is not installed (Debian: abigail-tools)"
        exit 77
    }
done
old=$(newest "$here/baseline" monoforward.h)
node=$(soname "$old/monoforward.abi")
mkdir -p "$work/changed" "$work/build/tests/abi"
changed=$work/changed/monoforward.h
library=$work/build/tests/abi/libmonoforward.so
status=0

change() { # sed commands that make the changed header
    sed "$@" "$old/monoforward.h" >"$changed"
    if cmp -s "$changed" "$old/monoforward.h"; then
        echo "failed: nothing was changed by: $*"
        exit 1
    fi
}

# judge WHAT CODE WORDS NODE [HEADER]: the exit code of the gate, and words that its answer has to contain, for
# a library of that header and SONAME.
judge() {
    code=0
    stub_library "${5:-$changed}" "$4" "$library"
    sh "$here/gate.sh" "$here/baseline" "$changed" "$library" >"$work/answer" 2>&1 || code=$?
    if [ $code -eq "$2" ] && grep -q -- "$3" "$work/answer"; then
        echo "ok: $1"
    else
        echo "failed: $1: exit code $code, expected $2 and '$3' in:"
        head -30 "$work/answer"
        status=1
    fi
}

breaks() { # what, words, sed commands...
    what=$1 words=$2
    shift 2
    change "$@"
    judge "$what" 1 "$words" "$node"
    grep -q '^failed: a program built for' "$work/answer" || status=1
}

grows() { # what, words, sed commands...
    what=$1 words=$2
    shift 2
    change "$@"
    judge "$what" 3 "$words" "$node"
    grep -q '^sh tests/abi/renew.sh BUILD$' "$work/answer" || status=1
}

if grep -nE "(path|dir)='(/|\.\.)" "$old/monoforward.abi"; then
    echo "failed: the baseline names folders of the machine that made it"
    status=1
fi
cp "$old/monoforward.h" "$changed"
judge "nothing has changed" 0 "the ABI is that of" "$node"
judge "another SONAME" 1 "SONAME changed" $((node + 1))
breaks "a parameter of another type" mf_layer_apply '/mf_layer_apply(/s/const float \*/const double */'
breaks "a parameter without its sign" mf_optimizer_range '/mf_optimizer_range(/s/int32_t key/uint32_t key/'
breaks "one more parameter" mf_network_size '/mf_network_size(/s/size_t \*size/size_t *size, int32_t mode/'
breaks "another result" mf_schedule_cosine '/mf_schedule_cosine(/s/double mf/float mf/'
breaks "a function removed" mf_blas_get_threads '/^MF_API.*mf_blas_get_threads(/d'
breaks "a function renamed" mf_blas_get_threads '/^MF_API/s/mf_blas_get_threads/mf_blas_threads/'
breaks "a field of another size" mf_report '/^typedef struct mf_report /,/^}/s/double loss/float loss/'
breaks "a field without its sign" mf_report '/^typedef struct mf_report /,/^}/s/uint64_t rows/int64_t rows/'
breaks "a field removed" mf_memory '/^typedef struct mf_memory /,/^}/{/ state;/d;}'
breaks "a field before others" mf_shape '/^typedef struct mf_shape /,/^}/s/int32_t rank;/int32_t new, rank;/;
    s/int32_t new, rank;/int32_t fresh;int32_t rank;/'
breaks "a field in a hole" "mf_batch fresh" '/^typedef struct mf_batch /,/^}/s/int32_t target_type;/&int32_t fresh;/'
breaks "a field in a struct without size" mf_allocator '/^typedef struct mf_allocator /,/^}/s/^} /void *fresh;&/'
breaks "a field appended, another changed" mf_report \
    '/^typedef struct mf_report /,/^}/{s/uint64_t rows/int64_t rows/;s/^} /uint64_t fresh;&/;}'
breaks "a reserved field of another type" mf_block_spec '/^typedef struct mf_block_spec /,/^}/s/int32_t reserved;/float fresh;/'
breaks "a field renamed" mf_head_spec '/^typedef struct mf_head_spec /,/^}/s/int32_t projection_init;/int32_t fresh;/'
breaks "another parameter of a callback" on_report 's/on_report)(void \*user, const/on_report)(int32_t user, const/'
breaks "another number of a constant" MF_STATUS_SHAPE 's/MF_STATUS_SHAPE = 3/MF_STATUS_SHAPE = 30/'
breaks "a constant removed" MF_INIT_NORMAL '/MF_INIT_NORMAL = 3/d'
breaks "another number of a macro" MF_SEED_AUTO '/define MF_SEED_AUTO/s/(0)/(1)/'

grows "a function added" mf_fresh 's/^MF_API.*mf_blas_name(void);/&\nMF_API void mf_fresh(void);/'
cp "$library" "$work/grown.so"
cp "$changed" "$work/grown.h"
grows "a field appended" "mf_report fresh" '/^typedef struct mf_report /,/^}/s/^} /uint64_t fresh;&/'
grows "a reserved field named, and a constant added" MF_FRESH '/^typedef struct mf_block_spec /,/^}/s/int32_t reserved;/int32_t fresh;/;s/MF_STATUS_VERSION = 16/&, MF_FRESH = 17/'
grows "a constant added" MF_STATUS_FRESH 's/MF_STATUS_VERSION = 16/&, MF_STATUS_FRESH = 17/'
grows "a struct added" mf_fresh_spec '$i\
typedef struct mf_fresh_spec { uint32_t struct_size; int32_t kind; } mf_fresh_spec;'

change '/^MF_API.*mf_blas_get_threads(/d'
mv "$changed" "$work/less.h"
cp "$old/monoforward.h" "$changed"
judge "a library that lacks what its header has" 1 mf_blas_get_threads "$node" "$work/less.h"

# renew CODE WORDS OPTIONS...: on a copy of the baseline.
renew() {
    expected=$1 words=$2 code=0
    shift 2
    BASELINE=$work/baseline HEADER=$changed sh "$here/renew.sh" "$@" >"$work/answer" 2>&1 || code=$?
    if [ $code -eq "$expected" ] && grep -q -- "$words" "$work/answer"; then
        echo "ok: renew.sh: $words"
    else
        echo "failed: renew.sh $*: exit code $code, expected $expected and '$words' in:"
        cat "$work/answer"
        status=1
    fi
}

cp -R "$here/baseline" "$work/baseline"
renew 1 refused "$work/build" # the library without a function
diff -qr "$here/baseline" "$work/baseline" || status=1
renew 1 "nothing was raised" "$work/build" --soname-raised
renew 2 usage "$work/build" --whatever
diff -qr "$here/baseline" "$work/baseline" || status=1

sed 's/define MF_VERSION_MAJOR .*/define MF_VERSION_MAJOR 999/' "$work/grown.h" >"$changed"
cp "$work/grown.so" "$library"
version=$(sed -n 's/^#define MF_VERSION_M[A-Z]* //p' "$changed" | tr '\n' .)0
renew 0 "the baseline is now that of $version" "$work/build"
cmp "$changed" "$work/baseline/$version/monoforward.h" && [ -d "$work/baseline/${old##*/}" ] || status=1
sh "$here/gate.sh" "$work/baseline" "$changed" "$library" || status=1

stub_library "$work/less.h" $((node + 1)) "$library"
cp "$work/less.h" "$changed"
renew 0 "the baseline is now that of" "$work/build" --soname-raised
[ "$(find "$work/baseline" -name monoforward.h | wc -l)" -eq 1 ] || {
    echo "failed: folders of the old SONAME are still there"
    status=1
}
find "$work/baseline" -name monoforward_mpi.interface | grep -q . || {
    echo "failed: the interface of libmonoforward_mpi went with them"
    status=1
}
sh "$here/gate.sh" "$work/baseline" "$changed" "$library" || status=1
exit "$status"
