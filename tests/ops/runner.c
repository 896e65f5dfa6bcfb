/* Calls kernels with given inputs and compares their outputs, byte by byte; looks for writes beside them. */
#include "runner.h"

#include "eq_platform.h"

enum { GUARD = 64, MAX_OPERANDS = 16, FILL = 0x5a, FARTHER = 16 };

static uint8_t *memory;
static size_t memory_bytes;

static uint32_t aligned(uint32_t bytes)
{
    return (bytes + 15U) & ~15U;
}

static void complain(const test_case *test, const char *what)
{
    eq_platform_message("FAIL ");
    eq_platform_message(test->name);
    eq_platform_message(": ");
    eq_platform_message(what);
    eq_platform_message("\n");
}

static int differs(const int8_t *found, const int8_t *expected, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        if (found[i] != expected[i]) {
            return 1;
        }
    }
    return 0;
}

/* Something else than what is expected, so that a byte that is not written shows. */
static void spoil(int8_t *output, const int8_t *expected, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        output[i] = (int8_t)(expected[i] ^ 0x2b);
    }
}

/* Every operand in its own memory, with guards around outputs and scratch. */
static int check_apart(const test_case *test)
{
    int8_t *outputs[MAX_OPERANDS];
    uint32_t used = GUARD;
    uint8_t *const scratch = memory + used;
    used += aligned(test->scratch_bytes) + GUARD;
    for (uint32_t k = 0; k < test->output_count; k++) {
        outputs[k] = (int8_t *)(memory + used);
        used += aligned(test->output_bytes[k]) + GUARD;
    }
    if (used > memory_bytes || test->output_count > MAX_OPERANDS || test->input_count > MAX_OPERANDS) {
        complain(test, "too large for the test program");
        return 1;
    }
    for (uint32_t i = 0; i < used; i++) {
        memory[i] = FILL;
    }
    for (uint32_t k = 0; k < test->output_count; k++) {
        spoil(outputs[k], test->expected[k], test->output_bytes[k]);
    }

    test->call(test->inputs, outputs, scratch);

    int wrong = 0;
    for (uint32_t k = 0; k < test->output_count; k++) {
        wrong |= differs(outputs[k], test->expected[k], test->output_bytes[k]);
        for (uint32_t i = 0; i < test->output_bytes[k]; i++) {
            outputs[k][i] = FILL;
        }
    }
    if (wrong) {
        complain(test, "output differs from the simulator's");
    }
    for (uint32_t i = 0; i < test->scratch_bytes; i++) {
        scratch[i] = FILL;
    }
    for (uint32_t i = 0; i < used; i++) {
        if (memory[i] != FILL) {
            complain(test, "writes outside its output and scratch memory");
            return 1;
        }
    }
    return wrong;
}

/* The output starts `before` bytes before input `which`. */
static int check_overlapping(const test_case *test, uint32_t which, int32_t before)
{
    uint32_t used = aligned(test->scratch_bytes);
    int8_t *const base = (int8_t *)memory + used;
    int8_t *const input = base + (before > 0 ? before : 0);
    int8_t *const output = base + (before > 0 ? 0 : -before);
    const int8_t *inputs[MAX_OPERANDS];
    used += test->input_bytes[which] + test->output_bytes[0] + (uint32_t)(before > 0 ? before : -before);
    if (used > memory_bytes) {
        complain(test, "too large for the test program");
        return 1;
    }
    for (uint32_t k = 0; k < test->input_count; k++) {
        inputs[k] = test->inputs[k];
    }
    spoil(output, test->expected[0], test->output_bytes[0]);
    for (uint32_t i = 0; i < test->input_bytes[which]; i++) {
        input[i] = test->inputs[which][i];
    }
    inputs[which] = input;
    test->call(inputs, &output, memory);
    if (differs(output, test->expected[0], test->output_bytes[0])) {
        complain(test, "overwrites an input that it has still to read");
        return 1;
    }
    return 0;
}

int eq_main(int argc, const char *const *argv)
{
    (void)argc;
    (void)argv;
    memory = eq_platform_memory(&memory_bytes);
    int failed = 0;
    for (uint32_t n = 0; n < test_case_count; n++) {
        const test_case *const test = &test_cases[n];
        int wrong = check_apart(test);
        for (uint32_t k = 0; k < test->input_count && test->output_count == 1 && !wrong; k++) {
            /* As near as the kernel's row allows, and farther. */
            for (int32_t more = 0; more <= FARTHER && test->overlaps[k] != NO_OVERLAP && !wrong; more += FARTHER) {
                wrong |= check_overlapping(test, k, test->overlaps[k] + more);
            }
            if (test->exactly[k] != NO_OVERLAP && !wrong) {
                wrong |= check_overlapping(test, k, test->exactly[k]);
            }
        }
        failed |= wrong;
    }
    eq_platform_message("all cases have run\n");
    return failed;
}
