/* Runs the model on data from a file, or on what comes over a line.
 *
 *     run INPUT OUTPUT [STACK]              one inference after the other until INPUT ends
 *     sequences INPUT OUTPUT STEPS [STACK]  the same; the state begins anew after every STEPS of them
 *     profile INPUT TABLE REPEATS           REPEATS inferences, each layer timed: those of INPUT as one sequence, then
 *                                           the last of them again, each time with the state as it begins
 *     link                                  answers on the console (links/serial), until that ends
 *
 * The last is there with EQ_LINK, and what is done where a debugger gives no words at all. The state of a model that
 * has one begins at zero; only such a model knows the second command. A file holds one record per inference: every
 * input, or every output, in the model's order, without gaps. TABLE holds 64-bit numbers of the machine's byte order:
 * what timing itself costs each value; then per repeat the time until the first layer, of each layer, and after the
 * last. STACK holds one such number: the most bytes of stack that any of the inferences used, or 0 where that is not
 * known. */
#include "eq_platform.h"
#include "inference.h"

#include <string.h>

#ifdef EQ_LINK
#include "link.h"
#endif

enum { OK, BAD_USAGE, BAD_FILE, BAD_DATA, NO_MEMORY, MODEL_FAILED };

/* One transfer through a debugger or an emulator is slow whatever its size. */
static const size_t block_bytes = 256 * 1024;

typedef struct {
    uint8_t *next;
    size_t left;
} pool;

typedef struct {
    void **ports;
    const uint32_t *port_bytes;
    uint32_t count;
    size_t bytes;
} record;

static int fail(int code, const char *what, const char *which)
{
    eq_platform_message("edgeq: ");
    eq_platform_message(what);
    eq_platform_message(which);
    eq_platform_message("\n");
    return code;
}

static void *take(pool *memory, size_t bytes)
{
    const size_t rounded = (bytes + 15) & ~(size_t)15;
    if (rounded > memory->left) {
        return NULL;
    }
    uint8_t *taken = memory->next;
    memory->next += rounded;
    memory->left -= rounded;
    return taken;
}

static int make_record(record *r, pool *memory, const uint32_t *port_bytes, uint32_t count)
{
    r->ports = take(memory, count * sizeof(void *));
    r->port_bytes = port_bytes;
    r->count = count;
    r->bytes = 0;
    for (uint32_t i = 0; r->ports && i < count; i++) {
        r->ports[i] = take(memory, port_bytes[i]);
        r->bytes += port_bytes[i];
        if (!r->ports[i]) {
            return 0;
        }
    }
    return r->ports != NULL;
}

static void unpack(const record *r, const uint8_t *from)
{
    for (uint32_t i = 0; i < r->count; from += r->port_bytes[i], i++) {
        memcpy(r->ports[i], from, r->port_bytes[i]);
    }
}

static void pack(const record *r, uint8_t *to)
{
    for (uint32_t i = 0; i < r->count; to += r->port_bytes[i], i++) {
        memcpy(to, r->ports[i], r->port_bytes[i]);
    }
}

/* Inferences per transfer: as many as fit a block, and no more than fit the memory; 0 if not even one does. */
static size_t records_per_block(const pool *memory, size_t in_bytes, size_t out_bytes)
{
    const size_t spare = memory->left > 32 ? memory->left - 32 : 0;
    const size_t fitting = spare / (in_bytes + out_bytes);
    const size_t wanted = block_bytes / (in_bytes + out_bytes);
    return wanted > fitting ? fitting : wanted ? wanted : fitting ? 1 : 0;
}

/* `steps` is how many inferences are a sequence, or 0 where all are. `stack` is NULL, or where the most bytes of stack
 * go that an inference used. */
static int run_file(pool *memory, const record *in, const record *out, int input, int output, size_t steps,
                    uint64_t *stack)
{
    size_t step = 0;
    const size_t records = records_per_block(memory, in->bytes, out->bytes);
    uint8_t *raw_in = take(memory, records * in->bytes);
    uint8_t *raw_out = take(memory, records * out->bytes);
    if (!records || !raw_in || !raw_out) {
        return fail(NO_MEMORY, "not enough memory for one input and one output", "");
    }
    for (;;) {
        const size_t got = eq_platform_read(input, raw_in, records * in->bytes);
        if (got % in->bytes) {
            return fail(BAD_DATA, "the input ends within an inference", "");
        }
        const size_t count = got / in->bytes;
        for (size_t i = 0; i < count; i++) {
            if (step == 0) {
                eq_begin_sequence();
            }
            step = step + 1 == steps ? 0 : step + 1;
            unpack(in, raw_in + i * in->bytes);
            const void *const *inputs = (const void *const *)in->ports;
            if (stack ? eq_infer_watched(inputs, out->ports, stack) : eq_infer(inputs, out->ports)) {
                return fail(MODEL_FAILED, "the model reported an error", "");
            }
            pack(out, raw_out + i * out->bytes);
        }
        if (eq_platform_write(output, raw_out, count * out->bytes) != count * out->bytes) {
            return fail(BAD_FILE, "the output cannot be written", "");
        }
        if (count < records) {
            return OK;
        }
    }
}

static int run_watched(pool *memory, const record *in, const record *out, int input, int output, size_t steps,
                       const char *path)
{
    uint64_t most = 0;
    const int code = run_file(memory, in, out, input, output, steps, &most);
    const int file = code == OK ? eq_platform_open(path, 1) : EQ_NO_FILE;
    if (file == EQ_NO_FILE) {
        return code == OK ? fail(BAD_FILE, "cannot open ", path) : code;
    }
    const size_t written = eq_platform_write(file, &most, sizeof most);
    eq_platform_close(file);
    return written == sizeof most ? OK : fail(BAD_FILE, "the output cannot be written", "");
}

#ifdef EQ_PROFILE

static int run_profile(pool *memory, const record *in, const record *out, int input, int table, size_t repeats)
{
    const size_t columns = EQ_PROFILE_VALUES;
    uint64_t *values = take(memory, (1 + repeats * columns) * sizeof *values);
    uint8_t *raw = take(memory, in->bytes);
    if (!values || !raw) {
        return fail(NO_MEMORY, "not enough memory for the table of times", "");
    }
    memset(values, 0, (1 + repeats * columns) * sizeof *values);
    for (size_t i = 0; i < repeats; i++) {
        const size_t got = eq_platform_read(input, raw, in->bytes);
        if (got != in->bytes && (got != 0 || i == 0)) {
            return fail(BAD_DATA, "the input ends within an inference", "");
        }
        if (got == 0 || i == 0) {
            eq_begin_sequence();
        }
        unpack(in, raw);
        if (eq_infer_timed((const void *const *)in->ports, out->ports, values + 1 + i * columns)) {
            return fail(MODEL_FAILED, "the model reported an error", "");
        }
    }
    values[0] = eq_profile_overhead();
    const size_t bytes = (1 + repeats * columns) * sizeof *values;
    return eq_platform_write(table, values, bytes) == bytes ? OK : fail(BAD_FILE, "the table cannot be written", "");
}

#endif

#if defined(EQ_PROFILE) || defined(EQ_MODEL_STATE_BYTES)

static size_t number(const char *text)
{
    size_t value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        value = value * 10 + (size_t)(*text - '0');
    }
    return value;
}

#endif

static int is(const char *word, const char *command)
{
    while (*word && *word == *command) {
        word++;
        command++;
    }
    return *word == *command;
}

static int run_command(pool *memory, int argc, const char *const *argv, int input, int output)
{
    record in;
    record out;
    if (!make_record(&in, memory, eq_model_inputs, EQ_MODEL_INPUTS) ||
        !make_record(&out, memory, eq_model_outputs, EQ_MODEL_OUTPUTS)) {
        return fail(NO_MEMORY, "not enough memory for one input and one output", "");
    }
    if (argc == 4 && is(argv[1], "run")) {
        return run_file(memory, &in, &out, input, output, 0, NULL);
    }
    if (argc == 5 && is(argv[1], "run")) {
        return run_watched(memory, &in, &out, input, output, 0, argv[4]);
    }
#ifdef EQ_MODEL_STATE_BYTES
    if (argc == 5 && is(argv[1], "sequences")) {
        return run_file(memory, &in, &out, input, output, number(argv[4]), NULL);
    }
    if (argc == 6 && is(argv[1], "sequences")) {
        return run_watched(memory, &in, &out, input, output, number(argv[4]), argv[5]);
    }
#endif
#ifdef EQ_PROFILE
    if (argc == 5 && is(argv[1], "profile")) {
        return run_profile(memory, &in, &out, input, output, number(argv[4]));
    }
#endif
    return fail(BAD_USAGE, "this program has no command ", argv[1]);
}

int eq_main(int argc, const char *const *argv)
{
#ifdef EQ_LINK
    if (argc == 0 || (argc == 2 && is(argv[1], "link"))) {
        eq_link_serve();
        return OK;
    }
#endif
    if (argc < 4) {
        return fail(BAD_USAGE, "usage: run INPUT OUTPUT [STACK]", "");
    }
#ifdef EQ_MODEL_WEIGHTS_FILE
    const char *fault = eq_model_weights_fault();
    if (fault) {
        return fail(BAD_DATA, "the weights in memory are ", fault);
    }
#endif
    pool memory;
    memory.next = eq_platform_memory(&memory.left);
    const int input = eq_platform_open(argv[2], 0);
    if (input == EQ_NO_FILE) {
        return fail(BAD_FILE, "cannot open ", argv[2]);
    }
    const int output = eq_platform_open(argv[3], 1);
    if (output == EQ_NO_FILE) {
        eq_platform_close(input);
        return fail(BAD_FILE, "cannot open ", argv[3]);
    }
    const int code = run_command(&memory, argc, argv, input, output);
    eq_platform_close(input);
    eq_platform_close(output);
    return code;
}
