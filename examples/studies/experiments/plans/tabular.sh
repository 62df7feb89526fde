# Tables: two layers of 128, each method to its own convergence. Read by ../run.sh.
for data in adult letter wine-quality optdigits; do
    case $data in
    adult) held=5000 time=0.05 ;;
    letter) held=2000 time=0.05 ;;
    *) held=500 time=0.03 ;;
    esac
    for method in mf bp linear; do
        common="--data $data --method $method --hidden 128,128 --validation $held --patience 8 --cuts 2 --epochs 150"
        choose $time $data-$method "3e-4 1e-3 3e-3 1e-2 3e-2 1e-1" 1 $common
        for seed in 1 2 3 4 5; do
            run $time $data-$method-s$seed --group $data-$method $common --seed $seed @$data-$method
        done
    done
done
