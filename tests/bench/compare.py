"""Times processes that do the same work against each other, in turns, and prints medians and ratios.

A worker reads commands from its standard input and answers on its standard output: see bench_worker.c.
While one works, the others wait for input.
SPDX-License-Identifier: MIT
"""
import os
import statistics
import subprocess
import sys


class Worker:
    def __init__(self, command, threads):
        environment = dict(os.environ, OPENBLAS_NUM_THREADS=str(threads), OMP_NUM_THREADS=str(threads),
                           OMP_WAIT_POLICY="passive")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("a worker has stopped")
        return answer.strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def rates(workers, batch, steps, rounds):
    """Median samples per second of each, and the times of the rounds."""
    times = {name: [] for name in workers}
    for worker in workers.values():
        worker.ask("run %d" % max(2, steps // 10))
    for _ in range(rounds):
        for name, worker in workers.items():
            times[name].append(float(worker.ask("run %d" % steps)))
    return {name: batch * steps / statistics.median(t) for name, t in times.items()}, times


def ratio(times, peer, ours):
    """How many times as fast ours is: the median over the rounds."""
    return statistics.median(a / b for a, b in zip(times[peer], times[ours]))


def print_pytorch(own, precision, setting, tuned, speed, times, memory):
    """A line: ours in one precision against both algorithms of PyTorch in another, or the same."""
    bp, mf, ours = "bp_" + precision, "mf_" + precision, "ours_" + own
    torch_least = [min(memory[bp][i], memory[mf][i]) for i in (0, 1)]
    print("result bench=pytorch %s precision=%s torch=%s torch_threads=%s torch_bp_sps=%.0f "
          "torch_mf_sps=%.0f ours_sps=%.0f vs_bp=%.2f vs_mf=%.2f rss_ours_mib=%.1f rss_torch_mib=%.1f "
          "rss_ratio=%.1f own_ours_mib=%.1f own_torch_mib=%.1f"
          % (setting, own, precision, tuned[bp] + "/" + tuned[mf], speed[bp], speed[mf], speed[ours],
             ratio(times, bp, ours), ratio(times, mf, ours), memory[ours][0], torch_least[0],
             torch_least[0] / memory[ours][0], memory[ours][1], torch_least[1]), flush=True)


def compare_pytorch(folder, worker, arch, batch, optimizer, threads, steps, rounds, run, precisions):
    def torch(algorithm, precision):
        return Worker([sys.executable, os.path.join(folder, "torch_worker.py"), algorithm, arch, str(batch),
                       optimizer, str(threads), precision], threads)

    peers = {algorithm + "_" + precision: torch(algorithm, precision)
             for precision in precisions for algorithm in ("bp", "mf")}
    tuned = {name: peer.ask("tune %d" % max(2, steps // 5)) for name, peer in peers.items()}
    for precision in precisions:
        peers["ours_" + precision] = Worker([worker, arch, str(batch), optimizer, str(threads), run, precision], 1)
    speed, times = rates(peers, batch, steps, rounds)
    memory = {name: [int(n) / 2**20 for n in w.ask("rss").split()] for name, w in peers.items()}
    setting = ("products=%s arch=%s batch=%d optimizer=%s threads=%d run=%s"
               % (peers["ours_" + precisions[0]].ask("products"), arch, batch, optimizer, threads, run))
    for own in precisions:
        for precision in precisions:
            print_pytorch(own, precision, setting, tuned, speed, times, memory)
    for w in peers.values():
        w.close()


def compare_fann(folder, worker, peer, arch, batch, steps, rounds):
    workers = {"fann": Worker([peer, arch, str(batch)], 1),
               "ours": Worker([worker, arch, str(batch), "sgd", "1"], 1)}
    speed, times = rates(workers, batch, steps, rounds)
    print("result bench=c peer=fann products=%s arch=%s batch=%d threads=1 fann_sps=%.0f ours_sps=%.0f vs_fann=%.1f"
          % (workers["ours"].ask("products"), arch, batch, speed["fann"], speed["ours"],
             ratio(times, "fann", "ours")), flush=True)
    for w in workers.values():
        w.close()


def main():
    folder = os.path.dirname(os.path.abspath(__file__))
    kind, worker = sys.argv[1], sys.argv[2]
    if kind == "pytorch":
        arch, batch, optimizer, threads, steps, rounds, run, precisions = sys.argv[3:]
        compare_pytorch(folder, worker, arch, int(batch), optimizer, int(threads), int(steps), int(rounds),
                        run, precisions.split(","))
    else:
        peer, arch, batch, steps, rounds = sys.argv[3:]
        compare_fann(folder, worker, peer, arch, int(batch), int(steps), int(rounds))


main()
