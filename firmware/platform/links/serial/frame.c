#include "frame.h"

#include "eq_console.h"

static const uint32_t crc_start = 0xFFFFFFFFu;

/* What the CRC becomes over data and their own CRC, whatever the data are. */
static const uint32_t crc_right = 0xDEBB20E3u;

/* Half a byte at a time: the table is small, and quicker than any serial line. */
static uint32_t crc_with(uint32_t crc, uint8_t byte)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
        0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu,
    };
    crc = table[(crc ^ byte) & 15] ^ crc >> 4;
    return table[(crc ^ (uint32_t)byte >> 4) & 15] ^ crc >> 4;
}

static void wait_for_frame(eq_frame_receiver *r)
{
    r->crc = crc_start;
    r->code = 0;
    r->left = 0;
    r->begun = 0;
    r->wrong = 0;
}

void eq_frame_listen(eq_frame_receiver *r, uint8_t *data, size_t room)
{
    r->data = data;
    r->room = room;
    r->size = 0;
    wait_for_frame(r);
}

static void keep(eq_frame_receiver *r, uint8_t byte)
{
    if (r->size == r->room) {
        r->wrong = 1;
        return;
    }
    r->data[r->size++] = byte;
    r->crc = crc_with(r->crc, byte);
}

static eq_frame_event finish(eq_frame_receiver *r)
{
    const int begun = r->begun;
    const int right = !r->wrong && !r->left && r->size >= EQ_FRAME_CRC_BYTES && r->crc == crc_right;
    wait_for_frame(r);
    if (right) {
        r->size -= EQ_FRAME_CRC_BYTES;
        return EQ_FRAME_WHOLE;
    }
    return begun ? EQ_FRAME_DAMAGED : EQ_FRAME_UNFINISHED;
}

eq_frame_event eq_frame_receive(eq_frame_receiver *r, uint8_t byte)
{
    if (byte == 0) {
        return finish(r);
    }
    if (!r->begun) {
        r->begun = 1;
        r->size = 0;
    }
    if (r->left) {
        r->left--;
        keep(r, byte);
        return EQ_FRAME_UNFINISHED;
    }
    /* A block ends with a zero that is not sent, unless it is as long as a block can be. */
    if (r->code && r->code != 255) {
        keep(r, 0);
    }
    r->code = byte;
    r->left = (uint8_t)(byte - 1);
    return EQ_FRAME_UNFINISHED;
}

static void send_block(eq_frame_sender *s)
{
    s->block[0] = (uint8_t)(s->used + 1);
    eq_console_write(s->block, (size_t)s->used + 1);
    s->used = 0;
}

static void send(eq_frame_sender *s, uint8_t byte)
{
    if (byte == 0) {
        send_block(s);
        return;
    }
    s->block[++s->used] = byte;
    if (s->used == 254) {
        send_block(s);
    }
}

void eq_frame_begin(eq_frame_sender *s)
{
    const uint8_t zero = 0;
    eq_console_write(&zero, 1);
    s->used = 0;
    s->crc = crc_start;
}

void eq_frame_put(eq_frame_sender *s, const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        s->crc = crc_with(s->crc, data[i]);
        send(s, data[i]);
    }
}

void eq_frame_end(eq_frame_sender *s)
{
    const uint8_t zero = 0;
    const uint32_t crc = ~s->crc;
    for (int shift = 0; shift < 32; shift += 8) {
        send(s, (uint8_t)(crc >> shift));
    }
    send_block(s);
    eq_console_write(&zero, 1);
}
