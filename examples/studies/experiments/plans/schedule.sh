# In which order layers learn: MNIST, four layers of 1000, alone on two cores. Read by ../run.sh.
net="--data mnist --hidden 1000,1000,1000,1000"
# One pass of all layers takes 8 seconds on two cores.
one() { # one MINUTES GROUP OPTIONS
    expected=$1 group=$2
    shift 2
    alone $expected $group-s1 --group $group $net --seed 1 "$@"
}
one 1.6 joint --method mf --epochs 12 --threads 2 @sanity/mnist-mf
one 2.9 joint-one-thread --method mf --epochs 12 @sanity/mnist-mf
one 1.6 pipelined --method mf-pipelined --workers 2 --epochs 12 @sanity/mnist-mf
one 1.2 greedy-equal-passes --method mf-greedy --epochs 3 --threads 2 @mlp-table/mnist-greedy
one 4.6 greedy-12-each --method mf-greedy --epochs 12 --threads 2 @mlp-table/mnist-greedy
one 2.2 bp --method bp --epochs 12 --threads 2 @sanity/mnist-bp
