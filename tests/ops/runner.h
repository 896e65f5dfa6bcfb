/* Test cases of kernels, as tests/ops/c_program.py generates them. */
#ifndef RUNNER_H
#define RUNNER_H

#include <stdint.h>

#define NO_OVERLAP INT32_MIN

typedef struct {
    const char *name;
    void (*call)(const int8_t *const *inputs, int8_t *const *outputs, void *scratch);
    const int8_t *const *inputs;
    const int8_t *const *expected;
    const uint32_t *input_bytes, *output_bytes;
    const int32_t *overlaps; /* per input: how far before it the output may start, or NO_OVERLAP */
    const int32_t *exactly;  /* per input: the one distance at which it may, or NO_OVERLAP */
    uint32_t input_count, output_count, scratch_bytes;
    uint32_t step; /* distances are multiples of it */
} test_case;

extern const test_case test_cases[];
extern const uint32_t test_case_count;

#endif
