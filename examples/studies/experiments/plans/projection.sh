# What the projection has to be: MNIST, three layers of 500, 10 passes. Read by ../run.sh.
net="--data mnist --hidden 500,500,500 --method mf --epochs 10"
# One pass takes 3 seconds.
choose 0.3 projection "3e-4 1e-3 3e-3 1e-2" 1 $net --epochs 5
for seed in 1 2 3; do
    one() { # one GROUP OPTIONS
        group=$1
        shift
        run 0.5 $group-s$seed --group $group $net "$@" --seed $seed @projection
    }
    one learned-kaiming
    one learned-zero --init-projection zero
    one learned-orthogonal --init-projection orthogonal
    one frozen-kaiming --freeze projection
    one frozen-orthogonal --freeze projection --init-projection orthogonal
    one frozen-zero --freeze projection --init-projection zero
    for gain in 0.01 0.1 10 100; do
        one learned-gain-$gain --projection-gain $gain
        one frozen-gain-$gain --freeze projection --projection-gain $gain
    done
    for rank in 1 2 4 9; do
        one learned-rank-$rank --rank $rank
    done
    one frozen-rank-4 --freeze projection --rank 4
    for decay in 0.01 0.1 1; do
        one learned-decay-$decay --optimizer adamw --weight-decay $decay
    done
done
