#!/bin/sh
# The vcpkg port and the Homebrew formula of a release, with address and checksums of its sources:
#
#     sh cmake/packaging/fill.sh TARBALL URL OUTPUT_FOLDER
#
# TARBALL is what stands at URL (cmake --build build --target dist makes it). SPDX-License-Identifier: MIT
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ $# -ne 3 ] || [ ! -f "$1" ]; then
    echo "usage: sh cmake/packaging/fill.sh TARBALL URL OUTPUT_FOLDER" >&2
    exit 2
fi
tarball=$1 url=$2 output=$3
case $url in
*[!A-Za-z0-9:/._~%+-]*)
    echo "fill.sh: '$url' is no address of a file" >&2
    exit 2
    ;;
esac

checksum() { # bits
    if command -v "sha$1sum" >/dev/null; then
        "sha$1sum" "$tarball" | cut -d ' ' -f 1
    else
        shasum -a "$1" "$tarball" | cut -d ' ' -f 1
    fi
}
sha256=$(checksum 256)
sha512=$(checksum 512)

mkdir -p "$output/vcpkg" "$output/homebrew"
cp -R "$here/vcpkg/monoforward" "$output/vcpkg/"
cp "$here/homebrew/monoforward.rb" "$output/homebrew/"
for file in vcpkg/monoforward/portfile.cmake homebrew/monoforward.rb; do
    sed -e '/^# The sources of a release/d' -e "s|@URL@|$url|" -e "s|@SHA256@|$sha256|" -e "s|@SHA512@|$sha512|" \
        "$here/$file" >"$output/$file"
done
echo "result vcpkg=$output/vcpkg/monoforward homebrew=$output/homebrew/monoforward.rb"
