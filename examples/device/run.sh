#!/bin/sh
# Builds the streaming example for a Cortex-M4 and runs it in QEMU, where 40 instructions pass for a clock of the timer:
#
#     sh run.sh FOLDER [FLAGS_OF_THE_COMPILER...]
#
# Debian: gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm. Writes to FOLDER. Exit code 0 if the program learned.
# SPDX-License-Identifier: MIT
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=$1
shift
[ $# -gt 0 ] || set -- -Os

python3 "$here/../../cmake/amalgamate.py" "$folder"
cd "$folder"
compile() {
    arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -std=gnu11 -Wall -Wextra \
        -ffunction-sections -fdata-sections "$@"
}
compile "$@" -ffp-contract=fast -fno-math-errno -fno-trapping-math -DMF_NO_THREADS -DMF_NO_FILES -DMF_NO_MALLOC \
    -c monoforward_all.c
compile "$@" -I . -c "$here/streaming.c" "$here/startup.c"
# newlib's own stubs warn that they do nothing.
compile streaming.o startup.o monoforward_all.o -nostartfiles --specs=nosys.specs -T "$here/mps2.ld" -Wl,--gc-sections \
    -Wl,-Map=map -lm -o streaming.elf 2>linker || {
    cat linker
    exit 1
}
arm-none-eabi-size streaming.elf
timeout 120 qemu-system-arm -M mps2-an386 -display none -monitor none -serial none -icount shift=0 \
    -semihosting-config enable=on,target=native -kernel streaming.elf 2>&1 | tee output
percent=$(sed -n 's/^result .*right_percent=\([0-9]*\).*/\1/p' output)
[ "${percent:-0}" -ge 90 ]
