# How the baseline, and what is compared with it, are made. Sourced. SPDX-License-Identifier: MIT

# dump LIBRARY HEADERS OUTPUT: the public ABI of a library that was built with debug information. What is not
# declared in the folder of the public header is left out, and so is whatever depends on the build: places in
# the sources, paths, the libraries behind this one, names of parameters. Identifiers of types are hashes, so
# that a new function does not number all others anew. Processors with the same sizes share a dump.
dump() {
    abidw --exported-interfaces-only --headers-dir "$2" --drop-private-types --no-show-locs --no-comp-dir-path \
        --no-corpus-path --no-architecture --no-elf-needed --no-parameter-names --type-id-style hash \
        --out-file "$3.raw" "$1" || return 1
    sed "s|path='[^']*lib/|path='lib/|" "$3.raw" >"$3"
    rm -f "$3.raw"
    symbols=$(grep -c '<elf-symbol ' "$3") typed=$(grep -c ' elf-symbol-id=' "$3")
    [ "$symbols" -eq "$typed" ] || {
        echo "failed: $1 exports $symbols functions, $typed with debug information: tests/abi/CMakeLists.txt" \
            "compiles those files with it that have public functions"
        return 1
    }
}

# newest BASELINE FILE: the folder of the last version in it that has this file.
newest() {
    last=$(find "$1" -mindepth 2 -maxdepth 2 -name "$2" | sed 's|/[^/]*$||; s|.*/||' | sort -t. -k1,1n -k2,2n -k3,3n | tail -1)
    echo "$1/$last"
}

# soname DUMP: the number in it.
soname() {
    sed -n "s/.* soname='libmonoforward\.so\.\([0-9]*\)'.*/\1/p" "$1"
}
