#include "link.h"

#include "eq_console.h"
#include "eq_platform.h"
#include "frame.h"
#include "inference.h"

#include <string.h>

/* The most data of one request. */
#ifndef EQ_LINK_BYTES
#define EQ_LINK_BYTES 512
#endif

enum { VERSION = 1, ANSWER = 0x80, HEAD = 3, MOST_HEAD = HEAD + 4 };
enum { INFO = 1, WRITE, RUN, READ, MANY, TABLE, PAINT, RESET, ECHO };
enum { OK, STARTED, DAMAGED, BAD_REQUEST, NOT_WRITTEN, MODEL_FAILED };
enum { HAS_PROFILE = 1, HAS_STATE = 2 };
enum { BEGIN = 1, WATCH = 2, TIME = 4 };

#ifdef EQ_PROFILE
enum { ALL_FLAGS = BEGIN | WATCH | TIME };
#else
enum { ALL_FLAGS = BEGIN | WATCH };
#endif

static const uint8_t paint = 0xA7;

static eq_frame_sender sender;
static uint32_t input_bytes, output_bytes;

/* The last RUN: its number, and how it ended. */
static struct {
    int done;
    uint32_t number;
    uint8_t status;
    uint32_t stack;
    uint32_t arena;
} last;

static int painted;

/* How many bytes of the inputs have been written since the last inference, without a gap. */
static uint32_t written;

#ifdef EQ_PROFILE
static uint64_t table[1 + EQ_PROFILE_VALUES];
#endif

static uint32_t number_at(const uint8_t *from, int bytes)
{
    uint32_t value = 0;
    while (bytes--) {
        value = value << 8 | from[bytes];
    }
    return value;
}

static void put(uint64_t value, int bytes)
{
    for (; bytes; bytes--, value >>= 8) {
        const uint8_t byte = (uint8_t)value;
        eq_frame_put(&sender, &byte, 1);
    }
}

static void put_text(const char *text)
{
    size_t length = 0;
    while (text[length] && length < 255) {
        length++;
    }
    put(length, 1);
    eq_frame_put(&sender, (const uint8_t *)text, length);
}

static void begin_answer(const uint8_t *request, int status)
{
    eq_frame_begin(&sender);
    put(request[0] | ANSWER, 1);
    put(number_at(request + 1, 2), 2);
    put((uint64_t)status, 1);
}

static void answer(const uint8_t *request, int status)
{
    begin_answer(request, status);
    eq_frame_end(&sender);
}

/* Bytes `offset` to `offset + bytes` of the inputs, which lie in the arena; `from` is NULL to read the outputs instead,
 * which are sent. */
static void move(uint32_t offset, uint32_t bytes, const uint8_t *from)
{
    const uint32_t *sizes = from ? eq_model_inputs : eq_model_outputs;
    for (uint32_t i = 0; bytes; offset -= sizes[i], i++) {
        if (offset >= sizes[i]) {
            continue;
        }
        const uint32_t here = sizes[i] - offset < bytes ? sizes[i] - offset : bytes;
        if (from) {
            memcpy((uint8_t *)eq_model_input_in_arena(eq_arena, i) + offset, from, here);
            from += here;
        } else {
            eq_frame_put(&sender, (const uint8_t *)eq_model_output_in_arena(eq_arena, i) + offset, here);
        }
        offset += here;
        bytes -= here;
    }
}

static int run(int flags, uint64_t *stack)
{
    static const void *inputs[EQ_MODEL_INPUTS];
    static void *outputs[EQ_MODEL_OUTPUTS];
    written = 0;
    if (flags & BEGIN) {
        eq_begin_sequence();
    }
#ifdef EQ_PROFILE
    if (flags & TIME) {
        memset(table, 0, sizeof table);
        table[0] = eq_profile_overhead();
        return eq_infer_timed(inputs, outputs, table + 1);
    }
#endif
    return flags & WATCH ? eq_infer_watched(inputs, outputs, stack) : eq_infer(inputs, outputs);
}

static uint32_t arena_bytes(void)
{
    uint32_t bytes = EQ_MODEL_ARENA_BYTES;
#ifdef EQ_MODEL_ARENAS
    for (uint32_t i = 0; i < EQ_MODEL_ARENAS; i++) {
        bytes += eq_model_arenas[i].bytes;
    }
#endif
    return bytes;
}

static void info(const uint8_t *request, size_t bytes)
{
    if (bytes) {
        answer(request, BAD_REQUEST);
        return;
    }
    int features = 0;
#ifdef EQ_PROFILE
    features |= HAS_PROFILE;
#endif
#ifdef EQ_MODEL_STATE_BYTES
    features |= HAS_STATE;
    const uint32_t state_bytes = EQ_MODEL_STATE_BYTES;
#else
    const uint32_t state_bytes = 0;
#endif
    last.done = 0;
    begin_answer(request, OK);
    put(VERSION, 1);
    put((uint64_t)features, 1);
    put(EQ_LINK_BYTES, 2);
    put(input_bytes, 4);
    put(output_bytes, 4);
    put(arena_bytes(), 4);
    put(state_bytes, 4);
    put(EQ_MODEL_LAYERS, 4);
    put(EQ_MODEL_IDENTITY, 8);
    put_text(EQ_MODEL_NAME);
#ifdef EQ_MODEL_WEIGHTS_FILE
    const char *fault = eq_model_weights_fault();
    put_text(fault ? fault : "");
#else
    put_text("");
#endif
    eq_frame_end(&sender);
}

static void write_inputs(const uint8_t *request, size_t bytes)
{
    const uint32_t offset = bytes < 4 ? 0 : number_at(request + HEAD, 4);
    const uint32_t size = bytes < 4 ? 0 : (uint32_t)bytes - 4;
    if (bytes < 4 || offset > input_bytes || size > input_bytes - offset) {
        answer(request, BAD_REQUEST);
        return;
    }
    move(offset, size, request + HEAD + 4);
    if (offset <= written && offset + size > written) {
        written = offset + size;
    }
    answer(request, OK);
}

static uint32_t used_of(const uint8_t *arena, uint32_t bytes)
{
    while (bytes && arena[bytes - 1] == paint) {
        bytes--;
    }
    return bytes;
}

/* Of several arenas the sum. */
static uint32_t arena_used(void)
{
    uint32_t used = painted ? used_of(eq_arena, EQ_MODEL_ARENA_BYTES) : 0;
#ifdef EQ_MODEL_ARENAS
    for (uint32_t i = 0; painted && i < EQ_MODEL_ARENAS; i++) {
        used += used_of(eq_model_arenas[i].start, eq_model_arenas[i].bytes);
    }
#endif
    painted = 0;
    return used;
}

static void run_once(const uint8_t *request, size_t bytes)
{
    const int flags = request[HEAD];
    if (bytes != 1 || flags & ~ALL_FLAGS) {
        answer(request, BAD_REQUEST);
        return;
    }
    const int again = last.done && last.number == number_at(request + 1, 2);
    if (!again && written < input_bytes) {
        answer(request, NOT_WRITTEN);
        return;
    }
    if (!again) {
        uint64_t stack = 0;
        answer(request, STARTED);
        last.status = run(flags, &stack) ? MODEL_FAILED : OK;
        last.stack = (uint32_t)stack;
        last.arena = arena_used();
        last.number = number_at(request + 1, 2);
        last.done = 1;
    }
    begin_answer(request, last.status);
    put(last.stack, 4);
    put(last.arena, 4);
    eq_frame_end(&sender);
}

static void read_outputs(const uint8_t *request, size_t bytes)
{
    const uint32_t offset = bytes == 6 ? number_at(request + HEAD, 4) : 0;
    const uint32_t count = bytes == 6 ? number_at(request + HEAD + 4, 2) : 0;
    if (bytes != 6 || offset > output_bytes || count > output_bytes - offset) {
        answer(request, BAD_REQUEST);
        return;
    }
    begin_answer(request, OK);
    move(offset, count, NULL);
    eq_frame_end(&sender);
}

static void run_many(const uint8_t *request, size_t bytes)
{
#ifdef EQ_MODEL_STATE_BYTES
    (void)bytes;
    answer(request, BAD_REQUEST); /* asked again, the states would be others */
#else
    const int flags = request[HEAD];
    if (bytes < 1 || flags & ~WATCH || (bytes - 1) % input_bytes) {
        answer(request, BAD_REQUEST);
        return;
    }
    uint64_t stack = 0;
    int failed = 0;
    answer(request, STARTED);
    begin_answer(request, OK);
    const uint8_t *end = request + HEAD + bytes;
    for (const uint8_t *next = request + HEAD + 1; next < end && !failed; next += input_bytes) {
        move(0, input_bytes, next);
        failed = run(flags, &stack) != 0;
        move(0, output_bytes, NULL);
    }
    put(stack, 4);
    put((uint64_t)failed, 1);
    eq_frame_end(&sender);
#endif
}

static void read_table(const uint8_t *request, size_t bytes)
{
#ifdef EQ_PROFILE
    const uint32_t first = bytes == 6 ? number_at(request + HEAD, 4) : 0;
    const uint32_t count = bytes == 6 ? number_at(request + HEAD + 4, 2) : 0;
    const uint32_t values = sizeof table / sizeof *table;
    if (bytes == 6 && first <= values && count <= values - first) {
        begin_answer(request, OK);
        for (uint32_t i = 0; i < count; i++) {
            put(table[first + i], 8);
        }
        eq_frame_end(&sender);
        return;
    }
#else
    (void)bytes;
#endif
    answer(request, BAD_REQUEST);
}

static void paint_arena(const uint8_t *request, size_t bytes)
{
    if (bytes) {
        answer(request, BAD_REQUEST);
        return;
    }
    memset(eq_arena, paint, EQ_MODEL_ARENA_BYTES);
#ifdef EQ_MODEL_ARENAS
    for (uint32_t i = 0; i < EQ_MODEL_ARENAS; i++) {
        memset(eq_model_arenas[i].start, paint, eq_model_arenas[i].bytes);
    }
#endif
    painted = 1;
    written = 0;
    answer(request, OK);
}

static void reset(const uint8_t *request, size_t bytes)
{
    answer(request, bytes ? BAD_REQUEST : OK);
    if (!bytes) {
        eq_platform_reset();
        last.done = 0; /* a computer does not start anew */
        painted = 0;
        written = 0;
        eq_begin_sequence();
    }
}

static void echo(const uint8_t *request, size_t bytes)
{
    begin_answer(request, OK);
    eq_frame_put(&sender, request + HEAD, bytes);
    eq_frame_end(&sender);
}

/* `bytes` are those after the number. */
static void obey(const uint8_t *request, size_t bytes)
{
    static void (*const commands[])(const uint8_t *request, size_t bytes) = {
        NULL, info, write_inputs, run_once, read_outputs, run_many, read_table, paint_arena, reset, echo,
    };
    if (request[0] == 0 || request[0] >= sizeof commands / sizeof *commands) {
        answer(request, BAD_REQUEST);
        return;
    }
    commands[request[0]](request, bytes);
}

static uint32_t sum(const uint32_t *sizes, uint32_t count)
{
    uint32_t total = 0;
    while (count--) {
        total += sizes[count];
    }
    return total;
}

void eq_link_serve(void)
{
    static const uint8_t nobody[HEAD] = {0};
    static uint8_t request[MOST_HEAD + EQ_LINK_BYTES + EQ_FRAME_CRC_BYTES];
    eq_frame_receiver receiver;
    input_bytes = sum(eq_model_inputs, EQ_MODEL_INPUTS);
    output_bytes = sum(eq_model_outputs, EQ_MODEL_OUTPUTS);
    eq_console_init();
    eq_begin_sequence();
    eq_frame_listen(&receiver, request, sizeof request);
    for (;;) {
        const int byte = eq_console_read_byte();
        if (byte == EQ_CONSOLE_ENDED) {
            return;
        }
        if (byte < 0) {
            continue;
        }
        const eq_frame_event event = eq_frame_receive(&receiver, (uint8_t)byte);
        if (event == EQ_FRAME_DAMAGED) {
            answer(nobody, DAMAGED);
        } else if (event == EQ_FRAME_WHOLE && receiver.size >= HEAD && !(request[0] & ANSWER)) {
            obey(request, receiver.size - HEAD);
        }
    }
}
