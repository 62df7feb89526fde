# Texts as hashed bags of words and bigrams, two layers of 256, each method to its own convergence. Read by ../run.sh.
for data in rt-polarity imdb; do
    [ $data = imdb ] && columns=16384 || columns=8192
    for method in mf bp linear; do
        common="--data $data --columns $columns --method $method --hidden 256,256 --validation 1000 --patience 4 --cuts 1
            --epochs 40"
        choose 0.3 $data-$method "3e-5 1e-4 3e-4 1e-3 3e-3" 1 $(echo $common)
        for seed in 1 2 3 4 5; do
            run 0.3 $data-$method-s$seed --group $data-$method $(echo $common) --seed $seed @$data-$method
        done
    done
done
