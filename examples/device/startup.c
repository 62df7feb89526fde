/* What a program on a bare Cortex-M4 or M7 needs before main(), and the few calls of the C library's that
 * reach the outside: text and the end of the program go to a debugger or an emulator by semihosting. A board
 * has its own. SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

extern uint32_t data_from[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];
int main(void);

enum { SYS_WRITEC = 0x03, SYS_EXIT = 0x18, APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };

static void semihost(uint32_t operation, uintptr_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

void _exit(int code)
{
    semihost(SYS_EXIT, code == 0 ? APPLICATION_EXIT : RUN_TIME_ERROR);
    for (;;)
        ;
}

int _write(int file, const char *text, int count)
{
    (void)file;
    for (int i = 0; i < count; i++)
        semihost(SYS_WRITEC, (uintptr_t)(text + i));
    return count;
}

/* There is no heap: what asks for one gets none. */
void *_sbrk(ptrdiff_t bytes)
{
    (void)bytes;
    return (void *)-1;
}

enum { UNTOUCHED = 0x5AFE57AC, MOST_STACK = 16384 };

/* Bytes of stack that were ever used, up to MOST_STACK. */
size_t stack_used(void)
{
    const uint32_t *low = stack_top - MOST_STACK / sizeof *stack_top;
    while (*low == UNTOUCHED)
        low++;
    return (size_t)((const char *)stack_top - (const char *)low);
}

static void mark_stack(void)
{
    volatile uint32_t *here = (volatile uint32_t *)__builtin_frame_address(0) - 16;
    for (volatile uint32_t *p = stack_top - MOST_STACK / sizeof *stack_top; p < here; p++)
        *p = UNTOUCHED;
}

void reset(void)
{
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: the floating-point unit is on */
    __asm__ volatile("dsb\n isb");
    memcpy(data_begin, data_from, (size_t)((char *)data_end - (char *)data_begin));
    memset(bss_begin, 0, (size_t)((char *)bss_end - (char *)bss_begin));
    mark_stack();
    _exit(main());
}

static void fault(void)
{
    _exit(1);
}

__attribute__((section(".vectors"), used)) static const uintptr_t vectors[16] = {
    (uintptr_t)stack_top, (uintptr_t)reset, (uintptr_t)fault, (uintptr_t)fault,
    (uintptr_t)fault,     (uintptr_t)fault, (uintptr_t)fault,
};
