#include "link.h"

#include "eq_console.h"
#include "eq_platform.h"
#include "frame.h"
#include "served.h"

#include <stddef.h>
#include <string.h>

/* The most data of one request. */
#ifndef EQ_LINK_BYTES
#define EQ_LINK_BYTES 512
#endif

enum { VERSION = 1, ANSWER = 0x80, HEAD = 3, MOST_HEAD = HEAD + 4 };
enum { INFO = 1, WRITE, RUN, READ, MANY, TABLE, PAINT, RESET, ECHO, MODEL };
enum { OK, STARTED, DAMAGED, BAD_REQUEST, NOT_WRITTEN, MODEL_FAILED };
enum { HAS_PROFILE = 1, HAS_STATE = 2, HAS_MORE = 4 };
enum { FLAGS = EQ_SERVED_BEGIN | EQ_SERVED_WATCH | EQ_SERVED_TIME, FLAG_BITS = 3, MEANT = 0xFF >> FLAG_BITS };

static eq_frame_sender sender;

/* The model that answers, and its number. */
static const eq_served_model *model;
static uint32_t chosen;
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
    const uint32_t *sizes = from ? model->input_bytes : model->output_bytes;
    for (uint32_t i = 0; bytes; offset -= sizes[i], i++) {
        if (offset >= sizes[i]) {
            continue;
        }
        const uint32_t here = sizes[i] - offset < bytes ? sizes[i] - offset : bytes;
        if (from) {
            memcpy(model->input(i) + offset, from, here);
            from += here;
        } else {
            eq_frame_put(&sender, model->output(i) + offset, here);
        }
        offset += here;
        bytes -= here;
    }
}

/* Runs the model, whose inputs are used up by it. */
static int run(int flags, uint64_t *stack)
{
    written = 0;
    return model->run(flags & FLAGS, stack);
}

/* Whether flags are about another model than the one that answers: the device started anew since it was chosen. */
static int mean_another(int flags)
{
    return flags >> FLAG_BITS != (int)(chosen & MEANT);
}

static uint32_t sum(const uint32_t *sizes, uint32_t count)
{
    uint32_t total = 0;
    while (count--) {
        total += sizes[count];
    }
    return total;
}

static void choose(uint32_t index)
{
    chosen = index;
    model = eq_served_models[index];
    input_bytes = sum(model->input_bytes, model->inputs);
    output_bytes = sum(model->output_bytes, model->outputs);
    last.done = 0;
    painted = 0;
    written = 0;
}

static void describe(const uint8_t *request)
{
    const char *fault = model->weights_fault();
    int features = model->table ? HAS_PROFILE : 0;
    features |= model->state_bytes ? HAS_STATE : 0;
    features |= eq_served_count > 1 ? HAS_MORE : 0;
    begin_answer(request, OK);
    put(VERSION, 1);
    put((uint64_t)features, 1);
    put(EQ_LINK_BYTES, 2);
    put(input_bytes, 4);
    put(output_bytes, 4);
    put(model->arena_bytes, 4);
    put(model->state_bytes, 4);
    put(model->layers, 4);
    put(model->identity, 8);
    put_text(model->name);
    put_text(fault ? fault : "");
    eq_frame_end(&sender);
}

static void info(const uint8_t *request, size_t bytes)
{
    if (bytes) {
        answer(request, BAD_REQUEST);
        return;
    }
    choose(0);
    describe(request);
}

static void choose_model(const uint8_t *request, size_t bytes)
{
    const uint32_t index = bytes == 2 ? number_at(request + HEAD, 2) : 0;
    if (bytes != 2 || index >= eq_served_count) {
        answer(request, BAD_REQUEST);
        return;
    }
    choose(index);
    describe(request);
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

static void run_once(const uint8_t *request, size_t bytes)
{
    const int flags = request[HEAD];
    if (bytes != 1 || (flags & EQ_SERVED_TIME && !model->table)) {
        answer(request, BAD_REQUEST);
        return;
    }
    const int again = last.done && last.number == number_at(request + 1, 2);
    if (mean_another(flags) || (!again && written < input_bytes)) {
        answer(request, NOT_WRITTEN);
        return;
    }
    if (!again) {
        uint64_t stack = 0;
        answer(request, STARTED);
        last.status = run(flags, &stack) ? MODEL_FAILED : OK;
        last.stack = (uint32_t)stack;
        last.arena = painted ? model->painted_to() : 0;
        painted = 0;
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
    const int flags = request[HEAD];
    if (bytes && mean_another(flags)) {
        answer(request, NOT_WRITTEN);
        return;
    }
    /* Asked again, states would be others. */
    if (model->state_bytes || bytes < 1 || flags & FLAGS & ~EQ_SERVED_WATCH || (bytes - 1) % input_bytes) {
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
}

static void read_table(const uint8_t *request, size_t bytes)
{
    const uint32_t first = bytes == 6 ? number_at(request + HEAD, 4) : 0;
    const uint32_t count = bytes == 6 ? number_at(request + HEAD + 4, 2) : 0;
    const uint32_t values = model->table ? model->layers + 3 : 0;
    if (!values || bytes != 6 || first > values || count > values - first) {
        answer(request, BAD_REQUEST);
        return;
    }
    begin_answer(request, OK);
    for (uint32_t i = 0; i < count; i++) {
        put(model->table[first + i], 8);
    }
    eq_frame_end(&sender);
}

static void paint_arena(const uint8_t *request, size_t bytes)
{
    if (bytes) {
        answer(request, BAD_REQUEST);
        return;
    }
    model->paint();
    painted = 1;
    written = 0;
    answer(request, OK);
}

static void begin(void)
{
    for (uint32_t i = 0; i < eq_served_count; i++) {
        eq_served_models[i]->begin();
    }
    choose(0);
}

static void reset(const uint8_t *request, size_t bytes)
{
    answer(request, bytes ? BAD_REQUEST : OK);
    if (!bytes) {
        eq_platform_reset();
        begin(); /* a computer does not start anew */
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
        NULL, info, write_inputs, run_once, read_outputs, run_many, read_table, paint_arena, reset, echo, choose_model,
    };
    if (request[0] == 0 || request[0] >= sizeof commands / sizeof *commands) {
        answer(request, BAD_REQUEST);
        return;
    }
    commands[request[0]](request, bytes);
}

void eq_link_serve(void)
{
    static const uint8_t nobody[HEAD] = {0};
    static uint8_t request[MOST_HEAD + EQ_LINK_BYTES + EQ_FRAME_CRC_BYTES];
    eq_frame_receiver receiver;
    eq_console_init();
    begin();
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
