/* Tasks that take turns, the more urgent first: the least of what FreeRTOS does, under names like its own. */
#ifndef TASKS_H
#define TASKS_H

#include <stdint.h>

enum { TASKS = 2 };

/* Task 0 is the most urgent. A stack is `bytes` large, a multiple of 8 and aligned to 8; a task never returns. */
void task_create(int task, void (*run)(void), void *stack, uint32_t bytes);

/* Interrupt every `ticks` cycles of the processor, and run the tasks, for ever. */
void task_start(uint32_t ticks) __attribute__((noreturn));

/* Let others run until `ticks` more interrupts have come. */
void task_delay(uint32_t ticks);

/* Bytes of a task's stack that were never used. */
uint32_t task_stack_left(int task);

#endif
