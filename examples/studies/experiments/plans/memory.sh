# Training memory and the time of a step: layers of 2000 on MNIST's 784 inputs, batch 30000. Read by ../run.sh.
# One step a run, alone, with two threads: a layer takes 3.3 seconds (mf), 4.6 (bp).
for optimizer in sgd adam; do
    [ $optimizer = sgd ] && depths="2 5 10 15 20" || depths="5 20"
    for depth in $depths; do
        for method in mf bp bp-accumulate; do
            alone "$(awk -v d=$depth 'BEGIN { printf "%.1f", 0.08 * d }')" $optimizer-$method-$depth \
                --group $optimizer-$method --measure memory --data mnist --method $method --optimizer $optimizer \
                --batch 30000 --accumulate 1000 --threads 2 --hidden "$(layers $depth 2000)"
        done
    done
done
