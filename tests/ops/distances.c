/* Finds how far the output of a kernel may really start before each of its inputs, by trying.
 *
 * For every case and input: a line "NAME: input K, declared D, found F", F being the least distance from which on
 * results are right, and "exactly E, S of 2 beside it are wrong" where the row has such a distance. Inputs are random,
 * and what is right is what the kernel computes with everything apart. */
#include "runner.h"

#include "eq_platform.h"

enum { MAX_OPERANDS = 16, ROUNDS = 3, BEYOND = 64, NEAR = 8, STRIDE = 8 };

static int8_t *memory;
static size_t memory_bytes;

static uint32_t aligned(uint32_t bytes)
{
    return (bytes + 15U) & ~15U;
}

/* What a case is run with. */
typedef struct {
    const test_case *test;
    int8_t *scratch;
    int8_t *inputs[MAX_OPERANDS];
    int8_t *expected;
    int8_t *room; /* for an output over an input */
} place;

static int8_t *take(uint32_t *used, uint32_t bytes)
{
    int8_t *const found = memory + *used;
    *used += aligned(bytes) + 16;
    return found;
}

static void copy(int8_t *to, const int8_t *from, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = from[i];
    }
}

/* Other inputs, and what they give. */
static void draw(const place *p, uint32_t *seed)
{
    for (uint32_t k = 0; k < p->test->input_count; k++) {
        for (uint32_t i = 0; i < p->test->input_bytes[k]; i++) {
            *seed = *seed * 1664525U + 1013904223U;
            p->inputs[k][i] = (int8_t)(uint8_t)(*seed >> 24);
        }
    }
    int8_t *output = p->expected;
    p->test->call((const int8_t *const *)p->inputs, &output, p->scratch);
}

/* Whether the result is wrong if the output starts `before` bytes before input k. */
static int is_wrong(const place *p, uint32_t k, int32_t before)
{
    int8_t *const input = p->room + (before > 0 ? before : 0);
    int8_t *output = p->room + (before > 0 ? 0 : -before);
    const int8_t *inputs[MAX_OPERANDS];
    const uint32_t bytes = p->test->output_bytes[0];
    for (uint32_t j = 0; j < p->test->input_count; j++) {
        inputs[j] = p->inputs[j];
    }
    inputs[k] = input;
    for (uint32_t i = 0; i < bytes; i++) {
        output[i] = (int8_t)(p->expected[i] ^ 0x2b);
    }
    copy(input, p->inputs[k], p->test->input_bytes[k]);
    p->test->call(inputs, &output, p->scratch);
    for (uint32_t i = 0; i < bytes; i++) {
        if (output[i] != p->expected[i]) {
            return 1;
        }
    }
    return 0;
}

/* Whether it is wrong with any of some inputs. */
static int can_fail(const place *p, uint32_t k, int32_t before)
{
    uint32_t seed = 1;
    for (int32_t round = 0; round < ROUNDS; round++) {
        draw(p, &seed);
        if (is_wrong(p, k, before)) {
            return 1;
        }
    }
    return 0;
}

static void say_number(int32_t value)
{
    char text[12];
    uint32_t rest = value < 0 ? 0U - (uint32_t)value : (uint32_t)value;
    char *at = text + sizeof text;
    *--at = 0;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        *--at = '-';
    }
    eq_platform_message(at);
}

static void say(const test_case *test, uint32_t k, const char *what, int32_t value)
{
    eq_platform_message(test->name);
    eq_platform_message(": input ");
    say_number((int32_t)k);
    eq_platform_message(what);
    say_number(value);
}

static void search(const place *p, uint32_t k)
{
    const test_case *const test = p->test;
    const int32_t step = (int32_t)test->step, least = -(int32_t)test->input_bytes[k];
    const int32_t most = (int32_t)aligned(test->output_bytes[0]);
    const int32_t declared = test->overlaps[k] == NO_OVERLAP ? most : test->overlaps[k];
    int32_t found = declared + step * BEYOND;
    found = found < most ? found : most;
    /* Far beyond what is declared every eighth distance, every one from there on. */
    while (found - declared > step * NEAR && !can_fail(p, k, found - step * STRIDE)) {
        found -= step * STRIDE;
    }
    while (found - step >= least && !can_fail(p, k, found - step)) {
        found -= step;
    }
    say(test, k, ", declared ", declared);
    eq_platform_message(", found ");
    say_number(found);
    eq_platform_message("\n");
}

static void look_beside(const place *p, uint32_t k)
{
    const int32_t at = p->test->exactly[k];
    if (at == NO_OVERLAP || (p->test->overlaps[k] != NO_OVERLAP && p->test->overlaps[k] <= at)) {
        return;
    }
    say(p->test, k, ", exactly ", at);
    eq_platform_message(can_fail(p, k, at) ? " is wrong, " : ", ");
    say_number(can_fail(p, k, at - 16) + can_fail(p, k, at + 16));
    eq_platform_message(" of 2 beside it are wrong\n");
}

int eq_main(int argc, const char *const *argv)
{
    (void)argc;
    (void)argv;
    memory = (int8_t *)eq_platform_memory(&memory_bytes);
    for (uint32_t n = 0; n < test_case_count; n++) {
        const test_case *const test = &test_cases[n];
        uint32_t used = 0;
        place p = {.test = test};
        p.scratch = take(&used, test->scratch_bytes);
        p.expected = take(&used, test->output_bytes[0]);
        for (uint32_t k = 0; k < test->input_count; k++) {
            p.inputs[k] = take(&used, test->input_bytes[k]);
        }
        p.room = memory + used;
        for (uint32_t k = 0; k < test->input_count && test->output_count == 1; k++) {
            if (used + 2 * test->input_bytes[k] + 2 * test->output_bytes[0] + 64 > memory_bytes) {
                eq_platform_message("too large for the test program\n");
                return 1;
            }
            search(&p, k);
            look_beside(&p, k);
        }
    }
    eq_platform_message("all cases have run\n");
    return 0;
}
