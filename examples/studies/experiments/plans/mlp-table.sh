# The paper's dense networks: backpropagation, Mono-Forward jointly and greedily; MNIST with as many data passes and each
# to its own convergence; Fashion-MNIST the latter; CIFAR-10 with 15 data passes (greedy: 5 for each layer), and with 45
# (greedy: 45 for each layer).
# Long runs may want a lower learning rate than the two passes by which it is chosen: seed 1 tries the chosen one and about a
# third of it (of the greedy one, what the independent re-runs report), and the claims take the one that is better on the
# validation rows. Runs with patience stop CIFAR-10's first greedy layer while it still learns, as one seed of them shows.
# MNIST's choices and its runs of 20 joint passes are sanity's. CIFAR-100 has CIFAR-10's rates and 15 passes. Read by ../run.sh.
mnist="--data mnist --hidden 1000,1000"
fashion="--data fashion-mnist --hidden 1000,1000"
cifar="--data cifar10 --hidden 2000,2000,2000 --augment crops"
fine="--data cifar100 --hidden 2000,2000,2000 --augment crops"
until="--patience 6 --cuts 2"
greedy_low="--learning-rate 3.2e-4 --weight-gain 2.45"
bp_low="--learning-rate 1e-4 --weight-gain 2.45"
mf_low="--learning-rate 3e-4 --weight-gain 2.45"
# One pass of CIFAR-10 takes 42 seconds (mf), 50 (bp), 21 of a layer (greedy).
choose 2.1 cifar-greedy "1e-4 3e-4 1e-3 3e-3" "1 2.45" $cifar --method mf-greedy --epochs 2
choose 1.7 cifar-bp "1e-4 3e-4 1e-3 3e-3" "1 2.45" $cifar --method bp --epochs 2
choose 1.4 cifar-mf "1e-4 3e-4 1e-3 3e-3" "1 2.45" $cifar --method mf --epochs 2
choose 0.6 mnist-greedy "3e-4 1e-3 3e-3" "1 2.45" $mnist --method mf-greedy --epochs 3
choose 0.6 fashion-greedy "3e-4 1e-3 3e-3" "1 2.45" $fashion --method mf-greedy --epochs 3
choose 0.6 fashion-bp "3e-4 1e-3 3e-3" "1 2.45" $fashion --method bp --epochs 5
choose 0.5 fashion-mf "3e-4 1e-3 3e-3" "1 2.45" $fashion --method mf --epochs 5
for seed in 1 2 3; do
    run 47 cifar-greedy-long-low-s$seed --group cifar-greedy-long-low $cifar --method mf-greedy --epochs 45 --seed $seed $greedy_low
    run 37 cifar-bp-long-low-s$seed --group cifar-bp-long-low $cifar --method bp --epochs 45 --seed $seed $bp_low
    run 32 cifar-mf-long-low-s$seed --group cifar-mf-long-low $cifar --method mf --epochs 45 --seed $seed $mf_low
    run 12.5 cifar-bp-passes-s$seed --group cifar-bp-passes $cifar --method bp --epochs 15 --seed $seed @cifar-bp
    run 10.5 cifar-mf-passes-s$seed --group cifar-mf-passes $cifar --method mf --epochs 15 --seed $seed @cifar-mf
    run 5.5 cifar-greedy-passes-s$seed --group cifar-greedy-passes $cifar --method mf-greedy --epochs 5 --seed $seed @cifar-greedy
    run 6 mnist-greedy-converged-s$seed --group mnist-greedy-converged $mnist --method mf-greedy --epochs 100 $until --seed $seed @mnist-greedy
    run 6 mnist-bp-converged-s$seed --group mnist-bp-converged $mnist --method bp --epochs 100 $until --seed $seed @sanity/mnist-bp
    run 5 mnist-mf-converged-s$seed --group mnist-mf-converged $mnist --method mf --epochs 100 $until --seed $seed @sanity/mnist-mf
    run 6 fashion-greedy-converged-s$seed --group fashion-greedy-converged $fashion --method mf-greedy --epochs 100 $until --seed $seed @fashion-greedy
    run 6 fashion-bp-converged-s$seed --group fashion-bp-converged $fashion --method bp --epochs 100 $until --seed $seed @fashion-bp
    run 5 fashion-mf-converged-s$seed --group fashion-mf-converged $fashion --method mf --epochs 100 $until --seed $seed @fashion-mf
    run 1.6 mnist-greedy-passes-s$seed --group mnist-greedy-passes $mnist --method mf-greedy --epochs 10 --seed $seed @mnist-greedy
done
for seed in 1 2 3; do
    run 12.5 fine-bp-passes-s$seed --group fine-bp-passes $fine --method bp --epochs 15 --seed $seed @cifar-bp
    run 10.5 fine-mf-passes-s$seed --group fine-mf-passes $fine --method mf --epochs 15 --seed $seed @cifar-mf
    run 5.5 fine-greedy-passes-s$seed --group fine-greedy-passes $fine --method mf-greedy --epochs 5 --seed $seed @cifar-greedy
done
# The rates of long runs that did worse on the validation rows, and so have no other seed.
run 47 cifar-greedy-long-s1 --group cifar-greedy-long $cifar --method mf-greedy --epochs 45 --seed 1 @cifar-greedy
run 37 cifar-bp-long-s1 --group cifar-bp-long $cifar --method bp --epochs 45 --seed 1 @cifar-bp
run 32 cifar-mf-long-s1 --group cifar-mf-long $cifar --method mf --epochs 45 --seed 1 @cifar-mf
run 70 cifar-greedy-converged-s1 --group cifar-greedy-converged $cifar --method mf-greedy --epochs 100 $until --seed 1 @cifar-greedy
run 60 cifar-bp-converged-s1 --group cifar-bp-converged $cifar --method bp --epochs 100 $until --seed 1 @cifar-bp
# As many passes as the greedy network's three layers have together.
run 112 cifar-bp-135-s1 --group cifar-bp-135 $cifar --method bp --epochs 135 --seed 1 $bp_low
