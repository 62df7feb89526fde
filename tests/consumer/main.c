/* An outside program in C. SPDX-License-Identifier: MIT */
#include "train.h"

int main(void)
{
    return train("C");
}
