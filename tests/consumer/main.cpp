/* An outside program in C++. SPDX-License-Identifier: MIT */
#include "train.h"

int main()
{
    return train("C++");
}
