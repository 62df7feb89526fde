#!/bin/sh
# The files for package managers: each is one that its language can read, names the version of the header, and
# uses only build options that exist. Arguments: the source folder. Reads CMAKE. SPDX-License-Identifier: MIT
set -eu
cd "$1"
here=tests/packaging
packaging=cmake/packaging
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
status=0

failed() {
    echo "failed: $*"
    status=1
}

version=$(awk '/^#define MF_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", dot, $3; dot = "." }' include/monoforward.h)

# Options: whatever begins with MF_ must be one of the project, or a variable of the environment.
{ sed -n 's/^ *\(mf_setting\|option\)(\(MF_[A-Z_]*\) .*/\2/p' CMakeLists.txt cmake/Reference.cmake cmake/Hardening.cmake
    grep -rohE 'getenv\("MF_[A-Z_]+' lib | sed 's/.*"//'; } | sort -u >"$work/options"
[ "$(wc -l <"$work/options")" -ge 5 ] || failed "hardly any option found in CMakeLists.txt"
grep -rIohE --exclude='*.c' 'MF_[A-Z_]+' $packaging/debian/rules $packaging/vcpkg $packaging/conan $packaging/homebrew \
    docs/packaging.md | grep -v '^MF_VERSION_' | sort -u >"$work/used"
[ "$(wc -l <"$work/used")" -ge 4 ] || failed "hardly any option found in $packaging"
unknown=$(comm -13 "$work/options" "$work/used")
[ -z "$unknown" ] || failed "options that the project does not have: $unknown"

# What is `auto` depends on the machine, so every package says how it wants it.
sed -n 's/^ *mf_setting(\(MF_[A-Z_]*\) auto .*/\1/p' CMakeLists.txt cmake/*.cmake >"$work/auto"
[ "$(wc -l <"$work/auto")" -ge 3 ] || failed "hardly any option with the value auto found"
for package in debian/rules vcpkg/monoforward/portfile.cmake conan/conanfile.py homebrew/monoforward.rb; do
    while read -r option; do
        grep -q "$option" "$packaging/$package" || failed "$package does not say what $option is"
    done <"$work/auto"
done

# Scripts; debian/tests/control is none.
for script in $packaging/*.sh $packaging/debian/tests/[!c]* $here/*.sh; do
    sh -n "$script" || failed "$script is no shell script"
done
# What is trapped at the exit some shells, dash is one, do not run for a signal.
for script in $(grep -rlE --include='*.sh' '^ *trap .* EXIT' cmake docs examples tests); do
    grep -qE '^ *trap .* INT TERM' "$script" || failed "$script traps EXIT and not INT TERM"
done
grep -q '^[0-9]' $packaging/debian/source/format || failed "debian/source/format names no format"
[ -x $packaging/debian/rules ] || failed "debian/rules cannot be executed"
make -n -f $packaging/debian/rules override_dh_auto_configure-arch 2>"$work/log" | grep -q 'MF_BUILD_TESTS=ON' ||
    failed "debian/rules: $(cat "$work/log")"

# Debian.
debian=$(sed -n '1s/^libmonoforward (\(.*\)-[0-9]*) .*/\1/p' $packaging/debian/changelog)
[ "$debian" = "$version" ] || failed "debian/changelog is of version '$debian', the header of $version"
if command -v dpkg-parsechangelog >/dev/null; then
    dpkg-parsechangelog -l $packaging/debian/changelog >"$work/log" 2>&1 && ! grep -q warning "$work/log" ||
        failed "debian/changelog: $(cat "$work/log")"
fi
long=$(awk 'length($0) > 80' $packaging/debian/control)
[ -z "$long" ] || failed "debian/control: a line is longer than lintian allows: $long"
sed '1,/^$/d' LICENSE | sed '/^Copyright/,/^$/d' >"$work/license"
sed '1,/^License: Expat$/d' $packaging/debian/copyright | sed '1,/^License: Expat$/d; s/^ //; s/^\.$//' >"$work/copied"
diff "$work/license" "$work/copied" || failed "debian/copyright departs from LICENSE"

# Rust.
rust=examples/bindings/rust
for file in Cargo.toml Cargo.lock; do
    found=$(awk '$1 == "name" { ours = $3 == "\"monoforward\"" } $1 == "version" && ours { print $3 }' $rust/$file)
    [ "$found" = "\"$version\"" ] || failed "$rust/$file is of version $found, the header of $version"
done

# vcpkg. The port is run with vcpkg's commands replaced by ones that record how they are called.
"${CMAKE:-cmake}" -DPORT_FOLDER="$PWD/$packaging/vcpkg/monoforward" -DWORK="$work" -P $here/portfile.cmake \
    >"$work/log" 2>&1 || failed "portfile.cmake: $(cat "$work/log")"

# Conan, likewise.
if command -v python3 >/dev/null; then
    python3 $here/vcpkg_json.py $packaging/vcpkg/monoforward/vcpkg.json "$version" || failed "vcpkg.json"
    python3 $here/conanfile.py "$PWD" "$version" || failed "conanfile.py"
else
    echo "skip: vcpkg.json and the Conan recipe: there is no python3"
fi

# Homebrew.
if command -v ruby >/dev/null; then
    ruby -c $packaging/homebrew/monoforward.rb >"$work/log" 2>&1 || failed "monoforward.rb: $(cat "$work/log")"
else
    echo "skip: syntax of the Homebrew formula: there is no ruby"
fi

# A release's address and checksums are all that is left open.
echo sources >"$work/sources.tar.gz"
sh $packaging/fill.sh "$work/sources.tar.gz" https://example.org/monoforward-$version.tar.gz "$work/a b" >"$work/log"
grep -q "sha256 \"$(sha256sum <"$work/sources.tar.gz" | cut -d ' ' -f 1)\"" "$work/a b/homebrew/monoforward.rb" ||
    failed "fill.sh: the formula has another checksum"
grep -q "SHA512 $(sha512sum <"$work/sources.tar.gz" | cut -d ' ' -f 1))" \
    "$work/a b/vcpkg/monoforward/portfile.cmake" || failed "fill.sh: the port has another checksum"
[ "$(grep -rhoE 'https://example.org/monoforward[^"]*' "$work/a b" | wc -l)" -eq 2 ] ||
    failed "fill.sh: the address is missing"
if grep -rnE '@[A-Z0-9]+@' "$work/a b"; then
    failed "fill.sh leaves a place open"
fi
if sh $packaging/fill.sh "$work/none" https://example.org/a.tar.gz "$work/none.d" 2>"$work/log"; then
    failed "fill.sh is content without a tarball"
fi
exit "$status"
