# The paper's convolutions, 64-128-256-512, averaged over 2 x 2: projections on the flattened maps and on maps pooled to
# 4 x 4 at most. Learning rates are chosen on a part of the data. Read by ../run.sh.
# One pass of CIFAR-10 takes 4 minutes (mf), 5.6 (bp); of MNIST 3.2 and 4.5.
cifar="--data cifar10 --conv 64,128,256,512 --hidden none --augment crops"
mnist="--data mnist --conv 64,128,256,512 --hidden none"
for set in mnist cifar; do
    [ $set = mnist ] && common=$mnist passes=5 one=3.2 || { common=$cifar passes=10 one=4; }
    for kind in mf-flat mf-pooled bp; do
        case $kind in
        mf-flat) how="--method mf" factor=1 ;;
        mf-pooled) how="--method mf --head 4" factor=1 ;;
        bp) how="--method bp" factor=1.4 ;;
        esac
        choose "$(awk -v m=$one -v f=$factor 'BEGIN { print 0.6 * m * f }')" $set-$kind "3e-4 1e-3" "1 2.45" $common $how \
            --limit 15000 --validation 2500 --epochs 2
    done
    for seed in 1; do
        for kind in mf-flat mf-pooled bp; do
            case $kind in
            mf-flat) how="--method mf" factor=1 ;;
            mf-pooled) how="--method mf --head 4" factor=1 ;;
            bp) how="--method bp" factor=1.4 ;;
            esac
            run "$(awk -v m=$one -v f=$factor -v p=$passes 'BEGIN { print p * m * f }')" $set-$kind-s$seed \
                --group $set-$kind $common $how --epochs $passes --seed $seed @$set-$kind
        done
    done
done
