#!/bin/sh
# Three network namespaces with a rank in each, and TCP alone between them, slow and with losses: the same bits as in one
# process, and no hang. Packets are delayed and lost by netem; where the kernel has none by a short queue in front of a
# slow link, which drops what does not fit. Wants root; ends with 77 where namespaces cannot be made.
# Arguments: mpirun, then programs of three ranks. SPDX-License-Identifier: MIT
set -eu
mpirun=$1
shift
name=mf$$ net=10.213.77
work=$(mktemp -d)
cleanup() {
    for i in 0 1 2 3; do
        ip netns delete "$name-$i" 2>/dev/null || :
    done
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM
skip() {
    echo "skip: network namespaces: $*"
    exit 77
}

# Ranks of MPICH come to the same bits. Then one waits for the others within MPI_Finalize() and answers nothing meanwhile,
# and they want an answer of it before they come there.
"$mpirun" --version 2>&1 | grep -q "Open MPI\|OpenRTE" ||
    skip "this is not Open MPI, and MPI_Finalize() of MPICH 4.0 over UCX and TCP waits for ever"
command -v ip >/dev/null && command -v tc >/dev/null || skip "there is no ip or no tc (iproute2)"
ip netns add "$name-0" 2>"$work/log" || skip "none here: $(cat "$work/log")"
ip -n "$name-0" link add bridge type bridge 2>"$work/log" || skip "no bridge here: $(cat "$work/log")"
ip -n "$name-0" link set bridge up

# What leaves a machine is delayed and lost there.
make_bad() { # NAMESPACE
    tc -n "$1" qdisc add dev eth0 root netem delay 2ms 1ms loss 1% 2>/dev/null ||
        tc -n "$1" qdisc add dev eth0 root tbf rate 40mbit burst 4kb limit 12kb 2>"$work/log" ||
        skip "neither netem nor tbf here: $(cat "$work/log")"
}
for i in 1 2 3; do
    ip netns add "$name-$i"
    ip -n "$name-0" link add "port$i" type veth peer name eth0 netns "$name-$i" 2>"$work/log" ||
        skip "no pairs of interfaces here: $(cat "$work/log")"
    ip -n "$name-0" link set "port$i" master bridge up
    # Packets of a real network's size: a queue drops single ones.
    ip -n "$name-$i" link set eth0 gso_max_segs 1 2>/dev/null || :
    ip -n "$name-$i" address add "$net.$i/24" dev eth0
    ip -n "$name-$i" link set lo up
    ip -n "$name-$i" link set eth0 up
    make_bad "$name-$i"
done

# Stands in for ssh: HOST COMMAND...; each namespace has a host name of its own.
cat >"$work/agent" <<END
#!/bin/sh
while [ "\${1#-}" != "\$1" ]; do shift; done
i=\${1##*.}
shift
exec ip netns exec "$name-\$i" unshare --uts sh -c "hostname machine\$i; \$*" </dev/null
END
chmod +x "$work/agent"
cat >"$work/first" <<END
#!/bin/sh
hostname machine1
exec timeout 250 "\$@"
END
chmod +x "$work/first"

ranks() { # PROGRAM
    ip netns exec "$name-1" unshare --uts "$work/first" "$mpirun" --host "$net.1:1,$net.2:1,$net.3:1" \
        --mca plm_rsh_agent "$work/agent" --mca pml ob1 --mca btl self,tcp --mca btl_tcp_if_include "$net.0/24" \
        --mca oob_tcp_if_include "$net.0/24" -n 3 "$1" </dev/null
}
for program in "$@"; do
    ranks "$program" || {
        echo "failed: $program: $? (124: a hang)"
        exit 1
    }
done
for i in 1 2 3; do
    tc -n "$name-$i" -s qdisc show dev eth0
done >"$work/queues"
sent=$(awk '/^ Sent/ { sum += $2 } END { print sum }' "$work/queues")
lost=$(sed -n 's/.*(dropped \([0-9]*\).*/\1/p' "$work/queues" | awk '{ sum += $1 } END { print sum + 0 }')
echo "result queue=$(awk '{ print $2; exit }' "$work/queues") bytes=$sent lost_packets=$lost"
[ "$sent" -gt 100000 ] && [ "$lost" -gt 0 ] || {
    echo "failed: nothing went over the network, or nothing was lost"
    exit 1
}
