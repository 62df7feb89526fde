# What both scripts need. They have set $program (onnx_networks) and $source. SPDX-License-Identifier: MIT
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

skip() {
    echo "skip: onnx: $*"
    exit 77
}

# unpack NAME BYTES FILE...: the beginning of the first of the files that is there, unpacked, as $work/data/NAME.
unpack() {
    name=$1 bytes=$2
    shift 2
    for file in "$@"; do
        [ -f "$file" ] || continue
        case $file in
        *.gz) gzip -dc "$file" ;;
        *.xz) xz -dc "$file" ;;
        *) cat "$file" ;;
        esac 2>"$work/complaint" | head -c "$bytes" >"$work/data/$name"
        return
    done
}

# Real images, if there are any: sets of the names that onnx_networks looks for.
find_images() {
    mkdir "$work/data"
    for folder in "${MONOFORWARD_DATA:-}" "${MONOFORWARD_DATA:+$MONOFORWARD_DATA/mnist}" "$source/../shared/data/mnist" "$source/data/mnist"; do
        [ -n "$folder" ] && [ ! -f "$work/data/test.images" ] || continue
        unpack train.images 1000000 "$folder/train-images-idx3-ubyte" "$folder/train-images-idx3-ubyte.gz"
        unpack train.labels 2000 "$folder/train-labels-idx1-ubyte" "$folder/train-labels-idx1-ubyte.gz"
        unpack test.images 300000 "$folder/t10k-images-idx3-ubyte" "$folder/t10k-images-idx3-ubyte.gz"
    done
    for folder in "${MONOFORWARD_DATA:-}" "${MONOFORWARD_DATA:+$MONOFORWARD_DATA/cifar-10}" "$source/../shared/data/cifar-10" "$source/data/cifar-10" \
        "$source/data/cifar-10-batches-bin"; do
        [ -n "$folder" ] && [ ! -f "$work/data/test.records" ] || continue
        unpack train.records 4000000 "$folder/data_batch_1.bin" "$folder/data_batch_1.bin.xz"
        unpack test.records 1000000 "$folder/test_batch.bin" "$folder/test_batch.bin.xz"
    done
}

# The networks, in $work/out.
make_networks() {
    find_images
    mkdir "$work/out"
    "$program" "$work/out" "$work/data" || {
        echo "failed: onnx_networks"
        exit 1
    }
}
