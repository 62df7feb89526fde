# What a public header declares, for the scripts of this folder: read from the preprocessed header, so that
# neither comments nor the layout of lines matter. Sourced. SPDX-License-Identifier: MIT

# declarations HEADER: one declaration a line, blanks made equal; structs keep their fields in one line.
declarations() {
    mkdir -p "$work/empty"
    : >"$work/empty/stddef.h"
    : >"$work/empty/stdint.h"
    "${CC:-cc}" -E -P -nostdinc -I"$work/empty" "$1" | awk '
        { text = text " " $0 }
        END {
            gsub(/[ \t]+/, " ", text)
            for (i = 1; i <= length(text); i++) {
                c = substr(text, i, 1)
                depth += (c == "{") - (c == "}")
                if (c == ";" && depth == 0) {
                    sub(/^ /, "", line)
                    print line
                    line = ""
                } else
                    line = line c
            }
        }'
}

# prototypes HEADER: the functions, without the attribute that exports them.
prototypes() {
    declarations "$1" | sed -n 's/^__attribute__((visibility("default"))) //p'
}

# names: of the functions, from their prototypes.
names() {
    sed 's/^[^(]*[ *]\(mf_[a-z0-9_]*\)(.*/\1/'
}

# constants HEADER DECLARATIONS: the names of enumerators, and of macros that are numbers, but for the version.
constants() {
    sed -n 's/^enum { *\(.*\)}$/\1/p' "$2" | tr ',' '\n' | sed 's/^ *//; s/ *=.*//; /^$/d'
    sed -n 's/^#define \(MF_[A-Z0-9_]*\) [^_].*/\1/p' "$1" | grep -vE '^MF_(VERSION_.*|API)$'
}

# fields DECLARATIONS: struct, field and type, a line each; the type of a callback is all of it but the name.
fields() {
    sed -n 's/^typedef struct \(mf_[a-z0-9_]*\) { *\(.*;\) *} *mf_.*/\1 \2/p' "$1" | awk '
        function without_names(text) { # parameters may change their names
            while (match(text, /[ *][a-z_0-9]+[,)]/))
                text = substr(text, 1, RSTART) substr(text, RSTART + RLENGTH - 1)
            return text
        }
        {
            struct = $1
            sub(/^[^ ]* /, "")
            count = split($0, parts, / *; */)
            for (i = 1; i < count; i++) {
                part = parts[i]
                if (match(part, /\(\*[a-z0-9_]+\)/)) { # a callback
                    name = substr(part, RSTART + 2, RLENGTH - 3)
                    type = substr(part, 1, RSTART + 1) substr(part, RSTART + RLENGTH - 1)
                } else {
                    match(part, /[a-z0-9_]+(\[[0-9]+\])?$/)
                    name = substr(part, RSTART)
                    type = substr(part, 1, RSTART - 1)
                    if (match(name, /\[/)) {
                        type = type substr(name, RSTART)
                        name = substr(name, 1, RSTART - 1)
                    }
                }
                if (type ~ /\(/)
                    type = without_names(type)
                sub(/ +$/, "", type)
                print struct, name, type
            }
        }'
}

# layout HEADER: what a compiler makes of it on this machine, sorted: the number of every constant, the place,
# size and type of every field, and the size of every struct.
layout() {
    declarations "$1" >"$work/declarations"
    fields "$work/declarations" >"$work/fields"
    {
        echo '#include <monoforward.h>'
        echo '#include <stdio.h>'
        echo 'int main(void) {'
        for name in $(constants "$1" "$work/declarations"); do
            printf '    printf("constant %s %%lld\\n", (long long)%s);\n' "$name" "$name"
        done
        while read -r struct field type; do
            printf '    printf("field %s %s at %%d, %%d bytes, %s\\n", (int)offsetof(%s, %s), ' \
                "$struct" "$field" "$type" "$struct" "$field"
            printf '(int)sizeof ((%s *)0)->%s);\n' "$struct" "$field"
        done <"$work/fields"
        for struct in $(cut -d' ' -f1 "$work/fields" | uniq); do
            printf '    printf("struct %s %%d bytes\\n", (int)sizeof(%s));\n' "$struct" "$struct"
        done
        echo '    return 0; }'
    } >"$work/layout.c"
    mkdir -p "$work/include"
    cp "$1" "$work/include/monoforward.h"
    "${CC:-cc}" -std=c11 -I"$work/include" "$work/layout.c" -o "$work/layout" && "$work/layout" | LC_ALL=C sort
}
