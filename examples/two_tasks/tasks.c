#include "tasks.h"

#define ICSR (*(volatile uint32_t *)(uintptr_t)0xE000ED04u)
#define SHPR3 (*(volatile uint32_t *)(uintptr_t)0xE000ED20u)
#define SYSTICK ((volatile uint32_t *)(uintptr_t)0xE000E010u)

enum { PENDSV = 1 << 28, FILL = 0x5a5a5a5a, THUMB = 1 << 24, EXC_RETURN = (int)0xfffffffd };

struct task {
    uint32_t *top; /* of what the task keeps on its stack; the assembly below knows that it comes first */
    uint32_t *limit;
    volatile uint32_t due;
};

static struct task tasks[TASKS + 1]; /* the last one idles */
struct task *running;
static volatile uint32_t now;
static uint32_t idle_stack[64] __attribute__((aligned(8)));

static void idle(void)
{
    for (;;) {
        __asm__ volatile("wfi");
    }
}

/* As an interrupt leaves a stack, so that returning from one begins the task. */
void task_create(int task, void (*run)(void), void *stack, uint32_t bytes)
{
    uint32_t *const limit = stack, *top = limit + bytes / 4;
    for (uint32_t *word = limit; word < top; word++) {
        *word = FILL;
    }
    *--top = THUMB;
    *--top = (uint32_t)(uintptr_t)run & ~1u;
    top -= 6;                      /* lr, r12, r3 to r0 */
    *--top = (uint32_t)EXC_RETURN; /* without registers of the FPU */
    top -= 8;                      /* r11 to r4 */
    tasks[task] = (struct task){top, limit, 0};
}

/* The most urgent task that waits for nothing. */
__attribute__((used)) void choose(void)
{
    int k = 0;
    while (k < TASKS && (int32_t)(now - tasks[k].due) < 0) {
        k++;
    }
    running = &tasks[k];
}

void systick_handler(void)
{
    now++;
    ICSR = PENDSV;
}

/* Keep what the interrupted task has in registers, choose, and take up another one's. */
__attribute__((naked)) void pendsv_handler(void)
{
    __asm__ volatile("ldr r2, =running\n\t"
                     "ldr r1, [r2]\n\t"
                     "mrs r0, psp\n\t"
#ifdef __ARM_FP
                     "tst lr, #0x10\n\t"
                     "it eq\n\t"
                     "vstmdbeq r0!, {s16-s31}\n\t"
#endif
                     "stmdb r0!, {r4-r11, lr}\n\t"
                     "str r0, [r1]\n\t"
                     "push {r2, lr}\n\t"
                     "bl choose\n\t"
                     "pop {r2, lr}\n\t"
                     "ldr r1, [r2]\n\t"
                     "ldr r0, [r1]\n\t"
                     "ldmia r0!, {r4-r11, lr}\n\t"
#ifdef __ARM_FP
                     "tst lr, #0x10\n\t"
                     "it eq\n\t"
                     "vldmiaeq r0!, {s16-s31}\n\t"
#endif
                     "msr psp, r0\n\t"
                     "bx lr\n\t"
                     ".ltorg");
}

void task_delay(uint32_t ticks)
{
    running->due = now + ticks;
    ICSR = PENDSV;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}

uint32_t task_stack_left(int task)
{
    const uint32_t *word = tasks[task].limit;
    while (*word == FILL) {
        word++;
    }
    return 4u * (uint32_t)(word - tasks[task].limit);
}

void task_start(uint32_t ticks)
{
    static uint32_t nowhere[32] __attribute__((aligned(8)));
    static struct task beginning;
    task_create(TASKS, idle, idle_stack, sizeof idle_stack);
    running = &beginning; /* what runs until now is never taken up again */
    __asm__ volatile("msr psp, %0" : : "r"(nowhere + 32));
    SHPR3 = 0xffffu << 16; /* switching and ticks wait for every other interrupt */
    SYSTICK[1] = ticks - 1;
    SYSTICK[2] = 0;
    SYSTICK[0] = 7;
    for (;;) {
        ICSR = PENDSV;
        __asm__ volatile("dsb\n\tisb" ::: "memory");
    }
}
