# The paper's convolutions, 64-128-256-512, averaged over 2 x 2: projections on the flattened maps and on maps pooled to
# 4 x 4 at most. Learning rates are chosen on a part of the data; CIFAR-100 has those of CIFAR-10. Read by ../run.sh.
cifar="--data cifar10 --conv 64,128,256,512 --hidden none --augment crops"
fine="--data cifar100 --conv 64,128,256,512 --hidden none --augment crops"
mnist="--data mnist --conv 64,128,256,512 --hidden none"
# One pass of CIFAR-10 takes 2.8 minutes (mf), 3.9 (bp); of MNIST 2.4 and 3.4.
kind() { # kind NAME: sets its options and how long it takes beside mf
    case $1 in
    mf-flat) how="--method mf" factor=1 ;;
    mf-pooled) how="--method mf --head 4" factor=1 ;;
    bp) how="--method bp" factor=1.4 ;;
    esac
}
minutes_of() { # minutes_of PASSES
    awk -v m=$one -v f=$factor -v p="$1" 'BEGIN { print p * m * f }'
}
for set in mnist cifar; do
    [ $set = mnist ] && common=$mnist passes=5 one=2.4 || { common=$cifar passes=10 one=2.8; }
    for name in mf-flat mf-pooled bp; do
        kind $name
        choose "$(minutes_of 0.5)" $set-$name "3e-4 1e-3 3e-3 1e-2" 2.45 $common $how --limit 15000 --validation 2500 --epochs 2
    done
    for name in mf-flat mf-pooled bp; do
        kind $name
        run "$(minutes_of $passes)" $set-$name-s1 --group $set-$name $common $how --epochs $passes --seed 1 @$set-$name
    done
done
one=2.8
for seed in 1 2 3; do
    for name in mf-flat bp; do
        kind $name
        run "$(minutes_of 10)" fine-$name-s$seed --group fine-$name $fine $how --epochs 10 --seed $seed @cifar-$name
    done
done
