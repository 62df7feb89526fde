#!/bin/sh
# Three ranks on three hosts that see each other through a slow network that loses frames: the bits of one process, and no
# hang. The hosts are network namespaces of this machine, the network is switch.py. Arguments: a test that runs as ranks,
# mpirun. SPDX-License-Identifier: MIT
set -eu
program=$1 mpirun=$2 here=$(dirname "$0")

skip()
{
    echo "skipped: $1"
    exit 77
}

"$mpirun" --version 2>/dev/null | grep -Eq "Open MPI|OpenRTE" || skip "only Open MPI's mpirun is told here how to reach such hosts"
command -v ip >/dev/null || skip "there is no ip (Debian: iproute2)"
[ -c /dev/net/tun ] || skip "the kernel has no /dev/net/tun"
name=mf$$
ip netns add "$name-1" 2>/dev/null || skip "no right to make network namespaces"

work=$(mktemp -d)
clean()
{
    exec 3>&- || true
    for i in 1 2 3; do ip netns del "$name-$i" 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean EXIT
ip netns add "$name-2"
ip netns add "$name-3"
mkfifo "$work/end"
python3 "$here/switch.py" "${DELAY:-0.2}" "${LOSS:-0.005}" "$name-1" "$name-2" "$name-3" <"$work/end" >"$work/switch" &
exec 3>"$work/end"
until grep -q ready "$work/switch"; do sleep 0.05; done
for i in 1 2 3; do
    ip -n "$name-$i" address add "10.77.77.$i/24" dev port
    ip -n "$name-$i" link set port up
    ip -n "$name-$i" link set lo up
done

# mpirun calls this with a host and a command. Every host has a name of its own, or ranks would take shared memory.
cat >"$work/agent" <<AGENT
#!/bin/sh
host=\${1##*.}
shift
exec ip netns exec "$name-\$host" unshare --uts sh -c "hostname host\$host && \$*"
AGENT
chmod +x "$work/agent"
ip netns exec "$name-1" unshare --uts sh -c "hostname host1 && exec \"\$@\"" sh \
    timeout 300 "$mpirun" --mca plm_rsh_agent "$work/agent" --mca btl self,tcp --mca oob_tcp_if_include port \
    --mca btl_tcp_if_include port --host 10.77.77.1,10.77.77.2,10.77.77.3 -n 3 "$program"
exec 3>&-
wait
cat "$work/switch"
