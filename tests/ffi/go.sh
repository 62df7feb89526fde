#!/bin/sh
# The example for Go; cgo compares it with the header. Arguments: see languages.sh. SPDX-License-Identifier:
# MIT
here=$(dirname "$0")
. "$here/languages.sh"

command -v go >/dev/null || skip "there is no go (sh tests/run.sh --all installs it)"
offer_package
# Everything that Go writes lands in the build folder, and nothing comes from the network.
GOCACHE=$build/go/cache GOPATH=$build/go GOENV=off GOFLAGS=-buildvcs=false GOPROXY=off GOTOOLCHAIN=local
GO111MODULE=on GOWORK=off CGO_ENABLED=1
export GOCACHE GOPATH GOENV GOFLAGS GOPROXY GOTOOLCHAIN GO111MODULE GOWORK CGO_ENABLED
[ "$(go env GOVERSION | sed 's/^go1\.\([0-9]*\).*/\1/')" -ge 17 ] 2>/dev/null || skip "$(go version) is older than 1.17"
# Go does not build again because a header or the answer of pkg-config has changed, but because a flag has: this folder
# is a new one in every run.
CGO_CFLAGS="-O2 -I$work/prefix/include"
export CGO_CFLAGS
cd "$source/examples/bindings/go" || exit 1
go vet ./... || exit 1
go build -o "$work/spirals" ./spirals || exit 1
learns ffi-go "$work/spirals"
go build -o "$work/residual" ./residual || exit 1
builds ffi-go-residual "$work/residual"
