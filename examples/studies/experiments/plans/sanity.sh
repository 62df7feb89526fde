# MNIST, two layers of 1000: accuracy at 20 passes, training memory, the time of one answer. Read by ../run.sh.
net="--data mnist --hidden 1000,1000"
# One pass takes 5.5 seconds (mf), 7 (bp).
choose 0.5 mnist-mf "3e-4 1e-3 3e-3" "1 2.45" $net --method mf --epochs 5
choose 0.6 mnist-bp "3e-4 1e-3 3e-3" "1 2.45" $net --method bp --epochs 5
for seed in 1 2 3 4 5; do
    run 1.9 mf-s$seed --group mf $net --method mf --epochs 20 --seed $seed @mnist-mf
    run 2.4 bp-s$seed --group bp $net --method bp --epochs 20 --seed $seed @mnist-bp
done
for batch in 128 30000; do
    for optimizer in sgd adam; do
        for method in mf bp; do
            run 0.5 memory-$method-$optimizer-$batch --measure memory --method $method --optimizer $optimizer \
                --batch $batch $net
        done
    done
done
for optimizer in sgd adam; do
    for method in mf bp; do
        run 0.1 memory-cifar-$method-$optimizer --measure memory --method $method --optimizer $optimizer --data cifar10 \
            --hidden 2000,2000,2000
    done
done
alone 0.1 answers --measure answers --method mf $net
