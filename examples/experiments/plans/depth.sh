# CIFAR-10 flattened, layers of 500, no augmentation, each to its own convergence. Learning rate and the scale of the
# weights are chosen for each method at 2, 8 and 15 layers, by what three passes reach at that rate; depths between take the
# next one below. Read by ../run.sh.
# A pass of L layers takes 4.6 + 0.75 L seconds (mf), half as much again (bp).
minutes_of() { # minutes_of LAYERS PASSES FACTOR
    awk -v l="$1" -v p="$2" -v f="$3" 'BEGIN { printf "%.1f", f * p * (4.6 + 0.75 * l) / 60 }'
}
for method in mf bp; do
    [ $method = mf ] && factor=1 || factor=1.5
    for depth in 2 8 15; do
        choose "$(minutes_of $depth 3 $factor)" $method-$depth "1e-4 3e-4 1e-3" "1 2.45" --data cifar10 --method $method \
            --epochs 3 --patience 3 --hidden "$(layers $depth 500)"
    done
done
chosen_for() { # chosen_for LAYERS: whose choice is taken
    case $1 in
    2 | 4) echo 2 ;;
    8 | 12) echo 8 ;;
    *) echo 15 ;;
    esac
}
for depth in 2 4 8 12 15 20 30; do
    chosen=$(chosen_for $depth)
    common="--data cifar10 --epochs 60 --patience 5 --cuts 1 --seed 1 --hidden $(layers $depth 500)"
    run "$(minutes_of $depth 25 1)" mf-$depth-s1 --group mf-$depth --method mf $common @mf-$chosen
    [ $depth -gt 15 ] ||
        run "$(minutes_of $depth 25 1.5)" bp-$depth-s1 --group bp-$depth --method bp $common @bp-$chosen
done
# The time of a pass, with nothing beside it.
for depth in 2 4 8 12 15; do
    common="--data cifar10 --epochs 1 --hidden $(layers $depth 500)"
    alone "$(minutes_of $depth 1 1)" one-pass-mf-$depth --method mf $common @mf-$(chosen_for $depth)
    alone "$(minutes_of $depth 1 1.5)" one-pass-bp-$depth --method bp $common @bp-$(chosen_for $depth)
done
