/* Frames on a stream of bytes that may lose, change and invent some.
 *
 * A frame is some data and their CRC-32 (that of Ethernet and zlib, low byte first), together encoded so that no byte
 * is zero (Cheshire and Baker, Consistent Overhead Byte Stuffing, 1999), between two zeros. Whoever begins to listen is
 * in step from the next zero on. */
#ifndef EQ_FRAME_H
#define EQ_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define EQ_FRAME_CRC_BYTES 4

typedef struct {
    uint8_t *data; /* where a frame goes, its CRC too */
    size_t room;
    size_t size;   /* bytes that are there; after a whole frame, without its CRC */
    uint32_t crc;  /* of these bytes */
    uint8_t code;  /* of the block that is being received: how many bytes it has with this one; 0: no block yet */
    uint8_t left;  /* bytes of the block that are to come */
    uint8_t begun; /* whether anything came since the last zero */
    uint8_t wrong; /* whether it cannot become a frame */
} eq_frame_receiver;

typedef enum {
    EQ_FRAME_UNFINISHED,
    EQ_FRAME_WHOLE,   /* data and size are a frame's, until the next byte is received */
    EQ_FRAME_DAMAGED, /* something ended that is no frame */
} eq_frame_event;

void eq_frame_listen(eq_frame_receiver *receiver, uint8_t *data, size_t room);
eq_frame_event eq_frame_receive(eq_frame_receiver *receiver, uint8_t byte);

/* A frame is sent while it is being made: it can be of any size. */
typedef struct {
    uint8_t block[255];
    uint8_t used;
    uint32_t crc;
} eq_frame_sender;

void eq_frame_begin(eq_frame_sender *sender);
void eq_frame_put(eq_frame_sender *sender, const uint8_t *data, size_t bytes);
void eq_frame_end(eq_frame_sender *sender);

#endif
