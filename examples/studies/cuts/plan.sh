# The runs, in the order of their weight: run NAME PROGRAM OPTIONS. Read by run.sh, which has set $data.
# Heads on the whole maps: with 16,000 images to learn from and 4,000 to validate with, the last block had 46.9% after two
# passes, with heads on 8 x 8 and 4 x 4 parts 46.1 and 44.0. The whole network's maps are 4 x 4 where its head reads them.
residual() { # residual SEED CUT...
    seed=$1
    shift
    for cut in "$@"; do
        run resnet18-$cut-s$seed resnet18 --data "$data/cifar-10" --cut $cut --head 0 --width 8 --batch 64 --epochs 2 \
            --seed $seed
    done
}
hundred() { # hundred SEED CUT...: CIFAR-100, where its binary files are
    seed=$1
    shift
    [ -f "$data/cifar-100/train.bin" ] || return 0
    for cut in "$@"; do
        run resnet18-cifar100-$cut-s$seed resnet18 --data "$data/cifar-100" --cut $cut --head 0 --width 8 --batch 64 \
            --epochs 2 --seed $seed
    done
}
mixers() { # mixers SEED: heads on all patches, and as mixer-mean the last one on their mean
    for cut in block none; do
        run mixer-$cut-s$1 mixer --data "$data/cifar-10" --cut $cut --width 32 --batch 64 --epochs 2 --seed $1
        run mixer-mean-$cut-s$1 mixer --data "$data/cifar-10" --cut $cut --head 1 --width 32 --batch 64 --epochs 2 \
            --seed $1
    done
}
transformers() { # transformers BLOCKS SEED
    for cut in block none; do
        run language$1-$cut-s$2 language --data "$data/text/wikitext-2" --cut $cut --blocks $1 --width 64 --length 64 \
            --limit 45000 --test-limit 6000 --seed $2
    done
}
residual 1 block none stage conv
mixers 1
transformers 2 1
residual 1 half
# What else heads can be: linear on 4 x 4 parts, and the same behind a convolution.
run resnet18-head4-block-s1 resnet18 --data "$data/cifar-10" --cut block --head 4 --width 8 --batch 64 --epochs 2 --seed 1
run resnet18-headconv-block-s1 resnet18 --data "$data/cifar-10" --cut block --head 4 --head-conv --width 8 --batch 64 \
    --epochs 2 --seed 1
for seed in 2 3; do
    residual $seed block none stage conv half
    mixers $seed
    transformers 2 $seed
done
hundred 1 block none stage conv
transformers 4 1
